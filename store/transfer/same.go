package transfer

import (
	"reflect"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// precision is that of the directory that keeps times least exactly.
const precision = time.Microsecond

// sameName reports whether two rows say the same.
func sameName(a, b store.Name) bool { return reflect.DeepEqual(plainName(a), plainName(b)) }

func plainName(n store.Name) store.Name {
	n.ACLs = plainLists(n.ACLs)
	n.Created, n.DeletedOn = cut(n.Created), cut(n.DeletedOn)
	if len(n.MovedTo) == 0 {
		n.MovedTo = nil
	}
	return n
}

// sameVersion reports whether two rows say the same but for where their content is.
func sameVersion(source, target store.Version) bool {
	if source.SHA256 == nil {
		source.SHA256 = target.SHA256 // it was computed for the copy
	}
	return reflect.DeepEqual(plainVersion(source), plainVersion(target))
}

func plainVersion(v store.Version) store.Version {
	v.ACLs = plainLists(v.ACLs)
	v.Created, v.DeletedOn = cut(v.Created), cut(v.DeletedOn)
	v.ForwardedOn = cut(v.ForwardedOn)
	v.Address, v.Inline, v.Unsynced = "", nil, ""
	return v
}

// plainLists leaves out what says nothing.
func plainLists(lists acl.Lists) acl.Lists {
	plain := make(acl.Lists, len(lists))
	for name, list := range lists {
		if len(list) > 0 {
			plain[name] = list
		}
	}
	return plain
}
