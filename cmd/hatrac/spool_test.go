package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hatrac/hatrac/cmd/config"
)

func TestEachStoreHasAFolderOfItsOwnForDrafts(t *testing.T) {
	key := func(kind, database, schema string) string {
		return storeKey(&config.Config{DatabaseType: kind, Database: database, DatabaseSchema: schema})
	}
	same := [][2]string{
		{"postgres://ann:secret@db/hatrac", "postgres://ann:other@db/hatrac"},
		{"postgres://ann@db/hatrac?password=a&sslmode=disable", "postgres://ann@db/hatrac?password=a&sslmode=disable"},
		{"host=db dbname=hatrac password=secret", "host=db dbname=hatrac password='an other'"},
	}
	for _, pair := range same {
		if key("postgres", pair[0], "public") != key("postgres", pair[1], "public") {
			t.Errorf("%q and %q are the same store", pair[0], pair[1])
		}
	}
	seen := make(map[string]string)
	for _, place := range [][3]string{
		{"postgres", "postgres://ann:secret@db/hatrac", "public"},
		{"postgres", "postgres://ann:secret@db/hatrac", "other"},
		{"postgres", "postgres://ann:secret@db/other", "public"},
		{"postgres", "host=db dbname=hatrac password=secret", "public"},
		{"sqlite", "/a/hatrac.db", ""},
		{"sqlite", "/b/hatrac.db", ""},
	} {
		k := key(place[0], place[1], place[2])
		if other, ok := seen[k]; ok {
			t.Errorf("%q has the key of %q", place, other)
		}
		seen[k] = place[1]
	}
}

func TestTheFolderForDraftsIsPrivate(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "state", "spool", "key")
	for range 2 {
		if err := makePrivate(dir); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("the folder is %v, %v", info, err)
		}
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(top, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := makePrivate(link); err == nil {
		t.Error("a link that somebody left is taken for the folder")
	}
}
