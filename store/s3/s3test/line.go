package s3test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Line stands between clients and a server as a long way does: what clients send comes late, and
// answers pass without being copied.
type Line struct {
	listener net.Listener
	target   string
	delay    atomic.Int64 // in nanoseconds
	ends     sync.WaitGroup

	mu    sync.Mutex // guards what follows
	conns map[net.Conn]struct{}
	shut  bool
}

// NewLine starts a line in front of the server.
func (s *Server) NewLine() (*Line, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Line{listener: listener, target: s.Address(), conns: make(map[net.Conn]struct{})}
	l.ends.Go(l.serve)
	return l, nil
}

// URL returns where the line begins.
func (l *Line) URL() string { return "http://" + l.listener.Addr().String() }

// SetDelay says how much later than without the line an answer begins, from now on.
func (l *Line) SetDelay(d time.Duration) { l.delay.Store(int64(d)) }

// Close ends the line and all connections.
func (l *Line) Close() error {
	err := l.listener.Close()
	l.mu.Lock()
	l.shut = true
	for conn := range l.conns {
		_ = conn.Close()
	}
	l.mu.Unlock()
	l.ends.Wait()
	return err
}

// keep notes connections that Close has to end; it ends them itself if that was before.
func (l *Line) keep(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		if l.conns[conn] = struct{}{}; l.shut {
			_ = conn.Close()
		}
	}
}

func (l *Line) drop(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
		delete(l.conns, conn)
	}
}

func (l *Line) serve() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", l.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		l.keep(client, server)
		l.ends.Go(func() { l.carry(client, server) })
		l.ends.Go(func() {
			defer l.drop(client, server)
			_, _ = io.Copy(client, server)
		})
	}
}

// sent is what a client has sent at a time.
type sent struct {
	bytes []byte
	due   time.Time
}

// carry brings to the server what the client sends, each part when it is due.
func (l *Line) carry(client, server net.Conn) {
	under := make(chan sent, 64)
	l.ends.Go(func() {
		defer func() { _ = server.Close() }()
		for part := range under {
			time.Sleep(time.Until(part.due))
			_, _ = server.Write(part.bytes) // what is lost ends the answers
		}
	})
	defer close(under)
	for {
		buf := make([]byte, 64<<10)
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		under <- sent{buf[:n], time.Now().Add(time.Duration(l.delay.Load()))}
	}
}
