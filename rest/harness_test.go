package rest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
)

// The clients of the tests. The admin owns the root with everything beneath it.
const (
	nobody = ""
	admin  = "admin"
	alice  = "alice"
	bob    = "bob"
)

const password = "correct horse"

// site is a server on a real store, with what the tests need to talk to it.
type site struct {
	t       *testing.T
	server  *Server
	service *service.Service
	// directory is for what cannot be made by requests.
	directory store.Directory
	accounts  *account.Accounts
	url       string
	tokens    map[string]string
	log       *logBuffer
	audit     *logBuffer
}

// logBuffer is a log that tests can read while it is written.
type logBuffer struct {
	mu    sync.Mutex // guards text
	grown *sync.Cond
	text  bytes.Buffer
}

func newLogBuffer() *logBuffer {
	l := &logBuffer{}
	l.grown = sync.NewCond(&l.mu)
	return l
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.grown.Broadcast()
	return l.text.Write(p)
}

// patience is how long a test waits for what has to come.
const patience = time.Minute

// lines waits until there are n lines: each is written when its request is over, after the
// client has its answer. One that does not come is told as such.
func (l *logBuffer) lines(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	over := false
	timer := time.AfterFunc(patience, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		over = true
		l.grown.Broadcast()
	})
	defer timer.Stop()
	for strings.Count(l.text.String(), "\n") < n && !over {
		l.grown.Wait()
	}
	lines := strings.Split(strings.TrimSpace(l.text.String()), "\n")
	for len(lines) < n {
		lines = append(lines, "this line did not come")
	}
	return lines
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// options change how a site is set up.
type options struct {
	firewall *acl.Firewall
	rest     func(*Config)
	bulk     func(store.Assembler) store.Assembler
	// directory, if not nil, is served instead of one in SQLite, and closed in the end.
	directory store.Directory
	// retention is how long what was deleted can be restored.
	retention time.Duration
	// direct keeps also the smallest content out of the directory.
	direct bool
}

func newSite(t *testing.T, o options) *site {
	t.Helper()
	ctx := t.Context()
	directory := o.directory
	if directory == nil {
		directory = on.directory(t)
	}
	bulk := on.storage(t)
	if o.bulk != nil {
		bulk = o.bulk(bulk)
	}
	firewall := acl.Open()
	if o.firewall != nil {
		firewall = *o.firewall
	}
	cfg := service.Config{Directory: directory, Bulk: bulk, Firewall: firewall, DeletedRetention: o.retention}
	if o.direct || on.direct {
		cfg.InlineLimit = -1
	}
	must(t, service.Init(ctx, directory, []string{admin}))
	s := &site{t: t, directory: directory, tokens: map[string]string{}, log: newLogBuffer(), audit: newLogBuffer()}
	var err error
	s.service, err = service.New(cfg)
	must(t, err)
	s.accounts = account.New(directory.Accounts(), account.Config{})
	for _, name := range []string{admin, alice, bob} {
		s.addUser(ctx, name)
	}
	s.serve(o)
	return s
}

func (s *site) addUser(ctx context.Context, name string) {
	s.t.Helper()
	// Hashing a password is slow by intent, so only one user has one.
	secret := ""
	if name == alice {
		secret = password
	}
	must(s.t, s.accounts.CreateUser(ctx, name, []string{name + "s"}, secret))
	token, _, err := s.accounts.CreateToken(ctx, name, "test", 0)
	must(s.t, err)
	s.tokens[name] = token
}

func (s *site) serve(o options) {
	s.t.Helper()
	audit := zerolog.New(s.audit)
	cfg := Config{Service: s.service, Accounts: s.accounts, Log: zerolog.New(s.log), Audit: &audit}
	if o.rest != nil {
		o.rest(&cfg)
	}
	var err error
	s.server, err = New(cfg)
	must(s.t, err)
	web := httptest.NewServer(s.server)
	s.t.Cleanup(web.Close)
	s.url = web.URL
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

// do sends a request as a client. Headers are given as "Name: value".
func (s *site) do(client, method, target, body string, headers ...string) answer {
	s.t.Helper()
	var content io.Reader
	if body != "" || method == http.MethodPut || method == http.MethodPost {
		content = strings.NewReader(body)
	}
	return s.send(client, method, target, content, headers...)
}

// send is do with any body.
func (s *site) send(client, method, target string, body io.Reader, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+target, body)
	must(s.t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	if client != nobody {
		req.Header.Set("Authorization", "Bearer "+s.tokens[client])
	}
	// A server that is told to close afterwards does not wait for content that it refused, and
	// who still sends it may see the broken connection before the answer.
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(req)
	must(s.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(s.t, err)
	return answer{response, string(text)}
}

// raw sends bytes over a connection of its own and reads one answer.
func (s *site) raw(method, text string) answer {
	s.t.Helper()
	conn := s.dial()
	_, err := io.WriteString(conn, text)
	must(s.t, err)
	return s.read(conn, method)
}

func (s *site) dial() *net.TCPConn {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	must(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

func (s *site) read(conn net.Conn, method string) answer {
	s.t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	must(s.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(s.t, err)
	return answer{response, string(body)}
}

// wants checks the status of an answer and gives it back.
func (s *site) wants(status int, a answer) answer {
	s.t.Helper()
	if a.StatusCode != status {
		s.t.Fatalf("%s %s: status %d, want %d; %s", a.method(), a.target(), a.StatusCode, status, a.body)
	}
	return a
}

func (a answer) method() string {
	if a.Request == nil {
		return "raw"
	}
	return a.Request.Method
}

func (a answer) target() string {
	if a.Request == nil || a.Request.URL == nil {
		return ""
	}
	return a.Request.URL.String()
}

// namespace makes a namespace as the admin.
func (s *site) namespace(path string) {
	s.t.Helper()
	s.wants(http.StatusCreated, s.do(admin, http.MethodPut, "/hatrac"+path, "", "Content-Type: "+typeNamespace))
}

// object stores content as the admin and returns the path of the version and its id.
func (s *site) object(path, content string, headers ...string) (url, version string) {
	s.t.Helper()
	a := s.wants(http.StatusCreated, s.do(admin, http.MethodPut, "/hatrac"+path, content, headers...))
	url = strings.TrimSuffix(a.body, "\n")
	_, version, _ = strings.Cut(url, ":")
	return url, version
}

// grant replaces a list of a resource as the admin.
func (s *site) grant(path, list, entries string) {
	s.t.Helper()
	s.wants(http.StatusNoContent, s.do(admin, http.MethodPut, "/hatrac"+path+";acl/"+list, entries, "Content-Type: application/json"))
}

// readOnly is the firewall that lets nobody change anything.
func readOnly() *acl.Firewall { return &acl.Firewall{} }
