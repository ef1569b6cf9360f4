package fusefs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

// memory is content that is no file.
type memory struct {
	*strings.Reader
	closed *bool
}

func (m memory) Close() error {
	*m.closed = true
	return nil
}

// bench is a place for drafts without a kernel and a store.
type bench struct {
	testing.TB
	session *session
	full    bool     // no spool file can be made
	puts    []string // what was put, in order
	failure error    // of the next puts
	closed  bool     // the content that the draft began with
}

func newBench(t testing.TB) *bench {
	b := &bench{TB: t}
	b.session = openTestSession(t, t.TempDir(), disk.Disk{Around: b.around})
	return b
}

var errFull = errors.New("the disk is full")

func (b *bench) around(s disk.Step, call func() error) error {
	if b.full && s.Op == disk.OpCreate {
		return errFull
	}
	return call()
}

func (b *bench) based(text string) *draft {
	return newDraft(b.session, memory{strings.NewReader(text), &b.closed}, store.Attr{})
}

func (b *bench) empty() *draft { return newEmptyDraft(b.session, store.Attr{}) }

func (b *bench) put(f finished) error {
	if b.failure != nil {
		return b.failure
	}
	text, err := io.ReadAll(io.NewSectionReader(f.file, 0, f.size))
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(text); f.sha256 != nil && !bytes.Equal(sum[:], f.sha256) {
		b.Errorf("the digest of %q is wrong", text)
	}
	if err := f.file.Chmod(0o444); err != nil {
		return err
	}
	b.puts = append(b.puts, string(text))
	return nil
}

func (b *bench) commit(d *draft) error { return d.commit(context.Background(), claim{}, always, b.put) }

func (b *bench) write(d *draft, text string, off int64) {
	b.Helper()
	if _, err := d.writeAt(context.Background(), []byte(text), off); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) is(d *draft, want state, text string) {
	b.Helper()
	buf := make([]byte, 100)
	n, err := d.readAt(context.Background(), buf, 0)
	if size, _ := d.stat(); err != nil || string(buf[:n]) != text || size != int64(n) || d.state() != want {
		b.Errorf("draft is in state %d with %q, %v; want %d, %q", d.state(), buf[:n], err, want, text)
	}
}

// spooled returns the number of spool files that have a name.
func (b *bench) spooled() int {
	names, err := filepath.Glob(filepath.Join(b.session.dir, draftName+"*"))
	if err != nil {
		b.Fatal(err)
	}
	return len(names)
}

func TestADraftGoesFromCleanToDirtyToCleanAgain(t *testing.T) {
	b := newBench(t)
	d := b.based("hello")
	b.is(d, clean, "hello")
	if b.spooled() != 0 {
		t.Error("a draft that nobody changed has a spool file")
	}
	b.write(d, "J", 0)
	b.is(d, dirty, "Jello")
	if !b.closed {
		t.Error("the content that was copied stays open")
	}
	if err := b.commit(d); err != nil {
		t.Fatal(err)
	}
	b.is(d, clean, "Jello")
	if err := b.commit(d); err != nil || len(b.puts) != 1 {
		t.Errorf("a clean draft was put again: %q, %v", b.puts, err)
	}
	if err := d.close(); err != nil || b.spooled() != 0 {
		t.Errorf("close leaves %d spool files: %v", b.spooled(), err)
	}
}

func TestACommittedFileIsNeverWrittenToAgain(t *testing.T) {
	b := newBench(t)
	d := b.empty()
	b.write(d, "one", 0)
	var committed *os.File
	err := d.commit(t.Context(), claim{}, always, func(f finished) error {
		committed, _ = os.Open(f.file.Name())
		return b.put(f)
	})
	if err != nil {
		t.Fatal(err)
	}
	b.write(d, " two", 3)
	if _, err := d.truncate(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	b.is(d, dirty, "on")
	if text, err := io.ReadAll(committed); string(text) != "one" || err != nil {
		t.Errorf("the version is %q, %v", text, err)
	}
}

func TestANewEmptyFileIsDirty(t *testing.T) {
	b := newBench(t)
	d := b.empty()
	b.is(d, dirty, "")
	if err := b.commit(d); err != nil || len(b.puts) != 1 || b.puts[0] != "" {
		t.Errorf("put %q, %v", b.puts, err)
	}
}

func TestAFailedPutIsFinal(t *testing.T) {
	b := newBench(t)
	d := b.empty()
	b.write(d, "text", 0)
	b.failure = store.NewError(store.Denied, "/f", "")
	if err := b.commit(d); !errors.Is(err, b.failure) {
		t.Fatalf("commit: %v", err)
	}
	b.is(d, kept, "text")
	cause := b.failure
	b.failure = nil
	if err := b.commit(d); !errors.Is(err, cause) || len(b.puts) != 0 {
		t.Errorf("a failed commit was tried again: %v, %q", err, b.puts)
	}
	if _, err := d.writeAt(t.Context(), []byte("x"), 0); !errors.Is(err, cause) {
		t.Errorf("a write after it: %v", err)
	}
	if _, err := d.truncate(t.Context(), 0); !errors.Is(err, cause) {
		t.Errorf("a truncation after it: %v", err)
	}
	var aside string
	err := d.release(func(f *os.File) error {
		aside = filepath.Join(t.TempDir(), "aside")
		return os.Rename(f.Name(), aside)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(aside); string(text) != "text" || err != nil {
		t.Errorf("kept %q, %v", text, err)
	}
}

func TestAFailureThatIsNotFinalLeavesTheDraftDirty(t *testing.T) {
	b := newBench(t)
	d := b.empty()
	b.write(d, "text", 0)
	b.failure = errors.New("no")
	if err := d.commit(t.Context(), claim{}, never, b.put); !errors.Is(err, b.failure) {
		t.Fatal(err)
	}
	b.is(d, dirty, "text")
	b.failure = nil
	if err := b.commit(d); err != nil || len(b.puts) != 1 {
		t.Errorf("put %q, %v", b.puts, err)
	}
}

func TestAFullSpoolFailsTheChangeAndLeavesTheDraftAsItWas(t *testing.T) {
	b := newBench(t)
	d := b.based("hello")
	b.full = true
	if _, err := d.writeAt(t.Context(), []byte("x"), 0); !errors.Is(err, errFull) {
		t.Errorf("write: %v", err)
	}
	if _, err := d.truncate(t.Context(), 1); !errors.Is(err, errFull) {
		t.Errorf("truncate: %v", err)
	}
	b.is(d, clean, "hello")
	b.full = false
	b.write(d, "J", 0)
	b.is(d, dirty, "Jello")
}

// torn is content that cannot be read to its end.
type torn struct{ memory }

func (torn) Size() int64 { return 1 << 20 }

func TestABaseThatCannotBeCopiedFailsTheChangeAndLeavesNoSpoolFile(t *testing.T) {
	b := newBench(t)
	d := newDraft(b.session, torn{memory{strings.NewReader("short"), &b.closed}}, store.Attr{})
	if _, err := d.writeAt(t.Context(), []byte("x"), 0); err == nil {
		t.Error("a write on a copy with a hole succeeds")
	}
	if d.state() != clean || b.spooled() != 0 {
		t.Errorf("state %d, %d spool files", d.state(), b.spooled())
	}
}

func TestADetachedDraftCommitsNothingAndSucceeds(t *testing.T) {
	b := newBench(t)
	d := b.empty()
	b.write(d, "text", 0)
	d.detach()
	if err := b.commit(d); err != nil || len(b.puts) != 0 {
		t.Errorf("put %q, %v", b.puts, err)
	}
	b.write(d, "T", 0)
	b.is(d, dirty, "Text")
	if b.spooled() != 0 {
		t.Error("a file that nobody can find again has a name in the spool")
	}
	other := b.based("base")
	other.detach()
	b.write(other, "B", 0)
	b.is(other, dirty, "Base")
	if err := other.close(); err != nil || b.spooled() != 0 {
		t.Errorf("close: %v, %d spool files", err, b.spooled())
	}
}

func TestChangesWaitForACommitAndReadsDoNot(t *testing.T) {
	b := newBench(t)
	d := b.empty()
	b.write(d, "text", 0)
	begun, end := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		err := d.commit(t.Context(), claim{}, always, func(f finished) error {
			close(begun)
			<-end
			return b.put(f)
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	b.is(d, committing, "text")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.writeAt(gone, []byte("x"), 0); store.KindOf(err) != store.Interrupted {
		t.Errorf("a write that is given up: %v", err)
	}
	all.Go(func() { b.write(d, "T", 0) })
	close(end)
	all.Wait()
	b.is(d, dirty, "Text")
	if b.puts[0] != "text" {
		t.Errorf("put %q", b.puts)
	}
}

func TestACommitRunsOnWhenItsCallerIsGone(t *testing.T) {
	b := newBench(t)
	d := b.empty()
	b.write(d, "text", 0)
	ctx, cancel := context.WithCancel(t.Context())
	err := d.commit(ctx, claim{}, always, func(f finished) error {
		cancel()
		return b.put(f)
	})
	if err != nil && store.KindOf(err) != store.Interrupted {
		t.Errorf("commit: %v", err)
	}
	if err := b.commit(d); err != nil { // waits for the first one
		t.Fatal(err)
	}
	b.is(d, clean, "text")
	if len(b.puts) != 1 {
		t.Errorf("put %q", b.puts)
	}
}

// TestDraftBehavesLikeAFile compares a draft with a byte slice under any sequence of changes.
func TestDraftBehavesLikeAFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "draft")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		var puts []string
		session, err := openSession(dir, disk.Disk{}, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = session.close() }()
		put := func(f finished) error {
			text, err := io.ReadAll(io.NewSectionReader(f.file, 0, f.size))
			if sum := sha256.Sum256(text); f.sha256 != nil && !bytes.Equal(sum[:], f.sha256) {
				t.Fatalf("the digest of %q is wrong", text)
			}
			puts = append(puts, string(text))
			return err
		}
		var closed bool
		d := newDraft(session, memory{strings.NewReader("base"), &closed}, store.Attr{})
		model, last := []byte("base"), "base"
		t.Repeat(map[string]func(*rapid.T){
			"write": func(t *rapid.T) {
				off := rapid.OneOf(rapid.Just(len(model)), rapid.IntRange(0, 20)).Draw(t, "off")
				p := rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "data")
				if _, err := d.writeAt(context.Background(), p, int64(off)); err != nil {
					t.Fatal(err)
				}
				if grow := off + len(p) - len(model); grow > 0 {
					model = append(model, make([]byte, grow)...)
				}
				copy(model[off:], p)
			},
			"truncate": func(t *rapid.T) {
				size := rapid.IntRange(0, 20).Draw(t, "size")
				if _, err := d.truncate(context.Background(), int64(size)); err != nil {
					t.Fatal(err)
				}
				if size > len(model) {
					model = append(model, make([]byte, size-len(model))...)
				}
				model = model[:size:size]
			},
			"commit": func(t *rapid.T) {
				if err := d.commit(context.Background(), claim{}, always, put); err != nil {
					t.Fatal(err)
				}
				if len(puts) > 0 {
					last = puts[len(puts)-1]
				}
				if last != string(model) {
					t.Fatalf("committed %q, want %q", last, model)
				}
			},
			"": func(t *rapid.T) {
				buf := make([]byte, 100)
				n, err := d.readAt(context.Background(), buf, 0)
				if err != nil || !bytes.Equal(buf[:n], model) {
					t.Fatalf("reads %q, %v, want %q", buf[:n], err, model)
				}
			},
		})
	})
}
