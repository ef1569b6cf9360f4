package integration

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// deeds are what clients try with a namespace and the objects in it.
var deeds = []string{"list", "read", "create", "update", "delete", "mkdir", "versions"}

// face is one way to the store for one client. try answers whether the client was let.
type face interface {
	try(deed, namespace, user string) (bool, error)
}

// restFace tries by HTTP.
type restFace struct{ c *client }

func (f restFace) try(deed, namespace, user string) (bool, error) {
	const kind = "application/x-hatrac-namespace"
	var r *http.Response
	switch deed {
	case "list":
		r, _ = f.c.do(http.MethodGet, namespace, nil)
	case "read":
		r, _ = f.c.do(http.MethodGet, namespace+"/o", nil)
	case "create":
		r, _ = f.c.do(http.MethodPut, namespace+"/new-"+user, strings.NewReader("x"))
	case "update":
		r, _ = f.c.do(http.MethodPut, namespace+"/o", strings.NewReader("by "+user))
	case "delete":
		r, _ = f.c.do(http.MethodDelete, namespace+"/del-"+user, nil)
	case "mkdir":
		r, _ = f.c.do(http.MethodPut, namespace+"/dir-"+user, nil, "Content-Type", kind)
	case "versions":
		r, _ = f.c.do(http.MethodGet, namespace+"/o;versions", nil)
	}
	switch {
	case r.StatusCode < 300:
		return true, nil
	case r.StatusCode == http.StatusForbidden:
		return false, nil
	}
	return false, errors.New(r.Status)
}

// mountFace tries in a mount.
type mountFace struct{ dir string }

func (f mountFace) try(deed, namespace, user string) (bool, error) {
	in := func(name string) string { return filepath.Join(f.dir, namespace, name) }
	var err error
	switch deed {
	case "list":
		_, err = os.ReadDir(in(""))
	case "read":
		_, err = os.ReadFile(in("o"))
	case "create":
		err = os.WriteFile(in("new-"+user), []byte("x"), 0o644)
	case "update":
		var file *os.File
		if file, err = os.OpenFile(in("o"), os.O_WRONLY|os.O_TRUNC, 0); err == nil {
			_, err = file.WriteString("by " + user)
			err = errors.Join(err, file.Close())
		}
	case "delete":
		err = os.Remove(in("del-" + user))
	case "mkdir":
		err = os.Mkdir(in("dir-"+user), 0o755)
	case "versions":
		_, err = os.ReadDir(in("o;versions"))
	}
	if errors.Is(err, syscall.EACCES) {
		return false, nil
	}
	return err == nil, err
}

// TestRightsAreTheSameOnEveryFace gives each list of a namespace and of its objects to one user
// and tries everything as each of them, by HTTP and in a mount.
func TestRightsAreTheSameOnEveryFace(t *testing.T) {
	s := newSite(t)
	admin := s.as(s.token("admin"))
	granted := map[string]string{ // the user of that list may do exactly this
		"alice":            "list read create update delete mkdir versions",
		"ns.read":          "list",
		"ns.create":        "create mkdir",
		"ns.subtree-read":  "read versions",
		"ns.subtree-owner": "read update delete versions",
		// A namespace's subtree-create alone also grants creating directly in it.
		"ns.subtree-create": "create mkdir",
		"ns.subtree-update": "update",
		"o.read":            "versions",
		"o.update":          "update",
		"o.subtree-read":    "read",
		"o.subtree-owner":   "read",
		"stranger":          "",
	}
	for user := range granted {
		output(t, "correct horse\n", program, "user", "add", user, "--password-file", "-", "--data", s.data)
	}
	alice := s.as(s.token("alice"))
	for _, namespace := range []string{"/rest", "/mount"} {
		admin.mkdir(namespace)
		admin.want(http.StatusNoContent, http.MethodPut, namespace+";acl/owner", `["alice"]`, "Content-Type", "application/json")
		grant := func(kind, path string) {
			for user := range granted {
				if list, ok := strings.CutPrefix(user, kind+"."); ok {
					alice.want(http.StatusNoContent, http.MethodPut, path+";acl/"+list+"/"+user, "")
				}
			}
		}
		grant("ns", namespace)
		alice.put(namespace+"/o", "content")
		grant("o", namespace+"/o")
		for user := range granted {
			alice.put(namespace+"/del-"+user, "x")
			grant("o", namespace+"/del-"+user)
		}
	}
	for user, may := range granted {
		c := s.as(s.token(user))
		tryAll(t, restFace{c}, "/rest", user, may)
		dir := filepath.Join(t.TempDir(), "mnt")
		p := start(t, []string{dir}, "mount", dir, "--as", user, "--data", s.data, "--log-level", "warn")
		p.waitFor("is mounted on")
		tryAll(t, mountFace{dir}, "/mount", user, may)
		p.stop()
		alice.want(http.StatusCreated, http.MethodPut, "/rest/o", "content")
		alice.want(http.StatusCreated, http.MethodPut, "/mount/o", "content")
	}
	s.stop()
}

func tryAll(t *testing.T, f face, namespace, user, may string) {
	t.Helper()
	for _, deed := range deeds {
		want := strings.Contains(" "+may+" ", " "+deed+" ")
		let, err := f.try(deed, namespace, user)
		if err != nil {
			t.Errorf("%s, %s in %s: %v", user, deed, namespace, err)
		} else if let != want {
			t.Errorf("%s, %s in %s: let %v, want %v", user, deed, namespace, let, want)
		}
	}
}
