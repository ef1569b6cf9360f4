package rest

import (
	"context"
	"fmt"
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
