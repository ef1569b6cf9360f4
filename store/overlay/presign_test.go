package overlay_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/overlay"
)

// signing is a storage that gives content above a size out by itself.
type signing struct {
	store.Assembler
	above int64
	err   error
}

func (s signing) Presign(_ context.Context, a store.Address, size int64, m store.Metadata) (string, bool, error) {
	if s.err != nil {
		return "", false, s.err
	}
	return "https://storage.example/" + string(a) + "?" + m.ContentType, size > s.above, nil
}

func wantSigned(t *testing.T, b store.Presigner, a store.Address, size int64, want string) {
	t.Helper()
	url, ok, err := b.Presign(t.Context(), a, size, store.Metadata{ContentType: "text/plain"})
	if url != want || ok != (want != "") || err != nil {
		t.Errorf("%s of %d bytes is at %q, %t, %v; want %q", a, size, url, ok, err, want)
	}
}

func TestTheLastLayerGivesContentOutByItself(t *testing.T) {
	l := newLayers(t)
	b := overlay.New(l.files[0], l.files[1], signing{Assembler: l.files[2], above: 10})
	for i, layer := range l.files {
		a := put(t, layer, "content")
		want := ""
		if i == 2 {
			want = "https://storage.example/" + string(a) + "?text/plain"
		}
		wantSigned(t, b, a, 11, want)
		wantSigned(t, b, a, 10, "")
	}
	alone := overlay.New(signing{Assembler: l.files[2]})
	wantSigned(t, alone, "address", 1, "https://storage.example/address?text/plain")
}

func TestOtherLayersGiveNothingOut(t *testing.T) {
	l := newLayers(t)
	b := overlay.New(signing{Assembler: l.files[0]}, signing{Assembler: l.files[1]}, l.files[2])
	for _, layer := range l.files {
		wantSigned(t, b, put(t, layer, "content"), 7, "")
	}
}

func TestNothingIsGivenOutInDoubt(t *testing.T) {
	l := newLayers(t)
	a := put(t, l.files[2], "content")
	if err := os.MkdirAll(l.file(1, a), 0o700); err != nil { // no regular file
		t.Fatal(err)
	}
	b := overlay.New(l.files[0], l.files[1], signing{Assembler: l.files[2]})
	url, ok, err := b.Presign(t.Context(), a, 7, store.Metadata{})
	if wantKind(t, err, store.Internal); url != "" || ok {
		t.Errorf("it is at %q, %t", url, ok)
	}
	// What needs no answer of the others is not asked of them.
	b = overlay.New(l.files[0], l.files[1], signing{Assembler: l.files[2], above: 7})
	wantSigned(t, b, a, 7, "")
}

func TestWhatTheLastLayerCannotSign(t *testing.T) {
	l := newLayers(t)
	a := put(t, l, "content")
	foreign := store.NewError(store.NotFound, "", "This storage has no such content.")
	b := overlay.New(l.files[0], signing{Assembler: l.files[2], err: foreign})
	wantSigned(t, b, a, 7, "")
	wantSigned(t, b, put(t, l.files[1], "in neither"), 10, "")

	broken := store.NewError(store.Unavailable, "", "The storage does not answer.")
	b = overlay.New(l.files[0], signing{Assembler: l.files[2], err: broken})
	if url, ok, err := b.Presign(t.Context(), a, 7, store.Metadata{}); url != "" || ok || !errors.Is(err, broken) {
		t.Errorf("it is at %q, %t, %v", url, ok, err)
	}
}
