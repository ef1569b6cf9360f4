package fusefs

import (
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// callsOnThePast are calls on what never changes, by the kind of it: a file, a link or a folder. A blank
// answer is none that is asked for.
var callsOnThePast = []struct {
	call               string // an expression of Python, of the path p
	file, link, folder string
}{
	{`os.close(os.open(p, os.O_RDONLY))`, "None", "None", "None"},
	{`os.close(os.open(p, os.O_RDONLY | os.O_NOFOLLOW))`, "None", "ELOOP", "None"},
	{`os.open(p, os.O_RDONLY | os.O_DIRECTORY) and 0`, "ENOTDIR", "ENOTDIR", "0"},
	{`os.open(p, os.O_WRONLY)`, "EROFS", "EROFS", "EISDIR"},
	{`os.open(p, os.O_RDWR)`, "EROFS", "EROFS", "EISDIR"},
	{`os.open(p, os.O_RDONLY | os.O_TRUNC)`, "EROFS", "EROFS", "EISDIR"},
	{`os.open(p, os.O_WRONLY | os.O_CREAT)`, "EROFS", "EROFS", "EISDIR"},
	{`os.open(p, os.O_WRONLY | os.O_CREAT | os.O_EXCL)`, "EEXIST", "EEXIST", "EEXIST"},
	{`os.truncate(p, 1)`, "EROFS", "EROFS", "EISDIR"},
	{`os.chmod(p, 0o600)`, "EROFS", "EROFS", "EROFS"},
	{`os.chown(p, 1, 2, follow_symlinks=False)`, "EROFS", "EROFS", "EROFS"},
	{`os.utime(p, ns=(1, 2), follow_symlinks=False)`, "EROFS", "EROFS", "EROFS"},
	{`os.rename(p, "new")`, "EROFS", "EROFS", "EROFS"},
	{`os.link(p, "new", follow_symlinks=False)`, "EPERM", "EPERM", "EPERM"},
	{`os.mkdir(p)`, "EEXIST", "EEXIST", "EEXIST"},
	{`os.symlink("x", p)`, "EEXIST", "EEXIST", "EEXIST"},
	{`os.mknod(p)`, "EEXIST", "EEXIST", "EEXIST"},
	{`os.rmdir(p)`, "ENOTDIR", "ENOTDIR", "EROFS"},
	{`os.readlink(p)`, "EINVAL", "f", "EINVAL"},
	{`os.access(p, os.R_OK)`, "True", "", "True"},
	{`os.access(p, os.W_OK)`, "False", "", "False"},
	{`os.stat(p + "/x")`, "ENOTDIR", "", "ENOENT"},
	{`os.close(os.open(p + "/x", os.O_WRONLY | os.O_CREAT))`, "ENOTDIR", "", "EROFS"},
	{`os.mkdir(p + "/x")`, "ENOTDIR", "", "EROFS"},
	{`os.symlink("y", p + "/x")`, "ENOTDIR", "", "EROFS"},
	{`os.mknod(p + "/x")`, "ENOTDIR", "", "EROFS"},
	{`os.rename("f", p + "/x")`, "ENOTDIR", "", "EROFS"},
	{`os.unlink(p + "/x")`, "ENOTDIR", "", "ENOENT"},
	{`os.stat(p + "/" + "n" * 256)`, "ENOTDIR", "", "ENAMETOOLONG"},
	{`os.setxattr(p, "user.x", b"y", follow_symlinks=False)`, "ENOTSUP", "EPERM", "ENOTSUP"},
	{`os.statvfs(p).f_namemax`, "255", "255", "255"},
}

func TestThePastRefusesAllChanges(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir d; echo one > f; echo text > d/f; ln -s f l; echo two > f")
	r.settled()
	now := time.Now().UTC().Format(time.RFC3339Nano)
	r.frozen(map[string][]string{
		"file":   {"f;versions/f:" + r.versions("/f")[0], ".snapshots/" + now + "/f", ".snapshots/" + now + "/d/f"},
		"link":   {".snapshots/" + now + "/l"},
		"folder": {".versions/f", ".snapshots/" + now, ".snapshots/" + now + "/d"},
	})
	r.expect("cat f d/f; ls", "two\ntext\nd\nf\nl\n")
	r.count("/f", 2)
}

// TestVirtualNamesRefuseChangesOfThoseWhoMayMakeNone: for whoever may make names, they give way.
func TestVirtualNamesRefuseChangesOfThoseWhoMayMakeNone(t *testing.T) {
	r := newRig(t, asBob)
	r.put("/f", "one")
	r.put("/f", "two")
	for _, list := range []acl.Name{acl.Read, acl.SubtreeRead} {
		r.grant(store.Ref{Path: store.Root}, list, "bob")
	}
	r.frozen(map[string][]string{
		"file":   {"f:" + r.versions("/f")[0]},
		"folder": {"f;versions", ".versions", ".snapshots"},
	})
	r.expect("cat f; ls", "twof\n")
	r.count("/f", 2)
}

// frozen tries the calls on paths of each kind.
func (r *rig) frozen(of map[string][]string) {
	r.Helper()
	p := r.python()
	for kind, paths := range of {
		for _, path := range paths {
			p.must(`p = "` + path + `"`)
			for _, c := range callsOnThePast {
				want := map[string]string{"file": c.file, "link": c.link, "folder": c.folder}[kind]
				if want == "" {
					continue
				}
				if got, _ := p.run(`print(` + c.call + `, end="")`); got != want {
					r.Errorf("%s: %s answers %q, want %q", path, c.call, got, want)
				}
			}
		}
	}
}
