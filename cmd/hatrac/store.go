package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/cmd/config"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/service/account"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/overlay"
	"github.com/hatrac/hatrac/store/postgres"
	"github.com/hatrac/hatrac/store/s3"
	"github.com/hatrac/hatrac/store/sqlite"
)

// opened is a store with everything that stands on it.
type opened struct {
	config   *config.Config
	dir      store.Directory
	bulk     bulk
	service  *service.Service
	accounts *account.Accounts
	fresh    bool // it has no root namespace yet
}

// bulk is what every storage of content can do.
type bulk interface {
	store.Assembler
	io.Closer
}

func (o *opened) close() error {
	return errors.Join(o.bulk.Close(), o.dir.Close())
}

// open opens the store that the flags name, for use. With create, what is missing is made; otherwise
// a store that does not exist is an error.
func (a *app) open(ctx context.Context, create bool, log zerolog.Logger) (*opened, error) {
	o, err := a.openAsIs(ctx, create, log)
	if err != nil {
		return nil, err
	}
	if err := beginUse(ctx, o.dir); err != nil {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

// openAsIs is open for who changes nothing; a copy may still be copied to afterwards.
func (a *app) openAsIs(ctx context.Context, create bool, log zerolog.Logger) (*opened, error) {
	cfg, _, err := a.settings()
	if err != nil {
		return nil, err
	}
	a.warn(log)
	dir, err := openDirectory(ctx, cfg, create)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noStore(cfg.Data, cfg.File)
	}
	if err != nil {
		return nil, err
	}
	o := &opened{config: cfg, dir: dir}
	if err := o.build(ctx, log); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	if o.fresh && !create {
		return nil, errors.Join(noStore(cfg.Data, cfg.File), o.close())
	}
	return o, nil
}

// openDirectory opens the database of the configuration. Without create an SQLite file that is
// missing is fs.ErrNotExist.
func openDirectory(ctx context.Context, cfg *config.Config, create bool) (store.Directory, error) {
	if cfg.DatabaseType == "postgres" {
		retries := cfg.DatabaseRetries
		if retries == 0 {
			retries = -1 // never
		}
		return postgres.Open(ctx, postgres.Config{
			DSN: cfg.Database, Schema: cfg.DatabaseSchema, Migrate: create, MaxRetries: retries,
			NoNotes: !cfg.DatabaseNotify,
		})
	}
	if create {
		if err := os.MkdirAll(filepath.Dir(cfg.Database), 0o700); err != nil {
			return nil, fmt.Errorf("the folder for the store cannot be made: %w", err)
		}
	} else if _, err := os.Stat(cfg.Database); err != nil {
		return nil, err
	}
	return sqlite.Open(ctx, sqlite.Config{Path: cfg.Database, Migrate: create})
}

// openBulk opens the storage of the configuration.
func openBulk(ctx context.Context, cfg *config.Config) (bulk, error) {
	return openStorage(ctx, cfg.Storage)
}

func openStorage(ctx context.Context, s config.Storage) (bulk, error) {
	switch s.Backend {
	case config.AmazonS3:
		return s3.Open(ctx, *s.S3)
	case config.Overlay:
		return openOverlay(ctx, s.Layers)
	}
	return filesystem.Open(ctx, filesystem.Config{Root: s.Path})
}

// openOverlay opens all layers, or none.
func openOverlay(ctx context.Context, layers []config.Storage) (bulk, error) {
	first, err := openStorage(ctx, layers[0])
	if err != nil {
		return nil, err
	}
	opened, others := []bulk{first}, []store.Bulk{}
	for _, layer := range layers[1:] {
		b, err := openStorage(ctx, layer)
		if err != nil {
			for _, o := range opened {
				err = errors.Join(err, o.Close())
			}
			return nil, err
		}
		opened, others = append(opened, b), append(others, b)
	}
	return overlay.New(first, others...), nil
}

func (o *opened) build(ctx context.Context, log zerolog.Logger) error {
	root, err := o.dir.Resolve(ctx, store.Root, "")
	if err != nil {
		return err
	}
	o.fresh = root.Name == nil
	if o.bulk, err = openBulk(ctx, o.config); err != nil {
		return err
	}
	o.accounts = account.New(o.dir.Accounts(), account.Config{SessionLifetime: o.config.Sessions.Lifetime})
	o.service, err = service.New(service.Config{
		Directory:        o.dir,
		Bulk:             o.bulk,
		Firewall:         o.config.Firewall,
		DeletedRetention: o.config.DeletedRetention,
		UploadExpiration: o.config.UploadExpiration,
		InlineLimit:      orNone(o.config.InlineLimit),
		SweepGrace:       o.config.SweepGrace,
		SweepInterval:    o.config.SweepInterval,
		SyncInterval:     orNone(o.config.SyncInterval),
		Log:              log,
	})
	if err != nil {
		return errors.Join(err, o.bulk.Close())
	}
	return nil
}

// orNone returns a limit as the service takes it, for which 0 is its own default.
func orNone[T int | time.Duration](limit T) T {
	if limit == 0 {
		return -1
	}
	return limit
}

// recover looks at what a crash has left in doubt. What cannot be checked now is tried again while
// the store is in use.
func (o *opened) recover(ctx context.Context, log zerolog.Logger) {
	if err := o.service.Recover(ctx); err != nil {
		log.Error().Err(err).Msg("not all versions that a crash left in doubt could be checked")
	}
}

func noStore(data, configFile string) error {
	switch {
	case data != "":
		return fmt.Errorf("there is no store in %s; \"hatrac serve --data %s\" or \"hatrac init\" makes one", data, data)
	case configFile != "":
		return fmt.Errorf("there is no store yet; make it with \"hatrac init --config %s --owner ROLE\"", configFile)
	}
	return errors.New("there is no store yet; make it with \"hatrac init --owner ROLE\" and the same settings")
}

// clientAs returns the identity of that name, with the roles of its account if it has one. The
// operator of the machine may name anybody.
func (o *opened) clientAs(ctx context.Context, name string) (acl.Client, error) {
	client, err := o.accounts.Client(ctx, name)
	if store.KindOf(err) == store.NotFound {
		return acl.Client{ID: name, DisplayName: name}, nil
	}
	return client, err
}
