package overlay_test

import (
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"github.com/hatrac/hatrac/store/s3"
	"github.com/hatrac/hatrac/store/s3/s3test"
)

// server is an S3 server that no test harms.
var server *s3test.Server

func TestMain(m *testing.M) {
	os.Exit(s3test.Serve(func(s *s3test.Server) { server = s }, m.Run))
}

// methods are the ways in which keys are made, by short names.
var methods = map[string]s3.Method{"by name": s3.ByName, "by name and version": s3.ByNameAndVersion}

var buckets atomic.Int64

// newBucket makes a bucket and returns how it is configured.
func newBucket(t *testing.T, method s3.Method) s3.Bucket {
	t.Helper()
	name := fmt.Sprintf("bucket-%d", buckets.Add(1))
	if err := server.MakeBucket(t.Context(), name, method == s3.ByName); err != nil {
		t.Fatal(err)
	}
	return bucketOn(server, name, method)
}

func bucketOn(on *s3test.Server, name string, method s3.Method) s3.Bucket {
	return s3.Bucket{
		Name: name, PathPrefix: s3.DefaultPathPrefix, Method: method,
		Client: s3.Client{
			Endpoint: on.URL(), PathStyle: true, Region: s3test.Region,
			AccessKeyID: s3test.AccessKey, SecretAccessKey: s3test.SecretKey,
		},
	}
}

// objects opens a storage in a bucket, whose sweeps look at everything.
func objects(t *testing.T, bucket s3.Bucket) *s3.Bulk {
	t.Helper()
	b, err := s3.Open(t.Context(), s3.Config{Buckets: map[string]s3.Bucket{"": bucket}, ContentSweep: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}
