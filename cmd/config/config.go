// Package config reads what an operator wants of the server: the defaults, then a
// hatrac_config.json, then the environment, each over the one before.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/knadh/koanf/parsers/json"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// DefaultData is the folder of the embedded store, if nothing else is said.
const DefaultData = "hatrac-data"

// envPrefix begins the environment variables that set keys: HATRAC_STORAGE_PATH sets
// storage_path.
const envPrefix = "HATRAC_"

// Config is the whole configuration, checked and with defaults filled in.
type Config struct {
	// ServicePrefix is the first part of every URL of the API: a slash and segments.
	ServicePrefix string
	// DatabaseType is "sqlite" or "postgres".
	DatabaseType string
	// Database is the path of the SQLite database file, or the connection string of
	// PostgreSQL.
	Database string
	// DatabaseSchema is the schema that holds the tables in PostgreSQL.
	DatabaseSchema string
	// DatabaseRetries is how often a transaction is tried again in PostgreSQL.
	DatabaseRetries int
	// StoragePath is the folder of the content.
	StoragePath string
	// MaxRequestPayload is the largest request body in bytes.
	MaxRequestPayload int64
	// Bare are the characters that may stand unescaped in URLs.
	Bare *store.BareCharacters
	// Firewall gates changes.
	Firewall acl.Firewall
	// DeletedRetention is how long the content of what was deleted is kept.
	DeletedRetention time.Duration
	// SessionLifetime is how long a session lasts after its last extension.
	SessionLifetime time.Duration
	// CookieName is the name of the session cookie; SecureCookie marks it for TLS alone.
	CookieName   string
	SecureCookie bool
	// SessionPath is a second path at which sessions are served; empty: there is none.
	SessionPath string
	// UploadExpiration is how long an upload in chunks lasts that nobody goes on with.
	UploadExpiration time.Duration
	// AllowedOrigins are the origins whose pages may use the API (CORS).
	AllowedOrigins []string
	// TrustedProxies are the addresses or networks of reverse proxies that are believed.
	TrustedProxies []string
	// ErrorTemplates are the texts of errors: by status or "default", and media type.
	ErrorTemplates map[string]map[string]string
}

// raw is the configuration as it is written.
type raw struct {
	Comment           any      `koanf:"comment"`
	ServicePrefix     string   `koanf:"service_prefix"`
	DatabaseType      string   `koanf:"database_type"`
	DatabaseDSN       string   `koanf:"database_dsn"`
	DatabaseName      string   `koanf:"database_name"`
	DatabaseSchema    string   `koanf:"database_schema"`
	DatabaseRetries   int      `koanf:"database_max_retries"`
	StorageBackend    string   `koanf:"storage_backend"`
	StoragePath       string   `koanf:"storage_path"`
	MaxRequestPayload int64    `koanf:"max_request_payload_size"`
	Bare              string   `koanf:"allowed_url_char_class"`
	ReadOnly          bool     `koanf:"read_only"`
	Firewall          firewall `koanf:"firewall_acls"`
	DeletedRetention  string   `koanf:"deleted_retention"`
	SessionMinutes    float64  `koanf:"session_expiration_minutes"`
	CookieName        string   `koanf:"web_cookie_name"`
	SecureCookie      bool     `koanf:"web_cookie_secure"`
	SessionPath       string   `koanf:"handler_uri_usersession"`
	UploadExpiration  string   `koanf:"upload_expiration"`
	AllowedOrigins    []string `koanf:"allowed_origins"`
	TrustedProxies    []string `koanf:"trusted_proxies"`

	ErrorTemplates map[string]map[string]string `koanf:"error_templates"`
}

type firewall struct {
	Comment        any       `koanf:"comment"`
	Create         *[]string `koanf:"create"`
	Delete         *[]string `koanf:"delete"`
	ManageACLs     *[]string `koanf:"manage_acls"`
	ManageACL      *[]string `koanf:"manage_acl"`
	ManageMetadata *[]string `koanf:"manage_metadata"`
}

// known are the keys that can be set, nested ones with a dot.
var known = []string{
	"allowed_origins", "allowed_url_char_class", "database_dsn", "database_max_retries",
	"database_name", "database_schema", "database_type", "deleted_retention",
	"firewall_acls", "firewall_acls.create", "firewall_acls.delete", "firewall_acls.manage_acl",
	"firewall_acls.manage_acls", "firewall_acls.manage_metadata", "handler_uri_usersession",
	"max_request_payload_size", "read_only", "service_prefix", "session_expiration_minutes",
	"storage_backend", "storage_path", "trusted_proxies", "upload_expiration", "web_cookie_name",
	"web_cookie_secure",
}

// open are keys below which any key may stand.
var open = []string{"error_templates."}

func defaults() raw {
	return raw{
		ServicePrefix:     "/hatrac",
		DatabaseType:      "sqlite",
		DatabaseSchema:    "hatrac",
		DatabaseRetries:   5,
		StorageBackend:    "filesystem",
		StoragePath:       "/var/www/hatrac",
		MaxRequestPayload: 128 << 20,
		UploadExpiration:  "168h",
		SessionMinutes:    30,
		CookieName:        "webauthn",
	}
}

// ForData returns the configuration of an embedded store: everything in one folder. The
// environment counts, but for where things are.
func ForData(dir string) (*Config, error) {
	k, err := withEnvironment(koanf.New("."))
	if err != nil {
		return nil, err
	}
	r := defaults()
	if err := k.Unmarshal("", &r); err != nil {
		return nil, malformed(err)
	}
	r.DatabaseType, r.StorageBackend = "sqlite", "filesystem"
	r.DatabaseDSN = filepath.Join(dir, "hatrac.db")
	r.StoragePath = filepath.Join(dir, "content")
	return r.check()
}

// Load reads a configuration file. Its errors are sentences that name the file or the key.
func Load(path string) (*Config, error) {
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), json.Parser()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no configuration file %s", path)
		}
		return nil, fmt.Errorf("the configuration file %s cannot be read: %w", path, err)
	}
	for _, key := range k.Keys() {
		if !slices.Contains(known, key) && !isOpen(key) && key != "comment" && !strings.HasSuffix(key, ".comment") {
			return nil, fmt.Errorf("the configuration file %s has an unknown key %q", path, key)
		}
	}
	if _, err := withEnvironment(k); err != nil {
		return nil, err
	}
	r := defaults()
	if err := k.Unmarshal("", &r); err != nil {
		return nil, malformed(err)
	}
	return r.check()
}

func isOpen(key string) bool {
	return slices.ContainsFunc(open, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

func withEnvironment(k *koanf.Koanf) (*koanf.Koanf, error) {
	provider := env.Provider(".", env.Opt{
		Prefix: envPrefix,
		TransformFunc: func(name, value string) (string, any) {
			key := strings.ToLower(strings.TrimPrefix(name, envPrefix))
			if !slices.Contains(known, key) || key == "firewall_acls" {
				return "", nil
			}
			return key, value
		},
	})
	return k, malformed(k.Load(provider, nil))
}

func malformed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the configuration is malformed: %w", err)
}
