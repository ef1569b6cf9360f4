package transfer_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/s3"
	"github.com/hatrac/hatrac/store/transfer"
)

// run copies, and expects that it is told of no damage.
func run(t *testing.T, from, to transfer.Store) transfer.Result {
	t.Helper()
	r, err := transfer.Run(t.Context(), transfer.Config{
		From: from, To: to, Report: func(p transfer.Problem) { t.Errorf("it tells %v", p) },
	})
	must(t, err)
	return r
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// rows returns all names and versions, without what storages and directories may keep differently.
func rows(t *testing.T, d store.Directory) ([]store.Name, []store.PathVersion) {
	t.Helper()
	cut := func(at *time.Time) { *at = at.Truncate(time.Microsecond) }
	names, err := d.NamesAfter(t.Context(), 0, 10000)
	must(t, err)
	for i := range names {
		cut(&names[i].Created)
		cut(&names[i].DeletedOn)
	}
	versions, err := d.VersionsAfter(t.Context(), 0, 10000)
	must(t, err)
	for i := range versions {
		v := &versions[i].Version
		cut(&v.Created)
		cut(&v.DeletedOn)
		cut(&v.ForwardedOn)
		v.Address = ""
		if v.Version == "old id" {
			v.SHA256 = nil
		}
	}
	return names, versions
}

func wantRows(t *testing.T, from, to transfer.Store) {
	t.Helper()
	names, versions := rows(t, from.Directory)
	namesNow, versionsNow := rows(t, to.Directory)
	same(t, "the names", names, namesNow)
	same(t, "the versions", versions, versionsNow)
	formers, moves := past(t, from.Directory)
	formersNow, movesNow := past(t, to.Directory)
	same(t, "the former versions", formers, formersNow)
	same(t, "the moves", moves, movesNow)
}

// past returns what is known of where versions and namespaces were, as precisely as all databases know
// it.
func past(t *testing.T, d store.Copier) ([]store.Former, []store.Moved) {
	t.Helper()
	formers, err := d.FormersAfter(t.Context(), store.Former{}, 10000)
	must(t, err)
	for i := range formers {
		for _, at := range []*time.Time{&formers[i].Created, &formers[i].Until, &formers[i].DeletedOn} {
			*at = at.Truncate(time.Microsecond)
		}
	}
	moves, err := d.MovesAfter(t.Context(), 0, 10000)
	must(t, err)
	for i := range moves {
		moves[i].Until = moves[i].Until.Truncate(time.Microsecond)
	}
	return formers, moves
}

func mark(t *testing.T, s transfer.Store) store.CopyMark {
	t.Helper()
	m, err := s.Directory.CopyMark(t.Context())
	must(t, err)
	return m
}

// TestTheCopyAnswersAsTheSourceDoes goes from each database to each, and from each storage to each.
func TestTheCopyAnswersAsTheSourceDoes(t *testing.T) {
	type directories func(t *testing.T) transfer.Directory
	type storages func(t *testing.T) store.Assembler
	for name, c := range map[string]struct {
		fromDirectory, toDirectory directories
		fromStorage, toStorage     storages
	}{
		"SQLite and files to PostgreSQL and S3":           {newSQLite, newPostgres, newFiles, newS3(s3.ByNameAndVersion)},
		"PostgreSQL and S3 to SQLite and files":           {newPostgres, newSQLite, newS3(s3.ByName), newFiles},
		"SQLite and S3 to PostgreSQL and files":           {newSQLite, newPostgres, newS3(s3.ByNameAndVersion), newFiles},
		"PostgreSQL and files to SQLite and S3":           {newPostgres, newSQLite, newFiles, newS3(s3.ByName)},
		"SQLite and an overlay to SQLite and files":       {newSQLite, newSQLite, newOverlay, newFiles},
		"PostgreSQL and files to PostgreSQL with overlay": {newPostgres, newPostgres, newFiles, newOverlay},
	} {
		t.Run(name, func(t *testing.T) {
			from := transfer.Store{Directory: c.fromDirectory(t), Bulk: c.fromStorage(t)}
			to := transfer.Store{Directory: c.toDirectory(t), Bulk: c.toStorage(t)}
			before := serve(t, from)
			token := before.fill()
			copied := run(t, from, to)
			if copied.Contents < 8 || copied.Changed || copied.Uploads != 1 {
				t.Errorf("it tells %+v", copied)
			}
			if !mark(t, to).Complete {
				t.Error("the copy is not complete")
			}
			after := serve(t, to)
			same(t, "the answers", before.answers(token), after.answers(token))
			wantRows(t, from, to)
			same(t, "a copy of what is copied", transfer.Result{Uploads: 1}, run(t, from, to))
			for _, s := range []*site{before, after} {
				s.restoreAll()
			}
			same(t, "the answers after all was restored", statuses(before.answers(token)), statuses(after.answers(token)))
		})
	}
}

// restoreAll restores what was deleted.
func (s *site) restoreAll() {
	s.t.Helper()
	must(s.t, s.service.Restore(s.t.Context(), admin, store.Ref{Path: "/gone"}, service.Conditions{}))
	found, err := s.store.Directory.VersionsAfter(s.t.Context(), 0, 1000)
	must(s.t, err)
	for _, v := range found {
		if v.Path == "/a/deleted" && v.Version.Deleted {
			ref := store.Ref{Path: v.Path, Version: v.Version.Version}
			must(s.t, s.service.Restore(s.t.Context(), admin, ref, service.Conditions{}))
		}
	}
}

func statuses(answers map[string]string) map[string]string {
	short := make(map[string]string)
	for target, answer := range answers {
		short[target] = answer[:3]
	}
	return short
}

func embeddedPair(t *testing.T) (from, to transfer.Store) {
	t.Helper()
	return openEmbedded(t, t.TempDir()), openEmbedded(t, t.TempDir())
}

// TestAnotherRunCatchesUp: with whatever happened to the source in the meantime.
func TestAnotherRunCatchesUp(t *testing.T) {
	from, to := embeddedPair(t)
	s := serve(t, from)
	token := s.fill()
	run(t, from, to)

	s.put("/a/new", large("new"))
	s.put("/a/b/large", large("4"))
	s.delete("/a/to")
	s.delete("/old")
	s.rename("/a/there", "/a/elsewhere")
	s.put("/later/again/o", "again")
	for _, move := range [][2]store.Path{{"/a/b", "/later/b"}, {"/later/again", "/a/b"}, {"/later/moved", "/a/moved"}} {
		_, err := s.service.MoveNamespace(t.Context(), admin, service.MoveNamespace{Source: move[0], Target: move[1], Revive: true})
		must(t, err)
	}
	must(t, s.service.SetACL(t.Context(), admin, store.Ref{Path: "/a"}, service.ACLChange{Op: service.ReplaceList, List: acl.Create, Entries: []string{"ann"}}))
	must(t, s.accounts.CreateUser(t.Context(), "bob", []string{"x"}, ""))
	must(t, s.accounts.DeleteUser(t.Context(), "ann"))
	must(t, s.accounts.SetRoles(t.Context(), "admin", []string{"chief"}))

	again := run(t, from, to)
	if again.Contents > 3 || again.Versions == 0 || again.Names == 0 || again.Accounts != 2 {
		t.Errorf("it tells %+v", again)
	}
	after := serve(t, to)
	same(t, "the answers", s.answers(token), after.answers(token))
	users, err := s.store.Directory.Accounts().Users(t.Context())
	must(t, err)
	usersNow, err := to.Directory.Accounts().Users(t.Context())
	must(t, err)
	same(t, "the accounts", users, usersNow)
	tokens, err := s.store.Directory.Accounts().Tokens(t.Context(), "")
	must(t, err)
	tokensNow, err := to.Directory.Accounts().Tokens(t.Context(), "")
	must(t, err)
	same(t, "the tokens", tokens, tokensNow)
	// What is left behind is reclaimed, and nothing else.
	must(t, after.service.Reclaim(t.Context()))
	same(t, "the answers after reclaiming", s.answers(token), after.answers(token))
}

// changing is a storage that lets something happen when content is read first.
type changing struct {
	store.Bulk
	once   atomic.Bool
	happen func()
}

func (c *changing) Open(ctx context.Context, a store.Address) (store.Content, error) {
	if !c.once.Swap(true) {
		c.happen()
	}
	return c.Bulk.Open(ctx, a)
}

func TestAChangeOfTheSourceIsTold(t *testing.T) {
	for name, change := range map[string]func(*site){
		"a new object":  func(s *site) { s.put("/a/new", "new") },
		"a deleted one": func(s *site) { s.delete("/a/to") },
		"a list of names": func(s *site) {
			must(s.t, s.service.SetACL(s.t.Context(), admin, store.Ref{Path: "/a"}, service.ACLChange{Op: service.ReplaceList, List: acl.Create, Entries: []string{"x"}}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := embeddedPair(t)
			s := serve(t, from)
			token := s.fill()
			s.bindMany(600)
			read := from
			read.Bulk = &changing{Bulk: from.Bulk, happen: func() { change(s) }}
			if r := run(t, read, to); !r.Changed || mark(t, to).Complete {
				t.Errorf("it tells %+v", r)
			}
			if r := run(t, from, to); r.Changed || !mark(t, to).Complete {
				t.Errorf("then it tells %+v", r)
			}
			same(t, "the answers", s.answers(token), serve(t, to).answers(token))
		})
	}
}

func TestOnlyAnEmptyTargetOrACopyIsWritten(t *testing.T) {
	from, to := embeddedPair(t)
	serve(t, from).fill()
	refused := func(what string) {
		t.Helper()
		_, err := transfer.Run(t.Context(), transfer.Config{From: from, To: to})
		if store.KindOf(err) != store.Exists {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, to.Directory.Accounts().CreateUser(t.Context(), store.User{Name: "somebody"}))
	refused("a store with an account")
	must(t, to.Directory.Accounts().DeleteUser(t.Context(), "somebody"))
	must(t, to.Directory.SetCopyMark(t.Context(), store.CopyMark{Source: 2}))
	refused("a copy of another store")
	must(t, to.Directory.SetCopyMark(t.Context(), store.CopyMark{}))
	run(t, from, to)
	must(t, to.Directory.SetCopyMark(t.Context(), store.CopyMark{}))
	refused("a copy that is in use")
	must(t, from.Directory.SetCopyMark(t.Context(), store.CopyMark{Source: 1}))
	other := openEmbedded(t, t.TempDir())
	if _, err := transfer.Run(t.Context(), transfer.Config{From: from, To: other}); store.KindOf(err) != store.Conflict {
		t.Errorf("a copy of what is not complete: %v", err)
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	from, to := embeddedPair(t)
	serve(t, from).fill()
	dry := transfer.Config{From: from, DryRun: true}
	without, err := transfer.Run(t.Context(), dry)
	must(t, err)
	dry.To = to
	with, err := transfer.Run(t.Context(), dry)
	must(t, err)
	names, versions := rows(t, to.Directory)
	if len(names)+len(versions) > 0 || mark(t, to) != (store.CopyMark{}) {
		t.Error("the target has something")
	}
	real := run(t, from, to)
	for what, got := range map[string]transfer.Result{"without a target": without, "with an empty target": with} {
		same(t, what, real, got)
	}
}

func TestDamagedContentIsNotCopied(t *testing.T) {
	for name, bulk := range map[string]func(t *testing.T) store.Assembler{"files": newFiles, "S3": newS3(s3.ByName)} {
		t.Run(name, func(t *testing.T) {
			copiesNoDamage(t, transfer.Store{Directory: newSQLite(t), Bulk: bulk(t)}, openEmbedded(t, t.TempDir()))
		})
	}
}

func copiesNoDamage(t *testing.T, from, to transfer.Store) {
	s := serve(t, from)
	s.fill()
	wrong, lost := s.put("/x", large("x")), s.put("/y", large("y"))
	for path, fn := range map[store.Path]func(v *store.Version) error{
		"/x": func(v *store.Version) error { v.SHA256 = make([]byte, 32); return nil },
		"/y": func(v *store.Version) error { return from.Bulk.Remove(t.Context(), v.Address) },
	} {
		found, err := from.Directory.Resolve(t.Context(), path, "")
		must(t, err)
		must(t, fn(found.Version))
		must(t, from.Directory.Import(t.Context(), func(tx store.ImportTx) error {
			return tx.PutVersion(t.Context(), found.Version, time.Time{})
		}))
	}
	var told []string
	r, err := transfer.Run(t.Context(), transfer.Config{
		From: from, To: to,
		Report: func(p transfer.Problem) { told = append(told, p.Version.String()+" "+p.Text) },
	})
	must(t, err)
	same(t, "what is told", []string{
		"/x:" + wrong + " Its content does not have its SHA-256.", "/y:" + lost + " Its content is missing.",
	}, told)
	if r.Damaged != 2 || mark(t, to).Complete {
		t.Errorf("it tells %+v", r)
	}
	s.delete("/x")
	s.delete("/y")
	if r := run(t, from, to); r.Damaged != 0 || !mark(t, to).Complete {
		t.Errorf("after they were deleted it tells %+v", r)
	}
}

func TestOneStorageOfBothStaysAsItIs(t *testing.T) {
	from := openEmbedded(t, t.TempDir())
	to := transfer.Store{Directory: newPostgres(t), Bulk: from.Bulk}
	s := serve(t, from)
	token := s.fill()
	r, err := transfer.Run(t.Context(), transfer.Config{
		From: from, To: to, SameStorage: true, Report: func(p transfer.Problem) { t.Errorf("it tells %v", p) },
	})
	must(t, err)
	if r.Contents != 0 || r.Kept < 8 {
		t.Errorf("it tells %+v", r)
	}
	same(t, "the answers", s.answers(token), serve(t, to).answers(token))
}
