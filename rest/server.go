package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

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
