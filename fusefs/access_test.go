package fusefs

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

var bob = acl.Client{ID: "bob"}

func asBob(c *Config) { c.Client = bob }

// grant replaces one list of a resource.
func (r *rig) grant(ref store.Ref, list acl.Name, entries ...string) {
	r.Helper()
	err := r.svc.SetACL(context.WithoutCancel(r.Context()), alice, ref, service.ACLChange{
		Op: service.ReplaceList, List: list, Entries: entries,
	})
	if err != nil {
		r.Fatal(err)
	}
}

func TestRightsDecideAndNotModes(t *testing.T) {
	r := newRig(t, asBob)
	r.put("/d/secret", "secret")
	v := r.put("/d/shared", "shared")
	r.grant(store.Ref{Path: "/d/shared", Version: v.Version}, acl.Read, "bob")
	r.refused("cat d/secret", "Permission denied")
	r.expect("cat d/shared", "shared")
	r.expect("stat -c '%a %s' d/secret d/shared", "0 0\n444 6\n")
	r.refused("ls d", "Permission denied")
	r.refused("echo x > d/new", "Permission denied")
	r.refused("echo x > d/shared", "Permission denied")
	r.refused("echo x >> d/shared", "Permission denied")
	r.refused("rm -f d/shared", "Permission denied")
	r.refused("rmdir d", "Permission denied")
	r.refused("mkdir d/new", "Permission denied")
	r.refused("mv d/shared d/other", "Permission denied")
	r.refused("touch d/shared", "Permission denied")
	r.expect("test -r d/secret || echo no; test -r d/shared && echo yes; test -w d/shared || echo no; test -w d || echo no", "no\nyes\nno\nno\n")
	r.count("/d/shared", 1)
}

func TestWhoMayCreateMayWriteWhatIsHis(t *testing.T) {
	r := newRig(t, asBob)
	r.put("/d/x", "x")
	r.grant(store.Ref{Path: "/d"}, acl.Create, "bob")
	r.sh("echo mine > d/mine; echo more >> d/mine; mkdir d/sub; echo deep > d/sub/f")
	r.settled()
	r.holds("/d/mine", "mine\nmore\n")
	r.sh("mv d/mine d/sub/mine; rm -r d/sub")
	r.refused("rm -f d/x", "Permission denied")
}

func TestAnUpdaterWithoutReadMayOverwriteButNotAppend(t *testing.T) {
	r := newRig(t, asBob)
	r.put("/f", "secret")
	r.grant(store.Ref{Path: "/f"}, acl.Update, "bob")
	r.refused("echo x >> f", "Permission denied")
	r.sh("echo over > f")
	r.settled()
	r.holds("/f", "over\n")
	r.count("/f", 2)
}

func TestAFailedCommitIsTheErrorOfTheCloseAndFinal(t *testing.T) {
	r := newRig(t, asBob)
	r.grant(store.Ref{Path: "/"}, acl.Create, "bob")
	p := r.python()
	p.must(`fd = os.open("f", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"lost")`)
	p.must(`other = os.dup(fd)`)
	r.grant(store.Ref{Path: "/"}, acl.Create)
	p.fails(`os.close(fd)`, "EACCES")
	r.grant(store.Ref{Path: "/"}, acl.Create, "bob")
	p.fails(`os.write(other, b"more")`, "EACCES")
	p.fails(`os.close(other)`, "EACCES")
	r.settled()
	r.refused("cat f", "No such file")
	r.count("/f", 0)
	if kept := r.kept(); len(kept) != 1 || kept[0].Path != "/f" || kept[0].Size != 4 {
		t.Errorf("kept: %+v", kept)
	}
	r.sh("echo again > f")
	r.settled()
	r.holds("/f", "again\n")
}

func TestAfterAFailedCommitTheNameLeadsBackToTheLastVersion(t *testing.T) {
	r := newRig(t, asBob)
	v := r.put("/f", "first")
	r.grant(store.Ref{Path: "/f", Version: v.Version}, acl.Read, "bob")
	r.grant(store.Ref{Path: "/f"}, acl.Update, "bob")
	r.expect("cat f", "first")
	p := r.python()
	p.must(`fd = os.open("f", os.O_RDWR); n = os.pwrite(fd, b"other content", 0)`)
	r.expect("cat f", "other content")
	r.grant(store.Ref{Path: "/f"}, acl.Update)
	p.fails(`os.close(fd)`, "EACCES")
	r.settled()
	r.expect("cat f; stat -c %s f", "first5\n")
	r.count("/f", 1)
	if kept := r.kept(); len(kept) != 1 || kept[0].Path != "/f" {
		t.Errorf("kept: %+v", kept)
	}
}

// kept returns what lies in the folder for drafts that did not become versions, when all that the
// mount puts there has arrived: it does so when a handle is released, which nobody waits for.
func (r *rig) kept() []note {
	r.Helper()
	for range 1000 {
		if !r.spools() {
			break
		}
		r.sh("stat . >/dev/null")
	}
	if root := r.svc.SpoolDir(); root != "" {
		return keptIn(r.T, root)
	}
	return keptIn(r.T, r.cfg.SpoolDir)
}

// spools reports whether there is content in the folder of drafts in use.
func (r *rig) spools() bool {
	if r.m == nil {
		return false
	}
	names, err := filepath.Glob(filepath.Join(r.m.session.dir, draftName+"*"))
	if err != nil {
		r.Fatal(err)
	}
	return slices.ContainsFunc(names, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && info.Size() > 0
	})
}

func TestContentElsewhereIsListedButNotReadable(t *testing.T) {
	svc, dir := openService(t, t.TempDir())
	_, err := svc.PutObject(t.Context(), alice, service.PutObject{Path: "/away", Content: strings.NewReader(""), Size: 0})
	if err != nil {
		t.Fatal(err)
	}
	err = dir.Update(t.Context(), func(tx store.Tx) error {
		found, err := tx.Resolve(t.Context(), "/away", "")
		if err != nil {
			return err
		}
		return tx.BindVersion(t.Context(), &store.Version{
			NameID: found.Name.ID, Version: "v", Size: 7, URL: "https://elsewhere.example/", ACLs: acl.Lists{acl.Owner: {"alice"}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	r := mountRig(t, svc)
	if got := r.sh("ls; stat -c %s away"); got != "away\n7\n" {
		t.Errorf("it is listed as %q", got)
	}
	if out, err := r.try("cat away"); err == nil || !strings.Contains(out, "Input/output error") {
		t.Errorf("reading it gave %q, %v", out, err)
	}
	if got := r.sh("echo new > away; cat away"); got != "new\n" {
		t.Errorf("replaced, it has %q", got)
	}
}
