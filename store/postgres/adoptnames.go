package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/store"
)

// canonicalName is what a name in canonical form matches, but for the segments . and .. (see
// store.Path).
const canonicalName = `^/$|^(/([-._~A-Za-z0-9]|%(0[1-9A-F]|[1][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[BCDF]|[89A-F][0-9A-F]))+)+$`

// isCanonical is the condition that a text is a name in canonical form.
func isCanonical(text string) string {
	return `(` + text + ` COLLATE "C" ~ '` + canonicalName + `' AND ` + text + ` COLLATE "C" !~ '(^|/)[.][.]?(/|$)')`
}

// parentOf is the name that encloses the canonical name of a column, which is not the root.
func parentOf(name string) string {
	return `CASE WHEN strpos(substr(` + name + `, 2), '/') = 0 THEN '/' ELSE regexp_replace(` + name + `, '/[^/]*$', '') END`
}

// asTyped are all the bytes that the original server may have let stand in names.
func asTyped() *store.BareCharacters {
	var bare store.BareCharacters
	for b := range bare {
		bare[b] = b != '%' && b != '/'
	}
	return &bare
}

// canonical notes, in a temporary table, what becomes of the names that are not in canonical
// form. One that has none, and was not deleted, is a problem.
func (a *adoption) canonical(ctx context.Context) error {
	if _, err := a.exec(ctx, `CREATE TEMPORARY TABLE adopted_name (id int8 PRIMARY KEY, canonical text NOT NULL) ON COMMIT DROP`); err != nil {
		return err
	}
	bare := asTyped()
	for last := int64(-1); ; {
		rows, err := a.tx.Query(ctx, `
SELECT id, name, is_deleted FROM name WHERE id > $1 AND NOT `+isCanonical("name")+` ORDER BY id LIMIT $2`, last, adoptBatch)
		if err != nil {
			return err
		}
		page, err := pgx.CollectRows(rows, pgx.RowToStructByPos[storedName])
		if err != nil {
			return err
		}
		var ids []int64
		var paths []string
		for _, n := range page {
			last = n.ID
			path, err := store.ParsePath(n.Name, bare)
			switch {
			case err == nil:
				ids, paths = append(ids, n.ID), append(paths, string(path))
			case !n.Deleted:
				a.problem("The name %q has no canonical form: %s", n.Name, store.Sentence(err))
			}
		}
		if _, err := a.exec(ctx, `INSERT INTO adopted_name SELECT * FROM unnest($1::int8[], $2::text[])`, ids, paths); err != nil {
			return err
		}
		if len(page) < adoptBatch {
			break
		}
	}
	_, err := a.exec(ctx, `CREATE INDEX ON adopted_name (canonical); ANALYZE adopted_name`)
	return err
}

type storedName struct {
	ID      int64
	Name    string
	Deleted bool
}

func (a *adoption) problem(format string, args ...any) {
	switch n := len(a.found.Problems); {
	case n < maxProblems:
		a.found.Problems = append(a.found.Problems, fmt.Sprintf(format, args...))
	case n == maxProblems:
		a.found.Problems = append(a.found.Problems, "There are more such problems.")
	}
}

// effective is the table of names as they will be.
const effective = `(
	SELECT n.id, n.name AS stored, coalesce(c.canonical, n.name) AS name, n.is_deleted, n.subtype
	FROM name AS n LEFT JOIN adopted_name AS c ON c.id = n.id
)`

// problems looks for names that would fall together, and for live ones whose namespace is
// missing.
func (a *adoption) problems(ctx context.Context) error {
	rows, err := a.tx.Query(ctx, `
SELECT e.name, string_agg(e.stored, ' ' ORDER BY e.stored COLLATE "C")
FROM `+effective+` AS e
WHERE NOT e.is_deleted AND e.name IN (SELECT canonical FROM adopted_name)
GROUP BY e.name HAVING count(*) > 1 ORDER BY e.name COLLATE "C" LIMIT $1`, maxProblems)
	if err != nil {
		return err
	}
	var name, stored string
	if _, err := pgx.ForEachRow(rows, []any{&name, &stored}, func() error {
		a.problem("These names are one and the same, %s: %s", name, stored)
		return nil
	}); err != nil {
		return err
	}
	rows, err = a.tx.Query(ctx, `
SELECT e.stored FROM `+effective+` AS e
WHERE NOT e.is_deleted AND e.name <> '/' AND `+parentOf("e.name")+` <> '/' AND NOT EXISTS (
	SELECT 1 FROM `+effective+` AS p WHERE p.name = `+parentOf("e.name")+` AND p.subtype = 0
)
AND `+isCanonical("e.name")+`
ORDER BY e.stored COLLATE "C" LIMIT $1`, maxProblems)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, []any{&stored}, func() error {
		a.problem("The namespace around the name %s is missing.", stored)
		return nil
	})
	return err
}

// root makes the root namespace, if there is none.
func (a *adoption) root(ctx context.Context) error {
	if !a.found.NoRoot {
		return nil
	}
	_, err := a.exec(ctx, `
INSERT INTO name (name, subtype, is_deleted, ancestors, owner) VALUES ('/', 0, false, '{}', $1)`, a.opts.Owners)
	return err
}

// rename gives names their canonical form, once the addresses hold them as they were. Where a
// deleted name stands in the way of a live one, it takes a name that cannot be asked for; where
// several deleted ones fall together, one of them keeps the name bound.
func (a *adoption) rename(ctx context.Context) error {
	for _, sql := range []string{
		`UPDATE name AS n SET name = n.name || '%', deleted_on = 'epoch'
WHERE n.is_deleted AND NOT EXISTS (SELECT 1 FROM adopted_name AS o WHERE o.id = n.id)
	AND n.name IN (SELECT c.canonical FROM adopted_name AS c JOIN name AS l ON l.id = c.id WHERE NOT l.is_deleted)`,
		`UPDATE name AS n SET name = c.canonical FROM adopted_name AS c WHERE c.id = n.id AND NOT n.is_deleted`,
		`UPDATE name AS n SET name = c.canonical
FROM (SELECT canonical, min(id) AS id FROM adopted_name AS d
	WHERE NOT EXISTS (SELECT 1 FROM name AS t WHERE t.name = d.canonical) GROUP BY canonical) AS c
WHERE c.id = n.id AND n.is_deleted`,
	} {
		if _, err := a.exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// parents derives from the names which namespace encloses which, from the top down.
func (a *adoption) parents(ctx context.Context) error {
	if _, err := a.exec(ctx, `
UPDATE name SET pid = NULL, ancestors = '{}' WHERE name = '/' AND (pid IS NOT NULL OR ancestors <> '{}' OR ancestors IS NULL)`); err != nil {
		return err
	}
	const depthOf = `length(name) - length(replace(name, '/', ''))`
	var deepest int64
	if err := a.tx.QueryRow(ctx, `SELECT coalesce(max(`+depthOf+`), 0) FROM name`).Scan(&deepest); err != nil {
		return err
	}
	for depth := int64(1); depth <= deepest; depth++ {
		if _, err := a.exec(ctx, `
UPDATE name AS n SET pid = p.id, ancestors = p.ancestors || p.id
FROM (SELECT id, `+parentOf("name")+` AS parent FROM name WHERE name <> '/' AND `+depthOf+` = $1) AS c, name AS p
WHERE n.id = c.id AND p.name = c.parent
	AND (n.pid IS DISTINCT FROM p.id OR n.ancestors IS DISTINCT FROM p.ancestors || p.id)`, depth); err != nil {
			return err
		}
		a.tell("namespaces", depth, deepest)
	}
	return nil
}
