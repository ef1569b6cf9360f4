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

// methods are the handlers of one resource.
type methods map[string]handler

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
	allLists := methods{http.MethodGet: getACLs, http.MethodHead: getACLs}
	oneList := methods{
		http.MethodGet: getACL, http.MethodHead: getACL,
		http.MethodPut: putACL, http.MethodDelete: deleteACL,
	}
	oneEntry := methods{
		http.MethodGet: getACLEntry, http.MethodHead: getACLEntry,
		http.MethodPut: putACLEntry, http.MethodDelete: deleteACLEntry,
	}
	allFields := methods{http.MethodGet: getMetadata, http.MethodHead: getMetadata}
	oneField := methods{
		http.MethodGet: getField, http.MethodHead: getField,
		http.MethodPut: putField, http.MethodDelete: deleteField,
	}
	table := map[resource]methods{
		{}: {
			http.MethodGet: getName, http.MethodHead: getName,
			http.MethodPut: putName, http.MethodPost: postName, http.MethodDelete: deleteName,
		},
		{version: true}: {
			http.MethodGet: getName, http.MethodHead: getName, http.MethodDelete: deleteVersion,
		},
		{sub: subVersions}: {http.MethodGet: getVersions, http.MethodHead: getVersions},
	}
	for _, version := range []bool{false, true} {
		table[resource{version, subACL, 0}] = allLists
		table[resource{version, subACL, 1}] = oneList
		table[resource{version, subACL, 2}] = oneEntry
		table[resource{version, subMetadata, 0}] = allFields
		table[resource{version, subMetadata, 1}] = oneField
	}
	return table
}

// serveStore answers all requests for URLs of the store.
func (s *Server) serveStore(c *gin.Context) {
	x := s.begin(c)
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
	x.run(table)
}

// exchange makes a handler for gin of the methods of a fixed path.
func (s *Server) exchange(table methods) gin.HandlerFunc {
	return func(c *gin.Context) { s.begin(c).run(table) }
}

func (s *Server) begin(c *gin.Context) *exchange {
	return &exchange{server: s, c: c, client: identityOf(c.Request.Context()).client}
}

// run calls the handler of the request's method.
func (x *exchange) run(table methods) {
	handle, ok := table[x.c.Request.Method]
	switch {
	case ok:
		if err := handle(x); err != nil {
			x.fail(err)
		}
	case x.c.Request.Method == http.MethodOptions:
		x.header().Set("Allow", table.allow())
		x.noBody(http.StatusNoContent)
	default:
		x.fail(notAllowed(table.allow()))
	}
}
