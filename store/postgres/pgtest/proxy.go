package pgtest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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

// Proxy stands between a client and a server, counts round trips, and breaks connections in the
// middle of a COMMIT.
type Proxy struct {
	server, folder string
	listener       net.Listener
	loss           atomic.Int32
	trips          atomic.Int64
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

// Trips is how often clients have sent something to wait for its answer, connecting aside.
func (p *Proxy) Trips() int64 { return p.trips.Load() }

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
		p.wait.Go(func() { p.forwardMessages(server, client, &mute) })
		p.wait.Go(func() {
			defer client.Close()
			defer server.Close()
			_, _ = io.Copy(unlessMute{client, &mute}, server)
		})
	}
}

// unlessMute passes on what it is given until it is told not to.
type unlessMute struct {
	io.Writer
	mute *atomic.Bool
}

func (w unlessMute) Write(b []byte) (int, error) {
	if w.mute.Load() {
		return 0, io.ErrClosedPipe
	}
	return w.Writer.Write(b)
}

// The messages of clients that ask for an answer (PostgreSQL's documentation, chapter 55).
const (
	query    = 'Q'
	syncUp   = 'S'
	lengthOf = 4
)

// forwardMessages forwards what a client sends, message by message, until the connection ends or is
// to be lost.
func (p *Proxy) forwardMessages(server, client net.Conn, mute *atomic.Bool) {
	defer client.Close()
	defer server.Close()
	from := bufio.NewReader(client)
	for first := true; ; first = false {
		message, err := nextMessage(from, first)
		if err != nil {
			return
		}
		if kind := message[0]; !first && (kind == query || kind == syncUp) {
			p.trips.Add(1)
		}
		if message[0] == query && bytes.Contains(message, []byte("COMMIT\x00")) {
			mute.Store(Loss(p.loss.Load()) == Answers)
			if Loss(p.loss.Load()) == Commits {
				return
			}
		}
		if _, err := server.Write(message); err != nil {
			return
		}
	}
}

// nextMessage reads a message whole. The first one has no byte that tells its kind.
func nextMessage(from *bufio.Reader, first bool) ([]byte, error) {
	head := 1
	if first {
		head = 0
	}
	length, err := from.Peek(head + lengthOf)
	if err != nil {
		return nil, err
	}
	message := make([]byte, head+int(binary.BigEndian.Uint32(length[head:])))
	_, err = io.ReadFull(from, message)
	return message, err
}
