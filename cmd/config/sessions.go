package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The names of those who may know clients.
const (
	Accounts      = "accounts"
	SessionTables = "session_tables"
	SessionProxy  = "session_proxy"
)

// Sessions says who knows clients, and how.
type Sessions struct {
	// Providers are asked in this order.
	Providers []string
	// Lifetime is how long a session lasts after its last extension.
	Lifetime time.Duration
	// Cookie is the name of the session cookie; Secure marks it for TLS alone.
	Cookie string
	Secure bool
	// Path is a second path at which sessions are served; empty: there is none.
	Path string
	// LoginURL is where people log in if that is not done here, LogoutURL where they go after
	// a logout.
	LoginURL, LogoutURL string
	// Tables and Proxy are for the providers of these names.
	Tables Tables
	Proxy  Proxy
}

// Uses reports whether a provider is among those that are asked.
func (s Sessions) Uses(provider string) bool { return slices.Contains(s.Providers, provider) }

// Tables are the session tables of a sister service.
type Tables struct {
	// DSN and Schema say where they are in PostgreSQL.
	DSN, Schema string
	// Cookie is the name of the cookie with the key of a session.
	Cookie string
	// Lifetime is how long use extends a session; 0: use does not extend.
	Lifetime time.Duration
}

// Proxy is a host that knows sessions.
type Proxy struct {
	// Host is its name, perhaps with a port; Path is where its sessions are.
	Host, Path string
	// Cookie is the name of the cookie that leads to a session.
	Cookie string
	// MaxAge is how long an answer counts, MaxEntries how many are kept.
	MaxAge     time.Duration
	MaxEntries int
	// Verify says whether its certificate is checked; Authorities, if not empty, is a PEM file
	// with those that may have signed it.
	Verify      bool
	Authorities string
	// Resources are what sessions are asked for.
	Resources []string
}

var cookieName = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")

func (c *checker) sessions() Sessions {
	if c.sessionLifetime <= 0 {
		c.report.errorf("session_expiration_minutes must be a positive number")
	}
	for _, used := range []struct{ key, name string }{
		{"web_cookie_name", c.cookie},
		{"session_tables.web_cookie_name", or(c.tables.cookie, c.cookie)},
		{"webauthn_proxy_config.web_cookie_name", or(c.proxy.cookie, c.cookie)},
	} {
		if !cookieName.MatchString(used.name) {
			c.report.errorf("%s %q cannot be the name of a cookie", used.key, used.name)
			break
		}
	}
	s := Sessions{
		Providers: c.sessionProviders(),
		Lifetime:  time.Duration(c.sessionLifetime),
		Cookie:    c.cookie,
		Secure:    c.secureCookie,
		Path:      c.sessionPath,
		LoginURL:  c.loginURL,
		LogoutURL: c.logoutURL,
		Tables:    c.sessionTables(),
		Proxy:     c.sessionProxy(),
	}
	if s.Uses(SessionTables) && s.Tables.DSN == "" {
		c.report.errorf("session_tables.database_dsn is missing: the connection string of the PostgreSQL with the session table")
	}
	return s
}

// sessionProviders returns who is asked. Who configures a provider means it to be used.
func (c *checker) sessionProviders() []string {
	_, proxy := c.given["webauthn_proxy_config"]
	if c.given["session_providers"] == nil {
		c.providers = []string{Accounts}
		if _, tables := c.given["session_tables.database_dsn"]; tables {
			c.providers = append(c.providers, SessionTables)
		}
		if proxy {
			c.providers = append(c.providers, SessionProxy)
		}
		if _, fromFile := c.given["database_type"]; fromFile && len(c.providers) == 1 && c.databaseType == "postgres" {
			c.report.warnf("an original hatrac_config.json without webauthn_proxy_config meant the session proxy with its " +
				"defaults; here it means the accounts of this server: choose with session_providers")
		}
		return c.providers
	}
	known := []string{Accounts, SessionTables, SessionProxy}
	for i, name := range c.providers {
		if !slices.Contains(known, name) {
			c.report.errorf("session_providers: %q is not one of %s", name, strings.Join(known, ", "))
		}
		if slices.Contains(c.providers[:i], name) {
			c.report.errorf("session_providers: %q is there twice", name)
		}
	}
	if len(c.providers) == 0 {
		c.report.errorf("session_providers must name at least one of %s", strings.Join(known, ", "))
	}
	return c.providers
}

func (c *checker) sessionTables() Tables {
	t := Tables{DSN: c.tables.dsn, Schema: c.tables.schema, Cookie: or(c.tables.cookie, c.cookie)}
	if c.tables.extend {
		t.Lifetime = time.Duration(c.tables.lifetime)
		if t.Lifetime == 0 {
			t.Lifetime = time.Duration(c.sessionLifetime)
		}
	}
	return t
}

func (c *checker) sessionProxy() Proxy {
	p := Proxy{
		Host: c.proxy.host, Path: c.proxy.path, Cookie: or(c.proxy.cookie, c.cookie),
		MaxAge: time.Duration(c.proxy.maxAge), MaxEntries: c.proxy.maxEntries, Resources: c.proxy.resources,
	}
	const group = "webauthn_proxy_config."
	at, err := url.Parse("https://" + p.Host)
	if err != nil || p.Host == "" || at.Host != p.Host || at.User != nil {
		c.report.errorf("%ssession_host %q must be the name of a host, perhaps with a port", group, p.Host)
		return p
	}
	if !strings.HasPrefix(p.Path, "/") || strings.ContainsAny(p.Path, "?#") {
		c.report.errorf("%ssession_path %q must be a path", group, p.Path)
	}
	if p.MaxEntries <= 0 {
		c.report.errorf("%ssession_cache_max_entries must be a positive number", group)
	}
	switch c.proxy.verify {
	case "":
		p.Verify = at.Hostname() != "localhost"
	case "true", "false":
		p.Verify = c.proxy.verify == "true"
	default:
		p.Verify, p.Authorities = true, string(c.proxy.verify)
	}
	return p
}

func or(first, second string) string {
	if first == "" {
		return second
	}
	return first
}
