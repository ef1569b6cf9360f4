package s3

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hatrac/hatrac/store"
)

func TestKeysFollowFromNames(t *testing.T) {
	mapping := map[string]Bucket{
		"":             {Name: "all", PathPrefix: "/hatrac/"},
		"ns1":          {Name: "one", Method: ByNameAndVersion},
		"/ns1/ns2/":    {Name: "two", PathPrefix: "p/q", UnquoteKeys: true},
		"NS.v1/%C3%A9": {Name: "three"},
	}
	for _, c := range []struct {
		name, bucket, key string
		legacy            bool
	}{
		{"/o", "all", "hatrac/o", false},
		{"/ns1", "all", "hatrac/ns1", false},
		{"/ns1/o", "one", "ns1/o:V", false},
		{"/ns1/ns2", "one", "ns1/ns2:V", false},
		{"/ns1/ns2x/o", "one", "ns1/ns2x/o:V", false},
		{"/ns1/ns2/o%20%3A%2F", "two", "p/q/ns1/ns2/o :/", false},
		{"/ns1/ns2/a/b/o", "two", "p/q/ns1/ns2/a/b/o", false},
		{"/NS.v1/%C3%A9/o", "three", "NS.v1/%C3%A9/o", false},
		{"/NS.v1/o", "all", "hatrac/NS.v1/o", false},
		{"/ns1/ns2/o", "one", "ns1/ns2/o:V", true},
		{"/NS.v1/%C3%A9/o", "all", "hatrac/NS.v1/%C3%A9/o", true},
	} {
		cfg, err := Config{Buckets: mapping, Legacy: c.legacy}.check()
		if err != nil {
			t.Fatal(err)
		}
		b := &Bulk{cfg: cfg, places: make(map[string]*place)}
		for prefix, bucket := range cfg.Buckets {
			b.places[prefix] = &place{Bucket: bucket}
		}
		p, err := b.placeOf(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if key := p.key(c.name, "V"); p.Name != c.bucket || key != c.key {
			t.Errorf("%s (legacy %v) is %s in %s, want %s in %s", c.name, c.legacy, key, p.Name, c.key, c.bucket)
		}
	}
}

func TestANamespaceWithoutABucketIsRefused(t *testing.T) {
	b := openBulk(t, Config{Buckets: map[string]Bucket{"ns": newBucket(t, server, ByName)}})
	_, err := b.Put(t.Context(), store.Placement{Path: "/other/o", Version: "v", Size: 1}, strings.NewReader("x"))
	if store.KindOf(err) != store.Conflict {
		t.Errorf("got %v", err)
	}
}

func TestConfigurationsAreChecked(t *testing.T) {
	fine := Bucket{Name: "b"}
	for why, cfg := range map[string]Config{
		"no bucket":     {},
		"no name":       {Buckets: map[string]Bucket{"": {}}},
		"no method":     {Buckets: map[string]Bucket{"": {Name: "b", Method: "pref"}}},
		"half a key":    {Buckets: map[string]Bucket{"": {Name: "b", Client: Client{AccessKeyID: "a"}}}},
		"twice":         {Buckets: map[string]Bucket{"a": fine, "/a": fine}},
		"small parts":   {Buckets: map[string]Bucket{"": fine}, PartSize: 1},
		"little memory": {Buckets: map[string]Bucket{"": fine}, Memory: 1},
	} {
		if _, err := cfg.check(); err == nil {
			t.Errorf("%s: no error", why)
		}
	}
}

func TestABucketMustFitItsMethod(t *testing.T) {
	plain := newBucket(t, server, ByNameAndVersion)
	plain.Method = ByName
	missing := plain
	missing.Name = "bucket-missing"
	for why, bucket := range map[string]Bucket{"must have versioning enabled": plain, "there is no S3 bucket": missing} {
		_, err := Open(t.Context(), Config{Buckets: map[string]Bucket{"": bucket}})
		if err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), s3secret) {
			t.Errorf("got %v, want: %s", err, why)
		}
	}
}

func TestContentIsFoundByTheKeyOfItsReference(t *testing.T) {
	for _, method := range []Method{ByName, ByNameAndVersion} {
		bucket := newBucket(t, server, method)
		b := openBulk(t, Config{Buckets: map[string]Bucket{"": bucket}})
		a, err := b.Put(t.Context(), store.Placement{Path: "/ns/o%2F", Version: "V", Size: 4}, strings.NewReader("text"))
		if err != nil {
			t.Fatal(err)
		}
		key, version := "hatrac/ns/o%2F", b.VersionID(a)
		if method == ByNameAndVersion {
			key += ":V"
			if version != "V" {
				t.Errorf("the version is %q", version)
			}
			version = ""
		} else if version == "V" || version == "" {
			t.Errorf("the version id is %q, not that of S3", version)
		}
		if got := fetch(t, bucket.Name, key, version); got != "text" {
			t.Errorf("%s holds %q", key, got)
		}
	}
}

const s3secret = "hatrac-test-secret"

func fetch(t *testing.T, bucket, key, version string) string {
	t.Helper()
	said, err := server.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key, VersionId: optional(version)})
	if err != nil {
		t.Fatal(err)
	}
	defer said.Body.Close()
	content, err := io.ReadAll(said.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestLargeContentIsFetchedByClients(t *testing.T) {
	bucket := newBucket(t, server, ByName)
	bucket.PresignThreshold = 4
	b := openBulk(t, Config{Buckets: map[string]Bucket{"": bucket}})
	m := store.Metadata{ContentType: "text/x-test", ContentDisposition: "filename*=UTF-8''a%20b"}
	for content, wanted := range map[string]bool{"four": false, "five!": true} {
		size := int64(len(content))
		a, err := b.Put(t.Context(), store.Placement{Path: "/o", Version: "V", Size: size}, strings.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		url, ok, err := b.Presign(t.Context(), a, size, m)
		if err != nil || ok != wanted {
			t.Fatalf("%q: %v, %v", content, ok, err)
		}
		if !ok {
			continue
		}
		if strings.Contains(url, s3secret) {
			t.Error("the URL tells the secret")
		}
		header, got := get(t, url)
		if got != content || header.Get("Content-Type") != m.ContentType || header.Get("Content-Disposition") != m.ContentDisposition {
			t.Errorf("the URL gives %q with %v", got, header)
		}
	}
}

func get(t *testing.T, url string) (http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v: %s", answer.Status, err, content)
	}
	return answer.Header, string(content)
}
