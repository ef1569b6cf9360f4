package sqlite

import (
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func TestInlineContentGoesWhenItIsDue(t *testing.T) {
	d := openFresh(t)
	plant(t, d)
	ctx, due := t.Context(), time.Unix(1000, 0)
	n := store.Name{Parent: 1, Path: "/o", Kind: acl.Object}
	if err := d.Update(ctx, func(tx store.Tx) error {
		if err := tx.CreateName(ctx, &n); err != nil {
			return err
		}
		for _, version := range []string{"deleted", "live"} {
			v := store.Version{NameID: n.ID, Version: version, Inline: []byte(version)}
			if err := tx.BindVersion(ctx, &v); err != nil {
				return err
			}
			if version == "deleted" {
				if err := tx.DeleteVersion(ctx, v.ID, due, due); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	expect := func(when string, now time.Time, version, want string) {
		t.Helper()
		if due, err := d.Reclaimable(ctx, now, 10); err != nil || len(due) != 0 {
			t.Errorf("%s: reclaimable are %v, %v", when, due, err)
		}
		found, err := d.Resolve(ctx, "/o", version)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(found.Version.Inline); got != want || found.Version.HasInline != (want != "") {
			t.Errorf("%s: the %s version has %q, HasInline %v", when, version, got, found.Version.HasInline)
		}
	}
	expect("before the time", due.Add(-1), "deleted", "deleted")
	expect("at the time", due, "deleted", "")
	expect("at the time", due, "live", "live")
	var rows int
	if err := d.pool.QueryRowContext(ctx, "SELECT count(*) FROM content").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d contents are kept, %v", rows, err)
	}
}

func TestContentThatALiveVersionRefersToIsNotReclaimed(t *testing.T) {
	d := openFresh(t)
	parent := plant(t, d)
	parent.Path = ""
	ctx, due := t.Context(), time.Unix(1000, 0)
	if err := put(t, d, parent, "one", "shared"); err != nil {
		t.Fatal(err)
	}
	if err := put(t, d, parent, "two", "shared"); err != nil {
		t.Fatal(err)
	}
	for i, path := range []store.Path{"/one", "/two"} {
		if err := d.Update(ctx, func(tx store.Tx) error { return tx.DeleteTree(ctx, path, due, due) }); err != nil {
			t.Fatal(err)
		}
		entries, err := d.Reclaimable(ctx, due, 10)
		if err != nil || (len(entries) > 0) != (i == 1) {
			t.Errorf("after deleting %s reclaimable are %v, %v", path, entries, err)
		}
	}
}
