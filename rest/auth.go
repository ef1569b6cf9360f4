package rest

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

// identity is who a request comes from.
type identity struct {
	client acl.Client
	// session is nil for the anonymous client.
	session *account.Session
	// credentials prove the session, and from knows it.
	credentials account.Credentials
	from        Sessions
}

// ambient reports whether a page of another origin could have made the browser send this.
func (i identity) ambient() bool { return i.session != nil && i.session.Ambient }

type identityKey struct{}

// identityOf returns who a request comes from; the anonymous client if nobody was found out.
func identityOf(ctx context.Context) identity {
	who, _ := ctx.Value(identityKey{}).(identity)
	return who
}

// authenticate finds out who asks and puts it into the request's context. A token must be
// known; a cookie that leads to no session is as good as none. Changes by cookie, and logins,
// must come from a page of this origin.
func (s *Server) authenticate(c *gin.Context) {
	who, err := s.identify(c.Request)
	if err == nil && (who.ambient() || s.servesSessions(c.FullPath())) && s.csrf.Check(c.Request) != nil {
		err = store.NewError(store.Denied, "", "A page of another origin may not make changes with this session.")
	}
	if err != nil {
		s.begin(c).fail(err)
		c.Abort()
		return
	}
	recordOf(c.Request.Context()).client = who.client.ID
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), identityKey{}, who))
}

// identify asks those who know clients, in their order. A token that is not valid is refused,
// unless another one knows it.
func (s *Server) identify(r *http.Request) (identity, error) {
	credentials := s.credentials(r)
	var refused error
	for _, from := range s.cfg.Sessions {
		session, err := from.Find(r.Context(), credentials)
		switch {
		case err != nil && store.KindOf(err) == store.Unauthenticated:
			refused = err
		case err != nil:
			return identity{}, err
		case session != nil:
			return identity{client: session.Client, session: session, credentials: credentials, from: from}, nil
		}
	}
	return identity{}, refused
}

func (s *Server) credentials(r *http.Request) account.Credentials {
	c := account.Credentials{
		Authorization: r.Header.Get("Authorization"),
		CookieHeader:  strings.Join(r.Header.Values("Cookie"), "; "),
		Cookies:       make(map[string][]string),
		TLS:           s.secure(r),
	}
	for _, cookie := range r.Cookies() {
		c.Cookies[cookie.Name] = append(c.Cookies[cookie.Name], cookie.Value)
	}
	return c
}

// secure reports whether the client's request came by TLS, as far as this server or a proxy
// that it trusts can tell.
func (s *Server) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	proto, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return strings.EqualFold(strings.TrimSpace(proto), "https") && s.trusts(r.RemoteAddr)
}

func (s *Server) trusts(remote string) bool {
	from, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	for _, proxy := range s.proxies {
		if proxy.Contains(from.Addr().Unmap()) {
			return true
		}
	}
	return false
}
