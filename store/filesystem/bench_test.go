package filesystem

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hatrac/hatrac/store"
)

// BenchmarkPut compares Put with the plain loop that makes one file at a time durable, on
// the same disk in the same run.
func BenchmarkPut(b *testing.B) {
	for _, size := range []int{4 << 10, 1 << 20} {
		content := sample(1, size)
		for _, writers := range []int{1, 16} {
			bulk := openBulk(b, b.TempDir())
			plain := b.TempDir()
			var n atomic.Int64
			for _, way := range []struct {
				name string
				put  func() error
			}{
				{"plain", func() error { return putPlain(plain, strconv.FormatInt(n.Add(1), 10), content) }},
				{"bulk", func() error {
					_, err := bulk.Put(b.Context(), store.Placement{}, bytes.NewReader(content))
					return err
				}},
			} {
				b.Run(fmt.Sprintf("size=%d/writers=%d/%s", size, writers, way.name), func(b *testing.B) {
					b.SetBytes(int64(size))
					putAll(b, writers, way.put)
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "files/s")
				})
			}
		}
	}
}

func putAll(b *testing.B, writers int, put func() error) {
	var (
		left    atomic.Int64
		running sync.WaitGroup
	)
	left.Store(int64(b.N))
	for range writers {
		running.Go(func() {
			for left.Add(-1) >= 0 {
				if err := put(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
}

// putPlain creates, writes, syncs and renames a file and syncs its folder.
func putPlain(folder, name string, content []byte) error {
	path := filepath.Join(folder, name)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Write(content); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}
