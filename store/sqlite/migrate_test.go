package sqlite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hatrac/hatrac/store"
)

func TestEarlierTablesAreMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hatrac.db")
	if _, _, err := Migrate(t.Context(), Config{Path: path}, false); store.KindOf(err) != store.Conflict || !strings.Contains(store.Sentence(err), "hatrac init") {
		t.Errorf("without a file it says %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a file was made: %v", err)
	}
	openFirst(t, path)
	from, to, err := Migrate(t.Context(), Config{Path: path}, true)
	if err != nil || from != 1 || to <= from {
		t.Errorf("a dry run answers %d, %d, %v", from, to, err)
	}
	refusedOpen(t, Config{Path: path}, "hatrac migrate")
	if from, _, err := Migrate(t.Context(), Config{Path: path}, false); err != nil || from != 1 {
		t.Errorf("it answers %d, %v", from, err)
	}
	d, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if from, again, err := Migrate(t.Context(), Config{Path: path}, false); err != nil || from != to || again != to {
		t.Errorf("the second time it answers %d, %d, %v", from, again, err)
	}
}
