package fusefs

import (
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

func TestScratchNames(t *testing.T) {
	s, err := newScratchNames(DefaultScratchPatterns())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		".photo.jpg.Ab3dE9":     true,
		".f.swp":                true,
		".f.swo":                true,
		".f.swpx":               true,
		"4913":                  true,
		"f~":                    true,
		".#f":                   true,
		"#f#":                   true,
		".goutputstream-ABC123": true,
		"sedAbCdEf":             true,
		"tmp_obj_Xy12Zz":        true,
		"index.lock":            true,
		".~lock.f.odt#":         true,
		"db-journal":            true,
		"db-wal":                true,
		"db-shm":                true,
		"video.part":            true,
		"video.crdownload":      true,
		".DS_Store":             true,
		"._f":                   true,
		".nfs0001":              true,
		"f":                     false,
		"49130":                 false,
		"sediment":              false,
		".bashrc":               false,
		".gitignore":            false,
		"partial":               false,
		"lock":                  false,
		"wal":                   false,
		"photo.jpg":             false,
		"sedAbCdEfg":            false,
		"swp":                   false,
		".git":                  false,
		"a.swp":                 false,
		"#f":                    false,
	} {
		path, err := store.Path("/dir").Child(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.match(path); got != want {
			t.Errorf("%s: scratch %v, want %v", name, got, want)
		}
	}
}

func TestWhatLiesInAScratchFolderIsScratch(t *testing.T) {
	s, err := newScratchNames(DefaultScratchPatterns())
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[store.Path]bool{
		"/d/.~tmp~/f":          true,
		"/.rsync-partial/f":    true,
		"/d/.~tmp~/deep/f":     true,
		"/d/rsync-partial/f":   false,
		"/d/x.rsync-partial/f": false,
	} {
		if got := s.match(path); got != want {
			t.Errorf("%s: scratch %v, want %v", path, got, want)
		}
	}
}

func TestBrokenScratchPatternsAreRefused(t *testing.T) {
	for _, p := range []string{"[", "a/b", "/", ""} {
		if _, err := newScratchNames([]string{p}); err == nil {
			t.Errorf("%q is taken", p)
		}
	}
}

func TestScratchFilesOfADeletedNamespaceAreKept(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir d; echo text > d/.f.AAAAAA")
	err := r.svc.Delete(r.Context(), alice, service.Delete{Path: "/d", Kind: acl.Namespace})
	if err != nil {
		t.Fatal(err)
	}
	r.unmount()
	if kept := r.kept(); len(kept) != 1 || kept[0].Path != "/d/.f.AAAAAA" || kept[0].Client != "alice" {
		t.Errorf("kept: %+v", kept)
	}
}
