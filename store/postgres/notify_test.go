package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/hatrac/hatrac/store"
)

const lostNotes = "lost"

// hearing lets a handle hear until the test ends; what it hears comes from the channel.
func hearing(t *testing.T, d *Directory) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	heard, ended := make(chan string, 100), make(chan error, 1)
	go func() {
		ended <- d.Hear(ctx, func(note string) { heard <- note }, func() { heard <- lostNotes })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("hearing ended with %v", err)
		}
	})
	return heard
}

func expectNotes(t *testing.T, heard <-chan string, want ...string) {
	t.Helper()
	for _, note := range want {
		if got := <-heard; got != note {
			t.Errorf("heard %q, want %q", got, note)
		}
	}
}

// say sends a note and then ends the transaction with the error.
func say(t *testing.T, d *Directory, note string, end error) {
	t.Helper()
	err := d.Update(t.Context(), func(tx store.Tx) error {
		return errors.Join(tx.(store.NotifierTx).Notify(t.Context(), note), end)
	})
	if !errors.Is(err, end) {
		t.Error(err)
	}
}

func TestNotesReachOthersWhenTheyAreCommitted(t *testing.T) {
	here := Config{DSN: newDatabase(t, emptyDatabase), Schema: "here", Migrate: true}
	one, two := openAt(t, here), openAt(t, here)
	elsewhere := openAt(t, Config{DSN: here.DSN, Schema: "elsewhere", Migrate: true})
	ears := hearing(t, two)
	expectNotes(t, ears, lostNotes)
	say(t, one, "undone", errors.New("changed my mind"))
	say(t, two, "my own", nil)
	say(t, elsewhere, "of other tables", nil)
	say(t, one, "done", nil)
	expectNotes(t, ears, "done")
	if err := one.Update(t.Context(), func(tx store.Tx) error {
		return tx.(store.NotifierTx).Notify(t.Context(), string(make([]byte, store.MaxNote+1)))
	}); store.KindOf(err) != store.Invalid {
		t.Errorf("a note that is too long answers %v", err)
	}
}

func TestWhoCouldNotHearIsTold(t *testing.T) {
	dsn := newDatabase(t, template)
	one, two := openAt(t, Config{DSN: dsn}), openAt(t, Config{DSN: dsn})
	ears := hearing(t, two)
	expectNotes(t, ears, lostNotes)
	for range 2 {
		terminate(t, dsn, 0)
		expectNotes(t, ears, lostNotes)
		say(t, one, "after the cut", nil)
		expectNotes(t, ears, "after the cut")
	}
}

func TestNotesCanBeSwitchedOff(t *testing.T) {
	dsn := newDatabase(t, template)
	one, two := openAt(t, Config{DSN: dsn, NoNotes: true}), openAt(t, Config{DSN: dsn})
	ears := hearing(t, two)
	expectNotes(t, ears, lostNotes)
	say(t, one, "into the void", nil)
	if err := one.Hear(t.Context(), nil, nil); err != nil {
		t.Error(err)
	}
	say(t, openAt(t, Config{DSN: dsn}), "heard", nil)
	expectNotes(t, ears, "heard")
}
