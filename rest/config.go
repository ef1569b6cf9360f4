package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

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

// Sessions is one way to know who a client is. Its methods may be called concurrently.
type Sessions interface {
	// Find returns the session that the credentials lead to, or nil if it knows of none.
	// Unauthenticated: the client has to be refused, unless somebody else knows it. Any other
	// error means that it cannot tell, and then nobody is taken for anonymous.
	Find(ctx context.Context, c account.Credentials) (*account.Session, error)
	// Extend makes that session last its full time from now and returns it, or nil.
	Extend(ctx context.Context, c account.Credentials) (*account.Session, error)
	// End ends that session; it reports false if there is none that could be ended.
	End(ctx context.Context, c account.Credentials) (ended bool, err error)
}

// Logins are Sessions that begin with a password.
type Logins interface {
	// Login checks a password and begins a session, or answers Unauthenticated.
	Login(ctx context.Context, name, password string) (*account.Session, error)
}

// Config says what a Server stands on. Service and Accounts are required.
type Config struct {
	Service  *service.Service
	Accounts *account.Accounts
	// Sessions are asked in this order who a client is; none means the accounts alone.
	Sessions []Sessions
	// LoginURL is where people log in, if none of Sessions are Logins.
	LoginURL string
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
	// AllowedOrigins are the origins, such as https://portal.example.org, whose pages may use
	// the API from browsers, also with the session cookie. They are trusted origins as well.
	AllowedOrigins []string
	// ErrorTemplates are texts of errors: by status, or "default", and then by content type.
	// In them %(code)s, %(title)s, %(description)s and %(message)s stand for the status, its
	// name, a sentence that says what is wrong, and that with the resource before it; %% is
	// a percent sign.
	ErrorTemplates map[string]map[string]string
	// Stall is how long a client may neither send nor take anything before it is given up;
	// 0 means DefaultStall.
	Stall time.Duration
	// Log takes one line for each request.
	Log zerolog.Logger
	// Audit takes one line for each change that was asked for; nil means Log.
	Audit *zerolog.Logger
	// Health, if not nil, says whether the server can do its work.
	Health func(context.Context) error
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
	if len(cfg.Sessions) == 0 && cfg.Accounts != nil {
		cfg.Sessions = []Sessions{cfg.Accounts.Sessions(cfg.Cookie)}
	}
	if cfg.LogoutURL == "" {
		cfg.LogoutURL = "/"
	}
	if cfg.Stall == 0 {
		cfg.Stall = DefaultStall
	}
	if cfg.Audit == nil {
		cfg.Audit = &cfg.Log
	}
	return cfg
}

// logins returns who checks passwords, or nil.
func (cfg Config) logins() Logins {
	for _, sessions := range cfg.Sessions {
		if logins, ok := sessions.(Logins); ok {
			return logins
		}
	}
	return nil
}

// Check tells everything that keeps New from making a server of these settings, apart from what
// it stands on.
func (cfg Config) Check() error {
	cfg = cfg.withDefaults()
	prefix, err := cfg.prefix()
	if err == nil {
		err = cfg.checkSessionPath(prefix)
	}
	_, templates := parseErrorTemplates(cfg.ErrorTemplates)
	_, proxies := parseProxies(cfg.TrustedProxies)
	origins := (&Server{cfg: cfg, csrf: http.NewCrossOriginProtection()}).trustOrigins()
	return errors.Join(err, origins, templates, proxies)
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
