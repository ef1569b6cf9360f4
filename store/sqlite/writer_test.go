package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

var errStop = errors.New("stop")

// together runs changes that all wait before the first one is made, and returns the batch
// and the error of each.
func together(t *testing.T, d *Directory, changes int, fn func(i int, x *tx) error) ([]*batch, []error) {
	t.Helper()
	batches, errs := make([]*batch, changes), make([]error, changes)
	d.writer.turn <- struct{}{}
	var wait sync.WaitGroup
	for i := range changes {
		wait.Go(func() {
			errs[i] = d.writer.update(t.Context(), func(x *tx) error {
				batches[i] = d.writer.open
				return fn(i, x)
			})
		})
		synctest.Wait()
	}
	<-d.writer.turn
	wait.Wait()
	return batches, errs
}

// inBubble opens a directory in a bubble, where synctest.Wait knows who waits.
func inBubble(t *testing.T, test func(t *testing.T, d *Directory)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hatrac.db")
	synctest.Test(t, func(t *testing.T) {
		d, err := Open(t.Context(), Config{Path: path, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}()
		plant(t, d)
		test(t, d)
	})
}

func createChild(t *testing.T, tx store.Tx, i int) error {
	return tx.CreateName(t.Context(), &store.Name{Parent: 1, Path: store.Path(fmt.Sprint("/", i)), Kind: acl.Namespace})
}

func exists(t *testing.T, d *Directory, i int) bool {
	t.Helper()
	found, err := d.Resolve(t.Context(), store.Path(fmt.Sprint("/", i)), "")
	if err != nil {
		t.Fatal(err)
	}
	return found.Name != nil
}

func TestChangesThatWaitTogetherShareACommit(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory) {
		batches, errs := together(t, d, 20, func(i int, x *tx) error { return createChild(t, x, i) })
		for i, b := range batches {
			if b == nil || b != batches[0] || errs[i] != nil || !exists(t, d, i) {
				t.Errorf("change %d has the batch %p, not %p (%v)", i, b, batches[0], errs[i])
			}
		}
	})
}

func TestABatchIsBounded(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory) {
		batches, errs := together(t, d, 2*maxBatch+1, func(i int, x *tx) error { return createChild(t, x, i) })
		sizes := map[*batch]int{}
		for i, b := range batches {
			sizes[b]++
			if errs[i] != nil {
				t.Errorf("change %d: %v", i, errs[i])
			}
		}
		for b, size := range sizes {
			if size > maxBatch || size != b.members {
				t.Errorf("a batch has %d changes and says %d", size, b.members)
			}
		}
		if len(sizes) != 3 {
			t.Errorf("%d changes made %d batches", len(batches), len(sizes))
		}
	})
}

func TestAFailedCommitFailsForAllInItAndForNobodyElse(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory) {
		batches, errs := together(t, d, 9, func(i int, x *tx) error {
			switch i {
			case 4: // an orphan that only the commit finds
				for _, text := range []string{"PRAGMA defer_foreign_keys = 1", "INSERT INTO session (key, user, expires) VALUES (x'00', 'nobody', 0)"} {
					if _, err := x.prepared.exec(t.Context(), text); err != nil {
						return err
					}
				}
				return nil
			case 6:
				return errStop
			}
			return createChild(t, x, i)
		})
		for i, err := range errs {
			if batches[i] != batches[0] {
				t.Errorf("change %d is not in the batch", i)
			}
			if err == nil || errors.Is(err, errStop) || exists(t, d, i) {
				t.Errorf("change %d answers %v, and is there: %v", i, err, exists(t, d, i))
			}
		}
		if _, errs := together(t, d, 3, func(i int, x *tx) error { return createChild(t, x, i) }); errors.Join(errs...) != nil {
			t.Errorf("after a failed commit: %v", errs)
		}
	})
}

func TestAnErrorWaitsForTheCommitThatItMayRestOn(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory) {
		batches, errs := together(t, d, 2, func(_ int, x *tx) error { return createChild(t, x, 0) })
		if batches[0] != batches[1] || errs[0] != nil || store.KindOf(errs[1]) != store.Exists {
			t.Errorf("the second one hears %v", errs[1])
		}
		select {
		case <-batches[1].done:
		default:
			t.Error("the second one heard of the first one before it was durable")
		}
	})
}

func TestAGoneMemberStrandsNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory) {
		ctx, cancel := context.WithCancel(t.Context())
		var gone error
		var wait sync.WaitGroup
		_, errs := together(t, d, 5, func(i int, x *tx) error {
			if i == 2 {
				wait.Go(func() { gone = d.writer.update(ctx, func(x *tx) error { return createChild(t, x, 100) }) })
				synctest.Wait()
				cancel()
				synctest.Wait()
			}
			return createChild(t, x, i)
		})
		wait.Wait()
		if errors.Join(errs...) != nil || store.KindOf(gone) != store.Interrupted || exists(t, d, 100) {
			t.Errorf("the others hear %v, the one who has gone %v", errs, gone)
		}
	})
}

func TestAChangeThatEndsItsGoroutineIsTakenBack(t *testing.T) {
	d := openFresh(t)
	plant(t, d)
	var wait sync.WaitGroup
	wait.Go(func() {
		_ = d.Update(t.Context(), func(tx store.Tx) error {
			if err := createChild(t, tx, 1); err != nil {
				t.Error(err)
			}
			runtime.Goexit()
			return nil
		})
	})
	wait.Wait()
	if exists(t, d, 1) || d.writer.open != nil {
		t.Error("the change is there, or its transaction is open")
	}
}

func TestATransactionCannotBeKept(t *testing.T) {
	d := openFresh(t)
	plant(t, d)
	var kept store.Tx
	if err := d.Update(t.Context(), func(tx store.Tx) error { kept = tx; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := createChild(t, kept, 1); err == nil || exists(t, d, 1) {
		t.Errorf("a transaction that is over makes changes: %v", err)
	}
}

func TestClosingLetsThoseWhoWaitKnow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hatrac.db")
	synctest.Test(t, func(t *testing.T) {
		d, err := Open(t.Context(), Config{Path: path, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		plant(t, d)
		var wait sync.WaitGroup
		var made, refused error
		d.writer.turn <- struct{}{}
		wait.Go(func() { made = d.writer.update(t.Context(), func(x *tx) error { return createChild(t, x, 1) }) })
		synctest.Wait()
		wait.Go(func() {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		wait.Go(func() { refused = d.writer.update(t.Context(), func(*tx) error { return nil }) })
		synctest.Wait()
		<-d.writer.turn
		wait.Wait()
		if made != nil || store.KindOf(refused) != store.Unavailable {
			t.Errorf("before closing: %v, after: %v", made, refused)
		}
		if err := d.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
	})
	if !exists(t, openFile(t, path), 1) {
		t.Error("the change made before closing is lost")
	}
}

func TestAnotherProcessThatWritesIsWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hatrac.db")
	other := openFile(t, path)
	plant(t, other)
	d, err := Open(t.Context(), Config{Path: path, Patience: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	create := func(ctx context.Context, i int) error {
		return d.Update(ctx, func(tx store.Tx) error { return createChild(t, tx, i) })
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := other.Update(t.Context(), func(store.Tx) error {
		if err := create(t.Context(), 1); store.KindOf(err) != store.Unavailable {
			t.Errorf("without patience: %v", err)
		}
		d.writer.patience = time.Hour
		cancelled := make(chan error)
		go func() { cancelled <- create(ctx, 2) }()
		for len(d.writer.turn) == 0 { // until it has the turn, and nothing but the other one is in its way
			runtime.Gosched()
		}
		cancel()
		if err := <-cancelled; store.KindOf(err) != store.Interrupted {
			t.Errorf("one who gave up waiting hears %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := create(t.Context(), 3); err != nil || exists(t, d, 1) || exists(t, d, 2) {
		t.Errorf("after the other one: %v", err)
	}
}

// setPages bounds the size of the database file, as a disk would.
func setPages(t *testing.T, d *Directory, more int) {
	t.Helper()
	var now int
	if err := d.writer.conn.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&now); err != nil {
		t.Fatal(err)
	}
	if _, err := d.writer.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", now+more)); err != nil {
		t.Fatal(err)
	}
}

func TestAFullDiskIsToldAndSurvived(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory) {
		setPages(t, d, 10)
		acknowledged := map[string]bool{}
		sawFull := false
		for round := range 20 {
			name := func(i int) string { return fmt.Sprintf("%d-%d", round, i) }
			_, errs := together(t, d, 8, func(i int, x *tx) error {
				err := makePair(t.Context(), x, 1, name(i))
				if i%2 == 0 {
					return err
				}
				_ = x.SetNameACLs(t.Context(), 1, nil) // goes on as if nothing had happened
				return nil
			})
			for i, err := range errs {
				switch {
				case err == nil:
					acknowledged[name(i)] = true
				case store.KindOf(err) != store.NoSpace:
					t.Fatalf("on a full disk: %v", err)
				default:
					sawFull = true
				}
			}
		}
		if !sawFull || len(acknowledged) == 0 {
			t.Fatalf("%d changes were made, the disk was full: %v", len(acknowledged), sawFull)
		}
		expectPairs(t, d, acknowledged)
		if found, err := d.Children(t.Context(), 1, "", 1000); err != nil || len(found) != len(acknowledged) {
			t.Errorf("%d changes are there, %d were acknowledged (%v)", len(found), len(acknowledged), err)
		}
		setPages(t, d, 1000)
		if err := d.Update(t.Context(), func(tx store.Tx) error { return makePair(t.Context(), tx, 1, "room") }); err != nil {
			t.Errorf("with room again: %v", err)
		}
	})
}

func TestTextThatCannotBeKeptIsRefused(t *testing.T) {
	d := openFresh(t)
	plant(t, d)
	broken := "caf\xe9"
	for what, fn := range map[string]func(tx store.Tx) error{
		"an entry of a list": func(tx store.Tx) error { return tx.SetNameACLs(t.Context(), 1, acl.Lists{acl.Read: {broken}}) },
		"a content type": func(tx store.Tx) error {
			return tx.SetVersionMetadata(t.Context(), 1, store.Metadata{ContentType: broken})
		},
	} {
		if err := d.Update(t.Context(), fn); store.KindOf(err) != store.Invalid || !strings.Contains(store.Sentence(err), "UTF-8") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
