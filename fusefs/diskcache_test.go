package fusefs

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestContentElsewhereIsKeptOnDiskForTheNextMount(t *testing.T) {
	folder := t.TempDir()
	r, remote := newRemoteRig(t, func(c *Config) { c.DiskCache = folder })
	remote.Name = "remote"
	text := strings.Repeat("0123456789abcdef", 1<<18)
	r.put("/f", text)
	if r.sh("cat f") != text {
		t.Error("the file reads otherwise")
	}
	r.unmount()
	r.mount()
	was := remote.Requests()
	if r.sh("cat f") != text {
		t.Error("the file reads otherwise the next time")
	}
	if n := remote.Requests() - was; n > 0 {
		t.Errorf("%d requests for what was read before", n)
	}
}

func TestANewVersionIsNotReadFromWhatIsKeptOfTheOld(t *testing.T) {
	folder := t.TempDir()
	r, remote := newRemoteRig(t, func(c *Config) { c.DiskCache = folder })
	remote.Name = "remote"
	r.put("/f", letters('a', 1<<20))
	r.expect("head -c 3 f", "aaa")
	r.put("/f", letters('b', 1<<20))
	r.expect("head -c 3 f", "bbb")
}

func TestWhatIsOnDiskIsForThoseWhoMayReadIt(t *testing.T) {
	folder := t.TempDir()
	r, remote := newRemoteRig(t, func(c *Config) { c.DiskCache = folder })
	remote.Name = "remote"
	r.put("/f", letters('a', 1<<20))
	r.expect("head -c 3 f", "aaa")
	r.unmount()
	r.cfg.Client.ID = "bob"
	r.mount()
	r.refused("cat f", "Permission denied")
}

func TestASecondMountGoesWithoutTheFolderOfTheFirst(t *testing.T) {
	folder := t.TempDir()
	r, _ := newRemoteRig(t, func(c *Config) { c.DiskCache = folder })
	r.put("/f", letters('a', 1<<20))
	var log bytes.Buffer
	second := mountRig(t, r.svc, func(c *Config) {
		c.DiskCache, c.SpoolDir, c.Logger = folder, t.TempDir(), zerolog.New(&log)
	})
	second.expect("head -c 3 f", "aaa")
	second.unmount()
	if !strings.Contains(log.String(), "another mount keeps content") {
		t.Errorf("nothing says so: %s", log.String())
	}
}

func TestAFolderThatCannotBeHadIsAnError(t *testing.T) {
	r, _ := newRemoteRig(t)
	r.unmount()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.cfg.DiskCache = file
	if m, err := New(t.Context(), r.cfg); err == nil {
		t.Error("a file was taken for a folder")
		r.m = m
	}
	r.cfg.DiskCache = ""
	r.mount()
}
