package sqlite

import (
	"context"

	"github.com/hatrac/hatrac/store"
)

var (
	namesAfter = statement{"walk names", `
SELECT ` + nameColumns + `
FROM name AS n WHERE n.id > ?1 ORDER BY n.id LIMIT ?2`}
	versionsAfter = statement{"walk versions", `
SELECT n.name, ` + versionColumns + `, c.bytes
FROM version AS v CROSS JOIN name AS n ON n.id = v.nameid
LEFT JOIN content AS c ON c.versionid = v.id AND v.inline
WHERE v.id > ?1 ORDER BY v.id LIMIT ?2`}
	jobsAfter = statement{"walk jobs", `
SELECT ` + jobColumns + `, n.name
FROM upload AS u CROSS JOIN name AS n ON n.id = u.nameid
WHERE u.id > ?1 ORDER BY u.id LIMIT ?2`}
)

// NamesAfter implements store.Walks.
func (d *Directory) NamesAfter(ctx context.Context, after int64, limit int) ([]store.Name, error) {
	return all(ctx, d.reads, namesAfter, scanName, after, max(0, limit))
}

// VersionsAfter implements store.Walks.
func (d *Directory) VersionsAfter(ctx context.Context, after int64, limit int) ([]store.PathVersion, error) {
	return all(ctx, d.reads, versionsAfter, scanPathVersion, after, max(0, limit))
}

// JobsAfter implements store.Walks.
func (d *Directory) JobsAfter(ctx context.Context, after int64, limit int) ([]store.IdleJob, error) {
	return all(ctx, d.reads, jobsAfter, scanIdleJob, after, max(0, limit))
}

func scanPathVersion(r *row) (store.PathVersion, error) {
	path := store.Path(r.text())
	v, err := scanWhole(r)
	if err != nil {
		return store.PathVersion{}, err
	}
	return store.PathVersion{Path: path, Version: *v}, nil
}
