package fusefs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/hatrac/hatrac/store"
)

// signalGrace is how long a call goes on after its caller got a signal that does not end it.
// Programs with timers would see EINTR from calls that never give it on a disk.
const signalGrace = time.Second

// call returns the context for calls of back ends on behalf of a request. It ends at the
// mount's deadline; at once when the request was interrupted and its caller is to die; a
// moment after any other interruption.
func (m *Mount) call(request context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(m.onBehalf(request), m.cfg.Deadline)
	return ctx, watch(ctx, request, signalGrace, cancel)
}

// wait returns the context for changes that have a deadline of their own and cannot be taken
// back. It ends only when the caller is to die.
func (m *Mount) wait(request context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(m.onBehalf(request))
	return ctx, watch(ctx, request, math.MaxInt64, cancel)
}

// onBehalf returns the mount's own context with the request's caller.
func (m *Mount) onBehalf(request context.Context) context.Context {
	return m.identify(fuse.NewContext(m.base, callerOf(request)), request)
}

// watchDelay is how long a call goes on before anybody looks whether it was interrupted: most are
// over by then.
const watchDelay = time.Millisecond

// watch cancels ctx when the request that it serves was interrupted and its caller is to die,
// or a grace time later. It returns what ends the call, instead of cancel.
func watch(ctx, request context.Context, grace time.Duration, cancel context.CancelFunc) context.CancelFunc {
	if request.Done() == nil {
		return cancel
	}
	watching := time.AfterFunc(watchDelay, func() {
		select {
		case <-ctx.Done():
		case <-request.Done():
			awaitDeath(ctx, request, grace)
			cancel()
		}
	})
	return func() {
		watching.Stop()
		cancel()
	}
}

// awaitDeath returns when the caller of an interrupted request is to die, when the grace time is
// over, or when ctx ends.
func awaitDeath(ctx, request context.Context, grace time.Duration) {
	over := time.NewTimer(grace)
	defer over.Stop()
	look := time.NewTicker(signalGrace / 20)
	defer look.Stop()
	for !dying(request) {
		select {
		case <-ctx.Done():
			return
		case <-over.C:
			return
		case <-look.C:
		}
	}
}

// answer turns the error of a call into an errno. A call that ended because the request was
// interrupted is EINTR. The request may be a call itself, which has a deadline.
func (m *Mount) answer(request context.Context, err error) syscall.Errno {
	if errors.Is(request.Err(), context.Canceled) && store.KindOf(err) == store.Unavailable {
		return syscall.EINTR
	}
	errno := errnoOf(err)
	m.report(err, errno)
	return errno
}

// report logs what nobody would learn about otherwise.
func (m *Mount) report(err error, errno syscall.Errno) {
	if errno == syscall.EIO {
		m.log.Error().Err(err).Msg("an operation in the mount failed")
	}
}

func callerOf(ctx context.Context) *fuse.Caller {
	if c, ok := fuse.FromContext(ctx); ok {
		return c
	}
	return &fuse.Caller{}
}

// dying reports whether a fatal signal waits for the thread that made the request.
func dying(request context.Context) bool {
	pid := callerOf(request).Pid
	if pid == 0 {
		return true
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return true
	}
	return pendingKill(status)
}

func pendingKill(status []byte) bool {
	const kill = 1 << (uint(syscall.SIGKILL) - 1)
	for _, field := range []string{"SigPnd:", "ShdPnd:"} {
		set, err := strconv.ParseUint(statusField(status, field), 16, 64)
		if err == nil && set&kill != 0 {
			return true
		}
	}
	return false
}

func statusField(status []byte, name string) string {
	for line := range bytes.Lines(status) {
		if value, ok := bytes.CutPrefix(line, []byte(name)); ok {
			return strings.TrimSpace(string(value))
		}
	}
	return ""
}

// process tells a process from all others, also from one that gets its number later where the kernel
// tells such apart (since Linux 6.9). The zero value is one that nothing is known about.
type process struct {
	group int
	id    uint64 // that the kernel gave it
}

// processOf returns the process that the thread with that number belongs to.
//
// Of what /proc tells, only the status may be read while a request of the process waits: the kernel
// closes files in the middle of an exec, and then stat and others wait for the end of it.
func processOf(thread uint32) process {
	if thread == 0 {
		return process{}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", thread))
	if err != nil {
		return process{}
	}
	group, err := strconv.Atoi(statusField(status, "Tgid:"))
	if err != nil {
		return process{}
	}
	p := process{group: group}
	p.id, _ = running(group)
	return p
}

// lives reports whether the process has not ended yet.
func (p process) lives() bool {
	if p.group == 0 || p.id == 0 {
		return false
	}
	id, ok := running(p.group)
	return ok && id == p.id
}

// running returns what the kernel tells a process by, false if there is none of that number or it has
// ended.
func running(group int) (id uint64, ok bool) {
	fd, err := unix.PidfdOpen(group, 0)
	if err != nil {
		return 0, false
	}
	defer func() { _ = unix.Close(fd) }() // nothing was written
	var s unix.Stat_t
	if err := unix.Fstat(fd, &s); err != nil {
		return 0, false
	}
	ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(ended, 0) // an error says nothing
	return s.Ino, err != nil || n == 0
}
