package integration

import (
	"net/http"
	"os/exec"
	"testing"
)

// pythonWithRequests is the Python that has the library of the old clients: the system's, or if
// that has it not, the one in the path.
func pythonWithRequests(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), python, "-c", "import requests").Run() == nil {
			return python
		}
	}
	t.Fatal("this test needs Python with the library requests; \"make deps\" installs it")
	return ""
}

// TestOldClientsFindWhatTheyKnow runs a client as there are many, which knows the original
// protocol alone.
func TestOldClientsFindWhatTheyKnow(t *testing.T) {
	s := newSite(t)
	const password = "correct horse\n"
	output(t, password, program, "user", "add", "ada", "--role", "curators", "--password-file", "-", "--data", s.data)
	s.as(s.token("admin")).want(http.StatusNoContent, http.MethodPut, "/;acl/create/curators", "")
	printed := output(t, password, pythonWithRequests(t), "testdata/old_client.py", s.url, "ada", "curators")
	if printed != "done\n" {
		t.Errorf("the client printed %q", printed)
	}
	s.stop()
}
