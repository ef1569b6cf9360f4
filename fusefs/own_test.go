package fusefs

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hatrac/hatrac/service"
)

func TestOwnChangesAreKnownByPathActionAndVersion(t *testing.T) {
	var o ownChanges
	o.end(o.begin("/f", service.Created, service.Updated), "V1", nil)
	for _, c := range []struct {
		change service.Change
		want   bool
	}{
		{service.Change{Path: "/f", Action: service.Created}, true},
		{service.Change{Path: "/f", Action: service.Updated, Version: "V1"}, true},
		{service.Change{Path: "/f", Action: service.Updated, Version: "V2"}, false},
		{service.Change{Path: "/f", Action: service.Deleted}, false},
		{service.Change{Path: "/g", Action: service.Created}, false},
	} {
		if got := o.made(c.change); got != c.want {
			t.Errorf("%+v: %v", c.change, got)
		}
	}
}

func TestAFailedChangeAnnouncesNothing(t *testing.T) {
	var o ownChanges
	o.end(o.begin("/d", service.Created), "", errors.New("no"))
	if o.made(service.Change{Path: "/d", Action: service.Created}) {
		t.Error("a change of somebody else is taken for one that failed")
	}
}

func TestAnAnnouncementThatOvertakesTheAnswerIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o ownChanges
		d := o.begin("/d", service.Created)
		known := make(chan bool)
		go func() { known <- o.made(service.Change{Path: "/d", Action: service.Created}) }()
		synctest.Wait()
		o.end(d, "", nil)
		if !<-known {
			t.Error("an own change is taken for one of others")
		}
	})
}

func TestAChangeThatTakesLongDoesNotHoldUpOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o ownChanges
		d := o.begin("/f", service.Updated)
		if o.made(service.Change{Path: "/f", Action: service.Updated, Version: "V"}) {
			t.Error("a change of others is taken for an upload under way")
		}
		o.end(d, "W", nil)
	})
}

func TestOwnChangesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o ownChanges
		o.end(o.begin("/d", service.Created), "", nil)
		synctest.Wait()
		<-time.After(2 * ownMemory)
		if o.made(service.Change{Path: "/d", Action: service.Created}) || len(o.done) != 0 {
			t.Error("an old change is remembered")
		}
	})
}
