package disk

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/storetest"
)

// rig is content that lies elsewhere, and a cache.
type rig struct {
	*testing.T
	remote  *storetest.Remote
	address store.Address
	want    []byte
	cfg     Config
	cache   *Cache
}

// contentSize is that of a content of three segments, of which the last has but a few blocks.
const contentSize = 2*segmentSize + 3*blockSize + 12_345

func newRemote(t testing.TB, name string) *storetest.Remote {
	t.Helper()
	bulk, err := filesystem.Open(t.Context(), filesystem.Config{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bulk.Close() })
	return &storetest.Remote{Assembler: bulk, Name: name}
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := &rig{T: t, remote: newRemote(t, "remote"), want: noise(1), cfg: cfg}
	r.address = r.put(r.remote, r.want)
	if r.cfg.Dir == "" {
		r.cfg.Dir = t.TempDir()
	}
	r.begin()
	t.Cleanup(r.end)
	return r
}

// noises are made once: nobody writes to them.
var noises [10]func() []byte

func init() {
	for seed := range noises {
		noises[seed] = sync.OnceValue(func() []byte {
			b := make([]byte, contentSize)
			_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
			return b
		})
	}
}

func noise(seed int) []byte { return noises[seed]() }

func (r *rig) put(remote *storetest.Remote, content []byte) store.Address {
	r.Helper()
	a, err := remote.Put(r.Context(), store.Placement{Path: "/f", Size: int64(len(content))}, bytes.NewReader(content))
	if err != nil {
		r.Fatal(err)
	}
	return a
}

func (r *rig) begin() {
	r.Helper()
	c, err := Open(r.cfg)
	if err != nil {
		r.Fatal(err)
	}
	r.cache = c
}

func (r *rig) end() {
	r.Helper()
	if err := r.cache.Close(); err != nil {
		r.Error(err)
	}
}

// again is what a restart of the program does.
func (r *rig) again() {
	r.Helper()
	r.end()
	r.begin()
}

func (r *rig) open() store.Content {
	r.Helper()
	return r.openAt(r.remote, r.address)
}

func (r *rig) openAt(remote *storetest.Remote, a store.Address) store.Content {
	r.Helper()
	from, err := remote.Open(context.Background(), a)
	if err != nil {
		r.Fatal(err)
	}
	c := r.cache.Content(from)
	r.Cleanup(func() { _ = c.Close() })
	return c
}

// reads checks a section of content, read by pieces of some length.
func (r *rig) reads(c store.Content, want []byte, off, n int64, piece int) {
	r.Helper()
	s, err := c.Section(context.Background(), off, n)
	if err != nil {
		r.Errorf("%d bytes from %d: %v", n, off, err)
		return
	}
	defer func() { _ = s.Close() }()
	var got bytes.Buffer
	if _, err := io.CopyBuffer(struct{ io.Writer }{&got}, struct{ io.Reader }{s}, make([]byte, piece)); err != nil {
		r.Errorf("%d bytes from %d: %v", n, off, err)
	} else if !bytes.Equal(got.Bytes(), want[off:off+n]) {
		r.Errorf("%d bytes from %d are others", n, off)
	}
}

// all reads the whole content and waits until what was fetched of it is written.
func (r *rig) all() {
	r.Helper()
	r.reads(r.open(), r.want, 0, contentSize, 1<<20)
	r.written()
}

// written waits until nothing waits to be written.
func (r *rig) written() {
	r.Helper()
	r.again()
}

// fetched returns how many bytes of the content are fetched to read all of it.
func (r *rig) fetched() int64 {
	r.Helper()
	was := r.remote.Bytes()
	r.reads(r.open(), r.want, 0, contentSize, 1<<20)
	return r.remote.Bytes() - was
}

// files returns the paths of all segments.
func (r *rig) files() []string {
	r.Helper()
	var found []string
	err := filepath.WalkDir(filepath.Join(r.cfg.Dir, "content"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != "lock" {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		r.Fatal(err)
	}
	return found
}

// cached is a remote Bulk whose content is read through a cache.
type cached struct {
	store.Bulk
	cache *Cache
}

func (b cached) Open(ctx context.Context, a store.Address) (store.Content, error) {
	content, err := b.Bulk.Open(ctx, a)
	if err != nil {
		return nil, err
	}
	return b.cache.Content(content), nil
}

func TestCachedContentKeepsTheContractOfContent(t *testing.T) {
	storetest.Bulk(t, storetest.BulkFactory{
		New: func(t *testing.T) store.Bulk {
			c, err := Open(Config{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			return cached{newRemote(t, "remote"), c}
		},
		KeepsOpen: true,
	})
}

func TestWhatWasReadIsNotFetchedAgainAfterARestart(t *testing.T) {
	r := newRig(t, Config{})
	r.all()
	if n := r.fetched(); n != 0 {
		t.Errorf("%d bytes were fetched again", n)
	}
	r.again()
	requests := r.remote.Requests()
	for _, part := range []struct{ off, n int64 }{
		{0, 1}, {blockSize - 1, 2}, {5, segmentSize}, {segmentSize - 7, 3 * blockSize}, {contentSize - 1, 1}, {contentSize, 0},
	} {
		for _, piece := range []int{1000, blockSize, 1 << 20} {
			r.reads(r.open(), r.want, part.off, part.n, piece)
		}
	}
	if n := r.remote.Requests() - requests; n != 0 {
		t.Errorf("%d requests for what is there", n)
	}
}

func TestOnlyWhatIsMissingIsFetched(t *testing.T) {
	r := newRig(t, Config{})
	r.reads(r.open(), r.want, 10*blockSize, 8*blockSize, blockSize)
	r.written()
	if n := r.fetched(); n != contentSize-8*blockSize {
		t.Errorf("%d bytes were fetched to eight blocks", n)
	}
}

func TestPartsOfBlocksAreNotKept(t *testing.T) {
	r := newRig(t, Config{})
	r.reads(r.open(), r.want, 10, blockSize, blockSize)
	r.reads(r.open(), r.want, blockSize, blockSize-1, blockSize)
	r.written()
	if found := r.files(); len(found) > 0 {
		t.Errorf("there are %v", found)
	}
}

func TestStoresDoNotMix(t *testing.T) {
	r := newRig(t, Config{})
	r.all()
	for _, other := range []struct {
		name  string
		bytes []byte
	}{{"another", noise(2)}, {"remote", noise(3)[:contentSize-1]}, {"", noise(4)}} {
		remote := newRemote(t, other.name)
		a := r.put(remote, other.bytes)
		for range 2 {
			r.reads(r.openAt(remote, a), other.bytes, 0, int64(len(other.bytes)), 1<<20)
			r.written()
		}
	}
}

func TestContentWithoutAnIdentityIsNotKept(t *testing.T) {
	r := newRig(t, Config{})
	r.remote.Name = ""
	r.all()
	if found := r.files(); len(found) > 0 {
		t.Errorf("there are %v", found)
	}
}

func TestDamagedBlocksAreFetchedAgain(t *testing.T) {
	spoil := func(off int64) func(*rig, string) error {
		return func(_ *rig, path string) error {
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			b := make([]byte, 1)
			if _, err := file.ReadAt(b, off); err != nil {
				return err
			}
			b[0] ^= 1
			_, err = file.WriteAt(b, off)
			return errors.Join(err, file.Close())
		}
	}
	cut := func(size int64) func(*rig, string) error {
		return func(_ *rig, path string) error { return os.Truncate(path, size) }
	}
	for damage, do := range map[string]func(*rig, string) error{
		"the first byte":  spoil(headerSize),
		"a byte between":  spoil(headerSize + 2*blockSize + 777),
		"a sum":           spoil(int64(len(magic)) + 8),
		"the magic":       spoil(0),
		"nothing left":    cut(0),
		"half a header":   cut(100),
		"a header alone":  cut(headerSize),
		"half a block":    cut(headerSize + blockSize + 1000),
		"it is gone":      func(_ *rig, path string) error { return os.Remove(path) },
		"it is a folder":  func(_ *rig, path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"it is of others": func(r *rig, path string) error { return os.Rename(r.files()[0], path) },
		"blocks swapped":  swapBlocks,
	} {
		for _, when := range []string{"meanwhile", "before a restart"} {
			t.Run(damage+" "+when, func(t *testing.T) {
				r := newRig(t, Config{})
				r.all()
				if err := do(r, r.files()[1]); err != nil {
					t.Fatal(err)
				}
				if when != "meanwhile" {
					r.again()
				}
				r.reads(r.open(), r.want, 0, contentSize, blockSize)
				r.written()
				if n := r.fetched(); n > 0 && damage != "it is a folder" {
					t.Errorf("%d bytes were not kept again", n)
				}
			})
		}
	}
}

func swapBlocks(_ *rig, path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	one, other := make([]byte, blockSize), make([]byte, blockSize)
	_, err = file.ReadAt(one, headerSize)
	_, errOther := file.ReadAt(other, headerSize+blockSize)
	_, errSwap := file.WriteAt(other, headerSize)
	_, errSwapped := file.WriteAt(one, headerSize+blockSize)
	return errors.Join(err, errOther, errSwap, errSwapped, file.Close())
}

func TestTheCacheKeepsToItsSize(t *testing.T) {
	r := newRig(t, Config{Size: headerSize + segmentSize})
	for range 3 {
		r.reads(r.open(), r.want, 0, contentSize, 1<<20)
		r.again()
		var size int64
		for _, path := range r.files() {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size()
		}
		if size > r.cfg.Size {
			t.Errorf("the files have %d bytes", size)
		}
	}
	r.cfg.Size = 100 * segmentSize
	r.again()
	r.all()
	r.cfg.Size = headerSize + segmentSize
	r.again()
	if found := r.files(); len(found) != 1 {
		t.Errorf("%d segments are in a room for one", len(found))
	}
}

func TestWhatWasNotUsedForLongestGoesFirst(t *testing.T) {
	r := newRig(t, Config{Size: 2 * (headerSize + segmentSize)})
	segment := func(n int64) { r.reads(r.open(), r.want, n*segmentSize, 2*blockSize, blockSize) }
	r.cfg.Size = 2*(headerSize+2*blockSize) + segmentSize
	r.again()
	segment(0)
	segment(1)
	r.written()
	segment(0)
	r.reads(r.open(), r.want, 2*segmentSize, 3*blockSize, blockSize)
	r.cfg.Size = headerSize + segmentSize
	r.again()
	was := r.remote.Bytes()
	segment(0)
	if n := r.remote.Bytes() - was; n != 0 {
		t.Errorf("%d bytes of what was used had gone", n)
	}
}

func TestWhatNobodyUsesGoesInTime(t *testing.T) {
	r := newRig(t, Config{})
	r.all()
	old := time.Now().Add(-8 * 24 * time.Hour)
	if err := os.Chtimes(r.files()[0], old, old); err != nil {
		t.Fatal(err)
	}
	r.again()
	if found := r.files(); len(found) != 2 {
		t.Errorf("there are %v", found)
	}
}

func TestUseIsRememberedAcrossRestarts(t *testing.T) {
	r := newRig(t, Config{})
	r.all()
	old := time.Now().Add(-6 * 24 * time.Hour)
	for _, path := range r.files() {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	r.again()
	r.fetched()
	for _, path := range r.files() {
		if info, err := os.Stat(path); err != nil || time.Since(info.ModTime()) > time.Hour {
			t.Errorf("the use of %s was not noted: %v", path, err)
		}
	}
}

func TestOneCacheIsInAFolder(t *testing.T) {
	r := newRig(t, Config{})
	if _, err := Open(r.cfg); !errors.Is(err, ErrInUse) {
		t.Errorf("a second cache: %v", err)
	}
}

func TestNobodyElseMayLookIn(t *testing.T) {
	r := newRig(t, Config{Dir: filepath.Join(t.TempDir(), "new")})
	r.all()
	err := filepath.WalkDir(r.cfg.Dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if os.Geteuid() == 0 {
		r.end()
		defer r.begin()
		if err := os.Chown(filepath.Join(r.cfg.Dir, "content"), 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(r.cfg); err == nil {
			t.Error("a folder of another user is used")
		}
		if err := os.Chown(filepath.Join(r.cfg.Dir, "content"), 0, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	r := newRig(t, Config{})
	r.all()
	other := filepath.Join(filepath.Dir(r.files()[0]), "note")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.cfg.Size = headerSize + segmentSize
	r.again()
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}

func TestFaultsOfTheStorageAreTold(t *testing.T) {
	r := newRig(t, Config{})
	r.reads(r.open(), r.want, 0, 4*blockSize, blockSize)
	r.written()
	r.remote.SetFault(func(context.Context, int64, int64) error {
		return store.NewError(store.Unavailable, "", "")
	})
	c := r.open()
	r.reads(c, r.want, 0, 4*blockSize, blockSize)
	s, err := c.Section(t.Context(), 0, 5*blockSize)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if n, err := io.Copy(io.Discard, s); n != 4*blockSize || store.KindOf(err) != store.Unavailable {
		t.Errorf("%d bytes, %v", n, err)
	}
	if _, err := c.Section(t.Context(), 4*blockSize, 1); store.KindOf(err) != store.Unavailable {
		t.Errorf("a section of what is not there: %v", err)
	}
}

// TestBytesAreAlwaysRight reads at random, at once, while files are spoiled and the cache starts again.
func TestBytesAreAlwaysRight(t *testing.T) {
	r := newRig(t, Config{Size: 2 * (headerSize + segmentSize)})
	other := noise(9)
	otherAddress := r.put(r.remote, other)
	for round := range 4 {
		done := make(chan struct{})
		var all sync.WaitGroup
		for i := range 6 {
			c, want := r.open(), r.want
			if i%2 == 0 {
				c, want = r.openAt(r.remote, otherAddress), other
			}
			all.Go(func() {
				rnd := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				for range 12 {
					off := rnd.Int64N(contentSize)
					if rnd.IntN(2) == 0 {
						off = off / blockSize * blockSize
					}
					n := min(rnd.Int64N(3<<20), contentSize-off)
					r.reads(c, want, off, n, []int{5000, blockSize, 1 << 20}[rnd.IntN(3)])
				}
			})
		}
		var spoiler sync.WaitGroup
		spoiler.Go(func() { r.spoil(uint64(round), done) })
		all.Wait()
		close(done)
		spoiler.Wait()
		r.again()
	}
}

// spoil damages segments until done is closed.
func (r *rig) spoil(seed uint64, done <-chan struct{}) {
	rnd := rand.New(rand.NewPCG(seed, 99))
	for {
		select {
		case <-done:
			return
		default:
		}
		var paths []string
		_ = filepath.WalkDir(r.cache.dir, func(path string, e fs.DirEntry, err error) error { // it changes
			if err == nil && !e.IsDir() && e.Name() != "lock" {
				paths = append(paths, path)
			}
			return nil
		})
		if len(paths) == 0 {
			continue
		}
		path := paths[rnd.IntN(len(paths))]
		switch rnd.IntN(4) {
		case 0:
			_ = os.Remove(path)
		case 1:
			_ = os.Truncate(path, rnd.Int64N(headerSize+segmentSize))
		default:
			if file, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
				_, _ = file.WriteAt([]byte("spoiled"), rnd.Int64N(headerSize+segmentSize))
				_ = file.Close()
			}
		}
	}
}
