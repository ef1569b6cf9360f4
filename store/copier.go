package store

import (
	"context"
	"time"
)

// Copier is a Directory whose rows can be copied from and to others as they are, with their IDs,
// whatever state they are in.
type Copier interface {
	// CopyMark returns what SetCopyMark has kept; the zero value if that is nothing.
	CopyMark(ctx context.Context) (CopyMark, error)
	// SetCopyMark keeps a mark; the zero value takes it away.
	SetCopyMark(ctx context.Context, m CopyMark) error

	// Counters returns the highest IDs that were ever given.
	Counters(ctx context.Context) (Counters, error)

	// KeptUntil returns for each version ID when the content of that version is to be reclaimed;
	// zero if it is not deleted, has no content, or that cannot be restored any more.
	KeptUntil(ctx context.Context, ids []int64) ([]time.Time, error)

	// FormersAfter returns up to limit records of former versions by ID and Until, beginning behind the
	// record after.
	FormersAfter(ctx context.Context, after Former, limit int) ([]Former, error)

	// MovesAfter returns up to limit records of moves by ID, beginning behind the ID after.
	MovesAfter(ctx context.Context, after int64, limit int) ([]Moved, error)

	// Import runs fn in one transaction, as Update does.
	Import(ctx context.Context, fn func(tx ImportTx) error) error

	// EndImport makes the directory whole after imports: it finds out which versions are
	// current, and gives no ID from then on that is not above the counters.
	EndImport(ctx context.Context, c Counters) error
}

// CopyMark says that a directory is a copy that was not put to use yet.
type CopyMark struct {
	// Source tells stores apart; it is not 0.
	Source int64
	// Complete is true when nothing is missing any more.
	Complete bool
}

// Counters are the highest IDs that were ever given to rows of each kind.
type Counters struct{ Names, Versions int64 }

// Former says when an object held a version that was renamed away from it and came back.
type Former struct {
	// ID is that which the version had then, and has again if it was returned; NameID the ID of the object.
	ID, NameID int64
	Version    string
	// Created is when it was bound, Until when it was renamed away, DeletedOn when the record that it
	// left was deleted, or held the version again; Created and DeletedOn are zero when unknown or never.
	Created, Until, DeletedOn time.Time
}

// Moved says where a name was until it was moved, itself or by what took over a deleted name.
type Moved struct {
	ID, NameID int64
	// Parent is the ID of the namespace that it was in, Segment its name there.
	Parent  int64
	Segment string
	Until   time.Time
}

// ImportTx writes rows as they are. A row that is there already with its ID is replaced. Where
// another row holds what has to be unique (the path of a name, the id of a version), it loses that
// until it is replaced itself.
type ImportTx interface {
	// PutName keeps a name with all its fields. As long as the parent is not there, it has none.
	PutName(ctx context.Context, n *Name) error
	// PutVersion keeps a version with all its fields; NotFound if its object is not there. The
	// content of one that is deleted is queued for reclaim at the time until. What the row
	// referred to before, and nothing else does, is queued at once.
	PutVersion(ctx context.Context, v *Version, until time.Time) error
	// PutFormer keeps a record of a former version. DropFormers removes all.
	PutFormer(ctx context.Context, f Former) error
	DropFormers(ctx context.Context) error
	// PutMoved keeps a record of a move. DropMoves removes all.
	PutMoved(ctx context.Context, m Moved) error
	DropMoves(ctx context.Context) error
	// DropName and DropVersion remove rows with all traces. Content is queued for reclaim at once. A
	// name must have no versions; names in it lose their parent.
	DropName(ctx context.Context, id int64) error
	DropVersion(ctx context.Context, id int64) error
}
