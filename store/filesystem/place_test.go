package filesystem

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
)

func TestAFileSystemThatCannotMoveWithoutOverwritingIsUsedByLinks(t *testing.T) {
	for _, answer := range []error{unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP} {
		t.Run(answer.Error(), func(t *testing.T) {
			root := t.TempDir()
			b := openOn(t, root, disk.Disk{Around: func(s disk.Step, call func() error) error {
				if s.Op == disk.OpMove {
					return answer
				}
				return call()
			}})
			content := sample(1, 10_000)
			a := put(t, b, content)
			wantContent(t, b, a, content)
			wantFiles(t, root, fileOf(a))
		})
	}
}

func TestContentIsNeverOverwritten(t *testing.T) {
	for _, op := range []string{"", disk.OpMove} {
		root := t.TempDir()
		b := openOn(t, root, disk.Disk{Around: func(s disk.Step, call func() error) error {
			if s.Op == op {
				return unix.EINVAL
			}
			return call()
		}})
		first := put(t, b, nil)
		second := place{generation: generationOf(t, first), number: 2}
		theirs := []byte("of somebody else")
		if err := os.WriteFile(second.path(b.content), theirs, 0o444); err != nil {
			t.Fatal(err)
		}
		_, err := b.Put(t.Context(), store.Placement{}, strings.NewReader("new"))
		wantKind(t, err, store.Internal)
		wantContent(t, b, second.address(), theirs)
		wantFiles(t, root, fileOf(first), fileOf(second.address()))
		third := put(t, b, theirs)
		wantContent(t, b, third, theirs)
	}
}
