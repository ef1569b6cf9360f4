package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/cmd/config"
)

// pipes is a listener whose connections are in memory, so that time is the test's.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial returns a connection, or an error when nobody accepts any more.
func (p *pipes) dial() (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// accepting runs talk while a server accepts connections, and ends that.
func accepting(t *testing.T, handle http.HandlerFunc, talk func(s *server, srv *http.Server, p *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		s := &server{opened: &opened{config: &config.Config{}}, listener: p, log: zerolog.Nop()}
		srv := newHTTPServer(handle)
		done := make(chan error, 1)
		go func() { done <- s.accept(srv) }()
		talk(s, srv, p)
		_ = srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the server ended with %v", err)
		}
	})
}

func well(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "well") }

const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// ask sends a text and returns what comes back of an answer.
func ask(t *testing.T, p *pipes, text string) (status int, body string, err error) {
	t.Helper()
	conn, err := p.dial()
	if err != nil {
		return 0, "", err
	}
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, text) }()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, "", err
	}
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

// A client cannot hold a connection by sending its header drop by drop, or nothing at all.
func TestAConnectionIsNotHeldByWhoAsksNothing(t *testing.T) {
	accepting(t, well, func(_ *server, _ *http.Server, p *pipes) {
		for _, beginning := range []string{"", "GET / HTTP/1.1\r\nHost: x\r\n"} {
			conn, err := p.dial()
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(conn, beginning)
			begun := time.Now()
			if n, err := io.Copy(io.Discard, conn); err != nil || time.Since(begun) > headerTimeout+time.Second {
				t.Errorf("after %q and %v: %d bytes, %v", beginning, time.Since(begun), n, err)
			}
			_ = conn.Close()
		}
	})
}

func TestAConnectionIsKeptForTheNextRequestOnlySoLong(t *testing.T) {
	accepting(t, well, func(_ *server, _ *http.Server, p *pipes) {
		conn, err := p.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		answers := bufio.NewReader(conn)
		for range 2 {
			go func() { _, _ = io.WriteString(conn, request) }()
			response, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			time.Sleep(idleTimeout - time.Second)
		}
		begun := time.Now()
		if _, err := answers.ReadByte(); err != io.EOF || time.Since(begun) > 2*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

func TestAHeaderWithoutEndIsRefused(t *testing.T) {
	accepting(t, well, func(_ *server, _ *http.Server, p *pipes) {
		const head = "GET / HTTP/1.1\r\nHost: x\r\nX: "
		if status, _, err := ask(t, p, head+strings.Repeat("x", maxHeaderBytes/2)+"\r\n\r\n"); status != 200 {
			t.Errorf("a header of some size: %d, %v", status, err)
		}
		if status, _, err := ask(t, p, head+strings.Repeat("x", 1<<20)); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a header without end: %d, %v", status, err)
		}
	})
}

// At its end a server finishes what it has begun, takes nothing new, and does not wait for ever.
func TestRequestsUnderWayAreFinishedFirst(t *testing.T) {
	for work, cut := range map[time.Duration]bool{drainTime - time.Second: false, time.Hour: true} {
		begun := make(chan struct{})
		slow := func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			select {
			case <-time.After(work):
			case <-r.Context().Done():
			}
			well(w, r)
		}
		accepting(t, slow, func(s *server, srv *http.Server, p *pipes) {
			type answer struct {
				body string
				err  error
			}
			answered := make(chan answer)
			go func() {
				_, body, err := ask(t, p, request)
				answered <- answer{body, err}
			}()
			<-begun
			drained := make(chan error)
			start := time.Now()
			go func() { drained <- s.drain(srv) }()
			synctest.Wait()
			if _, _, err := ask(t, p, request); err == nil {
				t.Error("a request that came afterwards was taken")
			}
			got := <-answered
			if (got.body == "well") == cut || (got.err != nil) != cut {
				t.Errorf("work of %v: answered %q, %v", work, got.body, got.err)
			}
			if err := <-drained; err != nil || time.Since(start) > drainTime+time.Second {
				t.Errorf("work of %v: ended after %v with %v", work, time.Since(start), err)
			}
		})
	}
}
