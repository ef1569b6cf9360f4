package fusefs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/disk"
	"github.com/hatrac/hatrac/store/disk/disktest"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/sqlite"
)

// stepDirectory makes each transaction a step, and the answer to it another one.
type stepDirectory struct {
	store.Directory
	in *disktest.Injector
}

func (d stepDirectory) Update(ctx context.Context, fn func(store.Tx) error) error {
	return d.step("transaction", func() error { return d.Directory.Update(ctx, fn) })
}

func (d stepDirectory) UpdateSoon(ctx context.Context, fn func(store.Tx) error) error {
	return d.step("transaction", func() error { return d.Directory.UpdateSoon(ctx, fn) })
}

func (d stepDirectory) Sync(ctx context.Context) error {
	return d.step("sync of transactions", func() error { return d.Directory.Sync(ctx) })
}

func (d stepDirectory) step(op string, call func() error) error {
	var verdict error // of the call itself, which is an error as it is
	err := d.in.Around(disk.Step{Op: op}, func() error { verdict = call(); return nil })
	if err == nil && verdict == nil {
		err = d.in.Around(disk.Step{Op: "answer to " + op}, func() error { return nil })
	}
	if err != nil {
		return store.Wrap(store.Unavailable, op, err)
	}
	return verdict
}

// act is one call of a program, and what it changes.
type act struct {
	line    string            // of Python
	names   map[string]string // contents that names have from then on, where they changed
	gone    string            // a name that is gone from then on
	written string            // what a content begins with that is not lost from then on
	open    string            // a name that is gone if the process dies from then on
}

// Contents that are told from each other, too large for the directory, and one that is not.
var (
	first, second = strings.Repeat("first ", 1000), strings.Repeat("second ", 1000)
	little        = "little"
)

func shows(name, content string) map[string]string { return map[string]string{name: content} }

func lineOpen(fd, name, flags string) string {
	return fmt.Sprintf("%s = os.open(%q, %s, 0o644)", fd, name, flags)
}

// lineWrite goes on where a write was cut short, as programs do.
func lineWrite(fd, content string) string { return fmt.Sprintf("write(%s, b%q)", fd, content) }

const (
	anew = "os.O_WRONLY | os.O_CREAT | os.O_TRUNC"
	more = "os.O_WRONLY | os.O_APPEND"
	shut = "os.close(a)"
)

// stories are what programs do, each beginning with a file old.
var stories = map[string][]act{
	"a new file": {
		{line: lineOpen("a", "new", anew)},
		{line: lineWrite("a", first), written: first},
		{line: shut, names: shows("new", first)},
	},
	"a small file": {
		{line: lineOpen("a", "old", anew)},
		{line: lineWrite("a", little), written: little},
		{line: shut, names: shows("old", little)},
		{line: lineOpen("a", "new", anew)},
		{line: lineWrite("a", little), written: little},
		{line: shut, names: shows("new", little)},
	},
	"an append that is synced": {
		{line: lineOpen("a", "old", more)},
		{line: lineWrite("a", first), written: "old" + first},
		{line: "os.fsync(a)", written: "old" + first},
		{line: lineWrite("a", second), written: "old" + first + second},
		{line: shut, names: shows("old", "old"+first+second)},
		{line: lineOpen("a", "old", "os.O_RDONLY")},
		{line: "os.fsync(a)", written: "old" + first + second},
		{line: shut},
	},
	"versions of one open file": {
		{line: lineOpen("a", "old", anew)},
		{line: lineWrite("a", first), written: first},
		{line: "os.close(os.dup(a))", names: shows("old", first)},
		{line: lineWrite("a", second), written: first + second},
		{line: shut, names: shows("old", first+second)},
	},
	"truncation": {
		{line: lineOpen("a", "old", anew)},
		{line: shut, names: shows("old", "")},
		{line: lineOpen("a", "new", anew)},
		{line: "os.ftruncate(a, 5000)", written: strings.Repeat("\x00", 5000)},
		{line: shut, names: shows("new", strings.Repeat("\x00", 5000))},
		{line: `os.truncate("new", 3)`, names: shows("new", "\x00\x00\x00")},
	},
	"an empty file": {
		{line: lineOpen("a", "new", anew)},
		{line: "os.utime(a, ns=(7, 7))"},
		{line: shut, names: shows("new", "")},
	},
	"a temporary file that is renamed": {
		{line: lineOpen("a", ".old.AbCdEf", anew)},
		{line: lineWrite("a", first), written: first},
		{line: shut, names: shows(".old.AbCdEf", first)},
		{line: `os.chmod(".old.AbCdEf", 0o600)`},
		{line: `os.rename(".old.AbCdEf", "old")`, names: shows("old", first), gone: ".old.AbCdEf"},
	},
	"a temporary file that is left": {
		{line: lineOpen("a", "old.part", anew)},
		{line: lineWrite("a", first), written: first},
		{line: shut, names: shows("old.part", first)},
		{line: lineOpen("a", "old.part", more), written: first},
		{line: lineWrite("a", second), written: first + second, open: "old.part"},
		{line: shut, names: shows("old.part", first+second)},
	},
	"a temporary file that is removed": {
		{line: lineOpen("a", "old~", anew)},
		{line: lineWrite("a", first), written: first},
		{line: shut, names: shows("old~", first)},
		{line: `os.unlink("old~")`, gone: "old~"},
		{line: lineOpen("a", "old~", anew)},
		{line: shut, names: shows("old~", "")},
		{line: `os.unlink("old~")`, gone: "old~"},
	},
	"open files that are renamed": {
		{line: lineOpen("a", "new", anew)},
		{line: lineWrite("a", first), written: first},
		{line: `os.rename("new", "newer")`, written: first},
		{line: lineWrite("a", second), written: first + second},
		{line: shut, names: shows("newer", first+second)},
		{line: lineOpen("a", "old", more)},
		{line: lineWrite("a", first), written: "old" + first},
		{line: `os.rename("old", "older")`, names: shows("older", "old"), gone: "old", written: "old" + first},
		{line: shut, names: shows("older", "old"+first)},
	},
	"an open file that is removed": {
		{line: lineOpen("a", "old", more)},
		{line: lineWrite("a", first), written: "old" + first},
		{line: `os.unlink("old")`, gone: "old"},
		{line: lineWrite("a", second)},
		{line: shut},
	},
}

// theatre plays stories in a mount whose steps may go wrong.
type theatre struct {
	*testing.T
	template string // a store with a file old
	program  *shell
}

func newTheatre(t *testing.T) *theatre {
	root := t.TempDir()
	dir, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(root, "db"), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	if err = service.Init(t.Context(), dir, []string{alice.ID}); err != nil {
		t.Fatal(err)
	}
	svc, err := service.New(service.Config{Directory: dir, Bulk: bulkOf(t, root), Firewall: acl.Open()})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, svc: svc, dir: t.TempDir()}
	r.put("/old", "old")
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	program := r.python()
	program.must(`exec("def write(fd, data):\n while data: data = data[os.write(fd, data):]")`)
	return &theatre{T: t, template: root, program: program}
}

// scene is one story in one mount.
type scene struct {
	*theatre
	what string // for messages
	root string
	in   *disktest.Injector
	acts []act

	done    int      // acts that were acknowledged
	failure string   // errno of the one after them, if it failed
	r       *rig     // the mount
	end     []func() // of the store
}

func (t *theatre) play(name string, acts []act, n int, how disktest.Fault) (fired bool) {
	s := &scene{theatre: t, what: fmt.Sprintf("%s, step %d %s", name, n, how), root: t.TempDir(), in: &disktest.Injector{}, acts: acts}
	if err := errors.Join(os.CopyFS(s.root, os.DirFS(t.template)), os.Mkdir(filepath.Join(s.root, "mnt"), 0o700)); err != nil {
		t.Fatal(err)
	}
	s.open(s.in)
	s.in.Arm(n, how)
	s.perform()
	if how == disktest.Crashes {
		s.close()
		fired = s.in.Fired()
		s.what += fmt.Sprintf(" at %v after %d acts", s.in.Hit(), s.done)
		s.open(&disktest.Injector{})
		s.check(s.visible())
	} else {
		s.quiet()
		fired = s.in.Fired()
		s.what += fmt.Sprintf(" at %v after %d acts %s", s.in.Hit(), s.done, s.failure)
		s.in.Arm(0, how)
		before := s.visible()
		s.check(before)
		s.close()
		s.open(s.in)
		if diff := cmp.Diff(before, s.visible()); diff != "" {
			t.Errorf("%s: after the next start\n%s", s.what, diff)
		}
	}
	s.checkSpool()
	s.goesOn()
	s.close()
	return fired
}

// open opens the store and mounts it.
func (s *scene) open(in *disktest.Injector) {
	dir, err := sqlite.Open(s.Context(), sqlite.Config{Path: filepath.Join(s.root, "db")})
	if err != nil {
		s.Fatal(err)
	}
	bulk, err := filesystem.Open(s.Context(), filesystem.Config{Root: filepath.Join(s.root, "content"), Disk: in.Disk()})
	if err != nil {
		s.Fatal(err)
	}
	svc, err := service.New(service.Config{
		Directory: stepDirectory{dir, in}, Bulk: bulk, Firewall: acl.Open(), SyncInterval: time.Hour, Log: zerolog.Nop(),
	})
	if err == nil {
		err = svc.Recover(s.Context())
	}
	if err != nil {
		s.Fatal(err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(s.Context()))
	ran := make(chan struct{})
	go func() {
		defer func() { ran <- struct{}{} }()
		_ = svc.Run(running)
	}()
	s.end = []func(){func() { stop(); <-ran; _ = bulk.Close(); _ = dir.Close() }}
	s.r = &rig{T: s.T, svc: svc, dir: filepath.Join(s.root, "mnt")}
	s.r.m, err = New(s.Context(), Config{
		Dir: s.r.dir, Service: svc, Client: alice, UnmountGrace: time.Minute, Logger: zerolog.Nop(), disk: in.Disk(),
	})
	if err != nil {
		s.Fatalf("%s: %v", s.what, err)
	}
}

// perform lets the program do what it does, until something fails.
func (s *scene) perform() {
	s.program.must(fmt.Sprintf("os.chdir(%q)", s.r.dir))
	for _, act := range s.acts {
		answer, ok := s.program.run(act.line)
		if !ok || s.in.Crashed() {
			s.failure = answer
			break
		}
		s.done++
	}
	s.program.run(`os.chdir("/"); os.closerange(3, 100)`)
}

// quiet waits until nothing that failed is still under way.
func (s *scene) quiet() {
	busy := func(f *file) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.writers > 0 || f.draft != nil && f.draft.state() == committing
	}
	s.await("a draft does not end", func() bool { return !slices.ContainsFunc(s.r.m.overlay.all(), busy) })
}

// await waits for what happens in the background.
func (s *scene) await(otherwise string, done func() bool) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(time.Minute); !done(); <-look.C {
		if time.Now().After(deadline) {
			s.Errorf("%s: %s", s.what, otherwise)
			return
		}
	}
}

// close unmounts and closes the store.
func (s *scene) close() {
	if err := s.r.m.Unmount(context.WithoutCancel(s.Context())); err != nil {
		s.Errorf("%s: unmount: %v", s.what, err)
	}
	for _, end := range s.end {
		end()
	}
}

// visible returns the contents of all files in the mount.
func (s *scene) visible() map[string]string {
	answer := s.program.must(fmt.Sprintf(
		`print(*(f.name + "=" + open(f.path).read() for f in sorted(os.scandir(%q), key=lambda f: f.name)), sep="|", end="")`, s.r.dir))
	files := make(map[string]string)
	for line := range strings.SplitSeq(answer, "|") {
		if name, content, ok := strings.Cut(line, "="); ok {
			files[name] = content
		}
	}
	return files
}

// states returns what is there after each number of acts.
func (s *scene) states() []map[string]string {
	states := []map[string]string{{"old": "old"}}
	for _, act := range s.acts {
		next := maps.Clone(states[len(states)-1])
		maps.Copy(next, act.names)
		delete(next, act.gone)
		if s.in.Crashed() {
			delete(next, act.open)
		}
		states = append(states, next)
	}
	return states
}

// check looks at what is there after as many acts were acknowledged as were. The one after them may
// have had its effect.
func (s *scene) check(got map[string]string) {
	states := s.states()
	last := min(s.done+1, len(s.acts))
	if cmp.Diff(states[s.done], got) != "" && cmp.Diff(states[last], got) != "" && !s.closedOnly(got) {
		s.Errorf("%s %s\n%s", s.what, s.failure, cmp.Diff(states[s.done], got))
	}
	known := map[string]bool{"": true, "old": true}
	for i, state := range states {
		for _, content := range state {
			known[content] = true
		}
		if i > 0 {
			known[s.acts[i-1].written] = true
		}
	}
	var somewhere []string
	for _, name := range s.names() {
		versions := s.contents(name)
		for i, content := range versions {
			somewhere = append(somewhere, content)
			if !known[content] {
				s.Errorf("%s: a version of %s has %d bytes that nobody wrote", s.what, name, len(content))
			}
			if i > 0 && content == versions[i-1] {
				s.Errorf("%s: two versions of %s are the same", s.what, name)
			}
		}
	}
	if s.done == 0 || s.acts[s.done-1].written == "" {
		return
	}
	promised := func(content string) bool { return strings.HasPrefix(content, s.acts[s.done-1].written) }
	somewhere = slices.AppendSeq(somewhere, maps.Values(got))
	s.await("what was written is lost", func() bool { // a draft whose commit failed is kept after its release
		return slices.ContainsFunc(append(s.kept(), somewhere...), promised)
	})
}

// closedOnly reports whether what is there comes of an act that failed and the close that followed.
func (s *scene) closedOnly(got map[string]string) bool {
	if s.in.Crashed() {
		return false
	}
	states := s.states()
	want := maps.Clone(states[s.done])
	for name, content := range got {
		for i := s.done; i < len(states); i++ {
			later, ok := states[i][name]
			if ok && later == content || content == "" || i > 0 && content == s.acts[i-1].written {
				want[name] = content
			}
		}
	}
	return cmp.Diff(want, got) == ""
}

// names returns all names that a story has to do with.
func (s *scene) names() []string {
	names := make(map[string]bool)
	for _, state := range append(s.states(), s.visible()) {
		for name := range state {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// contents returns the contents of all versions of an object, oldest first.
func (s *scene) contents(name string) []string {
	var all []string
	path := store.Path("/" + store.EncodeSegment(name))
	for _, version := range s.r.versions(path) {
		all = append(all, s.r.content(store.Ref{Path: path, Version: version}))
	}
	return all
}

// kept returns the contents of all drafts that are kept. Each says what it was to become.
func (s *scene) kept() []string {
	recovery, err := OpenRecovery(s.Context(), s.r.svc.SpoolDir(), nobody, zerolog.Nop())
	if err != nil {
		s.Fatal(err)
	}
	drafts, err := recovery.List()
	if err != nil {
		s.Fatal(err)
	}
	var all []string
	for _, draft := range drafts {
		if draft.Path == "" || draft.Client != alice.ID || draft.Reason == "" {
			s.Errorf("%s: a draft is kept as %+v", s.what, draft)
		}
		f, err := recovery.Open(draft.ID)
		if err != nil {
			s.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			s.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// checkSpool looks for what nobody needs.
func (s *scene) checkSpool() {
	names, err := filepath.Glob(filepath.Join(s.r.svc.SpoolDir(), "*", "*"))
	if err != nil {
		s.Fatal(err)
	}
	for _, name := range names {
		switch {
		case filepath.Base(filepath.Dir(name)) == keptFolder || filepath.Base(name) == lockName:
		case filepath.Dir(name) != s.r.m.session.dir:
			s.Errorf("%s: %s is left", s.what, name)
		}
	}
}

// goesOn checks that whatever happened before is in nobody's way.
func (s *scene) goesOn() {
	for _, name := range s.names() {
		s.program.must(fmt.Sprintf(`with open(%q, "w") as f: f.write("again")`, filepath.Join(s.r.dir, name)))
	}
	for name, content := range s.visible() {
		if content != "again" {
			s.Errorf("%s: at last %s has %.20q", s.what, name, content)
		}
	}
}

// TestEveryStepOfACommitMayBeTheLast plays each story again and again, lets its first, second, … step
// fail or be the last one before the process dies, and looks at what the next mount finds.
func TestEveryStepOfACommitMayBeTheLast(t *testing.T) {
	for _, how := range []disktest.Fault{disktest.Crashes, disktest.Fails} {
		for _, name := range slices.Sorted(maps.Keys(stories)) {
			t.Run(string(how)+"/"+name, func(t *testing.T) {
				t.Parallel()
				theatre := newTheatre(t)
				n := 1
				for !t.Failed() && theatre.play(name, stories[name], n, how) {
					n++
				}
				if n < 6 {
					t.Errorf("only %d steps were seen", n-1)
				}
				t.Logf("%d steps", n-1)
			})
		}
	}
}
