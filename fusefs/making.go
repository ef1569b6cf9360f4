package fusefs

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A name that the kernel has looked up and found cannot be made: mkdir(2) and its like answer EEXIST
// without asking the file system, which is not told either what a look-up is for. A virtual name must
// not be in the way of one of the user's own, though. So the few look-ups that find one ask the kernel
// what the caller is at (see proc(5), /proc/PID/syscall). Where it does not tell, because the caller is
// another user's or there is no such file, the virtual name is found.

// makingCall says of a system call which of its arguments is the path of the name that it makes, and,
// for those that open files, where it says how.
type makingCall struct {
	path  int
	flags int // of open(2), or none
	how   int // of openat2(2), or none
}

// none is the place of an argument that a call does not have.
const none = -1

// makingCalls are those that every machine has; legacyCalls are those of this one.
var makingCalls = map[int]makingCall{
	unix.SYS_MKDIRAT:   {path: 1, flags: none, how: none},
	unix.SYS_MKNODAT:   {path: 1, flags: none, how: none},
	unix.SYS_SYMLINKAT: {path: 2, flags: none, how: none},
	unix.SYS_LINKAT:    {path: 3, flags: none, how: none},
	unix.SYS_RENAMEAT2: {path: 3, flags: none, how: none},
	unix.SYS_OPENAT:    {path: 1, flags: 2, how: none},
	unix.SYS_OPENAT2:   {path: 1, flags: none, how: 2},
}

// making reports whether the caller is about to make that name in the directory with the file name
// parent, and does not want what is there, should there be something.
func making(request context.Context, parent, name string) bool {
	thread := int(callerOf(request).Pid)
	number, args, ok := systemCall(request, thread)
	if !ok {
		return false
	}
	call, ok := makingCalls[number]
	if !ok {
		if call, ok = legacyCalls[number]; !ok {
			return false
		}
	}
	if !call.makes(thread, args) {
		return false
	}
	path, ok := textOf(thread, args[call.path])
	return ok && namedLast(path, parent, name)
}

// makes reports whether the call makes its name or fails.
func (c makingCall) makes(thread int, args []uint64) bool {
	var flags uint64
	switch {
	case c.flags != none:
		flags = args[c.flags]
	case c.how != none:
		how := memoryOf(thread, args[c.how], 8)
		if len(how) < 8 {
			return false
		}
		for i := range 8 {
			flags |= uint64(how[i]) << (8 * i)
		}
	default:
		return true
	}
	return flags&unix.O_CREAT != 0 && flags&unix.O_EXCL != 0
}

// namedLast reports whether a name in a directory is what a path leads to, and not something on the way.
// Where the path has the name more than once, the directory's own name tells.
func namedLast(path, parent, name string) bool {
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	last := len(parts) - 1
	if last < 0 || parts[last] != name {
		return false
	}
	for _, part := range parts[:last] {
		if part == name {
			return parts[last-1] == parent
		}
	}
	return true
}

// settleTime is how long a thread may be on its way to sleep, after it has sent a request.
const settleTime = 20 * time.Millisecond

// systemCall returns the system call that a thread waits in, with its arguments.
func systemCall(ctx context.Context, thread int) (number int, args []uint64, ok bool) {
	if thread == 0 {
		return 0, nil, false
	}
	for deadline := time.Now().Add(settleTime); ; time.Sleep(settleTime / 400) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", thread))
		if err != nil {
			return 0, nil, false
		}
		if fields := strings.Fields(string(text)); len(fields) > 6 {
			return parseCall(fields)
		} else if len(fields) != 1 || fields[0] != "running" || time.Now().After(deadline) || ctx.Err() != nil {
			return 0, nil, false
		}
	}
}

func parseCall(fields []string) (number int, args []uint64, ok bool) {
	number, err := strconv.Atoi(fields[0])
	if err != nil {
		return 0, nil, false
	}
	for _, field := range fields[1:7] {
		arg, err := strconv.ParseUint(field, 0, 64)
		if err != nil {
			return 0, nil, false
		}
		args = append(args, arg)
	}
	return number, args, true
}

// textOf returns a string from the memory of a thread.
func textOf(thread int, at uint64) (string, bool) {
	text, _, ok := strings.Cut(string(memoryOf(thread, at, unix.PathMax)), "\x00")
	return text, ok
}

// memoryOf returns what can be read of the memory of a thread, up to n bytes.
func memoryOf(thread int, at uint64, n int) []byte {
	buf := make([]byte, n)
	page := os.Getpagesize()
	first := min(n, page-int(at%uint64(page))) // what lies behind the page may not be there
	local := []unix.Iovec{{Base: &buf[0]}}
	local[0].SetLen(n)
	remote := []unix.RemoteIovec{{Base: uintptr(at), Len: first}, {Base: uintptr(at) + uintptr(first), Len: n - first}}
	got, err := unix.ProcessVMReadv(thread, local, remote, 0)
	if err != nil {
		return nil
	}
	return buf[:got]
}
