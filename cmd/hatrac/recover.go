package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/hatrac/hatrac/fusefs"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func (a *app) recoverCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "recover",
		Short: "List, commit or drop what was written in a mount and did not become a version",
		Long: `List, commit or drop what was written in a mount and did not become a version:
files whose close failed, and those that were open when the server or the machine
died. They are kept until they are committed or dropped.

What was closed when the server died, but was no version yet, is made one by the
next mount or by this command, as the client who wrote it; the log says so.`,
	})
	cmd.AddCommand(a.recoverList(), a.recoverCommit(), a.recoverDrop(), a.recoverSave())
	return cmd
}

// withRecovery opens the store, calls f and closes it.
func (a *app) withRecovery(cmd *cobra.Command, f func(*opened, *fusefs.Recovery) error) error {
	log, err := a.log.open(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	o, err := a.open(cmd.Context(), false, log)
	if err != nil {
		return err
	}
	spool, err := o.spoolDir()
	if err != nil {
		return errors.Join(err, o.close())
	}
	finisher := fusefs.Finisher{Service: o.service, Client: o.clientAs, Deadline: fusefs.DefaultDeadline}
	kept, err := fusefs.OpenRecovery(cmd.Context(), spool, finisher, log)
	if err == nil {
		err = f(o, kept)
	}
	return errors.Join(err, o.close())
}

func (a *app) recoverList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what can be committed or dropped",
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			return a.withRecovery(cmd, func(_ *opened, kept *fusefs.Recovery) error {
				drafts, err := kept.List()
				if err != nil {
					return err
				}
				return printDrafts(cmd.OutOrStdout(), drafts)
			})
		}),
	}
	a.storeFlags(cmd)
	a.log.add(cmd)
	return cmd
}

func printDrafts(out io.Writer, drafts []fusefs.KeptDraft) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tBYTES\tWRITTEN\tPATH\tBY\tREASON")
	for _, d := range drafts {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\n",
			d.ID, d.Size, d.Time.UTC().Format(time.RFC3339), orUnknown(string(d.Path)), orUnknown(d.Client), d.Reason)
	}
	return table.Flush()
}

func orUnknown(text string) string {
	if text == "" {
		return "?"
	}
	return text
}

func (a *app) recoverCommit() *cobra.Command {
	var client, path string
	cmd := &cobra.Command{
		Use:   "commit ID…",
		Short: "Make drafts the next versions of the objects that they were drafts of",
		Long: `Make each draft the next version of the object that it was a draft of, with the
rights of the client --as; without it, of the one who wrote the draft if that is
known, or else of "admin". What was committed is no draft any more. A name that
is now that of a namespace, or that the client may not write, is refused; --path
says another one.`,
		Example: "  hatrac recover commit 01JDFJ3Z8Q0V9XKTB2S7RZQ4WN --as alice",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.do(func(cmd *cobra.Command, ids []string) error {
			if path != "" && len(ids) > 1 {
				return errors.New("--path names the place of one draft")
			}
			return a.withRecovery(cmd, func(o *opened, kept *fusefs.Recovery) error {
				var failed error
				for _, id := range ids {
					c := draftCommit{o: o, kept: kept, as: client, path: path}
					ref, err := c.run(cmd.Context(), id)
					if err != nil {
						failed = errors.Join(failed, fmt.Errorf("%s: %s", id, sentence(err)))
						continue
					}
					fmt.Fprintln(cmd.OutOrStdout(), ref)
				}
				return failed
			})
		}),
	}
	a.storeFlags(cmd)
	cmd.Flags().StringVar(&client, "as", "", "the `client` that commits, with the roles of its account")
	cmd.Flags().StringVar(&path, "path", "", "the `path` of the object, without the prefix of URLs, instead of the one that is known")
	a.log.add(cmd)
	return cmd
}

// draftCommit makes a draft a version.
type draftCommit struct {
	o        *opened
	kept     *fusefs.Recovery
	as, path string // empty: those of the draft
}

// run commits a draft and drops it then.
func (c *draftCommit) run(ctx context.Context, id string) (store.Ref, error) {
	draft, err := c.kept.Find(id)
	if err != nil {
		return store.Ref{}, err
	}
	path, err := c.target(draft)
	if err != nil {
		return store.Ref{}, err
	}
	name := c.as
	if name == "" {
		name = draft.Client
	}
	if name == "" {
		name = adminName
	}
	client, err := c.o.clientAs(ctx, name)
	if err != nil {
		return store.Ref{}, err
	}
	content, err := c.kept.Open(id)
	if err != nil {
		return store.Ref{}, err
	}
	defer func() { _ = content.Close() }() // only read
	result, err := c.o.service.PutObject(ctx, client, service.PutObject{
		Path: path, Draft: &service.Draft{File: content}, Size: draft.Size,
		SkipUnchanged: true, KeepMetadata: true, Revive: true,
		Attr: store.Attr{MTime: draft.Time.UnixNano(), HasMTime: true},
	})
	if err != nil {
		return store.Ref{}, err
	}
	return store.Ref{Path: path, Version: result.Version.Version}, c.kept.Drop(id)
}

// target returns the path of the object that the draft becomes a version of.
func (c *draftCommit) target(draft fusefs.KeptDraft) (store.Path, error) {
	if c.path != "" {
		return store.ParsePath(c.path, c.o.config.Bare)
	}
	if draft.Path == "" {
		return "", errors.New("nobody knows what it was a draft of; --path says where it is to go")
	}
	return draft.Path, nil
}

func (a *app) recoverDrop() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drop ID…",
		Short: "Remove drafts for good",
		Args:  cobra.MinimumNArgs(1),
		RunE: a.do(func(cmd *cobra.Command, ids []string) error {
			return a.withRecovery(cmd, func(_ *opened, kept *fusefs.Recovery) error {
				var failed error
				for _, id := range ids {
					if err := kept.Drop(id); err != nil {
						failed = errors.Join(failed, fmt.Errorf("%s: %s", id, sentence(err)))
					}
				}
				return failed
			})
		}),
	}
	a.storeFlags(cmd)
	a.log.add(cmd)
	return cmd
}

func (a *app) recoverSave() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "save ID FILE",
		Short: "Copy a draft to a file that does not exist yet, and keep it",
		Args:  cobra.ExactArgs(2),
		RunE: a.do(func(cmd *cobra.Command, args []string) error {
			return a.withRecovery(cmd, func(_ *opened, kept *fusefs.Recovery) error {
				return saveDraft(kept, args[0], args[1])
			})
		}),
	}
	a.storeFlags(cmd)
	a.log.add(cmd)
	return cmd
}

// saveDraft copies a draft to a new file, of which nothing is left if that fails.
func saveDraft(kept *fusefs.Recovery, id, name string) error {
	content, err := kept.Open(id)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }() // only read
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}
