package rest

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/hatrac/hatrac/store"
)

// handler answers a request, or returns an error before it has answered anything.
type handler func(*exchange) error

// action is what one method does with a resource.
type action struct {
	handle handler
	// change is what the audit log calls it; it is empty if nothing is changed.
	change string
}

// methods are the actions of one resource.
type methods map[string]action

// reads are the methods of a resource that handle answers, and those of more.
func reads(handle handler, more methods) methods {
	m := methods{http.MethodGet: {handle: handle}, http.MethodHead: {handle: handle}}
	maps.Copy(m, more)
	return m
}

// allow is the value of the Allow field.
func (m methods) allow() string {
	names := append(slices.Collect(maps.Keys(m)), http.MethodOptions)
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// resource is what the form of a URL alone says about the resource.
type resource struct {
	version bool // the URL names a version
	sub     keyword
	args    int
}

func (a address) resource() resource {
	return resource{version: a.version != "", sub: a.sub, args: len(a.args)}
}

// routes is the one dispatch of the store's URLs.
func routes() map[resource]methods {
	table := map[resource]methods{
		{}: reads(getName, methods{
			http.MethodPut:    {putName, "put"},
			http.MethodPost:   {postName, "command"},
			http.MethodDelete: {deleteName, "delete"},
		}),
		{version: true}: reads(getName, methods{
			http.MethodPost:   {postVersion, "command"},
			http.MethodDelete: {deleteVersion, "delete"},
		}),
		{sub: subVersions}: reads(getVersions, nil),
		{sub: subUpload}:   reads(getJobs, methods{http.MethodPost: {startJob, "start upload"}}),
		{sub: subUpload, args: 1}: reads(getJob, methods{
			http.MethodPost:   {finishJob, "finish upload"},
			http.MethodDelete: {cancelJob, "cancel upload"},
		}),
		{sub: subUpload, args: 2}: {http.MethodPut: {putChunk, "put chunk"}},
	}
	for _, version := range []bool{false, true} {
		table[resource{version, subACL, 0}] = reads(getACLs, nil)
		table[resource{version, subACL, 1}] = reads(getACL, methods{
			http.MethodPut:    {putACL, "replace list"},
			http.MethodDelete: {deleteACL, "clear list"},
		})
		table[resource{version, subACL, 2}] = reads(getACLEntry, methods{
			http.MethodPut:    {putACLEntry, "add entry"},
			http.MethodDelete: {deleteACLEntry, "remove entry"},
		})
		table[resource{version, subMetadata, 0}] = reads(getMetadata, nil)
		table[resource{version, subMetadata, 1}] = reads(getField, methods{
			http.MethodPut:    {putField, "set field"},
			http.MethodDelete: {deleteField, "clear field"},
		})
	}
	return table
}

// serveOther answers the requests that gin has no route for: those for URLs of the store, and
// those for a fixed path by a method that gin does not know.
func (s *Server) serveOther(c *gin.Context) {
	x := s.begin(c)
	if table, ok := s.fixed[c.Request.URL.Path]; ok {
		x.run(table)
		return
	}
	rest, ok := s.scheme.within(c.Request.RequestURI)
	if !ok {
		x.fail(store.NewError(store.NotFound, "", "There is nothing here."))
		return
	}
	x.vary("Cookie")
	x.vary("Authorization")
	var err error
	if x.address, err = s.scheme.parse(rest); err != nil {
		x.fail(err)
		return
	}
	table, ok := s.routes[x.address.resource()]
	if !ok {
		x.fail(store.NewError(store.NotFound, "", "There is no such resource."))
		return
	}
	x.resource = s.scheme.format(x.address)
	x.run(table)
}

// exchange makes a handler for gin of the methods of a fixed path.
func (s *Server) exchange(table methods) gin.HandlerFunc {
	return func(c *gin.Context) { s.begin(c).run(table) }
}

func (s *Server) begin(c *gin.Context) *exchange {
	return &exchange{server: s, c: c, client: identityOf(c.Request.Context()).client, resource: c.Request.URL.Path}
}

// run does what the request's method means.
func (x *exchange) run(table methods) {
	do, ok := table[x.c.Request.Method]
	switch {
	case ok:
		defer x.audit(do.change)
		if err := do.handle(x); err != nil {
			x.fail(err)
		}
	case x.c.Request.Method == http.MethodOptions:
		x.header().Set("Allow", table.allow())
		x.preflight(table)
		x.noBody(http.StatusNoContent)
	default:
		x.fail(notAllowed(table.allow()))
	}
}
