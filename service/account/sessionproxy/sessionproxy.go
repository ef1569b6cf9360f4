// Package sessionproxy knows clients by what another host says about their cookies and their
// Authorization field.
package sessionproxy

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/hatrac/hatrac/service/account"
)

// Config says which host knows sessions. It alone decides where requests go; nothing of what a
// client sends does.
type Config struct {
	// Host is its name, perhaps with a port; Path is where its sessions are.
	Host, Path string
	// Cookie is the name of the cookie that leads to a session.
	Cookie string
	// Resources are what sessions are asked for.
	Resources []string
	// MaxAge is how long an answer counts; 0: once. MaxEntries is how many are kept.
	MaxAge     time.Duration
	MaxEntries int
	// Verify says that its certificate is checked; Authorities, if not empty, is a PEM file with
	// those that may have signed it.
	Verify      bool
	Authorities string
	// Timeout bounds one attempt, Pause is the time before the second one, which grows; 0 means
	// the defaults.
	Timeout, Pause time.Duration
}

// Defaults and limits.
const (
	defaultTimeout = 10 * time.Second
	defaultPause   = 100 * time.Millisecond
	attempts       = 3
	connections    = 64      // at one time
	maxAnswer      = 1 << 20 // bytes
	maxHeader      = 64 << 10
)

// Sessions are those that the host knows. Its methods may be called concurrently.
type Sessions struct {
	cfg    Config
	client *http.Client
	cache  *lru.Cache[[sha256.Size]byte, answer]
}

// answer is a session that the host told.
type answer struct {
	session account.Session
	until   time.Time // when it has to be asked again
}

// New returns the sessions of a host. It asks nothing yet.
func New(cfg Config) (*Sessions, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Pause <= 0 {
		cfg.Pause = defaultPause
	}
	trust := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: !cfg.Verify}
	if cfg.Authorities != "" {
		text, err := os.ReadFile(cfg.Authorities)
		if err != nil {
			return nil, fmt.Errorf("the authorities of the session host cannot be read: %w", err)
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s has no certificates", cfg.Authorities)
		}
	}
	cache, err := lru.New[[sha256.Size]byte, answer](max(cfg.MaxEntries, 1))
	if err != nil {
		return nil, err
	}
	return &Sessions{
		cfg:   cfg,
		cache: cache,
		client: &http.Client{
			Timeout: cfg.Timeout,
			Transport: &http.Transport{
				TLSClientConfig:        trust,
				ForceAttemptHTTP2:      true,
				MaxConnsPerHost:        connections,
				MaxIdleConnsPerHost:    connections,
				IdleConnTimeout:        time.Minute,
				MaxResponseHeaderBytes: maxHeader,
			},
			// Where the host says that a client should go is nothing to follow with its secrets.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close ends the idle connections.
func (s *Sessions) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

// Check tells whether the host answers.
func (s *Sessions) Check(ctx context.Context) error {
	var failed error
	for _, encrypted := range []bool{true, false} {
		_, err := s.ask(ctx, http.MethodGet, account.Credentials{TLS: encrypted})
		if err == nil {
			return nil
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

// Find returns the session that the credentials lead to, or nil; an answer counts for a while.
func (s *Sessions) Find(ctx context.Context, c account.Credentials) (*account.Session, error) {
	if !s.concerns(c) {
		return nil, nil
	}
	key := s.key(c)
	if known, ok := s.cache.Get(key); ok && time.Now().Before(known.until) {
		session := known.session
		return &session, nil
	}
	return s.fetch(ctx, c, key)
}

// Extend lets the host extend the session.
func (s *Sessions) Extend(ctx context.Context, c account.Credentials) (*account.Session, error) {
	if !s.concerns(c) {
		return nil, nil
	}
	return s.fetch(ctx, c, s.key(c))
}

// End lets the host end the session.
func (s *Sessions) End(ctx context.Context, c account.Credentials) (ended bool, err error) {
	if !s.concerns(c) {
		return false, nil
	}
	s.cache.Remove(s.key(c))
	reply, err := s.ask(ctx, http.MethodDelete, c)
	return err == nil && reply.status == http.StatusOK, err
}

// concerns reports whether the credentials can lead to a session there. Tokens of this server
// are nobody else's business.
func (s *Sessions) concerns(c account.Credentials) bool {
	return !c.OwnToken() && (c.Authorization != "" || len(c.Cookies[s.cfg.Cookie]) > 0)
}

// key is what answers are kept by: the Authorization field and the named cookie, of which a
// digest is enough.
func (s *Sessions) key(c account.Credentials) (key [sha256.Size]byte) {
	h := sha256.New()
	add := func(text string) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(text)))
		h.Write(length[:])
		h.Write([]byte(text))
	}
	add(c.Authorization)
	for _, value := range c.Cookies[s.cfg.Cookie] {
		add(value)
	}
	h.Sum(key[:0])
	return key
}

// fetch asks the host and keeps a session that it tells.
func (s *Sessions) fetch(ctx context.Context, c account.Credentials, key [sha256.Size]byte) (*account.Session, error) {
	reply, err := s.ask(ctx, http.MethodPut, c)
	if err != nil {
		return nil, err
	}
	if reply.status != http.StatusOK {
		s.cache.Remove(key)
		return nil, nil
	}
	session, err := reply.session()
	if err != nil || session == nil {
		s.cache.Remove(key)
		return nil, err
	}
	_, bearer := c.Bearer()
	session.Ambient = !bearer
	until := time.Now().Add(s.cfg.MaxAge)
	if !session.Expires.IsZero() && session.Expires.Before(until) {
		until = session.Expires
	}
	s.cache.Add(key, answer{*session, until})
	return session, nil
}

// url is where sessions are, by the scheme of the client's request.
func (s *Sessions) url(encrypted bool) string {
	at := url.URL{
		Scheme: "http", Host: s.cfg.Host, Path: s.cfg.Path,
		RawQuery: url.Values{"resource": s.cfg.Resources}.Encode(),
	}
	if encrypted {
		at.Scheme = "https"
	}
	return at.String()
}
