package config

import (
	"maps"
	"slices"
	"strings"
)

// webauthn2Keys are the keys of a webauthn2_config.json with the keys that they mean here; those
// without have no meaning for this server.
var webauthn2Keys = map[string]string{
	"database_dsn": "session_tables.database_dsn", "database_name": "session_tables.database_dsn",
	"database_schema": "session_tables.database_schema", "extend_session": "session_tables.extend_session",
	"session_expiration_minutes": "session_expiration_minutes",
	"web_cookie_name":            "web_cookie_name", "web_cookie_secure": "web_cookie_secure",
	"handler_uri_usersession": "handler_uri_usersession", "default_logout_path": "default_logout_path",

	"attributes_provider": "", "clients_provider": "", "comment": "", "database_login_form": "",
	"database_max_retries": "", "database_type": "", "def_passwd_len": "", "hash_passwd_reps": "",
	"listattributes_permit": "", "listusers_permit": "", "logout_no_session_path": "",
	"manageattributes_permit": "", "manageusers_permit": "", "preauth_provider": "",
	"require_attributes": "", "require_client": "", "sessionids_provider": "",
	"sessionstates_provider": "", "setheader": "", "tracking_cookie_name": "",
	"web_cookie_domain": "", "web_cookie_path": "",
}

// withWebauthn2 returns the settings with those of the webauthn2_config.json that they name,
// where they say nothing themselves.
func (r *reader) withWebauthn2(all layer) layer {
	path, _ := all["webauthn2_config"].(string)
	if path == "" {
		return all
	}
	document, err := readDocument(path)
	if err != nil {
		r.report.errorf("webauthn2_config: %v", err)
		return all
	}
	own := r.webauthn2(path, document)
	return join([]layer{own, all})
}

// webauthn2 translates the settings of a webauthn2_config.json. What is not understood there is
// only warned about.
func (r *reader) webauthn2(path string, document map[string]any) layer {
	l := make(layer)
	for _, name := range slices.Sorted(maps.Keys(document)) {
		own, known := webauthn2Keys[name]
		switch {
		case !known:
			r.report.warnf("%s: the key %q is not known and does nothing", path, name)
		case own == "" || document[name] == nil:
		case name == "database_name" && document["database_dsn"] != nil:
		default:
			l[own] = document[name]
		}
	}
	if kind, given := document["sessionstates_provider"]; given && kind != "database" {
		r.report.warnf("%s: sessionstates_provider %v is not database: there is no session table to read", path, kind)
		delete(l, "session_tables.database_dsn")
	}
	if kind, given := document["sessionids_provider"]; given && kind != "webcookie" {
		r.report.warnf("%s: sessionids_provider %v is not webcookie: sessions are looked for in the cookie alone", path, kind)
	}
	if kind, given := document["database_type"].(string); given && !strings.HasPrefix(kind, "postgres") {
		r.report.errorf("%s: database_type %q is not supported: session tables are in PostgreSQL", path, kind)
	}
	return l
}

// Webauthn2Tables returns where the tables of the sister service are that a
// webauthn2_config.json configures.
func Webauthn2Tables(path string) (Tables, error) {
	v := defaults()
	r := &reader{table: v.keys(), report: new(Report)}
	document, err := readDocument(path)
	if err != nil {
		return Tables{}, err
	}
	r.apply(r.webauthn2(path, document))
	if v.tables.dsn == "" {
		r.report.errorf("%s has no database_dsn", path)
	}
	return Tables{DSN: v.tables.dsn, Schema: v.tables.schema}, r.report.Err()
}
