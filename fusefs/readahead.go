package fusefs

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// widenReadAhead lets the kernel read ahead in whole requests. By itself it asks for 128 KiB at once
// at most, and what a request costs besides its bytes is then most of what reading costs. Only root
// may say so, and the system need not let it: what was mounted works without.
func widenReadAhead(dir string) error {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE, &st); err != nil {
		return err
	}
	device := fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", st.Dev_major, st.Dev_minor)
	return os.WriteFile(device, []byte(strconv.Itoa(maxRequest>>10)), 0)
}
