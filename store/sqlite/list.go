package sqlite

import (
	"context"
	"math"

	"github.com/hatrac/hatrac/store"
)

// listChildren walks the index of live children, whose order, parent and path, is that of
// the last segments, from the first path behind that of segment ?2 on.
var listChildren = statement{"list children", `
SELECT ` + nameColumns + `, ` + versionColumns + `
FROM name AS n LEFT JOIN version AS v ON v.id = n.current
WHERE n.pid = ?1 AND n.is_deleted = 0
	AND n.name > (SELECT CASE p.name WHEN '/' THEN '/' ELSE p.name || '/' END || ?2 FROM name AS p WHERE p.id = ?1)
ORDER BY n.name LIMIT ?3`}

// Children implements store.Directory.
func (d *Directory) Children(ctx context.Context, namespace int64, after string, limit int) ([]store.Entry, error) {
	return all(ctx, d.reads, listChildren, scanEntry, namespace, after, max(0, limit))
}

func scanEntry(r *row) (e store.Entry, err error) {
	if e.Name, err = scanName(r); err != nil {
		return e, err
	}
	e.Current, err = scanVersion(r)
	return e, err
}

var listVersions = statement{"list versions", `
SELECT ` + versionColumns + `
FROM version AS v WHERE v.nameid = ?1 AND v.is_deleted = 0 AND v.id < ?2
ORDER BY v.id DESC LIMIT ?3`}

// Versions implements store.Directory.
func (d *Directory) Versions(ctx context.Context, object, before int64, limit int) ([]store.Version, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return all(ctx, d.reads, listVersions, pointed(scanVersion), object, before, max(0, limit))
}

// pointed makes a scan of values from a scan of pointers, for rows that are never null.
func pointed(scan func(*row) (*store.Version, error)) func(*row) (store.Version, error) {
	return func(r *row) (store.Version, error) {
		v, err := scan(r)
		if err != nil {
			return store.Version{}, err
		}
		return *v, nil
	}
}

var liveVersions = statement{"list live versions", `
SELECT ` + versionColumns + `, c.bytes
FROM version AS v LEFT JOIN content AS c ON c.versionid = v.id AND v.inline
WHERE v.nameid = ?1 AND v.is_deleted = 0
ORDER BY v.id`}

// LiveVersions implements store.Tx; the content of inline versions is included.
func (t *tx) LiveVersions(ctx context.Context, object int64) ([]store.Version, error) {
	return all(ctx, t, liveVersions, pointed(scanWhole), object)
}

var heldVersions = statement{"list versions that are held", `
SELECT ` + versionColumns + `, c.bytes
FROM version AS v LEFT JOIN content AS c ON c.versionid = v.id AND v.inline
WHERE v.nameid = ?1 AND v.is_deleted = 0 AND v.forward_name IS NULL
ORDER BY v.id`}

// HeldVersions implements store.Tx; the content of inline versions is included.
func (t *tx) HeldVersions(ctx context.Context, object int64) ([]store.Version, error) {
	return all(ctx, t, heldVersions, pointed(scanWhole), object)
}

// beneathPage gives up to ?3 live names with paths between ?1 and ?2, each in a row for every
// live version, or in one without.
var beneathPage = statement{"walk a tree", `
SELECT ` + nameColumns + `, ` + versionColumns + `
FROM (
	SELECT * FROM name WHERE name > ?1 AND name < ?2 AND is_deleted = 0 ORDER BY name LIMIT ?3
) AS n
LEFT JOIN version AS v ON v.nameid = n.id AND v.is_deleted = 0
ORDER BY n.name`}

const pageOfNames = 256

// bounds returns the two strings between which lie the paths beneath path, and no others:
// "/" is followed by "0" in byte order.
func bounds(path store.Path) (low, high string) {
	if path.IsRoot() {
		return "/", "0"
	}
	return string(path) + "/", string(path) + "0"
}

// Beneath implements store.Tx; inline content is left out. The walk is by pages, so that its
// memory does not grow with the tree.
func (t *tx) Beneath(ctx context.Context, path store.Path, fn func(store.Name, []store.Version) error) error {
	low, high := bounds(path)
	for {
		page, err := t.page(ctx, low, high)
		if err != nil {
			return err
		}
		for _, one := range page {
			if err := fn(one.name, one.versions); err != nil {
				return err
			}
			low = string(one.name.Path)
		}
		if len(page) < pageOfNames {
			return nil
		}
	}
}

type nameWithVersions struct {
	name     store.Name
	versions []store.Version
}

func (t *tx) page(ctx context.Context, low, high string) ([]nameWithVersions, error) {
	var page []nameWithVersions
	err := t.each(ctx, beneathPage, func(r *row) error {
		entry, err := scanEntry(r)
		if err != nil {
			return err
		}
		if n := len(page); n == 0 || page[n-1].name.ID != entry.Name.ID {
			page = append(page, nameWithVersions{name: entry.Name})
		}
		if last := &page[len(page)-1]; entry.Current != nil {
			last.versions = append(last.versions, *entry.Current)
		}
		return nil
	}, low, high, pageOfNames)
	return page, err
}
