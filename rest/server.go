package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/rs/zerolog"

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
	fixed   map[string]methods // by path
	origins map[string]bool    // see Config.AllowedOrigins
	errors  *errorTemplates
	logins  *loginLimit
	audits  *zerolog.Logger
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
		logins:  newLoginLimit(),
		audits:  cfg.Audit,
	}
	s.fixed = s.fixedPaths()
	if err := s.trustOrigins(); err != nil {
		return nil, err
	}
	if s.errors, err = parseErrorTemplates(cfg.ErrorTemplates); err != nil {
		return nil, err
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
	e.Use(s.recovered, noted, s.crossOrigin, s.boundHeader)
	for path, table := range s.fixed {
		if s.servesSessions(path) {
			e.Any(path, s.authenticate, s.exchange(table))
			continue
		}
		e.Any(path, s.exchange(table))
	}
	e.NoRoute(s.authenticate, s.serveOther)
	s.engine = e
	return nil
}

// fixedPaths are the paths outside of the store with their methods.
func (s *Server) fixedPaths() map[string]methods {
	fixed := map[string]methods{
		healthPath:               reads(health, nil),
		authnPath + "/preauth":   reads(preauth, nil),
		authnPath + "/discovery": reads(discovery, nil),
	}
	for _, path := range s.sessionPaths() {
		fixed[path] = sessionMethods()
	}
	return fixed
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
