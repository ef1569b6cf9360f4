// Package acl holds the vocabulary of access control and decides, from data alone, who may
// do what. It reads nothing and keeps nothing: the service gathers the lists that matter
// and asks Allowed.
package acl

import "slices"

// Everybody is the list entry that matches every client, the anonymous one too.
const Everybody = "*"

// Kind is the kind of a resource that has access control lists.
type Kind uint8

// The kinds of resources. Their numbers are stored, so they never change.
const (
	Namespace Kind = 1
	Object    Kind = 2
	Version   Kind = 3
	Job       Kind = 4
)

// String returns the English word for the kind.
func (k Kind) String() string {
	switch k {
	case Namespace:
		return "namespace"
	case Object:
		return "object"
	case Version:
		return "version"
	case Job:
		return "upload job"
	}
	return "resource"
}

// Name is the name of one access control list of a resource.
type Name string

// The names of lists. The subtree lists of a namespace grant on what lies beneath it, not
// on the namespace itself; SubtreeCreate alone also grants creating directly in it.
const (
	Owner         Name = "owner"
	Create        Name = "create"
	Update        Name = "update"
	Read          Name = "read"
	SubtreeOwner  Name = "subtree-owner"
	SubtreeCreate Name = "subtree-create"
	SubtreeUpdate Name = "subtree-update"
	SubtreeRead   Name = "subtree-read"
)

var namesOf = map[Kind][]Name{
	Namespace: {Owner, Create, Read, SubtreeOwner, SubtreeCreate, SubtreeUpdate, SubtreeRead},
	Object:    {Owner, Update, Read, SubtreeOwner, SubtreeRead},
	Version:   {Owner, Read},
	Job:       {Owner},
}

// Names returns the names of the lists that a resource of kind k has, in a fixed order.
// The slice is the caller's.
func (k Kind) Names() []Name { return slices.Clone(namesOf[k]) }

// Has reports whether resources of kind k have a list of that name.
func (k Kind) Has(name Name) bool { return slices.Contains(namesOf[k], name) }

// List is one access control list: role names, and Everybody. Order carries no meaning;
// empty entries match nobody.
type List []string

// Lists are the access control lists of one resource. A missing list is an empty one.
type Lists map[Name]List

// Clone returns a copy that shares nothing with l.
func (l Lists) Clone() Lists {
	c := make(Lists, len(l))
	for name, list := range l {
		c[name] = slices.Clone(list)
	}
	return c
}

// Client is who asks: an identity with its roles. The zero Client is the anonymous one.
type Client struct {
	// ID is the identity that becomes the owner of what the client creates.
	// It is empty for the anonymous client.
	ID string
	// DisplayName is for people; it decides nothing.
	DisplayName string
	// Roles are the groups and other attributes that the client has been granted.
	Roles []string
}

// Anonymous reports whether the client has no identity.
func (c Client) Anonymous() bool { return c.ID == "" }

// In reports whether list names the client: by its identity, by one of its roles or by
// Everybody.
func (c Client) In(list List) bool {
	for _, entry := range list {
		switch {
		case entry == "":
		case entry == Everybody, entry == c.ID, slices.Contains(c.Roles, entry):
			return true
		}
	}
	return false
}
