package fusefs

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTheKernelReadsAheadInWholeRequestsWhereItLetsUsSaySo(t *testing.T) {
	r := newRig(t)
	var st unix.Stat_t
	if err := unix.Stat(r.dir, &st); err != nil {
		t.Fatal(err)
	}
	said, err := os.ReadFile(fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", unix.Major(st.Dev), unix.Minor(st.Dev)))
	if err != nil {
		t.Fatal(err)
	}
	want := "1024"
	if err := widenReadAhead(r.dir); err != nil {
		want = "128"
	}
	if got := strings.TrimSpace(string(said)); got != want {
		t.Errorf("the kernel reads %s KiB ahead, want %s", got, want)
	}
}
