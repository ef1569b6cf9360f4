package cache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/storetest"
)

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
	return b.cache.Open(a, content), nil
}

func newRemote(t testing.TB) *storetest.Remote {
	t.Helper()
	bulk, err := filesystem.Open(t.Context(), filesystem.Config{Root: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bulk.Close() })
	return &storetest.Remote{Assembler: bulk}
}

func newCache(t testing.TB, cfg Config) *Cache {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCachedContentKeepsTheContractOfContent(t *testing.T) {
	for _, block := range []int64{1000, 4096, DefaultBlockSize} {
		storetest.Bulk(t, storetest.BulkFactory{
			New: func(t *testing.T) store.Bulk {
				return cached{newRemote(t), newCache(t, Config{BlockSize: block, Size: 20 * block})}
			},
			KeepsOpen: true,
		})
	}
}

// rig is a remote Bulk with some content and a cache of small blocks.
type rig struct {
	*testing.T
	remote  *storetest.Remote
	cache   *Cache
	address store.Address
	want    []byte
}

const (
	testBlock = 1000
	testSize  = 100_500
)

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := &rig{T: t, remote: newRemote(t), want: make([]byte, testSize)}
	_, _ = rand.NewChaCha8([32]byte{1}).Read(r.want)
	address, err := r.remote.Put(t.Context(), store.Placement{Path: "/f", Size: testSize}, bytes.NewReader(r.want))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.BlockSize == 0 {
		cfg.BlockSize, cfg.Request = testBlock, 4*testBlock
	}
	r.address, r.cache = address, newCache(t, cfg)
	t.Cleanup(func() {
		if now, _ := r.remote.Under(); now != 0 {
			t.Errorf("%d sections were left open", now)
		}
		r.cache.mu.Lock()
		defer r.cache.mu.Unlock()
		if r.cache.held > r.cache.cfg.Size {
			t.Errorf("the cache holds %d bytes", r.cache.held)
		}
		if r.cache.unread != 0 {
			t.Errorf("%d bytes that nobody will read are kept", r.cache.unread)
		}
	})
	return r
}

func (r *rig) open() *Content {
	r.Helper()
	content, err := r.remote.Open(r.Context(), r.address)
	if err != nil {
		r.Fatal(err)
	}
	c := r.cache.Open(r.address, content)
	r.Cleanup(func() {
		if err := c.Close(); err != nil {
			r.Error(err)
		}
	})
	return c
}

// reads checks a reading of n bytes.
func (r *rig) reads(c *Content, off, n int64) {
	r.Helper()
	p := make([]byte, n)
	if got, err := c.ReadAt(p, off); got != len(p) || err != nil && err != io.EOF || !bytes.Equal(p, r.want[off:off+n]) {
		r.Errorf("%d bytes from %d: %d, %v, or others", n, off, got, err)
	}
}

func TestABlockIsFetchedOnceForAll(t *testing.T) {
	r := newRig(t, Config{})
	release, asked := make(chan struct{}), make(chan struct{}, 100)
	r.remote.SetFault(func(context.Context, int64, int64) error {
		asked <- struct{}{}
		<-release
		return nil
	})
	var all sync.WaitGroup
	for i := range 20 {
		c := r.open()
		all.Go(func() { r.reads(c, 50_000+int64(i), 10) })
	}
	<-asked
	close(release)
	all.Wait()
	r.reads(r.open(), 50_500, 100)
	if n := r.remote.Requests(); n != 1 {
		t.Errorf("%d requests for one block", n)
	}
}

func TestASequentialReaderIsAwaited(t *testing.T) {
	r := newRig(t, Config{Size: 80 * testBlock})
	c := r.open()
	for off := int64(0); off < testSize; off += 500 {
		r.reads(c, off, min(500, testSize-off))
	}
	if n, blocks := r.remote.Requests(), int64(testSize/testBlock+1); n > blocks/2 {
		t.Errorf("%d requests for %d blocks", n, blocks)
	}
	if n := r.remote.Bytes(); n != testSize {
		t.Errorf("%d bytes were fetched of %d", n, testSize)
	}
}

func TestSeveralRequestsAreUnderWayAtOnceAndNoMore(t *testing.T) {
	r := newRig(t, Config{Parallel: 3, Size: 80 * testBlock})
	c := r.open()
	r.reads(c, 0, 20_000)
	c.fetches.Wait()
	gate := make(chan struct{})
	r.remote.SetFault(func(ctx context.Context, _, _ int64) error {
		select {
		case gate <- struct{}{}:
		case <-ctx.Done():
		}
		return nil
	})
	done := make(chan struct{})
	go func() { defer close(done); r.reads(c, 20_000, 60_000) }()
	for {
		select {
		case <-gate:
			c.mu.Lock()
			if c.under > 3 {
				t.Errorf("%d requests are under way", c.under)
			}
			c.mu.Unlock()
			continue
		case <-done:
		}
		break
	}
	if _, most := r.remote.Under(); most > 4 { // and one that the reader waits for
		t.Errorf("%d requests were under way", most)
	}
}

func TestRandomReadingFetchesNothingElse(t *testing.T) {
	r := newRig(t, Config{BlockSize: 100, Size: 100_000})
	c := r.open()
	for _, n := range []int64{900, 5, 700, 300, 100} {
		r.reads(c, n*100+7, 10)
	}
	if n := r.remote.Bytes(); n != 500 {
		t.Errorf("%d bytes were fetched for 5 blocks of 100", n)
	}
}

func TestWhatOneReadingLacksIsFetchedByOneRequest(t *testing.T) {
	r := newRig(t, Config{BlockSize: 100, Request: 1000, Size: 100_000})
	r.reads(r.open(), 50_350, 10)
	r.reads(r.open(), 50_010, 980) // all around what is there
	if n, b := r.remote.Requests(), r.remote.Bytes(); n != 3 || b != 1000 {
		t.Errorf("%d requests for %d bytes", n, b)
	}
}

func TestWhoSkipsThroughContentGetsLittleMore(t *testing.T) {
	for _, stride := range []int64{300, 1000, 5000} {
		r := newRig(t, Config{BlockSize: 100, Request: 4000, Size: 200_000})
		c := r.open()
		var read int64
		for off := int64(0); off < testSize-100; off += stride {
			r.reads(c, off, 100)
			read += 100
		}
		c.fetches.Wait()
		if b := r.remote.Bytes(); b > 2*read+4000 {
			t.Errorf("%d bytes were fetched for %d, one hundred of every %d", b, read, stride)
		}
	}
}

func TestWhatIsReadAllOverIsFetchedWithWhatIsAround(t *testing.T) {
	for size, most := range map[int64]int64{100_000: 1005, 2 * testSize: 1005 / 4} { // without room, and with
		r := newRig(t, Config{BlockSize: 100, Request: 1000, Size: size})
		c := r.open()
		rnd := rand.New(rand.NewPCG(1, 2))
		for range 1000 {
			r.reads(c, rnd.Int64N(testSize-10), 10)
		}
		c.fetches.Wait()
		if n := r.remote.Requests(); n > most {
			t.Errorf("%d requests in a room for %d bytes", n, size)
		}
	}
}

func TestWhoStopsWasSentLittleMore(t *testing.T) {
	for _, n := range []int64{100, 1000, 10_000} {
		r := newRig(t, Config{BlockSize: 100, Request: 4000, Size: 1_000_000})
		c := r.open()
		for off := int64(0); off < n; off += 100 {
			r.reads(c, off, 100)
		}
		c.fetches.Wait()
		if b := r.remote.Bytes(); b > min(5*n, 2*n+2*4000) { // whole requests, from some length on
			t.Errorf("%d bytes were fetched for %d", b, n)
		}
	}
}

func TestOutOfOrderIsInOrderForAReaderOfManyHands(t *testing.T) {
	r := newRig(t, Config{BlockSize: 100, Request: 4000, Size: 1_000_000})
	c := r.open()
	for off := int64(0); off < testSize-1000; off += 1000 {
		for _, i := range []int64{3, 1, 7, 0, 9, 2, 5, 4, 8, 6} {
			r.reads(c, off+100*i, 100)
		}
	}
	c.fetches.Wait()
	if n := r.remote.Requests(); n > 60 {
		t.Errorf("%d requests for %d bytes", n, testSize)
	}
}

func TestTheCacheForgetsWhatWasNotUsedForLongest(t *testing.T) {
	r := newRig(t, Config{Size: 3 * testBlock})
	c := r.open()
	for _, n := range []int64{80, 40, 20, 80, 60, 80} { // 40 goes for 60
		r.reads(c, n*testBlock, 10)
	}
	if n := r.remote.Requests(); n != 4 {
		t.Errorf("%d requests, want 4", n)
	}
	r.reads(c, 40*testBlock, 10)
	if n := r.remote.Requests(); n != 5 {
		t.Errorf("%d requests, want 5", n)
	}
}

func TestWhoGoesThroughLongContentPushesNothingElseOut(t *testing.T) {
	r := newRig(t, Config{BlockSize: 100, Request: 1000, Parallel: 2, Size: 20_000})
	used := []int64{90_000, 70_000, 95_000}
	for _, off := range used {
		r.reads(r.open(), off, 100)
	}
	long := r.open()
	for off := int64(0); off < 60_000; off += 500 {
		if off%1000 == 0 {
			r.reads(long, off, 500)
		} else if !r.looks(long, off, 500) {
			r.reads(long, off, 500)
		}
	}
	long.fetches.Wait()
	was := r.remote.Requests()
	for _, off := range used {
		r.reads(r.open(), off, 100)
	}
	if n := r.remote.Requests() - was; n > 0 {
		t.Errorf("%d of %d blocks were pushed out", n, len(used))
	}
}

func TestManyReadersShareLittleMemory(t *testing.T) {
	r := newRig(t, Config{Size: 4 * testBlock})
	var all sync.WaitGroup
	for i := range 16 {
		c := r.open()
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(i)))
			for range 50 {
				off := rnd.Int64N(testSize - 3000)
				r.reads(c, off, rnd.Int64N(3000))
			}
			if i%2 == 0 {
				r.reads(c, 0, testSize)
			}
		})
	}
	all.Wait()
}

func TestAFailedFetchIsAnErrorAndIsTriedAgain(t *testing.T) {
	r := newRig(t, Config{})
	c := r.open()
	r.remote.SetFault(func(context.Context, int64, int64) error {
		return store.NewError(store.Unavailable, "", "")
	})
	if _, err := c.ReadAt(make([]byte, 10), 5000); store.KindOf(err) != store.Unavailable {
		t.Errorf("a reading answers %v", err)
	}
	r.remote.SetFault(nil)
	r.reads(c, 5000, 10)
}

func TestAStorageThatHangsIsAnErrorInBoundedTime(t *testing.T) {
	r := newRig(t, Config{Deadline: 10 * time.Millisecond})
	r.remote.SetFault(storetest.Hang)
	if _, err := r.open().ReadAt(make([]byte, 10), 0); store.KindOf(err) != store.Unavailable {
		t.Errorf("a reading answers %v", err)
	}
}

func TestWhoIsInterruptedGoesAndLeavesTheOthersWaiting(t *testing.T) {
	r := newRig(t, Config{})
	release := make(chan struct{})
	r.remote.SetFault(func(context.Context, int64, int64) error { <-release; return nil })
	c := r.open()
	other := make(chan struct{})
	go func() { defer close(other); r.reads(c, 0, 10) }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.ReadAtContext(ctx, make([]byte, 10), 0); store.KindOf(err) != store.Interrupted {
		t.Errorf("an interrupted reading answers %v", err)
	}
	close(release)
	<-other
}

func TestWhatOneReaderGivesUpAnotherFetchesItself(t *testing.T) {
	r := newRig(t, Config{Size: 80 * testBlock})
	content, err := r.remote.Open(t.Context(), r.address)
	if err != nil {
		t.Fatal(err)
	}
	first, second := r.cache.Open(r.address, content), r.open()
	asked := make(chan struct{}, 100)
	var once sync.Once
	hanging := true
	var mu sync.Mutex
	r.remote.SetFault(func(ctx context.Context, off, n int64) error {
		mu.Lock()
		stays := hanging
		mu.Unlock()
		if !stays {
			return nil
		}
		once.Do(func() { close(asked) })
		return storetest.Hang(ctx, off, n)
	})
	gone := make(chan error)
	go func() {
		_, err := first.ReadAt(make([]byte, 10), 70_000)
		gone <- err
	}()
	<-asked
	waits := make(chan struct{})
	go func() { defer close(waits); r.reads(second, 70_000, 10) }()
	mu.Lock()
	hanging = false
	mu.Unlock()
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := <-gone; !errors.Is(err, ErrAbandoned) {
		t.Errorf("a reading of what was closed answers %v", err)
	}
	<-waits
}

func TestAJumpGivesUpWhatWasFetchedAhead(t *testing.T) {
	r := newRig(t, Config{BlockSize: 1 << 16, Size: 1 << 24})
	r.want = make([]byte, 20<<20)
	_, _ = rand.NewChaCha8([32]byte{2}).Read(r.want)
	var err error
	if r.address, err = r.remote.Put(t.Context(), store.Placement{Path: "/g", Size: -1}, bytes.NewReader(r.want)); err != nil {
		t.Fatal(err)
	}
	c := r.open()
	for n := range int64(8) {
		r.reads(c, n<<16, 1<<16)
	}
	r.reads(c, 15<<20, 10)
	c.fetches.Wait()
	r.cache.mu.Lock()
	defer r.cache.mu.Unlock()
	if r.cache.unread != 0 {
		t.Errorf("%d bytes are kept for a reader that went elsewhere", r.cache.unread)
	}
}

func TestACacheWithoutRoomIsRefused(t *testing.T) {
	if _, err := New(Config{Size: 1000, BlockSize: 600}); err == nil {
		t.Error("a cache of less than two blocks was made")
	}
}
