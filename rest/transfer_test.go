package rest

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/service/account"
)

func TestAClientThatDoesNotReadIsGivenUp(t *testing.T) {
	s := newSite(t, options{rest: func(c *Config) { c.Stall = 100 * time.Millisecond }})
	url, _ := s.object("/o", strings.Repeat("x", 32<<20))
	before := len(s.log.lines(1))
	conn := s.dial()
	must(t, conn.SetReadBuffer(4096))
	_, err := io.WriteString(conn, "GET "+url+" HTTP/1.1\r\n"+s.authorized(admin)+"\r\n")
	must(t, err)
	lines := s.log.lines(before + 1)
	if last := lines[before]; !strings.Contains(last, `"aborted":true`) || !strings.Contains(last, "timeout") {
		t.Errorf("the log tells %s", last)
	}
}

// onePipe is a listener with one connection in memory, on which time is the test's.
type onePipe struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (l *onePipe) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conn:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *onePipe) Close() error {
	close(l.closed)
	return nil
}

func (l *onePipe) Addr() net.Addr { return &net.TCPAddr{} }

// pipe serves cfg on a connection in memory and runs talk at its other end.
func pipe(t *testing.T, cfg Config, talk func(conn net.Conn, answers *bufio.Reader)) {
	t.Helper()
	cfg.Service, cfg.Accounts = &service.Service{}, &account.Accounts{}
	handler, err := New(cfg)
	must(t, err)
	client, server := net.Pipe()
	l := &onePipe{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
	l.conn <- server
	web := &http.Server{Handler: handler}
	done := make(chan error)
	go func() { done <- web.Serve(l) }()
	talk(client, bufio.NewReader(client))
	must(t, client.Close())
	must(t, web.Close())
	<-done
}

func readAnswer(t *testing.T, answers *bufio.Reader) answer {
	t.Helper()
	response, err := http.ReadResponse(answers, nil)
	must(t, err)
	text, err := io.ReadAll(response.Body)
	must(t, err)
	return answer{response, string(text)}
}

func TestWorkMayTakeLongerThanAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(ctx context.Context) error {
			time.Sleep(10 * time.Minute)
			return ctx.Err()
		}
		pipe(t, Config{Stall: time.Minute, Health: slow}, func(conn net.Conn, answers *bufio.Reader) {
			for i, rest := range []string{"Content-Length: 4\r\n\r\nbody", "\r\n", "Content-Length: 4\r\n\r\nbody", "\r\n"} {
				_, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n"+rest)
				must(t, err)
				if a := readAnswer(t, answers); a.StatusCode != 200 {
					t.Fatalf("request %d: %d %s", i, a.StatusCode, a.body)
				}
				time.Sleep(10 * time.Minute)
			}
		})
	})
}

func TestADeadlineEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe(t, Config{Stall: time.Minute}, func(conn net.Conn, answers *bufio.Reader) {
			const head = "POST /authn/session HTTP/1.1\r\nHost: x\r\n" + asForm + "\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
			for range 3 {
				_, err := io.WriteString(conn, head)
				must(t, err)
				if a := readAnswer(t, answers); a.StatusCode != 100 {
					t.Fatalf("instead of being asked for the content: %d %s", a.StatusCode, a.body)
				}
				_, err = io.WriteString(conn, "body")
				must(t, err)
				if a := readAnswer(t, answers); a.StatusCode != 400 || a.Close {
					t.Fatalf("%d %s", a.StatusCode, a.body)
				}
				time.Sleep(10 * time.Minute)
			}
		})
	})
}

func TestASlowClientIsNotAStalledOne(t *testing.T) {
	const head = "POST /authn/session HTTP/1.1\r\nHost: x\r\n" + asForm + "\r\nContent-Length: 50\r\n\r\n"
	for _, c := range []struct {
		name  string
		pause time.Duration
		sent  int
		want  string
	}{
		{"slow", 30 * time.Second, 50, "A login needs the parameters username and password."},
		{"stalled", 30 * time.Second, 40, "The content did not arrive in time."},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pipe(t, Config{Stall: time.Minute}, func(conn net.Conn, answers *bufio.Reader) {
					_, err := io.WriteString(conn, head)
					must(t, err)
					for range c.sent {
						time.Sleep(c.pause)
						_, err := io.WriteString(conn, "x")
						must(t, err)
					}
					if a := readAnswer(t, answers); a.StatusCode != 400 || !strings.Contains(a.body, c.want) {
						t.Errorf("%d %s", a.StatusCode, a.body)
					}
				})
			})
		})
	}
}

// kernelWriter is a connection that can take a file by itself.
type kernelWriter struct {
	*httptest.ResponseRecorder
	files int
}

func (k *kernelWriter) ReadFrom(r io.Reader) (int64, error) {
	if limited, ok := r.(*io.LimitedReader); ok {
		if _, ok := limited.R.(*os.File); ok {
			k.files++
		}
	}
	return io.Copy(k.Body, r)
}

func TestTheKernelSendsLargeContent(t *testing.T) {
	s := newSite(t, options{})
	content := strings.Repeat("0123456789", 50_000)
	for _, c := range []struct {
		name   string
		target string
		part   string
		want   string
		kernel bool
	}{
		{"large", "/large", "", content, true},
		{"large part", "/large", "bytes=7-400006", content[7:400007], true},
		{"small part", "/large", "bytes=7-16", content[7:17], false},
		{"small", "/small", "", "x", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.object("/large", content)
			s.object("/small", "x")
			w := &kernelWriter{ResponseRecorder: httptest.NewRecorder()}
			req := httptest.NewRequest("GET", "/hatrac"+c.target, nil)
			req.Header.Set("Authorization", "Bearer "+s.tokens[admin])
			if c.part != "" {
				req.Header.Set("Range", c.part)
			}
			s.server.ServeHTTP(w, req)
			if w.Body.String() != c.want {
				t.Errorf("%d bytes came", w.Body.Len())
			}
			if (w.files > 0) != (c.kernel && on.files) {
				t.Errorf("the kernel was given %d files", w.files)
			}
		})
	}
}
