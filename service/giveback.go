package service

import (
	"context"
	"slices"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// giveBack lets versions go back to where they were renamed from, before the name that they are in
// is deleted: each to the object in the same namespace from which it came last, if that has a current
// version of its own, beneath which it goes, and the client may update that object. There they are
// again in their old order what they were, and the current version stays the current one. It returns
// the objects that have got versions back.
//
// So it is no loss when a program saves a file by renaming it, writing a new one of the name and
// deleting the old one.
func giveBack(ctx context.Context, tx store.Tx, v view, origins map[store.Path]view, now time.Time) ([]store.Path, error) {
	if v.Name.Kind != acl.Object || len(origins) == 0 {
		return nil, nil
	}
	records, err := tx.Origins(ctx, v.Path)
	if err != nil {
		return nil, err
	}
	last := make(map[string]store.Entry) // by version id
	for _, e := range records {
		to, ok := origins[e.Name.Path]
		if !ok || to.onlyRecord() || to.Current == nil || to.may(acl.AddVersion, "") != nil {
			continue
		}
		if found, ok := last[e.Current.Version]; !ok || found.Current.ForwardedOn.Before(e.Current.ForwardedOn) {
			last[e.Current.Version] = e
		}
	}
	if len(last) == 0 {
		return nil, nil
	}
	return returnTo(ctx, tx, v, last, now)
}

// returnTo gives the versions of v back to the records of their ids.
func returnTo(ctx context.Context, tx store.Tx, v view, records map[string]store.Entry, now time.Time) (to []store.Path, err error) {
	held, err := tx.HeldVersions(ctx, v.Name.ID)
	if err != nil {
		return nil, err
	}
	var returns []store.Return
	for _, version := range held {
		e, ok := records[version.Version]
		if !ok {
			continue
		}
		if err := settled(v.Path, &version); err != nil {
			return nil, err
		}
		returns = append(returns, store.Return{Holder: version, Record: *e.Current, Path: e.Name.Path})
		if !slices.Contains(to, e.Name.Path) {
			to = append(to, e.Name.Path)
		}
	}
	return to, tx.ReturnVersions(ctx, returns, now)
}

// lookAtOrigins looks up a name and the objects to which it may give versions back, always in the
// order of their paths.
func lookAtOrigins(ctx context.Context, tx store.Tx, c acl.Client, path store.Path) (v view, origins map[store.Path]view, err error) {
	records, err := tx.Origins(ctx, path)
	if err != nil {
		return v, nil, err
	}
	paths := []store.Path{path}
	for _, e := range records {
		paths = append(paths, e.Name.Path)
	}
	slices.Sort(paths)
	origins = make(map[store.Path]view)
	for _, p := range slices.Compact(paths) {
		r, err := tx.Resolve(ctx, p, "")
		if err != nil {
			return v, nil, err
		}
		if found := look(c, r); p == path {
			v = found
		} else if found.live() {
			origins[p] = found
		}
	}
	return v, origins, nil
}
