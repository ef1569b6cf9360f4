package fusefs

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/store"
)

func TestANameLeadsToOneFile(t *testing.T) {
	var o overlay
	a, b := new(file), new(file)
	if other := o.claim("/d/f", a); other != nil {
		t.Error("a free name is taken")
	}
	if other := o.claim("/d/f", b); other != a || o.get("/d/f") != a {
		t.Error("a name was taken from its file")
	}
	o.drop("/d/f", b)
	if old := o.take("/d/f", b); old != a || o.get("/d/f") != b {
		t.Error("a name that is renamed over leads to the old file")
	}
	o.take("/d/g", a)
	o.take("/e", a)
	if diff := cmp.Diff([]store.Path{"/d/f", "/d/g"}, o.children("/d")); diff != "" {
		t.Error(diff)
	}
	o.drop("/d/f", b)
	o.drop("/d/g", a)
	if len(o.children("/d")) != 0 || len(o.all()) != 1 {
		t.Error("names that were dropped are left")
	}
}

func TestADraftDoesNotBeginWithWhatWasReplacedMeanwhile(t *testing.T) {
	var o overlay
	f := new(file)
	o.change("/f", 7)
	if _, ok := o.claimSince("/f", f, 6); ok || o.get("/f") != nil {
		t.Error("a name is claimed for outdated content")
	}
	for i := range maxChanged { // the change is still known when many others followed
		o.change(store.Path(fmt.Sprintf("/other%d", i)), uint64(8+i))
	}
	if _, ok := o.claimSince("/f", f, 6); ok {
		t.Error("a change was forgotten too early")
	}
	if other, ok := o.claimSince("/f", f, 7); other != nil || !ok || o.get("/f") != f {
		t.Error("a name is not claimed for what is current")
	}
	for i := range 3 * maxChanged {
		o.change(store.Path(fmt.Sprintf("/more%d", i)), uint64(i))
	}
	if n := len(o.changed) + len(o.older); n > 2*maxChanged {
		t.Errorf("%d changes are remembered", n)
	}
}
