package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

// makePair creates an object with two versions.
func makePair(ctx context.Context, tx store.Tx, parent int64, name string) error {
	n := store.Name{Parent: parent, Path: store.Path("/" + name), Kind: acl.Object}
	if err := tx.CreateName(ctx, &n); err != nil {
		return err
	}
	for i := range 2 {
		v := store.Version{NameID: n.ID, Version: strconv.Itoa(i), Inline: []byte(strings.Repeat(name, 50)), HasInline: true}
		if err := tx.BindVersion(ctx, &v); err != nil {
			return err
		}
	}
	return nil
}

func makeRoot(t *testing.T, d *Directory) store.Name {
	t.Helper()
	root := store.Name{Path: store.Root, Kind: acl.Namespace}
	if err := d.Update(t.Context(), func(tx store.Tx) error { return tx.CreateName(t.Context(), &root) }); err != nil {
		t.Fatal(err)
	}
	return root
}

// durable starts a server that survives being killed.
func durable(t *testing.T) *pgtest.Server {
	t.Helper()
	s, err := pgtest.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// writeUntilDown makes changes from several goroutines until the database does not answer. It
// kills the server when so many are acknowledged and returns the names of all that were.
func writeUntilDown(t *testing.T, d *Directory, s *pgtest.Server, root int64, round, changes int) []string {
	t.Helper()
	const clients = 8
	var (
		mu           sync.Mutex // guards acknowledged
		acknowledged []string
		wait         sync.WaitGroup
	)
	enough := make(chan bool)
	for client := range clients {
		wait.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%d", round, client, i)
				err := d.Update(t.Context(), func(tx store.Tx) error { return makePair(t.Context(), tx, root, name) })
				if err != nil {
					if store.KindOf(err) != store.Unavailable {
						t.Errorf("while the server is down, a change answers %v", err)
					}
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, name)
				if len(acknowledged) == changes {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	if err := s.Kill(); err != nil {
		t.Error(err)
	}
	wait.Wait()
	return acknowledged
}

func TestKilledServerLosesNoAcknowledgedChangeAndLeavesNoHalf(t *testing.T) {
	s, ctx := durable(t), t.Context()
	d := openAt(t, Config{DSN: s.DSN("postgres"), Migrate: true})
	root := makeRoot(t, d)
	acknowledged := map[string]bool{}
	for round, changes := range []int{1, 40, 150} {
		for _, name := range writeUntilDown(t, d, s, root.ID, round, changes) {
			acknowledged[name] = true
		}
		if _, err := d.Resolve(ctx, store.Root, ""); store.KindOf(err) != store.Unavailable {
			t.Errorf("while the server is down, a lookup answers %v", err)
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		expectPairs(t, d, root.ID, acknowledged)
		if err := d.Update(ctx, func(tx store.Tx) error { return makePair(ctx, tx, root.ID, fmt.Sprint("after-", round)) }); err != nil {
			t.Errorf("a change after the restart: %v", err)
		}
	}
}

// expectPairs expects that all acknowledged objects are there and that none has one version.
func expectPairs(t *testing.T, d *Directory, root int64, acknowledged map[string]bool) {
	t.Helper()
	entries, err := d.Children(t.Context(), root, "", 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, entry := range entries {
		found[entry.Name.Path.Base()] = true
		versions, err := d.Versions(t.Context(), entry.Name.ID, 0, 10)
		if err != nil || len(versions) != 2 || entry.Current == nil || entry.Current.ID != versions[0].ID {
			t.Errorf("%s was made by half: %v, %v", entry.Name.Path, versions, err)
		}
	}
	for name := range acknowledged {
		if !found[name] {
			t.Errorf("%s was acknowledged and is lost", name)
		}
	}
}
