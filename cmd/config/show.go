package config

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
)

// mask stands for a secret that is not shown.
const mask = "***"

// Show returns the effective configuration as a hatrac_config.json, but for secrets, which are
// masked.
func (c *Config) Show() ([]byte, error) {
	document := make(map[string]any)
	for _, k := range c.values.keys() {
		v := written(k.into)
		switch v := v.(type) {
		case map[string]any:
			if v == nil {
				continue
			}
		case []any:
			if v == nil {
				continue
			}
		case []string:
			if v == nil {
				continue
			}
		case nil:
			continue
		}
		if text, ok := v.(string); ok && k.secret {
			v = maskDSN(text)
		}
		put(document, strings.Split(k.name, "."), masked(v))
	}
	return json.MarshalIndent(document, "", "  ")
}

func put(document map[string]any, path []string, v any) {
	for _, name := range path[:len(path)-1] {
		inner, ok := document[name].(map[string]any)
		if !ok {
			inner = make(map[string]any)
			document[name] = inner
		}
		document = inner
	}
	document[path[len(path)-1]] = v
}

// masked returns a value of a structure without the secrets in it.
func masked(v any) any {
	switch v := v.(type) {
	case map[string]any:
		result := make(map[string]any, len(v))
		for name, inner := range v {
			if secretName.MatchString(name) && !strings.HasSuffix(name, fileSuffix) {
				inner = mask
			}
			result[name] = masked(inner)
		}
		return result
	case []any:
		result := make([]any, len(v))
		for i, inner := range v {
			result[i] = masked(inner)
		}
		return result
	}
	return v
}

var (
	secretName = regexp.MustCompile(`(?i)secret|password|session_token`)
	// dsnPassword is a password in a connection string, quoted or not, or in a query.
	dsnPassword = regexp.MustCompile(`(?i)((?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]*)`)
)

// maskDSN returns a connection string without the passwords in it.
func maskDSN(dsn string) string {
	if u, err := url.Parse(dsn); err == nil && u.Scheme != "" && u.User != nil {
		if _, has := u.User.Password(); has {
			u.User = url.UserPassword(u.User.Username(), "xxx")
			dsn = strings.Replace(u.String(), ":xxx@", ":"+mask+"@", 1)
		}
	} else if err != nil && strings.Contains(dsn, "://") {
		return mask
	}
	return dsnPassword.ReplaceAllString(dsn, "${1}"+mask)
}
