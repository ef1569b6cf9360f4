package overlay

import (
	"context"
	"errors"
	"os"

	"github.com/hatrac/hatrac/store"
)

var errNoSpool = errors.New("the storage has no spool folder")

// spooler returns the first layer if it has a spool folder.
func (b *bulk) spooler() (store.SoonSpooler, bool) {
	s, ok := b.assembler.(store.SoonSpooler)
	return s, ok && s.SpoolDir() != ""
}

// SpoolDir implements store.Spooler.
func (b *bulk) SpoolDir() string {
	if s, ok := b.spooler(); ok {
		return s.SpoolDir()
	}
	return ""
}

// Adopt implements store.Spooler.
func (b *bulk) Adopt(ctx context.Context, p store.Placement, file *os.File) (store.Address, error) {
	if s, ok := b.spooler(); ok {
		return s.Adopt(ctx, p, file)
	}
	return "", store.Wrap(store.Internal, "adopt file", errNoSpool)
}

// AdoptSoon implements store.SoonSpooler.
func (b *bulk) AdoptSoon(ctx context.Context, p store.Placement, file *os.File) (store.Address, error) {
	if s, ok := b.spooler(); ok {
		return s.AdoptSoon(ctx, p, file)
	}
	return "", store.Wrap(store.Internal, "adopt file", errNoSpool)
}

// Attend implements store.SoonSpooler.
func (b *bulk) Attend(ctx context.Context) (id string, leave func() error, err error) {
	if s, ok := b.spooler(); ok {
		return s.Attend(ctx)
	}
	return "", nil, store.Wrap(store.Internal, "attend", errNoSpool)
}

// Attended implements store.SoonSpooler. A process for which a lower layer is the first one yet may
// be there too.
func (b *bulk) Attended(ctx context.Context, id string) (bool, error) {
	for _, layer := range b.layers {
		s, ok := layer.(store.SoonSpooler)
		if !ok {
			continue
		}
		if there, err := s.Attended(ctx, id); there || err != nil {
			return there, err
		}
	}
	return false, nil
}

// SyncContent implements store.SoonSpooler, in every layer: what was stored before another layer
// was laid over it may not be durable yet.
func (b *bulk) SyncContent(ctx context.Context, addresses []store.Address) []error {
	errs := make([]error, len(addresses))
	left := make([]int, len(addresses)) // indexes of what no layer had so far
	for i := range left {
		left[i] = i
	}
	for _, layer := range b.layers {
		asked := make([]store.Address, len(left))
		for i, at := range left {
			asked[i] = addresses[at]
		}
		var absent []int
		for i, err := range syncIn(ctx, layer, asked) {
			if errs[left[i]] = err; missing(err) {
				absent = append(absent, left[i])
			}
		}
		left = absent
	}
	return errs
}

// syncIn makes content of one layer durable. What is no store.SoonSpooler has nothing that is not.
func syncIn(ctx context.Context, layer store.Bulk, addresses []store.Address) []error {
	if s, ok := layer.(store.SoonSpooler); ok {
		return s.SyncContent(ctx, addresses)
	}
	errs := make([]error, len(addresses))
	for i, a := range addresses {
		content, err := layer.Open(ctx, a)
		if errs[i] = err; err == nil {
			_ = content.Close() // nothing was read
		}
	}
	return errs
}
