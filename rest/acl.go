package rest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// maxDocument is the most bytes that a JSON document of a request may have.
const maxDocument = 8 << 20

// getACLs answers with all lists of a resource.
func getACLs(x *exchange) error {
	lists, err := x.lists()
	if err != nil {
		return err
	}
	return x.sendTagged(lists.Tag(), func() error { return x.sendJSON(http.StatusOK, lists.Lists) })
}

func (x *exchange) lists() (*service.Lists, error) {
	return x.server.service.ACLs(x.ctx(), x.client, x.address.ref())
}

// namedList returns the lists of a resource and the name of the one that the URL means.
func (x *exchange) namedList() (*service.Lists, acl.Name, error) {
	lists, err := x.lists()
	if err != nil {
		return nil, "", err
	}
	name := acl.Name(x.address.arg(0))
	if !lists.Kind.Has(name) {
		return nil, "", malformed("A " + lists.Kind.String() + " has no access control list of this name.")
	}
	return lists, name, nil
}

// getACL answers with one list.
func getACL(x *exchange) error {
	lists, name, err := x.namedList()
	if err != nil {
		return err
	}
	return x.sendTagged(lists.ListTag(name), func() error { return x.sendJSON(http.StatusOK, lists.Lists[name]) })
}

// getACLEntry answers with one entry of a list, if it is there.
func getACLEntry(x *exchange) error {
	lists, name, err := x.namedList()
	if err != nil {
		return err
	}
	entry := x.address.arg(1)
	if !slices.Contains(lists.Lists[name], entry) {
		return store.NewError(store.NotFound, "", "The list has no such entry.")
	}
	return x.sendTagged(lists.EntryTag(name, entry), func() error {
		x.send(http.StatusOK, typePlain+"; charset=utf-8", []byte(entry+"\n"))
		return nil
	})
}

// putACL replaces a list.
func putACL(x *exchange) error {
	entries, wrong, unfit := x.entries()
	return x.changeACL(service.ACLChange{Op: service.ReplaceList, Entries: entries}, wrong, unfit)
}

// deleteACL empties a list.
func deleteACL(x *exchange) error {
	return x.changeACL(service.ACLChange{Op: service.ReplaceList}, nil, nil)
}

// putACLEntry adds an entry to a list.
func putACLEntry(x *exchange) error {
	return x.changeACL(service.ACLChange{Op: service.AddEntry, Entry: x.address.arg(1)}, nil, nil)
}

// deleteACLEntry takes an entry out of a list.
func deleteACLEntry(x *exchange) error {
	return x.changeACL(service.ACLChange{Op: service.RemoveEntry, Entry: x.address.arg(1)}, nil, nil)
}

// changeACL makes a change of the list that the URL means. What is wrong with the request is
// answered when rights and state are in order, what is unfit in its body when its conditions hold.
func (x *exchange) changeACL(change service.ACLChange, wrong, unfit error) error {
	change.List = acl.Name(x.address.arg(0))
	change.Conditions = guard(x.c.Request.Header, wrong)
	change.Content = unfit
	if err := x.server.service.SetACL(x.ctx(), x.client, x.address.ref(), change); err != nil {
		return err
	}
	x.noBody(http.StatusNoContent)
	return nil
}

// entries reads a list from the body: a JSON array of strings. unfit is what is wrong with that,
// wrong what is wrong with the request before.
func (x *exchange) entries() (list []string, wrong, unfit error) {
	if !isType(x.c.Request.Header, typeJSON) {
		return nil, malformed("An access control list is sent as application/json."), nil
	}
	text, wrong := x.small(maxDocument)
	if wrong != nil {
		return nil, wrong, nil
	}
	list, unfit = parseEntries(text)
	return list, nil, unfit
}

func parseEntries(text []byte) ([]string, error) {
	notAList := malformed("An access control list is a JSON array of strings.")
	var entries []*string
	if !utf8.Valid(text) || json.Unmarshal(text, &entries) != nil || entries == nil {
		return nil, notAList
	}
	list := make([]string, len(entries))
	for i, entry := range entries {
		if entry == nil || strings.IndexByte(*entry, 0) >= 0 {
			return nil, notAList
		}
		list[i] = *entry
	}
	return list, nil
}
