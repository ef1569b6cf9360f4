// Package fusefs shows the store as a Linux file system (spec/mount.md). It translates between
// the kernel and the service: no rule about names, versions or access lives here.
package fusefs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/rs/zerolog"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/cache"
	blocks "github.com/hatrac/hatrac/store/cache/disk"
	"github.com/hatrac/hatrac/store/disk"
)

// Defaults of Config.
const (
	DefaultTimeout         = time.Second
	DefaultDeadline        = 30 * time.Second
	DefaultScratchGrace    = 10 * time.Minute
	DefaultVersionInterval = time.Minute
	DefaultUnmountGrace    = 10 * time.Second

	// lastSync is how long the end of a mount waits for its commits to be durable.
	lastSync = 2 * time.Minute

	maxRequest    = 1 << 20 // bytes of one read or write
	maxBackground = 64      // requests that nobody waits for: read-ahead, releases
)

// Config says what is mounted where, and for whom. Dir and Service are required; a zero
// duration means its default.
type Config struct {
	// Dir is the mount point, a folder that exists.
	Dir string
	// Source is what the system's table of mounts says the mount is of, "hatrac" by default.
	Source string
	// Service is the store. It outlives the mount.
	Service *service.Service
	// Client is the identity that all use of the mount counts as.
	Client acl.Client
	// Users, if not nil, says who the caller of each operation is; Client then does what is
	// nobody's request, which needs no rights. The kernel remembers nothing, and rights show in no
	// attribute: what one user sees is what all see.
	Users Users
	// ReadOnly refuses all changes.
	ReadOnly bool
	// AllowOther lets other users than the one who mounts in.
	AllowOther bool
	// UID and GID are shown as owner where none is kept.
	UID, GID uint32
	// EntryTimeout, AttrTimeout and NegativeTimeout say how long the kernel may remember
	// names, attributes and missing names. Changes in this process are pushed.
	EntryTimeout, AttrTimeout, NegativeTimeout time.Duration
	// Deadline bounds every call of a back end; uploads get more by their size.
	Deadline time.Duration
	// ScratchPatterns are the names of files that are committed only when they are renamed or
	// left alone for ScratchGrace; nil means DefaultScratchPatterns.
	ScratchPatterns []string
	ScratchGrace    time.Duration
	// VersionInterval is the time after which a file that is synced but not closed becomes a
	// version.
	VersionInterval time.Duration
	// NoPassthrough lets all reads go through this process, also where the kernel could read the
	// files of the content by itself.
	NoPassthrough bool
	// CacheSize is how many bytes of content that lies elsewhere are kept in memory; 0 means
	// cache.DefaultSize.
	CacheSize int64
	// DiskCache, if not empty, is the folder where content that lies elsewhere is kept on disk, of
	// which DiskCacheSize bytes are used at most; 0 means disk.DefaultSize. The folder is one
	// mount's: others go without.
	DiskCache     string
	DiskCacheSize int64
	// UnmountGrace is how long Unmount waits for a busy mount before it detaches it.
	UnmountGrace time.Duration
	// ShowVersions lists .versions, which is found in every folder anyway.
	ShowVersions bool
	// AsOf, if not zero, shows the store as it was at that time, read-only.
	AsOf time.Time
	// URLPrefix stands before the path in what the mount says of URLs.
	URLPrefix string
	// SpoolDir is the folder for drafts where the service has none itself.
	SpoolDir string
	// Logger takes what no system call can tell.
	Logger zerolog.Logger

	// Account, if not nil, returns the client with that id as it is now. It is asked for those who
	// wrote what a mount that died left behind, besides Client, which is known.
	Account func(ctx context.Context, id string) (acl.Client, error)

	watch func(fuse.RawFileSystem) fuse.RawFileSystem // sees the kernel's requests, in tests
	disk  disk.Disk                                   // makes what happens to drafts on the disk
	told  func(service.Change)                        // sees what the kernel was told of, in tests
}

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" || c.Service == nil {
		return c, errors.New("a mount needs a folder and a service")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return c, err
	}
	c.Dir = dir
	c.Source = cmp.Or(c.Source, "hatrac")
	c.ReadOnly = c.ReadOnly || !c.AsOf.IsZero()
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{
		{&c.EntryTimeout, DefaultTimeout},
		{&c.AttrTimeout, DefaultTimeout},
		{&c.NegativeTimeout, DefaultTimeout},
		{&c.Deadline, DefaultDeadline},
		{&c.ScratchGrace, DefaultScratchGrace},
		{&c.VersionInterval, DefaultVersionInterval},
		{&c.UnmountGrace, DefaultUnmountGrace},
	} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	if c.ScratchPatterns == nil {
		c.ScratchPatterns = DefaultScratchPatterns()
	}
	if c.watch == nil {
		c.watch = func(tree fuse.RawFileSystem) fuse.RawFileSystem { return tree }
	}
	if c.told == nil {
		c.told = func(service.Change) {}
	}
	if spool := c.Service.SpoolDir(); spool != "" {
		c.SpoolDir = spool
	}
	if c.SpoolDir == "" {
		return c, errors.New("the mount needs a folder for its drafts")
	}
	return c, nil
}

// Mount is a mounted store.
type Mount struct {
	cfg     Config
	base    context.Context // of work that belongs to no request; carries the log
	log     zerolog.Logger
	svc     *service.Service
	scratch scratchNames
	users   users
	session *session
	server  *fuse.Server
	root    *dirNode

	passthrough *passthrough
	cache       *cache.Cache  // of content that lies elsewhere
	disk        *blocks.Cache // of the same, or nil

	pageSize int // of listings; 0: the service's own

	files   files
	overlay overlay
	own     ownChanges
	retries retries
	locks   locks
	openers processes
	clock   atomic.Uint64 // grows with each change of names or content by this mount
	closing atomic.Bool

	work sync.WaitGroup // notifications and timed commits under way
	done chan struct{}  // closed when the mount has ended and all is put away

	mu    sync.Mutex // guards ended
	ended bool       // no more work may begin
}

// New mounts the store. ctx carries the log and may end as soon as New returns. A mount point
// that a dead process left behind is detached first.
func New(ctx context.Context, cfg Config) (*Mount, error) {
	if err := Available(); err != nil {
		return nil, err
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	scratch, err := newScratchNames(cfg.ScratchPatterns)
	if err != nil {
		return nil, err
	}
	blocks, err := cache.New(cache.Config{Size: cfg.CacheSize, Deadline: cfg.Deadline})
	if err != nil {
		return nil, err
	}
	m := &Mount{
		cfg: cfg, svc: cfg.Service, scratch: scratch, log: cfg.Logger, done: make(chan struct{}), cache: blocks,
		base: cfg.Logger.WithContext(context.WithoutCancel(ctx)),
	}
	m.users.ask = cfg.Users
	if err := m.start(); err != nil {
		return nil, fmt.Errorf("mount on %s: %w", cfg.Dir, err)
	}
	return m, nil
}

func (m *Mount) start() error {
	if err := detachDead(m.cfg.Dir); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(m.base, m.cfg.Deadline)
	defer cancel()
	info, err := m.svc.Look(ctx, m.client(ctx), store.Ref{Path: store.Root})
	if err != nil {
		return err
	}
	m.root = m.newDir(info.Name.ID, "")
	opts := m.options()
	root, err := m.rootNode(ctx, opts)
	if err != nil {
		return err
	}
	if m.session, err = openSession(m.cfg.SpoolDir, m.cfg.disk, m.log); err != nil {
		return err
	}
	if err := m.rescue(ctx); err != nil {
		return errors.Join(err, m.session.close())
	}
	if err := m.openDisk(); err != nil {
		return errors.Join(err, m.session.close())
	}
	m.passthrough = newPassthrough(fs.NewNodeFS(root, opts))
	server, err := fuse.NewServer(unlocking{limiting{m.cfg.watch(m.passthrough)}, &m.locks}, m.cfg.Dir, &opts.MountOptions)
	if err != nil {
		m.closeDisk()
		return errors.Join(err, m.session.close())
	}
	m.server = server
	stop := m.listen()
	go func() {
		server.Serve()
		stop()
		m.finish()
	}()
	err = server.WaitMount()
	if err == nil {
		err = m.beginPassthrough()
	}
	if err != nil {
		return errors.Join(err, m.Unmount(m.base))
	}
	if err := widenReadAhead(m.cfg.Dir); err != nil {
		m.log.Debug().Err(err).Msg("the kernel reads ahead less than it could")
	}
	return nil
}

// rescue brings to an end what mounts that died have left behind, if this one may change anything.
func (m *Mount) rescue(ctx context.Context) error {
	if m.cfg.ReadOnly {
		return nil
	}
	finisher := Finisher{Service: m.svc, Client: m.clientOf, Deadline: m.cfg.Deadline}
	return m.session.rescue(context.WithoutCancel(ctx), finisher)
}

// clientOf returns the client with that id.
func (m *Mount) clientOf(ctx context.Context, id string) (acl.Client, error) {
	switch {
	case !m.multi() && id == m.cfg.Client.ID:
		return m.cfg.Client, nil
	case id == "":
		return acl.Client{}, nil
	case m.cfg.Account == nil:
		return acl.Client{}, store.NewError(store.Denied, id, "Who wrote this is not known here.")
	}
	return m.cfg.Account(ctx, id)
}

func (m *Mount) options() *fs.Options {
	entry, attr, negative := m.cfg.EntryTimeout, m.cfg.AttrTimeout, m.cfg.NegativeTimeout
	if m.multi() {
		entry, attr, negative = 0, 0, 0
	}
	opts := &fs.Options{
		EntryTimeout:    &entry,
		AttrTimeout:     &attr,
		NegativeTimeout: &negative,
		NullPermissions: true,
		RootStableAttr:  &fs.StableAttr{Ino: nameIno(m.root.id)},
		MountOptions: fuse.MountOptions{
			AllowOther:    m.cfg.AllowOther || m.multi(),
			FsName:        m.cfg.Source,
			Name:          "hatrac",
			MaxWrite:      maxRequest,
			MaxBackground: maxBackground,
			EnableLocks:   true,
			DirectMount:   os.Geteuid() == 0,
			// Content behind an inode changes only by writes that the kernel sees.
			ExplicitDataCacheControl: true,
			ExtraCapabilities:        fuse.CAP_ATOMIC_O_TRUNC | fuse.CAP_HANDLE_KILLPRIV_V2,
			Logger:                   stdlog.New(m.log, "", 0),
			PanicHandler: func(fault any) fuse.Status {
				m.log.Error().Interface("fault", fault).Stack().Msg("a handler of the mount panicked")
				return fuse.EIO
			},
		},
	}
	if m.cfg.ReadOnly {
		opts.Options = append(opts.Options, "ro")
	}
	return opts
}

// Wait returns when the mount has ended, by Unmount or by umount(8), and its drafts are put
// away.
func (m *Mount) Wait() { <-m.done }

// Unmount ends the mount: nothing can be opened any more, scratch files become ordinary
// objects, drafts whose writers are done are committed. A mount that is still busy after the
// grace time, or when ctx ends, is detached; what its writers have not closed then stays in
// the spool for recovery.
func (m *Mount) Unmount(ctx context.Context) error {
	m.closing.Store(true)
	m.settleAll()
	ctx, cancel := context.WithTimeout(ctx, m.cfg.UnmountGrace)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := unmount(m.cfg.Dir, false)
		if err == nil || errors.Is(err, syscall.EINVAL) { // EINVAL: not mounted any more
			break
		}
		select {
		case <-m.done:
			return nil
		case <-again.C:
		case <-ctx.Done():
			m.log.Warn().Str("dir", m.cfg.Dir).Msg("the mount is busy and was detached")
			return unmount(m.cfg.Dir, true)
		}
	}
	<-m.done
	return nil
}

// finish puts away what is left when the kernel has let go of the mount. All handles are gone.
func (m *Mount) finish() {
	m.closing.Store(true)
	m.mu.Lock()
	m.ended = true
	m.mu.Unlock()
	m.work.Wait()
	for _, f := range m.overlay.all() {
		m.abandon(f)
	}
	ctx, cancel := context.WithTimeout(m.base, lastSync)
	defer cancel()
	if err := m.svc.Sync(ctx); err != nil {
		m.log.Error().Err(err).Msg("the mount has ended, but not all of its commits are durable yet")
	}
	m.closeDisk()
	if err := m.session.close(); err != nil {
		m.log.Warn().Err(err).Msg("the spool session could not be closed")
	}
	close(m.done)
}

// later runs work of the mount's own on a goroutine that its end waits for. After the end
// there is nobody left to do it for.
func (m *Mount) later(work func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return
	}
	m.work.Add(1)
	go func() {
		defer m.work.Done()
		work()
	}()
}
