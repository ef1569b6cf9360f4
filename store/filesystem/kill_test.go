package filesystem

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hatrac/hatrac/store"
)

// childRoot is the variable that makes the test binary a child that puts content below the
// folder it names, until it is killed.
const childRoot = "HATRAC_TEST_CHILD_ROOT"

const (
	childWriters = 8
	childPuts    = 300 // that are waited for before the child is killed
)

// stamped returns content that says itself what it should be: its length and the seed of its
// random bytes, then these.
func stamped(seed, size uint64) []byte {
	content := binary.LittleEndian.AppendUint64(nil, size)
	content = binary.LittleEndian.AppendUint64(content, seed)
	return append(content, sample(seed, int(size))...)
}

func checkStamped(content []byte) error {
	if len(content) < 16 {
		return fmt.Errorf("only %d bytes", len(content))
	}
	size, seed := binary.LittleEndian.Uint64(content), binary.LittleEndian.Uint64(content[8:])
	if uint64(len(content)) != 16+size {
		return fmt.Errorf("%d bytes instead of %d", len(content), 16+size)
	}
	if !bytes.Equal(content, stamped(seed, size)) {
		return errors.New("other bytes than were put")
	}
	return nil
}

// putForever is what the child does. It writes each address to its output when it is durable.
func putForever(root string) {
	ctx := context.Background()
	b, err := Open(ctx, Config{Root: root})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	b.filling.files = 50 // so that it is killed while it begins one, too
	var (
		seeds   atomic.Uint64
		writers sync.WaitGroup
	)
	for range childWriters {
		writers.Go(func() {
			for {
				seed := seeds.Add(1)
				content := stamped(seed, seed*seed%100_000)
				a, err := b.Put(ctx, store.Placement{Size: -1}, bytes.NewReader(content))
				if err == nil {
					_, err = fmt.Println(a)
				}
				if err != nil {
					os.Exit(1)
				}
			}
		})
	}
	writers.Wait()
}

// killChild lets a child put content below root, kills it, and returns what it reported.
func killChild(t *testing.T, root string) []store.Address {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childRoot+"="+root)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var reported []store.Address
	for lines := bufio.NewScanner(out); lines.Scan(); {
		reported = append(reported, store.Address(lines.Text()))
		if len(reported) == childPuts {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = child.Wait()
	if len(reported) < childPuts {
		t.Fatalf("the child put %d contents and ended, want at least %d", len(reported), childPuts)
	}
	return reported
}

func TestWhatAKilledProcessReportedIsWhole(t *testing.T) {
	root := t.TempDir()
	var reported []store.Address
	for range 3 {
		reported = append(reported, killChild(t, root)...)
	}
	b := openBulk(t, root)
	want := make(map[string]bool)
	for _, a := range reported {
		content, err := contentAt(t.Context(), b, a)
		if err == nil {
			err = checkStamped(content)
		}
		if err != nil {
			t.Errorf("reported content of %s: %v", a, err)
		}
		want[fileOf(a)] = true
	}
	for _, name := range files(t, root) {
		if !strings.HasPrefix(name, contentFolder) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, name))
		if err == nil {
			err = checkStamped(content)
		}
		if err != nil {
			t.Errorf("%s is visible: %v", name, err)
		}
	}
	sweep(t, b, later(), only(reported...))
	left := files(t, root)
	for _, name := range left {
		if !want[name] {
			t.Errorf("%s is left after a sweep", name)
		}
	}
	if len(left) != len(want) {
		t.Errorf("%d files are left after a sweep, want %d", len(left), len(want))
	}
}
