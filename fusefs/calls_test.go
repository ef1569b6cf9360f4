package fusefs

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// differences are all answers of the mount that are not those of a disk, as far as testdata/calls.py can
// tell (docs/MOUNT.md). A disk may agree where usual is not set: not all of them can do it.
var differences = []struct {
	call   string // a pattern
	answer string // of the mount
	usual  bool
	why    string
}{
	{"link( .*)?", "EPERM", true, "an object has one name"},
	{"mknod (device|socket)|mkfifo", "EPERM", true, "an object holds data"},
	{"rename exchange .*|rename whiteout", "EINVAL", true, "no versions change places, and there are no devices"},
	{"open tmpfile", "ENOTSUP", false, "an object has a name"},
	{"(|l|f)getxattr|setxattr|removexattr", "ENOTSUP", false, "attributes are those of the store"},
	{"collapse|insert", "ENOTSUP", false, "FUSE has no way to ask"},
	{"get flags", "(ENOTTY|ENOENT)", false, "there are no attributes of a disk"},
	{"lseek to .*", "ENXIO", false, "a directory has neither data nor holes"},
	{"zero.*", "ENOTSUP", false, "the disk with the drafts may not do it"},
	{"f?truncate to very much|pwrite very far", "EFBIG", false, "all of a file is read when it becomes a version"},
	{"open it again to read", "ENOENT", true, "a version that was deleted is not opened any more"},
}

// TestEveryCallAnswersAsOnADisk makes every call on things of every kind, in a mount and on the disk
// that has the temporary files.
func TestEveryCallAnswersAsOnADisk(t *testing.T) {
	r := newRig(t)
	answers := func(dir string) ([]string, error) {
		cmd := exec.CommandContext(t.Context(), "python3", "testdata/calls.py", dir)
		var failed strings.Builder
		cmd.Stderr = &failed
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%v\n%s", err, failed.String())
		}
		return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"), err
	}
	type result struct {
		lines []string
		err   error
	}
	onDisk := diskFolder(t)
	disk := make(chan result)
	go func() {
		lines, err := answers(onDisk)
		disk <- result{lines, err}
	}()
	ours, err := answers(r.dir)
	theirs := <-disk
	if err != nil || theirs.err != nil {
		return
	}
	if len(ours) < 5000 || len(ours) != len(theirs.lines) {
		t.Fatalf("the mount gave %d answers, the disk %d", len(ours), len(theirs.lines))
	}
	met := make(map[string]bool)
	for i, line := range ours {
		if line == theirs.lines[i] {
			continue
		}
		call, what, _ := strings.Cut(line, " | ")
		if why := excuse(call, what); why != "" {
			met[why] = true
			continue
		}
		t.Errorf("in the mount: %s\non a disk:    %s", line, theirs.lines[i])
	}
	for _, d := range differences {
		if d.usual && !met[d.why] {
			t.Errorf("the mount does not differ any more in %s", d.call)
		}
	}
}

// diskFolder returns a temporary folder on a disk: what is in memory does not keep all times.
func diskFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var at unix.Statfs_t
	if err := unix.Statfs(dir, &at); err != nil {
		t.Fatal(err)
	}
	if at.Type != unix.TMPFS_MAGIC {
		return dir
	}
	dir, err := os.MkdirTemp("/var/tmp", "hatrac-calls-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// excuse returns why the mount may answer otherwise than a disk.
func excuse(call, what string) string {
	_, what, _ = strings.Cut(what, " | ")
	answer, _, _ := strings.Cut(what, ";")
	for _, d := range differences {
		if regexp.MustCompile("^("+d.call+")$").MatchString(call) && regexp.MustCompile("^"+d.answer+"$").MatchString(answer) {
			return d.why
		}
	}
	return ""
}
