package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/cmd/config"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func TestSettingsReachTheAPI(t *testing.T) {
	templates := map[string]map[string]string{"404": {"text/plain": "none"}}
	got := restConfig(&config.Config{
		ServicePrefix: "/files", MaxRequestPayload: 5,
		Sessions: config.Sessions{
			Cookie: "c", Secure: true, Path: "/my/session", LoginURL: "https://login.example", LogoutURL: "/bye",
		},
		TrustedProxies: []string{"10.0.0.1"}, AllowedOrigins: []string{"https://portal.example"}, ErrorTemplates: templates,
	})
	for name, pair := range map[string][2]any{
		"the prefix":           {"/files", got.Prefix},
		"the largest request":  {int64(5), got.MaxRequestPayload},
		"the cookie":           {"c", got.Cookie},
		"the secure cookie":    {true, got.SecureCookie},
		"the path of sessions": {"/my/session", got.SessionPath},
		"where to log in":      {"https://login.example", got.LoginURL},
		"where to log out to":  {"/bye", got.LogoutURL},
		"trusted proxies":      {[]string{"10.0.0.1"}, got.TrustedProxies},
		"allowed origins":      {[]string{"https://portal.example"}, got.AllowedOrigins},
		"error templates":      {templates, got.ErrorTemplates},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// built is a new store in a folder with these settings.
func built(t *testing.T, settings map[string]string) *opened {
	t.Helper()
	cfg, report := config.Read(config.Source{Data: t.TempDir(), Flags: settings})
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	dir, err := openDirectory(t.Context(), cfg, true)
	if err != nil {
		t.Fatal(err)
	}
	o := &opened{config: cfg, dir: dir}
	if err := o.build(t.Context(), zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.close() })
	if err := service.Init(t.Context(), dir, []string{"me"}); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestSettingsReachTheService(t *testing.T) {
	me := acl.Client{ID: "me"}
	for _, c := range []struct {
		settings map[string]string
		lasts    time.Duration
		restores bool
	}{
		{nil, 7 * 24 * time.Hour, false},
		{map[string]string{"upload_expiration": "2h", "deleted_retention": "1h"}, 2 * time.Hour, true},
	} {
		s := built(t, c.settings).service
		job, err := s.StartJob(t.Context(), me, service.StartJob{Path: "/o", Size: 1, ChunkSize: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := job.Expires.Sub(job.Job.Created); got != c.lasts {
			t.Errorf("%v: an upload lasts %v", c.settings, got)
		}
		if _, err := s.PutObject(t.Context(), me, service.PutObject{Path: "/p", Content: strings.NewReader("x"), Size: 1}); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), me, service.Delete{Path: "/p"}); err != nil {
			t.Fatal(err)
		}
		if err := s.Reclaim(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Restore(t.Context(), me, store.Ref{Path: "/p"}, service.Conditions{}); (err == nil) != c.restores {
			t.Errorf("%v: restoring answers %v", c.settings, err)
		}
	}
	closed := built(t, map[string]string{"read_only": "true"}).service
	_, err := closed.CreateNamespace(t.Context(), me, service.CreateNamespace{Path: "/n"})
	if err == nil || store.KindOf(err) != store.Denied {
		t.Errorf("a store that is read only answers %v", err)
	}
}
