package service

import (
	"bytes"
	"context"
	"crypto/md5" // #nosec: the protocol's digest, never used for security
	"crypto/sha256"
	"hash"
	"io"

	"github.com/hatrac/hatrac/store"
)

// stage puts the content where it is durable but not yet visible: into the version's row if it
// is small, else into the bulk store.
func (p *put) stage(ctx context.Context) error {
	if p.req.Draft != nil {
		return p.stageDraft(ctx)
	}
	in := newIntake(p.req.Content, p.req.Size, p.req.Metadata)
	head := make([]byte, max(p.inline, 0)+1)
	n, err := io.ReadFull(in, head)
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		p.version.Size, p.version.SHA256 = in.n, in.sha256.Sum(nil)
		p.hold(head[:n])
		if p.inline < 0 {
			return p.store(ctx, bytes.NewReader(nil))
		}
		return nil
	case err != nil:
		return err
	}
	if err := p.store(ctx, io.MultiReader(bytes.NewReader(head), in)); err != nil {
		return err
	}
	p.version.Size, p.version.SHA256 = in.n, in.sha256.Sum(nil)
	return nil
}

// hold keeps small content in the version's row.
func (p *put) hold(content []byte) {
	if p.inline >= 0 {
		p.version.Inline, p.version.HasInline = content, true
	}
}

func (p *put) placement() store.Placement {
	return store.Placement{Path: p.req.Path, Version: p.version.Version, Size: p.req.Size}
}

func (p *put) store(ctx context.Context, r io.Reader) (err error) {
	p.version.Address, err = p.bulk.Put(ctx, p.placement(), r)
	p.version.Version = p.versionID(p.version.Address, p.version.Version)
	return err
}

// versionID returns the id of the version with content at an address: the one that the content is
// to be found under, or else the proposed one.
func (s *Service) versionID(a store.Address, proposed string) string {
	if namer, ok := s.bulk.(store.Namer); ok {
		if id := namer.VersionID(a); id != "" {
			return id
		}
	}
	return proposed
}

func (p *put) stageDraft(ctx context.Context) error {
	draft := p.req.Draft
	info, err := draft.File.Stat()
	if err != nil {
		return store.Wrap(store.Internal, "look at draft", err)
	}
	p.version.Size = info.Size()
	p.req.Size = info.Size()
	if p.inline >= info.Size() {
		content := make([]byte, info.Size())
		if _, err := io.ReadFull(io.NewSectionReader(draft.File, 0, info.Size()), content); err != nil {
			return store.Wrap(store.Internal, "read draft", err)
		}
		if p.version.SHA256 = draft.SHA256; draft.SHA256 == nil {
			sum := sha256.Sum256(content)
			p.version.SHA256 = sum[:]
		}
		p.hold(content)
		return nil
	}
	if err := draft.digest(ctx); err != nil {
		return err
	}
	p.version.SHA256 = draft.SHA256
	if spooler, ok := p.soonSpooler(); ok && p.soon {
		p.version.Address, err = spooler.AdoptSoon(ctx, p.placement(), draft.File)
		p.version.Unsynced = p.node
		return err
	}
	if spooler, ok := p.bulk.(store.Spooler); ok && spooler.SpoolDir() != "" {
		p.version.Address, err = spooler.Adopt(ctx, p.placement(), draft.File)
		return err
	}
	return p.store(ctx, io.NewSectionReader(draft.File, 0, info.Size()))
}

// digest computes the digest of the draft, if it is not known.
func (d *Draft) digest(ctx context.Context) error {
	if d.SHA256 != nil {
		return nil
	}
	info, err := d.File.Stat()
	if err != nil {
		return store.Wrap(store.Internal, "look at draft", err)
	}
	sum := sha256.New()
	r := &patient{ctx: ctx, from: io.NewSectionReader(d.File, 0, info.Size())}
	if _, err := io.CopyBuffer(sum, r, make([]byte, 256<<10)); err != nil {
		return store.Wrap(store.Internal, "read draft", err)
	}
	d.SHA256 = sum.Sum(nil)
	return nil
}

// patient reads until its context ends.
type patient struct {
	ctx  context.Context
	from io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.from.Read(b)
}

// intake reads content on its way in. It counts and digests what passes and, at the end,
// answers an error instead of io.EOF unless everything is as it was announced, so that
// whoever stores it gives up.
type intake struct {
	from   io.Reader
	size   int64 // announced length, or -1
	n      int64 // bytes so far
	sha256 hash.Hash
	md5    hash.Hash // nil if no MD5 was announced
	want   store.Metadata
	misfit bool // the length is not the announced one
}

func newIntake(from io.Reader, size int64, want store.Metadata) *intake {
	in := &intake{from: from, size: size, sha256: sha256.New(), want: want}
	if want.MD5 != nil {
		in.md5 = md5.New()
	}
	return in
}

func (in *intake) Read(b []byte) (int, error) {
	n, err := in.from.Read(b)
	in.n += int64(n)
	in.sha256.Write(b[:n])
	if in.md5 != nil {
		in.md5.Write(b[:n])
	}
	if in.size >= 0 && in.n > in.size {
		in.misfit = true
		return 0, store.NewError(store.Invalid, "", "The content is longer than its announced length.")
	}
	switch err {
	case io.EOF:
		return n, in.finish()
	case io.ErrUnexpectedEOF:
		in.misfit = true
		return n, shortContent()
	}
	return n, err
}

func shortContent() error {
	return store.NewError(store.Invalid, "", "The content ended before its announced length.")
}

func (in *intake) finish() error {
	switch {
	case in.size >= 0 && in.n < in.size:
		in.misfit = true
		return shortContent()
	case in.want.SHA256 != nil && !bytes.Equal(in.sha256.Sum(nil), in.want.SHA256):
		return store.NewError(store.Invalid, "", "The content does not have the given SHA-256 digest.")
	case in.md5 != nil && !bytes.Equal(in.md5.Sum(nil), in.want.MD5):
		return store.NewError(store.Invalid, "", "The content does not have the given MD5 digest.")
	}
	return io.EOF
}
