package store

import "context"

// MaxNote is how many bytes a note may have at most.
const MaxNote = 7000

// Notifier is a Directory that several processes share, and that carries notes between them. It is
// for what makes what others remember untrue and happens rarely: each note may cost all writers of
// the database a moment. A Tx of a Notifier is a NotifierTx.
type Notifier interface {
	// Hear calls heard with every note of other Notifiers on the same directory, once its
	// transaction is committed, and lost when notes may have been missed: also before the first
	// one. The calls are one at a time. It returns when ctx ends, or when there are no notes,
	// because the database has none or the configuration says so; then it returns nil.
	Hear(ctx context.Context, heard func(note string), lost func()) error
}

// NotifierTx is a Tx that can send notes.
type NotifierTx interface {
	// Notify sends a note of UTF-8, of at most MaxNote bytes, if the transaction is committed. It
	// does nothing where there are no notes.
	Notify(ctx context.Context, note string) error
}
