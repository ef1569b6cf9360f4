package service_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// An upload that nobody goes on with ends by itself, and no sooner than is configured after the last that
// was heard of it.
func TestForgottenUploadsEndByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(c *service.Config) { c.UploadExpiration, c.SweepInterval = 3*time.Hour, time.Hour })
		ctx, cancel := context.WithCancel(b.ctx)
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		time.Sleep(time.Minute)
		active, forgotten := b.begin(root, "/o", 2, 1), b.begin(root, "/p", 1, 1)
		time.Sleep(2 * time.Hour)
		b.gotten(forgotten)
		b.send(active, 0, "x")
		time.Sleep(2 * time.Hour)
		_, err := b.Job(b.ctx, root, forgotten.Path, forgotten.Job.Job)
		b.want(store.NotFound, err)
		b.gotten(active)
		time.Sleep(2 * time.Hour)
		_, err = b.Job(b.ctx, root, active.Path, active.Job.Job)
		b.want(store.NotFound, err)
		if n := b.files(); n != 0 {
			t.Errorf("%d files are left", n)
		}
		cancel()
		<-done
	})
}
