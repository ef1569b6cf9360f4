package config

import (
	"slices"
	"strings"
	"time"
)

// values are the settings as they are written, before they are checked against each other.
type values struct {
	servicePrefix, databaseType, databaseDSN, databaseSchema string
	databaseRetries                                          int
	databaseNotify                                           bool
	storageBackend, storagePath                              string
	s3, s3Connection, errorTemplates                         tree
	s3Bucket, s3Prefix                                       string
	overlay                                                  list
	maxPayload                                               int64
	bare                                                     string
	create, remove, manageACLs, manageMetadata               gate
	readOnly                                                 bool
	retention, uploadExpiration, sweepGrace, sweepInterval   time.Duration
	syncInterval                                             time.Duration
	inlineLimit                                              int
	mountCache                                               int64
	mountSpool, mountDisk                                    string
	mountDiskSize                                            int64
	listen, tlsCert, tlsKey, auditLog                        string
	allowedOrigins, trustedProxies                           []string
	userTable, groupTable                                    tree

	providers                          []string
	sessionLifetime                    minutes
	cookie, sessionPath                string
	secureCookie                       bool
	loginURL, logoutURL, webauthn2File string
	proxy                              proxyValues
	tables                             tableValues
}

type proxyValues struct {
	host, path, cookie string
	maxAge             seconds
	maxEntries         int
	verify             truthOrText
	resources          []string
}

type tableValues struct {
	dsn, schema, cookie string
	lifetime            minutes
	extend              bool
}

// key is one setting: what it is called, what it means, and where its value goes.
type key struct {
	// name is that in a file; names below a key are joined to it by a dot.
	name string
	doc  string
	into any
	// secret values are not shown, and can be read from a file named by the key with _file.
	secret bool
	// old are names that old files have for the key. They count if the name itself is not
	// given, or, with oldWins, in any case.
	old     []string
	oldWins bool
	// place marks where a store is, which --data says.
	place bool
	// option is the name of the flag, if it is not made from the name.
	option string
}

// fileSuffix follows the name of a secret key where a file holds the value.
const fileSuffix = "_file"

// flag is the name of the key on a command line.
func (k key) flag() string {
	if k.option != "" {
		return k.option
	}
	return strings.NewReplacer("_", "-", ".", "-").Replace(k.name)
}

// env is the name of the key in the environment.
func (k key) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(k.name, ".", "__"))
}

func defaults() *values {
	return &values{
		servicePrefix: "/hatrac", databaseType: "sqlite", databaseSchema: "hatrac", databaseRetries: 5,
		databaseNotify: true,
		storageBackend: "filesystem", storagePath: defaultStoragePath, maxPayload: 128 << 20,
		uploadExpiration: 168 * time.Hour, sweepGrace: 24 * time.Hour, sweepInterval: time.Hour,
		syncInterval: time.Second, mountCache: 256 << 20, mountDiskSize: 10 << 30,
		inlineLimit: 4 << 10, listen: "127.0.0.1:8080",
		sessionLifetime: minutes(30 * time.Minute), cookie: "webauthn", logoutURL: "/",
		proxy: proxyValues{
			host: "localhost", path: "/authn/session", maxAge: seconds(time.Minute), maxEntries: 10000,
			resources: []string{"urn:deriva:rest:service:all"},
		},
		tables: tableValues{schema: "webauthn2", extend: true},
	}
}

// keys is the one table of settings. Files, the environment, flags, their documentation and
// what config show prints all come from it.
func (v *values) keys() []key {
	return slices.Concat(v.storeKeys(), v.serverKeys(), v.sessionKeys())
}

func (v *values) storeKeys() []key {
	return []key{
		{name: "database_type", into: &v.databaseType, place: true, doc: "sqlite or postgres"},
		{name: "database_dsn", into: &v.databaseDSN, place: true, secret: true, old: []string{"database_name"}, doc: "the path of the SQLite file, or the connection string of PostgreSQL"},
		{name: "database_schema", into: &v.databaseSchema, place: true, doc: "the schema with the tables in PostgreSQL"},
		{name: "database_max_retries", into: &v.databaseRetries, doc: "how often a transaction is tried again after a conflict or a lost connection"},
		{name: "database_notify", into: &v.databaseNotify, doc: "tell other processes on the same PostgreSQL at once of changed lists and of moved or deleted namespaces"},
		{name: "storage_backend", into: &v.storageBackend, place: true, old: []string{"backend"}, doc: "where content is: filesystem, amazons3 or overlay"},
		{name: "storage_path", into: &v.storagePath, place: true, doc: "the folder of the content, with filesystem"},
		{name: "s3_config", into: &v.s3, place: true, doc: "the buckets and sessions, with amazons3"},
		{name: "s3_bucket", into: &v.s3Bucket, place: true, doc: "the one bucket of the oldest form of configuration"},
		{name: "s3_object_prefix", into: &v.s3Prefix, place: true, doc: "what the keys of s3_bucket begin with"},
		{name: "s3_connection", into: &v.s3Connection, place: true, doc: "the credentials of s3_bucket"},
		{name: "overlay_backends", into: &v.overlay, place: true, doc: "backend configurations, with overlay: the first is written, all are read in this order"},
		{name: "inline_limit", into: &v.inlineLimit, doc: "content up to this many bytes is kept in the database; 0: none"},
		{name: "deleted_retention", into: &v.retention, doc: "how long the content of what was deleted is kept and can be restored"},
		{name: "upload_expiration", into: &v.uploadExpiration, doc: "how long an upload in chunks lasts that nobody goes on with"},
		{name: "sweep_grace", into: &v.sweepGrace, doc: "the age at which content that belongs to nothing is garbage; it must be longer than the longest upload"},
		{name: "sweep_interval", into: &v.sweepInterval, doc: "the time between two looks for garbage"},
		{name: "sync_interval", into: &v.syncInterval, doc: "how long what was closed in a mount may wait to be durable; 0: close waits for the disk"},
		{name: "mount_cache_size", into: &v.mountCache, doc: "how many bytes a mount keeps in memory of content that is not on a file system of this machine"},
		{name: "mount_disk_cache_path", into: &v.mountDisk, doc: "the folder where a mount keeps content that it has read from elsewhere, also for its next start; empty: nowhere"},
		{name: "mount_disk_cache_size", into: &v.mountDiskSize, doc: "how many bytes of mount_disk_cache_path are used at most"},
		{name: "mount_spool_path", into: &v.mountSpool, doc: "the folder where a mount keeps what is being written, if the content is not on a file system of this machine; by default spool/KEY in /var/lib/hatrac, or in ~/.local/state/hatrac for a user other than root"},
	}
}

func (v *values) serverKeys() []key {
	return []key{
		{name: "listen", into: &v.listen, doc: "the address to listen on; port 0 takes a free one"},
		{name: "tls_cert", into: &v.tlsCert, doc: "serve HTTPS with the certificate chain in this PEM file"},
		{name: "tls_key", into: &v.tlsKey, doc: "the private key of tls_cert, a PEM file"},
		{name: "service_prefix", into: &v.servicePrefix, doc: "the first part of all URLs of the store"},
		{name: "trusted_proxies", into: &v.trustedProxies, doc: "addresses or networks of reverse proxies that are believed"},
		{name: "allowed_origins", into: &v.allowedOrigins, doc: "origins of web applications that may use the API (CORS)"},
		{name: "max_request_payload_size", into: &v.maxPayload, doc: "the largest body of a request in bytes"},
		{name: "allowed_url_char_class", into: &v.bare, doc: "more characters that may stand bare in names: a class of a regular expression"},
		{name: "read_only", into: &v.readOnly, option: "store-read-only", doc: "close the gates below that are not configured"},
		{name: "firewall_acls.create", into: &v.create, doc: "who may create at all"},
		{name: "firewall_acls.delete", into: &v.remove, doc: "who may delete at all"},
		{name: "firewall_acls.manage_acls", into: &v.manageACLs, old: []string{"firewall_acls.manage_acl"}, oldWins: true, doc: "who may change access control lists at all"},
		{name: "firewall_acls.manage_metadata", into: &v.manageMetadata, doc: "who may change metadata at all"},
		{name: "error_templates", into: &v.errorTemplates, doc: "texts of errors by status, or default, and content type"},
		{name: "map_users.users", into: &v.userTable, doc: "clients by the names or numbers of users of this machine, for --map-users; others are the account of their name, or anonymous"},
		{name: "map_users.groups", into: &v.groupTable, doc: "a role, or a list of roles, by the names or numbers of groups of this machine, for --map-users"},
		{name: "audit_log", into: &v.auditLog, doc: "the file for one line of JSON per change; - is standard output, empty: the log"},
	}
}

func (v *values) sessionKeys() []key {
	const proxy, tables = "webauthn_proxy_config.", "session_tables."
	return []key{
		{name: "session_providers", into: &v.providers, doc: "who knows clients, in this order: accounts, session_tables, session_proxy"},
		{name: "session_expiration_minutes", into: &v.sessionLifetime, doc: "how long a session lasts after it was last extended"},
		{name: "web_cookie_name", into: &v.cookie, doc: "the name of the session cookie"},
		{name: "web_cookie_secure", into: &v.secureCookie, doc: "send the cookie over TLS alone, also where a request came without"},
		{name: "handler_uri_usersession", into: &v.sessionPath, doc: "a second path for sessions, besides /authn/session"},
		{name: "login_url", into: &v.loginURL, doc: "where people log in, if there are no accounts here"},
		{name: "default_logout_path", into: &v.logoutURL, doc: "where people go after their logout"},
		{name: "webauthn2_config", into: &v.webauthn2File, doc: "a webauthn2_config.json, whose settings count where this configuration says nothing"},
		{name: tables + "database_dsn", into: &v.tables.dsn, secret: true, doc: "the PostgreSQL with the session table of a sister service"},
		{name: tables + "database_schema", into: &v.tables.schema, doc: "the schema of that table"},
		{name: tables + "web_cookie_name", into: &v.tables.cookie, doc: "the cookie of those sessions; empty: web_cookie_name"},
		{name: tables + "session_expiration_minutes", into: &v.tables.lifetime, doc: "how long use extends those sessions; 0: session_expiration_minutes"},
		{name: tables + "extend_session", into: &v.tables.extend, doc: "whether use extends those sessions"},
		{name: proxy + "session_host", into: &v.proxy.host, doc: "the host, with a port if need be, that knows the sessions"},
		{name: proxy + "session_path", into: &v.proxy.path, doc: "the path of sessions there"},
		{name: proxy + "web_cookie_name", into: &v.proxy.cookie, doc: "the cookie of those sessions; empty: web_cookie_name"},
		{name: proxy + "session_cache_max_age_s", into: &v.proxy.maxAge, doc: "how long an answer counts; 0: once"},
		{name: proxy + "session_cache_max_entries", into: &v.proxy.maxEntries, doc: "how many answers are kept"},
		{name: proxy + "session_https_verify", into: &v.proxy.verify, doc: "whether the certificate of the host is checked: true, false, or a file with authorities; empty: unless the host is localhost"},
		{name: proxy + "session_resource_ids", into: &v.proxy.resources, doc: "the resources that sessions are asked for"},
	}
}
