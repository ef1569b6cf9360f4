package storetest

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// AsRoot reports whether the test may mount. For others it runs the test once more, as root of a
// namespace of its own, and reports what became of that.
func AsRoot(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() == 0 {
		return true
	}
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := again.CombinedOutput()
	if err != nil {
		t.Errorf("this test needs root, or namespaces of its own: %v\n%s", err, out)
	}
	return false
}
