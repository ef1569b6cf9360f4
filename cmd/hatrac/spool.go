package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/hatrac/hatrac/cmd/config"
)

// errNoSpool is why content that is elsewhere cannot be mounted.
var errNoSpool = errors.New("the content is not on a file system of this machine, and there is no home folder, so mount_spool_path must name a folder for what is being written")

// spoolDir returns the folder in which mounts keep what is being written: the storage's own, that of the
// configuration, or one for this store alone among the state that this user's programs keep. It is
// never one that others may write to or that a reboot empties, for what is in it may be the only copy.
func (o *opened) spoolDir() (string, error) {
	if dir := o.service.SpoolDir(); dir != "" {
		return dir, nil
	}
	if o.config.MountSpool != "" {
		return o.config.MountSpool, nil
	}
	state, err := stateFolder()
	if err != nil {
		return "", err
	}
	return filepath.Join(state, "spool", storeKey(o.config)), nil
}

// stateFolder returns the folder for the state of this program: what systemd made (StateDirectory), or
// where such folders are by custom.
func stateFolder() (string, error) {
	if given, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); filepath.IsAbs(given) {
		return given, nil
	}
	if os.Geteuid() == 0 {
		return "/var/lib/hatrac", nil
	}
	if given := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(given) {
		return filepath.Join(given, "hatrac"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil || !filepath.IsAbs(home) {
		return "", errNoSpool
	}
	return filepath.Join(home, ".local", "state", "hatrac"), nil
}

var password = regexp.MustCompile(`(?i)\bpassword\s*=\s*('(\\.|[^'\\])*'|\S*)`)

// storeKey tells stores apart by where their databases are. It stays when a password changes.
func storeKey(c *config.Config) string {
	place := password.ReplaceAllString(c.Database, "")
	if u, err := url.Parse(c.Database); err == nil && u.User != nil {
		u.User = url.User(u.User.Username())
		place = password.ReplaceAllString(u.String(), "")
	} else if c.DatabaseType == "sqlite" {
		if abs, err := filepath.Abs(place); err == nil {
			place = abs
		}
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{c.DatabaseType, place, c.DatabaseSchema}, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// makePrivate makes a folder that only this user can use, or sees to it that it is one.
func makePrivate(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || !ok || int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s is no folder of this user; mount_spool_path names another one for what is being written", dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return os.Chmod(dir, 0o700)
	}
	return nil
}
