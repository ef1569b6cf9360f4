package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hatrac/hatrac/store"
)

// What resolves a path: the names at the paths $1, each in a row, and that of path $2 in as
// many rows as it has a current version and another one with the id $3.
const (
	resolvedColumns = nameColumns + `, n.current_version, ` + versionColumns + `, ` + contentOf
	resolvedRows    = `
FROM name AS n
LEFT JOIN version AS v ON v.id = ANY (CASE WHEN n.name = $2 THEN ARRAY[
	n.current_version, (SELECT a.id FROM version AS a WHERE a.nameid = n.id AND a.version = $3)
] END)`
	resolvedNames = `
WHERE n.name = ANY ($1)`
)

var (
	resolvePath = statement{"resolve a path", `
SELECT ` + resolvedColumns + resolvedRows + resolvedNames}
	// lockParent keeps the closest name of the paths $1 from being deleted.
	lockParent = statement{"lock the parent of a name", `
SELECT n.id FROM name AS n WHERE n.name = ANY ($1) ORDER BY length(n.name) DESC LIMIT 1 FOR KEY SHARE`}
	// lockPath keeps a name from being changed, and from getting children.
	lockPath = statement{"lock a name", `SELECT n.id FROM name AS n WHERE n.name = $1 FOR UPDATE`}
)

// pathStrings are the paths above path, the root first.
func pathStrings(path store.Path) []string {
	paths := make([]string, 0, 8)
	for _, enclosing := range path.Enclosing() {
		paths = append(paths, string(enclosing))
	}
	return paths
}

// Resolve implements store.Directory, by one statement.
func (d *Directory) Resolve(ctx context.Context, path store.Path, versionID string) (*store.Resolution, error) {
	found, ask := resolveStep(path, versionID)
	if err := (reads{d}).do(ctx, ask); err != nil {
		return nil, err
	}
	return *found, nil
}

// Resolve implements store.Tx, with one round trip. The rows are locked, the parent first,
// before they are read.
func (t *tx) Resolve(ctx context.Context, path store.Path, versionID string) (*store.Resolution, error) {
	found, ask := resolveStep(path, versionID)
	if err := t.locked(ctx, path, ask); err != nil {
		return nil, err
	}
	return *found, nil
}

// locked executes steps once the rows of the path are locked. If the parent was moved away
// while its lock was waited for, nothing is locked, and what stands there now is tried once.
func (t *tx) locked(ctx context.Context, path store.Path, then ...*step) error {
	steps := append(lockSteps(path), then...)
	err := t.do(ctx, steps...)
	if err == nil && steps[0].count == 0 && !path.IsRoot() {
		err = t.do(ctx, steps...)
	}
	return err
}

func lockSteps(path store.Path) []*step {
	own := lockPath.with(string(path))
	if path.IsRoot() {
		return []*step{own}
	}
	return []*step{lockParent.with(pathStrings(path)), own}
}

// resolveStep returns a step and where it leaves what it finds.
func resolveStep(path store.Path, versionID string) (**store.Resolution, *step) {
	found := new(*store.Resolution)
	ask := resolvePath.with(append(pathStrings(path), string(path)), string(path), orNull(versionID))
	ask.rows = func(rows pgx.Rows) error {
		*found = &store.Resolution{Path: path}
		return addRows(*found, rows, versionID, nil, func() error { return nil })
	}
	return found, ask
}

// addRows reads rows that begin with columns that before reads, and go on with resolvedColumns.
func addRows(found *store.Resolution, rows pgx.Rows, versionID string, before []any, read func() error) error {
	for rows.Next() {
		var r resolvedRow
		if err := rows.Scan(append(slices.Clip(before), r.targets()...)...); err != nil {
			return err
		}
		if err := read(); err != nil {
			return err
		}
		if err := r.addTo(found, versionID); err != nil {
			return err
		}
	}
	slices.SortFunc(found.Enclosing, func(a, b store.Name) int { return len(a.Path) - len(b.Path) })
	return nil
}

type resolvedRow struct {
	name    nameRow
	current pgtype.Int8
	version versionRow
	content []byte
}

func (r *resolvedRow) targets() []any {
	targets := append(r.name.targets(), &r.current)
	return append(append(targets, r.version.targets()...), &r.content)
}

func (r *resolvedRow) addTo(found *store.Resolution, versionID string) error {
	name := r.name.value()
	if name.Path != found.Path {
		found.Enclosing = append(found.Enclosing, name)
		return nil
	}
	found.Name = &name
	version, err := r.version.value()
	if err != nil || version == nil {
		return err
	}
	version.Inline = r.content
	if version.ID == r.current.Int64 {
		found.Current = version
	}
	if versionID == "" || version.Version == versionID {
		found.Version = version
	}
	return nil
}
