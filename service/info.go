package service

import (
	"slices"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Info is what one client can be told about a bound name and one of its versions.
type Info struct {
	// Ref is what was asked for: a name, or a version of it.
	Ref store.Ref
	// Name is the row of the name.
	Name store.Name
	// Version is the version that Ref means: the one with that id, or the current one. It
	// is nil for a namespace and for an object without a current version.
	Version *store.Version
	// Seen is a time when it was so; zero if that is not known.
	Seen time.Time

	client    acl.Client
	enclosing []acl.Lists
}

// Kind returns what the name is bound as: acl.Namespace or acl.Object.
func (i *Info) Kind() acl.Kind { return i.Name.Kind }

// IsNamespace reports whether the name is a namespace.
func (i *Info) IsNamespace() bool { return i.Name.Kind == acl.Namespace }

// Holds reports whether there is a version with content of its own: not a forwarding record
// and not an object without versions.
func (i *Info) Holds() bool { return i.Version != nil && i.Version.Forward == nil }

// May reports whether the client's roles allow the operation. Operations on versions are
// asked of the version, all others of the name. The firewall is not asked.
func (i *Info) May(op acl.Operation) bool {
	switch op {
	case acl.ReadContent, acl.ChangeVersion:
		return i.Version != nil && acl.Allowed(op, i.client, i.versionScope())
	default:
		return acl.Allowed(op, i.client, i.nameScope())
	}
}

// For returns the same for another client, whose rights it tells.
func (i *Info) For(c acl.Client) *Info {
	other := *i
	other.client = c
	return &other
}

// Would reports whether the client might do op to what maker is about to make there: the next
// version of the object, or in a namespace a new object. Operations on versions are asked of the
// version, all others of the object.
func (i *Info) Would(op acl.Operation, maker acl.Client) bool {
	object := i.nameScope()
	if i.IsNamespace() {
		object = acl.Scope{
			Kind: acl.Object, Own: owned(maker, nil), Enclosing: append(slices.Clone(i.enclosing), i.Name.ACLs),
		}
	}
	switch op {
	case acl.ReadContent, acl.ChangeVersion:
		return acl.Allowed(op, i.client, acl.Scope{
			Kind: acl.Version, Own: owned(maker, nil), Object: object.Own, Enclosing: object.Enclosing,
		})
	default:
		return acl.Allowed(op, i.client, object)
	}
}

// Lists returns the lists of the name, or with the kind acl.Version those of the version, if the
// client may manage them.
func (i *Info) Lists(kind acl.Kind) (*Lists, error) {
	scope, own := i.nameScope(), i.Name.ACLs
	if kind == acl.Version {
		scope, own = i.versionScope(), i.Version.ACLs
	}
	if !acl.Allowed(acl.ManageACL, i.client, scope) {
		return nil, refuse(i.client, i.Ref.String(), notOwned)
	}
	return listsOf(scope.Kind, own), nil
}

// refuseUnless answers a refusal unless the client may do op.
func (i *Info) refuseUnless(op acl.Operation, message string) error {
	if i.May(op) {
		return nil
	}
	return refuse(i.client, i.Ref.String(), message)
}

func (i *Info) nameScope() acl.Scope {
	return acl.Scope{Kind: i.Name.Kind, Own: i.Name.ACLs, Enclosing: i.enclosing}
}

func (i *Info) versionScope() acl.Scope {
	return acl.Scope{Kind: acl.Version, Own: i.Version.ACLs, Object: i.Name.ACLs, Enclosing: i.enclosing}
}

// Listing is one page of a namespace's children.
type Listing struct {
	// Namespace is the namespace itself.
	Namespace Info
	// Tag changes when the list of children changes.
	Tag string
	// Children are sorted by the bytes of their encoded last segments.
	Children []Info
	// More is true if children follow behind the last one.
	More bool
}

// VersionListing is one page of an object's versions.
type VersionListing struct {
	// Object is the object with its current version.
	Object Info
	// Tag changes when the list of versions changes.
	Tag string
	// Versions are the live versions, newest first.
	Versions []store.Version
	// More is true if older versions follow; the next page begins before the ID of the
	// last one.
	More bool
}

// Info describes the object with the version at index i.
func (l *VersionListing) Info(i int) Info {
	info := l.Object
	info.Version = &l.Versions[i]
	info.Ref.Version = info.Version.Version
	return info
}
