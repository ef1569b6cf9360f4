package transfer_test

import (
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/rest"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/transfer"
)

var admin = acl.Client{ID: "admin"}

// site is a store in service.
type site struct {
	t        *testing.T
	store    transfer.Store
	service  *service.Service
	accounts *account.Accounts
}

func serve(t *testing.T, s transfer.Store) *site {
	t.Helper()
	made, err := service.New(service.Config{
		Directory: s.Directory, Bulk: s.Bulk.(store.Assembler), Firewall: acl.Open(), DeletedRetention: time.Hour,
		Log: zerolog.Nop(),
	})
	must(t, err)
	return &site{t: t, store: s, service: made, accounts: account.New(s.Directory.Accounts(), account.Config{})}
}

func (s *site) put(path store.Path, content string) string {
	s.t.Helper()
	digest := md5.Sum([]byte(content))
	r, err := s.service.PutObject(s.t.Context(), admin, service.PutObject{
		Path: path, Content: strings.NewReader(content), Size: int64(len(content)), Parents: true,
		Metadata: store.Metadata{ContentType: "text/plain; charset=utf-8", MD5: digest[:]},
		Attr:     store.Attr{MTime: 123456789, HasMTime: true, Mode: 0o640, HasMode: true, UID: 7, GID: 8, HasOwner: true},
	})
	must(s.t, err)
	return r.Version.Version
}

func (s *site) rename(from, to store.Path) {
	s.t.Helper()
	_, err := s.service.Rename(s.t.Context(), admin, service.Rename{Source: from, Target: to, CopyACLs: true})
	must(s.t, err)
}

func (s *site) delete(path store.Path, versions ...string) {
	s.t.Helper()
	if len(versions) == 0 {
		must(s.t, s.service.Delete(s.t.Context(), admin, service.Delete{Path: path}))
	}
	for _, v := range versions {
		must(s.t, s.service.DeleteVersion(s.t.Context(), admin, store.Ref{Path: path, Version: v}, service.Conditions{}))
	}
}

// large is content that is not kept in the directory.
func large(of string) string { return strings.Repeat(of, 5000) }

// fill makes a store with rows in all states.
func (s *site) fill() (token string) {
	ctx, t := s.t.Context(), s.t
	must(t, service.Init(ctx, s.store.Directory, []string{"admin"}))
	must(t, s.accounts.CreateUser(ctx, "admin", []string{"staff"}, "correct horse"))
	must(t, s.accounts.CreateUser(ctx, "ann", nil, ""))
	token, _, err := s.accounts.CreateToken(ctx, "admin", "for tests", 0)
	must(t, err)
	_, _, err = s.accounts.CreateToken(ctx, "ann", "with an end", time.Hour)
	must(t, err)

	s.put("/a/b/small", "small")
	s.put("/a/b/empty", "")
	for _, content := range []string{"1", "2", "3"} {
		s.put("/a/b/large", large(content))
	}
	must(t, s.service.SetACL(ctx, admin, store.Ref{Path: "/a/b"}, service.ACLChange{Op: service.ReplaceList, List: acl.SubtreeRead, Entries: []string{"*"}}))
	s.delete("/a/deleted", s.put("/a/deleted", large("deleted")), s.put("/a/deleted", "small deleted"))
	s.put("/a/deleted", large("rest"))
	s.put("/gone/o", large("gone"))
	s.delete("/gone")
	s.put("/a/from", large("renamed"))
	s.rename("/a/from", "/a/to")
	s.put("/a/there", large("and back"))
	s.rename("/a/there", "/a/back")
	s.rename("/a/back", "/a/there")
	s.rename("/a/there", "/a/there~")
	s.put("/a/there", "newer")
	must(t, s.service.Delete(ctx, admin, service.Delete{Path: "/a/there~", GiveBack: true}))
	s.put("/a/moved/o", large("moved"))
	s.put("/later/x", "x")
	_, err = s.service.MoveNamespace(ctx, admin, service.MoveNamespace{Source: "/a/moved", Target: "/later/moved"})
	must(t, err)
	_, err = s.service.StartJob(ctx, admin, service.StartJob{Path: "/a/upload", Size: 10, ChunkSize: 5})
	must(t, err)
	s.bindAsTheOriginal()
	return token
}

// bindAsTheOriginal makes versions as they were taken over: nobody computed a digest, one lives
// elsewhere.
func (s *site) bindAsTheOriginal() {
	s.put("/old/o", "first")
	found, err := s.store.Directory.Resolve(s.t.Context(), "/old/o", "")
	must(s.t, err)
	content := large("old")
	place := store.Placement{Path: "/old/o", Version: "old id", Size: int64(len(content))}
	address, err := s.store.Bulk.Put(s.t.Context(), place, strings.NewReader(content))
	must(s.t, err)
	must(s.t, s.store.Directory.Update(s.t.Context(), func(tx store.Tx) error {
		for _, v := range []store.Version{
			{Version: "elsewhere", Size: 5, URL: "https://archive.example.org/5"},
			{Version: "old id", Size: int64(len(content)), Address: address},
		} {
			v.NameID = found.Name.ID
			if err := tx.BindVersion(s.t.Context(), &v); err != nil {
				return err
			}
		}
		return nil
	}))
}

// bindMany makes so many small versions of an object, more than are read at once.
func (s *site) bindMany(n int) {
	s.t.Helper()
	s.put("/many", "0")
	found, err := s.store.Directory.Resolve(s.t.Context(), "/many", "")
	must(s.t, err)
	must(s.t, s.store.Directory.Update(s.t.Context(), func(tx store.Tx) error {
		for i := range n {
			v := store.Version{NameID: found.Name.ID, Version: fmt.Sprint("many ", i), Size: 1, Inline: []byte("m"), HasInline: true}
			if err := tx.BindVersion(s.t.Context(), &v); err != nil {
				return err
			}
		}
		return nil
	}))
}

// answers asks for everything that was ever known and returns what the API answers.
func (s *site) answers(token string) map[string]string {
	s.t.Helper()
	handler, err := rest.New(rest.Config{Service: s.service, Accounts: s.accounts, Log: zerolog.Nop()})
	must(s.t, err)
	web := httptest.NewServer(handler)
	defer web.Close()
	answers := make(map[string]string)
	for _, target := range s.targets() {
		for _, accept := range []string{"application/json", "application/vnd.hatrac.listing+json"} {
			answers[target+" "+accept] = s.ask(web, target, token, accept)
		}
	}
	return answers
}

// targets are the URLs of names and versions with all that belongs to them.
func (s *site) targets() (targets []string) {
	names, err := s.store.Directory.NamesAfter(s.t.Context(), 0, 10000)
	must(s.t, err)
	for _, n := range names {
		for _, sub := range []string{"", ";acl", ";versions", ";metadata"} {
			targets = append(targets, string(n.Path)+sub)
		}
	}
	versions, err := s.store.Directory.VersionsAfter(s.t.Context(), 0, 10000)
	must(s.t, err)
	for _, v := range versions {
		if id := v.Version.Version; strings.HasPrefix(id, "many ") && !strings.HasSuffix(id, "50") {
			continue // one of so many alike
		}
		for _, sub := range []string{"", ";acl", ";metadata"} {
			targets = append(targets, store.Ref{Path: v.Path, Version: v.Version.Version}.String()+sub)
		}
	}
	if len(names) < 10 || len(versions) < 10 {
		s.t.Fatalf("the store has %d names and %d versions", len(names), len(versions))
	}
	return targets
}

func (s *site) ask(web *httptest.Server, target, token, accept string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, web.URL+"/hatrac"+target, nil)
	must(s.t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept", accept)
	answer, err := http.DefaultTransport.RoundTrip(req)
	must(s.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(s.t, err)
	ignored := []string{"Date", "X-Request-Id", "Content-Length"}
	text := fraction.ReplaceAllStringFunc(string(body), func(found string) string {
		return strings.TrimRight(found[:min(len(found)-1, len(".123456"))], "0") + "Z"
	})
	if strings.HasPrefix(target, "/old") { // whose digest is computed for the copy
		ignored = append(ignored, "Repr-Digest")
		text = computed.ReplaceAllString(text, "")
	}
	for _, name := range ignored {
		answer.Header.Del(name)
	}
	// The tag of a full listing is of its body, with the fractions and digests that do not count here.
	answer.Header.Set("ETag", ofBody.ReplaceAllString(answer.Header.Get("ETag"), "$1"))
	return fmt.Sprint(answer.Status, answer.Header, text)
}

var (
	// fraction is that of a second, which some directories cut.
	fraction = regexp.MustCompile(`\.[0-9]+Z`)
	computed = regexp.MustCompile(`,"content-sha256":"[^"]*"`)
	ofBody   = regexp.MustCompile(`(;full)\.[^"]*`)
)
