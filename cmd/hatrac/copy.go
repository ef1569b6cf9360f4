package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/spf13/cobra"

	"github.com/hatrac/hatrac/cmd/config"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/transfer"
)

func (a *app) copyCommand() *cobra.Command {
	var flags copyFlags
	cmd := &cobra.Command{
		Use:   "copy",
		Short: "Copy a store to another database or storage",
		Long: `Copy a whole store to another one: from SQLite to PostgreSQL or back, from files to
S3 or back, with all versions, access control lists, times and accounts. All
keep their identities, also what was deleted, so that nothing is ever taken for
something else. Both are named by a configuration file or the folder of an
embedded store; the environment does not count.

Nobody may use the source meanwhile, and it is not changed. Whoever is
interrupted starts again, and what is there already is not copied twice.
Uploads under way are not copied, and everybody has to log in again. See
docs/MIGRATING.md.`,
		Example: "  hatrac copy --from ./hatrac-data --to hatrac_config.json",
		Args:    cobra.NoArgs,
		RunE:    a.do(func(cmd *cobra.Command, _ []string) error { return copyStore(cmd, flags) }),
	}
	cmd.Flags().StringVar(&flags.from, "from", "", "the source: a configuration `file`, or the folder of an embedded store")
	cmd.Flags().StringVar(&flags.to, "to", "", "the target: a configuration `file`, or the folder of an embedded store")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "tell what would be copied, and change nothing")
	_, _ = cmd.MarkFlagRequired("from"), cmd.MarkFlagRequired("to") // the flags exist
	return cmd
}

// copyFlags say what to copy.
type copyFlags struct {
	from, to string
	dryRun   bool
}

func copyStore(cmd *cobra.Command, flags copyFlags) error {
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	source, err := sideConfig(flags.from)
	if err != nil {
		return err
	}
	target, err := sideConfig(flags.to)
	if err != nil {
		return err
	}
	from, err := openSide(ctx, source, false)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no store at %s", flags.from)
	}
	if err != nil {
		return err
	}
	defer from.close()
	to, err := openSide(ctx, target, !flags.dryRun)
	missing := flags.dryRun && (errors.Is(err, fs.ErrNotExist) || store.KindOf(err) == store.NotFound)
	if err != nil && !missing {
		return err
	}
	cfg := transfer.Config{From: from.Store, DryRun: flags.dryRun, SameStorage: reflect.DeepEqual(source.Storage, target.Storage)}
	if !missing {
		defer to.close()
		cfg.To = to.Store
	}
	p := newProgress(cmd.ErrOrStderr())
	lines := p.beside(out)
	cfg.Progress = p.at
	cfg.Report = func(problem transfer.Problem) { fmt.Fprintln(lines, problem.Version.String()+": "+problem.Text) }
	done, err := transfer.Run(ctx, cfg)
	p.end()
	if err != nil {
		return err
	}
	return describeCopied(out, done, flags)
}

// sideConfig reads the configuration of one side of a copy.
func sideConfig(place string) (*config.Config, error) {
	src := config.Source{File: place}
	info, err := os.Stat(place)
	if err == nil && info.IsDir() || errors.Is(err, fs.ErrNotExist) && filepath.Ext(place) != ".json" {
		src = config.Source{Data: place}
	}
	cfg, report := config.Read(src)
	if err := report.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	return cfg, nil
}

// side is one side of a copy.
type side struct {
	transfer.Store
	bulk bulk
}

func (s *side) close() error { return errors.Join(s.bulk.Close(), s.Directory.Close()) }

func openSide(ctx context.Context, cfg *config.Config, create bool) (*side, error) {
	dir, err := openDirectory(ctx, cfg, create)
	if err != nil {
		return nil, err
	}
	copied, ok := dir.(transfer.Directory)
	if !ok {
		return nil, errors.Join(errors.New("this kind of database cannot be copied"), dir.Close())
	}
	content, err := openBulk(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return &side{Store: transfer.Store{Directory: copied, Bulk: content}, bulk: content}, nil
}

// describeCopied tells what was copied, and what was not.
func describeCopied(out io.Writer, r transfer.Result, flags copyFlags) error {
	what := "Copied"
	if flags.dryRun {
		what = "To copy:"
	}
	fmt.Fprintf(out, "%s %d names, %d versions and %d accounts, with %d contents of %d bytes together.\n",
		what, r.Names, r.Versions, r.Accounts, r.Contents, r.Bytes)
	if r.Kept > 0 {
		fmt.Fprintf(out, "Both stores have one storage: %d contents stay where they are.\n", r.Kept)
	}
	if r.Dropped > 0 {
		fmt.Fprintf(out, "Of what was copied before, the source has %d no more.\n", r.Dropped)
	}
	if r.Uploads > 0 {
		fmt.Fprintf(out, "Uploads under way are not copied, and have to be begun anew: %d.\n", r.Uploads)
	}
	switch {
	case r.Damaged > 0:
		return fmt.Errorf("the copy is not complete: the content of versions is damaged: %d; repair or delete them and copy again", r.Damaged)
	case flags.dryRun:
		fmt.Fprintln(out, "Nothing was changed: this was a dry run.")
	case r.Changed:
		return errors.New("the copy is not complete: the source was changed meanwhile; stop what uses it and copy again")
	default:
		fmt.Fprintln(out, "The copy is complete. From its first use on it is a store of its own.")
	}
	return nil
}

// beginUse refuses what is not wholly copied. It ends the copying to a directory: whoever copied
// again would undo what is done from now on.
func beginUse(ctx context.Context, dir store.Directory) error {
	copied, ok := dir.(store.Copier)
	if !ok {
		return nil
	}
	mark, err := copied.CopyMark(ctx)
	switch {
	case err != nil || mark == store.CopyMark{}:
		return err
	case !mark.Complete:
		return errors.New("the store is a copy that is not complete: let \"hatrac copy\" go on first")
	}
	return copied.SetCopyMark(ctx, store.CopyMark{})
}
