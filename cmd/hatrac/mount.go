package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/hatrac/hatrac/fusefs"
)

// mountFlags say how a mount is made.
type mountFlags struct {
	as           string
	mapUsers     bool
	readOnly     bool
	allowOther   bool
	showVersions bool
	source       string   // as the table of mounts tells it
	asOf         pastTime // of a mount alone
}

// pastTime is a flag with a time in the past.
type pastTime struct{ time.Time }

// Set implements pflag.Value.
func (t *pastTime) Set(text string) error {
	at, ok := fusefs.ParseTime(text)
	if !ok {
		return errors.New("a time is wanted as in 2026-11-24T19:56:14Z, or a date")
	}
	if at.After(time.Now()) {
		return errors.New("that time has not come yet")
	}
	t.Time = at
	return nil
}

// String implements pflag.Value.
func (t *pastTime) String() string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

// Type implements pflag.Value.
func (*pastTime) Type() string { return "time" }

func (f *mountFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.as, "as", adminName, "the `client` that all use of the mount counts as, with the roles of its account")
	cmd.Flags().BoolVar(&f.mapUsers, "map-users", false, "let all users of this machine in, each as who he is in the store: map_users in the configuration, or the account of his name")
	cmd.MarkFlagsMutuallyExclusive("as", "map-users")
	cmd.Flags().BoolVar(&f.readOnly, "read-only", false, "refuse all changes in the mount")
	cmd.Flags().BoolVar(&f.allowOther, "allow-other", false, "let other users of this machine into the mount, as the same client")
	cmd.Flags().BoolVar(&f.showVersions, "show-versions", false, "list the folder .versions, which is found in every folder anyway")
}

func (a *app) mountCommand() *cobra.Command {
	var flags mountFlags
	var background backgroundFlags
	cmd := &cobra.Command{
		Use:   "mount DIR",
		Short: "Show a store as a file system, without the REST API",
		Long: `Show a store as a file system at DIR until it is unmounted or the program is told
to stop (Ctrl-C). Namespaces are directories, objects are files with their
current content, and every version is a read-only file beside them:

  NAME            the current content
  NAME:VERSION    one version
  NAME;versions/  all versions
  .versions/NAME/ all versions, by the time of their making
  .snapshots/TIME/, in the root: everything as it was then

All use of the mount counts as one client (--as), or each user of the machine as
himself (--map-users), and the access control lists decide what a client may see
and do; mode bits are kept but decide nothing.`,
		Example: "  hatrac mount ./mnt --as alice\n  hatrac mount ./yesterday --as-of 2026-11-23T18:00:00Z\n  fusermount3 -u ./mnt",
		Args:    cobra.ExactArgs(1),
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			if background.wanted && !background.child {
				return launch(cmd.Context(), a.args)
			}
			out, err := background.logTo(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			log, err := a.log.open(out)
			if err != nil {
				return err
			}
			o, err := a.open(cmd.Context(), false, log)
			if err != nil {
				return err
			}
			flags.source = cmp.Or(a.config, a.data)
			return errors.Join(a.mountUntilDone(cmd, o, args[0], flags, background, log), o.close())
		}),
	}
	a.storeFlags(cmd)
	flags.add(cmd)
	cmd.Flags().Var(&flags.asOf, "as-of", "show the store as it was at a `time`, such as 2026-11-24T19:56:14Z or 2026-11-24, read-only")
	a.log.add(cmd)
	background.add(cmd)
	return cmd
}

// mountUntilDone mounts the store and returns when it is unmounted, also by the end of the
// command's context.
func (a *app) mountUntilDone(cmd *cobra.Command, o *opened, dir string, flags mountFlags, background backgroundFlags, log zerolog.Logger) error {
	o.recover(cmd.Context(), log)
	m, err := mount(cmd.Context(), o, dir, flags, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "The store is mounted on %s as %s.\n", dir, flags.who())
	if err := background.ready(); err != nil {
		return errors.Join(err, unmount(m))
	}
	running, cancel := context.WithCancel(context.WithoutCancel(cmd.Context()))
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		_ = o.service.Run(running)
	}()
	unmounted := make(chan struct{})
	go func() {
		defer close(unmounted)
		m.Wait()
	}()
	select {
	case <-unmounted:
	case <-cmd.Context().Done():
		err = unmount(m)
		<-unmounted
	}
	cancel()
	<-ran
	return err
}

// mount mounts the store on dir, which is made if it is missing.
func mount(ctx context.Context, o *opened, dir string, flags mountFlags, log zerolog.Logger) (*fusefs.Mount, error) {
	spool, err := o.spoolDir()
	if err != nil {
		return nil, err
	}
	if o.service.SpoolDir() == "" && o.config.MountSpool == "" {
		if err := makePrivate(spool); err != nil {
			return nil, err
		}
		log.Info().Str("folder", spool).Msg("what is written in the mount is kept here until it is stored; mount_spool_path names another folder")
	}
	if err := makeMountPoint(dir); err != nil {
		return nil, err
	}
	cfg := fusefs.Config{
		Dir:           dir,
		Source:        flags.source,
		Service:       o.service,
		ReadOnly:      flags.readOnly,
		AllowOther:    flags.allowOther,
		ShowVersions:  flags.showVersions,
		AsOf:          flags.asOf.Time,
		URLPrefix:     o.config.ServicePrefix,
		CacheSize:     o.config.MountCache,
		SpoolDir:      spool,
		DiskCache:     o.config.MountDiskCache,
		DiskCacheSize: o.config.MountDiskCacheSize,
		UID:           uint32(os.Getuid()),
		GID:           uint32(os.Getgid()),
		Account:       o.clientAs,
		Logger:        log,
	}
	if flags.mapUsers {
		cfg.Users = o.clientOf
		return fusefs.New(ctx, cfg)
	}
	client, err := o.clientAs(ctx, flags.as)
	if err != nil {
		return nil, err
	}
	cfg.Client = client
	return fusefs.New(ctx, cfg)
}

// who says as whom the mount is used.
func (f *mountFlags) who() string {
	if f.mapUsers {
		return "each user of this machine"
	}
	return f.as
}

// unmountTime bounds how long the end of a mount may take: what is open is committed, and what
// stays busy is detached.
const unmountTime = 5 * time.Minute

func unmount(m *fusefs.Mount) error {
	ctx, cancel := context.WithTimeout(context.Background(), unmountTime)
	defer cancel()
	if err := m.Unmount(ctx); err != nil {
		return fmt.Errorf("the mount did not end cleanly: %w", err)
	}
	return nil
}
