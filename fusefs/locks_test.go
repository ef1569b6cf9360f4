package fusefs

import (
	"context"
	"runtime"
	"syscall"
	"testing"
)

// locking is a line of Python that names what locks need.
const locking = `import fcntl; SH, EX, UN, NB = fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_UN, fcntl.LOCK_NB`

// lockers starts two processes that can lock.
func (r *rig) lockers() (a, b *shell) {
	r.Helper()
	a, b = r.python(), r.python()
	a.must(locking)
	b.must(locking)
	return a, b
}

func TestFlockExcludesOtherProcesses(t *testing.T) {
	r := newRig(t)
	r.put("/f", "text")
	a, b := r.lockers()
	a.must(`f = open("f"); fcntl.flock(f, EX)`)
	b.must(`f = open("f")`)
	b.fails(`fcntl.flock(f, SH | NB)`, "EAGAIN")
	a.must(`fcntl.flock(f, SH)`)
	b.must(`fcntl.flock(f, SH | NB)`)
	b.fails(`fcntl.flock(f, EX | NB)`, "EAGAIN")
	a.must(`f.close()`)
	b.must(`fcntl.flock(f, EX | NB)`)
}

func TestLocksAreOfTheObjectAndNotOfItsInodes(t *testing.T) {
	r := newRig(t)
	r.put("/f", "text")
	a, b := r.lockers()
	a.must(`f = open("f"); fcntl.flock(f, EX)`) // a reader, so that a writer gets another inode
	b.must(`f = open("f", "r+"); assert os.fstat(f.fileno()).st_ino`)
	if a.must(`print(os.fstat(f.fileno()).st_ino, end="")`) == b.must(`print(os.fstat(f.fileno()).st_ino, end="")`) {
		t.Fatal("both have the same inode")
	}
	b.fails(`fcntl.flock(f, EX | NB)`, "EAGAIN")
	a.must(`f.close()`)
	b.must(`fcntl.flock(f, EX | NB)`)
}

func TestRecordLocksAreOfRangesAndProcesses(t *testing.T) {
	r := newRig(t)
	r.sh("echo 0123456789 > f")
	a, b := r.lockers()
	a.must(`f = open("f", "r+"); fcntl.lockf(f, EX, 4, 2)`)
	b.must(`f = open("f", "r+"); fcntl.lockf(f, EX | NB, 2, 0); fcntl.lockf(f, EX | NB, 0, 6)`)
	b.fails(`fcntl.lockf(f, SH | NB, 1, 5)`, "EAGAIN")
	b.must(`fcntl.flock(f, EX | NB)`) // knows nothing of record locks
	b.must(`import struct; l = struct.unpack("hhqqi", fcntl.fcntl(f, fcntl.F_GETLK, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 3, 2, 0)))`)
	if got := b.must(`print(l[0] == fcntl.F_WRLCK, l[2], l[3], end="")`); got != "True 2 4" {
		t.Errorf("the lock in the way is %q", got)
	}
	a.must(`fcntl.lockf(f, UN, 2, 3)`) // in the middle
	b.must(`fcntl.lockf(f, EX | NB, 2, 3)`)
	b.fails(`fcntl.lockf(f, EX | NB, 1, 2)`, "EAGAIN")
	b.fails(`fcntl.lockf(f, EX | NB, 1, 5)`, "EAGAIN")
	a.must(`g = open("f"); g.close()`) // closing any descriptor of the file
	a.must(`h = open("f", "r+"); h.close()`)
	b.must(`fcntl.lockf(f, EX | NB, 0, 0)`)
}

func TestWhoWaitsForALockGetsItOrIsInterrupted(t *testing.T) {
	r := newRig(t)
	r.sh("echo text > f")
	a, b := r.lockers()
	a.must(`f = open("f", "r+"); fcntl.lockf(f, EX)`)
	b.must(`import signal; f = open("f", "r+"); signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(OSError(4, "interrupted")))`)
	b.must(`t = signal.setitimer(signal.ITIMER_REAL, 0.1)`)
	b.fails(`fcntl.lockf(f, EX)`, "EINTR")
	got := make(chan string)
	go func() {
		text, _ := b.run(`fcntl.lockf(f, EX); print("got it", end="")`)
		got <- text
	}()
	r.awaitWaiting(1)
	a.must(`f.close()`)
	if text := <-got; text != "got it" {
		t.Errorf("it says %q", text)
	}
}

// awaitWaiting waits until that many wait for locks.
func (r *rig) awaitWaiting(n int) {
	for waiting := -1; waiting != n; {
		r.m.locks.mu.Lock()
		waiting = len(r.m.locks.waits)
		r.m.locks.mu.Unlock()
		runtime.Gosched()
	}
}

func TestLocksEndWithTheirProcess(t *testing.T) {
	r := newRig(t)
	r.sh("touch f; flock f true; flock -n f true; flock -n f true; flock f flock -n -E 7 f true || test $? = 7")
	r.sh(`python3 -c 'import fcntl, os; f = open("f", "r+"); fcntl.lockf(f, fcntl.LOCK_EX); os._exit(0)'
		python3 -c 'import fcntl; f = open("f", "r+"); fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)'`)
	if !r.m.locks.noneHeld() {
		t.Error("locks are left")
	}
}

// noneHeld reports whether nobody holds a lock, when all handles were released.
func (t *locks) noneHeld() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.byKey {
		if len(s.held) > 0 {
			return false
		}
	}
	return true
}

func TestLocksFollowARename(t *testing.T) {
	r := newRig(t)
	r.sh("echo one > f; echo two > g")
	a, b := r.lockers()
	a.must(`f = open("f"); fcntl.flock(f, EX)`)
	r.sh("mv f h; echo new > f")
	b.must(`f = open("f"); fcntl.flock(f, EX | NB); h = open("h")`)
	b.fails(`fcntl.flock(h, EX | NB)`, "EAGAIN")
	r.sh("rm h; echo other > h")
	b.must(`h = open("h"); fcntl.flock(h, EX | NB)`)
}

func TestProcessesShareASQLiteDatabase(t *testing.T) {
	r := newRig(t)
	r.sh(`sqlite3 db 'CREATE TABLE t (n); '`)
	r.sh(`add() { for i in $(seq 20); do sqlite3 -cmd '.timeout 60000' db "INSERT INTO t VALUES ($i)" || return 1; done; }
		add & first=$!; add & wait $! && wait $first`)
	r.expect(`sqlite3 db 'SELECT count(*) FROM t; PRAGMA integrity_check'`, "40\nok\n")
	a, b := r.python(), r.python()
	for _, p := range []*shell{a, b} {
		p.must(`import sqlite3; db = sqlite3.connect("db", isolation_level=None, timeout=0)`)
	}
	a.must(`c = db.execute("BEGIN EXCLUSIVE")`)
	if got := b.must(`exec("try:\n db.execute('SELECT * FROM t')\n print('read', end='')\nexcept sqlite3.OperationalError as e:\n print(e, end='')")`); got != "database is locked" {
		t.Errorf("beside a transaction the answer is %q", got)
	}
	a.must(`c = db.execute("COMMIT")`)
	b.must(`c = db.execute("SELECT * FROM t").fetchall()`)
}

func TestALockThatWouldWaitForItselfIsRefused(t *testing.T) {
	var table locks
	one := func(t *locks) *lockSet { return t.at("one") }
	two := func(t *locks) *lockSet { return t.at("two") }
	a := lock{holder: holder{owner: 1}, exclusive: true, handle: "a"}
	b := lock{holder: holder{owner: 2}, exclusive: true, handle: "b"}
	for _, step := range []syscall.Errno{
		table.set(t.Context(), one, a, false, false),
		table.set(t.Context(), two, b, false, false),
	} {
		if step != 0 {
			t.Fatal(step)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan syscall.Errno)
	go func() { first <- table.set(ctx, two, a, false, true) }()
	for waits := false; !waits; {
		table.mu.Lock()
		waits = len(table.waits) == 1
		table.mu.Unlock()
	}
	if errno := table.set(t.Context(), one, b, false, true); errno != syscall.EDEADLK {
		t.Errorf("the second one is told %v", errno)
	}
	cancel()
	if errno := <-first; errno != syscall.EINTR {
		t.Errorf("the first one is told %v", errno)
	}
	table.drop("a")
	table.drop("b")
	if len(table.byKey) != 0 || len(table.byHandle) != 0 || len(table.waits) != 0 {
		t.Errorf("left: %v, %v, %v", table.byKey, table.byHandle, table.waits)
	}
}
