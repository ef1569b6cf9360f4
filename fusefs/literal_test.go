package fusefs

import "testing"

func TestVirtualNamesCanBeMade(t *testing.T) {
	for name, script := range map[string]string{
		"mkdir":              "mkdir d/.versions .snapshots 'd/f;versions'; touch d/.versions/f .snapshots/x 'd/f;versions/x'",
		"mkdir -p":           "mkdir -p d/.versions/.versions/x d/.versions/f/x .snapshots/2020-01-01",
		"mkdir after a look": "ls d/.versions/f >/dev/null; stat d/.versions >/dev/null; mkdir d/.versions; touch d/.versions/f",
		"a file":             `python3 -c 'for name in "d/.versions", ".snapshots", "d/f;versions": open(name, "x").close()'; test -f d/.versions; echo y > .snapshots; cat .snapshots`,
		"a link":             "ln -s f d/.versions; ln -s x .snapshots; readlink d/.versions .snapshots",
		"a rename":           "echo x > y; mv y d/.versions; mkdir z; mv -T z .snapshots; mkdir w; mv w 'd/f;versions'; test -f d/.versions",
		"python":             `python3 -c 'import os; os.makedirs("d/.versions/a/b", exist_ok=True); open("d/.versions/f", "x").close(); os.makedirs(".snapshots/a")'`,
		"a change in it":     "touch d/.versions; touch d/.versions/f; ls -A d/.versions | grep -qx f; chmod 700 .snapshots; test $(stat -c %a .snapshots) = 700",
		"from inside":        "cd d/.versions; touch e; touch f; echo x > g; mkdir h; echo y > h/i; mv g h/g; cat h/g h/i; ls; ls h; ln -s f l; rm f; cd ../..; ls -A d/.versions; cat d/.versions/h/i",
		"into it":            "echo x > x; cp x d/.versions/; mv x .snapshots/; cat d/.versions/x .snapshots/x",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.put("/d/f", "f")
			r.expect("ls d/.versions; ls -A .snapshots; ls d/f\\;versions | wc -l", "f\n1\n")
			r.sh("set -e; " + script)
			r.settled()
		})
	}
}

func TestAVirtualDirectoryIsBackWhenItsNameIsFree(t *testing.T) {
	r := newRig(t)
	r.put("/d/f", "f")
	r.sh("mkdir d/.versions; touch d/.versions/g")
	r.expect("ls d/.versions", "g\n")
	r.sh("rm -r d/.versions")
	r.expect("ls d/.versions; cat d/.versions/f/*", "f\nf")
	r.sh("touch d/.versions/x; rm -r d/.versions")
	r.expect("ls d/.versions", "f\n")
}

// TestOnlyWhoMayCreateReplacesAVirtualDirectory: for all others it is what it was.
func TestOnlyWhoMayCreateReplacesAVirtualDirectory(t *testing.T) {
	r := newRig(t, asBob)
	r.put("/d/f", "f")
	r.refused("mkdir d/.versions", "File exists")
	for _, script := range []string{"touch d/.versions", "touch d/.versions/x", "mkdir d/.versions/x", "chmod 700 d/f\\;versions"} {
		r.refused(script, "Read-only file system")
	}
	shown := newRig(t, func(c *Config) { c.ShowVersions = true })
	shown.put("/d/f", "f")
	shown.refused("chmod -R 700 d", "Read-only file system")
	shown.expect("ls d/.versions", "f\n")
	shown.sh("mkdir d/.versions")
	shown.expect("ls -A d/.versions", ".versions\n")
}

// TestLookingAtVersionsMakesNoNames: what programs put beside a file that they show is no reason to
// hide the versions.
func TestLookingAtVersionsMakesNoNames(t *testing.T) {
	r := newRig(t)
	r.put("/d/f", "f")
	for _, script := range []string{
		"touch d/.versions/.DS_Store", "touch d/f\\;versions/.f.swp", "touch d/.versions/f/.x.swp", "touch d/.versions/f/x",
		"mkdir d/.versions/f/x", "touch d/.versions/f", "rmdir d/.versions", "rmdir d/.versions/f", "mv d/.versions/f d/x",
	} {
		r.refused(script, "Read-only file system")
	}
	r.refused("mv d/.versions d/x", "Read-only file system")
	r.expect("ls -A d; ls d/.versions", "f\nf\n")
}

// awkward is a tree of names that are virtual ones in a mount.
const awkward = `
src=$(mktemp -d); trap 'rm -rf $src' EXIT
mkdir -p $src/.versions/f $src/.versions/.versions $src/.snapshots/2020-01-01 $src/sub/.versions $src/sub/.snapshots "$src/sub/g;versions"
echo 1 > $src/f; echo 2 > $src/.versions/f/x; echo 3 > $src/.versions/g; echo 4 > $src/.versions/.versions/f
echo 5 > $src/.snapshots/2020-01-01/f; echo 6 > $src/sub/g; echo 7 > $src/sub/.versions/g; echo 8 > "$src/sub/g;versions/g:1"
echo 9 > "$src/f:1"; echo 10 > $src/sub/.snapshots/x; echo 11 > $src/g
chmod 750 $src/.versions; chmod 555 $src/sub/.snapshots; touch -d 2001-02-03T04:05:06.123456789 $src/.versions $src/.snapshots $src/sub/.versions
same() { test -z "$(rsync -aicn --delete $src/ "$1/")" || { rsync -aicn --delete $src/ "$1/"; exit 1; }; }
`

func TestTreesWithVirtualNamesRoundTrip(t *testing.T) {
	copies := map[string]string{
		"rsync":           "rsync -a $src/ .",
		"rsync --inplace": "rsync -a --inplace $src/ .",
		"rsync --delay":   "rsync -a --delay-updates $src/ .",
		"cp":              "cp -a $src d; mv d/.[!.]* d/* .; rmdir d; touch -r $src .; chmod --reference=$src .",
		"tar":             "tar c -C $src . | tar xp",
	}
	for name, script := range copies {
		// Once into nothing, and once where the virtual directories have something to show.
		for _, before := range []string{"", "echo f > f; mkdir sub; echo g > sub/g; echo g > g; touch -d @0 f g sub/g; "} {
			t.Run(name+before, func(t *testing.T) {
				r := newRig(t)
				if name == "cp" && before != "" {
					before = "" // it has no directory of its own then
				}
				r.sh("set -e; " + before + awkward + script + `; same .; test -z "$(rsync -ai $src/ .)"; out=$(mktemp -d); rsync -a ./ $out/; same $out; rm -r $out`)
				r.settled()
				if got := r.versions("/sub/g"); before == "" && len(got) != 1 {
					t.Errorf("a file has the versions %v", got)
				}
			})
		}
	}
}

func TestGitTakesVirtualNames(t *testing.T) {
	r := newRig(t)
	r.sh(`set -e; export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=e
` + awkward + `git init -q $src; git -C $src add -A; git -C $src commit -qm m; git clone -q $src c; cd c; git fsck; test -z "$(git status --porcelain)"
git rm -rq .versions sub; git reset -q --hard; cat .versions/f/x sub/.versions/g; test -z "$(git status --porcelain)"`)
}

func TestAPathLeadsToItsLastName(t *testing.T) {
	for _, c := range []struct {
		path, parent, name string
		want               bool
	}{
		{".versions", "d", ".versions", true},
		{"/a/d/.versions/", "d", ".versions", true},
		{"./.versions/.", "d", ".versions", true},
		{"d/.versions/x", "d", ".versions", false},
		{".versions/.versions", "d", ".versions", false},
		{".versions/.versions", ".versions", ".versions", true},
		{"a/.versions/b/.versions", "b", ".versions", true},
		{"a/.versions/b/.versions", "a", ".versions", false},
		{"", "d", ".versions", false},
	} {
		if got := namedLast(c.path, c.parent, c.name); got != c.want {
			t.Errorf("%q in %s: %v", c.path, c.parent, got)
		}
	}
}
