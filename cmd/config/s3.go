package config

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hatrac/hatrac/store/s3"
)

// session is a source of credentials; what is empty comes from the usual places.
type session struct{ keyID, secret, token, region, profile string }

// defaultPresign is how long URLs are valid that lead clients to a bucket.
const defaultPresign = s3.DefaultPresignExpiry

// oldestS3 reads the form that has one bucket for everything; nil if it is not used.
func (f *fields) oldestS3() *s3.Config {
	b := s3.Bucket{Method: s3.ByName}
	f.get(&b.Name, "s3_bucket")
	f.get(&b.PathPrefix, "s3_object_prefix")
	b.PathPrefix = strings.Trim(b.PathPrefix, "/")
	if connection := f.structure("s3_connection"); connection != nil {
		own := connection.credentials()
		connection.end()
		own.fill(&b.Client)
	}
	if b.Name == "" {
		return nil
	}
	return &s3.Config{Buckets: map[string]s3.Bucket{"": b}}
}

// s3 reads s3_config.
func (f *fields) s3() *s3.Config {
	s := &s3.Config{Buckets: make(map[string]s3.Bucket)}
	var whole session
	if inner := f.structure("default_session", "session"); inner != nil {
		whole = inner.session()
	}
	f.get(&s.Legacy, "legacy_mapping")
	buckets := f.structure("buckets", "bucket_mappings")
	f.end()
	if buckets == nil || len(buckets.document) == 0 {
		f.report.errorf("%s.buckets is missing: namespaces with their buckets", f.at)
		return s
	}
	for _, namespace := range slices.Sorted(maps.Keys(buckets.document)) {
		if _, isBucket := buckets.document[namespace].(map[string]any); namespace == "comment" && !isBucket {
			continue
		}
		prefix := strings.Trim(namespace, "/")
		if _, twice := s.Buckets[prefix]; twice {
			f.report.errorf("%s has %q twice", buckets.at, prefix)
		}
		if bucket := buckets.structure(namespace); bucket != nil {
			s.Buckets[prefix] = bucket.bucket(whole)
		}
	}
	return s
}

func (f *fields) credentials() (s session) {
	f.get(&s.keyID, "aws_access_key_id")
	f.secret(&s.secret, "aws_secret_access_key")
	f.secret(&s.token, "aws_session_token")
	if (s.keyID == "") != (s.secret == "") {
		f.report.errorf("%s: aws_access_key_id and aws_secret_access_key must be given together", f.at)
	}
	return s
}

func (f *fields) session() session {
	s := f.credentials()
	f.get(&s.region, "region_name")
	f.get(&s.profile, "profile_name")
	f.end()
	return s
}

// fill gives a client what the session has and the client has not.
func (s session) fill(c *s3.Client) {
	c.Region = cmp.Or(c.Region, s.region)
	if c.AccessKeyID == "" {
		c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Profile = s.keyID, s.secret, s.token, s.profile
	}
}

// bucket reads one of s3_config.buckets. The session of the whole counts where the bucket has
// none of its own, and that where its client has nothing.
func (f *fields) bucket(whole session) s3.Bucket {
	b := s3.Bucket{PathPrefix: s3.DefaultPathPrefix}
	if f.get(&b.Name, "bucket_name"); b.Name == "" {
		f.report.errorf("%s.bucket_name is missing", f.at)
	}
	f.get(&b.PathPrefix, "bucket_path_prefix")
	b.PathPrefix = strings.Trim(b.PathPrefix, "/")
	method, methods := string(s3.ByName), []string{"", string(s3.ByName), string(s3.ByNameAndVersion)}
	f.get(&method, "hatrac_s3_method")
	f.oneOf("hatrac_s3_method", method, methods...)
	b.Method = s3.Method(method)
	f.get(&b.UnquoteKeys, "unquote_object_keys")
	f.presigning(&b)
	if inner := f.structure("session_config"); inner != nil {
		whole = inner.session()
	}
	f.get(&whole.region, "region_name")
	other := f.structure("client_config")
	if client := f.structure("s3_client_kwargs"); client != nil {
		b.Client = client.client()
	} else if other != nil {
		b.Client = other.client()
	}
	whole.fill(&b.Client)
	f.end()
	return b
}

// presigning reads from which size on clients are sent to the bucket. What is no whole number
// means never, as ever.
func (f *fields) presigning(b *s3.Bucket) {
	for _, name := range []string{"presigned_url_size_threshold", "presigned_url_threshold"} {
		v := f.value(name)
		if v == nil {
			continue
		}
		n, ok := whole(v)
		if !ok {
			f.report.warnf("%s.%s is no whole number, which means never", f.at, name)
		}
		b.PresignThreshold = max(n, 0)
	}
	expiration := seconds(defaultPresign)
	f.get(&expiration, "presigned_url_expiration_secs")
	b.PresignExpiry = time.Duration(expiration)
	if b.PresignExpiry <= 0 {
		f.report.errorf("%s.presigned_url_expiration_secs must be a positive number", f.at)
	}
}

// client reads s3_client_kwargs or client_config.
func (f *fields) client() (c s3.Client) {
	f.get(&c.Endpoint, "endpoint_url")
	verify, useSSL := truthOrText("true"), true
	f.get(&verify, "verify")
	switch verify {
	case "true", "":
	case "false":
		c.Insecure = true
	default:
		c.CertificateFile = string(verify)
	}
	f.get(&useSSL, "use_ssl")
	c.Plain = !useSSL
	own := f.credentials()
	f.get(&own.region, "region_name")
	style := ""
	if more := f.structure("config"); more != nil {
		style = more.clientConfig(&c)
	}
	own.region = cmp.Or(own.region, c.Region)
	c.Region = ""
	own.fill(&c)
	// Other services than Amazon's seldom have a host name for each bucket.
	c.PathStyle = style == "path" || style != "virtual" && c.Endpoint != ""
	f.end()
	return c
}

// clientConfig reads what is below config there, and returns the style of addresses.
func (f *fields) clientConfig(c *s3.Client) (style string) {
	if own := f.structure("s3"); own != nil {
		own.get(&style, "addressing_style")
		own.end()
		own.oneOf("addressing_style", style, "", "auto", "path", "virtual")
	}
	f.get(&c.Region, "region_name")
	signature := "s3v4"
	if f.get(&signature, "signature_version"); signature != "s3v4" && signature != "v4" {
		f.report.warnf("%s.signature_version %q is not in use any more: requests are signed with s3v4", f.at, signature)
	}
	var connect, read seconds
	f.get(&connect, "connect_timeout")
	f.get(&read, "read_timeout")
	c.ConnectTimeout, c.ReadTimeout = time.Duration(connect), time.Duration(read)
	f.retries(c)
	f.get(&c.MaxConnections, "max_pool_connections")
	c.RequestChecksums = f.checksums("request_checksum_calculation")
	c.ResponseChecksums = f.checksums("response_checksum_validation")
	f.end()
	return style
}

// retries reads how often a request is tried. One of its keys leaves out the first time.
func (f *fields) retries(c *s3.Client) {
	own := f.structure("retries")
	if own == nil {
		return
	}
	var again int
	if own.get(&again, "max_attempts") {
		c.Retries = again + 1
	}
	own.get(&c.Retries, "total_max_attempts")
	if c.Retries < 0 || again < 0 {
		f.report.errorf("%s.retries cannot be negative", f.at)
	}
	mode := ""
	own.get(&mode, "mode")
	own.end()
	own.oneOf("mode", mode, "", "legacy", "standard", "adaptive")
}

// checksums reports whether checksums are used wherever that can be.
func (f *fields) checksums(name string) bool {
	when := ""
	f.get(&when, name)
	f.oneOf(name, when, "", "when_supported", "when_required")
	return when == "when_supported"
}

// oneOf reports a value that is none of those there are.
func (f *fields) oneOf(name, value string, values ...string) {
	if !slices.Contains(values, value) {
		f.report.errorf("%s.%s %q is not one of %s", f.at, name, value, strings.Join(values[1:], ", "))
	}
}
