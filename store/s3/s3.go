package s3

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/semaphore"

	"github.com/hatrac/hatrac/store"
)

// Bulk keeps content in S3. It implements store.Bulk, store.Assembler, store.Namer,
// store.Presigner, store.SizedOpener and store.SharedLister.
type Bulk struct {
	cfg    Config
	places map[string]*place
	memory *semaphore.Weighted // in bytes, for parts on their way
	pool   sync.Pool           // of buffers of cfg.PartSize bytes

	mu    sync.Mutex // guards swept
	swept time.Time  // when all content was looked at last
}

var (
	_ store.Assembler    = (*Bulk)(nil)
	_ store.Namer        = (*Bulk)(nil)
	_ store.Heir         = (*Bulk)(nil)
	_ store.Presigner    = (*Bulk)(nil)
	_ store.SizedOpener  = (*Bulk)(nil)
	_ store.SharedLister = (*Bulk)(nil)
)

// Open returns a Bulk on the buckets of the configuration, which have to exist. Unavailable: a
// service does not answer.
func Open(ctx context.Context, cfg Config) (*Bulk, error) {
	cfg, err := cfg.check()
	if err != nil {
		return nil, err
	}
	b := &Bulk{cfg: cfg, places: make(map[string]*place), memory: semaphore.NewWeighted(cfg.Memory)}
	b.pool.New = func() any {
		buffer := make([]byte, cfg.PartSize)
		return &buffer
	}
	services := make(map[Client]*service)
	for prefix, bucket := range cfg.Buckets {
		at := services[bucket.Client]
		if at == nil {
			if at, err = newService(ctx, bucket.Client); err != nil {
				return nil, err
			}
			services[bucket.Client] = at
		}
		p := &place{Bucket: bucket, service: at}
		if err := p.look(ctx); err != nil {
			return nil, err
		}
		b.places[prefix] = p
	}
	return b, nil
}

// Close lets go of connections. Requests under way go on.
func (b *Bulk) Close() error {
	for _, p := range b.places {
		p.service.transport.CloseIdleConnections()
	}
	return nil
}

// look finds out whether the bucket is there and keeps versions. A service that does not tell,
// or not these credentials, is believed to fit.
func (p *place) look(ctx context.Context) error {
	ctx, w := watched(ctx, p.Client.ReadTimeout)
	defer w.end()
	said, err := p.service.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &p.Name})
	switch {
	case err != nil && kindOf(err) == store.Unavailable:
		return fmt.Errorf("the S3 bucket %s cannot be reached: %w", p.Name, fail(ctx, "look at bucket", err))
	case isCode(err, "NoSuchBucket"):
		return fmt.Errorf("there is no S3 bucket %s", p.Name)
	case err != nil:
		p.versioned = p.Method == ByName
		return nil
	}
	p.versioned = said.Status == types.BucketVersioningStatusEnabled
	if p.Method == ByName && !p.versioned {
		return fmt.Errorf("the S3 bucket %s must have versioning enabled for the method %q", p.Name, ByName)
	}
	return nil
}

// VersionID implements store.Namer.
func (b *Bulk) VersionID(a store.Address) string {
	origin, _ := store.ParseOrigin(a)
	return origin.Version
}
