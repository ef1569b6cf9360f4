package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
)

// exposed are the fields of answers that pages of other origins may read, besides those that
// every page may.
const exposed = "ETag, Location, Content-Location, Content-Range, Content-Disposition, Content-MD5, Content-SHA256, " +
	"Repr-Digest, Link, X-Request-Id"

// preflightAge is for how many seconds a browser may remember what a preflight told it.
const preflightAge = "600"

// trustOrigins checks and keeps the origins of the configuration. A page that may use the API
// may use it with the session cookie, so its origin is a trusted one too.
func (s *Server) trustOrigins() error {
	s.origins = make(map[string]bool, len(s.cfg.AllowedOrigins))
	for _, origin := range s.cfg.AllowedOrigins {
		if !isOrigin(origin) {
			return fmt.Errorf("allowed origin %q is not like https://portal.example.org", origin)
		}
		s.origins[origin] = true
	}
	for _, origins := range [][]string{s.cfg.AllowedOrigins, s.cfg.TrustedOrigins} {
		for _, origin := range origins {
			if err := s.csrf.AddTrustedOrigin(origin); err != nil {
				return fmt.Errorf("trusted origin %q: %w", origin, err)
			}
		}
	}
	return nil
}

// isOrigin reports whether a text is an origin as browsers send it.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") &&
		text == u.Scheme+"://"+u.Host && text == strings.ToLower(text)
}

// crossOrigin lets pages of allowed origins read the answer. Others are told nothing, and who
// sends no Origin either.
func (s *Server) crossOrigin(c *gin.Context) {
	if len(s.origins) == 0 {
		return
	}
	h := c.Writer.Header()
	h.Add("Vary", "Origin")
	origin := c.Request.Header.Get("Origin")
	if !s.origins[origin] {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	if c.Request.Method != http.MethodOptions {
		h.Set("Access-Control-Expose-Headers", exposed)
	}
}

// preflight tells a browser, if it asks, what pages of an allowed origin may send.
func (x *exchange) preflight(table methods) {
	asked := x.c.Request.Header
	if x.header().Get("Access-Control-Allow-Origin") == "" || asked.Get("Access-Control-Request-Method") == "" {
		return
	}
	h := x.header()
	h.Set("Access-Control-Allow-Methods", table.allow())
	h.Set("Access-Control-Max-Age", preflightAge)
	if names := fieldNames(asked.Values("Access-Control-Request-Headers")); names != "" {
		h.Set("Access-Control-Allow-Headers", names)
	}
}

// fieldNames returns the names in a list of header fields, without what can be none.
func fieldNames(values []string) string {
	var names []string
	for name := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if name = strings.TrimSpace(name); isToken(name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}
