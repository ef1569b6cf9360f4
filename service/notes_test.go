package service_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
	"github.com/hatrac/hatrac/store/filesystem"
	"github.com/hatrac/hatrac/store/postgres"
	"github.com/hatrac/hatrac/store/postgres/pgtest"
)

// startPostgres starts a database server for the test and returns its connection string.
func startPostgres(t *testing.T) string {
	t.Helper()
	server, err := pgtest.New("fsync=off")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Remove(); err != nil {
			t.Error(err)
		}
	})
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server.DSN("postgres")
}

// onPostgres is a service such as a process of its own has on the database.
func onPostgres(t *testing.T, dsn string) *bench {
	t.Helper()
	dir, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	content := filepath.Join(t.TempDir(), "content")
	bulk, err := filesystem.Open(t.Context(), filesystem.Config{Root: content})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bulk.Close() })
	s, err := service.New(service.Config{Directory: dir, Bulk: bulk, Firewall: acl.Open()})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{Service: s, t: t, ctx: t.Context(), content: content, bulk: bulk, dir: dir}
}

func TestOtherProcessesHearOfListsAndNamespaces(t *testing.T) {
	dsn := startPostgres(t)
	here, there := onPostgres(t, dsn), onPostgres(t, dsn)
	here.must(service.Init(t.Context(), here.dir, []string{root.ID}))
	told := make(chan service.Change, 100)
	defer there.Listen(func(c service.Change) { told <- c })()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- there.Run(ctx) }()
	defer func() {
		cancel()
		<-ended
	}()
	if first := <-told; !first.Lost {
		t.Fatalf("before all else it hears %+v", first)
	}

	here.mkdir(root, "/n")
	here.mkdir(root, "/n/in")
	version := here.put(root, "/n/o", "content")
	here.must(here.Delete(here.ctx, root, service.Delete{Path: "/n/o"}))
	here.must(here.Restore(here.ctx, root, ref("/n/o"), service.Conditions{}))
	here.grant(root, "/n", acl.Create, "bob")
	here.grant(root, "/n/o:"+version, acl.Read, "bob")
	if _, err := here.MoveNamespace(here.ctx, root, service.MoveNamespace{Source: "/n", Target: "/m"}); err != nil {
		t.Fatal(err)
	}
	here.want(store.NotFound, here.SetACL(here.ctx, root, ref("/none"), service.ACLChange{Op: service.AddEntry, List: acl.Read, Entry: "x"}))
	here.must(here.Delete(here.ctx, root, service.Delete{Path: "/m"}))
	here.must(here.Restore(here.ctx, root, ref("/m"), service.Conditions{}))

	for _, want := range []service.Change{
		{Action: service.Described, Path: "/n", Kind: acl.Namespace},
		{Action: service.Described, Path: "/n/o", Kind: acl.Object, Version: version},
		{Action: service.Renamed, Path: "/m", From: "/n", Kind: acl.Namespace},
		{Action: service.Deleted, Path: "/m", Kind: acl.Namespace},
		{Action: service.Created, Path: "/m", Kind: acl.Namespace},
	} {
		want.Elsewhere = true
		if diff := cmp.Diff(want, <-told, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the other process hears (-want +got):\n%s", diff)
		}
	}
}
