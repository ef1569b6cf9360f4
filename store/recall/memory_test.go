package recall

import (
	"strconv"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func path(parts ...int) store.Path {
	var p string
	for _, part := range parts {
		p += "/" + strconv.Itoa(part)
	}
	return store.Path(p)
}

func (m *memory) size() (answers, names int) {
	for _, f := range m.folders {
		names += len(f.may)
	}
	return len(m.young) + len(m.old), names
}

// asked returns a memory that somebody wants to use.
func asked() *memory {
	m := newMemory()
	m.get("/", time.Hour, false)
	return m
}

func TestTheMemoryIsBounded(t *testing.T) {
	m := asked()
	for i := range 3 * maxAnswers {
		r := m.begin(path(i))
		m.keep(r, &store.Resolution{Path: path(i)})
		m.end(r)
	}
	if n, _ := m.size(); n > 2*maxAnswers {
		t.Errorf("%d answers are kept", n)
	}
	for i := range 3 {
		c := m.beginChange()
		m.created(c, path(i), 1)
		for j := range maxNames {
			m.touch(c, path(i, j), itself, false)
		}
		m.endChange(c, true)
		if _, n := m.size(); n != m.names || n > maxNames {
			t.Fatalf("%d names are kept, %d are counted", n, m.names)
		}
	}
	for i := range 2 * maxFolders {
		c := m.beginChange()
		m.created(c, path(i), 1)
		m.endChange(c, true)
	}
	if len(m.folders) > maxFolders {
		t.Errorf("%d folders are kept", len(m.folders))
	}
}

func TestAFolderThatIsTooLargeIsNotWhole(t *testing.T) {
	m := asked()
	c := m.beginChange()
	m.created(c, "/d", 1)
	for j := range maxNames + 1 {
		m.touch(c, "/d"+path(j), itself, false)
	}
	m.endChange(c, true)
	if _, _, ok := m.get("/d/none", time.Hour, false); ok {
		t.Error("what is not known is told")
	}
}

func TestWhoAsksWhileAChangeIsUnderWayIsNotRemembered(t *testing.T) {
	for _, reach := range []reach{itself, rights, tree, all} {
		m := asked()
		c := m.beginChange()
		m.touch(c, "/d", reach, false)
		r := m.begin("/d")
		m.endChange(c, true)
		m.keep(r, &store.Resolution{Path: "/d", Name: &store.Name{Kind: acl.Namespace}})
		m.end(r)
		if _, _, ok := m.get("/d", time.Hour, true); ok {
			t.Errorf("an answer from within a change is kept, reach %d", reach)
		}
	}
}

func TestWhatIsOverLeavesNothing(t *testing.T) {
	for _, done := range []bool{true, false} {
		m := asked()
		c := m.beginChange()
		m.beginIn(c, "/d")
		m.created(c, "/d", 1)
		m.restart(c)
		m.beginIn(c, "/d")
		m.created(c, "/d", 1)
		m.endChange(c, done)
		if len(m.reads) > 0 || len(m.changes) > 0 || !done && len(m.folders) > 0 {
			t.Errorf("done %v: there are %d readings, %d changes, %d folders", done, len(m.reads), len(m.changes), len(m.folders))
		}
	}
}

func TestNothingIsKeptThatNobodyAsksFor(t *testing.T) {
	m := newMemory()
	c := m.beginChange()
	m.beginIn(c, "/d").found = &store.Resolution{Path: "/d"}
	m.created(c, "/d", 1)
	m.endChange(c, true)
	if n, _ := m.size(); n > 0 || len(m.folders) > 0 {
		t.Errorf("%d answers and %d folders are kept", n, len(m.folders))
	}
}
