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
	// secret is the value of the cookie that the session came from; empty if it came from
	// a token.
	secret string
}

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
	if err == nil && (who.secret != "" || s.servesSessions(c.FullPath())) && s.csrf.Check(c.Request) != nil {
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

func (s *Server) identify(r *http.Request) (identity, error) {
	if token, ok := bearer(r.Header); ok {
		session, err := s.cfg.Accounts.Bearer(r.Context(), token)
		if err != nil {
			return identity{}, err
		}
		return identity{client: session.Client, session: session}, nil
	}
	for _, cookie := range r.CookiesNamed(s.cfg.Cookie) {
		session, err := s.cfg.Accounts.Session(r.Context(), cookie.Value)
		switch {
		case err == nil:
			return identity{client: session.Client, session: session, secret: cookie.Value}, nil
		case store.KindOf(err) != store.NotFound:
			return identity{}, err
		}
	}
	return identity{}, nil
}

// bearer returns the token of an Authorization field. Other schemes are not for this server.
func bearer(h http.Header) (token string, ok bool) {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
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
