package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/hatrac/hatrac/store"
)

// kinds are all there are, in their order.
var kinds = []store.ErrorKind{
	store.Internal, store.NotFound, store.Exists, store.WrongKind, store.NotEmpty,
	store.Unauthenticated, store.Denied, store.Precondition, store.Conflict, store.Invalid,
	store.TooLong, store.TooLarge, store.LengthRequired, store.ReadOnly, store.NoSpace,
	store.Unavailable, store.Interrupted,
}

func TestTheKindOfAnErrorIsThatOfTheOutermost(t *testing.T) {
	denied := store.NewError(store.Denied, "/a", "")
	for _, c := range []struct {
		name string
		err  error
		want store.ErrorKind
	}{
		{"no kind", io.ErrUnexpectedEOF, store.Internal},
		{"an error", denied, store.Denied},
		{"an error in another", fmt.Errorf("while: %w", denied), store.Denied},
		{"an error around another", &store.Error{Kind: store.Conflict, Err: denied}, store.Conflict},
		{"one of several", errors.Join(io.EOF, denied), store.Denied},
		{"a client that has gone", fmt.Errorf("while: %w", context.Canceled), store.Interrupted},
		{"a deadline", context.DeadlineExceeded, store.Unavailable},
		{"an error whose cause is a deadline", &store.Error{Kind: store.NoSpace, Err: context.DeadlineExceeded}, store.NoSpace},
	} {
		if got := store.KindOf(c.err); got != c.want {
			t.Errorf("%s: kind %d, want %d", c.name, got, c.want)
		}
	}
}

func TestWrapKeepsTheKindOfACauseThatHasOne(t *testing.T) {
	for _, c := range []struct {
		cause error
		want  store.ErrorKind
	}{
		{io.EOF, store.Unavailable},
		{store.NewError(store.NoSpace, "", ""), store.NoSpace},
		{fmt.Errorf("while: %w", context.Canceled), store.Interrupted},
		{store.NewError(store.Internal, "", ""), store.Unavailable},
	} {
		err := store.Wrap(store.Unavailable, "read content", c.cause)
		if store.KindOf(err) != c.want || !errors.Is(err, c.cause) {
			t.Errorf("%v becomes %v of kind %d, want %d", c.cause, err, store.KindOf(err), c.want)
		}
	}
	if err := store.Wrap(store.NotFound, "read content", nil); err != nil {
		t.Errorf("no error becomes %v", err)
	}
}

func TestWrapKeepsWhatTheClientIsTold(t *testing.T) {
	const told = "The upload is incomplete."
	err := store.Wrap(store.Internal, "read content", &store.Error{Kind: store.Invalid, Resource: "/a", Message: told})
	if got := store.Sentence(err); got != told {
		t.Errorf("the client is told %q", got)
	}
}

func TestErrorTellsTheLogEverythingAndTheClientASentence(t *testing.T) {
	cause := errors.New("disk 7 of /srv is broken")
	for _, c := range []struct {
		err           error
		log, sentence string
	}{
		{
			store.Wrap(store.Internal, "read content", cause),
			store.Internal.Sentence() + " (read content: disk 7 of /srv is broken)", store.Internal.Sentence(),
		},
		{
			store.NewError(store.NotFound, "/a/b", "There is no such version."),
			"/a/b: There is no such version.", "There is no such version.",
		},
		{
			&store.Error{Kind: store.Denied, Resource: "/a", Err: cause},
			"/a: " + store.Denied.Sentence() + " (disk 7 of /srv is broken)", store.Denied.Sentence(),
		},
		{
			fmt.Errorf("while: %w", store.NewError(store.Conflict, "", "Not now.")),
			"while: Not now.", "Not now.",
		},
		{cause, cause.Error(), store.Internal.Sentence()},
	} {
		if got := c.err.Error(); got != c.log {
			t.Errorf("the log reads %q, want %q", got, c.log)
		}
		if got := store.Sentence(c.err); got != c.sentence {
			t.Errorf("the client reads %q, want %q", got, c.sentence)
		}
	}
}

func TestEveryKindHasASentenceOfItsOwn(t *testing.T) {
	seen := make(map[string]store.ErrorKind)
	for i, kind := range kinds {
		if int(kind) != i {
			t.Fatalf("kind %d is listed as %d", kind, i)
		}
		sentence := kind.Sentence()
		if other, ok := seen[sentence]; ok {
			t.Errorf("kinds %d and %d share the sentence %q", other, kind, sentence)
		}
		seen[sentence] = kind
	}
}
