package postgres

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func TestADryRunTellsTheSameAndChangesNothing(t *testing.T) {
	for _, file := range []string{"original.sql", "original_old.sql"} {
		dsn := originalDatabase(t, file)
		before := contents(t, dsn)
		dry, err := Migrate(t.Context(), Config{DSN: dsn}, MigrateOptions{DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, contents(t, dsn)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", file, diff)
		}
		if diff := cmp.Diff(migrate(t, dsn), dry); diff != "" {
			t.Errorf("%s (-real +dry):\n%s", file, diff)
		}
	}
}

func TestADryRunDisturbsNobody(t *testing.T) {
	dsn := originalDatabase(t, "original.sql")
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "BEGIN; UPDATE hatrac.upload SET job = job"); err != nil {
		t.Fatal(err)
	}
	if _, err := Migrate(t.Context(), Config{DSN: dsn}, MigrateOptions{DryRun: true}); err != nil {
		t.Error(err)
	}
	_, err = Migrate(t.Context(), Config{DSN: dsn}, MigrateOptions{patience: time.Millisecond})
	if store.KindOf(err) != store.Unavailable || !strings.Contains(store.Sentence(err), "stop the original server") {
		t.Errorf("with tables in use it says %v", err)
	}
}

func TestWhatCannotBeTakenOverIsToldAndNothingChanged(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		words  []string
	}{
		"two live names": {
			`INSERT INTO hatrac.name (name, subtype, is_deleted) VALUES ('/ns/tw%6f', 1, false), ('/ns/%74wo', 1, false)`,
			[]string{"/ns/%74wo /ns/tw%6f /ns/two"},
		},
		"two live names, none as it should be": {
			`INSERT INTO hatrac.name (name, subtype, is_deleted) VALUES ('/ns/%6f', 1, false), ('/ns/%6F', 1, false)`,
			[]string{"/ns/o: /ns/%6F /ns/%6f"},
		},
		"no name at all": {
			`INSERT INTO hatrac.name (name, subtype, is_deleted) VALUES ('/ns/../up', 1, false), ('/ns/%zz', 1, false)`,
			[]string{`"/ns/../up"`, `"/ns/%zz"`},
		},
		"no namespace": {
			`INSERT INTO hatrac.name (name, subtype, is_deleted) VALUES ('/lost/o', 1, false), ('/ns/plain/o', 1, false)`,
			[]string{"/lost/o", "/ns/plain/o"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := originalDatabase(t, "original.sql", c.change)
			before := contents(t, dsn)
			for _, dry := range []bool{true, false} {
				done, err := Migrate(t.Context(), Config{DSN: dsn}, MigrateOptions{DryRun: dry})
				if store.KindOf(err) != store.Conflict || done == nil || done.Adopted == nil {
					t.Fatalf("it answers %+v, %v", done, err)
				}
				said := strings.Join(done.Adopted.Problems, "\n")
				for _, words := range c.words {
					if !strings.Contains(said, words) {
						t.Errorf("nothing with %q is said, but %q", words, said)
					}
				}
				if len(done.Adopted.Problems) != len(c.words) {
					t.Errorf("the problems are %q", done.Adopted.Problems)
				}
			}
			if diff := cmp.Diff(before, contents(t, dsn)); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		})
	}
}

// migrateUntilKilled migrates in a child of the tests, which is killed when it has changed rows.
func migrateUntilKilled(dsn string) {
	_, err := Migrate(context.Background(), Config{DSN: dsn}, MigrateOptions{Progress: func(doing string, _, _ int64) {
		if doing == "names" {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
	}})
	fmt.Println("not killed:", err)
	os.Exit(0)
}

func TestWhoIsKilledBeginsAgain(t *testing.T) {
	dsn := originalDatabase(t, "original.sql")
	before := contents(t, dsn)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killedDSN+"="+dsn)
	if out, err := cmd.CombinedOutput(); err == nil || len(out) > 0 {
		t.Fatalf("the child was not killed: %v, %s", err, out)
	}
	if diff := cmp.Diff(before, contents(t, dsn)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	migrate(t, dsn)
	wantTakenOver(t, dsn)
	if done := migrate(t, dsn); done.From != done.To || done.Adopted != nil {
		t.Errorf("the second time it tells %+v", done)
	}
	wantTakenOver(t, dsn)
}

func TestTheOriginalColumnsStayAsTheyWere(t *testing.T) {
	dsn := originalDatabase(t, "original.sql")
	columns := func() []string {
		lines := query(t, dsn, `SELECT (id, pid, ancestors, subtype, is_deleted, owner, "create", "update", read, "subtree-owner",
	"subtree-create", "subtree-update", "subtree-read")::text FROM hatrac.name ORDER BY id`)
		lines = append(lines, query(t, dsn, `SELECT (id, nameid, version, nbytes, owner, read)::text FROM hatrac.version ORDER BY id`)...)
		lines = append(lines, query(t, dsn, `SELECT (id, nameid, job, nbytes, chunksize, owner, created_on)::text FROM hatrac.upload ORDER BY id`)...)
		return append(lines, query(t, dsn, `SELECT (uploadid, position, aux::text)::text FROM hatrac.chunk ORDER BY 1`)...)
	}
	before := columns()
	migrate(t, dsn)
	if diff := cmp.Diff(before, columns()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestWorkGoesOnAfterATakeover(t *testing.T) {
	for file, path := range map[string]store.Path{"original.sql": "/ns", "original_old.sql": "/a/b"} {
		dsn := originalDatabase(t, file)
		migrate(t, dsn)
		d, ctx := openAt(t, Config{DSN: dsn}), t.Context()
		var made store.Name
		version := store.Version{Version: "NEW", Size: 1, Address: "anywhere"}
		err := d.Update(ctx, func(tx store.Tx) error {
			around, err := tx.Resolve(ctx, path, "")
			if err != nil {
				return err
			}
			made = store.Name{Parent: around.Name.ID, Path: path + "/later", Kind: acl.Object}
			if err := tx.CreateName(ctx, &made); err != nil {
				return err
			}
			version.NameID = made.ID
			if err := tx.BindVersion(ctx, &version); err != nil {
				return err
			}
			return tx.CreateJob(ctx, &store.Job{NameID: made.ID, Job: "J", Size: 1, ChunkSize: 1, Active: time.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
		if made.ID <= 13 || version.ID <= 4 {
			t.Errorf("%s: the new rows have the IDs %d and %d", file, made.ID, version.ID)
		}
		found, err := d.Resolve(ctx, made.Path, "")
		if err != nil || found.Current == nil || found.Current.Version != "NEW" || len(found.Enclosing) != strings.Count(string(made.Path), "/") {
			t.Errorf("%s: what was made is %+v, %v", file, found, err)
		}
		children, err := d.Children(ctx, found.Name.Parent, "", 1000)
		if err != nil || len(children) < 2 {
			t.Errorf("%s: the children are %v, %v", file, children, err)
		}
	}
}

func TestAMissingRootIsMade(t *testing.T) {
	dsn := originalDatabase(t, "original_old.sql", "DELETE FROM hatrac.name WHERE name = '/'")
	if _, err := Migrate(t.Context(), Config{DSN: dsn}, MigrateOptions{Owners: []string{"ada", "curators"}}); err != nil {
		t.Fatal(err)
	}
	found, err := openAt(t, Config{DSN: dsn}).Resolve(t.Context(), "/a", "")
	if err != nil || len(found.Enclosing) != 1 || found.Name.Parent != found.Enclosing[0].ID {
		t.Fatalf("it finds %+v, %v", found, err)
	}
	if diff := cmp.Diff(acl.Lists{acl.Owner: {"ada", "curators"}}, found.Enclosing[0].ACLs); diff != "" {
		t.Errorf("the lists of the root (-want +got):\n%s", diff)
	}
}

func TestOtherDatabasesAreMigratedOrRefused(t *testing.T) {
	refused := func(cfg Config, words string) {
		t.Helper()
		if _, err := Migrate(t.Context(), cfg, MigrateOptions{}); store.KindOf(err) != store.Conflict || !strings.Contains(store.Sentence(err), words) {
			t.Errorf("it says %v, want something with %q", err, words)
		}
	}
	refused(Config{DSN: newDatabase(t, emptyDatabase)}, "hatrac init")
	refused(Config{DSN: originalDatabase(t, "original.sql"), Schema: "another"}, `"hatrac"`)
	dsn := newDatabase(t, template)
	if done := migrate(t, dsn); done.From != done.To || done.Adopted != nil {
		t.Errorf("of tables that are up to date it tells %+v", done)
	}
	if err := execute(t.Context(), dsn, "INSERT INTO hatrac.goose_db_version (version_id, is_applied) VALUES (900, true)"); err != nil {
		t.Fatal(err)
	}
	refused(Config{DSN: dsn}, "later version")
	if err := execute(t.Context(), dsn, "DROP TABLE hatrac.goose_db_version"); err != nil {
		t.Fatal(err)
	}
	refused(Config{DSN: dsn}, "has not made")
}

func TestTheDatabaseKnowsCanonicalNames(t *testing.T) {
	conn, err := pgx.Connect(t.Context(), shared)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	names := []string{"", "/", "//", "/a", "/a/", "/a//b", "a", "/.", "/..", "/a/./b", "/...", "/.a", "/é", "/%", "/%2", "/a\n"}
	for b := range 256 {
		names = append(names, fmt.Sprintf("/x%%%02X", b), fmt.Sprintf("/x%%%02x", b))
		if b > 0 && b < 128 {
			names = append(names, "/x"+string(rune(b)))
		}
	}
	rows, err := conn.Query(t.Context(), `SELECT `+isCanonical("n")+` FROM unnest($1::text[]) WITH ORDINALITY AS t (n, i) ORDER BY i`, names)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[bool])
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		path, err := store.ParsePath(name, asTyped())
		if want := err == nil && string(path) == name; got[i] != want {
			t.Errorf("%q: the database says %v", name, got[i])
		}
	}
}

func TestTablesOfUploadsMayBeMissing(t *testing.T) {
	dsn := originalDatabase(t, "original_old.sql", "DROP TABLE hatrac.chunk, hatrac.upload")
	if done := migrate(t, dsn); done.Adopted.Jobs != 0 {
		t.Errorf("it tells of %d uploads", done.Adopted.Jobs)
	}
	if _, _, jobs := told(t, openAt(t, Config{DSN: dsn})); len(jobs) != 0 {
		t.Errorf("the uploads are %v", jobs)
	}
}
