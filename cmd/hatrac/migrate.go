package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/hatrac/hatrac/cmd/config"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/postgres"
	"github.com/hatrac/hatrac/store/sqlite"
)

func (a *app) migrateCommand() *cobra.Command {
	var opts postgres.MigrateOptions
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring a database up to date, or take over that of an original Hatrac server",
		Long: `Bring the database of a store up to date, after a new version of this program was
installed. If the database is that of an original Hatrac server, it is taken
over in place, and its content stays where it is: stop that server first. All
is done or nothing; whoever is interrupted starts again. See docs/MIGRATING.md.`,
		Example: "  hatrac migrate --config hatrac_config.json --dry-run",
		Args:    cobra.NoArgs,
		RunE:    a.do(func(cmd *cobra.Command, _ []string) error { return a.migrate(cmd, opts) }),
	}
	a.storeFlags(cmd)
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "tell what would be done, and change nothing")
	cmd.Flags().StringArrayVar(&opts.Owners, "owner", nil, "a `role` or user that owns the root, if an original database has no root; may be given several times")
	return cmd
}

func (a *app) migrate(cmd *cobra.Command, opts postgres.MigrateOptions) error {
	cfg, data, err := a.settings()
	if err != nil {
		return err
	}
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	for _, text := range a.warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "Warning: "+text)
	}
	done, err := migrateDatabase(ctx, cfg, opts, cmd.ErrOrStderr())
	if errors.Is(err, fs.ErrNotExist) {
		return noStore(data, a.config)
	}
	if done != nil && done.Adopted != nil {
		describeAdopted(out, done.Adopted)
	}
	if err != nil {
		return err
	}
	switch {
	case done.From == done.To:
		fmt.Fprintln(out, "The database is up to date already.")
	case opts.DryRun:
		fmt.Fprintln(out, "Nothing was changed: this was a dry run.")
	case done.Adopted != nil:
		fmt.Fprintln(out, "The database is taken over. The original server must not write to it any more.")
	default:
		fmt.Fprintf(out, "The database is up to date now: version %d after %d.\n", done.To, done.From)
	}
	return nil
}

// migrateDatabase brings the database of the configuration up to date. An SQLite file that is
// missing is fs.ErrNotExist.
func migrateDatabase(ctx context.Context, cfg *config.Config, opts postgres.MigrateOptions, errs io.Writer) (*postgres.Migrated, error) {
	if cfg.DatabaseType == "postgres" {
		p := newProgress(errs)
		defer p.end()
		opts.Progress = p.at
		if !opts.DryRun {
			bulk, err := openBulk(ctx, cfg)
			if err != nil {
				return nil, err
			}
			defer bulk.Close()
			if heir, ok := bulk.(store.Heir); ok {
				opts.UploadAddress = heir.UploadAddress
			}
		}
		return postgres.Migrate(ctx, postgres.Config{DSN: cfg.Database, Schema: cfg.DatabaseSchema}, opts)
	}
	if _, err := os.Stat(cfg.Database); err != nil {
		return nil, err
	}
	from, to, err := sqlite.Migrate(ctx, sqlite.Config{Path: cfg.Database}, opts.DryRun)
	return &postgres.Migrated{From: from, To: to}, err
}

// describeAdopted tells what a database of the original server holds.
func describeAdopted(out io.Writer, a *postgres.Adopted) {
	fmt.Fprintf(out, "The database of an original server:\n")
	fmt.Fprintf(out, "  Names     %d, and %d deleted\n", a.Names, a.DeletedNames)
	fmt.Fprintf(out, "  Versions  %d, and %d deleted\n", a.Versions, a.DeletedVersions)
	for _, more := range []struct {
		count int64
		text  string
	}{
		{a.Forwards, "of the versions were renamed"},
		{a.URLs, "of the versions lie elsewhere, by their URL"},
		{a.Unstored, "versions were never received as a whole, and stay unseen"},
		{a.Digests, "digests of versions are none, and are dropped"},
		{a.Renamed, "names are not in canonical form, and get it; their content stays where it is"},
		{a.Jobs, "uploads are under way"},
	} {
		if more.count > 0 {
			fmt.Fprintf(out, "  %-9d %s\n", more.count, more.text)
		}
	}
	if a.NoRoot {
		fmt.Fprintln(out, "  There is no root namespace; one is made, which belongs to those that --owner names.")
	}
	for _, problem := range a.Problems {
		fmt.Fprintln(out, "Problem: "+problem)
	}
}
