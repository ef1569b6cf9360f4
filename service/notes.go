package service

import (
	"context"
	"encoding/json"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// note is a change as it is told to other processes on the same store. Who made it is not told.
// An empty note is a lost change.
type note struct {
	Action  Action     `json:"action"`
	Path    store.Path `json:"path"`
	Kind    acl.Kind   `json:"kind"`
	Version string     `json:"version,omitempty"`
	From    store.Path `json:"from,omitempty"`
}

// tell lets other processes on the same store hear of a change when the transaction is committed.
// It is for what is rare and is felt far from where it happened: lists, and what becomes of
// namespaces as a whole. Of all else they learn when what they remember is too old.
func tell(ctx context.Context, tx store.Tx, c Change) error {
	others, ok := tx.(store.NotifierTx)
	if !ok {
		return nil
	}
	text, err := json.Marshal(note{Action: c.Action, Path: c.Path, Kind: c.Kind, Version: c.Version, From: c.From})
	if err != nil {
		return store.Wrap(store.Internal, "tell of a change", err)
	}
	if len(text) > store.MaxNote {
		text = nil
	}
	return others.Notify(ctx, string(text))
}

// hear announces what other processes tell, until ctx ends.
func (s *Service) hear(ctx context.Context) {
	others, ok := s.cfg.Directory.(store.Notifier)
	if !ok {
		return
	}
	lost := func() {
		s.dir.Forget()
		s.changes.announce(Change{Lost: true})
	}
	s.logFailure(ctx, "hear", others.Hear(ctx, func(text string) {
		var n note
		if json.Unmarshal([]byte(text), &n) != nil || n.Action == 0 {
			lost()
			return
		}
		s.dir.Forget()
		s.changes.announce(Change{
			Action: n.Action, Path: n.Path, Kind: n.Kind, Version: n.Version, From: n.From, Elsewhere: true,
		})
	}, lost))
}
