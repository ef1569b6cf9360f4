package main

import (
	"context"
	"fmt"
	"os"

	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/cmd/config"
	"github.com/hatrac/hatrac/rest"
	"github.com/hatrac/hatrac/service/account/sessionproxy"
	"github.com/hatrac/hatrac/service/account/sessiontable"
)

// sessions returns who knows clients, in the order of the configuration.
func (s *server) sessions(ctx context.Context) ([]rest.Sessions, error) {
	var all []rest.Sessions
	for _, name := range s.config.Sessions.Providers {
		switch name {
		case config.Accounts:
			all = append(all, s.accounts.Sessions(s.config.Sessions.Cookie))
		case config.SessionTables:
			tables, err := openTables(ctx, s.config.Sessions.Tables)
			if err != nil {
				return nil, err
			}
			s.closers = append(s.closers, tables)
			all = append(all, tables)
		case config.SessionProxy:
			proxy, err := openProxy(s.config.Sessions.Proxy)
			if err != nil {
				return nil, err
			}
			s.closers = append(s.closers, proxy)
			all = append(all, proxy)
		}
	}
	return all, nil
}

func openTables(ctx context.Context, t config.Tables) (*sessiontable.Sessions, error) {
	return sessiontable.Open(ctx, sessiontable.Config{
		DSN: t.DSN, Schema: t.Schema, Cookie: t.Cookie, Lifetime: t.Lifetime,
	})
}

func openProxy(p config.Proxy) (*sessionproxy.Sessions, error) {
	return sessionproxy.New(sessionproxy.Config{
		Host: p.Host, Path: p.Path, Cookie: p.Cookie, Resources: p.Resources,
		MaxAge: p.MaxAge, MaxEntries: p.MaxEntries, Verify: p.Verify, Authorities: p.Authorities,
	})
}

// audit returns the audit log of the configuration, or nil for the log.
func (s *server) audit() (*zerolog.Logger, error) {
	switch s.config.AuditLog {
	case "":
		return nil, nil
	case "-":
		log := zerolog.New(zerolog.SyncWriter(s.out)).With().Timestamp().Logger()
		return &log, nil
	}
	file, err := os.OpenFile(s.config.AuditLog, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the audit log cannot be written: %w", err)
	}
	s.closers = append(s.closers, file)
	log := zerolog.New(file).With().Timestamp().Logger()
	return &log, nil
}
