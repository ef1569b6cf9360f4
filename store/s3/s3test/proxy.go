package s3test

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
)

// Fault is what a Proxy does to a request; the zero value lets it pass.
type Fault struct {
	// Status is answered instead of what the server would say.
	Status int
	// Cut is after how many bytes of the answer's body the connection ends, if it is not 0 and
	// there are as many.
	Cut int64
	// Swallow lets the server do what is asked for, and ends the connection without an answer.
	Swallow bool
}

// Proxy stands between clients and a server, and gets in their way.
type Proxy struct {
	server *http.Server
	url    string

	mu    sync.Mutex // guards fault
	fault func(*http.Request) Fault
}

// NewProxy starts a proxy in front of the server.
func (s *Server) NewProxy() (*Proxy, error) {
	target, err := url.Parse(s.URL())
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{url: "http://" + listener.Addr().String()}
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Host = r.In.Host // it is signed
		},
		ErrorLog:     log.New(io.Discard, "", 0), // faults are the point
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ModifyResponse: func(answer *http.Response) error {
			switch f := p.faultOf(answer.Request); {
			case f.Swallow:
				return errors.New("swallowed")
			case f.Cut > 0:
				answer.Body = cut{answer.Body, &io.LimitedReader{R: answer.Body, N: f.Cut}}
			}
			return nil
		},
	}
	p.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := p.faultOf(r); f.Status != 0 {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(f.Status)
			return
		}
		pass.ServeHTTP(w, r)
	})}
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

// cut is a body that breaks off.
type cut struct {
	io.Closer
	from *io.LimitedReader
}

func (c cut) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if err == io.EOF && c.from.N <= 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (p *Proxy) faultOf(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault == nil {
		return Fault{}
	}
	return p.fault(r)
}

// URL returns where the proxy is.
func (p *Proxy) URL() string { return p.url }

// Fail lets fault decide about all requests from now on; nil lets them pass. It is asked once
// before the request is passed on and, unless it answered a Status, once when the server has
// answered.
func (p *Proxy) Fail(fault func(*http.Request) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// Close ends the proxy and all connections.
func (p *Proxy) Close() error { return p.server.Close() }
