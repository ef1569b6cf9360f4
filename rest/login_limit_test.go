package rest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAThrottleLetsABurstThroughAndThenOneInEachInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttle := newThrottle(3, time.Minute)
		for i := range 3 {
			if wait := throttle.take("a"); wait != 0 {
				t.Fatalf("attempt %d has to wait %v", i, wait)
			}
		}
		if wait := throttle.take("a"); wait != time.Minute {
			t.Errorf("the wait is %v", wait)
		}
		time.Sleep(59 * time.Second)
		if wait := throttle.take("a"); wait != time.Second {
			t.Errorf("the wait is %v", wait)
		}
		time.Sleep(time.Second)
		if throttle.take("a") != 0 || throttle.take("a") == 0 {
			t.Error("not one in each interval")
		}
		time.Sleep(24 * time.Hour)
		for i := range 3 {
			if wait := throttle.take("a"); wait != 0 {
				t.Fatalf("a day later, attempt %d has to wait %v", i, wait)
			}
		}
		if throttle.take("a") == 0 {
			t.Error("a day without attempts allows more than the burst")
		}
		throttle.giveBack("a")
		if throttle.take("a") != 0 {
			t.Error("what was given back is not there")
		}
	})
}

func TestWhoNeverFailsNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := newLoginLimit()
		for range 1000 {
			if err := limit.take("192.0.2.1", "alice"); err != nil {
				t.Fatal(err)
			}
			limit.giveBack("192.0.2.1", "alice")
		}
	})
}

func TestGuessesAreSlowedDownPerUserAndPerAddress(t *testing.T) {
	count := func(limit *loginLimit, address, name func(i int) string) (n int) {
		for i := range 200 {
			if limit.take(address(i), name(i)) == nil {
				n++
			}
		}
		return n
	}
	always := func(s string) func(int) string { return func(int) string { return s } }
	numbered := func(format string) func(int) string {
		return func(i int) string { return fmt.Sprintf(format, i) }
	}
	synctest.Test(t, func(t *testing.T) {
		for what, c := range map[string]struct {
			address, name func(int) string
			most          int
		}{
			"one user, many addresses":         {numbered("192.0.2.%d"), always("alice"), nameFailures},
			"many users, one address":          {always("192.0.2.1"), numbered("user%d"), addressFailures},
			"many users, one network":          {numbered("2001:db8::%x"), numbered("user%d"), addressFailures},
			"many users, one mapped address":   {always("::ffff:192.0.2.1"), numbered("user%d"), addressFailures},
			"one user, one address":            {always("192.0.2.1"), always("alice"), nameFailures},
			"one user, an address that is not": {always("@"), always("alice"), nameFailures},
		} {
			if n := count(newLoginLimit(), c.address, c.name); n > c.most || n < c.most/2 {
				t.Errorf("%s: %d guesses at once", what, n)
			}
		}
	})
}

func TestTooManyFailedLoginsAreToldToWait(t *testing.T) {
	s := newSite(t, options{})
	for range nameFailures {
		s.wants(401, s.do(nobody, "POST", "/authn/session", loginBody("mallory", "wrong"), asForm))
	}
	var a answer
	for range nameFailures { // some of which may have been earned meanwhile
		if a = s.do(nobody, "POST", "/authn/session", loginBody("mallory", "wrong"), asForm); a.StatusCode == 429 {
			break
		}
	}
	s.wants(429, a)
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || seconds < 1 || !strings.Contains(a.body, "too many failed logins") {
		t.Errorf("Retry-After %q, %q", a.Header.Get("Retry-After"), a.body)
	}
	// Another user is not held up.
	s.wants(200, s.do(nobody, "POST", "/authn/session", loginBody(alice, password), asForm))
}

func TestLoginsThatDoNotFailAreNotCounted(t *testing.T) {
	s := newSite(t, options{})
	at := "127.0.0.1"
	for range nameFailures - 1 {
		must(t, s.server.logins.take(at, alice))
	}
	// There is one left, and it is for whoever knows the password.
	for range 2 {
		s.wants(200, s.do(nobody, "POST", "/authn/session", loginBody(alice, password), asForm))
	}
}
