package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/cmd/config"
)

func (a *app) configCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "config",
		Short: "Check, show and explain the configuration",
		Long: `Check, show and explain the configuration: a hatrac_config.json, environment
variables and flags. Flags win over the environment, and that over the file.`,
	})
	cmd.AddCommand(a.configCheck(), a.configShow(), configKeys(a))
	return cmd
}

func (a *app) configCheck() *cobra.Command {
	var show, connect bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell everything that is wrong with the configuration",
		Long: `Tell everything that is wrong with the configuration, and what may not be meant.
With --connect the database, the storage and the session hosts are tried too;
nothing is changed. It fails if the configuration cannot be used.`,
		Example: "  hatrac config check --config hatrac_config.json --connect",
		Args:    cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			cfg, report := a.read()
			out := cmd.OutOrStdout()
			if cfg != nil {
				checkFaces(cfg, report)
			}
			if cfg != nil && connect {
				a.cfg = cfg
				a.checkConnections(cmd.Context(), cfg, report)
			}
			tell(out, "warning: ", report.Warnings)
			tell(out, "error: ", report.Errors)
			if n := len(report.Errors); n > 0 {
				return fmt.Errorf("the configuration cannot be used: it has %d %s", n, plural(n, "error"))
			}
			fmt.Fprintln(out, "The configuration can be used.")
			if show {
				return print(out, cfg)
			}
			return nil
		}),
	}
	a.storeFlags(cmd)
	cmd.Flags().BoolVar(&show, "show", false, "show the effective configuration too")
	cmd.Flags().BoolVar(&connect, "connect", false, "try the database, the storage and the session hosts")
	return cmd
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func tell(out io.Writer, before string, sentences []string) {
	for _, text := range sentences {
		fmt.Fprintln(out, before+text)
	}
}

// print writes the effective configuration.
func print(out io.Writer, cfg *config.Config) error {
	text, err := cfg.Show()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n", text)
	return nil
}

// checkFaces adds what only those know who use the settings.
func checkFaces(cfg *config.Config, report *config.Report) {
	add(report, restConfig(cfg).Check())
	if cfg.Sessions.Uses(config.SessionProxy) {
		proxy, err := openProxy(cfg.Sessions.Proxy)
		if add(report, err); err == nil {
			_ = proxy.Close() // it has no connections
		}
	}
}

// add adds an error, or each of several joined ones, to a report.
func add(report *config.Report, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			add(report, one)
		}
		return
	}
	if err != nil {
		report.Errors = append(report.Errors, sentence(err))
	}
}

// connectTime bounds one attempt to reach something.
const connectTime = time.Minute

// checkConnections tries what the configuration leads to, without changing it.
func (a *app) checkConnections(ctx context.Context, cfg *config.Config, report *config.Report) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	dir, err := openDirectory(ctx, cfg, false)
	if errors.Is(err, fs.ErrNotExist) {
		err = noStore(cfg.Data, cfg.File)
	}
	if add(report, err); err == nil {
		add(report, dir.Close())
	}
	add(report, checkStorage(ctx, cfg.Storage))
	if cfg.Sessions.Uses(config.SessionTables) {
		tables, err := openTables(ctx, cfg.Sessions.Tables)
		if add(report, err); err == nil {
			add(report, tables.Check(ctx))
			add(report, tables.Close())
		}
	}
	if cfg.Sessions.Uses(config.SessionProxy) {
		proxy, err := openProxy(cfg.Sessions.Proxy)
		if err == nil { // else it has been told already
			add(report, proxy.Check(ctx))
			add(report, proxy.Close())
		}
	}
}

// checkStorage tries to reach the content. Opening a folder would make what is missing in it, so
// that is only looked at.
func checkStorage(ctx context.Context, s config.Storage) error {
	switch s.Backend {
	case config.Filesystem:
		if err := unix.Access(s.Path, unix.R_OK|unix.W_OK|unix.X_OK); err != nil {
			return fmt.Errorf("the folder of the content, %s, cannot be used: %w", s.Path, err)
		}
		return nil
	case config.Overlay:
		var failed error
		for _, layer := range s.Layers {
			failed = errors.Join(failed, checkStorage(ctx, layer))
		}
		return failed
	}
	bulk, err := openStorage(ctx, s)
	if err != nil {
		return err
	}
	return bulk.Close()
}

func (a *app) configShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show the effective configuration, without secrets",
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			cfg, _, err := a.settings()
			if err != nil {
				return err
			}
			return print(cmd.OutOrStdout(), cfg)
		}),
	}
	a.storeFlags(cmd)
	return cmd
}

func configKeys(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "keys",
		Short: "List all keys with their flags, variables and defaults",
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			for _, key := range config.Keys() {
				if err := explain(cmd.OutOrStdout(), key); err != nil {
					return err
				}
			}
			return nil
		}),
	}
}

func explain(out io.Writer, key config.Key) error {
	value, err := json.Marshal(key.Default)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n  %s\n  %s, default %s\n  %s", key.Name, key.Doc, key.Type, value, key.Env)
	if key.Scalar {
		fmt.Fprintf(out, ", --%s", key.Flag)
	}
	if key.Secret {
		fmt.Fprintf(out, "; or %s_file", key.Name)
	}
	fmt.Fprint(out, "\n\n")
	return nil
}
