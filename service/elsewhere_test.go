package service_test

import (
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func TestContentElsewhereCannotBeOpened(t *testing.T) {
	b := newBench(t)
	b.put(root, "/o", "here")
	const url = "https://elsewhere.example/o"
	b.must(b.dir.Update(b.ctx, func(tx store.Tx) error {
		r, err := tx.Resolve(b.ctx, "/o", "")
		if err != nil {
			return err
		}
		return tx.BindVersion(b.ctx, &store.Version{
			NameID: r.Name.ID, Version: "away", Size: 4, URL: url, ACLs: acl.Lists{acl.Owner: {root.ID}},
		})
	}))
	found, err := b.Fetch(b.ctx, root, ref("/o"))
	b.must(err)
	if got, err := found.Elsewhere(); got != url || err != nil {
		t.Errorf("the content is at %q, %v", got, err)
	}
	if got, err := found.Presign(b.ctx, store.Metadata{}); got != "" || err != nil {
		t.Errorf("presigned as %q, %v", got, err)
	}
	_, err = found.Open(b.ctx)
	b.want(store.Internal, err)
	_, err = b.Fetch(b.ctx, nobody, ref("/o"))
	b.want(store.Unauthenticated, err)
	for _, at := range []string{"/", "/o:" + b.put(root, "/o", "here again")} {
		found, err := b.Fetch(b.ctx, root, ref(at))
		b.must(err)
		if got, err := found.Elsewhere(); got != "" || err != nil {
			t.Errorf("%s is at %q, %v", at, got, err)
		}
	}
}
