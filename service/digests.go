package service

import (
	"bytes"
	"context"
	"crypto/md5" // #nosec: the protocol's digest, never used for security
	"crypto/rand"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"hash"
	"io"

	"github.com/hatrac/hatrac/store"
)

// catchUpChunks is how many chunks, at most, are digested on behalf of one request.
const catchUpChunks = 8

var errDigestState = errors.New("the state of a running digest is malformed")

// digests are MD5 and SHA-256 of content that comes bit by bit, also over restarts.
type digests struct {
	n           int64
	md5, sha256 hash.Hash
}

func newDigests() *digests { return &digests{md5: md5.New(), sha256: sha256.New()} }

// resume returns the digests that go on at the offset, or nil if the state ends elsewhere.
func resume(s store.DigestState, offset int64) (*digests, error) {
	if s.Bytes != offset {
		return nil, nil
	}
	d := newDigests()
	if s.Bytes == 0 {
		return d, nil
	}
	if len(s.State) < 4 {
		return nil, errDigestState
	}
	n := int64(binary.BigEndian.Uint32(s.State))
	rest := s.State[4:]
	if n > int64(len(rest)) {
		return nil, errDigestState
	}
	d.n = s.Bytes
	return d, errors.Join(
		d.md5.(encoding.BinaryUnmarshaler).UnmarshalBinary(rest[:n]),
		d.sha256.(encoding.BinaryUnmarshaler).UnmarshalBinary(rest[n:]),
	)
}

// Write implements io.Writer.
func (d *digests) Write(p []byte) (int, error) {
	d.n += int64(len(p))
	d.md5.Write(p)
	return d.sha256.Write(p)
}

// state returns what resume takes: the length of the MD5 state in four bytes, that, and the
// SHA-256 state.
func (d *digests) state() (store.DigestState, error) {
	first, err := d.md5.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return store.DigestState{}, err
	}
	second, err := d.sha256.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return store.DigestState{}, err
	}
	state := binary.BigEndian.AppendUint32(nil, uint32(len(first)))
	return store.DigestState{Bytes: d.n, State: append(append(state, first...), second...)}, nil
}

// extend digests the content from where it stands up to the offset end.
func (d *digests) extend(ctx context.Context, content store.Content, end int64) error {
	r, err := content.Section(ctx, d.n, end-d.n)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.CopyBuffer(d, &patient{ctx: ctx, from: r}, make([]byte, 256<<10))
	return err
}

// catchUp digests chunks that are there and come next, while they are still in the memory of
// the machine, so that finishing the upload need not read them. Where the storage cannot read
// what is not finished, that is left to the end.
func (s *Service) catchUp(ctx context.Context, path store.Path, job *store.Job) error {
	next := job.Digest.Bytes / job.ChunkSize
	chunks, err := s.dir.Received(ctx, job.ID, next, catchUpChunks)
	if err != nil || len(chunks) == 0 || chunks[0].Number != next {
		return err
	}
	end := ranges(chunks)[0].Last
	offset, length := job.Span(end)
	state, err := s.digestPart(ctx, job, offset+length)
	if store.KindOf(err) == store.ReadOnly || store.KindOf(err) == store.Interrupted {
		return nil
	}
	if err != nil {
		return err
	}
	return s.dir.Update(ctx, func(tx store.Tx) error {
		_, now, err := tx.ResolveJob(ctx, path, job.Job)
		if err != nil || now == nil || !same(now.Digest, job.Digest) {
			return err
		}
		return tx.SetDigest(ctx, now.ID, state)
	})
}

// digestPart returns the state of the job's digests at the offset end, continuing from where they
// stand.
func (s *Service) digestPart(ctx context.Context, job *store.Job, end int64) (store.DigestState, error) {
	d, err := resume(job.Digest, job.Digest.Bytes)
	if err != nil {
		return store.DigestState{}, err
	}
	if d.n < end {
		content, err := s.bulk.OpenPart(ctx, job.Address)
		if err != nil {
			return store.DigestState{}, err
		}
		defer content.Close()
		if err := d.extend(ctx, content, end); err != nil {
			return store.DigestState{}, store.Wrap(store.Internal, "digest chunks", err)
		}
	}
	return d.state()
}

// same reports whether a state is still the one that was begun with.
func same(a, b store.DigestState) bool { return a.Bytes == b.Bytes && bytes.Equal(a.State, b.State) }

// restarted is the state of digests that begin anew. It differs from every other state, so that
// nobody who read before goes on from what is no longer so.
func restarted() store.DigestState { return store.DigestState{State: []byte(rand.Text())} }
