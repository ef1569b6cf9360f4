package fusefs

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
)

func (f *frozen) Children(ctx context.Context, namespace int64, after string, limit int) ([]store.Entry, error) {
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	return f.Directory.Children(ctx, namespace, after, limit)
}

func (f *frozen) ResolveAt(ctx context.Context, path store.Path, at time.Time) (*store.Resolution, error) {
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	return f.Directory.ResolveAt(ctx, path, at)
}

func (f *frozen) Versions(ctx context.Context, object, before int64, limit int) ([]store.Version, error) {
	if err := f.wait(ctx); err != nil {
		return nil, err
	}
	return f.Directory.Versions(ctx, object, before, limit)
}

func (f *frozen) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := f.wait(ctx); err != nil {
		return err
	}
	return f.Directory.Update(ctx, fn)
}

func (f *frozen) UpdateSoon(ctx context.Context, fn func(store.Tx) error) error {
	if err := f.wait(ctx); err != nil {
		return err
	}
	return f.Directory.UpdateSoon(ctx, fn)
}

// frozenBulk freezes with a directory.
type frozenBulk struct {
	*filesystem.Bulk
	f *frozen
}

func (b frozenBulk) Capacity(ctx context.Context) (store.Space, error) {
	if err := b.f.wait(ctx); err != nil {
		return store.Space{}, err
	}
	return b.Bulk.Capacity(ctx)
}

func (b frozenBulk) Open(ctx context.Context, a store.Address) (store.Content, error) {
	if err := b.f.wait(ctx); err != nil {
		return nil, err
	}
	return b.Bulk.Open(ctx, a)
}

// waits are calls that wait for a back end, each in a folder of its own with a file f that has been
// looked up, a link l to it, and a folder d. Each says whose method it is that waits.
var waits = []struct{ methods, before, line string }{
	{"dirNode.Lookup", "", `os.stat("missing")`},
	{"dirNode.Getattr", "", `os.stat("d")`},
	{"dirNode.Access", "", `os.chdir("d")`},
	{"dirNode.Setattr", "", `os.utime("d")`},
	{"dirNode.Create", "", `os.open("new", os.O_WRONLY | os.O_CREAT)`},
	{"dirNode.Mkdir", "", `os.mkdir("new")`},
	{"dirNode.Symlink", "", `os.symlink("f", "new")`},
	{"dirNode.Unlink", "", `os.unlink("f")`},
	{"dirNode.Rmdir", "", `os.rmdir("d")`},
	{"dirNode.Rename", "", `os.rename("f", "g")`},
	{"dirNode.Rename", "", `os.rename("d", "e")`},
	{"dirNode.Rename", `f = os.open("n~", os.O_WRONLY | os.O_CREAT); n = os.write(f, b"x"); os.close(f)`, `os.rename("n~", "n")`},
	{"dirNode.Statfs fileNode.Statfs linkNode.Statfs snapshotNode.Statfs virtualDir.Statfs", "", `os.statvfs(".")`},
	{"dirNode.OpendirHandle listing.Readdirent stream.Readdirent", "", `os.listdir(".")`},
	{"fileNode.Getattr", "", `os.stat("f")`},
	{"fileNode.Setattr", "", `os.chmod("f", 0o600)`},
	{"fileNode.Setattr", "", `os.truncate("f", 1)`},
	{"fileNode.Open", "", `os.open("f", os.O_RDONLY)`},
	{"fileNode.Open", "", `os.open("f", os.O_WRONLY)`},
	{"fileNode.Open", "", `os.open("f", os.O_WRONLY | os.O_TRUNC)`},
	{"xattrs.Getxattr", "", `os.getxattr("f", "user.hatrac.version")`},
	{"xattrs.Setxattr", "", `os.setxattr("f", "user.hatrac.content-type", b"text/csv")`},
	{"xattrs.Removexattr", "", `os.removexattr("f", "user.hatrac.content-type")`},
	{"xattrs.Listxattr", "", `os.listxattr("f")`},
	{"linkNode.Getattr", "", `os.lstat("l")`},
	{"linkNode.Setattr", "", `os.utime("l", follow_symlinks=False)`},
	{"linkNode.Readlink", "", `os.readlink("l")`},
	{"draftHandle.Flush", `f = os.open("f", os.O_WRONLY); n = os.write(f, b"x" * 9000)`, `os.close(f)`},
	{"draftHandle.Write", `f = os.open("f", os.O_WRONLY | os.O_TRUNC); n = os.write(f, b"x")`, `os.close(f)`},
	{"versionsNode.Lookup", "", `os.stat(".versions/f")`},
	{"historyNode.OpendirHandle", `names = os.listdir(".versions/f")`, `os.listdir(".versions/f")`},
	{"historyNode.Lookup", `names = os.listdir(".versions/f")`, `os.stat(".versions/f/" + names[0])`},
	{"versionsNode.OpendirHandle", "", `os.listdir(".versions")`},
	{"pastDir.Lookup", lineNow, `os.stat(at + "/missing")`},
	{"pastDir.OpendirHandle", lineNow, `os.listdir(at)`},
}

const lineNow = `import datetime; at = "../.snapshots/" + datetime.datetime.now(datetime.timezone.utc).isoformat(); s = os.stat(at)`

// instant are the methods that wait for no back end, and those that others of the table stand for.
var instant = map[string]string{
	"draftHandle.Read":     "a draft is on the disk of this machine; what it has not copied yet is read within the deadline (readAt)",
	"draftHandle.Allocate": "the spool is on the disk of this machine",
	"draftHandle.Fsync":    "the spool is on the disk of this machine; else it is a commit, as Flush, or Sync, which ends with the call",
	"draftHandle.Release":  "nobody waits for it",
	"fileNode.Release":     "nobody waits for it",
	"snapshotNode.Release": "nobody waits for it",
	"pin.Release":          "nobody waits for it",
	"pin.Read":             "content elsewhere is read within the deadline (readAt), and that of this machine from its disk",
	"pin.Fsync":            "it is Sync, which ends with the call",
	"listing.Fsyncdir":     "it is Sync, which ends with the call",
	"stream.Fsyncdir":      "it is Sync, which ends with the call",
	"listing.Seekdir":      "no back end",
	"stream.Seekdir":       "no back end",
	"listing.Lookup":       "from what was listed",
	"stream.Lookup":        "from what was listed",
	"fileNode.Access":      "as Getattr",
	"fileNode.Getlk":       "locks are in this process",
	"fileNode.Setlk":       "locks are in this process",
	"fileNode.Setlkw":      "waits for another lock and ends with the request (locks_test.go)",
	"snapshotNode.Getlk":   "locks are in this process",
	"snapshotNode.Setlk":   "locks are in this process",
	"snapshotNode.Setlkw":  "waits for another lock and ends with the request (locks_test.go)",
	"dirNode.Link":         "refused",
	"dirNode.Mknod":        "refused",
}

// handlers are the interfaces of what the kernel may ask.
var handlers = []reflect.Type{
	reflect.TypeFor[fs.NodeStatfser](), reflect.TypeFor[fs.NodeAccesser](), reflect.TypeFor[fs.NodeGetattrer](),
	reflect.TypeFor[fs.NodeSetattrer](), reflect.TypeFor[fs.NodeGetxattrer](), reflect.TypeFor[fs.NodeSetxattrer](),
	reflect.TypeFor[fs.NodeRemovexattrer](), reflect.TypeFor[fs.NodeListxattrer](), reflect.TypeFor[fs.NodeReadlinker](),
	reflect.TypeFor[fs.NodeOpener](), reflect.TypeFor[fs.NodeReader](), reflect.TypeFor[fs.NodeWriter](),
	reflect.TypeFor[fs.NodeFsyncer](), reflect.TypeFor[fs.NodeFlusher](), reflect.TypeFor[fs.NodeReleaser](),
	reflect.TypeFor[fs.NodeAllocater](), reflect.TypeFor[fs.NodeCopyFileRanger](), reflect.TypeFor[fs.NodeLseeker](),
	reflect.TypeFor[fs.NodeGetlker](), reflect.TypeFor[fs.NodeSetlker](), reflect.TypeFor[fs.NodeSetlkwer](),
	reflect.TypeFor[fs.NodeOpendirer](), reflect.TypeFor[fs.NodeOpendirHandler](), reflect.TypeFor[fs.NodeReaddirer](),
	reflect.TypeFor[fs.NodeLookuper](), reflect.TypeFor[fs.NodeMkdirer](), reflect.TypeFor[fs.NodeMknoder](),
	reflect.TypeFor[fs.NodeLinker](), reflect.TypeFor[fs.NodeSymlinker](), reflect.TypeFor[fs.NodeCreater](),
	reflect.TypeFor[fs.NodeUnlinker](), reflect.TypeFor[fs.NodeRmdirer](), reflect.TypeFor[fs.NodeRenamer](),
	reflect.TypeFor[fs.FileReader](), reflect.TypeFor[fs.FileWriter](), reflect.TypeFor[fs.FileFlusher](),
	reflect.TypeFor[fs.FileFsyncer](), reflect.TypeFor[fs.FileReleaser](), reflect.TypeFor[fs.FileGetattrer](),
	reflect.TypeFor[fs.FileSetattrer](), reflect.TypeFor[fs.FileAllocater](), reflect.TypeFor[fs.FileLseeker](),
	reflect.TypeFor[fs.FileReaddirenter](), reflect.TypeFor[fs.FileLookuper](), reflect.TypeFor[fs.FileSeekdirer](),
	reflect.TypeFor[fs.FileFsyncdirer](),
}

// TestEveryHandlerIsKnownToWaitOrNot by the tables of this file.
func TestEveryHandlerIsKnownToWaitOrNot(t *testing.T) {
	known := make(map[string]bool)
	for _, w := range waits {
		for method := range strings.FieldsSeq(w.methods) {
			known[method] = true
		}
	}
	for method := range instant {
		if known[method] {
			t.Errorf("%s both waits and does not", method)
		}
		known[method] = true
	}
	for _, node := range []any{
		(*dirNode)(nil), (*fileNode)(nil), (*linkNode)(nil), (*draftHandle)(nil), (*pin)(nil), (*listing)(nil), (*stream)(nil),
	} {
		kind := reflect.TypeOf(node)
		for _, handler := range handlers {
			if !kind.Implements(handler) {
				continue
			}
			for i := range handler.NumMethod() {
				name := handler.Method(i).Name
				method := kind.Elem().Name() + "." + name
				shared := "xattrs." + name
				if name != "EmbeddedInode" && !strings.Contains(name, "embed") && !known[method] && !known[shared] {
					t.Errorf("whether %s waits for a back end is not said", method)
				}
			}
		}
	}
}

// waiter is a program that waits.
type waiter struct {
	*shell
	pid string
}

// waitingRig makes a mount with a folder for each wait, and a program in each.
func waitingRig(t *testing.T, deadline time.Duration) (*rig, *frozen, []waiter) {
	t.Helper()
	root := t.TempDir()
	_, dir := openService(t, root)
	f := &frozen{Directory: dir, waiting: make(chan struct{}, len(waits))}
	svc, err := service.New(service.Config{Directory: f, Bulk: frozenBulk{bulkOf(t, root), f}, Firewall: acl.Open()})
	if err != nil {
		t.Fatal(err)
	}
	r := mountRig(t, svc, func(c *Config) {
		c.Deadline, c.EntryTimeout, c.AttrTimeout, c.NegativeTimeout = deadline, time.Hour, time.Nanosecond, time.Nanosecond
		c.NoPassthrough = true
	})
	var programs []waiter
	for i, w := range waits {
		p := r.python()
		p.must(fmt.Sprintf(`os.mkdir("%d"); os.chdir("%d"); os.mkdir("d"); os.symlink("f", "l")`, i, i))
		p.must(`with open("f", "w") as file: n = file.write("x" * 9000)`)
		p.must(`os.setxattr("f", "user.hatrac.content-type", b"text/plain"); os.lstat("f"); os.lstat("l"); os.lstat("d"); os.stat(".versions")`)
		p.must(w.before)
		programs = append(programs, waiter{p, p.must(`print(os.getpid(), end="")`)})
	}
	return r, f, programs
}

func TestEveryCallEndsAtTheDeadlineWhenABackEndIsFrozen(t *testing.T) {
	r, f, programs := waitingRig(t, 10*time.Second)
	f.freeze(true)
	answers := make([]string, len(waits))
	done := make(chan int)
	for i, w := range waits {
		go func() {
			defer func() { done <- i }()
			answers[i], _ = programs[i].run(w.line)
		}()
	}
	for range waits {
		<-done
	}
	f.freeze(false)
	for i, w := range waits {
		if answers[i] != "EIO" {
			t.Errorf("%s: %q, want EIO", w.line, answers[i])
		}
	}
	r.expect("echo again > new; cat new", "again\n")
}

// TestEveryCallEndsWithItsProgramWhenABackEndIsFrozen kills programs that wait for an hour.
func TestEveryCallEndsWithItsProgramWhenABackEndIsFrozen(t *testing.T) {
	r, f, programs := waitingRig(t, time.Hour)
	f.freeze(true)
	kill := []string{"-KILL"}
	for i, w := range waits {
		if _, err := io.WriteString(programs[i].in, w.line+"\n"); err != nil {
			t.Fatal(err)
		}
		kill = append(kill, programs[i].pid)
	}
	for range waits {
		<-f.waiting
	}
	if out, err := exec.CommandContext(t.Context(), "kill", kill...).CombinedOutput(); err != nil {
		t.Errorf("kill: %v, %s", err, out)
	}
	for _, p := range programs {
		_, _ = io.Copy(io.Discard, p.from) // an hour, if nobody looks
	}
	f.freeze(false)
	r.expect("echo again > new; cat new", "again\n")
}
