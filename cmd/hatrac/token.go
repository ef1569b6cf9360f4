package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/hatrac/hatrac/service/account"
)

func (a *app) tokenCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "token",
		Short: "Manage tokens, with which programs act as a user",
		Long: `Manage tokens. A program that sends "Authorization: Bearer TOKEN" acts as the user
whom the token belongs to.`,
	})
	cmd.AddCommand(a.tokenCreate(), a.tokenList(), a.tokenRevoke())
	return cmd
}

func (a *app) tokenCreate() *cobra.Command {
	var note string
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use:     "create USER",
		Short:   "Make a token and print it, this once only",
		Example: "  hatrac token create alice --note \"nightly upload\" --lifetime 2160h",
		Args:    cobra.ExactArgs(1),
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			return a.withAccounts(cmd.Context(), func(accounts *account.Accounts) error {
				secret, _, err := accounts.CreateToken(cmd.Context(), args[0], note, lifetime)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), secret)
				return nil
			})
		}),
	}
	a.storeFlags(cmd)
	cmd.Flags().StringVar(&note, "note", "", "what the token is for, in your words")
	cmd.Flags().DurationVar(&lifetime, "lifetime", 0, "how long the token is valid, such as 720h; 0 means until it is revoked")
	return cmd
}

func (a *app) tokenList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [USER]",
		Short: "List tokens, of one user or of all",
		Args:  cobra.MaximumNArgs(1),
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			var user string
			if len(args) == 1 {
				user = args[0]
			}
			return a.withAccounts(cmd.Context(), func(accounts *account.Accounts) error {
				tokens, err := accounts.Tokens(cmd.Context(), user)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tUSER\tCREATED\tEXPIRES\tNOTE")
				for _, t := range tokens {
					expires := "never"
					if !t.Expires.IsZero() {
						expires = t.Expires.Format(time.DateTime)
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.User, t.Created.Format(time.DateTime), expires, t.Note)
				}
				return w.Flush()
			})
		}),
	}
	a.storeFlags(cmd)
	return cmd
}

func (a *app) tokenRevoke() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke the token with the ID that \"token list\" shows",
		Args:  cobra.ExactArgs(1),
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			return a.withAccounts(cmd.Context(), func(accounts *account.Accounts) error {
				return accounts.RevokeToken(cmd.Context(), args[0])
			})
		}),
	}
	a.storeFlags(cmd)
	return cmd
}
