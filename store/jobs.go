package store

import (
	"context"
	"io"
	"time"

	"github.com/hatrac/hatrac/acl"
)

// Job is an upload in chunks that is under way.
type Job struct {
	// ID is the directory's own number for the job; it is never 0 and never reused.
	ID int64
	// NameID is the ID of the object that will get the version.
	NameID int64
	// Job is the id that clients know. It is unique among the jobs of the object.
	Job string
	// Size is the length of the whole content, ChunkSize that of every chunk but the last,
	// both in bytes. ChunkSize is at least 1.
	Size, ChunkSize int64
	// Metadata are the fields that the version will have.
	Metadata Metadata
	// ACLs are the job's lists: the owner.
	ACLs acl.Lists
	// Created is when the job began, Active when it was last heard of.
	Created, Active time.Time
	// Address is where the content is assembled (see Assembler).
	Address Address
	// Digest is how far the content is digested.
	Digest DigestState
}

// Chunks returns the number of chunks that the whole content has.
func (j *Job) Chunks() int64 { return (j.Size + j.ChunkSize - 1) / j.ChunkSize }

// Span returns where chunk n lies in the content; n is less than Chunks.
func (j *Job) Span(n int64) (offset, length int64) {
	offset = n * j.ChunkSize
	return offset, min(j.ChunkSize, j.Size-offset)
}

// DigestState is a digest of the first bytes of a content, to be continued.
type DigestState struct {
	// Bytes is the number of bytes that are in the digests.
	Bytes int64
	// State holds the digests in the form in which whoever computes them keeps them. It is
	// nil if Bytes is 0.
	State []byte
}

// Chunk is one chunk that was received.
type Chunk struct {
	// Number counts from 0.
	Number int64
	// Tag is what the Assembler wants to be told again in the end; it may be empty.
	Tag string
}

// Jobs is the part of a Directory that keeps upload jobs. Rows of jobs are never marked as
// deleted: what is over is gone.
type Jobs interface {
	// ResolveJob is like Directory.Resolve of the path without a version, and looks up the
	// job of that id as well; it is nil if there is none.
	ResolveJob(ctx context.Context, path Path, job string) (*Resolution, *Job, error)

	// JobsOf returns up to limit jobs of the object, oldest first, beginning with the first
	// whose ID is greater than after.
	JobsOf(ctx context.Context, object, after int64, limit int) ([]Job, error)

	// Received returns the chunks of a job that were received, by number, beginning with the
	// first whose number is not less than from, at most limit.
	Received(ctx context.Context, job, from int64, limit int) ([]Chunk, error)

	// IdleJobs returns up to limit jobs that were last heard of before the time, with the
	// paths of their objects, the longest idle first.
	IdleJobs(ctx context.Context, before time.Time, limit int) ([]IdleJob, error)
}

// IdleJob is a job with the path of its object.
type IdleJob struct {
	Path Path
	Job  Job
}

// JobsTx is the part of a Tx that changes upload jobs. A job that is not there is NotFound.
type JobsTx interface {
	// ResolveJob is like Tx.Resolve, and keeps the job from being changed by others.
	ResolveJob(ctx context.Context, path Path, job string) (*Resolution, *Job, error)

	// HasJobs reports whether there is a job on an object that is a live child of the
	// namespace.
	HasJobs(ctx context.Context, namespace int64) (bool, error)

	// CreateJob adds a job and sets j.ID. Exists if the object has a job with that id.
	CreateJob(ctx context.Context, j *Job) error

	// ForgetChunk marks a chunk as not received. It is no error if it was not.
	ForgetChunk(ctx context.Context, job, number int64) error

	// RecordChunk marks a chunk as received, and the job as active at the time.
	RecordChunk(ctx context.Context, job int64, c Chunk, at time.Time) error

	// SetDigest replaces the job's digest state.
	SetDigest(ctx context.Context, job int64, d DigestState) error

	// RestartJob lets a job begin anew at another place: no chunk is received, and nothing digested.
	// What was assembled before is queued for reclaim at once.
	RestartJob(ctx context.Context, job int64, place Address) error

	// DeleteJob removes a job with its record of chunks. Unless keep is set, what was
	// assembled is queued for reclaim at once.
	DeleteJob(ctx context.Context, job int64, keep bool) error
}

// Assembler is a Bulk that builds content of chunks, which come in any order and over many
// restarts. A place where content is assembled has an address from the beginning; Directory.Bound
// knows it as long as its job exists, and Remove removes it.
type Assembler interface {
	Bulk

	// Begin makes a place for content of p.Size bytes in chunks of the given size.
	Begin(ctx context.Context, p Placement, chunkSize int64) (Address, error)

	// ClaimChunk gives the right to store the chunk of that number until the claim is
	// released. Where the bytes of two who store it could get mixed, only one has that right at
	// a time, in whatever process: who comes later waits until the other has released it,
	// which ends a Put of that one. Conflict: the content is finished. NotFound: the place is
	// gone. Either may be told by Put instead.
	ClaimChunk(ctx context.Context, a Address, number int64) (ChunkClaim, error)

	// OpenPart returns what is assembled so far, for reading; what lies where no chunk was
	// stored yet has no meaning. ReadOnly if the Bulk cannot read it before it is finished.
	OpenPart(ctx context.Context, a Address) (Content, error)

	// Finish makes the assembled content durable content, waiting for chunks that are being
	// stored. From then on nothing can change it. It returns the address of the content, which
	// may be the same. Finishing what is finished is no error.
	Finish(ctx context.Context, a Address, p Placement, chunks []Chunk) (Address, error)

	// Reopen undoes Finish for content that was not bound, so that chunks can be replaced. It
	// does not wait for claims, whose holders may wait for the caller. ReadOnly if the Bulk
	// cannot.
	Reopen(ctx context.Context, a Address) error
}

// ChunkClaim is the right to store a chunk. Who has it records the chunk as received before releasing
// it, and takes the record away before storing the chunk again: so what is recorded is always whole.
type ChunkClaim interface {
	// Put, called once, stores the length bytes of r at the offset. When it returns they are
	// durable. If it fails, what was stored before may be damaged. r gives exactly length bytes
	// or an error, which is returned as it is.
	//
	// Conflict: somebody else has claimed the chunk. Then what r gives does not count, and the
	// other one does not wait for r; Put ends as soon as r does.
	Put(ctx context.Context, offset, length int64, r io.Reader) (tag string, err error)

	// Release ends the claim.
	Release()
}

// Heir is an Assembler that goes on with uploads that the original server began.
type Heir interface {
	// UploadAddress returns the address of an upload of an object, which the original server
	// knows by the name and the job.
	UploadAddress(name, job string) (Address, error)
}

// Recaller is an Assembler that may hold more of an upload than was recorded, because a server
// before it did not record what chunks it had received.
type Recaller interface {
	// HoldsUnrecorded reports whether the place may hold chunks that no record tells of. Then
	// its content is whole if Finish takes it and it has the digest that was given.
	HoldsUnrecorded(a Address) bool
}
