package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/hatrac/hatrac/store"
)

// commitsTo reads to which depth the change commits that is under way.
func commitsTo(t *testing.T, d *Directory) depth {
	t.Helper()
	var level int
	if err := d.writer.conn.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&level); err != nil {
		t.Fatal(err)
	}
	return map[int]depth{1: soon, 2: full}[level]
}

func TestADurableChangeNeverSharesTheCommitOfOneThatMayWait(t *testing.T) {
	inBubble(t, func(t *testing.T, d *Directory) {
		wanted := []depth{soon, soon, full, soon, full}
		batches, depths := make([]*batch, len(wanted)), make([]depth, len(wanted))
		d.writer.turn <- struct{}{}
		var wait sync.WaitGroup
		for i, to := range wanted {
			wait.Go(func() {
				err := d.writer.updateTo(t.Context(), to, func(x *tx) error {
					batches[i], depths[i] = d.writer.open, commitsTo(t, d)
					return createChild(t, x, i)
				})
				if err != nil || !exists(t, d, i) {
					t.Errorf("change %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		<-d.writer.turn
		wait.Wait()
		for i, want := range []depth{soon, soon, full, full, full} {
			if depths[i] != want {
				t.Errorf("change %d is committed to depth %d, want %d", i, depths[i], want)
			}
		}
		if batches[0] != batches[1] || batches[1] == batches[2] || batches[2] != batches[4] {
			t.Errorf("the changes have the batches %p", batches)
		}
	})
}

// afterPowerFailure opens a copy of the database whose log ends where it was last synced.
func afterPowerFailure(t *testing.T, path string, synced int64) *Directory {
	t.Helper()
	to := filepath.Join(t.TempDir(), "hatrac.db")
	for _, ending := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + ending)
		if err == nil && ending != "" {
			content = content[:synced]
		}
		if err := errors.Join(err, os.WriteFile(to+ending, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return openFile(t, to)
}

func logSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestAPowerFailureTakesWholeChangesThatWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hatrac.db")
	d := openFile(t, path)
	plant(t, d)
	change := func(update func(int) error, i int) int64 {
		t.Helper()
		if err := update(i); err != nil {
			t.Fatal(err)
		}
		return logSize(t, path)
	}
	durable := func(i int) error {
		return d.Update(t.Context(), func(tx store.Tx) error { return createChild(t, tx, i) })
	}
	waiting := func(i int) error {
		return d.UpdateSoon(t.Context(), func(tx store.Tx) error { return createChild(t, tx, i) })
	}
	first := change(durable, 1)
	second := change(waiting, 2)
	third := change(waiting, 3)
	for _, c := range []struct {
		synced int64
		want   [4]bool
	}{
		{first, [4]bool{1: true}},
		{second - 1, [4]bool{1: true}},
		{third - 1, [4]bool{1: true, 2: true}},
		{third, [4]bool{1: true, 2: true, 3: true}},
	} {
		left := afterPowerFailure(t, path, c.synced)
		for i := 1; i <= 3; i++ {
			if exists(t, left, i) != c.want[i] {
				t.Errorf("with a log of %d bytes change %d is there: %v", c.synced, i, !c.want[i])
			}
		}
	}
}

func TestSyncWritesAlsoWhenNothingChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hatrac.db")
	d := openFile(t, path)
	plant(t, d)
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := logSize(t, path)
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if logSize(t, path) <= before {
		t.Error("a sync has not written to the log, so that nothing was synced")
	}
	if d.writer.depth != full {
		t.Error("a sync is not committed to full depth")
	}
}
