package overlay_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/overlay"
	"github.com/hatrac/hatrac/store/storetest"
)

// layers are three folders of files over one another.
type layers struct {
	overlay.Storage
	t     *testing.T
	roots []string
	files []*filesystem.Bulk
}

func newLayers(t *testing.T) *layers {
	l := &layers{t: t}
	for range 3 {
		root := t.TempDir()
		l.roots, l.files = append(l.roots, root), append(l.files, files(t, root))
	}
	l.Storage = overlay.New(l.files[0], l.files[1], l.files[2])
	return l
}

func put(t *testing.T, b store.Bulk, content string) store.Address {
	t.Helper()
	p := store.Placement{Path: "/o", Version: "V", Size: int64(len(content))}
	a, err := b.Put(t.Context(), p, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// file returns the file of an address in a layer.
func (l *layers) file(layer int, a store.Address) string {
	return filepath.Join(l.roots[layer], ":content", string(a))
}

// copyTo puts content under an address into a layer, as who moves a storage does.
func (l *layers) copyTo(layer int, a store.Address, content string) {
	l.t.Helper()
	file := l.file(layer, a)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o444); err != nil {
		l.t.Fatal(err)
	}
}

func wantContent(t *testing.T, b store.Bulk, a store.Address, want string) {
	t.Helper()
	c, err := b.Open(t.Context(), a)
	if err != nil {
		t.Fatalf("open %s: %v", a, err)
	}
	defer func() { _ = c.Close() }()
	got, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
	if err != nil || string(got) != want {
		t.Errorf("at %s there is %q, %v; want %q", a, got, err, want)
	}
}

func wantKind(t *testing.T, err error, want store.ErrorKind) {
	t.Helper()
	if err == nil || store.KindOf(err) != want {
		t.Fatalf("error %v, want one of kind %d", err, want)
	}
	var known *store.Error
	if !errors.As(err, &known) {
		t.Errorf("error %v is no store.Error", err)
	}
}

func TestContentIsWrittenToTheFirstLayer(t *testing.T) {
	l := newLayers(t)
	a := put(t, l, "content")
	wantContent(t, l.files[0], a, "content")
	for _, below := range l.files[1:] {
		_, err := below.Open(t.Context(), a)
		wantKind(t, err, store.NotFound)
	}
}

func TestContentIsReadFromAnyLayer(t *testing.T) {
	l := newLayers(t)
	for i, layer := range l.files {
		want := strings.Repeat("content ", i)
		a := put(t, layer, want)
		wantContent(t, l, a, want)
		c, err := l.Open(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := c.(store.FileContent); !ok {
			t.Errorf("content of layer %d is no file any more", i)
		}
		_ = c.Close()
		if err := layer.Remove(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		_, err = l.Open(t.Context(), a)
		wantKind(t, err, store.NotFound)
	}
}

func TestTheUppermostLayerThatHasContentGivesIt(t *testing.T) {
	l := newLayers(t)
	a := put(t, l.files[2], "lowest")
	for i, text := range []string{"lowest", "middle", "uppermost"} {
		if i > 0 {
			l.copyTo(2-i, a, text)
		}
		wantContent(t, l, a, text)
	}
}

func TestALayerThatFailsEndsTheSearch(t *testing.T) {
	l := newLayers(t)
	a := put(t, l.files[2], "content")
	if err := os.MkdirAll(l.file(1, a), 0o700); err != nil { // no regular file
		t.Fatal(err)
	}
	_, err := l.Open(t.Context(), a)
	wantKind(t, err, store.Internal)
	if err := os.Remove(l.file(1, a)); err != nil {
		t.Fatal(err)
	}
	wantContent(t, l, a, "content")

	unfinished, err := l.Begin(t.Context(), store.Placement{Size: 4}, 4)
	if err != nil {
		t.Fatal(err)
	}
	l.copyTo(1, unfinished, "junk")
	_, err = l.Open(t.Context(), unfinished)
	wantKind(t, err, store.Conflict)
}

func TestContentIsRemovedFromTheFirstLayerAlone(t *testing.T) {
	l := newLayers(t)
	both, below := put(t, l, "content"), put(t, l.files[1], "below")
	l.copyTo(1, both, "content")
	for _, a := range []store.Address{both, below, "elsewhere", ""} {
		for range 2 {
			if err := l.Remove(t.Context(), a); err != nil {
				t.Errorf("remove %q: %v", a, err)
			}
		}
	}
	_, err := l.files[0].Open(t.Context(), both)
	wantKind(t, err, store.NotFound)
	wantContent(t, l, both, "content")
	wantContent(t, l, below, "below")

	stuck := put(t, l, "stuck")
	if err := os.Remove(l.file(0, stuck)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(l.file(0, stuck), "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := l.Remove(t.Context(), stuck); err == nil {
		t.Error("what cannot be removed is gone")
	}
}

func TestSweepLooksAtTheFirstLayerAlone(t *testing.T) {
	l := newLayers(t)
	above, below := put(t, l, "garbage"), put(t, l.files[1], "garbage too")
	var asked []store.Address
	swept, err := l.Sweep(t.Context(), time.Now().Add(time.Hour), func(_ context.Context, a []store.Address) ([]bool, error) {
		asked = append(asked, a...)
		return make([]bool, len(a)), nil
	})
	if err != nil || swept.Removed != 1 || !slices.Equal(asked, []store.Address{above}) {
		t.Errorf("of %v there were %+v swept, %v", asked, swept, err)
	}
	wantContent(t, l, below, "garbage too")
}

func TestChunksGoToTheFirstLayer(t *testing.T) {
	l := newLayers(t)
	place := store.Placement{Path: "/o", Version: "V", Size: 7}
	a, err := l.Begin(t.Context(), place, 4)
	if err != nil {
		t.Fatal(err)
	}
	for number, chunk := range []string{"cont", "ent"} {
		if _, err := storetest.PutChunk(t.Context(), l, a, int64(number), int64(4*number), int64(len(chunk)), strings.NewReader(chunk)); err != nil {
			t.Fatal(err)
		}
	}
	finished, err := l.Finish(t.Context(), a, place, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, l.files[0], finished, "content")

	below, err := l.files[1].Begin(t.Context(), place, 4)
	if err != nil {
		t.Fatal(err)
	}
	_, err = storetest.PutChunk(t.Context(), l, below, 0, 0, 4, strings.NewReader("cont"))
	wantKind(t, err, store.NotFound)
}

func TestCloseClosesAllLayers(t *testing.T) {
	var closed []string
	broken := errors.New("it does not close")
	layer := func(name string, err error) closing {
		return closing{files(t, t.TempDir()), func() error { closed = append(closed, name); return err }}
	}
	b := overlay.New(layer("first", broken), plain{files(t, t.TempDir())}, layer("last", nil))
	if err := b.Close(); !errors.Is(err, broken) {
		t.Errorf("close answers %v", err)
	}
	if !slices.Equal(closed, []string{"first", "last"}) {
		t.Errorf("closed are %v", closed)
	}
}

// closing is a storage that is watched when it is closed.
type closing struct {
	store.Assembler
	close func() error
}

func (c closing) Close() error { return c.close() }
