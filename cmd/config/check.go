package config

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// check makes a Config of what was written, or says which key is wrong.
func (r raw) check() (*Config, error) {
	if r.DatabaseDSN == "" {
		r.DatabaseDSN = r.DatabaseName // what old files call it
	}
	switch {
	case r.DatabaseType != "sqlite" && r.DatabaseType != "postgres":
		return nil, fmt.Errorf("database_type %q is not supported; this release has sqlite and postgres", r.DatabaseType)
	case r.StorageBackend != "filesystem":
		return nil, fmt.Errorf("storage_backend %q is not supported; this release has filesystem", r.StorageBackend)
	case r.DatabaseDSN == "":
		return nil, fmt.Errorf("database_dsn is missing: the path of the SQLite file, or the connection string of PostgreSQL")
	case r.DatabaseRetries < 0:
		return nil, fmt.Errorf("database_max_retries cannot be negative")
	case r.MaxRequestPayload <= 0:
		return nil, fmt.Errorf("max_request_payload_size must be a positive number of bytes")
	case r.SessionMinutes <= 0:
		return nil, fmt.Errorf("session_expiration_minutes must be a positive number")
	case !regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$").MatchString(r.CookieName):
		return nil, fmt.Errorf("web_cookie_name %q cannot be the name of a cookie", r.CookieName)
	}
	prefix, err := store.ParsePath(r.ServicePrefix, nil)
	if err != nil || !strings.HasPrefix(r.ServicePrefix, "/") {
		return nil, fmt.Errorf("service_prefix %q must be a slash and plain segments", r.ServicePrefix)
	}
	bare, err := bareCharacters(r.Bare)
	if err != nil {
		return nil, err
	}
	retention, err := duration("deleted_retention", r.DeletedRetention)
	if err != nil {
		return nil, err
	}
	expiration, err := duration("upload_expiration", r.UploadExpiration)
	if err != nil {
		return nil, err
	}
	return &Config{
		ServicePrefix:     string(prefix),
		DatabaseType:      r.DatabaseType,
		Database:          r.DatabaseDSN,
		DatabaseSchema:    r.DatabaseSchema,
		DatabaseRetries:   r.DatabaseRetries,
		StoragePath:       r.StoragePath,
		MaxRequestPayload: r.MaxRequestPayload,
		Bare:              bare,
		Firewall:          r.Firewall.lists(r.ReadOnly),
		DeletedRetention:  retention,
		SessionLifetime:   time.Duration(r.SessionMinutes * float64(time.Minute)),
		CookieName:        r.CookieName,
		SecureCookie:      r.SecureCookie,
		SessionPath:       r.SessionPath,
		UploadExpiration:  expiration,
		AllowedOrigins:    r.AllowedOrigins,
		TrustedProxies:    r.TrustedProxies,
		ErrorTemplates:    r.ErrorTemplates,
	}, nil
}

// duration reads a length of time; an empty text is none.
func duration(key, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s %q must be a duration such as 720h", key, text)
	}
	return d, nil
}

// bareCharacters returns the bytes that a character class of a regular expression matches.
func bareCharacters(class string) (*store.BareCharacters, error) {
	bare := store.DefaultBareCharacters()
	if class == "" {
		return bare, nil
	}
	re, err := regexp.Compile("^" + class + "$")
	if err != nil || !strings.HasPrefix(class, "[") || !strings.HasSuffix(class, "]") {
		return nil, fmt.Errorf("allowed_url_char_class %q must be one character class of a regular expression", class)
	}
	for b := byte('!'); b <= '~'; b++ {
		if !strings.ContainsRune("/%?#:;", rune(b)) {
			bare[b] = re.MatchString(string(rune(b)))
		}
	}
	return bare, nil
}

// lists returns the gates; those that are not configured are open, or closed if readOnly.
func (f firewall) lists(readOnly bool) acl.Firewall {
	open := acl.List{acl.Everybody}
	if readOnly {
		open = acl.List{}
	}
	or := func(set ...*[]string) acl.List {
		for _, list := range set {
			if list != nil {
				return *list
			}
		}
		return open
	}
	return acl.Firewall{
		Create:         or(f.Create),
		Delete:         or(f.Delete),
		ManageACLs:     or(f.ManageACL, f.ManageACLs),
		ManageMetadata: or(f.ManageMetadata),
	}
}
