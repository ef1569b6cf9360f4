package filesystem

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"testing"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk/disktest"
	"github.com/hatrac/hatrac/store/storetest"
)

// upload is an upload in chunks of 100 bytes that can be resumed where it stopped.
type upload struct {
	done    int // works that are done
	address store.Address
	stored  map[int64][]byte // chunks that are durable
	state   uploadState
}

// uploadState says what is known of the content: nothing while it is being changed.
type uploadState string

const (
	doubtful uploadState = ""
	writable uploadState = "writable"
	sealed   uploadState = "sealed"
)

var (
	uploaded = sample(30, 250)
	mistaken = sample(31, 100)
)

// uploadWorks are what an upload consists of. Doing one again that failed is no error.
var uploadWorks = []func(context.Context, *Bulk, *upload) error{
	func(ctx context.Context, b *Bulk, u *upload) (err error) {
		if u.address, err = b.Begin(ctx, store.Placement{Size: 250}, 100); err == nil {
			u.state = writable
		}
		return err
	},
	storing(2, uploaded[200:]),
	storing(0, mistaken),
	storing(1, uploaded[100:200]),
	sealing,
	reading,
	func(ctx context.Context, b *Bulk, u *upload) error {
		u.state = doubtful
		err := b.Reopen(ctx, u.address)
		if err == nil {
			u.state = writable
		}
		return err
	},
	storing(0, uploaded[:100]),
	sealing,
	reading,
}

func storing(n int64, content []byte) func(context.Context, *Bulk, *upload) error {
	return func(ctx context.Context, b *Bulk, u *upload) error {
		delete(u.stored, n)
		_, err := storetest.PutChunk(ctx, b, u.address, n, n*100, int64(len(content)), bytes.NewReader(content))
		if err == nil {
			u.stored[n] = content
		}
		return err
	}
}

func sealing(ctx context.Context, b *Bulk, u *upload) error {
	u.state = doubtful
	_, err := b.Finish(ctx, u.address, store.Placement{Size: 250}, nil)
	if err == nil {
		u.state = sealed
	}
	return err
}

// reading changes nothing, so that all holds what was said to be durable.
func reading(ctx context.Context, b *Bulk, u *upload) error {
	_, err := contentAt(ctx, b, u.address)
	return err
}

func (u *upload) run(ctx context.Context, b *Bulk) error {
	for ; u.done < len(uploadWorks); u.done++ {
		if err := uploadWorks[u.done](ctx, b, u); err != nil {
			return err
		}
	}
	return nil
}

// TestEveryStepOfAnUploadMayFail lets the first, second, … step of an upload fail or be the
// last one, looks at what is there then, and resumes it.
func TestEveryStepOfAnUploadMayFail(t *testing.T) {
	for _, how := range []disktest.Fault{disktest.Fails, disktest.Denies, disktest.Crashes} {
		t.Run(string(how), func(t *testing.T) {
			n := 1
			for fired := true; fired && !t.Failed(); n++ {
				t.Run(fmt.Sprint(n), func(t *testing.T) { fired = failUpload(t, n, how) })
			}
			if n < 40 {
				t.Errorf("only %d steps were seen to go wrong, want 40", n-2)
			}
		})
	}
}

// failUpload lets the n-th step go wrong, and reports whether there is one.
func failUpload(t *testing.T, n int, how disktest.Fault) bool {
	root := t.TempDir()
	in := &disktest.Injector{Power: disktest.NewPower(root)}
	b := openOn(t, root, in.Disk())
	in.Arm(n, how)
	u := &upload{stored: make(map[int64][]byte)}
	err := u.run(t.Context(), b)
	fired := in.Fired()
	switch {
	case how == disktest.Crashes && fired:
		if err == nil {
			t.Errorf("the crash before %v went unnoticed", in.Hit())
		}
		u.check(t, root)
		u.check(t, in.Power.Fail(t))
		return true
	case err != nil:
		wantKind(t, err, store.NoSpace)
		if u.done == 0 {
			wantFiles(t, root)
		}
		if err := u.run(t.Context(), b); err != nil {
			t.Fatalf("resumed after %v failed: %v", in.Hit(), err)
		}
	}
	u.check(t, root)
	return fired
}

// check opens a folder anew, looks at what is there, and resumes the upload.
func (u *upload) check(t *testing.T, root string) {
	t.Helper()
	resumed := *u
	resumed.stored = maps.Clone(u.stored)
	b := openBulk(t, root)
	if resumed.done > 0 {
		resumed.checkChunks(t, b)
		resumed.checkState(t, b)
	}
	if err := resumed.run(t.Context(), b); err != nil {
		t.Fatalf("resumed: %v", err)
	}
	wantContent(t, b, resumed.address, uploaded)
	sweep(t, b, later(), only(resumed.address))
	wantFiles(t, root, fileOf(resumed.address))
}

func (u *upload) checkChunks(t *testing.T, b *Bulk) {
	t.Helper()
	c, err := b.OpenPart(t.Context(), u.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if c.Size() != 250 {
		t.Fatalf("the assembly has %d bytes, want 250", c.Size())
	}
	for n, want := range u.stored {
		got := make([]byte, len(want))
		if _, err := c.ReadAt(got, n*100); err != nil || !bytes.Equal(got, want) {
			t.Errorf("chunk %d is not what was stored (%v)", n, err)
		}
	}
}

// checkState checks that what is open to readers is what was meant to be finished.
func (u *upload) checkState(t *testing.T, b *Bulk) {
	t.Helper()
	got, err := contentAt(t.Context(), b, u.address)
	if err != nil {
		wantKind(t, err, store.Conflict)
		if u.state == sealed {
			t.Errorf("finished content is not: %v", err)
		}
		return
	}
	if u.state == writable {
		t.Error("content is readable that is not finished")
	}
	if len(u.stored) != 3 || !bytes.HasSuffix(got, uploaded[100:]) {
		t.Errorf("content is readable that is not whole: %d chunks were stored", len(u.stored))
	}
}
