package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hatrac/hatrac/store"
)

// moment is the time of a deletion; no two are the same.
func moment(deletion int) time.Time { return begun.Add(time.Duration(deletion) * time.Second) }

// hangsDeleted reports whether a name is deleted and the namespace around it is not.
func (m *model) hangsDeleted(n *modelName) bool {
	return n.deleted && !m.names[m.ids[n.id].Parent()].deleted
}

func (m *model) restore(ctx context.Context, tx store.Tx, pick int) error {
	top, n := m.pickOf(pick, m.hangsDeleted)
	if n == nil {
		return nil
	}
	fell := n.fell
	for path, n := range m.names {
		if path != top && !path.Within(top) || !n.deleted || n.fell != fell {
			continue
		}
		n.deleted = false
		for i := range n.versions {
			if v := &n.versions[i]; v.state == "deleted" && v.fell == fell {
				v.state = v.was
			}
		}
	}
	lost, err := tx.Restore(ctx, top, time.Now())
	if err == nil && lost != 0 {
		return fmt.Errorf("%d versions are lost", lost)
	}
	return err
}

func (m *model) restoreVersion(ctx context.Context, tx store.Tx, pick int) error {
	fits := func(v modelVersion) bool { return v.state == "deleted" }
	_, n := m.pickOf(pick, func(n *modelName) bool { return !n.deleted && slices.ContainsFunc(n.versions, fits) })
	if n == nil {
		return nil
	}
	v := &n.versions[slices.IndexFunc(n.versions, fits)]
	v.state = v.was
	return tx.RestoreVersion(ctx, v.id)
}
