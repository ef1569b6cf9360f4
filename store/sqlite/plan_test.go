package sqlite

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func openFresh(t testing.TB) *Directory {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "hatrac.db"))
}

func openFile(t testing.TB, path string) *Directory {
	t.Helper()
	d, err := Open(t.Context(), Config{Path: path, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// What cannot be decided by an index does not belong in a request.
func TestEveryStatementIsServedByAnIndex(t *testing.T) {
	d := openFresh(t)
	// What is scanned is the list of asked-for paths, nothing, a page of names, and a path on its way.
	small := []string{"SCAN p VIRTUAL TABLE INDEX 1:", "SCAN CONSTANT ROW", "SCAN n", "SCAN w"}
	// Lists of accounts are short and rare.
	whole := []statement{listTokens, listTokensOf, listUsers}
	for _, st := range []statement{
		resolvePath, listChildren, listVersions, liveVersions, heldVersions, beneathPage, occupied,
		childrenChanged, touch, reviveName, setNameACLs, setNameAttr,
		treeTop, treeReclaim, treeContent, treeVersions, treeNames,
		versionsChanged, forwardVersion, dropContent, dropRecord,
		reclaimVersion, reclaimInline, deleteVersion, setVersionACLs, setVersionMetadata, setVersionAttr,
		treeReclaimJobs, treeJobs,
		moveTop, moveKinds, moveTwins, moveTwinContent, moveVersions, moveChildren, moveHistory,
		setMovedTo, dropTaken, moveNames, setParent, leaveName,
		restoreTop, restoreVersions, restoreQueue, restoreContent, countLost, restoreNames,
		restoreVersion, unqueueVersion, keepInline,
		resolveJob, listJobs, listChunks, listIdleJobs, hasJobs,
		forgetChunk, findJob, touchJob, setDigest, reclaimJob, deleteJob,
		unsyncedVersions, markSynced, markSync,
		resolvePast, listPast, keepFormer, findPlace, listLeft, noteTaken,
		findOrigins, takeBack, takeContent, keepAbsence,
		bound, reclaimable, takeReclaim, anyStale, forgetStale, dropStale, reclaimed,
		getUser, setPassword, endSessions, setRoles, deleteUser, listUsers,
		getSession, extendSession, deleteSession, dropSessions,
		getToken, listTokens, listTokensOf, deleteToken, dropTokens,
	} {
		t.Run(st.doing, func(t *testing.T) {
			plan := explain(t, d, st.sql)
			for _, step := range plan {
				scans := strings.HasPrefix(step, "SCAN") && !slices.Contains(small, step)
				if (scans || strings.Contains(step, "TEMP B-TREE")) && !slices.Contains(whole, st) {
					t.Errorf("the plan has the step %q:\n%s", step, strings.Join(plan, "\n"))
				}
			}
		})
	}
}

func explain(t *testing.T, d *Directory, text string) []string {
	t.Helper()
	parameters := strings.Count(text, "?")
	if strings.Contains(text, "?1") {
		for parameters = 1; strings.Contains(text, fmt.Sprintf("?%d", parameters+1)); {
			parameters++
		}
	}
	args := slices.Repeat([]any{1}, parameters)
	rows, err := d.writer.conn.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan
}
