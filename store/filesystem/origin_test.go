package filesystem

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/storetest"
)

// plantFile puts a file of the original server below the root.
func plantFile(t *testing.T, root, name string, content []byte) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func origin(name, version string) store.Address {
	return store.Origin{Name: name, Version: version}.Address()
}

func TestContentOfTheOriginalServerIsReadAndRemovedWhereItLies(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	for name, file := range map[string]string{
		"/ns/a%2Fb":   "ns/a%2Fb:V1",
		"/ns/a%2fb":   "ns/a%2fb:V1", // as it was typed, another file
		"//ns/./deep": "ns/deep:V1",
		"/top":        "top:V1",
		"/odd:colon":  "odd:colon:V1",
	} {
		t.Run(name, func(t *testing.T) {
			plantFile(t, root, file, []byte(file))
			plantFile(t, root, filepath.Dir(file)+"/neighbour:V1", []byte("neighbour"))
			a := origin(name, "V1")
			wantContent(t, b, a, []byte(file))
			content, err := b.Open(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			defer content.Close()
			if _, ok := content.(store.FileContent); !ok {
				t.Error("the content is no file")
			}
			for range 2 {
				if err := b.Remove(t.Context(), a); err != nil {
					t.Fatal(err)
				}
			}
			_, err = b.Open(t.Context(), a)
			wantKind(t, err, store.NotFound)
			wantContent(t, b, origin("/"+filepath.Dir(file)+"/neighbour", "V1"), []byte("neighbour"))
		})
	}
	long := "/" + string(bytes.Repeat([]byte("x"), 300))
	for _, a := range []store.Address{origin("/gone", "V1"), origin("/top/below", "V1"), origin("/ns/neighbour:V1/below", "V1"), origin(long, "V1")} {
		_, err := b.Open(t.Context(), a)
		wantKind(t, err, store.NotFound)
		if err := b.Remove(t.Context(), a); err != nil {
			t.Errorf("removing what is gone: %v", err)
		}
	}
}

func TestNoOriginLeadsOutOfTheStorage(t *testing.T) {
	outside := t.TempDir()
	plantFile(t, outside, "secret:V1", []byte("secret"))
	root := filepath.Join(outside, "root")
	b := openBulk(t, root)
	own := put(t, b, []byte("own"))
	if err := os.Symlink(outside, filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret:V1"), filepath.Join(root, "file:V1")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "folder:V1"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, a := range []store.Address{
		origin("/../secret", "V1"), origin("/ns/../../secret", "V1"), origin("/link/secret", "V1"), origin("/file", "V1"),
		origin("/x", "../../secret:V1"), origin("/x", "a/b"), origin("/x", "a\x00"), origin("/", "V1"), origin("", "V1"),
		origin("/:content/x", "V1"), origin("//:spool/x", "V1"), origin("/folder", "V1"),
	} {
		if c, err := b.Open(t.Context(), a); err == nil {
			t.Errorf("Open(%q) answers %v", a, c)
		}
		if err := b.Remove(t.Context(), a); err == nil && a != origin("/file", "V1") {
			t.Errorf("Remove(%q) takes it", a)
		}
		if _, err := storetest.PutChunk(t.Context(), b, a, 0, 0, 1, bytes.NewReader([]byte("x"))); err == nil {
			t.Errorf("PutChunk(%q) takes it", a)
		}
	}
	if got, err := os.ReadFile(filepath.Join(outside, "secret:V1")); err != nil || string(got) != "secret" {
		t.Errorf("outside there is %q, %v", got, err)
	}
	wantContent(t, b, own, []byte("own"))
}

func TestSweepLeavesTheOriginalServersFilesAlone(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	plantFile(t, root, "ns/o:V1", []byte("bound"))
	plantFile(t, root, "ns/o:JOB", []byte("an upload"))
	before := files(t, root)
	swept, err := b.Sweep(t.Context(), later(), none)
	if err != nil || swept.Removed != 0 {
		t.Errorf("swept %+v, %v", swept, err)
	}
	if diff := cmp.Diff(before, files(t, root)); diff != "" {
		t.Errorf("files (-before +after):\n%s", diff)
	}
}

func TestAnUploadToTheOriginalServerGoesOn(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	plantFile(t, root, "ns/o:JOB", []byte("0123"))
	a := origin("/ns/o", "JOB")
	place := store.Placement{Path: "/ns/o", Version: "JOB", Size: 10}
	if !b.HoldsUnrecorded(a) || b.HoldsUnrecorded(put(t, b, nil)) {
		t.Error("it is not told which uploads have chunks that nobody recorded")
	}
	if id := b.VersionID(a); id != "JOB" {
		t.Errorf("the version will be %q", id)
	}
	_, err := b.Finish(t.Context(), a, place, nil)
	wantKind(t, err, store.Conflict)
	if _, err := storetest.PutChunk(t.Context(), b, a, 2, 8, 2, bytes.NewReader([]byte("89"))); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.PutChunk(t.Context(), b, a, 1, 4, 4, bytes.NewReader([]byte("4567"))); err != nil {
		t.Fatal(err)
	}
	if part, err := b.OpenPart(t.Context(), a); err != nil || part.Size() != 10 {
		t.Errorf("the part is %v, %v", part, err)
	} else {
		_ = part.Close()
	}
	finished, err := b.Finish(t.Context(), a, place, nil)
	if err != nil || finished != a {
		t.Fatalf("finished at %q, %v", finished, err)
	}
	wantContent(t, b, a, []byte("0123456789"))
	_, err = storetest.PutChunk(t.Context(), b, a, 0, 0, 4, bytes.NewReader([]byte("XXXX")))
	wantKind(t, err, store.Conflict)
	if err := b.Reopen(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if _, err = storetest.PutChunk(t.Context(), b, a, 0, 0, 4, bytes.NewReader([]byte("abcd"))); err != nil {
		t.Fatal(err)
	}
	wantContent(t, b, a, []byte("abcd456789"))
}
