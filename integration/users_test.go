package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asUser runs a shell script in a folder as a user of this machine.
func asUser(t *testing.T, uid, gid uint32, dir, script string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", `cd "$1" && eval "$2"`, "-", dir, script)
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestAMountForAllUsersOfTheMachine(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("only root can act as other users")
	}
	// Others have no way to the folders of a test.
	folder, err := os.MkdirTemp("", "hatrac-users-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	data, dir := filepath.Join(folder, "data"), filepath.Join(folder, "mnt")
	output(t, "", program, "init", "--owner", "admin", "--data", data)
	output(t, "a long password\n", program, "user", "add", "daemon", "--data", data, "--password-file", "-")

	t.Setenv("HATRAC_MAP_USERS__USERS", `{"root": "admin", "71001": "https://id.example/ann"}`)
	t.Setenv("HATRAC_MAP_USERS__GROUPS", `{"bin": "binaries", "1": ["one"]}`)
	p := start(t, []string{dir}, "mount", dir, "--data", data, "--map-users")
	if who := p.waitFor("mounted on " + dir + " as "); who != "each user of this machine." {
		t.Errorf("it is mounted as %s", who)
	}
	shell(t, dir, `mkdir d; python3 -c '
import os
os.setxattr("d", "user.hatrac.acl.create", b"https://id.example/ann\nbinaries\ndaemon")
os.setxattr("d", "user.hatrac.acl.subtree-read", b"one")'`)
	for _, user := range []struct {
		uid       uint32
		who, want string
	}{
		{0, "of the table, by name", "admin"},
		{71001, "of the table, by number", "https://id.example/ann"},
		{1, "with an account", "daemon"},
	} {
		name := strings.ReplaceAll(user.who, " ", "")
		if out, err := asUser(t, user.uid, user.uid, dir, "echo x > 'd/"+name+"'"); err != nil {
			t.Errorf("the user %s: %v\n%s", user.who, err, out)
			continue
		}
		owner := shell(t, dir, `python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "user.hatrac.owner").decode())' 'd/`+name+`'`)
		if strings.TrimSpace(owner) != user.want {
			t.Errorf("the file of the user %s belongs to %q", user.who, owner)
		}
	}
	if out, err := asUser(t, 1, 1, dir, "cat d/ofthetable,bynumber"); err != nil {
		t.Errorf("a member of a group with a role: %v\n%s", err, out)
	}
	for _, script := range []string{"echo x > d/x", "ls d", "cat d/withanaccount"} {
		if out, err := asUser(t, 71002, 71002, dir, script); err == nil || !strings.Contains(out, "ermission denied") {
			t.Errorf("an unknown user: %s: %v\n%s", script, err, out)
		}
	}
	p.stop()
}
