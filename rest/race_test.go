package rest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// rivals is how many clients want the same at the same time.
const rivals = 50

// compete sends the same conditional change many times at once and checks that exactly one
// succeeded and all others were told why not.
func (s *site) compete(t *testing.T, success int, send func(i int) answer) {
	t.Helper()
	var all sync.WaitGroup
	var mu sync.Mutex // guards counts
	counts := map[int]int{}
	start := make(chan struct{})
	for i := range rivals {
		all.Go(func() {
			<-start
			a := send(i)
			mu.Lock()
			defer mu.Unlock()
			counts[a.StatusCode]++
			if a.StatusCode == http.StatusPreconditionFailed && a.Header.Get("ETag") == "" {
				t.Error("a failed condition is answered without the tag")
			}
		})
	}
	close(start)
	all.Wait()
	if counts[success] != 1 || counts[http.StatusPreconditionFailed] != rivals-1 {
		t.Errorf("%d times %d and %d times 412 of %d; %v", counts[success], success, counts[http.StatusPreconditionFailed], rivals, counts)
	}
}

func TestOneOfManyConditionalChangesSucceeds(t *testing.T) {
	s := newSite(t, options{})
	s.namespace("/ns")
	_, first := s.object("/ns/o", "first")
	_, other := s.object("/ns/m", "x")
	url := "/hatrac/ns/o"
	t.Run("PUT If-Match", func(t *testing.T) {
		s.compete(t, 201, func(i int) answer {
			return s.do(admin, "PUT", url, fmt.Sprint("content ", i), `If-Match: "`+first+`"`)
		})
		if got := s.do(admin, "GET", url+";versions", "", "Accept: text/uri-list"); strings.Count(got.body, "\n") != 2 {
			t.Errorf("the versions are %q", got.body)
		}
	})
	t.Run("PUT If-None-Match of a new name", func(t *testing.T) {
		s.compete(t, 201, func(i int) answer {
			return s.do(admin, "PUT", "/hatrac/ns/new", fmt.Sprint("content ", i), "If-None-Match: *")
		})
	})
	t.Run("PUT of large content", func(t *testing.T) {
		tag := s.do(admin, "GET", url, "").Header.Get("ETag")
		content := strings.Repeat("x", 100<<10)
		s.compete(t, 201, func(i int) answer {
			return s.do(admin, "PUT", url, fmt.Sprint(i, content), "If-Match: "+tag)
		})
	})
	t.Run("PUT of a list", func(t *testing.T) {
		tag := s.do(admin, "GET", url+";acl/read", "").Header.Get("ETag")
		s.compete(t, 204, func(i int) answer {
			return s.do(admin, "PUT", url+";acl/read", fmt.Sprintf(`["role%d"]`, i), asJSON, "If-Match: "+tag)
		})
	})
	t.Run("PUT of a field", func(t *testing.T) {
		field := "/hatrac/ns/m:" + other + ";metadata/content-type"
		s.wants(204, s.do(admin, "PUT", field, "a/b", "Content-Type: text/plain"))
		tag := s.do(admin, "GET", field, "").Header.Get("ETag")
		s.compete(t, 204, func(i int) answer {
			return s.do(admin, "PUT", field, fmt.Sprintf("a/c%d", i), "Content-Type: text/plain", "If-Match: "+tag)
		})
	})
	t.Run("finishing uploads", func(t *testing.T) {
		tag := s.do(admin, "GET", url, "").Header.Get("ETag")
		jobs := make([]string, rivals)
		for i := range jobs {
			jobs[i] = s.upload("/ns/o", `{"chunk-length": 2, "content-length": 2}`)
			s.wants(204, s.do(admin, "PUT", "/hatrac"+jobs[i]+"/0", fmt.Sprintf("%02d", i)))
		}
		s.compete(t, 201, func(i int) answer { return s.do(admin, "POST", "/hatrac"+jobs[i], "", "If-Match: "+tag) })
	})
}

func TestOneUploadBecomesOneVersion(t *testing.T) {
	s := newSite(t, options{})
	job := s.upload("/o", `{"chunk-length": 2, "content-length": 2}`)
	s.wants(204, s.do(admin, "PUT", "/hatrac"+job+"/0", "ok"))
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if a := s.do(admin, "POST", "/hatrac"+job, ""); a.StatusCode != 201 && a.StatusCode != 404 {
				t.Errorf("%d %s", a.StatusCode, a.body)
			}
		})
	}
	all.Wait()
	if got := s.do(admin, "GET", "/hatrac/o;versions", "", "Accept: text/uri-list"); strings.Count(got.body, "\n") != 1 {
		t.Errorf("the versions are %q", got.body)
	}
	s.wants(200, s.do(admin, "GET", "/hatrac/o", ""))
}
