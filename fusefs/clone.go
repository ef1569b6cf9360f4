package fusefs

import (
	"context"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
)

// clone copies the first size bytes of content into an empty file: by sharing blocks or within
// the kernel where both are files, else byte by byte, as long as ctx lasts.
func clone(ctx context.Context, to *os.File, from content, size int64) error {
	if size == 0 {
		return nil
	}
	var n int64
	if file := fileOf(from); file != nil {
		if size == from.Size() && unix.IoctlFileClone(int(to.Fd()), int(file.Fd())) == nil {
			return nil
		}
		n = copyRange(to, file, size)
	}
	copied, err := io.Copy(io.NewOffsetWriter(to, n), io.NewSectionReader(at(ctx, from), n, size-n))
	if err == nil && n+copied != size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func fileOf(c content) *os.File {
	switch c := c.(type) {
	case spoolFile:
		return c.File
	case *lazyContent:
		if open, err := c.content(); err == nil {
			return fileOf(open)
		}
	case store.FileContent:
		return c.File()
	}
	return nil
}

// copyRange copies as much as the kernel does without passing it through this process.
func copyRange(to, from *os.File, size int64) int64 {
	const most = 1 << 30
	var in, out int64
	for out < size {
		n, err := unix.CopyFileRange(int(from.Fd()), &in, int(to.Fd()), &out, int(min(size-out, most)), 0)
		if err != nil || n == 0 {
			break
		}
	}
	return out
}
