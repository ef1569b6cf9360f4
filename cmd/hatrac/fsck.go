package main

import (
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store/check"
)

func (a *app) fsckCommand() *cobra.Command {
	var flags fsckFlags
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Check that the content of all versions is there",
		Long: `Check that the content of all versions is there and has its length, and look for
content that nothing refers to. The store may be in use meanwhile. Each problem
is told on a line of its own; the exit status is 1 if there are any.

What nothing refers to may belong to work under way, so it counts as left behind
only when it is older than --grace. A running server removes that by itself.`,
		Example: "  hatrac fsck --data ./hatrac-data --deep",
		Args:    cobra.NoArgs,
		RunE:    a.do(func(cmd *cobra.Command, _ []string) error { return a.fsck(cmd, flags) }),
	}
	a.storeFlags(cmd)
	cmd.Flags().BoolVar(&flags.deep, "deep", false, "read all content and compare its digests")
	cmd.Flags().BoolVar(&flags.repair, "repair", false, "remove content that was left behind; nothing else is changed")
	cmd.Flags().DurationVar(&flags.grace, "grace", service.DefaultSweepGrace, "the `age` from which content counts as left behind")
	return cmd
}

// fsckFlags say what fsck does.
type fsckFlags struct {
	deep, repair bool
	grace        time.Duration
}

func (a *app) fsck(cmd *cobra.Command, flags fsckFlags) error {
	if flags.grace < 0 {
		return fmt.Errorf("--grace %s is negative", flags.grace)
	}
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	o, err := a.openAsIs(ctx, false, zerolog.Nop())
	if err != nil {
		return err
	}
	defer o.close()
	p := newProgress(cmd.ErrOrStderr())
	lines := p.beside(out)
	found, err := check.Run(ctx, check.Config{
		Directory: o.dir, Bulk: o.bulk, Deep: flags.deep, Grace: flags.grace,
		Report:   func(problem check.Problem) { fmt.Fprintln(lines, problem.Subject+": "+problem.Text) },
		Progress: func(r check.Result) { p.at("versions", r.Versions, 0) },
	})
	p.end()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Looked at %d versions of %d bytes together, and %d uploads.\n", found.Versions, found.Bytes, found.Uploads)
	if !found.Listed {
		fmt.Fprintln(out, "The storage cannot tell what else it keeps.")
	}
	if flags.repair {
		swept, err := o.bulk.Sweep(ctx, time.Now().Add(-flags.grace), o.dir.Bound)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "Removed %d files of %d bytes that were left behind.\n", swept.Removed, swept.Bytes)
		found.Left = 0
	}
	if problems := found.Damaged + found.Left; problems > 0 {
		return fmt.Errorf("problems were found: %d", problems)
	}
	if flags.deep {
		fmt.Fprintln(out, "All content is there and has its digests.")
	} else {
		fmt.Fprintln(out, "All content is there.")
	}
	return nil
}
