package config

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// S3 has the buckets of a store.
type S3 struct {
	// Session is for the buckets that have none of their own.
	Session S3Session
	// Buckets are by the namespace whose content they hold, without slashes at its ends.
	Buckets map[string]S3Bucket
	// LegacyMapping compares the first segment of a name with the namespaces alone.
	LegacyMapping bool
}

// S3Session has credentials; what is empty comes from the usual places.
type S3Session struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Region, Profile                            string
}

// The ways to make keys of names and versions.
const (
	MethodVersioned = "pref/**/hname"      // the bucket keeps versions
	MethodNamed     = "pref/**/hname:hver" // the version is in the key
)

// S3Bucket is one bucket.
type S3Bucket struct {
	Name string
	// Prefix leads the keys, without slashes at its ends.
	Prefix string
	// Method is MethodVersioned or MethodNamed.
	Method string
	// Unquote percent-decodes keys.
	Unquote bool
	// PresignAbove is the size in bytes above which clients are sent to the bucket; 0: never.
	PresignAbove int64
	// PresignExpiration is how long such an URL is valid.
	PresignExpiration time.Duration
	Region            string
	// Session is nil for that of the whole.
	Session *S3Session
	Client  S3Client
}

// S3Client says how a bucket is talked to; zero values are the usual ones.
type S3Client struct {
	Endpoint string
	// Insecure does not check certificates; Authorities is a PEM file with those that may have
	// signed them.
	Insecure    bool
	Authorities string
	// PlainHTTP is for an endpoint without a scheme.
	PlainHTTP   bool
	Credentials S3Session
	// AddressingStyle is "path", "virtual", "auto" or empty.
	AddressingStyle                string
	SignatureVersion               string
	ConnectTimeout, ReadTimeout    time.Duration
	MaxAttempts                    int
	RetryMode                      string
	MaxConnections                 int
	RequestChecksum, ResponseCheck string
}

const (
	defaultKeyPrefix = "hatrac"
	defaultPresign   = 300 * time.Second
)

// oldestS3 reads the form that has one bucket for everything; nil if it is not used.
func (f *fields) oldestS3() *S3 {
	b := S3Bucket{Method: MethodVersioned, PresignExpiration: defaultPresign}
	f.get(&b.Name, "s3_bucket")
	f.get(&b.Prefix, "s3_object_prefix")
	b.Prefix = strings.Trim(b.Prefix, "/")
	s := &S3{}
	if connection := f.structure("s3_connection"); connection != nil {
		connection.credentials(&s.Session)
		connection.end()
	}
	if b.Name == "" {
		return nil
	}
	s.Buckets = map[string]S3Bucket{"": b}
	return s
}

// s3 reads s3_config.
func (f *fields) s3() *S3 {
	s := &S3{Buckets: make(map[string]S3Bucket)}
	if session := f.structure("default_session", "session"); session != nil {
		s.Session = session.session()
	}
	f.get(&s.LegacyMapping, "legacy_mapping")
	buckets := f.structure("buckets", "bucket_mappings")
	f.end()
	if buckets == nil || len(buckets.document) == 0 {
		f.report.errorf("%s.buckets is missing: namespaces with their buckets", f.at)
		return s
	}
	for _, namespace := range slices.Sorted(maps.Keys(buckets.document)) {
		if namespace == "comment" {
			if _, ok := buckets.document[namespace].(map[string]any); !ok {
				continue
			}
		}
		prefix := strings.Trim(namespace, "/")
		bucket := buckets.structure(namespace)
		if _, twice := s.Buckets[prefix]; twice {
			f.report.errorf("%s has %q twice", buckets.at, prefix)
		}
		if bucket != nil {
			s.Buckets[prefix] = bucket.bucket()
		}
	}
	return s
}

func (f *fields) credentials(s *S3Session) {
	f.get(&s.AccessKeyID, "aws_access_key_id")
	f.secret(&s.SecretAccessKey, "aws_secret_access_key")
	f.secret(&s.SessionToken, "aws_session_token")
	if (s.AccessKeyID == "") != (s.SecretAccessKey == "") {
		f.report.errorf("%s: aws_access_key_id and aws_secret_access_key must be given together", f.at)
	}
}

func (f *fields) session() (s S3Session) {
	f.credentials(&s)
	f.get(&s.Region, "region_name")
	f.get(&s.Profile, "profile_name")
	f.end()
	return s
}

// bucket reads one of s3_config.buckets.
func (f *fields) bucket() S3Bucket {
	b := S3Bucket{Prefix: defaultKeyPrefix, Method: MethodVersioned}
	f.get(&b.Name, "bucket_name")
	if b.Name == "" {
		f.report.errorf("%s.bucket_name is missing", f.at)
	}
	f.get(&b.Prefix, "bucket_path_prefix")
	b.Prefix = strings.Trim(b.Prefix, "/")
	f.get(&b.Method, "hatrac_s3_method")
	if b.Method != MethodVersioned && b.Method != MethodNamed {
		f.report.errorf("%s.hatrac_s3_method %q is neither %s nor %s", f.at, b.Method, MethodVersioned, MethodNamed)
	}
	f.get(&b.Unquote, "unquote_object_keys")
	f.get(&b.Region, "region_name")
	f.presigning(&b)
	if session := f.structure("session_config"); session != nil {
		own := session.session()
		b.Session = &own
	}
	other := f.structure("client_config")
	if client := f.structure("s3_client_kwargs"); client != nil {
		b.Client = client.client()
	} else if other != nil {
		b.Client = other.client()
	}
	f.end()
	return b
}

// presigning reads from which size on clients are sent to the bucket. What is no whole number
// means never, as ever.
func (f *fields) presigning(b *S3Bucket) {
	for _, name := range []string{"presigned_url_size_threshold", "presigned_url_threshold"} {
		v := f.value(name)
		if v == nil {
			continue
		}
		n, ok := whole(v)
		if !ok {
			f.report.warnf("%s.%s is no whole number, which means never", f.at, name)
		}
		b.PresignAbove = max(n, 0)
	}
	expiration := seconds(defaultPresign)
	f.get(&expiration, "presigned_url_expiration_secs")
	b.PresignExpiration = time.Duration(expiration)
	if b.PresignExpiration <= 0 {
		f.report.errorf("%s.presigned_url_expiration_secs must be a positive number", f.at)
	}
}

// client reads s3_client_kwargs or client_config.
func (f *fields) client() (c S3Client) {
	f.get(&c.Endpoint, "endpoint_url")
	verify, useSSL := truthOrText("true"), true
	f.get(&verify, "verify")
	switch verify {
	case "true", "":
	case "false":
		c.Insecure = true
	default:
		c.Authorities = string(verify)
	}
	f.get(&useSSL, "use_ssl")
	c.PlainHTTP = !useSSL
	f.credentials(&c.Credentials)
	f.get(&c.Credentials.Region, "region_name")
	if more := f.structure("config"); more != nil {
		more.clientConfig(&c)
	}
	f.end()
	return c
}

func (f *fields) clientConfig(c *S3Client) {
	if style := f.structure("s3"); style != nil {
		style.get(&c.AddressingStyle, "addressing_style")
		style.end()
		style.oneOf("addressing_style", c.AddressingStyle, "", "auto", "path", "virtual")
	}
	f.get(&c.SignatureVersion, "signature_version")
	if c.SignatureVersion != "" && c.SignatureVersion != "s3v4" && c.SignatureVersion != "v4" {
		f.report.warnf("%s.signature_version %q is not in use any more: requests are signed with s3v4", f.at, c.SignatureVersion)
	}
	if c.Credentials.Region == "" {
		f.get(&c.Credentials.Region, "region_name")
	} else {
		f.value("region_name")
	}
	var connect, read seconds
	f.get(&connect, "connect_timeout")
	f.get(&read, "read_timeout")
	c.ConnectTimeout, c.ReadTimeout = time.Duration(connect), time.Duration(read)
	if retries := f.structure("retries"); retries != nil {
		var more int
		if retries.get(&more, "max_attempts") {
			c.MaxAttempts = more + 1 // the first one does not count there
		}
		retries.get(&c.MaxAttempts, "total_max_attempts")
		retries.get(&c.RetryMode, "mode")
		retries.end()
		retries.oneOf("mode", c.RetryMode, "", "legacy", "standard", "adaptive")
	}
	f.get(&c.MaxConnections, "max_pool_connections")
	f.get(&c.RequestChecksum, "request_checksum_calculation")
	f.get(&c.ResponseCheck, "response_checksum_validation")
	f.oneOf("request_checksum_calculation", c.RequestChecksum, "", "when_supported", "when_required")
	f.oneOf("response_checksum_validation", c.ResponseCheck, "", "when_supported", "when_required")
	f.end()
}

// oneOf reports a value that is none of those there are.
func (f *fields) oneOf(name, value string, values ...string) {
	if !slices.Contains(values, value) {
		f.report.errorf("%s.%s %q is not one of %s", f.at, name, value, strings.Join(values[1:], ", "))
	}
}
