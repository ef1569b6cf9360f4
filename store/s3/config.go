package s3

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Method says how the key of an object follows from its reference.
type Method string

// The methods, by the names that they have in configurations.
const (
	// ByName makes the key PREFIX/NAME. The bucket must have versioning enabled: the version
	// id that S3 gives is the version id.
	ByName Method = "pref/**/hname"
	// ByNameAndVersion makes the key PREFIX/NAME:VERSION.
	ByNameAndVersion Method = "pref/**/hname:hver"
)

// Defaults of Config, Bucket and Client.
const (
	DefaultPathPrefix     = "hatrac"
	DefaultPresignExpiry  = 5 * time.Minute
	DefaultPartSize       = 8 << 20
	DefaultMemory         = 128 << 20
	DefaultContentSweep   = 24 * time.Hour
	DefaultConnectTimeout = 10 * time.Second
	DefaultReadTimeout    = 60 * time.Second
	DefaultRetries        = 5
	DefaultMaxConnections = 64
)

// minPartSize is the length in bytes that every part of an upload but the last must have.
const minPartSize = 5 << 20

// maxParts is how many parts an upload may have.
const maxParts = 10_000

// Config says where content lies and how it gets there.
type Config struct {
	// Buckets says where the objects of each namespace go, by the path of the namespace
	// without leading slash and with its segments percent-encoded: "", "ns1", "ns1/ns2". The
	// most specific one counts.
	Buckets map[string]Bucket
	// Legacy compares the first segment of a name alone with the keys of Buckets.
	Legacy bool
	// PartSize is the length in bytes of the parts in which content is sent, at least 5 MiB,
	// and of the pieces of memory that hold them; 0 means DefaultPartSize.
	PartSize int64
	// Memory bounds the bytes of all parts together that are held in memory; 0 means
	// DefaultMemory.
	Memory int64
	// ContentSweep is the least time between two looks at all content for what nothing
	// refers to; 0 means DefaultContentSweep, a negative one that every sweep looks.
	ContentSweep time.Duration
}

// Bucket is one place for content.
type Bucket struct {
	// Name is the name of the bucket.
	Name string
	// PathPrefix begins all keys; it may be empty. Slashes around it do not count.
	PathPrefix string
	// Method says how keys are made; empty means ByName.
	Method Method
	// UnquoteKeys takes the percent-encoding from keys.
	UnquoteKeys bool
	// PresignThreshold is the length in bytes above which clients fetch content from S3 by
	// themselves; 0 means never. PresignExpiry is how long they may; 0 means
	// DefaultPresignExpiry.
	PresignThreshold int64
	PresignExpiry    time.Duration
	// Client says how the bucket is reached.
	Client Client
}

// Client says how an S3 service is reached. The zero value is Amazon's, with the credentials
// that the environment of the process gives.
type Client struct {
	// Endpoint is the URL of the service; empty: Amazon's. Without a scheme it is reached by
	// TLS, unless Plain is set.
	Endpoint string
	// Plain reaches an Endpoint without a scheme, or Amazon, without TLS.
	Plain bool
	// Region is the name of the region; empty: that of the environment, or else us-east-1.
	Region string
	// AccessKeyID, SecretAccessKey and SessionToken are fixed credentials; without them Profile
	// names those in the shared configuration files, or else the default chain decides.
	AccessKeyID, SecretAccessKey, SessionToken string
	Profile                                    string
	// PathStyle puts the name of the bucket into the path of URLs. Custom endpoints need it
	// mostly.
	PathStyle bool
	// Insecure does not verify certificates. CertificateFile is a PEM file of the authorities
	// that are trusted instead of the system's; empty: that which AWS_CA_BUNDLE names, if any.
	Insecure        bool
	CertificateFile string
	// ConnectTimeout bounds how long a connection may take to be made, ReadTimeout how long a
	// request may stand still; 0 means the defaults.
	ConnectTimeout, ReadTimeout time.Duration
	// Retries is how often a request is tried at most; 0 means DefaultRetries.
	Retries int
	// MaxConnections bounds the connections to the service; 0 means DefaultMaxConnections.
	MaxConnections int
	// RequestChecksums and ResponseChecksums use checksums wherever the service can; otherwise
	// only where it must, which is what most services other than Amazon's understand.
	RequestChecksums, ResponseChecksums bool
}

// check fills defaults in.
func (c Config) check() (Config, error) {
	c.PartSize = orDefault(c.PartSize, DefaultPartSize)
	c.Memory = orDefault(c.Memory, DefaultMemory)
	c.ContentSweep = orDefault(c.ContentSweep, DefaultContentSweep)
	switch {
	case len(c.Buckets) == 0:
		return c, errors.New("the S3 configuration names no bucket")
	case c.PartSize < minPartSize:
		return c, fmt.Errorf("parts of S3 uploads have at least %d bytes", minPartSize)
	case c.Memory < c.PartSize:
		return c, errors.New("the memory for S3 uploads must hold a part")
	}
	buckets := make(map[string]Bucket, len(c.Buckets))
	for prefix, b := range c.Buckets {
		checked, err := b.check()
		if err != nil {
			return c, fmt.Errorf("the S3 configuration of %q: %w", prefix, err)
		}
		key := strings.Trim(prefix, "/")
		if _, twice := buckets[key]; twice {
			return c, fmt.Errorf("the S3 configuration has %q twice", prefix)
		}
		buckets[key] = checked
	}
	c.Buckets = buckets
	return c, nil
}

func (b Bucket) check() (Bucket, error) {
	if b.Method == "" {
		b.Method = ByName
	}
	b.PathPrefix = strings.Trim(b.PathPrefix, "/")
	b.PresignExpiry = orDefault(b.PresignExpiry, DefaultPresignExpiry)
	b.Client.ConnectTimeout = orDefault(b.Client.ConnectTimeout, DefaultConnectTimeout)
	b.Client.ReadTimeout = orDefault(b.Client.ReadTimeout, DefaultReadTimeout)
	b.Client.Retries = orDefault(b.Client.Retries, DefaultRetries)
	b.Client.MaxConnections = orDefault(b.Client.MaxConnections, DefaultMaxConnections)
	switch {
	case b.Name == "":
		return b, errors.New("the name of the bucket is missing")
	case b.Method != ByName && b.Method != ByNameAndVersion:
		return b, fmt.Errorf("there is no method %q, only %q and %q", b.Method, ByName, ByNameAndVersion)
	case (b.Client.AccessKeyID == "") != (b.Client.SecretAccessKey == ""):
		return b, errors.New("an access key needs both its id and its secret")
	}
	return b, nil
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
