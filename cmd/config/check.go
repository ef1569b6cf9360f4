package config

import (
	"regexp"
	"strings"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// checker makes a Config of what was written.
type checker struct {
	*values
	*reader
	given layer
}

// config returns the Config, of which nothing counts if an error was reported.
func (c *checker) config() *Config {
	c.checkDatabase()
	c.checkNumbers()
	return &Config{
		ServicePrefix:      c.prefix(),
		DatabaseType:       c.databaseType,
		Database:           c.databaseDSN,
		DatabaseSchema:     c.databaseSchema,
		DatabaseRetries:    c.databaseRetries,
		DatabaseNotify:     c.databaseNotify,
		Storage:            c.storage(),
		InlineLimit:        c.inlineLimit,
		SweepGrace:         c.sweepGrace,
		SweepInterval:      c.sweepInterval,
		SyncInterval:       c.syncInterval,
		MountCache:         c.mountCache,
		MountSpool:         c.mountSpool,
		MountDiskCache:     c.mountDisk,
		MountDiskCacheSize: c.mountDiskSize,
		DeletedRetention:   c.retention,
		UploadExpiration:   c.uploadExpiration,
		Listen:             c.listen,
		TLSCert:            c.tlsCert,
		TLSKey:             c.tlsKey,
		MaxRequestPayload:  c.maxPayload,
		Bare:               c.bareCharacters(),
		Firewall:           c.firewall(),
		AllowedOrigins:     c.allowedOrigins,
		TrustedProxies:     c.trustedProxies,
		ErrorTemplates:     c.templates(),
		AuditLog:           c.auditLog,
		MapUsers:           c.mapUsers(),
		Sessions:           c.sessions(),
		values:             c.values,
	}
}

func (c *checker) checkDatabase() {
	if c.databaseType != "sqlite" && c.databaseType != "postgres" {
		c.report.errorf("database_type %q is not supported: it is sqlite or postgres", c.databaseType)
	}
	if c.databaseDSN == "" {
		c.report.errorf("database_dsn is missing: the path of the SQLite file, or the connection string of PostgreSQL")
	}
	if c.databaseRetries < 0 {
		c.report.errorf("database_max_retries cannot be negative")
	}
}

// minCache is the least that a mount needs in memory to read content that lies elsewhere.
const minCache = 2 << 20

// minDiskCache is the least that a cache on disk is worth while with.
const minDiskCache = 16 << 20

// maxInline is the most that the database can be asked to keep of one object.
const maxInline = 1 << 20

func (c *checker) checkNumbers() {
	if c.maxPayload <= 0 {
		c.report.errorf("max_request_payload_size must be a positive number of bytes")
	}
	if c.mountCache < minCache {
		c.report.errorf("mount_cache_size must be a number of bytes, at least %d", minCache)
	}
	if c.mountDiskSize < minDiskCache {
		c.report.errorf("mount_disk_cache_size must be a number of bytes, at least %d", minDiskCache)
	}
	if c.inlineLimit < 0 || c.inlineLimit > maxInline {
		c.report.errorf("inline_limit must be a number of bytes, at most %d", maxInline)
	}
	for _, length := range []struct {
		key string
		time.Duration
	}{
		{"sweep_grace", c.sweepGrace}, {"sweep_interval", c.sweepInterval}, {"upload_expiration", c.uploadExpiration},
	} {
		if length.Duration <= 0 {
			c.report.errorf("%s must be longer than nothing", length.key)
		}
	}
	if c.syncInterval < 0 {
		c.report.errorf("sync_interval must not be negative")
	}
	if (c.tlsCert == "") != (c.tlsKey == "") {
		c.report.errorf("tls_cert and tls_key must be given together")
	}
}

func (c *checker) prefix() string {
	prefix, err := store.ParsePath(c.servicePrefix, nil)
	if err != nil || !strings.HasPrefix(c.servicePrefix, "/") {
		c.report.errorf("service_prefix %q must be a slash and plain segments", c.servicePrefix)
	}
	return string(prefix)
}

// bareCharacters returns the bytes that a character class of a regular expression matches, besides
// those that may always stand bare: the server itself writes them so.
func (c *checker) bareCharacters() *store.BareCharacters {
	bare := store.DefaultBareCharacters()
	if c.bare == "" {
		return bare
	}
	re, err := regexp.Compile("^" + c.bare + "$")
	if err != nil || !strings.HasPrefix(c.bare, "[") || !strings.HasSuffix(c.bare, "]") {
		c.report.errorf("allowed_url_char_class %q must be one character class of a regular expression", c.bare)
		return bare
	}
	for b := byte('!'); b <= '~'; b++ {
		if !strings.ContainsRune("/%?#:;", rune(b)) && re.MatchString(string(rune(b))) {
			bare[b] = true
		}
	}
	return bare
}

// firewall returns the gates; those that are not configured are open, or closed if the store is
// read-only.
func (c *checker) firewall() acl.Firewall {
	or := func(configured gate) acl.List {
		switch {
		case configured != nil:
			return acl.List(configured)
		case c.readOnly:
			return acl.List{}
		}
		return acl.List{acl.Everybody}
	}
	return acl.Firewall{
		Create:         or(c.create),
		Delete:         or(c.remove),
		ManageACLs:     or(c.manageACLs),
		ManageMetadata: or(c.manageMetadata),
	}
}
