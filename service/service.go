// Package service is the one place for every rule of the store: names, versions, rights and
// conditions. The REST API and the mount are translators in front of it; the back ends
// behind it store what they are told.
//
// Methods take the client that asks and answer with *store.Error. Rights are checked before
// any work is done, and for changes once more inside the transaction.
package service

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/recall"
)

// Defaults of Config.
const (
	DefaultInlineLimit   = 4 << 10
	DefaultSweepGrace    = 24 * time.Hour
	DefaultSweepInterval = time.Hour
	// DefaultUploadExpiration ends uploads that nobody goes on with.
	DefaultUploadExpiration = 7 * 24 * time.Hour
)

// Config says what a Service stands on. Directory and Bulk are required and stay the
// caller's to close.
type Config struct {
	Directory store.Directory
	Bulk      store.Assembler
	// Firewall gates changes for everybody.
	Firewall acl.Firewall
	// InlineLimit is the largest content in bytes that the directory keeps itself;
	// 0 means DefaultInlineLimit, a negative number none.
	InlineLimit int
	// DeletedRetention is how long the content of what was deleted is kept.
	DeletedRetention time.Duration
	// SweepGrace is the age at which unbound content counts as garbage, SweepInterval the
	// time between two looks; 0 means the defaults. The grace must be longer than the
	// longest upload.
	SweepGrace, SweepInterval time.Duration
	// UploadExpiration is how long an upload job lasts after it was last heard of; 0 means
	// DefaultUploadExpiration.
	UploadExpiration time.Duration
	// SyncInterval is how long a commit that may wait stays undurable at most, if nothing fails;
	// 0 means DefaultSyncInterval, a negative duration that none may wait.
	SyncInterval time.Duration
	// Log takes what concerns no request.
	Log zerolog.Logger
}

// Service is the store as clients see it. Its methods may be called concurrently.
type Service struct {
	dir      *recall.Directory
	bulk     store.Assembler
	firewall acl.Firewall
	inline   int64
	cfg      Config
	changes  announcer
	claims   claims
	syncer   syncer
	reclaim  chan struct{} // holds a token when content may be due for reclaim
}

// New returns a service on the back ends of cfg. It starts nothing; see Run.
func New(cfg Config) (*Service, error) {
	if cfg.Directory == nil || cfg.Bulk == nil {
		return nil, errors.New("a service needs a directory and a bulk store")
	}
	if cfg.InlineLimit == 0 {
		cfg.InlineLimit = DefaultInlineLimit
	}
	if cfg.SweepGrace == 0 {
		cfg.SweepGrace = DefaultSweepGrace
	}
	if cfg.SweepInterval == 0 {
		cfg.SweepInterval = DefaultSweepInterval
	}
	if cfg.UploadExpiration == 0 {
		cfg.UploadExpiration = DefaultUploadExpiration
	}
	if cfg.SyncInterval == 0 {
		cfg.SyncInterval = DefaultSyncInterval
	}
	return &Service{
		dir:      recall.New(cfg.Directory),
		bulk:     cfg.Bulk,
		firewall: cfg.Firewall,
		inline:   int64(max(cfg.InlineLimit, -1)),
		cfg:      cfg,
		syncer:   newSyncer(),
		reclaim:  make(chan struct{}, 1),
	}, nil
}

// SpoolDir returns the folder in which files become content without being copied, or "" if
// the content is not on a file system of this machine.
func (s *Service) SpoolDir() string {
	if spooler, ok := s.bulk.(store.Spooler); ok {
		return spooler.SpoolDir()
	}
	return ""
}

// Space returns how much the content storage can hold; large numbers where nobody knows.
func (s *Service) Space(ctx context.Context) (store.Space, error) {
	if capacity, ok := s.bulk.(store.Capacity); ok {
		return capacity.Capacity(ctx)
	}
	const plenty = math.MaxInt64 / 4
	return store.Space{
		Total: plenty, Free: plenty, Available: plenty,
		Files: math.MaxUint32, FreeFiles: math.MaxUint32,
	}, nil
}
