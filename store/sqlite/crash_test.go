package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// childFile names the database for this program started as a child of its tests, childTask
// what it is to do with it.
const (
	childFile = "HATRAC_TEST_SQLITE_FILE"
	childTask = "HATRAC_TEST_SQLITE_TASK"
)

func TestMain(m *testing.M) {
	path := os.Getenv(childFile)
	if path == "" {
		os.Exit(m.Run())
	}
	ctx := context.Background()
	d, err := Open(ctx, Config{Path: path, Migrate: true})
	if err == nil && os.Getenv(childTask) == "write" {
		err = writeForever(ctx, d)
	}
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("opened")
}

// child prepares this program as a child that works on the database.
func child(t *testing.T, path, task string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childFile+"="+path, childTask+"="+task)
	cmd.Stderr = os.Stderr
	return cmd
}

// writeForever creates objects with two versions each, from several goroutines, and tells
// each one that is acknowledged.
func writeForever(ctx context.Context, d *Directory) error {
	const clients = 8
	root, err := d.Resolve(ctx, store.Root, "")
	if err != nil {
		return err
	}
	start, err := d.Children(ctx, root.Name.ID, "", 1_000_000)
	if err != nil {
		return err
	}
	failures := make(chan error, clients)
	var telling sync.Mutex // one line at a time
	for client := range clients {
		go func() {
			for i := len(start); ; i++ {
				name := fmt.Sprintf("%d-%d", client, i)
				if err := d.Update(ctx, func(tx store.Tx) error { return makePair(ctx, tx, root.Name.ID, name) }); err != nil {
					failures <- err
					return
				}
				telling.Lock()
				fmt.Println(name)
				telling.Unlock()
			}
		}()
	}
	return <-failures
}

func makePair(ctx context.Context, tx store.Tx, parent int64, name string) error {
	n := store.Name{Parent: parent, Path: store.Path("/" + name), Kind: acl.Object}
	if err := tx.CreateName(ctx, &n); err != nil {
		return err
	}
	for i := range 2 {
		v := store.Version{NameID: n.ID, Version: strconv.Itoa(i), Inline: []byte(strings.Repeat(name, 50)), HasInline: true}
		if err := tx.BindVersion(ctx, &v); err != nil {
			return err
		}
	}
	return nil
}

// killAfter lets a child write and kills it when so many changes are acknowledged. It returns
// all that were told.
func killAfter(t *testing.T, path string, changes int) []string {
	t.Helper()
	cmd := child(t, path, "write")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var told []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "failed") {
			t.Fatal(lines.Text())
		}
		told = append(told, lines.Text())
		if len(told) == changes {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(told) < changes {
		t.Fatalf("the child ended by itself after %d changes: %v", len(told), err)
	}
	return told
}

func TestKilledProcessLosesNoAcknowledgedChangeAndLeavesNoHalf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hatrac.db")
	d := openFile(t, path)
	plant(t, d)
	acknowledged := map[string]bool{}
	for _, changes := range []int{1, 7, 40, 150} {
		for _, name := range killAfter(t, path, changes) {
			acknowledged[name] = true
		}
		expectPairs(t, openFile(t, path), acknowledged)
		expectPairs(t, d, acknowledged) // an older handle sees the same
	}
	if err := put(t, d, store.Name{ID: 1}, "after", "v"); err != nil {
		t.Errorf("writing after a crash: %v", err)
	}
}

// expectPairs expects that all acknowledged objects are there and that none has one version.
func expectPairs(t *testing.T, d *Directory, acknowledged map[string]bool) {
	t.Helper()
	entries, err := d.Children(t.Context(), 1, "", 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, entry := range entries {
		found[entry.Name.Path.Base()] = true
		versions, err := d.Versions(t.Context(), entry.Name.ID, 0, 10)
		if err != nil || len(versions) != 2 || entry.Current == nil || entry.Current.ID != versions[0].ID {
			t.Errorf("%s was made by half: %v, %v", entry.Name.Path, versions, err)
		}
	}
	for name := range acknowledged {
		if !found[name] {
			t.Errorf("%s was acknowledged and is lost", name)
		}
	}
	var sound string
	if err := d.pool.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("the file is damaged: %s, %v", sound, err)
	}
}
