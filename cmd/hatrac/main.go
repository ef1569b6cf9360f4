// Command hatrac serves a versioned, access-controlled object store as a REST API and as a
// file system.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/hatrac/hatrac/cmd/config"
	"github.com/hatrac/hatrac/store"
)

// Exit codes.
const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // who asks a second time does not want to wait
	code := runAs(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// runAs executes a command line with the name of the program, which may be that of the helper of
// mount(8).
func runAs(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) == 0 || filepath.Base(args[0]) != helperName {
		return run(ctx, args[min(1, len(args)):], in, out, errs)
	}
	translated, err := fstabArgs(args[1:])
	if err != nil {
		fmt.Fprintf(errs, "%s: %s\n", helperName, err)
		return exitFailure
	}
	if translated == nil {
		return 0
	}
	return run(ctx, translated, in, out, errs)
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	a := &app{args: args}
	root := a.command()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	var told exited
	switch {
	case err == nil:
		return 0
	case errors.As(err, &told):
		return int(told)
	case !a.started:
		fmt.Fprintf(errs, "hatrac: %s\nTry \"hatrac --help\".\n", sentence(err))
		return exitUsage
	}
	fmt.Fprintf(errs, "hatrac: %s\n", sentence(err))
	return exitFailure
}

// sentence returns what a person at a terminal is told about an error: what a client would be
// told, and for faults of the machine the cause as well.
func sentence(err error) string {
	var known *store.Error
	if errors.As(err, &known) && known.Message != "" && known.Err == nil {
		if known.Resource != "" {
			return known.Resource + ": " + known.Message
		}
		return known.Message
	}
	return err.Error()
}

// app is one run of the program.
type app struct {
	args    []string // the command line, without the name of the program
	started bool     // a command line was understood and its command runs
	data    string
	config  string
	keys    map[string]string // what flags say, by the names of keys
	log     logFlags

	cfg      *config.Config // once it is read
	warnings []string       // about it
}

// action is what a command does once its command line is understood.
type action func(cmd *cobra.Command, args []string) error

func (a *app) do(f action) action {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return f(cmd, args)
	}
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "hatrac",
		Short: "A versioned, access-controlled object store with a REST API and a file system",
		Long: `Hatrac keeps objects in nested namespaces. Every version of an object stays what
it was, under a reference that never changes its meaning; access control lists
say who may see and change what. The store is reached by a REST API and as a
mounted file system, under the same rules.

  hatrac serve --mount ./mnt     a store in ./hatrac-data, served and mounted

The first start creates the store and an account "admin".`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		a.serveCommand(), a.mountCommand(), a.initCommand(), a.migrateCommand(), a.fsckCommand(), a.copyCommand(), a.recoverCommand(),
		a.userCommand(), a.tokenCommand(), a.configCommand(), versionCommand(a),
	)
	return root
}

// group returns a command that only holds others.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("%q is no command of %q", args[0], cmd.CommandPath())
		}
		return cmd.Help()
	}
	return cmd
}

// storeFlags adds the flags that say which store a command works on, and those of all keys of the
// configuration, of which --help shows some.
func (a *app) storeFlags(cmd *cobra.Command, shown ...string) {
	a.keyFlags(cmd, shown...)
	cmd.Flags().StringVar(&a.data, "data", "", "the folder of an embedded `store` (default \"hatrac-data\")")
	cmd.Flags().StringVar(&a.config, "config", "", "a hatrac_config.json `file`, instead of --data; its keys are flags too: hatrac config keys")
	cmd.MarkFlagsMutuallyExclusive("data", "config")
}
