package integration

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/hatrac/hatrac"

// rooms says what each folder with Go code may import of this module (docs/ARCHITECTURE.md).
// Tests may import more: they put real parts together.
var rooms = map[string][]string{
	"acl":                          {},
	"store":                        {"acl"},
	"store/sqlite":                 {"acl", "store"},
	"store/postgres":               {"acl", "store"},
	"store/disk":                   {},
	"store/disk/disktest":          {"store/disk"},
	"store/filesystem":             {"acl", "store", "store/disk"},
	"store/overlay":                {"store"},
	"store/check":                  {"store"},
	"store/cache":                  {"store"},
	"store/cache/disk":             {"store"},
	"store/transfer":               {"acl", "store"},
	"store/s3":                     {"store"},
	"store/s3/s3test":              {},
	"store/recall":                 {"acl", "store"},
	"store/storetest":              {"acl", "store"},
	"store/postgres/pgtest":        {},
	"service":                      {"acl", "store", "store/recall"},
	"service/account":              {"acl", "store"},
	"service/account/sessiontable": {"store", "service/account"},
	"service/account/sessionproxy": {"store", "service/account"},
	"rest":                         {"acl", "store", "service", "service/account"},
	"fusefs":                       {"acl", "store", "service", "store/cache", "store/cache/disk", "store/disk"},
	"cmd/config":                   {"acl", "store", "store/s3"},
	"cmd/hatrac": {
		"acl", "store", "store/sqlite", "store/postgres", "store/filesystem", "store/s3", "store/overlay", "store/check", "store/transfer", "service", "service/account",
		"service/account/sessiontable", "service/account/sessionproxy", "rest", "fusefs", "cmd/config",
	},
	"integration":         {},
	"integration/mutants": {},
}

// owners says which rooms alone may know a library, so that it can be replaced in one place.
var owners = map[string][]string{
	"github.com/gin-gonic/gin":        {"rest"},
	"github.com/hanwen/go-fuse":       {"fusefs"},
	"github.com/spf13/cobra":          {"cmd/hatrac"},
	"github.com/vbauerster/mpb":       {"cmd/hatrac"},
	"modernc.org/sqlite":              {"store/sqlite"},
	"github.com/jackc/pgx":            {"store/postgres", "service/account/sessiontable"},
	"github.com/pressly/goose":        {"store/sqlite", "store/postgres"},
	"database/sql":                    {"store/sqlite", "store/postgres"},
	"net/http":                        {"rest", "service/account/sessionproxy", "store/s3", "store/s3/s3test", "cmd/hatrac"},
	"github.com/aws":                  {"store/s3", "store/s3/s3test"},
	"github.com/hashicorp/golang-lru": {"service/account/sessionproxy"},
}

func TestImportsPointDownwards(t *testing.T) {
	for file, imports := range importsOfTheTree(t) {
		room := path.Dir(file)
		allowed, known := rooms[room]
		if !known {
			t.Errorf("%s: the folder %s is no room of the house; say in rooms what it may import", file, room)
			continue
		}
		for _, imported := range imports {
			inside, ok := strings.CutPrefix(imported, module+"/")
			if ok && !slices.Contains(allowed, inside) {
				t.Errorf("%s: %s must not import %s", file, room, inside)
			}
			for library, owners := range owners {
				if (imported == library || strings.HasPrefix(imported, library+"/")) && !slices.Contains(owners, room) {
					t.Errorf("%s: %s must not know %s", file, room, library)
				}
			}
		}
	}
}

// importsOfTheTree returns what each Go file that is not a test imports, by its path below the
// top of the repository.
func importsOfTheTree(t *testing.T) map[string][]string {
	t.Helper()
	files := make(map[string][]string)
	top := os.DirFS("..")
	err := fs.WalkDir(top, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name != "." && strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", name), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files[name] = []string{}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			files[name] = append(files[name], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d files were found", len(files))
	}
	return files
}
