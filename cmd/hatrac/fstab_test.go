package main

import (
	"strings"
	"testing"
)

func TestOptionsOfMountBecomeFlags(t *testing.T) {
	store := t.TempDir()
	for line, want := range map[string]string{
		store + " /mnt":                                                       "mount --background --data " + store + " -- /mnt",
		store + " /mnt -o defaults,rw,x-y=1":                                  "mount --background --data " + store + " -- /mnt",
		store + " /mnt -o ro,as=ann,as_of=2026-1-1":                           "mount --background --data " + store + " --read-only --as=ann --as-of=2026-1-1 -- /mnt",
		store + " /mnt -s -n -v -t fuse.hatrac -N 7 -o nofail -o allow_other": "mount --background --data " + store + " --allow-other -- /mnt",
		store + " --data=x -o ro":                                             "usage: mount.fuse.hatrac STORE DIR [-o OPTIONS]",
		store + " /mnt -o noexec":                                             "mount --background --data " + store + " --noexec -- /mnt",
		"/dev/null /mnt":                                                      "mount --background --config /dev/null -- /mnt",
		store + " /mnt -f":                                                    "",
		store:                                                                 "usage: mount.fuse.hatrac STORE DIR [-o OPTIONS]",
		store + " /mnt -o":                                                    "-o is followed by nothing",
		"/none/such /mnt":                                                     "the store is a folder or a configuration file: stat /none/such: no such file or directory",
	} {
		args, err := fstabArgs(strings.Fields(line))
		got := strings.Join(args, " ")
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s becomes %q, want %q", line, got, want)
		}
	}
}
