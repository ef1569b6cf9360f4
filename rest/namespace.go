package rest

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// maxPage is the largest page of a listing that can be asked for.
const maxPage = 1000

// getName answers GET and HEAD of a name or a version.
func getName(x *exchange) error {
	found, err := x.server.service.Fetch(x.ctx(), x.client, x.address.ref())
	if err != nil {
		return err
	}
	if found.IsNamespace() {
		if path := found.Ref.Path; path != x.address.path { // it was moved
			x.header().Set("Content-Location", x.server.scheme.ref(found.Ref))
			x.address.path = path
		}
		return x.listChildren()
	}
	return x.serveContent(found)
}

// listChildren answers with the children of a namespace: all of them, or one page.
func (x *exchange) listChildren() error {
	page, paged := x.page()
	listed, err := x.server.service.List(x.ctx(), x.client, x.address.path, page)
	if err != nil {
		return err
	}
	l := listing{tag: listed.Tag, path: listed.Namespace.Ref.Path, rows: x.childRows(listed.Children)}
	switch {
	case paged && listed.More:
		last := listed.Children[len(listed.Children)-1]
		x.header().Set("Link", x.nextPage(page.Limit, last.Ref.Path))
	case listed.More:
		l.next = x.childPages(listed)
	}
	return x.sendListing(l)
}

// page reads the parameters limit and after. Without a usable limit the listing is not paged.
func (x *exchange) page() (page service.ListPage, paged bool) {
	query := x.c.Request.URL.Query()
	page.After = store.EncodeSegment(query.Get("after"))
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit < 1 {
		return page, false
	}
	page.Limit = min(limit, maxPage)
	return page, true
}

func (x *exchange) nextPage(limit int, last store.Path) string {
	query := url.Values{
		"limit": {strconv.Itoa(limit)},
		"after": {store.DecodeSegment(last.Base())},
	}
	return "<" + x.server.scheme.ref(x.address.ref()) + "?" + query.Encode() + `>; rel="next"`
}

// childPages returns what fetches the pages behind a first one.
func (x *exchange) childPages(listed *service.Listing) func() ([]row, bool, error) {
	return func() ([]row, bool, error) {
		after := service.ListPage{After: listed.Children[len(listed.Children)-1].Ref.Path.Base()}
		page, err := x.server.service.List(x.ctx(), x.client, x.address.path, after)
		if err != nil {
			return nil, false, err
		}
		listed = page
		return x.childRows(page.Children), page.More && len(page.Children) > 0, nil
	}
}

func (x *exchange) childRows(children []service.Info) []row {
	rows := make([]row, len(children))
	for i := range children {
		child := &children[i]
		rows[i] = row{
			URL:  x.server.scheme.ref(child.Ref),
			Name: store.DecodeSegment(child.Ref.Path.Base()),
			Type: child.Kind().String(),
		}
		if child.Holds() && child.May(acl.ReadContent) {
			rows[i].describe(child.Version)
		}
	}
	return rows
}

// putName decides what a PUT means (rest-api §5): a new version of an object, a namespace, or
// a new object.
func putName(x *exchange) error {
	if !isType(x.c.Request.Header, typeNamespace) {
		return x.putObject()
	}
	info, err := x.server.service.Look(x.ctx(), x.client, x.address.ref())
	switch {
	case err == nil && !info.IsNamespace():
		return x.putObject()
	case err != nil && store.KindOf(err) != store.NotFound:
		return err
	}
	return x.createNamespace()
}

func (x *exchange) createNamespace() error {
	lists, wrong := initialLists(x.c.Request.Header)
	made, err := x.server.service.CreateNamespace(x.ctx(), x.client, service.CreateNamespace{
		Path:       x.address.path,
		Parents:    x.flag("parents"),
		ACLs:       lists,
		Conditions: unmarked(guard(x.c.Request.Header, wrong)),
	})
	if err != nil {
		return err
	}
	x.created(x.server.scheme.ref(made.Ref))
	return nil
}

// deleteName deletes a namespace or an object with everything in it.
func deleteName(x *exchange) error {
	given := unmarked(guard(x.c.Request.Header))
	err := x.server.service.Delete(x.ctx(), x.client, service.Delete{Path: x.address.path, Conditions: given})
	if err != nil {
		return err
	}
	x.noBody(http.StatusNoContent)
	return nil
}
