// Package config reads what an operator wants of the server: the defaults, then a
// webauthn2_config.json, a hatrac_config.json, the environment and the command line, each over
// the one before.
package config

import (
	"path/filepath"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// DefaultData is the folder of the embedded store, if nothing else is said.
const DefaultData = "hatrac-data"

// envPrefix begins the environment variables that set keys: HATRAC_STORAGE_PATH sets
// storage_path, HATRAC_FIREWALL_ACLS__CREATE sets create below firewall_acls.
const envPrefix = "HATRAC_"

// The variables that say what is read, like the flags --config and --data.
const (
	envConfig = envPrefix + "CONFIG"
	envData   = envPrefix + "DATA"
)

var reserved = []string{envConfig, envData}

// Config is the whole configuration, checked and with defaults filled in.
type Config struct {
	// Data is the folder of an embedded store, which holds everything; empty: the store is
	// elsewhere. File is the file that was read, or empty.
	Data, File string
	// ServicePrefix is the first part of every URL of the API: a slash and segments.
	ServicePrefix string
	// DatabaseType is "sqlite" or "postgres".
	DatabaseType string
	// Database is the path of the SQLite database file, or the connection string of
	// PostgreSQL.
	Database string
	// DatabaseSchema is the schema that holds the tables in PostgreSQL.
	DatabaseSchema string
	// DatabaseNotify tells other processes on the same PostgreSQL of rare changes.
	DatabaseNotify bool
	// DatabaseRetries is how often a transaction is tried again in PostgreSQL.
	DatabaseRetries int
	// Storage is where content is.
	Storage Storage
	// InlineLimit is the size up to which content is kept in the database; 0: none is.
	InlineLimit int
	// SyncInterval is how long what was closed in a mount may wait to be durable; 0: not at all.
	SyncInterval time.Duration
	// MountCache is how many bytes a mount keeps in memory of content that lies elsewhere,
	// MountSpool its folder for drafts then, or empty for the usual one.
	MountCache int64
	MountSpool string
	// MountDiskCache is the folder where a mount keeps such content on disk, or empty, and
	// MountDiskCacheSize how many bytes that may take.
	MountDiskCache     string
	MountDiskCacheSize int64
	// SweepGrace is the age of garbage, SweepInterval the time between two looks for it.
	SweepGrace, SweepInterval time.Duration
	// DeletedRetention is how long the content of what was deleted is kept.
	DeletedRetention time.Duration
	// UploadExpiration is how long an upload in chunks lasts that nobody goes on with.
	UploadExpiration time.Duration

	// Listen is the address to listen on, TLSCert and TLSKey the files for HTTPS or empty.
	Listen, TLSCert, TLSKey string
	// MaxRequestPayload is the largest request body in bytes.
	MaxRequestPayload int64
	// Bare are the characters that may stand unescaped in URLs.
	Bare *store.BareCharacters
	// Firewall gates changes.
	Firewall acl.Firewall
	// AllowedOrigins are the origins whose pages may use the API (CORS).
	AllowedOrigins []string
	// TrustedProxies are the addresses or networks of reverse proxies that are believed.
	TrustedProxies []string
	// ErrorTemplates are the texts of errors: by status or "default", and media type.
	ErrorTemplates map[string]map[string]string
	// AuditLog is the file of the audit log, "-" for standard output, empty for the log.
	AuditLog string

	// MapUsers says who the users of this machine are, in a mount of many.
	MapUsers MapUsers

	// Sessions says who knows clients.
	Sessions Sessions

	values *values // as it is written, for Show
}

// Source says what is read.
type Source struct {
	// File is a hatrac_config.json; empty: none. Data is the folder of an embedded store, where
	// everything is, whatever the environment says; empty: DefaultData, or what the environment
	// says, if there is no file. At most one of them is given.
	File, Data string
	// Environ are the variables of the environment, like those of os.Environ.
	Environ []string
	// Flags are words of the command line by the names of the keys that they set.
	Flags map[string]string
}

// Read reads a configuration. The report has all that is wrong with it; if that keeps it from
// being used, there is no Config.
func Read(src Source) (*Config, *Report) {
	v := defaults()
	r := &reader{table: v.keys(), report: new(Report)}
	if src.File == "" && src.Data == "" {
		src.File, src.Data = lookup(src.Environ, envConfig), lookup(src.Environ, envData)
	}
	var layers []layer
	if src.File != "" {
		l := r.file(src.File)
		if l == nil { // what else is wrong follows from that
			return nil, r.report
		}
		layers = append(layers, l)
	}
	environment := r.environment(src.Environ)
	flags := r.flags(src.Flags)
	if src.File == "" && src.Data != "" {
		r.dropPlaces(environment)
	}
	layers = append(layers, environment, flags)
	for _, l := range layers {
		r.settle(l)
	}
	all := join(layers)
	data := ""
	if src.File == "" {
		data = embed(all, v, src.Data)
	}
	all = r.withWebauthn2(all)
	r.apply(all)
	c := checker{values: v, given: all, reader: r}
	cfg := c.config()
	if len(r.report.Errors) > 0 {
		return nil, r.report
	}
	cfg.Data, cfg.File = data, src.File
	return cfg, r.report
}

// Keys returns the keys with their documentation, in the order of the table.
func Keys() []Key {
	var list []Key
	for _, k := range defaults().keys() {
		list = append(list, Key{
			Name: k.name, Doc: k.doc, Type: kindOf(k.into), Default: written(k.into),
			Flag: k.flag(), Env: k.env(), Scalar: scalar(k.into), Secret: k.secret, Old: k.old,
		})
	}
	return list
}

// Key describes one setting.
type Key struct {
	// Name is that in the file, with a dot between those of a structure and of what is in it.
	Name string
	// Doc says what it means, Type what its values are.
	Doc, Type string
	// Default is the value that counts where none is given, as it is written in a file.
	Default any
	// Flag is the name on the command line, without hyphens before it; only Scalar keys have
	// one. Env is the name in the environment.
	Flag, Env string
	Scalar    bool
	// Secret values are not shown and can come from a file.
	Secret bool
	// Old are other names.
	Old []string
}

// flags reads the words of the command line.
func (r *reader) flags(words map[string]string) layer {
	l := make(layer)
	for name, word := range words {
		k, ok := r.find(name)
		if !ok {
			r.report.unknown(name, r.names(""))
			continue
		}
		v, err := fromText(k.into, word)
		if err != nil {
			r.report.errorf("--%s must be JSON", k.flag())
			continue
		}
		l[name] = v
	}
	return l
}

// dropPlaces forgets where the environment says that things are.
func (r *reader) dropPlaces(l layer) {
	for name := range l {
		if k, ok := r.find(name); ok && k.place {
			delete(l, name)
		}
	}
}

// join lays layers over each other, the last one on top.
func join(layers []layer) layer {
	all := make(layer)
	for _, l := range layers {
		for name, v := range l {
			if patch, ok := v.(merged); ok {
				v = patch.onto(all[name])
			}
			all[name] = v
		}
	}
	return all
}

// embed puts the store into a folder, as far as nothing else is said, and returns the folder if
// the database is in it.
func embed(all layer, v *values, dir string) string {
	if dir == "" {
		dir = DefaultData
	}
	kind, given := all["database_type"]
	if _, elsewhere := all["database_dsn"]; elsewhere || given && kind != v.databaseType {
		return ""
	}
	all["database_dsn"] = filepath.Join(dir, "hatrac.db")
	if _, given := all["storage_path"]; !given {
		all["storage_path"] = filepath.Join(dir, "content")
	}
	return dir
}

// apply puts the values to their places.
func (r *reader) apply(all layer) {
	for _, k := range r.table {
		v, given := all[k.name]
		if !given || v == nil {
			continue
		}
		if err := assign(k.into, v); err != nil {
			r.report.errorf("%s %v", k.name, err)
		}
	}
}

func lookup(environ []string, name string) string {
	for _, variable := range environ {
		if len(variable) > len(name) && variable[:len(name)] == name && variable[len(name)] == '=' {
			return variable[len(name)+1:]
		}
	}
	return ""
}
