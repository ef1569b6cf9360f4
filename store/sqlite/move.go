package sqlite

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/hatrac/hatrac/store"
)

// The statements of MoveTree move the path ?1 and those between ?2 and ?3 to the path ?4.
const (
	// movedPath is where a name s of the tree goes.
	movedPath = `(?4 || substr(s.name, length(?1) + 1))`
	// pairs are names s of the tree with what is at their new paths, t.
	pairs = `name AS s JOIN name AS t ON t.name = ` + movedPath + ` WHERE s.id IN ` + tree
	// taken are the IDs of the names t in pairs, comers that of the name that comes for the
	// name with the ID in the column behind it.
	taken  = `(SELECT t.id FROM ` + pairs + `)`
	comers = `(
	SELECT s.id FROM name AS t JOIN name AS s ON s.name = ?1 || substr(t.name, length(?4) + 1) WHERE t.id = `
	// twins are the IDs of versions of a name t in pairs of whose id s has a version too.
	twins = `(
	SELECT w.id FROM name AS s JOIN name AS t ON t.name = ` + movedPath + `
	JOIN version AS w ON w.nameid = t.id
	JOIN version AS v ON v.nameid = s.id AND v.version = w.version
	WHERE s.id IN ` + tree + `
)`
)

var (
	moveTop = statement{"move a namespace", `
SELECT id, coalesce(pid, 0), acls, moved_to FROM name WHERE name = ?1 AND is_deleted = 0 AND subtype = 0`}
	moveKinds = statement{"look for names of another kind", `
SELECT 1 FROM ` + pairs + ` AND (s.subtype <> t.subtype OR t.is_deleted = 0) LIMIT 1`}
	// moveTwins forgets versions that the name that comes has too, under the same id.
	moveTwins = statement{"forget versions that come again", `
DELETE FROM version WHERE id IN ` + twins}
	moveTwinContent = statement{"forget the content of versions that come again", `
DELETE FROM content WHERE versionid IN ` + twins}
	// moveVersions lets them end when they began, so that they hide nothing in the past of what comes.
	moveVersions = statement{"take over deleted versions", `
UPDATE version SET deleted_on = created_on, nameid = ` + comers + `version.nameid) WHERE nameid IN ` + taken}
	moveChildren = statement{"take over deleted names", `
UPDATE name SET pid = ` + comers + `name.pid) WHERE pid IN ` + taken}
	moveHistory = statement{"look where names were moved", `
SELECT s.id, s.moved_to, t.moved_to FROM ` + pairs + ` AND t.moved_to IS NOT NULL`}
	setMovedTo = statement{"note where a name was moved", `UPDATE name SET moved_to = ?2 WHERE id = ?1`}
	dropTaken  = statement{"forget deleted names", `DELETE FROM name WHERE id IN ` + taken}
	moveNames  = statement{"move the names of a tree", `
UPDATE name AS s SET name = ` + movedPath + ` WHERE s.id IN ` + tree}
	setParent = statement{"move a namespace", `UPDATE name SET pid = ?2 WHERE id = ?1`}
	leaveName = statement{"leave a moved name behind", `
INSERT INTO name (pid, name, subtype, is_deleted, acls, created_on, deleted_on, moved_to)
VALUES (?, ?, 0, 1, ?, ?, ?, ?) RETURNING id`}
)

// movedTop is the namespace that is moved.
type movedTop struct {
	id, parent int64
	acls       string
	movedTo    []store.Path
}

func scanMovedTop(r *row) (top movedTop, err error) {
	top.id, top.parent, top.acls = r.integer(), r.integer(), r.text()
	top.movedTo, err = decode[[]store.Path](r.text())
	return top, err
}

// MoveTree implements store.Tx, by a number of statements that does not grow with the tree;
// NotFound if there is no live namespace at from.
func (t *tx) MoveTree(ctx context.Context, from, to store.Path, parent int64, at time.Time) error {
	top, found, err := first(ctx, t, moveTop, scanMovedTop, string(from))
	if err == nil && !found {
		err = failed(moveTop.doing, errNoRow)
	}
	if err != nil {
		return err
	}
	low, high := bounds(from)
	args := []any{string(from), low, high, string(to)}
	if _, clash, err := first(ctx, t, moveKinds, scanID, args...); err != nil || clash {
		if err == nil {
			err = store.NewError(store.Exists, string(to), "A deleted name there was of another kind.")
		}
		return err
	}
	if _, err := t.exec(ctx, noteTaken, append(slices.Clone(args), nanos(at))...); err != nil {
		return err
	}
	if _, err := t.exec(ctx, noteMove, top.id, top.parent, from.Base(), nanos(at)); err != nil {
		return err
	}
	for _, st := range []statement{moveTwinContent, moveTwins, moveVersions, moveChildren} {
		if _, err := t.exec(ctx, st, args...); err != nil {
			return err
		}
	}
	if err := t.moveHistories(ctx, top.id, args); err != nil {
		return err
	}
	for _, st := range []statement{dropTaken, moveNames} {
		if _, err := t.exec(ctx, st, args...); err != nil {
			return err
		}
	}
	if err := t.change(ctx, setParent, top.id, parent); err != nil {
		return err
	}
	history, err := encodePaths(append([]store.Path{to}, top.movedTo...))
	if err != nil {
		return failed(leaveName.doing, err)
	}
	if _, err := t.insert(ctx, leaveName, orNull(top.parent), string(from), top.acls, nanos(at), nanos(at), history); err != nil {
		return err
	}
	if err := t.grow(ctx, top.parent, at); err != nil || top.parent == parent {
		return err
	}
	return t.grow(ctx, parent, at)
}

// moveHistories lets the names that come take over where names at their new paths were moved
// once. The history of the top stays behind.
func (t *tx) moveHistories(ctx context.Context, top int64, args []any) error {
	type history struct {
		id        int64
		own, past []store.Path
	}
	found, err := all(ctx, t, moveHistory, func(r *row) (h history, err error) {
		h.id = r.integer()
		if h.own, err = decode[[]store.Path](r.text()); err != nil {
			return h, err
		}
		h.past, err = decode[[]store.Path](r.text())
		return h, err
	}, args...)
	if err != nil {
		return err
	}
	if err := t.change(ctx, setMovedTo, top, nil); err != nil {
		return err
	}
	for _, h := range found {
		if h.id == top {
			h.own = nil
		}
		text, err := encodePaths(slices.Concat(h.own, h.past))
		if err != nil {
			return failed(setMovedTo.doing, err)
		}
		if err := t.change(ctx, setMovedTo, h.id, text); err != nil {
			return err
		}
	}
	return nil
}

func encodePaths(paths []store.Path) (string, error) {
	text, err := json.Marshal(paths)
	return string(text), err
}
