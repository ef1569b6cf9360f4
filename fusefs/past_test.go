package fusefs

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// now is this moment as a folder of .snapshots.
func now() string { return time.Now().UTC().Format(time.RFC3339Nano) }

// grown is a mount with a tree that has changed since it was copied away.
type grown struct {
	*rig
	then string // the time of the copy
	copy string
}

func grow(t *testing.T) *grown {
	g := &grown{rig: newRig(t), copy: t.TempDir()}
	g.sh(`mkdir -p a/b/c 'odd ä:name'; echo one > a/one; echo two > a/b/two; head -c 100000 /dev/urandom > a/b/c/big
echo odd > 'odd ä:name/100%'; ln -s one a/link; chmod 750 a/b; chmod 640 a/one; touch -d '2001-02-03 04:05:06.789' a/b/two a`)
	g.settled()
	g.sh(`cp -a . ` + g.copy)
	g.then = now()
	g.sh(`echo changed > a/one; echo more >> a/b/two; mv a/b/c/big a/moved; echo new > a/b/c/new; mkdir later
mv a/link a/b/link; echo again > a/b/c/big; chmod 600 a/moved`)
	g.settled()
	return g
}

func TestSnapshotsShowTheStoreAsItWas(t *testing.T) {
	g := grow(t)
	past := ".snapshots/" + g.then
	g.expect("diff -r --no-dereference "+g.copy+" "+past, "")
	g.expect("cd "+past+" && find . | LC_ALL=C sort", g.sh("cd "+g.copy+" && find . | LC_ALL=C sort"))
	g.expect("cat "+past+"/a/one; readlink "+past+"/a/link; cat "+past+"/a/link", "one\none\none\n")
	g.expect("stat -c '%a %s %y' "+past+"/a/b/two", g.sh("stat -c '%a %s %y' "+g.copy+"/a/b/two"))
	out := t.TempDir()
	g.sh("cp -a " + past + "/. " + out)
	g.expect("diff -r --no-dereference "+g.copy+" "+out, "")
	out = t.TempDir()
	g.sh("rsync -a " + past + "/ " + out + "; rsync -a " + past + "/ " + out)
	g.expect("diff -r --no-dereference "+g.copy+" "+out, "")
	g.expect("rsync -ai --exclude=/a/b/c/big "+past+"/a/ "+out+"/a", "")
	g.expect("ls -A .snapshots", "")
	g.expect("ls -A | grep -c snapshots || true", "0\n")
}

func TestAnOldTreeIsFoundBelowItsOwnTimeOnly(t *testing.T) {
	g := grow(t)
	g.refused("cat .snapshots/"+g.then+"/a/moved", "No such file")
	g.refused("ls .snapshots/"+g.then+"/later", "No such file")
	g.expect("cat .snapshots/"+now()+"/a/one", "changed\n")
	g.expect("ls .snapshots/"+now()+"/a/b/c", "big\nnew\n")
	g.sh("rm a/one; rm -r later")
	g.expect("ls .snapshots/"+g.then+"/a", "b\nlink\n")
	g.refused("cat .snapshots/"+g.then+"/a/one", "No such file")
}

func TestNothingCanBeChangedInThePast(t *testing.T) {
	g := grow(t)
	for _, script := range []string{
		"touch a/one", "echo x > a/one", "echo x >> a/one", "echo x > a/new", "mkdir a/new", "rm -f a/one", "rmdir a/b/c", "mv a/one a/two",
		"ln -s x a/new", "chmod 600 a/one", "chmod 700 a", "ln a/one a/other", "truncate -s 0 a/one", "mkfifo a/fifo", "mv a/one ../../a",
		`python3 -c 'import os; os.setxattr("a/one", "user.hatrac.acl.read", b"*")'`,
		`python3 -c 'import os; os.setxattr("a", "user.hatrac.acl.read", b"*")'`,
	} {
		g.refused("cd .snapshots/"+g.then+" && "+script, "Read-only file system")
	}
	g.expect("cat .snapshots/"+g.then+"/a/one", "one\n")
}

func TestTimesMayBeWrittenInManyWays(t *testing.T) {
	r := newRig(t)
	r.put("/f", "content")
	at := time.Now()
	for _, name := range []string{
		at.UTC().Format(time.RFC3339Nano), at.In(time.FixedZone("", 3*3600)).Format(time.RFC3339Nano),
		at.UTC().Format(stampLayout),
	} {
		r.sh("test -d .snapshots/" + name)
	}
	r.expect("cat .snapshots/"+at.UTC().Format(stampLayout)+"/f", "content")
	for _, name := range []string{"yesterday", "2001-13-01", "2026", "1969-12-31", "0001-01-01", "9999-01-01", at.Add(time.Hour).UTC().Format(time.RFC3339), ".versions"} {
		r.refused("stat .snapshots/"+name, "No such file")
	}
	for text, want := range map[string]string{
		"2026-11-24": "2026-11-24T00:00:00Z", "2026-11-24T01:02:03Z": "2026-11-24T01:02:03Z", "2026-11-24T01:02:03-01:00": "2026-11-24T02:02:03Z",
		"2026-11-24T01:02:03.5+01:00": "2026-11-24T00:02:03.5Z", "2026-11-24T01-02-03.500000000Z": "2026-11-24T01:02:03.5Z",
	} {
		if got, ok := ParseTime(text); !ok || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s is %v, %v", text, got, ok)
		}
	}
	// A time that has come is found, although it was not there before.
	soon := time.Now().Add(time.Second).UTC().Format(time.RFC3339)
	r.sh("test -e .snapshots/" + soon + "; until test -e .snapshots/" + soon + "; do :; done")
}

func TestASnapshotHasInodesOfItsOwnThatStay(t *testing.T) {
	g := grow(t)
	list := "cd .snapshots/" + g.then + " && find . -printf '%i %p\\n' | sort"
	before := g.sh(list)
	seen := map[string]string{}
	for line := range strings.Lines(g.sh("find . -printf '%i %p\\n'") + before + g.sh("cd .snapshots/"+now()+" && find . -printf '%i now/%p\\n'")) {
		ino, path, _ := strings.Cut(line, " ")
		if other, ok := seen[ino]; ok {
			t.Errorf("%s and %s have one inode", other, path)
		}
		seen[ino] = path
	}
	g.unmount()
	g.mount()
	g.expect(list, before)
}

func TestAMountOfThePast(t *testing.T) {
	g := grow(t)
	at, ok := ParseTime(g.then)
	if !ok {
		t.Fatal(g.then)
	}
	past := mountRig(t, g.svc, func(c *Config) { c.AsOf = at })
	past.expect("diff -r --no-dereference "+g.copy+" .", "")
	past.refused("touch x", "Read-only file system")
	past.refused("ls .snapshots", "No such file")
	g.sh("echo z > a/one; rm -r a/b/c a/b/two")
	g.settled()
	// What was renamed before its folder was deleted is still there.
	past.expect("cat a/one; ls a/b a/b/c; df . >/dev/null && echo fine", "one\na/b:\nc\n\na/b/c:\nbig\nfine\n")
	cfg := past.cfg
	cfg.Dir, cfg.AsOf = t.TempDir(), time.Unix(1, 0)
	if m, err := New(t.Context(), cfg); err == nil {
		_ = m.Unmount(t.Context())
		t.Error("a time before the store was made can be mounted")
	}
}

func TestTheRightsOfTodayDecideInThePast(t *testing.T) {
	r := newRig(t, asBob)
	r.put("/d/secret", "secret")
	v := r.put("/d/shared", "shared")
	r.grant(store.Ref{Path: "/d/shared", Version: v.Version}, acl.Read, "bob")
	past := ".snapshots/" + now()
	r.refused("ls "+past+"/d", "Permission denied")
	r.refused("cat "+past+"/d/secret", "Permission denied")
	r.expect("stat -c '%a %s' "+past+"/d/secret; cat "+past+"/d/shared", "0 0\nshared")
	r.expect("test -r "+past+"/d/secret || test -w "+past+"/d/shared || test -r "+past+"/d/shared && echo right", "right\n")
	r.grant(store.Ref{Path: "/d/shared", Version: v.Version}, acl.Read)
	r.refused("cat "+past+"/d/shared", "Permission denied")
}

// many stores objects or versions with the content of their number, some at a time.
func (r *rig) many(n int, path func(int) store.Path) {
	r.Helper()
	var all sync.WaitGroup
	errs := make(chan error, 8)
	for worker := range 8 {
		all.Go(func() {
			for i := worker; i < n; i += 8 {
				text := fmt.Sprint(i)
				_, err := r.svc.PutObject(r.Context(), alice, service.PutObject{
					Path: path(i), Content: strings.NewReader(text), Size: int64(len(text)), Parents: true,
				})
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-errs:
		r.Fatal(err)
	default:
	}
}

func TestLargeListingsOfThePastComeByPages(t *testing.T) {
	r := newRig(t)
	r.put("/d/0000", "first")
	r.many(2100, func(i int) store.Path { return store.Path(fmt.Sprintf("/d/%04d", i)) })
	past := ".snapshots/" + now()
	for i := range 50 {
		err := r.svc.Delete(t.Context(), alice, service.Delete{Path: store.Path(fmt.Sprintf("/d/%04d", i*41))})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.put("/d/new", "new")
	r.expect("ls "+past+"/d | wc -l; ls "+past+"/d | sort -u | wc -l; ls -l "+past+"/d | tail -n 1 | wc -l", "2050\n2050\n1\n")
	r.expect("cat "+past+"/d/2099 "+past+"/d/1000", "20991000")
}

func TestThePastStandsStillWhileOthersWrite(t *testing.T) {
	g := grow(t)
	past := ".snapshots/" + g.then
	ctx, cancel := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			_, err := g.try(fmt.Sprintf("echo %d > a/one; echo %d > a/n%d; mv a/n%d a/b/n%d; echo %d >> a/b/two", i, i, i, i, i, i))
			if err != nil && ctx.Err() == nil {
				t.Error(err)
				return
			}
		}
	})
	for range 5 {
		g.expect("diff -r --no-dereference "+g.copy+" "+past, "")
	}
	cancel()
	writer.Wait()
	g.settled()
}

func TestLiteralNamesWinOverVirtualOnes(t *testing.T) {
	r := newRig(t)
	r.expect("stat -c %F .versions .snapshots", "directory\ndirectory\n")
	r.put("/.versions/x", "literal versions")
	r.put("/.snapshots/2026-01-01", "literal snapshots")
	r.put("/d/f", "f")
	r.settled()
	r.expect("until cat .versions/x 2>/dev/null; do :; done; until cat .snapshots/2026-01-01 2>/dev/null; do :; done", "literal versionsliteral snapshots")
	r.expect("ls -A", ".snapshots\n.versions\nd\n")
	r.refused("ls d/.snapshots", "No such file")
	r.expect("ls d/.versions", "f\n")
}

func TestANamespaceTakesAVirtualNameByARename(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir d; echo f > d/f")
	for _, name := range []string{"d/.versions", ".snapshots"} {
		r.sh("mkdir new; echo x > new/x; mv -T new " + name)
		r.expect("ls -A "+name+"; cat "+name+"/x", "x\nx\n")
		r.sh("rm -r " + name)
	}
	r.expect("ls d/.versions", "f\n")
}

func TestAMovedDirectoryIsWhereItWas(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir -p a/sub to; echo one > a/sub/f; ln -s f a/sub/l")
	r.settled()
	then := now()
	r.sh("mv a to/b; mkdir a; echo new > a/new; echo two > to/b/sub/f")
	r.settled()
	between := now()
	r.sh("mv to/b/sub a/; rm -r to")
	r.expect("cd .snapshots/"+then+" && find . | sort && cat a/sub/f a/sub/l", ".\n./a\n./a/sub\n./a/sub/f\n./a/sub/l\n./to\none\none\n")
	r.expect("cd .snapshots/"+between+" && find . | sort && cat to/b/sub/f a/new", ".\n./a\n./a/new\n./to\n./to/b\n./to/b/sub\n./to/b/sub/f\n./to/b/sub/l\ntwo\nnew\n")
	r.expect("cd .snapshots/"+now()+" && find . | sort && cat a/sub/f", ".\n./a\n./a/new\n./a/sub\n./a/sub/f\n./a/sub/l\ntwo\n")
	r.refused("ls .snapshots/"+then+"/to/b", "No such file")
}
