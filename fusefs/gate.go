package fusefs

import (
	"context"

	"github.com/hatrac/hatrac/store"
)

// gate is a lock that may be held over slow work, because whoever waits for it can give up.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

// enter waits for the gate; when ctx ends first it answers Interrupted or Unavailable.
func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	default:
	}
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return store.Wrap(store.Internal, "wait for a draft", ctx.Err())
	}
}

func (g gate) leave() { <-g }
