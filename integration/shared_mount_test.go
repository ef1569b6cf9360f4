package integration

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestMountsOfNodesAreOneStore mounts a store in S3 on two nodes, and lets S3 die in between.
func TestMountsOfNodesAreOneStore(t *testing.T) {
	s := newShared(t)
	folder := t.TempDir()
	here, there := filepath.Join(folder, "here"), filepath.Join(folder, "there")
	p, a := s.serve([]string{here}, "--mount", here, "--as", "ada")
	p.waitFor("Mount ")
	q, b := s.serve([]string{there}, "--mount", there, "--as", "ada")
	q.waitFor("Mount ")
	shell(t, here, `mkdir d; echo one > d/f; head -c 12M /dev/urandom > d/big; rsync -a /usr/share/common-licenses d`)
	if got := b.want(http.StatusOK, http.MethodGet, "/d/f", ""); string(got) != "one\n" {
		t.Errorf("the other node gives %q", got)
	}
	shell(t, there, `cmp d/big ../here/d/big; diff -r /usr/share/common-licenses d/common-licenses; echo two > d/g`)
	a.want(http.StatusOK, http.MethodGet, "/d/g", "")

	if err := s.objects.Kill(); err != nil {
		t.Fatal(err)
	}
	out, err := try(t, "", "dd", "if=/dev/zero", "count=1", "of="+there+"/d/lost")
	if err == nil || !strings.Contains(out, "Input/output error") {
		t.Errorf("without S3 a file is written: %v, %s", err, out)
	}
	if err := s.objects.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := shell(t, there, "echo three > d/h; cat d/h; ls d"); got != "three\nbig\ncommon-licenses\nf\ng\nh\n" {
		t.Errorf("the mount shows %q", got)
	}
	b.want(http.StatusNotFound, http.MethodGet, "/d/lost", "")
	p.stop()
	q.stop()
}

// TestMountHasAPrivateFolderForDrafts: without mount_spool_path what is written in a mount of content in
// S3 has a place of its own, where it is found again after a crash.
func TestMountHasAPrivateFolderForDrafts(t *testing.T) {
	s := newShared(t)
	t.Setenv("HATRAC_MOUNT_SPOOL_PATH", "")
	state := t.TempDir()
	t.Setenv("STATE_DIRECTORY", state)
	dir := filepath.Join(t.TempDir(), "mnt")
	p, ada := s.serve([]string{dir}, "--mount", dir, "--as", "ada", "--log-level", "info")
	folder := p.waitFor(`"folder":"` + state + `/`)
	folder, _, _ = strings.Cut(folder, `"`)
	p.waitFor("Mount ")
	if got := output(t, "", "stat", "-c", "%a", filepath.Join(state, folder)); got != "700\n" {
		t.Errorf("the folder %s has the mode %s", folder, got)
	}
	shell(t, dir, "echo one > f")
	ada.want(http.StatusOK, http.MethodGet, "/f", "")
	if err := s.objects.Kill(); err != nil {
		t.Fatal(err)
	}
	if out, err := try(t, "", "dd", "if=/dev/zero", "count=1", "of="+dir+"/lost"); err == nil {
		t.Errorf("without S3 a file is written: %s", out)
	}
	if err := s.objects.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.stop()
	if got := output(t, "", program, "recover", "list", "--config", s.config); !strings.Contains(got, "/lost") {
		t.Errorf("what is kept: %s", got)
	}
}
