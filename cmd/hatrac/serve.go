package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/hatrac/hatrac/cmd/config"
	"github.com/hatrac/hatrac/fusefs"
	"github.com/hatrac/hatrac/rest"
	"github.com/hatrac/hatrac/store"
)

// Limits of the HTTP server.
const (
	headerTimeout  = 30 * time.Second // to send the header of a request
	idleTimeout    = 2 * time.Minute  // between two requests
	maxHeaderBytes = 64 << 10
	drainTime      = 30 * time.Second // for requests under way when the server ends
	cleanInterval  = 10 * time.Minute // between two looks for expired sessions
)

// serveFlags say what is served where.
type serveFlags struct {
	mountDir string
	mount    mountFlags
}

func (a *app) serveCommand() *cobra.Command {
	var flags serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve a store over HTTP and, with --mount, as a file system",
		Long: `Serve the REST API of a store and, with --mount, show the same store as a file
system. With --data (the default) a missing store is made, together with an
account "admin" that owns it; its password is printed once and kept in the file
admin-password in that folder.

Ctrl-C or SIGTERM ends it: requests under way are finished, open files are
committed, and the mount is taken away.`,
		Example: "  hatrac serve --data ./hatrac-data --listen 127.0.0.1:8080 --mount ./mnt",
		Args:    cobra.NoArgs,
		RunE:    a.do(func(cmd *cobra.Command, _ []string) error { return a.serve(cmd, flags) }),
	}
	a.storeFlags(cmd, "listen", "tls_cert", "tls_key")
	cmd.Flags().StringVar(&flags.mountDir, "mount", "", "mount the store on this `folder` too")
	flags.mount.add(cmd)
	a.log.add(cmd)
	return cmd
}

func (a *app) serve(cmd *cobra.Command, flags serveFlags) error {
	log, err := a.log.open(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	cfg, data, err := a.settings()
	if err != nil {
		return err
	}
	listener, err := listen(cfg)
	if err != nil {
		return err
	}
	defer listener.Close()
	o, err := a.open(cmd.Context(), data != "", log)
	if err != nil {
		return err
	}
	s := &server{opened: o, flags: flags, log: log, out: cmd.OutOrStdout(), listener: listener}
	return errors.Join(s.run(cmd.Context(), data), s.closeFaces(), o.close())
}

// listen begins to listen.
func listen(cfg *config.Config) (net.Listener, error) {
	if cfg.TLSCert != "" {
		if _, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey); err != nil {
			return nil, fmt.Errorf("the certificate cannot be used: %w", err)
		}
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("the address %s cannot be served: %w", cfg.Listen, errors.Unwrap(err))
	}
	return listener, nil
}

// scheme is that of the URLs.
func (s *server) scheme() string {
	if s.config.TLSCert != "" {
		return "https"
	}
	return "http"
}

// newHTTPServer returns a server that waits for the header of a request, and for the next request, only
// so long. For the rest of each request the handler sees to that.
func newHTTPServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
}

// accept serves until srv is shut down. Without TLS it speaks HTTP/2 to proxies that begin with
// it.
func (s *server) accept(srv *http.Server) error {
	srv.Protocols = new(http.Protocols)
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetHTTP2(true)
	if s.config.TLSCert != "" {
		return srv.ServeTLS(s.listener, s.config.TLSCert, s.config.TLSKey)
	}
	srv.Protocols.SetUnencryptedHTTP2(true)
	return srv.Serve(s.listener)
}

// server is one run of "hatrac serve".
type server struct {
	*opened
	flags    serveFlags
	log      zerolog.Logger
	out      io.Writer
	listener net.Listener
	mounted  *fusefs.Mount
	closers  []io.Closer // of what the faces alone need
}

// closeFaces closes what only the faces need, the last one first.
func (s *server) closeFaces() error {
	var failed error
	for _, c := range slices.Backward(s.closers) {
		failed = errors.Join(failed, c.Close())
	}
	return failed
}

func (s *server) run(ctx context.Context, data string) (err error) {
	var password string
	if s.fresh {
		if password, err = firstStart(ctx, s.opened, data); err != nil {
			return err
		}
	}
	s.recover(ctx, s.log)
	handler, err := s.handler(ctx)
	if err != nil {
		return err
	}
	mountNote := s.mountIfAsked(ctx)
	s.welcome(data, password, mountNote)
	return s.serveUntil(ctx, handler)
}

func (s *server) handler(ctx context.Context) (http.Handler, error) {
	cfg := restConfig(s.config)
	cfg.Service, cfg.Accounts, cfg.Log = s.service, s.accounts, s.log
	cfg.Health = func(ctx context.Context) error {
		_, err := s.dir.Resolve(ctx, store.Root, "")
		return err
	}
	var err error
	if cfg.Audit, err = s.audit(); err != nil {
		return nil, err
	}
	if cfg.Sessions, err = s.sessions(ctx); err != nil {
		return nil, err
	}
	return rest.New(cfg)
}

// restConfig returns what the configuration says of the REST API.
func restConfig(cfg *config.Config) rest.Config {
	return rest.Config{
		Prefix:            cfg.ServicePrefix,
		MaxRequestPayload: cfg.MaxRequestPayload,
		BareCharacters:    cfg.Bare,
		Cookie:            cfg.Sessions.Cookie,
		SecureCookie:      cfg.Sessions.Secure,
		SessionPath:       cfg.Sessions.Path,
		LoginURL:          cfg.Sessions.LoginURL,
		LogoutURL:         cfg.Sessions.LogoutURL,
		TrustedProxies:    cfg.TrustedProxies,
		AllowedOrigins:    cfg.AllowedOrigins,
		ErrorTemplates:    cfg.ErrorTemplates,
	}
}

// mountIfAsked mounts the store and returns a line about it. A mount that cannot be had does
// not keep the REST API from being served.
func (s *server) mountIfAsked(ctx context.Context) string {
	flags := s.flags
	if flags.mountDir == "" {
		return ""
	}
	m, err := mount(ctx, s.opened, flags.mountDir, flags.mount, s.log)
	if err != nil {
		return "none: " + sentence(err)
	}
	s.mounted = m
	return flags.mountDir + " (as " + flags.mount.who() + ")"
}

// welcome tells the person who started the server where everything is.
func (s *server) welcome(data, password, mountNote string) {
	text := fmt.Sprintf("Hatrac is ready.\n  REST API  %s://%s%s\n", s.scheme(), s.listener.Addr(), s.config.ServicePrefix)
	if mountNote != "" {
		text += fmt.Sprintf("  Mount     %s\n", mountNote)
	}
	if data != "" {
		text += fmt.Sprintf("  Data      %s\n", data)
	}
	if password != "" {
		text += fmt.Sprintf("  Account   %s, password %s (kept in %s/%s)\n", adminName, password, data, adminPasswordFile)
	}
	fmt.Fprint(s.out, text)
}

// serveUntil serves until ctx ends, and then ends everything in order: requests, mount,
// background work.
func (s *server) serveUntil(ctx context.Context, handler http.Handler) error {
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		s.background(background)
	}()
	srv := newHTTPServer(handler)
	served := make(chan error, 1)
	go func() { served <- s.accept(srv) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		err = s.drain(srv)
	}
	if s.mounted != nil {
		err = errors.Join(err, unmount(s.mounted))
	}
	cancel()
	<-ran
	return err
}

// drain lets requests under way finish and cuts off those that take too long.
func (s *server) drain(srv *http.Server) error {
	s.log.Info().Msg("stopping: requests under way are finished first")
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		s.log.Warn().Msg("some requests took too long and were cut off")
		return srv.Close()
	}
	return nil
}

// background does the work that no request waits for, until ctx ends.
func (s *server) background(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.service.Run(ctx)
	}()
	clean := time.NewTicker(cleanInterval)
	defer clean.Stop()
	for {
		select {
		case <-ctx.Done():
			<-done
			return
		case <-clean.C:
			if err := s.accounts.DropExpired(ctx); err != nil {
				s.log.Warn().Err(err).Msg("expired sessions could not be dropped")
			}
		}
	}
}
