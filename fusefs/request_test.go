package fusefs

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

func TestAPendingKillIsSeenWhereverItWaits(t *testing.T) {
	for _, c := range []struct {
		status string
		want   bool
	}{
		{"Name:\tcat\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n", false},
		{"Name:\tcat\nSigPnd:\t0000000000000100\nShdPnd:\t0000000000000000\n", true},
		{"Name:\tcat\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000100\n", true},
		{"Name:\tcat\nSigPnd:\t0000000000002000\nShdPnd:\t0000000000000002\n", false},
		{"", false},
	} {
		if got := pendingKill([]byte(c.status)); got != c.want {
			t.Errorf("%q: %v", c.status, got)
		}
	}
}

func TestAProcessIsKnownByAllItsThreadsUntilItEnds(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := processOf(uint32(cmd.Process.Pid))
	if p.group != cmd.Process.Pid || !p.lives() {
		t.Errorf("a process that runs is %+v", p)
	}
	if self := processOf(uint32(os.Getpid())); self == p || !self.lives() {
		t.Errorf("this process is %+v", self)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if p.lives() {
		t.Error("a process that ended lives")
	}
	if (process{}).lives() {
		t.Error("nobody lives")
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		var tid uint32
		for _, digit := range thread.Name() {
			tid = tid*10 + uint32(digit-'0')
		}
		if got := processOf(tid); got.group != 0 && got.group != os.Getpid() {
			t.Errorf("thread %d belongs to %d", tid, got.group)
		}
	}
}

func TestCallsKnowForWhomTheyAreMade(t *testing.T) {
	m := &Mount{base: t.Context(), cfg: Config{Deadline: time.Minute}}
	request := fuse.NewContext(t.Context(), &fuse.Caller{Pid: 42})
	call, cancel := m.call(request)
	defer cancel()
	wait, cancel := m.wait(request)
	defer cancel()
	for name, ctx := range map[string]context.Context{"call": call, "wait": wait} {
		if pid := callerOf(ctx).Pid; pid != 42 {
			t.Errorf("%s is made for %d", name, pid)
		}
	}
}

// TestAProgramMayRunAnotherWhileItWrites with a file that the other one does not inherit: the kernel
// closes it in the middle of the exec.
func TestAProgramMayRunAnotherWhileItWrites(t *testing.T) {
	r := newRig(t)
	p := r.python()
	p.must(`import subprocess; f = os.open("f", os.O_WRONLY | os.O_CREAT); n = os.write(f, b"one")`)
	p.must(`subprocess.run(["true"], close_fds=False, check=True)`)
	p.must(`pid = os.fork() or os.execvp("true", ["true"]); ended = os.waitpid(pid, 0)`)
	r.count("/f", 0)
	p.must(`n = os.write(f, b" two"); os.close(f)`)
	r.holds("/f", "one two")
	r.count("/f", 1)
}
