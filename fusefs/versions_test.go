package fusefs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func TestHiddenVersionsAreNamedByTime(t *testing.T) {
	r := newRig(t)
	var names []string
	for i := range 3 {
		v := r.put("/d/f", fmt.Sprint("content ", i))
		names = append(names, v.Created.UTC().Format(stampLayout)+"_"+v.Version)
	}
	r.put("/d/g", "g")
	r.expect("ls -A d", "f\ng\n")
	r.expect("ls d/.versions", "f\ng\n")
	r.expect("ls d/.versions/f", strings.Join(names, "\n")+"\n")
	r.expect("cat d/.versions/f/*; stat -c '%a %F' d/.versions/f/"+names[0], "content 0content 1content 2444 regular file\n")
	r.expect("ls -A .versions", "")
	r.refused("ls .versions/d", "No such file")
	r.refused("cat d/.versions/f/"+strings.Replace(names[0], "T", "T0", 1), "No such file")
	other := "2001" + names[0][4:]
	r.refused("cat d/.versions/f/"+other, "No such file")
	for _, script := range []string{"echo x > d/.versions/f/new", "echo x > d/.versions/f/" + names[0], "rmdir d/.versions/f", "rmdir d/.versions", "mv d/.versions/f d/x", "touch d/.versions/f", "mv d/g d/.versions/f/"} {
		r.refused(script, "Read-only file system")
	}
	// Who may delete a version may do it here.
	r.sh("rm -f d/.versions/f/" + names[1])
	r.expect("cat d/.versions/f/*", "content 0content 2")
	r.count("/d/f", 2)
	r.sh("rm d/g")
	r.expect("ls d/.versions", "f\n")
	r.refused("ls d/.versions/g", "No such file")
}

func TestARenamedVersionIsFoundUnderItsOldTime(t *testing.T) {
	r := newRig(t)
	v := r.put("/d/f", "content")
	r.sh("mv d/f d/g")
	r.expect("ls d/.versions; cat d/.versions/f/"+stampedName(&v), "g\ncontent")
	r.expect("cat d/.versions/g/*", "content")
}

func TestVersionsAreShownOnRequest(t *testing.T) {
	r := newRig(t, func(c *Config) { c.ShowVersions = true })
	r.put("/d/f", "one")
	r.put("/d/f", "two")
	r.expect("ls -A; ls -A d", ".versions\nd\n.versions\nf\n")
	r.expect("find . -type f | wc -l; cat d/.versions/f/*", "3\nonetwo")
	r.put("/e/.versions/x", "literal")
	r.expect("ls -A e; ls -A e/.versions", ".versions\n.versions\nx\n")
}

func TestHiddenVersionsKeepTheirRights(t *testing.T) {
	r := newRig(t, asBob)
	one := r.put("/d/f", "one")
	two := r.put("/d/f", "two")
	r.grant(store.Ref{Path: "/d/f", Version: two.Version}, acl.Read, "bob")
	r.refused("ls d/.versions", "Permission denied")
	r.refused("ls d/.versions/f", "Permission denied")
	r.expect("cat d/.versions/f/"+stampedName(&two), "two")
	r.refused("cat d/.versions/f/"+stampedName(&one), "Permission denied")
	r.refused("rm -f d/.versions/f/"+stampedName(&two), "Permission denied")
}

func TestManyVersionsComeByPages(t *testing.T) {
	r := newRig(t)
	r.many(1100, func(int) store.Path { return "/d/f" })
	r.expect("ls d/.versions/f | wc -l; ls 'd/f;versions' | sort -u | wc -l; cat d/.versions/f/* | wc -c", "1100\n1100\n3290\n")
	r.many(1100, func(i int) store.Path { return store.Path(fmt.Sprint("/e/", i)) })
	r.expect("ls e/.versions | sort -u | wc -l", "1100\n")
}

func TestVersionsOfALinkAreLinks(t *testing.T) {
	r := newRig(t)
	r.sh("ln -s target l")
	id := r.versions("/l")[0]
	r.expect("readlink l:"+id+" l\\;versions/l:"+id+" .versions/l/*", "target\ntarget\ntarget\n")
}

func TestAVersionOfUnknownTimeIsTheFirst(t *testing.T) {
	svc, dir := openService(t, t.TempDir())
	r := mountRig(t, svc)
	v := r.put("/f", "known")
	found, err := dir.Resolve(t.Context(), "/f", "")
	if err != nil {
		t.Fatal(err)
	}
	err = dir.Update(t.Context(), func(tx store.Tx) error {
		return tx.BindVersion(t.Context(), &store.Version{
			NameID: found.Name.ID, Version: "old", Size: 3, Inline: []byte("old"), HasInline: true, ACLs: v.ACLs,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	r.expect("ls .versions/f | head -n 1; cat .versions/f/*", "0001-01-01T00-00-00.000000000Z_old\noldknown")
	if _, err := svc.Fetch(t.Context(), alice, store.Ref{Path: "/f", Version: "old"}); err != nil {
		t.Error(err)
	}
}
