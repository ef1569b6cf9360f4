package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/hatrac/hatrac/service/account"
)

func (a *app) userCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "user",
		Short: "Manage the accounts of a store",
		Long: `Manage the accounts of a store. The name of an account is its identity in access
control lists; its roles are further names that lists may grant rights to.`,
	})
	cmd.AddCommand(a.userAdd(), a.userPasswd(), a.userList(), a.userRemove(), a.userImport())
	return cmd
}

// withAccounts opens the store, calls f and closes it.
func (a *app) withAccounts(ctx context.Context, f func(*account.Accounts) error) error {
	o, err := a.open(ctx, false, zerolog.Nop())
	if err != nil {
		return err
	}
	return errors.Join(f(o.accounts), o.close())
}

func (a *app) userAdd() *cobra.Command {
	var roles []string
	var passwordFile string
	cmd := &cobra.Command{
		Use:     "add NAME",
		Short:   "Add an account",
		Long:    "Add an account. Without --password-file the password is asked for at the terminal.",
		Example: "  hatrac user add alice --role curators --password-file ./alice.txt",
		Args:    cobra.ExactArgs(1),
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			return a.withAccounts(cmd.Context(), func(accounts *account.Accounts) error {
				password, err := readPassword(cmd, passwordFile)
				if err != nil {
					return err
				}
				return accounts.CreateUser(cmd.Context(), args[0], roles, password)
			})
		}),
	}
	a.storeFlags(cmd)
	cmd.Flags().StringArrayVar(&roles, "role", nil, "a `role` of the account; may be given several times")
	passwordFlag(cmd, &passwordFile)
	return cmd
}

func (a *app) userPasswd() *cobra.Command {
	var passwordFile string
	cmd := &cobra.Command{
		Use:   "passwd NAME",
		Short: "Change a password and end the sessions of the account",
		Args:  cobra.ExactArgs(1),
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			return a.withAccounts(cmd.Context(), func(accounts *account.Accounts) error {
				password, err := readPassword(cmd, passwordFile)
				if err != nil {
					return err
				}
				return accounts.SetPassword(cmd.Context(), args[0], password)
			})
		}),
	}
	a.storeFlags(cmd)
	passwordFlag(cmd, &passwordFile)
	return cmd
}

func (a *app) userList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the accounts with their roles",
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			return a.withAccounts(cmd.Context(), func(accounts *account.Accounts) error {
				users, err := accounts.Users(cmd.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
				fmt.Fprintln(w, "NAME\tROLES\tCREATED")
				for _, u := range users {
					fmt.Fprintf(w, "%s\t%s\t%s\n", u.Name, strings.Join(u.Roles, ", "), u.Created.Format(time.DateOnly))
				}
				return w.Flush()
			})
		}),
	}
	a.storeFlags(cmd)
	return cmd
}

func (a *app) userRemove() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rm NAME",
		Short: "Remove an account with its sessions and tokens",
		Long: `Remove an account with its sessions and tokens. What the user owns stays, and lists
that name the user stay as they are: do not give the name to somebody else.`,
		Args: cobra.ExactArgs(1),
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			return a.withAccounts(cmd.Context(), func(accounts *account.Accounts) error {
				return accounts.DeleteUser(cmd.Context(), args[0])
			})
		}),
	}
	a.storeFlags(cmd)
	return cmd
}

func passwordFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "password-file", "", "a `file` whose first line is the password; - is standard input")
}

// readPassword takes the password from the first line of a file, of standard input, or from
// the person at the terminal, who types it twice.
func readPassword(cmd *cobra.Command, file string) (string, error) {
	switch file {
	case "":
		return askPassword(cmd)
	case "-":
		return firstLine(cmd.InOrStdin())
	}
	f, err := os.Open(file)
	if err != nil {
		return "", fmt.Errorf("the password cannot be read: %w", err)
	}
	defer f.Close()
	return firstLine(f)
}

func firstLine(r io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("the password cannot be read: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("the password is empty")
	}
	return line, nil
}

func askPassword(cmd *cobra.Command) (string, error) {
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", errors.New("there is no terminal to ask for a password at; use --password-file")
	}
	var typed [2]string
	for i, prompt := range []string{"Password: ", "The same again: "} {
		fmt.Fprint(cmd.ErrOrStderr(), prompt)
		b, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		if err != nil {
			return "", fmt.Errorf("the password cannot be read: %w", err)
		}
		typed[i] = string(b)
	}
	switch {
	case typed[0] != typed[1]:
		return "", errors.New("the two passwords differ")
	case typed[0] == "":
		return "", errors.New("the password is empty")
	}
	return typed[0], nil
}
