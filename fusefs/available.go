package fusefs

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Available says in one sentence why this machine cannot mount, or returns nil.
func Available() error {
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return errors.New("this machine has no /dev/fuse: load the kernel module fuse or give the container the device")
	}
	if os.Geteuid() == 0 {
		return nil
	}
	if _, err := fusermount(); err != nil {
		return errors.New("mounting needs fusermount3 (Debian package fuse3), or root")
	}
	return nil
}

func fusermount() (string, error) {
	if path, err := exec.LookPath("fusermount3"); err == nil {
		return path, nil
	}
	return exec.LookPath("fusermount")
}

// detachDead detaches mounts whose server has died, so that their folder can be used again. The
// kernel is made to ask the server: what it remembers of a mount outlives it for a while.
func detachDead(dir string) error {
	for {
		var st unix.Statx_t
		err := unix.Statx(unix.AT_FDCWD, dir, unix.AT_STATX_FORCE_SYNC, unix.STATX_BASIC_STATS, &st)
		if !errors.Is(err, syscall.ENOTCONN) {
			return err
		}
		if err := unmount(dir, true); err != nil {
			return err
		}
	}
}

// unmount ends the mount on dir; a lazy one only hides it as long as it is busy.
func unmount(dir string, lazy bool) error {
	if os.Geteuid() == 0 {
		flags := unix.UMOUNT_NOFOLLOW
		if lazy {
			flags |= unix.MNT_DETACH
		}
		return unix.Unmount(dir, flags)
	}
	tool, err := fusermount()
	if err != nil {
		return err
	}
	args := []string{"-u", dir}
	if lazy {
		args = []string{"-u", "-z", dir}
	}
	if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}
