package cache

import (
	"io"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store"
)

// endless gives zeros.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// BenchmarkSequential reads content in order whose requests take a while.
func BenchmarkSequential(b *testing.B) {
	const size = 256 << 20
	remote := newRemote(b)
	address, err := remote.Put(b.Context(), store.Placement{Path: "/f", Size: size}, io.LimitReader(endless{}, size))
	if err != nil {
		b.Fatal(err)
	}
	remote.Latency, remote.Rate = 20*time.Millisecond, 50<<20
	b.SetBytes(size)
	for b.Loop() {
		content, err := remote.Open(b.Context(), address)
		if err != nil {
			b.Fatal(err)
		}
		c := newCache(b, Config{}).Open(address, content)
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.NewSectionReader(c, 0, size), make([]byte, 128<<10)); err != nil {
			b.Fatal(err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
	_, most := remote.Under()
	b.ReportMetric(float64(remote.Requests())/float64(b.N), "requests")
	b.ReportMetric(float64(most), "at-once")
}
