package acl

import "slices"

// Operation is something that a client may want to do with a resource.
type Operation uint8

// The operations that access control lists decide on.
const (
	// ListNamespace is to list a namespace's children.
	ListNamespace Operation = iota + 1
	// CreateChild is to create a name in a namespace.
	CreateChild
	// DeleteName is to delete a namespace or an object; the same is asked of every name
	// and version beneath it.
	DeleteName
	// ListVersions is to list the versions of an object.
	ListVersions
	// ReadContent is to read content or metadata of a version.
	ReadContent
	// AddVersion is to give an object a new version or to start an upload job on it.
	AddVersion
	// UseJob is to send chunks of an upload job, to look at it and to finalize it.
	UseJob
	// CancelJob is to cancel an upload job.
	CancelJob
	// ListJobs is to list the upload jobs of an object.
	ListJobs
	// ChangeVersion is to change a version's metadata, or to delete it.
	ChangeVersion
	// ManageACL is to read or to change access control lists.
	ManageACL
	// MoveAway is to rename an object's versions to another name.
	MoveAway
	// MoveOnto is to make an existing object the target of a rename.
	MoveOnto
)

// Scope is a resource with everything around it that may grant a right.
type Scope struct {
	// Kind is the kind of the resource.
	Kind Kind
	// Own are the lists of the resource itself.
	Own Lists
	// Object are the lists of the object that a version or a job belongs to.
	Object Lists
	// Enclosing are the lists of all namespaces above the name, in any order.
	Enclosing []Lists
}

// place says where a list that grants an operation stands.
type place uint8

const (
	own      place = iota // on the resource itself
	ancestor              // on any enclosing namespace
	object                // on the object that the version or job belongs to
)

type grant struct {
	at   place
	list Name
}

type rule struct {
	operation Operation
	kind      Kind
}

var ownedAbove = []grant{{own, Owner}, {ancestor, SubtreeOwner}}

// table is the whole of the rules: an operation on a resource of a kind is granted to whom
// any of the lists names. What is not in the table is granted to nobody.
var table = map[rule][]grant{
	{ListNamespace, Namespace}: {{own, Owner}, {own, Read}, {ancestor, SubtreeOwner}, {ancestor, SubtreeRead}},
	{CreateChild, Namespace}: {
		{own, Owner},
		{own, Create},
		{own, SubtreeCreate},
		{ancestor, SubtreeOwner},
		{ancestor, SubtreeCreate},
	},
	{DeleteName, Namespace}: ownedAbove,
	{DeleteName, Object}:    ownedAbove,
	{DeleteName, Version}:   {{own, Owner}, {object, SubtreeOwner}, {ancestor, SubtreeOwner}},
	{ListVersions, Object}:  {{own, Owner}, {own, Read}, {ancestor, SubtreeOwner}, {ancestor, SubtreeRead}},
	{ReadContent, Version}: {
		{own, Owner},
		{own, Read},
		{object, SubtreeOwner},
		{object, SubtreeRead},
		{ancestor, SubtreeOwner},
		{ancestor, SubtreeRead},
	},
	{AddVersion, Object}:     {{own, Owner}, {own, Update}, {ancestor, SubtreeOwner}, {ancestor, SubtreeUpdate}},
	{UseJob, Job}:            {{own, Owner}},
	{CancelJob, Job}:         ownedAbove,
	{ListJobs, Object}:       ownedAbove,
	{ChangeVersion, Version}: {{own, Owner}, {object, SubtreeOwner}, {ancestor, SubtreeOwner}},
	{ManageACL, Namespace}:   ownedAbove,
	{ManageACL, Object}:      ownedAbove,
	{ManageACL, Version}:     {{own, Owner}, {object, SubtreeOwner}, {ancestor, SubtreeOwner}},
	{MoveAway, Object}:       ownedAbove,
	{MoveOnto, Object}:       ownedAbove,
}

// Allowed reports whether client may do op with the resource that scope describes.
func Allowed(op Operation, client Client, scope Scope) bool {
	return slices.ContainsFunc(table[rule{op, scope.Kind}], func(g grant) bool {
		switch g.at {
		case own:
			return client.In(scope.Own[g.list])
		case object:
			return client.In(scope.Object[g.list])
		default:
			return slices.ContainsFunc(scope.Enclosing, func(l Lists) bool { return client.In(l[g.list]) })
		}
	})
}

// Owned reports whether somebody at all owns the resource, by itself or from above. A change
// of a list after which nobody would is refused, because nobody could undo it.
func Owned(scope Scope) bool {
	grants := table[rule{ManageACL, scope.Kind}]
	named := func(list List) bool {
		return slices.ContainsFunc(list, func(entry string) bool { return entry != "" })
	}
	return slices.ContainsFunc(grants, func(g grant) bool {
		switch g.at {
		case own:
			return named(scope.Own[g.list])
		case object:
			return named(scope.Object[g.list])
		default:
			return slices.ContainsFunc(scope.Enclosing, func(l Lists) bool { return named(l[g.list]) })
		}
	})
}
