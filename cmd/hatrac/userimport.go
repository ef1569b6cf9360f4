package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hatrac/hatrac/cmd/config"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

func (a *app) userImport() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "import --webauthn2 FILE",
		Short: "Take over the accounts of a sister service",
		Long: `Take over the accounts of the database that a webauthn2_config.json leads to: names,
passwords, and as roles all attributes, also those that others bring along.
People keep their passwords, which are hashed anew when they are first used.
Accounts that are here already stay as they are, so that this can be repeated.`,
		Example: "  hatrac user import --webauthn2 /home/ermrest/webauthn2_config.json --config hatrac_config.json",
		Args:    cobra.NoArgs,
		RunE:    a.do(func(cmd *cobra.Command, _ []string) error { return a.importUsers(cmd, file) }),
	}
	a.storeFlags(cmd)
	cmd.Flags().StringVar(&file, "webauthn2", "", "the webauthn2_config.json `file` of the sister service")
	_ = cmd.MarkFlagRequired("webauthn2") // the flag exists
	return cmd
}

func (a *app) importUsers(cmd *cobra.Command, file string) error {
	ctx := cmd.Context()
	at, err := config.Webauthn2Tables(file)
	if err != nil {
		return err
	}
	tables, err := openTables(ctx, at)
	if err != nil {
		return err
	}
	defer tables.Close()
	users, err := tables.Users(ctx)
	if err != nil {
		return err
	}
	return a.withAccounts(ctx, func(accounts *account.Accounts) error {
		var added, present, refused int
		for _, user := range users {
			err := accounts.Import(ctx, user)
			switch store.KindOf(err) {
			case store.Exists:
				present++
			case store.Invalid:
				refused++
				fmt.Fprintf(cmd.ErrOrStderr(), "%q is left out: %s\n", user.Name, sentence(err))
			default:
				if err != nil {
					return err
				}
				added++
			}
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%d accounts were added, %d were here already.\n", added, present)
		if refused > 0 {
			return fmt.Errorf("%d %s could not be taken over", refused, plural(refused, "account"))
		}
		return nil
	})
}
