// Package check compares what a directory says with the content that is there. It changes
// nothing.
package check

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/hatrac/hatrac/store"
)

// Config says what to check and how.
type Config struct {
	Directory store.Directory
	Bulk      store.Bulk
	// Deep reads all content and computes its digests. Without it only the length is compared.
	Deep bool
	// Grace is the age from which content that nothing refers to counts as left behind; what is
	// younger may be work under way.
	Grace time.Duration
	// Report is told each problem, one after the other, the versions by their IDs.
	Report func(Problem)
	// Progress, if not nil, is told how far the check has come.
	Progress func(Result)
}

// Problem is one thing that is not as it should be.
type Problem struct {
	// Subject names what it is about, in the words of clients: a version, an upload; or it is
	// an address.
	Subject string
	// Text is a sentence about it.
	Text string
}

// Result counts what was looked at and what was found.
type Result struct {
	// Versions are the live versions that have content here, Bytes its length together.
	Versions, Bytes int64
	// Uploads are those under way.
	Uploads int64
	// Damaged are versions and uploads whose content is not as it should be.
	Damaged int64
	// Listed is false if the storage cannot tell what it keeps. Left is content that was left
	// behind, and LeftBytes its length.
	Listed          bool
	Left, LeftBytes int64
}

const (
	pageSize   = 1000
	boundBatch = 500
)

// Run checks everything. A store that is in use meanwhile gives no false alarm. Its errors are
// those of the Directory, and those of the Bulk that say nothing about the content:
// Unavailable, Interrupted.
func Run(ctx context.Context, cfg Config) (Result, error) {
	c := &check{Config: cfg}
	for _, step := range []func(context.Context) error{c.versions, c.uploads, c.left} {
		if err := step(ctx); err != nil {
			return c.result, err
		}
	}
	return c.result, nil
}

// check is one Run.
type check struct {
	Config
	result Result
}

func (c *check) damaged(subject, text string) {
	c.result.Damaged++
	c.Report(Problem{Subject: subject, Text: text})
}

func (c *check) progress() {
	if c.Progress != nil {
		c.Progress(c.result)
	}
}

// versions looks at the content of all live versions, page by page.
func (c *check) versions(ctx context.Context) error {
	for last := int64(0); ; {
		page, err := c.Directory.VersionsAfter(ctx, last, pageSize)
		if err != nil {
			return err
		}
		if err := c.page(ctx, page); err != nil {
			return err
		}
		c.progress()
		if len(page) < pageSize {
			return nil
		}
		last = page[len(page)-1].Version.ID
	}
}

// page looks at many versions at the same time and reports in their order.
func (c *check) page(ctx context.Context, page []store.PathVersion) error {
	texts := make([]string, len(page))
	errs := make([]error, len(page))
	work := make(chan int)
	var wait sync.WaitGroup
	for range max(4, runtime.NumCPU()) {
		wait.Go(func() {
			for i := range work {
				texts[i], errs[i] = c.version(ctx, &page[i])
			}
		})
	}
	for i := range page {
		if counts(&page[i].Version) {
			work <- i
		}
	}
	close(work)
	wait.Wait()
	for i := range page {
		if errs[i] != nil {
			return errs[i]
		}
		if v := &page[i]; counts(&v.Version) {
			c.result.Versions++
			c.result.Bytes += v.Version.Size
			if texts[i] != "" {
				c.damaged(ref(v).String(), texts[i])
			}
		}
	}
	return nil
}

func ref(v *store.PathVersion) store.Ref {
	return store.Ref{Path: v.Path, Version: v.Version.Version}
}

// counts reports whether a version has content here.
func counts(v *store.Version) bool {
	return !v.Deleted && v.Forward == nil && v.URL == ""
}

// uploads looks whether what was received of uploads is there.
func (c *check) uploads(ctx context.Context) error {
	assembler, ok := c.Bulk.(store.Assembler)
	for last := int64(0); ; {
		page, err := c.Directory.JobsAfter(ctx, last, pageSize)
		if err != nil {
			return err
		}
		for i := range page {
			last = page[i].Job.ID
			c.result.Uploads++
			if ok {
				if err := c.upload(ctx, assembler, &page[i]); err != nil {
					return err
				}
			}
		}
		c.progress()
		if len(page) < pageSize {
			return nil
		}
	}
}

func (c *check) upload(ctx context.Context, assembler store.Assembler, j *store.IdleJob) error {
	part, err := assembler.OpenPart(ctx, j.Job.Address)
	if err == nil {
		return part.Close()
	}
	if store.KindOf(err) != store.NotFound {
		return undecided(err)
	}
	_, now, err := c.Directory.ResolveJob(ctx, j.Path, j.Job.Job)
	if err != nil || now == nil || now.Address != j.Job.Address {
		return err
	}
	received, err := c.Directory.Received(ctx, now.ID, 0, 1)
	if err == nil && len(received) > 0 {
		c.damaged(string(j.Path)+";upload/"+store.EncodeSegment(j.Job.Job), "What was received of this upload is missing.")
	}
	return err
}

// undecided returns an error that says nothing about the content.
func undecided(err error) error {
	switch store.KindOf(err) {
	case store.Unavailable, store.Interrupted:
		return err
	}
	return nil
}
