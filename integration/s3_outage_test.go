package integration

import (
	"net/http"
	"testing"

	"github.com/hatrac/hatrac/store/s3/s3test"
)

// trouble is something that can happen to an S3 service.
type trouble struct {
	name       string
	begin, end func() error
	// hidden is true if clients need not notice.
	hidden bool
}

// troubles are all that the tests know.
func (s *shared) troubles() []trouble {
	start := func() error { return s.objects.Start(s.t.Context()) }
	fail := func(f s3test.Fault) func() error {
		return func() error {
			s.proxy.Fail(func(*http.Request) s3test.Fault { return f })
			return nil
		}
	}
	mend := func() error {
		s.proxy.Fail(nil)
		return nil
	}
	return []trouble{
		{name: "it is stopped", begin: s.objects.Stop, end: start},
		{name: "it is killed", begin: s.objects.Kill, end: start},
		{name: "it stands still", begin: s.objects.Freeze, end: s.objects.Thaw},
		{name: "it is too busy", begin: fail(s3test.Fault{Status: http.StatusServiceUnavailable}), end: mend},
		{name: "it fails", begin: fail(s3test.Fault{Status: http.StatusInternalServerError}), end: mend},
		{name: "its answers are cut off", begin: fail(s3test.Fault{Cut: 512 << 10}), end: mend, hidden: true},
		{name: "its answers are lost", begin: fail(s3test.Fault{Swallow: true}), end: mend},
	}
}

// TestStorageMayFailUnderLoad lets S3 fail in all ways while clients store, also content that is
// sent in parts. The server stays up all the time.
func TestStorageMayFailUnderLoad(t *testing.T) {
	s := newShared(t)
	p, ada := s.serve(nil)
	ada.mkdir("/load")
	o := &outage{
		client: ada, lengths: []int{1, 20_000, 1, 5_000, 1, 5_000, 1, 1_500_000}, breaks: true,
		got: acknowledged{sums: make(map[string]string)},
	}
	o.begin()
	for _, trouble := range s.troubles() {
		o.await(&o.stored, 16)
		if err := trouble.begin(); err != nil {
			t.Error(err)
		}
		if trouble.hidden {
			o.await(&o.stored, 16)
		} else {
			o.await(&o.refused, 6)
		}
		if err := trouble.end(); err != nil {
			t.Error(err)
		}
		t.Logf("%s: %d versions, %d refusals", trouble.name, o.stored.Load(), o.refused.Load())
	}
	o.await(&o.stored, 16)
	o.end()
	p.stop()
}
