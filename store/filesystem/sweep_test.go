package filesystem

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

func TestSweepTakesOldUnboundContentAndStagedFilesAlone(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	bound, garbage := put(t, b, sample(1, 10)), put(t, b, sample(2, 20))
	for path, content := range map[string]string{
		filepath.Join(b.staging, "unfinished"):                                    "123",
		filepath.Join(b.SpoolDir(), "draft"):                                      "draft",
		filepath.Join(b.content, "stray"):                                         "not ours",
		filepath.Join(b.content, generationOf(t, bound).String(), ".nfs00000001"): "not ours",
		filepath.Join(root, "object:VERSION"):                                     "not ours",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	everything := files(t, root)
	if swept := sweep(t, b, time.Now().Add(-time.Hour), none); swept != (store.Swept{}) {
		t.Errorf("swept %+v of what is younger", swept)
	}
	wantFiles(t, root, everything...)

	swept := sweep(t, b, later(), only(bound))
	if diff := cmp.Diff(store.Swept{Removed: 2, Bytes: 23}, swept); diff != "" {
		t.Errorf("swept (-want +got):\n%s", diff)
	}
	wantFiles(t, root, slices.DeleteFunc(everything, func(name string) bool {
		return name == fileOf(garbage) || name == stagingFolder+"/unfinished"
	})...)
}

func TestSweepAsksForManyAddressesAtOnceAndForEachOnce(t *testing.T) {
	b := openBulk(t, t.TempDir())
	b.filling.files = 400
	want := []store.Address{}
	for range sweepBatch + 7 {
		want = append(want, put(t, b, nil))
	}
	var asked []store.Address
	sizes := []int{}
	sweep(t, b, later(), func(ctx context.Context, addresses []store.Address) ([]bool, error) {
		asked = append(asked, addresses...)
		sizes = append(sizes, len(addresses))
		return all(ctx, addresses)
	})
	slices.Sort(want)
	slices.Sort(asked)
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("addresses asked for (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{sweepBatch, 7}, sizes); diff != "" {
		t.Errorf("sizes of the batches (-want +got):\n%s", diff)
	}
}

func TestSweepLooksAgainOnlyAtWhatMayHoldSomethingYounger(t *testing.T) {
	root := t.TempDir()
	b := openBulk(t, root)
	b.filling.files = 1
	asked := []store.Address{}
	note := func(ctx context.Context, addresses []store.Address) ([]bool, error) {
		asked = append(asked, addresses...)
		return all(ctx, addresses)
	}
	old, other := put(t, b, nil), put(t, b, nil)
	age := func(a store.Address) { // the folder, not the file: its age cannot be set
		day := time.Now().Add(-24 * time.Hour)
		if err := os.Chtimes(filepath.Dir(filepath.Join(root, fileOf(a))), day, day); err != nil {
			t.Fatal(err)
		}
	}
	age(old)
	age(other)
	sweep(t, b, time.Now().Add(-time.Hour), note)
	if len(asked) != 0 {
		t.Fatalf("asked for %v, which is younger", asked)
	}
	sweep(t, b, later(), note)
	inOrder := cmpopts.SortSlices(func(a, b store.Address) bool { return a < b })
	if diff := cmp.Diff([]store.Address{old, other}, asked, inOrder); diff != "" {
		t.Fatalf("what was too young is not looked at again (-want +got):\n%s", diff)
	}

	asked = asked[:0]
	fresh := put(t, b, nil)
	if err := os.WriteFile(filepath.Join(b.content, generationOf(t, other).String(), "2"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	added := place{generation: generationOf(t, other), number: 2}.address()
	sweep(t, b, later(), note)
	if diff := cmp.Diff([]store.Address{other, added, fresh}, asked, inOrder); diff != "" {
		t.Fatalf("addresses asked for by the next pass (-want +got):\n%s", diff)
	}

	asked = asked[:0]
	sweep(t, openBulk(t, root), later(), note)
	if len(asked) != 4 {
		t.Fatalf("the first pass of another process looks at %v, want everything", asked)
	}
}

func TestAPassThatFailedIsNotTakenForACleanOne(t *testing.T) {
	lost := errors.New("database lost")
	b := openBulk(t, t.TempDir())
	garbage := put(t, b, nil)
	day := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(filepath.Join(b.content, generationOf(t, garbage).String()), day, day); err != nil {
		t.Fatal(err)
	}
	_, err := b.Sweep(t.Context(), later(), func(context.Context, []store.Address) ([]bool, error) { return nil, lost })
	if !errors.Is(err, lost) {
		t.Fatalf("error %v, want that of the directory", err)
	}
	_, err = b.Sweep(t.Context(), later(), func(context.Context, []store.Address) ([]bool, error) { return nil, nil })
	wantKind(t, err, store.Internal)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = b.Sweep(ctx, later(), func(ctx context.Context, a []store.Address) ([]bool, error) {
		cancel()
		return nil, ctx.Err()
	})
	wantKind(t, err, store.Interrupted)
	if swept := sweep(t, b, later(), none); swept.Removed != 1 {
		t.Fatalf("%d files are swept after passes that failed, want 1", swept.Removed)
	}
}

func TestOneFileThatCannotBeRemovedDoesNotKeepTheOthers(t *testing.T) {
	var stuck string
	b := openOn(t, t.TempDir(), disk.Disk{Around: func(s disk.Step, call func() error) error {
		if s.Op == disk.OpUnlink && s.Path == stuck {
			return unix.EIO
		}
		return call()
	}})
	first, second := put(t, b, nil), put(t, b, nil)
	p, err := parseAddress(first)
	if err != nil {
		t.Fatal(err)
	}
	stuck = p.path(b.content)
	swept, err := b.Sweep(t.Context(), later(), none)
	wantKind(t, err, store.Internal)
	if swept.Removed != 1 {
		t.Errorf("%d files are removed, want 1", swept.Removed)
	}
	_, err = b.Open(t.Context(), second)
	wantKind(t, err, store.NotFound)
	stuck = ""
	if swept := sweep(t, b, later(), none); swept.Removed != 1 {
		t.Errorf("%d files are removed by the next pass, want 1", swept.Removed)
	}
}

func TestSweepTrustsTheClockOfTheFileSystemIfItIsBehind(t *testing.T) {
	root := t.TempDir()
	ahead := 24*time.Hour + time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	synctest.Test(t, func(t *testing.T) {
		b := openBulk(t, root)
		a := put(t, b, []byte("just stored"))
		time.Sleep(ahead) // our clock is now a day ahead of that of the file system
		sweep(t, b, time.Now().Add(-time.Hour), none)
		wantContent(t, b, a, []byte("just stored"))
	})
}

func TestSweepLeavesRunningWritersAlone(t *testing.T) {
	root := t.TempDir()
	writers, sweepers := []*Bulk{openBulk(t, root), openBulk(t, root)}, []*Bulk{openBulk(t, root), openBulk(t, root)}
	for _, b := range writers {
		b.filling.files = 5
	}
	grace := time.Now().Add(-time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	var writing, sweeping sync.WaitGroup
	for _, b := range sweepers {
		sweeping.Go(func() {
			for ctx.Err() == nil {
				if swept, err := b.Sweep(t.Context(), grace, none); err != nil || swept.Removed != 0 {
					t.Errorf("swept %+v (%v), want nothing", swept, err)
				}
			}
		})
	}
	for i, b := range writers {
		for j := range 3 {
			writing.Go(func() {
				for k := range 20 {
					content := sample(uint64(i*1000+j*100+k), 10_000)
					wantContent(t, b, put(t, b, content), content)
				}
			})
		}
	}
	writing.Wait()
	cancel()
	sweeping.Wait()
}

func TestAnUploadWhoseStagedFileWasSweptFails(t *testing.T) {
	root := t.TempDir()
	b, other := openBulk(t, root), openBulk(t, root)
	_, err := b.Put(t.Context(), store.Placement{}, io.MultiReader(
		bytes.NewReader(sample(1, bufferSize)),
		readerFunc(func([]byte) (int, error) { sweep(t, other, later(), none); return 0, io.EOF }),
	))
	wantKind(t, err, store.Internal)
	wantFiles(t, root)
}
