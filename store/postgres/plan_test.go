package postgres

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// crowd fills the tables, so that reading one as a whole is the worst that the planner can do:
// 200 namespaces of 100 objects, each object with two versions, one with content at an address
// and one inline, and two jobs, some with three chunks; every twentieth object is deleted.
var crowd = []string{
	`INSERT INTO name (id, ancestors, name, subtype, is_deleted) VALUES (1, '{}', '/', 0, false)`,
	`INSERT INTO name (id, pid, ancestors, name, subtype, is_deleted)
SELECT 10 + i, 1, '{1}', '/n' || i, 0, false FROM generate_series(1, 200) AS i`,
	`INSERT INTO name (id, pid, ancestors, name, subtype, is_deleted, deleted_on, current_version)
SELECT 1000 + i, 11 + i % 200, ARRAY[1, 11 + i % 200], '/n' || 1 + i % 200 || '/o' || i, 1, i % 20 = 0,
	CASE WHEN i % 20 = 0 THEN '2025-01-01'::timestamptz END, CASE WHEN i % 20 <> 0 THEN 1000 + 2 * i END
FROM generate_series(1, 20000) AS i`,
	`INSERT INTO version (id, nameid, version, nbytes, metadata, is_deleted, deleted_on, inline, address, created_on)
SELECT 1000 + v, 1000 + v / 2, 'v' || v, 5, '{}', v / 2 % 20 = 0, CASE WHEN v / 2 % 20 = 0 THEN '2025-01-01'::timestamptz END,
	v % 2 = 0, CASE WHEN v % 2 = 1 THEN 'a' || v END, '2024-01-01'
FROM generate_series(2, 40001) AS v`,
	`INSERT INTO content (versionid, due, bytes)
SELECT v.id, v.deleted_on, 'hello' FROM version AS v WHERE v.inline`,
	`INSERT INTO reclaim (due, address)
SELECT '2025-02-01'::timestamptz + i * '1 hour'::interval, 'a' || 40 * (i / 10) + 1 FROM generate_series(1, 10000) AS i`,
	`INSERT INTO upload (id, nameid, job, nbytes, chunksize, metadata, active_on, address)
SELECT i, 1001 + i / 2, 'j' || i, 10, 1, '{}', '2024-01-01'::timestamptz + i * '1 minute'::interval, 'u' || i
FROM generate_series(1, 39000) AS i`,
	`INSERT INTO chunk (uploadid, position) SELECT 1 + i / 3, i % 3 FROM generate_series(0, 59999) AS i`,
	`INSERT INTO former (id, nameid, version, created_on, until)
SELECT 100000 + i, 1000 + i, 'v' || 2 * i, '2024-01-01', '2024-07-01' FROM generate_series(1, 20000) AS i`,
	`INSERT INTO moved (nameid, pid, segment, until)
SELECT 11 + i % 200, 1 + i % 2, 's' || i, '2024-07-01'::timestamptz + i * '1 hour'::interval FROM generate_series(1, 20000) AS i`,
	`UPDATE version SET unsynced = 'p' WHERE id % 1000 = 0`,
	`INSERT INTO account (name, hash) SELECT 'u' || i, 'h' FROM generate_series(1, 5000) AS i`,
	`INSERT INTO account_session (key, account, expires)
SELECT ('k' || i)::bytea, 'u' || 1 + i % 5000, '2024-01-01'::timestamptz + i * '1 hour'::interval FROM generate_series(1, 10000) AS i`,
	`INSERT INTO account_token (id, account, note, secret, expires)
SELECT 't' || i, 'u' || 1 + i % 5000, '', ('s' || i)::bytea, '2024-01-01'::timestamptz + i * '1 hour'::interval
FROM generate_series(1, 10000) AS i`,
	`ANALYZE`,
}

// Arguments as literals of SQL.
const (
	aName     = `1050`
	aVersion  = `2500`
	longAgo   = `'2024-01-02'`
	aPath     = `'/n50/o49'`
	pathArray = `'{/,/n50,/n50/o49}'`
	ofTree    = `'/n50', '/n50/', '/n500'`
)

// wholeReads are the steps of a plan that read all of a table or of an index.
func wholeReads(plan []string) (steps []string) {
	for i, step := range plan {
		whole := strings.Contains(step, "Index") && strings.Contains(step, "Scan") && !bounded(plan[i+1:])
		if strings.Contains(step, "Seq Scan on ") || whole {
			steps = append(steps, strings.TrimSpace(step))
		}
	}
	return steps
}

// bounded reports whether the lines that explain a scan of an index begin with its condition.
func bounded(lines []string) bool {
	return len(lines) > 0 && strings.HasPrefix(strings.TrimSpace(lines[0]), "Index Cond:")
}

// What cannot be decided by an index does not belong in a request.
func TestEveryStatementIsServedByAnIndex(t *testing.T) {
	conn := connected(t)
	set(t, conn, crowd...)
	for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
		set(t, conn, "SET plan_cache_mode = "+mode, "SET enable_seqscan = on")
		expectPlans(t, conn, mode)
	}
}

// Plans outlive the tables as they were when these were empty.
func TestPlansForEmptyTablesFitFullOnes(t *testing.T) {
	expectPlans(t, connected(t), "empty")
}

// expectPlans expects that no statement reads whole tables.
func expectPlans(t *testing.T, conn *pgx.Conn, about string) {
	t.Helper()
	for i, c := range planned {
		t.Run(fmt.Sprint(c.doing, "/", about), func(t *testing.T) {
			plan := explain(t.Context(), t, conn, fmt.Sprint("p", i), c.statement, c.args)
			if steps := wholeReads(plan); len(steps) > 0 {
				t.Errorf("the plan has %q:\n%s", steps, strings.Join(plan, "\n"))
			}
		})
	}
}

// connected returns a connection of a directory's own to an empty database.
func connected(t *testing.T) *pgx.Conn {
	t.Helper()
	d := openAt(t, Config{DSN: newDatabase(t, template)})
	held, err := d.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(held.Release)
	return held.Conn()
}

func set(t *testing.T, conn *pgx.Conn, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := conn.Exec(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// explain returns the plan of a prepared statement, line by line.
func explain(ctx context.Context, t *testing.T, conn *pgx.Conn, name string, st statement, args string) []string {
	t.Helper()
	set(t, conn, "PREPARE "+name+" AS "+st.sql)
	asked := "EXPLAIN (COSTS off) EXECUTE " + name
	if args != "" {
		asked += " (" + args + ")"
	}
	rows, err := conn.Query(ctx, asked, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	set(t, conn, "DEALLOCATE "+name)
	return plan
}

// nulls are so many arguments behind others.
func nulls(n int) string { return strings.Repeat(", NULL", n) }

func TestEveryStatementIsPlanned(t *testing.T) {
	// They have no plan, write to the few rows of a table, or list accounts, which are few; or they
	// end a copy, which looks at everything.
	known := map[string]bool{
		begin.doing: true, notify.doing: true, markSync.doing: true, listUsers.doing: true, listTokens.doing: true,
		getCopyMark.doing: true, dropCopyMark.doing: true, setCopyMark.doing: true, getCounter.doing: true, raiseCounter.doing: true,
		findCurrent.doing: true, findAncestors.doing: true, dropFormers.doing: true, dropMoves.doing: true, raiseMoves.doing: true,
	}
	plans := map[string]map[string]bool{}
	for _, c := range planned {
		if plans[c.doing] == nil {
			plans[c.doing] = map[string]bool{}
		}
		plans[c.doing][c.sql] = true
	}
	for doing, count := range declared(t) {
		if !known[doing] && len(plans[doing]) != count {
			t.Errorf("of %d statements that %s, %d are in planned", count, doing, len(plans[doing]))
		}
	}
}

// declared counts the statements of this package by what they are for.
func declared(t *testing.T) map[string]int {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			literal, ok := node.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if kind, ok := literal.Type.(*ast.Ident); !ok || kind.Name != "statement" {
				return true
			}
			doing, ok := literal.Elts[0].(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: a statement does not say what it is for", file)
				return true
			}
			text, err := strconv.Unquote(doing.Value)
			if err != nil {
				t.Fatal(err)
			}
			found[text]++
			return true
		})
	}
	if len(found) < 50 {
		t.Fatalf("only %d statements were found", len(found))
	}
	return found
}
