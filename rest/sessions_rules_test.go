package rest

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sessionOf reads a session without what depends on the time, and when it ends.
func (s *site) sessionOf(a answer) (doc map[string]any, expires time.Time) {
	s.t.Helper()
	must(s.t, json.Unmarshal([]byte(a.body), &doc))
	expires, err := time.Parse("2006-01-02 15:04:05.000000-07:00", doc["expires"].(string))
	must(s.t, err)
	delete(doc, "expires")
	delete(doc, "seconds_remaining")
	return doc, expires
}

// A login is answered with the session, and PUT lets it end later (rest-api §13).
func TestASessionIsToldAtLoginAndExtended(t *testing.T) {
	s := newSite(t, options{})
	const query = "?cid=x&referrer=%2Fy&resource=urn:z"
	a := s.wants(200, s.do(nobody, "POST", "/authn/session"+query, loginBody(alice, password), asForm))
	cookie := "Cookie: " + a.Cookies()[0].Name + "=" + a.Cookies()[0].Value
	atLogin, first := s.sessionOf(a)
	if a.Header.Get("Content-Type") != typeJSON || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the login is answered with %v", a.Header)
	}
	for _, method := range []string{"GET", "PUT", "GET"} {
		doc, expires := s.sessionOf(s.wants(200, s.do(nobody, method, "/authn/session"+query, "", cookie)))
		if diff := cmp.Diff(atLogin, doc); diff != "" {
			t.Error(method, diff)
		}
		if method == "PUT" {
			if !expires.After(first) {
				t.Errorf("the session ended at %v and ends at %v", first, expires)
			}
			first = expires
		}
		if expires != first {
			t.Errorf("%s tells that the session ends at %v, not %v", method, expires, first)
		}
	}
	doc, _ := s.sessionOf(s.wants(200, s.do(bob, "GET", "/authn/session"+query, "")))
	if got := doc["client"].(map[string]any)["id"]; got != bob {
		t.Errorf("the session of a token is that of %v", got)
	}
	s.wants(404, s.do(nobody, "HEAD", "/authn/session"+query, ""))
	s.wants(200, s.do(nobody, "GET", "/authn/preauth"+query, ""))
	s.wants(200, s.do(nobody, "GET", "/authn/discovery"+query, ""))
	a = s.wants(200, s.do(nobody, "DELETE", "/authn/session"+query, "", cookie))
	if a.body != `{"logout_url":"/"}`+"\n" {
		t.Errorf("the logout is answered with %s", a.body)
	}
}

// A login lacks a parameter also if another has its value, or if it stands elsewhere (rest-api §13).
func TestALoginNeedsBothParameters(t *testing.T) {
	s := newSite(t, options{})
	for _, form := range []string{"username=" + alice, "password=x", "user=alice&password=x", "username=alice&pass=x"} {
		s.wants(400, s.do(nobody, "POST", "/authn/session?password=x&username=alice", form, asForm))
	}
	s.wants(200, s.do(nobody, "POST", "/authn/session", loginBody(alice, password)+"&more=x", asForm+"; charset=UTF-8"))
}

// A browser sends the cookie by TLS alone if that is how it got it (rest-api §13).
func TestTheCookieOfATLSLoginIsSecure(t *testing.T) {
	s := newSite(t, options{})
	web := httptest.NewTLSServer(s.server)
	defer web.Close()
	response, err := web.Client().Post(web.URL+"/authn/session", "application/x-www-form-urlencoded", strings.NewReader(loginBody(alice, password)))
	must(t, err)
	defer response.Body.Close()
	if got := response.Cookies(); len(got) != 1 || !got[0].Secure {
		t.Errorf("%s: the cookies are %v", response.Status, got)
	}
}
