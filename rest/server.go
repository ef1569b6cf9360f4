package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

// Defaults of Config.
const (
	DefaultPrefix            = "/hatrac"
	DefaultMaxRequestPayload = 128 << 20
	DefaultCookie            = "webauthn"
	DefaultStall             = time.Minute
)

// The fixed paths.
const (
	healthPath  = "/healthz"
	authnPath   = "/authn"
	sessionPath = authnPath + "/session" // always; see also Config.SessionPath
)

// Config says what a Server stands on. Service and Accounts are required.
type Config struct {
	Service  *service.Service
	Accounts *account.Accounts
	// Prefix leads the URLs of the store; empty means DefaultPrefix.
	Prefix string
	// MaxRequestPayload is the largest content in bytes that one request may bring; 0
	// means DefaultMaxRequestPayload.
	MaxRequestPayload int64
	// BareCharacters may stand bare in names; nil means the default set.
	BareCharacters *store.BareCharacters
	// Cookie is the name of the session cookie; empty means DefaultCookie.
	Cookie string
	// SecureCookie marks the session cookie Secure also where the request did not come by
	// TLS.
	SecureCookie bool
	// SessionPath is another path at which sessions are served, besides /authn/session.
	SessionPath string
	// LogoutURL is where a client goes after its logout, if it does not say; empty means /.
	LogoutURL string
	// TrustedProxies are the addresses, or networks in CIDR notation, of reverse proxies
	// whose X-Forwarded fields are believed.
	TrustedProxies []string
	// TrustedOrigins are the origins, besides the server's own, whose pages may make
	// changes with the session cookie.
	TrustedOrigins []string
	// Stall is how long a client may neither send nor take anything before it is given up;
	// 0 means DefaultStall.
	Stall time.Duration
	// Log takes one line for each request.
	Log zerolog.Logger
	// Health, if not nil, says whether the server can do its work.
	Health func(context.Context) error
}

// Server is the store as an http.Handler.
type Server struct {
	cfg     Config
	service *service.Service
	scheme  scheme
	engine  *gin.Engine
	pages   *pages
	proxies []netip.Prefix
	csrf    *http.CrossOriginProtection
	routes  map[resource]methods
}

// New returns a server for cfg. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Service == nil || cfg.Accounts == nil {
		return nil, errors.New("the REST API needs a service and accounts")
	}
	cfg = cfg.withDefaults()
	prefix, err := cfg.prefix()
	if err != nil {
		return nil, err
	}
	if err := cfg.checkSessionPath(prefix); err != nil {
		return nil, err
	}
	s := &Server{
		cfg:     cfg,
		service: cfg.Service,
		scheme:  scheme{prefix: string(prefix), bare: cfg.BareCharacters},
		pages:   parsePages(),
		csrf:    http.NewCrossOriginProtection(),
		routes:  routes(),
	}
	for _, origin := range cfg.TrustedOrigins {
		if err := s.csrf.AddTrustedOrigin(origin); err != nil {
			return nil, fmt.Errorf("trusted origin %q: %w", origin, err)
		}
	}
	if s.proxies, err = parseProxies(cfg.TrustedProxies); err != nil {
		return nil, err
	}
	return s, s.build()
}

func (cfg Config) withDefaults() Config {
	if cfg.Prefix == "" {
		cfg.Prefix = DefaultPrefix
	}
	if cfg.MaxRequestPayload == 0 {
		cfg.MaxRequestPayload = DefaultMaxRequestPayload
	}
	if cfg.Cookie == "" {
		cfg.Cookie = DefaultCookie
	}
	if cfg.LogoutURL == "" {
		cfg.LogoutURL = "/"
	}
	if cfg.Stall == 0 {
		cfg.Stall = DefaultStall
	}
	return cfg
}

// prefix returns the prefix of the store's URLs in canonical form.
func (cfg Config) prefix() (store.Path, error) {
	path, err := store.ParsePath(cfg.Prefix, nil)
	if err != nil || path.IsRoot() || path == healthPath || path == authnPath || path.Within(authnPath) {
		return "", fmt.Errorf("the URL prefix %q cannot be used: it must be a path such as %s", cfg.Prefix, DefaultPrefix)
	}
	return path, nil
}

func (cfg Config) checkSessionPath(prefix store.Path) error {
	if cfg.SessionPath == "" || cfg.SessionPath == sessionPath {
		return nil
	}
	path, err := store.ParsePath(cfg.SessionPath, nil)
	if err != nil || string(path) != cfg.SessionPath || path == healthPath || path == prefix ||
		path.Within(prefix) || path.Within(authnPath) {
		return fmt.Errorf("sessions cannot be served at %q", cfg.SessionPath)
	}
	return nil
}

func parseProxies(texts []string) ([]netip.Prefix, error) {
	var proxies []netip.Prefix
	for _, text := range texts {
		if addr, err := netip.ParseAddr(text); err == nil {
			proxies = append(proxies, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted proxy %q is neither an address nor a network", text)
		}
		proxies = append(proxies, network.Masked())
	}
	return proxies, nil
}

// build gives the fixed paths to gin. The store's URLs are served from where gin finds no
// route, because they are not for gin to decode.
func (s *Server) build() error {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.RedirectTrailingSlash = false
	e.RedirectFixedPath = false
	if err := e.SetTrustedProxies(s.cfg.TrustedProxies); err != nil {
		return fmt.Errorf("trusted proxies: %w", err)
	}
	e.Use(s.recovered, noted)
	e.Any(healthPath, s.exchange(methods{http.MethodGet: health, http.MethodHead: health}))
	for _, path := range s.sessionPaths() {
		e.Any(path, s.authenticate, s.exchange(sessionMethods()))
	}
	e.Any(authnPath+"/preauth", s.exchange(methods{http.MethodGet: preauth, http.MethodHead: preauth}))
	e.Any(authnPath+"/discovery", s.exchange(methods{http.MethodGet: discovery, http.MethodHead: discovery}))
	e.NoRoute(s.authenticate, s.serveStore)
	s.engine = e
	return nil
}

func (s *Server) sessionPaths() []string {
	if s.cfg.SessionPath == "" || s.cfg.SessionPath == sessionPath {
		return []string{sessionPath}
	}
	return []string{sessionPath, s.cfg.SessionPath}
}

func (s *Server) servesSessions(path string) bool { return slices.Contains(s.sessionPaths(), path) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := newRecord()
	log := s.cfg.Log.With().Str("request", rec.id).Logger()
	ctx := log.WithContext(context.WithValue(r.Context(), recordKey{}, rec))
	r = r.WithContext(ctx)
	t := newTransfer(w, r, s.cfg.Stall)
	r.Body = t.body
	rec.transfer = t
	h := w.Header()
	h.Set("X-Request-Id", rec.id)
	h.Set("X-Content-Type-Options", "nosniff")
	defer rec.write(&log, r)
	s.engine.ServeHTTP(t, r)
}

func health(x *exchange) error {
	if x.server.cfg.Health != nil {
		if err := x.server.cfg.Health(x.ctx()); err != nil {
			return store.Wrap(store.Unavailable, "check health", err)
		}
	}
	x.send(http.StatusOK, typePlain+"; charset=utf-8", []byte("ok\n"))
	return nil
}
