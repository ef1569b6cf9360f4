// Package overlay lays storages over one another, so that content can move from one to another
// while it is in use: the first is written, all are read.
//
// An address means the same content in every layer that has some there, because no address is
// ever used again. So content may be copied from layer to layer at any time.
package overlay

import (
	"context"
	"errors"
	"io"

	"github.com/hatrac/hatrac/store"
)

// Storage is what layers make together. It is a store.Capacity and a store.Lister as well if the
// first one is.
type Storage interface {
	store.Assembler
	// The folder for spool files is that of the first layer; there is none if that is no
	// store.SoonSpooler.
	store.SoonSpooler
	store.Namer
	store.Heir
	store.Recaller
	store.Presigner
	// OpenSized looks for content in all layers but the last.
	store.SizedOpener
	// Close closes the layers that can be closed.
	io.Closer
}

// New lays storages over one another. All that stores or removes anything goes to the first,
// uploads in chunks too. Content is opened from the first one, in their order, that has it; an error
// that leaves in doubt whether a layer has it ends the search. The last alone gives content out by
// itself, and only what no other has.
func New(first store.Assembler, others ...store.Bulk) Storage {
	b := &bulk{assembler: first, layers: append([]store.Bulk{first}, others...)}
	capacity, measures := first.(store.Capacity)
	lister, lists := first.(store.Lister)
	switch {
	case measures && lists:
		return struct {
			*bulk
			measured
			listed
		}{b, capacity, listed{lister}}
	case measures:
		return struct {
			*bulk
			measured
		}{b, capacity}
	case lists:
		return struct {
			*bulk
			listed
		}{b, listed{lister}}
	}
	return b
}

// bulk is a Storage. What it does not have of its own is done by the first layer.
type bulk struct {
	assembler
	layers []store.Bulk // the first one too; never changed
}

// above returns all layers but the last.
func (b *bulk) above() []store.Bulk { return b.layers[:len(b.layers)-1] }

// last returns the last layer, which is the first if there is no other.
func (b *bulk) last() store.Bulk { return b.layers[len(b.layers)-1] }

type (
	assembler store.Assembler
	measured  store.Capacity
)

// listed tells what the first layer keeps. It is a store.SharedLister.
type listed struct{ store.Lister }

// Aliases implements store.SharedLister.
func (l listed) Aliases(ctx context.Context, a store.Address) ([]store.Address, error) {
	if shared, ok := l.Lister.(store.SharedLister); ok {
		return shared.Aliases(ctx, a)
	}
	return []store.Address{a}, nil
}

// Remove implements store.Bulk. What the first layer does not have is no error; what others have
// stays.
func (b *bulk) Remove(ctx context.Context, a store.Address) error {
	err := b.assembler.Remove(ctx, a)
	if missing(err) {
		return nil
	}
	return err
}

// VersionID implements store.Namer: new content is in the first layer.
func (b *bulk) VersionID(a store.Address) string {
	if namer, ok := b.assembler.(store.Namer); ok {
		return namer.VersionID(a)
	}
	return ""
}

// UploadAddress implements store.Heir: the original server kept uploads in its first layer too.
func (b *bulk) UploadAddress(name, job string) (store.Address, error) {
	if heir, ok := b.assembler.(store.Heir); ok {
		return heir.UploadAddress(name, job)
	}
	return store.Origin{Name: name, Version: job}.Address(), nil
}

// HoldsUnrecorded implements store.Recaller.
func (b *bulk) HoldsUnrecorded(a store.Address) bool {
	recaller, ok := b.assembler.(store.Recaller)
	return ok && recaller.HoldsUnrecorded(a)
}

// Close implements io.Closer.
func (b *bulk) Close() error {
	var errs []error
	for _, layer := range b.layers {
		if closer, ok := layer.(io.Closer); ok {
			errs = append(errs, closer.Close())
		}
	}
	return errors.Join(errs...)
}
