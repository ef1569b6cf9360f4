package fusefs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// persons are those who make the calls of the table below, each with a list that lets him do
// something in the folder; none lets him do everything, or nothing.
var persons = []struct {
	name   string
	client acl.Client
	list   acl.Name
}{
	{"owner", alice, ""},
	{"reader", bob, acl.SubtreeRead},
	{"creator", bob, acl.Create},
	{"updater", bob, acl.SubtreeUpdate},
	{"nobody", bob, ""},
}

// callsByRight are calls in a folder of alice's with the file f, the link l to it, the empty folder
// empty and the folder full, in which there is x; and what they answer to each person.
var callsByRight = []struct {
	call string // an expression of Python
	want string // by person; one answer is that to all
}{
	{`os.stat("f").st_size`, "6 6 0 0 0"},
	{`os.stat("full") and 0`, "0"},
	{`os.stat("none")`, "ENOENT"},
	{`os.lstat("l").st_size`, "1"},
	{`os.readlink("l")`, "f f EACCES EACCES EACCES"},
	{`os.open("f", os.O_RDONLY) and 0`, "0 0 EACCES EACCES EACCES"},
	{`os.open("l", os.O_RDONLY) and 0`, "0 0 EACCES EACCES EACCES"},
	{`os.open("f", os.O_WRONLY) and 0`, "0 EACCES EACCES EACCES EACCES"},
	{`os.open("f", os.O_RDWR) and 0`, "0 EACCES EACCES EACCES EACCES"},
	{`os.open("f", os.O_WRONLY | os.O_APPEND) and 0`, "0 EACCES EACCES EACCES EACCES"},
	{`os.open("f", os.O_WRONLY | os.O_TRUNC) and 0`, "0 EACCES EACCES 0 EACCES"},
	{`os.open("f", os.O_RDONLY | os.O_TRUNC) and 0`, "0 EACCES EACCES EACCES EACCES"},
	{`os.open("f", os.O_PATH) and 0`, "0"},
	{`os.open("f", os.O_WRONLY | os.O_CREAT | os.O_EXCL)`, "EEXIST"},
	{`os.open("new", os.O_WRONLY | os.O_CREAT) and 0`, "0 EACCES 0 EACCES EACCES"},
	{`os.open("new", os.O_RDONLY | os.O_CREAT) and 0`, "0 EACCES 0 EACCES EACCES"},
	{`os.open("none/new", os.O_WRONLY | os.O_CREAT)`, "ENOENT"},
	{`os.open("f/new", os.O_WRONLY | os.O_CREAT)`, "ENOTDIR"},
	{`os.open("full", os.O_WRONLY)`, "EISDIR"},
	{`os.open("full", os.O_RDONLY) and 0`, "0 0 EACCES EACCES EACCES"},
	{`len(os.listdir("."))`, "4 EACCES EACCES EACCES EACCES"},
	{`len(os.listdir("empty"))`, "0 0 EACCES EACCES EACCES"},
	{`os.open("full/x", os.O_RDONLY) and 0`, "0 0 EACCES EACCES EACCES"},
	{`os.mknod("new")`, "None EACCES None EACCES EACCES"},
	{`os.mknod("f")`, "EEXIST"},
	{`os.mkfifo("new")`, "EPERM"},
	{`os.mkdir("new")`, "None EACCES None EACCES EACCES"},
	{`os.mkdir("f")`, "EEXIST"},
	{`os.mkdir("empty")`, "EEXIST"},
	{`os.symlink("f", "new")`, "None EACCES None EACCES EACCES"},
	{`os.symlink("f", "l")`, "EEXIST"},
	{`os.link("f", "new")`, "EPERM"},
	{`os.unlink("f")`, "None EACCES EACCES EACCES EACCES"},
	{`os.unlink("l")`, "None EACCES EACCES EACCES EACCES"},
	{`os.unlink("full")`, "EISDIR"},
	{`os.unlink("none")`, "ENOENT"},
	{`os.rmdir("empty")`, "None EACCES EACCES EACCES EACCES"},
	{`os.rmdir("full")`, "ENOTEMPTY EACCES EACCES EACCES EACCES"},
	{`os.rmdir("f")`, "ENOTDIR"},
	{`os.rename("f", "new")`, "None EACCES EACCES EACCES EACCES"},
	{`os.rename("f", "l")`, "None EACCES EACCES EACCES EACCES"},
	{`os.rename("f", "empty")`, "EISDIR"},
	{`os.rename("empty", "new")`, "None EACCES EACCES EACCES EACCES"},
	{`os.rename("full", "empty")`, "None EACCES EACCES EACCES EACCES"},
	{`os.rename("none", "new")`, "ENOENT"},
	{`own("mine") or os.rename("mine", "new")`, "None EACCES None EACCES EACCES"},
	{`own("mine") or os.rename("mine", "f")`, "None EACCES EACCES EACCES EACCES"},
	{`own("mine~") or os.rename("mine~", "f")`, "None EACCES EACCES EACCES EACCES"},
	{`own("mine") or os.unlink("mine")`, "None EACCES None EACCES EACCES"},
	{`own("mine") or os.truncate("mine", 1)`, "None EACCES None EACCES EACCES"},
	{`own("mine") or os.chmod("mine", 0o600)`, "None EACCES None EACCES EACCES"},
	{`own("mine") or os.rename("mine", "full/mine")`, "None EACCES EACCES EACCES EACCES"},
	{`os.truncate("f", 0)`, "None EACCES EACCES None EACCES"},
	{`os.truncate("f", 3)`, "None EACCES EACCES EACCES EACCES"},
	{`os.truncate("full", 0)`, "EISDIR"},
	{`os.chmod("f", 0o600)`, "None EACCES EACCES EACCES EACCES"},
	{`os.chmod("full", 0o700)`, "None EACCES EACCES EACCES EACCES"},
	{`os.chown("f", 1, 2)`, "None EACCES EACCES EACCES EACCES"},
	{`os.chown("l", 1, 2, follow_symlinks=False)`, "None EACCES EACCES EACCES EACCES"},
	{`os.utime("f", ns=(1, 2))`, "None EACCES EACCES EACCES EACCES"},
	{`os.utime("f")`, "None EACCES EACCES EACCES EACCES"},
	{`os.utime("full", ns=(1, 2))`, "None EACCES EACCES EACCES EACCES"},
	{`os.setxattr("f", "user.hatrac.content-type", b"text/x")`, "None EACCES EACCES EACCES EACCES"},
	{`os.setxattr("f", "user.hatrac.acl.update", b"bob")`, "None EACCES EACCES EACCES EACCES"},
	{`len(os.getxattr("f", "user.hatrac.sha256"))`, "64 64 EACCES EACCES EACCES"},
	{`os.getxattr("f", "user.hatrac.owner")`, "b'alice' EACCES EACCES EACCES EACCES"},
	{`may("f")`, "rw r - w -"},
	{`may("full")`, "rwx rx x x x"},
	{`may(".")`, "rwx x wx x x"},
	{`os.access("none", os.F_OK)`, "False"},
	{`os.statvfs("f").f_namemax`, "255"},
	{`os.chdir("full") or os.chdir("..")`, "None"},
}

// helping are the functions that the table uses.
const helping = `
def own(name):
    with open(name, "w") as f: f.write("mine")
def may(name):
    return "".join(c for c, bit in (("r", os.R_OK), ("w", os.W_OK), ("x", os.X_OK)) if os.access(name, bit)) or "-"
`

func TestEveryCallAsksForItsRight(t *testing.T) {
	for i, person := range persons {
		t.Run(person.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *Config) { c.Client = person.client })
			p := r.python()
			p.must("exec(" + quoted(helping) + ")")
			for n, c := range callsByRight {
				folder := store.Path(fmt.Sprint("/", n))
				r.furnish(folder)
				if person.list != "" {
					r.grant(store.Ref{Path: folder}, person.list, person.client.ID)
				}
				answers := strings.Fields(c.want)
				p.must(fmt.Sprintf(`os.chdir(%q)`, r.dir+string(folder)))
				got, _ := p.run(`print(` + c.call + `, end="")`)
				if want := answers[i%len(answers)]; got != want {
					t.Errorf("%s answers %q, want %q", c.call, got, want)
				}
			}
		})
	}
}

// furnish makes a folder for one call.
func (r *rig) furnish(folder store.Path) {
	r.Helper()
	r.put(folder+"/f", "secret")
	r.put(folder+"/full/x", "x")
	ctx := r.Context()
	_, err := r.svc.CreateNamespace(ctx, alice, service.CreateNamespace{Path: folder + "/empty"})
	if err != nil {
		r.Fatal(err)
	}
	if _, err = r.svc.PutObject(ctx, alice, service.PutObject{
		Path: folder + "/l", Content: strings.NewReader("f"), Size: 1, Metadata: store.Metadata{ContentType: linkType},
	}); err != nil {
		r.Fatal(err)
	}
}
