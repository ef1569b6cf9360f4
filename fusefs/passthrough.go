package fusefs

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// passthrough lets the kernel read files of this machine by itself. It stands between the kernel and
// the tree, which has no way to say so in its answer to an open.
//
// It registers files itself, because go-fuse counts the handles of an inode one by one, whether they
// take part or not, and would let go of a file that others still read.
type passthrough struct {
	fuse.RawFileSystem
	server *fuse.Server
	on     atomic.Bool // the kernel does it, and for this process

	mu      sync.Mutex // guards granted
	granted map[<-chan struct{}]int32
}

func newPassthrough(tree fuse.RawFileSystem) *passthrough {
	return &passthrough{RawFileSystem: tree, granted: make(map[<-chan struct{}]int32)}
}

// Init implements fuse.RawFileSystem.
func (p *passthrough) Init(server *fuse.Server) {
	p.server = server
	p.RawFileSystem.Init(server)
}

// Open implements fuse.RawFileSystem.
func (p *passthrough) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	status := p.RawFileSystem.Open(cancel, in, out)
	p.settle(cancel, out)
	return status
}

// Create implements fuse.RawFileSystem.
func (p *passthrough) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	status := p.RawFileSystem.Create(cancel, in, name, out)
	p.settle(cancel, &out.OpenOut)
	return status
}

// settle adds to an answer what was granted while it was made.
func (p *passthrough) settle(cancel <-chan struct{}, out *fuse.OpenOut) {
	p.mu.Lock()
	id, ok := p.granted[cancel]
	delete(p.granted, cancel)
	p.mu.Unlock()
	if ok {
		out.BackingID = id
		out.OpenFlags |= fuse.FOPEN_PASSTHROUGH
	}
}

// grant lets the answer to a request say that the kernel is to read a registered file.
func (p *passthrough) grant(request *fuse.Context, id int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.granted[request.Cancel] = id
}

func (p *passthrough) register(file *os.File) (int32, syscall.Errno) {
	return p.server.RegisterBackingFd(&fuse.BackingMap{Fd: int32(file.Fd())})
}

// probe finds out whether the kernel reads files by itself, which needs CAP_SYS_ADMIN, and says so in
// the log. The file is any on the disk of the content.
func (p *passthrough) probe(file *os.File) syscall.Errno {
	if p.server.KernelSettings().Flags64()&fuse.CAP_PASSTHROUGH == 0 {
		return syscall.EOPNOTSUPP
	}
	id, errno := p.register(file)
	if errno != 0 {
		return errno
	}
	p.on.Store(true)
	return p.server.UnregisterBackingFd(id)
}

// beginPassthrough switches passthrough on where it works, and says which it is.
func (m *Mount) beginPassthrough() error {
	if m.cfg.NoPassthrough {
		m.log.Info().Bool("passthrough", false).Msg("all reads go through this process, as the configuration says")
		return nil
	}
	file, err := m.session.create()
	if err != nil {
		return err
	}
	defer func() { _ = m.session.discard(file) }() // empty
	if errno := m.passthrough.probe(file); errno != 0 {
		m.log.Info().Bool("passthrough", false).Str("reason", errno.Error()).Msg("all reads go through this process")
		return nil
	}
	m.log.Info().Bool("passthrough", true).Msg("the kernel reads local content by itself")
	return nil
}

// backing counts the open handles on the content of one inode that does not change while there are
// any. The kernel wants them to be all of one kind: it answers EIO to an open that differs from those
// before it, and takes one file for all of them.
type backing struct {
	mu      sync.Mutex // guards what follows; the calls under it do no I/O
	id      int32      // of the registered file, if through is not 0
	through int        // handles that the kernel reads by itself
	plain   int        // handles that are read through this process
}

// enter counts a handle on the content, which is a file or nil, and reports whether the kernel is to
// read it by itself. Draft handles are not counted: there are none while there is content that does
// not change.
func (b *backing) enter(request context.Context, p *passthrough, file *os.File) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, fromKernel := request.(*fuse.Context)
	if !fromKernel || b.through == 0 && !b.begin(p, file) {
		b.plain++
		return false
	}
	p.grant(r, b.id)
	b.through++
	return true
}

// begin registers the file for the first handle, if it can be. The lock is held.
func (b *backing) begin(p *passthrough, file *os.File) bool {
	if b.plain > 0 || file == nil || !p.on.Load() {
		return false
	}
	id, errno := p.register(file)
	b.id = id
	return errno == 0
}

// keepPlain makes sure that the kernel reads nothing by itself from now on; it reports false if it
// does already.
func (b *backing) keepPlain() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.through > 0 {
		return false
	}
	b.plain++ // never counted out
	return true
}

// leave counts a handle out.
func (b *backing) leave(p *passthrough, through bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !through {
		b.plain--
		return
	}
	if b.through--; b.through == 0 {
		p.server.UnregisterBackingFd(b.id)
	}
}
