package s3

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hatrac/hatrac/store/s3/s3test"
)

// server is the S3 server of all tests that do not harm it.
var server *s3test.Server

func TestMain(m *testing.M) {
	os.Exit(s3test.Serve(func(s *s3test.Server) { server = s }, m.Run))
}

var buckets atomic.Int64

// newBucket makes a bucket on the server and returns how it is configured.
func newBucket(t *testing.T, on *s3test.Server, method Method) Bucket {
	t.Helper()
	name := fmt.Sprintf("bucket-%d", buckets.Add(1))
	if err := on.MakeBucket(t.Context(), name, method == ByName); err != nil {
		t.Fatal(err)
	}
	return Bucket{Name: name, PathPrefix: DefaultPathPrefix, Method: method, Client: clientOf(on)}
}

func clientOf(s *s3test.Server) Client {
	return Client{
		Endpoint: s.URL(), PathStyle: true, Region: s3test.Region,
		AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey,
	}
}

// openBulk opens a Bulk whose sweeps look at everything.
func openBulk(t *testing.T, cfg Config) *Bulk {
	t.Helper()
	cfg.ContentSweep = -1
	b, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func short(m Method) string {
	return strings.NewReplacer("/", "", "*", "", ":", "-").Replace(string(m))
}

// frozen is how long tests wait for a service that stands still.
const frozen = 2 * time.Second
