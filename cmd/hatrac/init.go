package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

const (
	adminName         = "admin"
	adminPasswordFile = "admin-password"
)

func (a *app) initCommand() *cobra.Command {
	var owners []string
	cmd := &cobra.Command{
		Use:   "init --owner ROLE…",
		Short: "Make a new store whose root belongs to the given roles",
		Long: `Make a new store: the database with its tables, the folder for content, and the
root namespace, which the given roles or users own with everything beneath it.

"hatrac serve --data" makes a missing store by itself, owned by an account
"admin"; use init where that is not wanted.`,
		Example: "  hatrac init --data ./store --owner alice --owner curators",
		Args:    cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			o, err := a.open(cmd.Context(), true, zerolog.Nop())
			if err != nil {
				return err
			}
			defer o.close()
			if !o.fresh {
				return errors.New("the store exists already; nothing was changed")
			}
			if err := service.Init(cmd.Context(), o.dir, owners); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "The store is ready. Its content will be in %s.\n", o.config.Storage)
			return nil
		}),
	}
	a.storeFlags(cmd)
	cmd.Flags().StringArrayVar(&owners, "owner", nil, "a `role` or user that owns the root; may be given several times")
	_ = cmd.MarkFlagRequired("owner") // the flag exists
	return cmd
}

// firstStart makes the root namespace of a fresh embedded store, and an account that owns it
// with a generated password, which is returned. What an interrupted first start has left is
// taken up.
func firstStart(ctx context.Context, o *opened, data string) (password string, err error) {
	password = account.GeneratePassword()
	file := filepath.Join(data, adminPasswordFile)
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("the password of the first account cannot be kept: %w", err)
	}
	err = o.accounts.CreateUser(ctx, adminName, nil, password)
	if store.KindOf(err) == store.Exists {
		err = o.accounts.SetPassword(ctx, adminName, password)
	}
	if err != nil {
		return "", err
	}
	return password, service.Init(ctx, o.dir, []string{adminName})
}

// makeMountPoint makes the folder to mount on, if it is missing.
func makeMountPoint(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("the mount point cannot be made: %w", err)
	}
	return nil
}
