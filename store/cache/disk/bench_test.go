package disk

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/storetest"
)

// BenchmarkAgain reads content that is kept, after a restart, and compares it with a plain file. What
// both of them read is in the page cache.
func BenchmarkAgain(b *testing.B) {
	const size = 256 << 20
	remote := newRemote(b, "remote")
	address, err := remote.Put(b.Context(), store.Placement{Path: "/f", Size: size}, bytes.NewReader(make([]byte, size)))
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, make([]byte, size), 0o600); err != nil {
		b.Fatal(err)
	}
	read := func() {
		c, err := Open(Config{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		from, err := remote.Open(b.Context(), address)
		if err != nil {
			b.Fatal(err)
		}
		content := c.Content(from)
		for off := int64(0); off < size; off += segmentSize {
			s, err := content.Section(b.Context(), off, segmentSize)
			if err != nil {
				b.Fatal(err)
			}
			drain(b, s)
		}
		if err := content.Close(); err != nil {
			b.Error(err)
		}
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	}
	for fetchedBy(remote, read) > 0 { // until all is kept
	}
	var kept, file time.Duration
	b.SetBytes(size)
	for b.Loop() {
		kept += timed(read)
		file += timed(func() {
			f, err := os.Open(plain)
			if err != nil {
				b.Fatal(err)
			}
			drain(b, f)
		})
	}
	b.ReportMetric(kept.Seconds()/file.Seconds(), "×plain")
}

func drain(b *testing.B, from io.ReadCloser) {
	b.Helper()
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{from}, make([]byte, blockSize)); err != nil {
		b.Fatal(err)
	}
	_ = from.Close() // only read
}

func fetchedBy(remote *storetest.Remote, do func()) int64 {
	was := remote.Bytes()
	do()
	return remote.Bytes() - was
}

func timed(do func()) time.Duration {
	begun := time.Now()
	do()
	return time.Since(begun)
}
