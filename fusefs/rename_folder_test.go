package fusefs

import (
	"strings"
	"testing"

	"github.com/hatrac/hatrac/service"
)

func TestMovingANamespaceTakesEverythingAlong(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir -p a/sub/deep to; echo one >a/sub/f; echo two >a/sub/f; ln -s f a/sub/link; touch a/.s.ABCDEF")
	before := r.sh("stat -c %i a a/sub a/sub/f")
	r.sh("ls -lR a; cat a/sub/f")
	r.expect("ls 'a/sub/f;versions' .versions a/sub/.versions/f | wc -l", "9\n")
	r.sh("mv a to/b")
	r.refused("ls a", "No such file")
	r.expect("cat to/b/sub/f to/b/sub/link", "two\ntwo\n")
	r.expect("stat -c %i to/b to/b/sub to/b/sub/f", before)
	r.expect("ls 'to/b/sub/f;versions' | wc -l", "2\n")
	r.expect("ls -A to/b", ".s.ABCDEF\nsub\n")
	r.expect("echo three >to/b/sub/f; cat to/b/sub/f; ls", "three\nto\n")
	r.sh("mkdir a && echo new >a/sub")
	r.expect("cat a/sub to/b/sub/f", "new\nthree\n")
	r.sh("rm -r a to/b")
	r.expect("ls -A to", "")
}

func TestOpenDraftsMoveWithTheirNamespace(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir -p a/sub; echo old >a/sub/stored")
	s := r.open()
	s.must("exec 5<a/sub/stored 3>a/sub/new 4>>a/sub/stored")
	s.must("echo one >&3")
	r.sh("mv a b; mkdir -p a/sub")
	s.must("echo two >&3; echo more >&4; exec 3>&- 4>&-")
	r.expect("cat b/sub/new; cat b/sub/stored; ls a/sub", "one\ntwo\nold\nmore\n")
	if got := s.must("cat <&5"); got != "old\n" {
		t.Errorf("who had the version open reads %q", got)
	}
	r.expect("ls 'b/sub/new;versions' | wc -l", "2\n")
}

func TestANamespaceMovesOntoAnEmptyOneOnly(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir -p a/x full/y empty; echo f >file")
	rename := func(from, to string) string {
		return `python3 -c 'import os; os.rename("` + from + `", "` + to + `")'`
	}
	r.refused(rename("a", "full"), "Directory not empty")
	r.refused(rename("a", "file"), "Not a directory")
	r.refused(rename("file", "a"), "Is a directory")
	r.refused(rename("a", "a/x/y"), "Invalid argument")
	r.refused(rename("none", "b"), "No such file")
	s := r.open()
	s.must("exec 3>empty/draft")
	r.refused(rename("a", "empty"), "Directory not empty")
	s.must("exec 3>&-; rm empty/draft")
	r.sh(rename("a", "empty"))
	r.expect("ls; ls empty", "empty\nfile\nfull\nx\n")
	r.sh(rename("empty", "a"))
	r.sh("rm -r full; mv a full")
	r.expect("ls -R full", "full:\nx\n\nfull/x:\n")
}

func TestANamespaceMovedByOthersIsFollowed(t *testing.T) {
	r := newRig(t)
	r.sh("mkdir -p a/sub; echo one >a/sub/f; cat a/sub/f")
	s := r.open()
	s.must("exec 3>a/sub/new; echo draft >&3")
	if _, err := r.svc.MoveNamespace(t.Context(), alice, service.MoveNamespace{Source: "/a", Target: "/b"}); err != nil {
		t.Fatal(err)
	}
	s.must("exec 3>&-")
	r.expect("cat b/sub/new b/sub/f", "draft\none\n")
	r.refused("ls a", "No such file")
}

func TestRotatingNamespacesWhileTheyAreWritten(t *testing.T) {
	r := newRig(t)
	r.sh(`mkdir -p logs; : >stop-not
( i=0; while [ $i -lt 150 ]; do echo $i >logs/$i 2>/dev/null && echo $i; i=$((i+1)); done >written ) &
for n in $(seq 20); do mv logs old-$n && mkdir logs; done; wait`)
	written := strings.Fields(r.sh("sort -n written"))
	found := strings.Fields(r.sh("cat old-*/* logs/* 2>/dev/null | sort -n"))
	seen := make(map[string]bool)
	for _, one := range found {
		seen[one] = true
	}
	for _, one := range written {
		if !seen[one] {
			t.Errorf("what was written to %s is nowhere", one)
		}
	}
	if len(written) == 0 {
		t.Error("nothing was written")
	}
}
