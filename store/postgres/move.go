package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/hatrac/hatrac/store"
)

// The statements of MoveTree move the path $1 and those between $2 and $3 to the path $4.
const (
	// movedPath is where a name n of the tree goes.
	movedPath = `($4::text || substr(n.name, length($1) + 1))`
	// pairs are names n of the tree with what is at their new paths, t.
	pairs = `name AS n JOIN name AS t ON t.name = ` + movedPath + ` WHERE ` + inTree
	// taken are the IDs of the names t in pairs.
	taken = `(SELECT t.id FROM ` + pairs + `)`
	// twins are the IDs of versions of a name t in pairs of whose id n has a version too.
	twins = `(
	SELECT w.id FROM name AS n JOIN name AS t ON t.name = ` + movedPath + `
	JOIN version AS w ON w.nameid = t.id
	JOIN version AS v ON v.nameid = n.id AND v.version = w.version
	WHERE ` + inTree + `
)`
)

var (
	moveTop = statement{"move a namespace", `
SELECT n.id, n.pid, n.moved_to FROM name AS n
WHERE n.name = $1 AND NOT n.is_deleted AND n.subtype = 0`}
	moveKinds = statement{"count names of another kind", `
SELECT count(*) FROM ` + pairs + ` AND (n.subtype <> t.subtype OR NOT t.is_deleted)`}
	// lockTaken keeps deleted names from being revived until they are gone.
	lockTaken = statement{"lock deleted names", `
SELECT t.id FROM ` + pairs + ` ORDER BY t.id FOR UPDATE OF t`}
	// moveTwins forgets versions that the name that comes has too, under the same id.
	moveTwins = statement{"forget versions that come again", `
DELETE FROM version WHERE id IN ` + twins}
	moveTwinContent = statement{"forget the content of versions that come again", `
DELETE FROM content WHERE versionid IN ` + twins}
	// moveVersions lets them end when they began, so that they hide nothing in the past of what comes.
	moveVersions = statement{"take over deleted versions", `
UPDATE version AS w SET nameid = c.id, deleted_on = w.created_on
FROM (SELECT t.id AS old, n.id FROM ` + pairs + `) AS c WHERE w.nameid = c.old`}
	moveChildren = statement{"take over deleted names", `
UPDATE name AS m SET pid = c.id
FROM (SELECT t.id AS old, n.id FROM ` + pairs + `) AS c WHERE m.pid = c.old`}
	moveHistory = statement{"look where names were moved", `
SELECT n.id, n.moved_to, t.moved_to FROM ` + pairs + ` AND cardinality(t.moved_to) > 0`}
	setMovedTo = statement{"note where a name was moved", `UPDATE name SET moved_to = $2 WHERE id = $1`}
	dropTaken  = statement{"forget deleted names", `DELETE FROM name WHERE id IN ` + taken}
	moveNames  = statement{"move the names of a tree", `
UPDATE name AS n SET name = ` + movedPath + ` WHERE ` + inTree}
	setParent = statement{"move a namespace", `UPDATE name SET pid = $2 WHERE id = $1`}
	// setAncestors notes what encloses the name $1 and all between $2 and $3.
	setAncestors = statement{"note what encloses a name", `
WITH RECURSIVE below (id, ancestors) AS (
	SELECT n.id, (SELECT coalesce(p.ancestors, '{}') || p.id FROM name AS p WHERE p.id = n.pid)
	FROM name AS n WHERE n.id = $1
	UNION ALL
	SELECT n.id, b.ancestors || b.id FROM below AS b JOIN name AS n ON n.pid = b.id
	WHERE n.name COLLATE "C" > $2 AND n.name COLLATE "C" < $3
)
UPDATE name AS n SET ancestors = b.ancestors FROM below AS b WHERE n.id = b.id`}
	// leaveName leaves a name with the lists of the name $4.
	leaveName = statement{"leave a moved name behind", `
INSERT INTO name (
	pid, ancestors, name, subtype, is_deleted, created_on, deleted_on, moved_to,
	owner, "create", "update", read, "subtree-owner", "subtree-create", "subtree-update", "subtree-read"
)
SELECT p.id, coalesce(p.ancestors, '{}') || p.id, $2::text, 0, true, $3::timestamptz, $3::timestamptz, $5::text[],
	n.owner, n."create", n."update", n.read,
	n."subtree-owner", n."subtree-create", n."subtree-update", n."subtree-read"
FROM name AS p JOIN name AS n ON n.id = $4 WHERE p.id = $1`}
)

// movedTop is the namespace that is moved.
type movedTop struct {
	id      int64
	parent  pgtype.Int8
	movedTo texts
}

func scanMovedTop(rows pgx.Rows) (top movedTop, err error) {
	err = rows.Scan(&top.id, &top.parent, &top.movedTo)
	return top, err
}

// MoveTree implements store.Tx, by a number of statements that does not grow with the tree;
// NotFound if there is no live namespace at from.
func (t *tx) MoveTree(ctx context.Context, from, to store.Path, parent int64, at time.Time) error {
	if _, err := t.lockWhole(ctx, from); err != nil {
		return err
	}
	low, high := bounds(from)
	on := func(st statement) *step { return st.with(string(from), low, high, string(to)) }
	var tops []movedTop
	var clashes []int64
	var histories []movedHistory
	if err := t.do(ctx, into(&tops, moveTop, scanMovedTop, string(from)), on(lockTaken),
		into(&clashes, moveKinds, one[int64], string(from), low, high, string(to)),
		into(&histories, moveHistory, scanHistory, string(from), low, high, string(to))); err != nil {
		return err
	}
	switch {
	case len(tops) == 0 || !tops[0].parent.Valid:
		return failed(moveTop.doing, errNoRow)
	case clashes[0] > 0:
		return store.NewError(store.Exists, string(to), "A deleted name there was of another kind.")
	}
	top := tops[0]
	lowTo, highTo := bounds(to)
	steps := []*step{
		noteTaken.with(string(from), low, high, string(to), stamp(at)), noteMove.with(top.id, top.parent, from.Base(), due(at)),
		on(moveTwinContent), on(moveTwins), on(moveVersions), on(moveChildren), setMovedTo.with(top.id, nil),
	}
	steps = append(steps, historySteps(top.id, histories)...)
	steps = append(steps, on(dropTaken), on(moveNames),
		setParent.with(top.id, parent), setAncestors.with(top.id, lowTo, highTo),
		leaveName.with(top.parent, string(from), stamp(at), top.id, append([]string{string(to)}, elements(top.movedTo)...)),
		childrenChanged.with(top.parent, nanos(at)))
	if top.parent.Int64 != parent {
		steps = append(steps, childrenChanged.with(parent, nanos(at)))
	}
	return t.do(ctx, steps...)
}

// movedHistory is where a name that comes, and the one at its new path, were moved once.
type movedHistory struct {
	id        int64
	own, past texts
}

func scanHistory(rows pgx.Rows) (h movedHistory, err error) {
	err = rows.Scan(&h.id, &h.own, &h.past)
	return h, err
}

// historySteps let the names that come take over where names at their new paths were moved once.
// The history of the top stays behind.
func historySteps(top int64, histories []movedHistory) []*step {
	var steps []*step
	for _, h := range histories {
		if h.id == top {
			h.own = nil
		}
		steps = append(steps, setMovedTo.with(h.id, slices.Concat(elements(h.own), elements(h.past))))
	}
	return steps
}
