package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// originalDatabase makes a database of the original server, from a file in testdata and further
// statements.
func originalDatabase(t *testing.T, file string, more ...string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	dsn := newDatabase(t, emptyDatabase)
	for _, sql := range append([]string{string(text)}, more...) {
		if err := execute(t.Context(), dsn, sql); err != nil {
			t.Fatal(err)
		}
	}
	return dsn
}

func migrate(t *testing.T, dsn string) *Migrated {
	t.Helper()
	done, err := Migrate(t.Context(), Config{DSN: dsn}, MigrateOptions{})
	if err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return done
}

// query returns the rows of an answer as text.
func query(t *testing.T, dsn, sql string, args ...any) (lines []string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), sql, args...)
	if err == nil {
		lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// contents returns everything that is in the tables of the schema, and their columns.
func contents(t *testing.T, dsn string) []string {
	t.Helper()
	lines := query(t, dsn, `
SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable) FROM information_schema.columns
WHERE table_schema = 'hatrac' ORDER BY table_name, ordinal_position`)
	for _, table := range query(t, dsn, `SELECT tablename::text FROM pg_tables WHERE schemaname = 'hatrac' AND tablename NOT LIKE 'goose%' ORDER BY 1`) {
		lines = append(lines, table)
		lines = append(lines, query(t, dsn, `SELECT t::text FROM hatrac.`+table+` AS t ORDER BY 1`)...)
	}
	return lines
}

// told is what the walks tell of a directory, line by line.
func told(t *testing.T, d *Directory) (names, versions, jobs []string) {
	t.Helper()
	const all = 1000
	ns, err := d.NamesAfter(t.Context(), 0, all)
	if err != nil {
		t.Fatal(err)
	}
	paths := map[int64]store.Path{}
	for _, n := range ns {
		paths[n.ID] = n.Path
	}
	for _, n := range ns {
		line := fmt.Sprint(n.ID, " ", n.Path, " in ", paths[n.Parent], mark(n.Deleted, " deleted"))
		names = append(names, line+lists(n.ACLs))
	}
	vs, err := d.VersionsAfter(t.Context(), 0, all)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vs {
		found, err := d.Resolve(t.Context(), v.Path, v.Version.Version)
		if err != nil {
			t.Fatal(err)
		}
		current := found.Current != nil && found.Current.ID == v.Version.ID
		line := fmt.Sprintf("%d %s:%s %d", v.Version.ID, v.Path, v.Version.Version, v.Version.Size)
		line += mark(v.Version.Deleted, " deleted") + mark(current, " current")
		if v.Version.Address != "" {
			line += " at " + string(v.Version.Address)
		}
		if v.Version.Forward != nil {
			line += " -> " + v.Version.Forward.String()
		}
		if v.Version.URL != "" {
			line += " -> " + v.Version.URL
		}
		versions = append(versions, line+metadata(v.Version.Metadata)+lists(v.Version.ACLs))
	}
	js, err := d.JobsAfter(t.Context(), 0, all)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range js {
		chunks, err := d.Received(t.Context(), j.Job.ID, 0, all)
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%d %s %s %d/%d at %s", j.Job.ID, j.Path, j.Job.Job, j.Job.Size, j.Job.ChunkSize, j.Job.Address)
		for _, c := range chunks {
			line += fmt.Sprintf(" %d=%s", c.Number, c.Tag)
		}
		if j.Job.Active.IsZero() {
			t.Errorf("nobody knows when the upload %s was active", j.Job.Job)
		}
		jobs = append(jobs, line+metadata(j.Job.Metadata)+lists(j.Job.ACLs))
	}
	return names, versions, jobs
}

func mark(is bool, word string) string {
	if is {
		return word
	}
	return ""
}

func metadata(m store.Metadata) (line string) {
	if m.ContentType != "" {
		line += " type=" + m.ContentType
	}
	if m.ContentDisposition != "" {
		line += " disposition=" + m.ContentDisposition
	}
	if m.MD5 != nil {
		line += " md5=" + hex.EncodeToString(m.MD5)
	}
	if m.SHA256 != nil {
		line += " sha256=" + hex.EncodeToString(m.SHA256)
	}
	return line
}

func lists(all acl.Lists) (line string) {
	var words []string
	for name, list := range all {
		words = append(words, fmt.Sprintf(" %s=%s", name, strings.Join(list, ",")))
	}
	slices.Sort(words)
	return strings.Join(words, "")
}

func wantLines(t *testing.T, what, want string, got []string) {
	t.Helper()
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(want), "\n"), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestEverythingOfTheOriginalServerIsTakenOver(t *testing.T) {
	dsn := originalDatabase(t, "original.sql")
	refusedOpen(t, Config{DSN: dsn}, store.Conflict, "hatrac migrate")
	refusedOpen(t, Config{DSN: dsn, Migrate: true}, store.Conflict, "hatrac migrate")
	done := migrate(t, dsn)
	want := &Adopted{
		Names: 18, DeletedNames: 8, Versions: 14, DeletedVersions: 6, Forwards: 4, URLs: 1, Unstored: 1, Jobs: 3, Renamed: 6, Digests: 1,
	}
	if diff := cmp.Diff(want, done.Adopted); diff != "" || done.From != 0 {
		t.Errorf("it tells %+v (-want +got):\n%s", done, diff)
	}
	wantTakenOver(t, dsn)
}

// wantTakenOver expects what original.sql becomes.
func wantTakenOver(t *testing.T, dsn string) {
	t.Helper()
	names, versions, jobs := told(t, openAt(t, Config{DSN: dsn}))
	wantLines(t, "names", `
1 / in  create=admin owner=admin
2 /ns in / create=ada owner=ada subtree-owner=ada,curators subtree-read=*
3 /ns/plain in /ns owner=ada update=bob
4 /ns/gone in /ns deleted owner=ada
5 /ns/old in /ns owner=ada
6 /ns/new in /ns owner=ada
7 /ns/older in /ns owner=ada
8 /ns/elsewhere in /ns owner=ada
9 /ns/s3 in /ns owner=ada
10 /ns/T%C3%A9l-1 in /ns owner=ada
11 /ns/alias in /ns owner=ada
12 /ns/sub-ns in /ns owner=bob
13 /ns/sub-ns/a%2Bb in /ns/sub-ns owner=bob
14 /ns/twin% in /ns deleted owner=ada
15 /ns/twin in /ns owner=ada
16 /ns/two in /ns owner=ada
17 /ns/tw%6F in /ns deleted owner=ada
18 /dropped in / deleted owner=ada
19 /dropped/child in /dropped deleted owner=ada
20 /ns/upload in /ns owner=ada
21 /ns/halfway in /ns owner=ada
22 /ns/deadend in /ns owner=ada
23 /ns/left in /ns deleted owner=ada
24 /ns/private in /ns owner=ada
25 /ns/ghost%20~ in /ns deleted owner=ada
26 /ns/broken%2 in /ns deleted owner=ada`, names)
	wantLines(t, "versions", `
101 /ns/plain:V1 3 at /ns/plain:V1 type=text/plain md5=f97c5d29941bfb1b2fdab0874906ab82 owner=ada read=carol
102 /ns/plain:V0 4 current at /ns/plain:V0 disposition=filename*=UTF-8''two.txt md5=9f5b6d9a034d175868bf593885b7dc4e sha256=a97b629a5b1da759586c3353a9bc284bf673970d8eca56e11e556b715c329614 owner=ada
103 /ns/plain:V3 5 deleted owner=ada
104 /ns/gone:G1 5 deleted owner=ada
105 /ns/older:R1 7 current -> /ns/old:R1 owner=ada
106 /ns/old:R1 7 current -> /ns/new:R1 owner=ada
107 /ns/new:R1 7 current at /ns/older:R1 type=text/plain owner=ada
108 /ns/elsewhere:E1 9 current -> https://archive.example.org/e1 owner=ada
109 /ns/s3:S/1 9 at /ns/s3:S%2F1;3%2FL4kqtJ%2Bx owner=ada
110 /ns/s3:S2 9 current at /ns/s3old:H1;obj.2 owner=ada
111 /ns/T%C3%A9l-1:N1 5 current at /ns/T%c3%a9l%2d1:N1 owner=ada
112 /ns/alias:A1 5 current -> /ns/T%C3%A9l-1:N1 owner=ada
113 /ns/sub-ns/a%2Bb:C1 5 current at /ns/sub%2Dns/a+b:C1 owner=bob read=bob
114 /ns/twin%:W1 5 deleted owner=ada
115 /ns/twin:W2 5 current at /ns/tw%69n:W2 owner=ada
116 /ns/two:X1 5 current at /ns/two:X1 owner=ada
117 /ns/tw%6F:X2 5 deleted owner=ada
118 /dropped/child:D1 5 deleted owner=ada
120 /ns/deadend:Z1 5 current -> /ns/gone:G1 owner=ada
121 /ns/left:L1 5 deleted owner=ada`, versions)
	wantLines(t, "jobs", `
201 /ns/upload WHOLE 10/4 at /ns/upload:WHOLE type=text/plain md5=781e5e245d69b566979b86e28d23f2c7 owner=ada
202 /ns/upload BLIND 10/4 at /ns/upload:BLIND owner=ada
203 /ns/T%C3%A9l-1 version.3/UPLOAD 10/4 at /ns/T%c3%a9l%2d1:version.3%2FUPLOAD 0="abc" 1= owner=ada`, jobs)
}

// The original server goes by aux where a name has changed.
func TestTheOriginalServerStillFindsContent(t *testing.T) {
	dsn := originalDatabase(t, "original.sql")
	const find = `
SELECT concat(coalesce(v.aux ->> 'hname', n.name), ':', coalesce(v.aux ->> 'hversion', v.version))
FROM hatrac.version AS v JOIN hatrac.name AS n ON n.id = v.nameid
WHERE NOT v.is_deleted AND NOT n.is_deleted AND v.aux ->> 'rename_to' IS NULL AND v.aux ->> 'url' IS NULL ORDER BY v.id`
	before := query(t, dsn, find)
	migrate(t, dsn)
	if diff := cmp.Diff(before, query(t, dsn, find)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestTheOldestFormIsTakenOver(t *testing.T) {
	dsn := originalDatabase(t, "original_old.sql")
	refusedOpen(t, Config{DSN: dsn}, store.Conflict, "hatrac migrate")
	migrate(t, dsn)
	names, versions, jobs := told(t, openAt(t, Config{DSN: dsn}))
	wantLines(t, "names", `
3 /a/b in /a owner=ada
5 /a in / owner=ada subtree-owner=ada subtree-read=*
7 / in  owner=admin
9 /a/b/o in /a/b owner=ada read=bob
11 /a/c. in /a owner=ada
13 /a/x in /a deleted owner=ada`, names)
	wantLines(t, "versions", `
1 /a/b/o:AAAA 3 at /a/b/o:AAAA type=text/plain md5=f97c5d29941bfb1b2fdab0874906ab82 owner=ada
2 /a/b/o:BBBB 3 current at /a/b/o:BBBB md5=f97c5d29941bfb1b2fdab0874906ab82 owner=ada
3 /a/b/o:CCCC 3 deleted owner=ada
4 /a/c.:DDDD 3 current at /a//c%2e:DDDD md5=f97c5d29941bfb1b2fdab0874906ab82 owner=ada`, versions)
	wantLines(t, "jobs", `
4 /a/b/o OLDJOB 10/4 at /a/b/o:OLDJOB type=text/plain md5=781e5e245d69b566979b86e28d23f2c7 owner=ada`, jobs)
}
