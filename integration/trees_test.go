package integration

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sourceTrees returns folders with thousands of real files: parts of the Go distribution.
func sourceTrees(t *testing.T) []string {
	t.Helper()
	root := strings.TrimSpace(output(t, "", "go", "env", "GOROOT"))
	trees := []string{filepath.Join(root, "src/net"), filepath.Join(root, "src/cmd/compile")}
	for _, tree := range trees {
		if _, err := os.Stat(tree); err != nil {
			t.Fatalf("the Go distribution has no sources here: %v", err)
		}
	}
	return trees
}

// stamp is what rsync -a keeps of a file besides its content.
type stamp struct {
	Mode  fs.FileMode
	MTime int64 // ns
}

// stamps returns what is kept of everything below a folder.
func stamps(t *testing.T, top string) map[string]stamp {
	t.Helper()
	found := make(map[string]stamp)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		below, err := filepath.Rel(top, path)
		found[below] = stamp{Mode: info.Mode(), MTime: info.ModTime().UnixNano()}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTreesGoInAndOutWhole(t *testing.T) {
	s := newSite(t)
	admin := s.as(s.token("admin"))
	inside := filepath.Join(s.mount, "trees")
	if err := os.Mkdir(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tree := range sourceTrees(t) {
		name := filepath.Base(tree)
		copied := filepath.Join(inside, name)
		output(t, "", "rsync", "-a", tree, inside)
		if again := output(t, "", "rsync", "-a", "--itemize-changes", tree, inside); again != "" {
			t.Errorf("%s: the same rsync again transfers\n%s", name, tail(again, 2000))
		}

		want := sums(t, tree)
		for below, digest := range want {
			path := escape("/trees/" + name + "/" + filepath.ToSlash(below))
			if got := sum(admin.want(http.StatusOK, http.MethodGet, path, "")); got != digest {
				t.Errorf("%s has another content by REST", path)
			}
		}
		if diff := cmp.Diff(want, sums(t, copied)); diff != "" {
			t.Errorf("%s in the mount differs: %s", name, tail(diff, 2000))
		}

		out := filepath.Join(t.TempDir(), "out")
		output(t, "", "rsync", "-a", copied+"/", out)
		output(t, "", "diff", "-r", tree, out)
		if diff := cmp.Diff(stamps(t, tree), stamps(t, out)); diff != "" {
			t.Errorf("%s comes back with other times or modes: %s", name, tail(diff, 2000))
		}
	}
	testNewVersionShowsAtOnce(t, s, admin)
	testStrangerIsKeptOut(t, s)
	s.stop()
}

func testNewVersionShowsAtOnce(t *testing.T, s *site, admin *client) {
	const path = "/trees/net/net.go"
	inMount := filepath.Join(s.mount, path)
	before, err := os.ReadFile(inMount)
	if err != nil {
		t.Fatal(err)
	}
	versions := admin.list(path + ";versions")
	if len(versions) != 1 {
		t.Fatalf("rsync made %d versions", len(versions))
	}
	admin.put(path, "package net // changed\n")
	after, err := os.ReadFile(inMount)
	if err != nil || string(after) != "package net // changed\n" {
		t.Errorf("the mount shows %.80q, %v", after, err)
	}
	_, id, _ := strings.Cut(versions[0], ":")
	for _, snapshot := range []string{inMount + ":" + id, filepath.Join(inMount+";versions", "net.go:"+id)} {
		content, err := os.ReadFile(snapshot)
		if err != nil || string(content) != string(before) {
			t.Errorf("%s is not what the file was: %v", snapshot, err)
		}
		err = os.WriteFile(snapshot, []byte("x"), 0o644)
		if !errors.Is(err, syscall.EROFS) {
			t.Errorf("writing a snapshot gives %v", err)
		}
	}
}

func testStrangerIsKeptOut(t *testing.T, s *site) {
	output(t, "correct horse\n", program, "user", "add", "stranger", "--password-file", "-", "--data", s.data)
	stranger := s.as(s.token("stranger"))
	dir := filepath.Join(t.TempDir(), "mnt")
	p := start(t, []string{dir}, "mount", dir, "--as", "stranger", "--data", s.data)
	p.waitFor("is mounted on")
	names := 0
	for below, is := range stamps(t, filepath.Join(s.mount, "trees/net")) {
		path := strings.TrimSuffix("/trees/net/"+filepath.ToSlash(below), "/.")
		stranger.want(http.StatusForbidden, http.MethodGet, escape(path), "")
		f, err := os.Open(filepath.Join(dir, path))
		if err == nil && is.Mode.IsDir() {
			_, err = f.ReadDir(1)
		}
		if !errors.Is(err, syscall.EACCES) {
			t.Fatalf("opening %s as a stranger gives %v", path, err)
		}
		names++
	}
	if err := os.WriteFile(filepath.Join(dir, "trees/net/new"), nil, 0o644); !errors.Is(err, syscall.EACCES) {
		t.Errorf("creating a file as a stranger gives %v", err)
	}
	stranger.want(http.StatusForbidden, http.MethodPut, "/trees/net/new", "x")
	if names < 400 {
		t.Errorf("only %d names were tried", names)
	}
	p.stop()
}
