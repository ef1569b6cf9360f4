package storetest

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

func testVersions(t *testing.T, db Database) {
	w := begin(t, db)
	for name, test := range map[string]func(*world){
		"all fields are kept":                     keepsVersions,
		"ids may have any characters":             keepsVersionIDs,
		"an id is bound once per object":          bindsIDsOnce,
		"the newest live version is current":      choosesCurrent,
		"small content is kept, even if empty":    keepsInline,
		"lists and metadata are replaced":         replacesOnVersions,
		"changes of the versions are counted":     countsVersions,
		"an unknown object gets no version":       bindsToObjectsOnly,
		"what is asked for and what is current":   resolvesVersions,
		"a name is looked at and bound to in one": resolvesAndBinds,
	} {
		t.Run(name, func(t *testing.T) { test(w.in(t)) })
	}
}

func fullVersion(object int64) store.Version {
	return store.Version{
		NameID: object, Version: "full", Size: 1 << 50,
		Metadata: store.Metadata{
			ContentType:        `text/plain; charset="utf-8"`,
			ContentDisposition: "filename*=UTF-8''%E2%82%AC.txt",
			MD5:                []byte("0123456789abcde\x00"),
			SHA256:             []byte("0123456789abcdef0123456789abcde\xff"),
		},
		ACLs:    acl.Lists{acl.Owner: {"ann"}, acl.Read: {"*", "é"}},
		Created: begun, SHA256: []byte("fedcba9876543210fedcba987654321\x00"),
		Attr:    store.Attr{MTime: 1234567890123456789, HasMTime: true, ATime: 2, HasATime: true, CTime: 3, HasCTime: true, Mode: 0o644, HasMode: true, UID: 1, GID: 2, HasOwner: true, Ino: 42},
		Address: "anything at all: ü/%2F", Unsynced: "somebody",
	}
}

func keepsVersions(w *world) {
	o := w.object("/kept")
	want := w.bindAs(fullVersion(o.ID))
	if want.ID == 0 {
		w.t.Error("the version has no ID")
	}
	found := w.resolve("/kept", "full")
	same(w.t, "the version asked for", &want, found.Version)
	same(w.t, "the current version", &want, found.Current)
	bare := w.bindAs(store.Version{NameID: o.ID, Version: "bare", Address: "bare"})
	same(w.t, "a version with little", &bare, w.resolve("/kept", "").Version)
	list, err := w.d.Versions(w.t.Context(), o.ID, 0, 10)
	if err != nil {
		w.t.Fatal(err)
	}
	same(w.t, "the versions in the list", []store.Version{bare, want}, list)
}

func keepsVersionIDs(w *world) {
	o := w.object("/ids")
	for _, id := range []string{"a", "A", "a ", "1", "01", "a:b;c/d", "\u00e9", "e\u0301", "' OR 1=1 --", "%2F", "%2f", "\\", "\t\n", strings.Repeat("x", 1000)} {
		v := w.bind(o.ID, id)
		if got := w.resolve("/ids", id).Version; got == nil || got.ID != v.ID || got.Version != id {
			w.t.Errorf("version %q resolves to %+v", id, got)
		}
	}
	if got := w.resolve("/ids", "b").Version; got != nil {
		w.t.Errorf("an id that was never bound resolves to %+v", got)
	}
}

func bindsIDsOnce(w *world) {
	o, other := w.object("/bound"), w.object("/bound-too")
	v := w.bind(o.ID, "twin")
	again := func(ctx context.Context, tx store.Tx) error {
		return tx.BindVersion(ctx, &store.Version{NameID: o.ID, Version: "twin", Address: "twin"})
	}
	w.refused(store.Exists, "binding a bound id", again)
	w.deleteVersion(v.ID)
	w.refused(store.Exists, "binding the id of a deleted version", again)
	w.bind(other.ID, "twin")
}

func choosesCurrent(w *world) {
	o := w.object("/current")
	current := func(want string) {
		w.t.Helper()
		got := ""
		found := w.resolve("/current", "")
		if found.Current != nil {
			got = found.Current.Version
		}
		if got != want {
			w.t.Errorf("the current version is %q, want %q", got, want)
		}
		same(w.t, "the version without an id", found.Current, found.Version)
	}
	current("")
	one, two, three := w.bind(o.ID, "c3"), w.bind(o.ID, "c2"), w.bind(o.ID, "c1")
	if one.ID >= two.ID || two.ID >= three.ID {
		w.t.Errorf("the IDs %d, %d, %d do not ascend", one.ID, two.ID, three.ID)
	}
	current("c1")
	w.deleteVersion(two.ID)
	current("c1")
	w.deleteVersion(three.ID)
	current("c3")
	w.deleteVersion(one.ID)
	current("")
	w.bind(o.ID, "c0")
	current("c0")
}

func keepsInline(w *world) {
	ctx := w.t.Context()
	w.namespace("/inline")
	for name, content := range map[string][]byte{"empty": {}, "nil": nil, "bytes": []byte("\x00\xff content"), "big": bytes.Repeat([]byte("x"), 9000)} {
		path := store.Path("/inline/" + name)
		o := w.object(path)
		v := w.bindAs(store.Version{NameID: o.ID, Version: name, Size: int64(len(content)), Inline: content, HasInline: true})
		listed := v
		listed.Inline = nil
		found := w.resolve(path, name)
		same(w.t, name+": the version", &v, found.Version)
		same(w.t, name+": the current version", &v, found.Current)
		list, err := w.d.Versions(ctx, o.ID, 0, 1)
		if err != nil {
			w.t.Fatal(err)
		}
		same(w.t, name+": in the list", []store.Version{listed}, list)
		w.update(func(tx store.Tx) error {
			live, err := tx.LiveVersions(ctx, o.ID)
			same(w.t, name+": among the live versions", []store.Version{v}, live)
			return err
		})
	}
	entries, err := w.d.Children(ctx, w.name("/inline").ID, "", 10)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Current.Inline != nil || !entry.Current.HasInline {
			w.t.Errorf("the listing has %d bytes of %s, HasInline %v", len(entry.Current.Inline), entry.Name.Path, entry.Current.HasInline)
		}
	}
}

func replacesOnVersions(w *world) {
	ctx := w.t.Context()
	v := w.bindAs(fullVersion(w.object("/remade").ID))
	for _, change := range []func(tx store.Tx) error{
		func(tx store.Tx) error {
			v.ACLs = acl.Lists{acl.Read: {"bob"}}
			return tx.SetVersionACLs(ctx, v.ID, v.ACLs)
		},
		func(tx store.Tx) error {
			v.Metadata = store.Metadata{ContentType: "a/b"}
			return tx.SetVersionMetadata(ctx, v.ID, v.Metadata)
		},
		func(tx store.Tx) error {
			v.Metadata = store.Metadata{MD5: v.SHA256[:16]}
			return tx.SetVersionMetadata(ctx, v.ID, v.Metadata)
		},
		func(tx store.Tx) error {
			v.Attr = store.Attr{Mode: 0o600, HasMode: true}
			return tx.SetVersionAttr(ctx, v.ID, v.Attr)
		},
	} {
		w.update(change)
		same(w.t, "the version", &v, w.resolve("/remade", "full").Version)
	}
}

func countsVersions(w *world) {
	o := w.object("/counting")
	first := w.bind(o.ID, "counting-1")
	second := w.bind(o.ID, "counting-2")
	for _, step := range []struct {
		what string
		grow bool
		fn   func(ctx context.Context, tx store.Tx) error
	}{
		{"binding", true, func(ctx context.Context, tx store.Tx) error {
			return tx.BindVersion(ctx, &store.Version{NameID: o.ID, Version: "counting-3", Address: "3"})
		}},
		{"setting lists", false, func(ctx context.Context, tx store.Tx) error {
			return tx.SetVersionACLs(ctx, first.ID, acl.Lists{acl.Read: oddLists()[acl.Read]})
		}},
		{"setting metadata", false, func(ctx context.Context, tx store.Tx) error {
			return tx.SetVersionMetadata(ctx, first.ID, store.Metadata{})
		}},
		{"setting attributes", false, func(ctx context.Context, tx store.Tx) error {
			return tx.SetVersionAttr(ctx, first.ID, store.Attr{})
		}},
		{"deleting", true, func(ctx context.Context, tx store.Tx) error {
			return tx.DeleteVersion(ctx, second.ID, begun, begun)
		}},
		{"forwarding", true, func(ctx context.Context, tx store.Tx) error {
			return tx.ForwardVersion(ctx, first.ID, store.Ref{Path: "/to", Version: "to"}, begun)
		}},
		{"dropping a record", true, func(ctx context.Context, tx store.Tx) error { return tx.DropRecord(ctx, first.ID) }},
	} {
		w.changed("/counting", step.grow, step.what, step.fn)
	}
}

func bindsToObjectsOnly(w *world) {
	w.refused(store.NotFound, "binding to an unknown object", func(ctx context.Context, tx store.Tx) error {
		return tx.BindVersion(ctx, &store.Version{NameID: 1 << 40, Version: "v", Address: "v"})
	})
	w.refused(store.NotFound, "creating below an unknown parent", func(ctx context.Context, tx store.Tx) error {
		return tx.CreateName(ctx, &store.Name{Parent: 1 << 40, Path: "/orphan/o", Kind: acl.Object})
	})
	if found := w.resolve("/orphan/o", ""); found.Name != nil {
		w.t.Errorf("an orphan was bound: %+v", found.Name)
	}
}

func resolvesVersions(w *world) {
	o := w.object("/asked")
	gone, old, now := w.bind(o.ID, "gone"), w.bind(o.ID, "old"), w.bind(o.ID, "now")
	w.update(func(tx store.Tx) error {
		return tx.DeleteVersion(w.t.Context(), gone.ID, begun.Add(time.Minute), begun.Add(time.Hour))
	})
	gone.Deleted, gone.DeletedOn = true, begun.Add(time.Minute)
	for id, want := range map[string]*store.Version{"": &now, "now": &now, "old": &old, "gone": &gone, "none": nil} {
		found := w.resolve("/asked", id)
		same(w.t, "the version "+id, want, found.Version)
		same(w.t, "the current version", &now, found.Current)
	}
}

func resolvesAndBinds(w *world) {
	ctx := w.t.Context()
	o := w.object("/resolve-and-bind")
	first := w.bind(o.ID, "rab-1")
	v := fullVersion(o.ID)
	v.Version = "rab-2"
	var found *store.Resolution
	w.changed("/resolve-and-bind", true, "binding", func(ctx context.Context, tx store.Tx) (err error) {
		found, err = tx.ResolveAndBind(ctx, "/resolve-and-bind", &v)
		return err
	})
	same(w.t, "what was current before", &first, found.Current)
	same(w.t, "what is current now", &v, w.resolve("/resolve-and-bind", "").Current)
	w.refused(store.Exists, "an id that is taken", func(ctx context.Context, tx store.Tx) error {
		_, err := tx.ResolveAndBind(ctx, "/resolve-and-bind", &store.Version{NameID: o.ID, Version: "rab-1"})
		return err
	})
	w.refused(store.NotFound, "a name that is not there", func(ctx context.Context, tx store.Tx) error {
		_, err := tx.ResolveAndBind(ctx, "/resolve-and-bind", &store.Version{NameID: 1 << 40, Version: "rab-3"})
		return err
	})
	other := w.object("/resolve-and-bind-other")
	err := w.d.Update(ctx, func(tx store.Tx) error {
		r, err := tx.ResolveAndBind(ctx, "/resolve-and-bind", &store.Version{NameID: other.ID, Version: "rab-4"})
		if err != nil || r.Name.ID != o.ID {
			w.t.Errorf("the name is %+v, %v", r, err)
		}
		return errStop
	})
	if err != errStop || w.resolve("/resolve-and-bind-other", "rab-4").Version != nil {
		w.t.Errorf("what was given up is there: %v", err)
	}
}
