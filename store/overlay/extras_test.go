package overlay_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/overlay"
	"github.com/hatrac/hatrac/store/s3"
)

func TestSpoolFilesGoToTheFirstLayer(t *testing.T) {
	l := newLayers(t)
	if got, want := l.SpoolDir(), l.files[0].SpoolDir(); got != want {
		t.Errorf("the spool is %s, want %s", got, want)
	}
	spooled, err := os.CreateTemp(l.SpoolDir(), "draft")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = spooled.Close() }()
	if _, err := spooled.WriteString("draft"); err != nil {
		t.Fatal(err)
	}
	a, err := l.Adopt(t.Context(), store.Placement{Size: 5}, spooled)
	if err != nil {
		t.Fatal(err)
	}
	wantContent(t, l.files[0], a, "draft")
	wantContent(t, l.files[0], adoptSoon(t, l, "soon"), "soon")
	if dir := overlay.New(plain{l.files[0]}, l.files[1]).SpoolDir(); dir != "" {
		t.Errorf("the spool of a layer without one is %s", dir)
	}
}

// measuring and listing are storages that can do one thing more.
type (
	measuring struct {
		store.Assembler
		measured
	}
	listing struct {
		store.Assembler
		listed
	}
	measured store.Capacity
	listed   store.Lister
)

func TestWhatTheFirstLayerCannotDoNoLayerDoes(t *testing.T) {
	first, second := files(t, t.TempDir()), files(t, t.TempDir())
	kept := put(t, first, "kept")
	put(t, second, "below")
	for name, c := range map[string]struct {
		first           store.Assembler
		measures, lists bool
	}{
		"both":      {first, true, true},
		"measuring": {measuring{first, first}, true, false},
		"listing":   {listing{first, first}, false, true},
		"neither":   {plain{first}, false, false},
	} {
		b := overlay.New(c.first, second)
		capacity, measures := b.(store.Capacity)
		lister, lists := b.(store.Lister)
		if measures != c.measures || lists != c.lists {
			t.Errorf("%s: it measures: %t, lists: %t", name, measures, lists)
			continue
		}
		if measures {
			if space, err := capacity.Capacity(t.Context()); err != nil || space.Total == 0 {
				t.Errorf("%s: the capacity is %+v, %v", name, space, err)
			}
		}
		if lists {
			wantListed(t, lister, kept)
		}
	}
}

func wantListed(t *testing.T, l store.Lister, want store.Address) {
	t.Helper()
	var got []store.Address
	err := l.List(t.Context(), func(a store.Address, _ int64, _ time.Time) error {
		got = append(got, a)
		return nil
	})
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("it lists %v, %v; want %s alone", got, err, want)
	}
}

// TestContentOfOthersIsKnownByTheFirstLayer: what it lists may not be the store's.
func TestContentOfOthersIsKnownByTheFirstLayer(t *testing.T) {
	bucket := newBucket(t, s3.ByNameAndVersion)
	first := objects(t, bucket)
	own := put(t, first, "own")
	key := bucket.PathPrefix + "/foreign:1"
	if _, err := server.Client().PutObject(t.Context(), &api.PutObjectInput{
		Bucket: &bucket.Name, Key: &key, Body: strings.NewReader("foreign"),
	}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		layers  store.Bulk
		foreign int
	}{
		"S3 above files":     {overlay.New(first, files(t, t.TempDir())), 1},
		"files that list":    {overlay.New(files(t, t.TempDir()), first), 0},
		"S3 alone, as layer": {overlay.New(first), 1},
	} {
		shared, foreign := c.layers.(store.SharedLister), 0
		err := shared.List(t.Context(), func(a store.Address, _ int64, _ time.Time) error {
			aliases, err := shared.Aliases(t.Context(), a)
			if len(aliases) == 0 {
				foreign++
			} else if !slices.Contains(aliases, own) {
				t.Errorf("%s: %s is known as %q", name, a, aliases)
			}
			return err
		})
		if err != nil || foreign != c.foreign {
			t.Errorf("%s: %d contents are of others, %v; want %d", name, foreign, err, c.foreign)
		}
	}
	plain := overlay.New(files(t, t.TempDir())).(store.SharedLister)
	if aliases, err := plain.Aliases(t.Context(), "a/1"); err != nil || len(aliases) != 1 || aliases[0] != "a/1" {
		t.Errorf("what nobody shares is known as %q, %v", aliases, err)
	}
}

// foreseeing is a storage with ways of its own to name versions and find uploads.
type foreseeing struct{ store.Assembler }

func (foreseeing) VersionID(a store.Address) string { return "version of " + string(a) }

func (foreseeing) UploadAddress(name, job string) (store.Address, error) {
	return store.Address("upload " + job + " of " + name), nil
}

func (foreseeing) HoldsUnrecorded(a store.Address) bool { return a == "recalled" }

func TestTheFirstLayerKnowsUploadsAndVersions(t *testing.T) {
	l := newLayers(t)
	for name, c := range map[string]struct {
		first    store.Assembler
		version  string
		upload   store.Address
		recalled bool
	}{
		"its own ways": {foreseeing{l.files[0]}, "version of recalled", "upload JOB of /o", true},
		"none":         {plain{l.files[0]}, "", "/o:JOB", false},
	} {
		b := overlay.New(c.first, foreseeing{l.files[1]})
		if got := b.VersionID("recalled"); got != c.version {
			t.Errorf("%s: the version has to be %q, want %q", name, got, c.version)
		}
		if got, err := b.UploadAddress("/o", "JOB"); got != c.upload || err != nil {
			t.Errorf("%s: the upload is at %q, %v; want %q", name, got, err, c.upload)
		}
		if got := b.HoldsUnrecorded("recalled"); got != c.recalled || b.HoldsUnrecorded("other") {
			t.Errorf("%s: it may hold more: %t", name, got)
		}
	}
}
