package postgres

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

// two are two objects in a root.
func two(t *testing.T, d *Directory) (a, b store.Name) {
	t.Helper()
	root := makeRoot(t, d)
	a = store.Name{Parent: root.ID, Path: "/a", Kind: acl.Object}
	b = store.Name{Parent: root.ID, Path: "/b", Kind: acl.Object}
	if err := d.Update(t.Context(), func(tx store.Tx) error {
		if err := tx.CreateName(t.Context(), &a); err != nil {
			return err
		}
		return tx.CreateName(t.Context(), &b)
	}); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// touch changes a name, so that its row is locked.
func touch(ctx context.Context, tx store.Tx, id int64, ino uint64) error {
	return tx.SetNameAttr(ctx, id, store.Attr{Ino: ino})
}

func TestDeadlockedTransactionsAreTriedAgain(t *testing.T) {
	ctx := t.Context()
	d := openAt(t, Config{DSN: newDatabase(t, template) + " deadlock_timeout=20ms"})
	a, b := two(t, d)
	var first, all sync.WaitGroup
	first.Add(2)
	attempts := make([]int, 2)
	for i, order := range [][]int64{{a.ID, b.ID}, {b.ID, a.ID}} {
		all.Go(func() {
			if err := d.Update(ctx, func(tx store.Tx) error {
				attempts[i]++
				if err := touch(ctx, tx, order[0], uint64(i+1)); err != nil {
					return err
				}
				if attempts[i] == 1 { // both hold what the other one wants
					first.Done()
					first.Wait()
				}
				return touch(ctx, tx, order[1], uint64(i+1))
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if attempts[0]+attempts[1] < 3 {
		t.Errorf("nothing was tried again: %d attempts", attempts)
	}
	var inos []uint64
	for _, path := range []store.Path{"/a", "/b"} {
		found, err := d.Resolve(ctx, path, "")
		if err != nil {
			t.Fatal(err)
		}
		inos = append(inos, found.Name.Attr.Ino)
	}
	if inos[0] != inos[1] || inos[0] == 0 {
		t.Errorf("the transactions are mixed: %d", inos)
	}
}

// overtaken is a change that reads /a, and is overtaken by another one, as often as that.
func overtaken(t *testing.T, d, other *Directory, id int64, times int, attempts *int) error {
	t.Helper()
	ctx := t.Context()
	return d.Update(ctx, func(tx store.Tx) error {
		*attempts++
		if _, err := tx.LiveVersions(ctx, id); err != nil {
			return err
		}
		if *attempts <= times {
			if err := other.Update(ctx, func(tx store.Tx) error { return touch(ctx, tx, id, uint64(*attempts)) }); err != nil {
				return err
			}
		}
		return touch(ctx, tx, id, 100)
	})
}

func TestSerializationFailuresAreTriedAgainSoOften(t *testing.T) {
	dsn := newDatabase(t, template)
	other := openAt(t, Config{DSN: dsn})
	a, _ := two(t, other)
	for _, c := range []struct{ retries, failures, attempts int }{{3, 3, 4}, {3, 9, 4}, {-1, 9, 1}, {-1, 0, 1}, {0, 5, 6}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			d := openAt(t, Config{DSN: dsn + " default_transaction_isolation='repeatable read'", MaxRetries: c.retries})
			attempts := 0
			err := overtaken(t, d, other, a.ID, c.failures, &attempts)
			if attempts != c.attempts {
				t.Errorf("%d attempts, want %d", attempts, c.attempts)
			}
			if failed := c.failures >= c.attempts; failed != (store.KindOf(err) == store.Unavailable) || !failed && err != nil {
				t.Errorf("it answers %v", err)
			}
		})
	}
}

// terminate cuts the connection of a transaction, or of any that waits in the pool.
func terminate(t *testing.T, dsn string, pid uint32) {
	t.Helper()
	text := "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
	if pid != 0 {
		text += fmt.Sprint(" AND pid = ", pid)
	}
	if err := execute(t.Context(), dsn, text); err != nil {
		t.Fatal(err)
	}
}

func TestCutConnectionsAreReplaced(t *testing.T) {
	ctx := t.Context()
	dsn := newDatabase(t, template)
	d := openAt(t, Config{DSN: dsn})
	a, _ := two(t, d)
	terminate(t, dsn, 0)
	if found, err := d.Resolve(ctx, "/a", ""); err != nil || found.Name == nil {
		t.Errorf("after a cut a lookup finds %+v, %v", found, err)
	}
	terminate(t, dsn, 0)
	attempts := 0
	if err := d.Update(ctx, func(tx store.Tx) error { attempts++; return touch(ctx, tx, a.ID, 1) }); err != nil || attempts != 2 {
		t.Errorf("after a cut a change answers %v after %d attempts", err, attempts)
	}
	attempts = 0
	bind := func(own store.Tx) error {
		attempts++
		v := store.Version{NameID: a.ID, Version: fmt.Sprint("v", attempts), Inline: []byte("x"), HasInline: true}
		if err := own.BindVersion(ctx, &v); err != nil {
			return err
		}
		if attempts == 1 {
			terminate(t, dsn, own.(*tx).conn.PgConn().PID())
		}
		return touch(ctx, own, a.ID, 2)
	}
	if err := d.Update(ctx, bind); err != nil || attempts != 2 {
		t.Errorf("a change that is cut answers %v after %d attempts", err, attempts)
	}
	expectVersions(t, d, a.ID, "v2")
}

func expectVersions(t *testing.T, d *Directory, object int64, want ...string) {
	t.Helper()
	versions, err := d.Versions(t.Context(), object, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range versions {
		got = append(got, v.Version)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the versions are %v, want %v", got, want)
	}
}

// A commit whose answer is lost may have happened. Only who asked can know whether to repeat it.
func TestLostCommitsAreToldAndNotRepeated(t *testing.T) {
	s, ctx := durable(t), t.Context()
	proxy, err := s.Proxy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	d := openAt(t, Config{DSN: proxy.DSN("postgres"), Migrate: true})
	a, _ := two(t, d)
	var bound []string
	for i, c := range []struct {
		loss pgtest.Loss
		kept bool
	}{{pgtest.Answers, true}, {pgtest.Commits, false}} {
		attempts, name := 0, fmt.Sprint("v", i)
		proxy.Lose(c.loss)
		err := d.Update(ctx, func(tx store.Tx) error {
			attempts++
			return tx.BindVersion(ctx, &store.Version{NameID: a.ID, Version: name, Inline: []byte("x"), HasInline: true})
		})
		proxy.Lose(pgtest.Nothing)
		if store.KindOf(err) != store.Unavailable || attempts != 1 {
			t.Errorf("%d: %v after %d attempts", c.loss, err, attempts)
		}
		if c.kept {
			bound = append([]string{name}, bound...)
		}
		expectVersions(t, d, a.ID, bound...)
	}
}
