package fusefs

import (
	"crypto/sha256"
	"hash"
)

// runningDigest is the SHA-256 of a file that is written from its start without gaps. A nil
// one is of a file that was not: its digest is unknown.
type runningDigest struct {
	hash hash.Hash
	n    int64
}

func newRunningDigest() *runningDigest { return &runningDigest{hash: sha256.New()} }

// write adds what was written at off, and returns nil if that does not follow on.
func (r *runningDigest) write(p []byte, off int64) *runningDigest {
	if r == nil || off != r.n && len(p) > 0 {
		return nil
	}
	r.hash.Write(p)
	r.n += int64(len(p))
	return r
}

// sum returns the digest so far, nil if it is unknown.
func (r *runningDigest) sum() []byte {
	if r == nil {
		return nil
	}
	return r.hash.Sum(nil)
}
