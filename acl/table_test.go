package acl_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/acl"
)

// allNames are the names of all lists that any kind of resource has.
var allNames = []acl.Name{
	acl.Owner, acl.Create, acl.Update, acl.Read,
	acl.SubtreeOwner, acl.SubtreeCreate, acl.SubtreeUpdate, acl.SubtreeRead,
}

var allKinds = []acl.Kind{acl.Namespace, acl.Object, acl.Version, acl.Job}

// The places where a list can stand relative to the resource that is asked about.
const (
	onResource = "own"    // on the resource itself
	onObject   = "object" // on the object of the version or job
	onTop      = "top"    // on the farthest enclosing namespace
	onParent   = "parent" // on the nearest enclosing namespace
)

var allPlaces = []string{onResource, onObject, onTop, onParent}

// question is an operation on a resource of one kind.
type question struct {
	operation acl.Operation
	kind      acl.Kind
}

// granting is the table of spec/rest-api.md §3, cell by cell: "own X" is list X of the
// resource, "object X" that of the version's object, "ancestor X" is subtree-X of any
// enclosing namespace. A question that is missing is granted to nobody.
var granting = map[question]string{
	{acl.ListNamespace, acl.Namespace}: "own owner, own read, ancestor owner, ancestor read",
	{acl.CreateChild, acl.Namespace}:   "own owner, own create, own subtree-create, ancestor owner, ancestor create",
	{acl.DeleteName, acl.Namespace}:    "own owner, ancestor owner",
	{acl.DeleteName, acl.Object}:       "own owner, ancestor owner",
	{acl.DeleteName, acl.Version}:      "own owner, object subtree-owner, ancestor owner",
	{acl.ListVersions, acl.Object}:     "own owner, own read, ancestor owner, ancestor read",
	{acl.ReadContent, acl.Version}:     "own owner, own read, object subtree-owner, object subtree-read, ancestor owner, ancestor read",
	{acl.AddVersion, acl.Object}:       "own owner, own update, ancestor owner, ancestor update",
	{acl.UseJob, acl.Job}:              "own owner",
	{acl.CancelJob, acl.Job}:           "own owner, ancestor owner",
	{acl.ListJobs, acl.Object}:         "own owner, ancestor owner",
	{acl.ChangeVersion, acl.Version}:   "own owner, object subtree-owner, ancestor owner",
	{acl.ManageACL, acl.Namespace}:     "own owner, ancestor owner",
	{acl.ManageACL, acl.Object}:        "own owner, ancestor owner",
	{acl.ManageACL, acl.Version}:       "own owner, object subtree-owner, ancestor owner",
	{acl.MoveAway, acl.Object}:         "own owner, ancestor owner",
	{acl.MoveOnto, acl.Object}:         "own owner, ancestor owner",
}

// grants reports whether the page says that a list of that name at that place grants q.
func (q question) grants(place string, name acl.Name) bool {
	cells := strings.Split(granting[q], ", ")
	if place == onTop || place == onParent {
		bare, subtree := strings.CutPrefix(string(name), "subtree-")
		return subtree && slices.Contains(cells, "ancestor "+bare)
	}
	return slices.Contains(cells, place+" "+string(name))
}

// scopeWith returns a resource around which nothing but one list is filled.
func scopeWith(kind acl.Kind, place string, name acl.Name, list acl.List) acl.Scope {
	lists := acl.Lists{name: list}
	scope := acl.Scope{Kind: kind, Enclosing: []acl.Lists{{}, nil, {}}}
	switch place {
	case onResource:
		scope.Own = lists
	case onObject:
		scope.Object = lists
	case onTop:
		scope.Enclosing[0] = lists
	case onParent:
		scope.Enclosing[2] = lists
	}
	return scope
}

// everyCell calls check for each operation on each kind with each list at each place.
func everyCell(t *testing.T, check func(t *testing.T, q question, place string, name acl.Name)) {
	t.Helper()
	for op := acl.ListNamespace; op <= acl.MoveOnto; op++ {
		for _, kind := range allKinds {
			for _, place := range allPlaces {
				for _, name := range allNames {
					t.Run(fmt.Sprintf("operation %d on %v, %s %s", op, kind, place, name), func(t *testing.T) {
						check(t, question{op, kind}, place, name)
					})
				}
			}
		}
	}
}

func TestListGrantsWhatTheTableSaysAndNothingElse(t *testing.T) {
	known := acl.Client{ID: "ann", Roles: []string{"staff", "readers"}}
	everyCell(t, func(t *testing.T, q question, place string, name acl.Name) {
		want := q.grants(place, name)
		for _, entry := range []string{"ann", "staff", "readers", acl.Everybody} {
			scope := scopeWith(q.kind, place, name, acl.List{"bob", entry})
			if got := acl.Allowed(q.operation, known, scope); got != want {
				t.Errorf("a list with %q: Allowed = %v, want %v", entry, got, want)
			}
		}
	})
}

func TestListThatDoesNotNameTheClientGrantsNothing(t *testing.T) {
	clients := map[string]acl.Client{
		"anonymous":          {},
		"known":              {ID: "ann", Roles: []string{"staff"}},
		"with an empty role": {ID: "ann", Roles: []string{""}},
	}
	foreign := acl.List{"", "bob", "an", "anne", "Ann", "STAFF", " ann", "**"}
	everyCell(t, func(t *testing.T, q question, place string, name acl.Name) {
		for who, client := range clients {
			if acl.Allowed(q.operation, client, scopeWith(q.kind, place, name, foreign)) {
				t.Errorf("%s client is allowed by a list that names others only", who)
			}
		}
	})
}

func TestAnonymousIsGrantedByEverybodyOnly(t *testing.T) {
	everyCell(t, func(t *testing.T, q question, place string, name acl.Name) {
		want := q.grants(place, name)
		scope := scopeWith(q.kind, place, name, acl.List{acl.Everybody})
		if got := acl.Allowed(q.operation, acl.Client{}, scope); got != want {
			t.Errorf("Allowed = %v, want %v", got, want)
		}
	})
}

func TestNothingIsGrantedWithoutLists(t *testing.T) {
	client := acl.Client{ID: "ann", Roles: []string{"staff", acl.Everybody}}
	for op := acl.Operation(0); op <= acl.MoveOnto+1; op++ {
		for kind := acl.Kind(0); kind <= acl.Job+1; kind++ {
			for _, scope := range []acl.Scope{
				{Kind: kind},
				{Kind: kind, Own: acl.Lists{}, Object: acl.Lists{acl.Owner: nil}, Enclosing: []acl.Lists{nil, {acl.SubtreeOwner: {}}}},
			} {
				if acl.Allowed(op, client, scope) {
					t.Errorf("operation %d on %v is allowed without a list", op, kind)
				}
			}
		}
	}
}

func TestUnknownOperationsAndKindsAreGrantedToNobody(t *testing.T) {
	all := acl.Lists{}
	for _, name := range allNames {
		all[name] = acl.List{acl.Everybody}
	}
	everywhere := acl.Scope{Own: all, Object: all, Enclosing: []acl.Lists{all, all}}
	for op := acl.Operation(0); op <= acl.MoveOnto+1; op++ {
		for kind := acl.Kind(0); kind <= acl.Job+1; kind++ {
			everywhere.Kind = kind
			want := granting[question{op, kind}] != ""
			if got := acl.Allowed(op, acl.Client{ID: "ann"}, everywhere); got != want {
				t.Errorf("operation %d on %v with all lists open: Allowed = %v, want %v", op, kind, got, want)
			}
		}
	}
}

// A resource is owned through the lists that let somebody manage its lists.
func TestOwnedThroughExactlyTheListsThatGrantManaging(t *testing.T) {
	for _, kind := range allKinds[:3] {
		q := question{acl.ManageACL, kind}
		for _, place := range allPlaces {
			for _, name := range allNames {
				for _, list := range []acl.List{{"ann"}, {acl.Everybody}, {"", "ann"}} {
					want := q.grants(place, name)
					if got := acl.Owned(scopeWith(kind, place, name, list)); got != want {
						t.Errorf("%v with %s %s %q: Owned = %v, want %v", kind, place, name, list, got, want)
					}
				}
				for _, list := range []acl.List{nil, {}, {""}, {"", ""}} {
					if acl.Owned(scopeWith(kind, place, name, list)) {
						t.Errorf("%v with %s %s %q counts as owned", kind, place, name, list)
					}
				}
			}
		}
	}
}
