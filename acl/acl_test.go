package acl_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hatrac/hatrac/acl"
)

func TestKindsHaveTheListsOfTheTable(t *testing.T) {
	want := map[acl.Kind][]acl.Name{
		acl.Namespace: {"owner", "create", "read", "subtree-owner", "subtree-create", "subtree-update", "subtree-read"},
		acl.Object:    {"owner", "update", "read", "subtree-owner", "subtree-read"},
		acl.Version:   {"owner", "read"},
		acl.Job:       {"owner"},
		acl.Kind(0):   nil,
	}
	for kind, names := range want {
		if diff := cmp.Diff(names, kind.Names()); diff != "" {
			t.Errorf("lists of a %v (-want +got):\n%s", kind, diff)
		}
		for _, name := range append(allNames, "", "Owner", "delete") {
			listed := false
			for _, n := range names {
				listed = listed || n == name
			}
			if got := kind.Has(name); got != listed {
				t.Errorf("%v.Has(%q) = %v, want %v", kind, name, got, listed)
			}
		}
	}
}

func TestNamesBelongToTheCaller(t *testing.T) {
	acl.Version.Names()[0] = "changed"
	if got := acl.Version.Names()[0]; got != acl.Owner {
		t.Errorf("a caller's change reached the rules: %q", got)
	}
}

func TestKindsAreCalledByTheirEnglishWords(t *testing.T) {
	words := map[acl.Kind]string{
		acl.Namespace: "namespace",
		acl.Object:    "object",
		acl.Version:   "version",
		acl.Job:       "upload job",
		acl.Kind(99):  "resource",
	}
	for kind, want := range words {
		if got := kind.String(); got != want {
			t.Errorf("kind %d is called %q, want %q", kind, got, want)
		}
	}
}

func TestClientMatchesByIdentityRoleOrEverybody(t *testing.T) {
	ann := acl.Client{ID: "ann", DisplayName: "Ann", Roles: []string{"staff", "https://example.org/group?a=b"}}
	cases := []struct {
		name   string
		client acl.Client
		list   acl.List
		want   bool
	}{
		{"identity", ann, acl.List{"ann"}, true},
		{"role", ann, acl.List{"staff"}, true},
		{"role that is a URL", ann, acl.List{"https://example.org/group?a=b"}, true},
		{"everybody", ann, acl.List{"*"}, true},
		{"behind other entries", ann, acl.List{"", "bob", "staff"}, true},
		{"nil list", ann, nil, false},
		{"empty list", ann, acl.List{}, false},
		{"display name", ann, acl.List{"Ann"}, false},
		{"empty entry", ann, acl.List{""}, false},
		{"no patterns", ann, acl.List{"a*", "st*", "*n"}, false},
		{"anonymous and everybody", acl.Client{}, acl.List{"*"}, true},
		{"anonymous and empty entry", acl.Client{}, acl.List{""}, false},
		{"anonymous and others", acl.Client{}, acl.List{"ann"}, false},
		{"empty role and empty entry", acl.Client{Roles: []string{""}}, acl.List{""}, false},
		{"anonymous with a role", acl.Client{Roles: []string{"staff"}}, acl.List{"staff"}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := c.client.In(c.list); got != c.want {
				t.Errorf("In(%q) = %v, want %v", c.list, got, c.want)
			}
		})
	}
}

func TestOnlyAClientWithoutIdentityIsAnonymous(t *testing.T) {
	if !(acl.Client{Roles: []string{"staff"}, DisplayName: "Ann"}).Anonymous() {
		t.Error("a client without identity is taken for a known one")
	}
	if (acl.Client{ID: "ann"}).Anonymous() {
		t.Error("a client with an identity is taken for an anonymous one")
	}
}

func TestCloneSharesNothing(t *testing.T) {
	lists := acl.Lists{acl.Owner: {"ann"}, acl.Read: {"*"}}
	clone := lists.Clone()
	if diff := cmp.Diff(lists, clone); diff != "" {
		t.Fatalf("clone differs (-original +clone):\n%s", diff)
	}
	clone[acl.Owner][0] = "bob"
	clone[acl.Create] = acl.List{"bob"}
	want := acl.Lists{acl.Owner: {"ann"}, acl.Read: {"*"}}
	if diff := cmp.Diff(want, lists); diff != "" {
		t.Errorf("a change of the clone reached the original (-want +got):\n%s", diff)
	}
}

func TestFirewall(t *testing.T) {
	open, shut := acl.Open(), acl.Firewall{}
	gates := map[string][2]acl.List{
		"create":          {open.Create, shut.Create},
		"delete":          {open.Delete, shut.Delete},
		"manage_acls":     {open.ManageACLs, shut.ManageACLs},
		"manage_metadata": {open.ManageMetadata, shut.ManageMetadata},
	}
	for gate, lists := range gates {
		for _, client := range []acl.Client{{}, {ID: "ann", Roles: []string{"staff"}}} {
			if !client.In(lists[0]) {
				t.Errorf("the open firewall stops %q at %s", client.ID, gate)
			}
			if client.In(lists[1]) {
				t.Errorf("the zero firewall lets %q through %s", client.ID, gate)
			}
		}
	}
}
