package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// helper is the place where mount(8) looks for what mounts our type.
const helper = "/sbin/mount.fuse.hatrac"

// installHelper lets mount(8) find the program, until the test ends.
func installHelper(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("only root may mount(8); run the tests as root")
	}
	if err := os.Symlink(program, helper); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(helper); err != nil {
			t.Error(err)
		}
	})
}

// TestALineInFstabMounts lets the real mount(8) read lines of an fstab.
func TestALineInFstabMounts(t *testing.T) {
	installHelper(t)
	s := newSite(t)
	shell(t, s.mount, `echo one > f`)
	s.stop()

	folder := t.TempDir()
	dir, table, log := filepath.Join(folder, "mnt"), filepath.Join(folder, "fstab"), filepath.Join(folder, "log")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for mounted(dir) {
			if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
				t.Fatal(err)
			}
		}
	})
	use := func(options string) {
		t.Helper()
		line := fmt.Sprintf("%s %s fuse.hatrac %s,log_file=%s 0 0\n", s.data, dir, options, log)
		if err := os.WriteFile(table, []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	use("defaults,noauto,nofail,_netdev,noatime,allow_other,as=admin,x-systemd.requires=network.target")
	output(t, "", "mount", "-T", table, dir)
	shell(t, dir, `test "$(cat f)" = one; echo two > f; echo new > g`)
	if table := output(t, "", "findmnt", "-n", "-o", "SOURCE,FSTYPE", dir); strings.TrimSpace(table) != s.data+" fuse.hatrac" {
		t.Errorf("the table of mounts says %q", table)
	}
	use("defaults")
	output(t, "", "mount", "-a", "-T", table) // it is mounted: nothing is to be done
	if n := strings.Count(output(t, "", "cat", "/proc/self/mounts"), " "+dir+" fuse"); n != 1 {
		t.Errorf("it is mounted %d times", n)
	}
	output(t, "", "umount", dir)

	use("ro")
	output(t, "", "mount", "-T", table, dir)
	if got := shell(t, dir, `cat f g; touch h 2>/dev/null || echo refused`); got != "two\nnew\nrefused\n" {
		t.Errorf("the mount shows %q", got)
	}
	output(t, "", "umount", dir)

	for options, complaint := range map[string]string{
		"noexec":          "unknown flag: --noexec",
		"as_of=yesterday": "a time is wanted",
	} {
		use(options)
		if text, err := try(t, "", "mount", "-T", table, dir); err == nil || !strings.Contains(text, complaint) {
			t.Errorf("with %s mount says %q, %v", options, text, err)
		}
	}
	text, err := try(t, "", "mount", "-t", "fuse.hatrac", folder, dir)
	if err == nil || !strings.Contains(text, "there is no store in "+folder) {
		t.Errorf("without a store mount says %q, %v", text, err)
	}
	if mounted(dir) {
		t.Error("what failed has mounted something")
	}
}
