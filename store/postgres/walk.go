package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hatrac/hatrac/store"
)

var (
	namesAfter = statement{"walk names", `
SELECT ` + nameColumns + `
FROM name AS n WHERE n.id > $1 ORDER BY n.id LIMIT $2`}
	// versionsAfter passes by what the original server never received as a whole.
	versionsAfter = statement{"walk versions", `
SELECT n.name, ` + versionColumns + `, ` + contentOf + `
FROM version AS v JOIN name AS n ON n.id = v.nameid
WHERE v.id > $1 AND v.version IS NOT NULL ORDER BY v.id LIMIT $2`}
	jobsAfter = statement{"walk jobs", `
SELECT ` + jobColumns + `, n.name
FROM upload AS u JOIN name AS n ON n.id = u.nameid
WHERE u.id > $1 ORDER BY u.id LIMIT $2`}
)

// NamesAfter implements store.Walks.
func (d *Directory) NamesAfter(ctx context.Context, after int64, limit int) ([]store.Name, error) {
	return all(ctx, reads{d}, namesAfter, scanName, after, max(0, limit))
}

// VersionsAfter implements store.Walks.
func (d *Directory) VersionsAfter(ctx context.Context, after int64, limit int) ([]store.PathVersion, error) {
	return all(ctx, reads{d}, versionsAfter, scanPathVersion, after, max(0, limit))
}

// JobsAfter implements store.Walks.
func (d *Directory) JobsAfter(ctx context.Context, after int64, limit int) ([]store.IdleJob, error) {
	return all(ctx, reads{d}, jobsAfter, scanIdleJob, after, max(0, limit))
}

func scanName(rows pgx.Rows) (store.Name, error) {
	var r nameRow
	if err := rows.Scan(r.targets()...); err != nil {
		return store.Name{}, err
	}
	return r.value(), nil
}

func scanPathVersion(rows pgx.Rows) (found store.PathVersion, err error) {
	var path pgtype.Text
	var r versionRow
	var content []byte
	if err := rows.Scan(append(append([]any{&path}, r.targets()...), &content)...); err != nil {
		return found, err
	}
	v, err := r.value()
	if err != nil {
		return found, err
	}
	v.Inline = content
	return store.PathVersion{Path: store.Path(path.String), Version: *v}, nil
}
