package pgtest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Loss is what a Proxy loses, together with the connection.
type Loss int32

const (
	// Nothing is lost.
	Nothing Loss = iota
	// Commits are lost on their way to the server.
	Commits
	// Answers to commits are lost: the server has done what was asked.
	Answers
)

// Proxy stands between a client and a server, and breaks connections in the middle of a COMMIT.
type Proxy struct {
	server, folder string
	listener       net.Listener
	loss           atomic.Int32
	wait           sync.WaitGroup

	mu   sync.Mutex // guards open
	open []net.Conn
}

// Proxy starts a proxy of the server.
func (s *Server) Proxy() (*Proxy, error) {
	folder, err := os.MkdirTemp("", "pgproxy")
	if err != nil {
		return nil, err
	}
	p := &Proxy{server: socket(s.folder), folder: folder}
	if p.listener, err = net.Listen("unix", socket(folder)); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	p.wait.Go(p.serve)
	return p, nil
}

func socket(folder string) string { return filepath.Join(folder, ".s.PGSQL.5432") }

// DSN returns the connection string of a database behind the proxy.
func (p *Proxy) DSN(database string) string {
	return fmt.Sprintf("host=%s user=hatrac dbname=%s", p.folder, database)
}

// Lose loses it from now on.
func (p *Proxy) Lose(loss Loss) { p.loss.Store(int32(loss)) }

// Close breaks all connections and ends the proxy.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.mu.Lock()
	for _, conn := range p.open {
		_ = conn.Close()
	}
	p.mu.Unlock()
	p.wait.Wait()
	return errors.Join(err, os.RemoveAll(p.folder))
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.open = append(p.open, client, server)
		p.mu.Unlock()
		var mute atomic.Bool
		p.wait.Go(func() {
			p.forward(server, client, func(sent []byte) bool {
				if !bytes.Contains(sent, []byte("COMMIT\x00")) {
					return true
				}
				mute.Store(Loss(p.loss.Load()) == Answers)
				return Loss(p.loss.Load()) != Commits
			})
		})
		p.wait.Go(func() { p.forward(client, server, func([]byte) bool { return !mute.Load() }) })
	}
}

// forward copies what passes until one of both ends, then both are closed.
func (p *Proxy) forward(to, from net.Conn, passes func([]byte) bool) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if err != nil || !passes(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
