package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hatrac/hatrac/store"
)

const (
	// earPause is how long to wait before listening again, which doubles with each failure.
	earPause, longEarPause = 100 * time.Millisecond, 10 * time.Second
	// earTest is how long a silent connection is believed to be there.
	earTest = time.Minute
)

// notes carries notes from and to other handles.
type notes struct {
	on      bool
	channel string
	own     string // begins the notes of this handle
}

// newNotes returns notes on a channel of the tables in the schema alone. Names of channels are short.
func newNotes(on bool, schema string) notes {
	sum := sha256.Sum256([]byte(schema))
	return notes{on: on, channel: "hatrac_" + hex.EncodeToString(sum[:12]), own: rand.Text()}
}

func (n notes) listen() string { return "LISTEN " + pgx.Identifier{n.channel}.Sanitize() }

// probe switches notes off if the database has none.
func (d *Directory) probe(ctx context.Context) error {
	if !d.notes.on {
		return nil
	}
	conn, err := d.acquire(ctx)
	if err != nil {
		return err
	}
	defer d.release(ctx, conn)
	for _, text := range []string{d.notes.listen(), "UNLISTEN *"} {
		_, err := conn.Exec(ctx, text)
		var said *pgconn.PgError
		switch {
		case err == nil:
		case errors.As(err, &said) && survived(said):
			d.notes.on = false
			return nil
		default:
			return failed("ask for notes", lostError{gone(ctx, err)})
		}
	}
	return nil
}

var (
	_ store.Notifier   = (*Directory)(nil)
	_ store.NotifierTx = (*tx)(nil)

	notify = statement{"send a note", `SELECT pg_notify($1, $2)`}
)

// Notify implements store.NotifierTx. The commit takes a lock of the whole database.
func (t *tx) Notify(ctx context.Context, note string) error {
	if !t.notes.on {
		return nil
	}
	if len(note) > store.MaxNote {
		return store.NewError(store.Invalid, "", "The note is too long.")
	}
	return t.do(ctx, notify.with(t.notes.channel, t.notes.own+" "+note))
}

// Hear implements store.Notifier, with a connection of its own.
func (d *Directory) Hear(ctx context.Context, heard func(note string), lost func()) error {
	if !d.notes.on {
		return nil
	}
	for pause := earPause; ; pause = min(2*pause, longEarPause) {
		if d.listen(ctx, heard, lost) {
			pause = earPause
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// listen hears notes until the connection breaks. It reports whether there was one.
func (d *Directory) listen(ctx context.Context, heard func(note string), lost func()) bool {
	conn, err := pgx.ConnectConfig(ctx, d.pool.Config().ConnConfig)
	if err != nil {
		return false
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, d.notes.listen()); err != nil {
		return false
	}
	lost()
	for {
		note, err := nextNote(ctx, conn)
		if err != nil {
			return true
		}
		if note == nil {
			continue
		}
		if from, text, ok := strings.Cut(note.Payload, " "); ok && from != d.notes.own {
			heard(text)
		}
	}
}

// nextNote waits for a note. If there is none for long, it answers nil if the connection is there.
func nextNote(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	waiting, cancel := context.WithTimeout(ctx, earTest)
	defer cancel()
	note, err := conn.WaitForNotification(waiting)
	if err == nil || ctx.Err() != nil || !errors.Is(waiting.Err(), context.DeadlineExceeded) || conn.IsClosed() {
		return note, err
	}
	asking, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return nil, conn.Ping(asking)
}
