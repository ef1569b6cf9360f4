package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

// whole returns the count in a content of testdata/writer.py, and whether the content is whole.
func whole(content []byte) (count int, ok bool) {
	if len(content) < 64 {
		return 0, false
	}
	body := content[:len(content)-64]
	first, _, _ := strings.Cut(string(body), " ")
	count, err := strconv.Atoi(first)
	return count, err == nil && sum(body) == string(content[len(body):])
}

// writeAndKill lets writers replace files, kills the server after so many were told to be done, and
// returns the last count that each file was told to have.
func (s *site) writeAndKill(inside string, writers, after int) map[string]int {
	s.t.Helper()
	told, n, enough := make(map[string]int), 0, make(chan struct{})
	var mu sync.Mutex // guards told and n
	var running sync.WaitGroup
	for w := range writers {
		cmd := exec.CommandContext(s.t.Context(), "python3", "testdata/writer.py", inside, fmt.Sprint(w))
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			s.t.Fatal(err)
		}
		running.Go(func() {
			for lines := bufio.NewScanner(out); lines.Scan(); {
				name, count, _ := strings.Cut(lines.Text(), " ")
				mu.Lock()
				told[name], _ = strconv.Atoi(count)
				if n++; n == after {
					close(enough)
				}
				mu.Unlock()
			}
			_ = cmd.Wait()
		})
	}
	<-enough
	_ = s.signal(syscall.SIGKILL)
	running.Wait()
	return told
}

// TestNoCommitIsHalfWheneverTheServerIsKilled kills the server at many moments of commits.
func TestNoCommitIsHalfWheneverTheServerIsKilled(t *testing.T) {
	s := newSite(t)
	admin := s.as(s.token("admin"))
	for round := range 4 {
		namespace := fmt.Sprint("/round", round)
		admin.mkdir(namespace)
		inside := filepath.Join(s.mount, namespace)
		after := 5 + rand.IntN(60)
		told := s.writeAndKill(inside, 3, after)
		s.start()
		admin.url = s.url
		for name, count := range told {
			content, err := os.ReadFile(filepath.Join(inside, name))
			if got, ok := whole(content); err != nil || !ok || got < count {
				t.Errorf("round %d, after %d: %s has %d (whole: %v), %v; it was told to have %d", round, after, name, got, ok, err, count)
			}
		}
		for _, child := range admin.list(namespace) {
			for _, version := range admin.list(child + ";versions") {
				if _, ok := whole(admin.want(200, "GET", version, "")); !ok {
					t.Errorf("round %d, after %d: %s is half", round, after, version)
				}
			}
		}
	}
	s.stop()
}

// TestAFullDiskTakesNothing fills the disk of the store.
func TestAFullDiskTakesNothing(t *testing.T) {
	folder := t.TempDir()
	disk := filepath.Join(folder, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=48m"); err != nil {
		t.Fatalf("this test needs root, for a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s := &site{t: t, data: filepath.Join(disk, "data"), mount: filepath.Join(folder, "mnt")}
	s.start()
	admin := s.as(s.token("admin"))
	shell(t, s.mount, `head -c 5000000 /dev/urandom > kept; cp kept big; cp kept ballast; sync .`)
	before := sums(t, s.mount)
	fill := filepath.Join(disk, "fill")
	// The disk is full but for a little.
	text, err := try(t, "", "bash", "-c", `head -c 100m /dev/zero > "$1"; truncate -s -3M "$1"`, "-", fill)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, script := range []string{
		`head -c 20000000 /dev/urandom > new`, `head -c 20000000 /dev/urandom > big`,
		`head -c 20000000 /dev/zero >> kept`, `cp kept copy`, `dd if=/dev/urandom of=big bs=1M seek=2 count=30 conv=notrunc,fsync status=none`,
	} {
		text, err := try(t, "", "bash", "-c", `cd "$1" && eval "$2"`, "-", s.mount, script)
		if err == nil || !strings.Contains(text, "No space left on device") {
			t.Errorf("with a full disk %s: %v, %s", script, err, text)
		}
	}
	for name, digest := range before {
		content := admin.want(200, "GET", "/"+name, "")
		if sum(content) != digest {
			t.Errorf("%s has changed", name)
		}
		if got, err := os.ReadFile(filepath.Join(s.mount, name)); err != nil || sum(got) != digest {
			t.Errorf("%s is not what it was in the mount: %v", name, err)
		}
		if n := len(admin.list("/" + name + ";versions")); n != 1 {
			t.Errorf("%s has %d versions", name, n)
		}
	}
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	// What could not be stored is kept for its owner, who does not want it.
	kept, err := filepath.Glob(filepath.Join(s.data, "content/:spool/kept/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, draft := range kept {
		if err := os.Remove(draft); err != nil {
			t.Error(err)
		}
	}
	shell(t, s.mount, `head -c 6000000 /dev/urandom > new; cp new big; cmp new big; rm ballast`)
	s.stop()
	s.start()
	shell(t, s.mount, `cmp new big; test "$(ls | tr '\n' ' ')" = "big kept new "`)
	s.stop()
}

// TestAMountOutlivesItsDatabase takes the database away from under a mount.
func TestAMountOutlivesItsDatabase(t *testing.T) {
	db, err := pgtest.New()
	if err == nil {
		t.Cleanup(func() { _ = db.Remove() })
		err = db.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Stop() })
	config := configFile(t, map[string]any{
		"database_type": "postgres", "database_dsn": db.DSN("postgres"), "storage_path": filepath.Join(t.TempDir(), "content"),
	})
	output(t, "", program, "init", "--config", config, "--owner", "admin")
	mount := filepath.Join(t.TempDir(), "mnt")
	p := start(t, []string{mount}, "mount", mount, "--config", config, "--as", "admin", "--log-level", "error")
	p.waitFor("is mounted on")
	shell(t, mount, `mkdir d; head -c 100000 /dev/urandom > d/f; cp d/f d/g; sync .`)
	before := sums(t, mount)
	open, err := os.OpenFile(filepath.Join(mount, "d/g"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open.WriteString("while it was there"); err != nil {
		t.Fatal(err)
	}
	if err := db.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for name, do := range map[string]func() error{
		"looking a name up": func() error {
			for { // for a moment, what is not there is known without the database
				_, err := os.Stat(filepath.Join(mount, "d/never-seen"))
				if !errors.Is(err, os.ErrNotExist) || ctx.Err() != nil {
					return err
				}
			}
		},
		"making a folder": func() error { return os.Mkdir(filepath.Join(mount, "d/new"), 0o755) },
		"closing a file":  open.Close,
		"deleting a file": func() error { return os.Remove(filepath.Join(mount, "d/f")) },
	} {
		done := make(chan error, 1)
		go func() { done <- do() }()
		select {
		case err := <-done:
			if !errors.Is(err, syscall.EIO) {
				t.Errorf("without the database %s gives %v", name, err)
			}
		case <-ctx.Done():
			t.Fatalf("without the database %s hangs", name)
		}
	}
	if err := db.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience)
	for {
		_, err := os.Stat(filepath.Join(mount, "d/never-seen"))
		if errors.Is(err, os.ErrNotExist) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("with the database back there is still %v", err)
		}
	}
	for name, digest := range sums(t, mount) {
		if before[name] != digest {
			t.Errorf("%s has changed, though its change was refused", name)
		}
	}
	shell(t, mount, `echo new > d/f; mkdir d/new; mv d/g d/new; rm d/f; test "$(ls d/new)" = g`)
	p.stop()
}
