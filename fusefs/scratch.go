package fusefs

import (
	"fmt"
	"path"
	"strings"

	"github.com/hatrac/hatrac/store"
)

// DefaultScratchPatterns are the names by which programs make files that they rename when
// they are done, or remove. A pattern that ends with a slash means what lies in a directory
// of that name.
func DefaultScratchPatterns() []string {
	return []string{
		".*.??????", // rsync; any shorter or longer suffix is a real name
		".~tmp~/", ".rsync-partial/",
		".*.sw?", ".*.swpx", "4913", "*~",
		".#*", "#*#",
		".goutputstream-*",
		"sed??????",
		"tmp_*_??????", // git's tmp_obj_XXXXXX, tmp_pack_XXXXXX, …
		"*.lock", ".~lock.*#",
		"*-journal", "*-wal", "*-shm",
		"*.part", "*.crdownload",
	}
}

// mountOnlyPatterns are the names of files that never become objects.
var mountOnlyPatterns = []string{".DS_Store", "._*", ".nfs*", ".fuse_hidden*"}

// scratchNames tells names that only delay from ordinary ones. The zero value knows none.
type scratchNames struct {
	files   []string
	folders []string
}

func newScratchNames(patterns []string) (scratchNames, error) {
	var s scratchNames
	for _, p := range patterns {
		name, folder := strings.CutSuffix(p, "/")
		if _, err := path.Match(name, ""); err != nil || name == "" || strings.Contains(name, "/") {
			return s, fmt.Errorf("%q is not a pattern for scratch names", p)
		}
		if folder {
			s.folders = append(s.folders, name)
		} else {
			s.files = append(s.files, name)
		}
	}
	return s, nil
}

// match reports whether a file of that path is only on its way to another name.
func (s scratchNames) match(p store.Path) bool {
	name := store.DecodeSegment(p.Base())
	if matches(s.files, name) || mountOnly(p) {
		return true
	}
	for up := p.Parent(); !up.IsRoot(); up = up.Parent() {
		if matches(s.folders, store.DecodeSegment(up.Base())) {
			return true
		}
	}
	return false
}

// mountOnly reports whether a file of that path is never to become an object.
func mountOnly(p store.Path) bool {
	return matches(mountOnlyPatterns, store.DecodeSegment(p.Base()))
}

func matches(patterns []string, name string) bool {
	for _, pattern := range patterns {
		if ok, _ := path.Match(pattern, name); ok {
			return true
		}
	}
	return false
}
