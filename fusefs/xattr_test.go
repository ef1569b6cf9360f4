package fusefs

import (
	"strings"
	"testing"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// says compares what a Python expression has for a value.
func (s *shell) says(expression, want string) {
	s.Helper()
	if got := strings.TrimSpace(s.must("print(" + expression + ")")); got != want {
		s.Errorf("%s says %s, want %s", expression, got, want)
	}
}

func asURLs(c *Config) { c.URLPrefix = "/hatrac" }

func TestExtendedAttributesTellOfTheVersion(t *testing.T) {
	r := newRig(t, asURLs)
	v := r.put("/d/f", "content")
	p := r.python()
	get := func(file, name string) string {
		return `os.getxattr("` + file + `", "user.hatrac.` + name + `").decode()`
	}
	p.says(get("d/f", "version"), v.Version)
	p.says(get("d/f", "url"), "/hatrac/d/f:"+v.Version)
	p.says(get("d/f", "sha256"), "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73")
	p.says(get("d/f", "owner"), "alice")
	p.says(get("d/f", "acl.owner"), "alice")
	p.says(get("d/f", "created"), stampText(v.Created))
	p.says(get("d", "url"), "/hatrac/d")
	p.says(get("d", "owner"), "alice")
	p.says(get("d/f:"+v.Version, "version"), v.Version)
	for _, name := range []string{"md5", "content-type", "acl.read"} {
		p.fails(get("d/f", name), "ENODATA")
	}
	for _, c := range [][2]string{{"d/f", "user.other"}, {"d/f", "user.hatrac.none"}, {"d/f", "user.hatrac.acl.create"}, {"d/f", "security.other"}, {"d", "trusted.other"}, {"d/f;versions", "user.hatrac.url"}} {
		p.fails(`os.getxattr("`+c[0]+`", "`+c[1]+`")`, "ENOTSUP")
		p.fails(`os.setxattr("`+c[0]+`", "`+c[1]+`", b"x")`, "ENOTSUP")
		p.fails(`os.removexattr("`+c[0]+`", "`+c[1]+`")`, "ENOTSUP")
	}
	p.fails(`os.getxattr("d/f", "security.capability")`, "ENOTSUP")
	p.fails(`os.getxattr("d", "system.posix_acl_default")`, "ENOTSUP")
	p.fails(`os.setxattr("d/f", "user.hatrac.version", b"x")`, "ENOTSUP")
	p.says(`[n[12:] for n in os.listxattr("d/f")]`, "['version', 'url', 'created', 'sha256', 'owner', 'acl.owner']")
	p.says(`[n[12:] for n in os.listxattr("d")]`, "['url', 'created', 'owner', 'acl.owner']")
	p.says(`os.listxattr("d/f;versions")`, "[]")
}

func TestListsAndFieldsAreChangedByExtendedAttributes(t *testing.T) {
	r := newRig(t)
	v := r.put("/d/f", "content")
	p := r.python()
	p.must(`os.setxattr("d/f", "user.hatrac.content-type", b"text/plain")`)
	p.says(`os.getxattr("d/f", "user.hatrac.content-type")`, "b'text/plain'")
	p.fails(`os.setxattr("d/f", "user.hatrac.content-type", b"text/html", os.XATTR_CREATE)`, "EEXIST")
	p.fails(`os.setxattr("d/f", "user.hatrac.content-type", b"nonsense")`, "EINVAL")
	p.fails(`os.setxattr("d/f", "user.hatrac.content-type", b"inode/symlink")`, "EINVAL")
	p.must(`os.removexattr("d/f", "user.hatrac.content-type")`)
	p.fails(`os.removexattr("d/f", "user.hatrac.content-type")`, "ENODATA")
	p.fails(`os.setxattr("d/f", "user.hatrac.acl.update", b"bob", os.XATTR_REPLACE)`, "ENODATA")
	p.must(`os.setxattr("d/f", "user.hatrac.acl.update", b"bob\n\n carol \n")`)
	p.says(`os.getxattr("d/f", "user.hatrac.acl.update")`, `b'bob\ncarol'`)
	p.must(`os.setxattr("d", "user.hatrac.acl.subtree-read", b"*")`)
	p.must(`os.setxattr("d/f:` + v.Version + `", "user.hatrac.acl.read", b"dave")`)
	p.must(`os.setxattr("d/f", "user.hatrac.acl.read", b"erin")`)
	for ref, want := range map[store.Ref]acl.Lists{
		{Path: "/d"}:                       {acl.SubtreeRead: {"*"}},
		{Path: "/d/f"}:                     {acl.Update: {"bob", "carol"}, acl.Read: {"erin"}},
		{Path: "/d/f", Version: v.Version}: {acl.Read: {"dave"}},
	} {
		lists, err := r.svc.ACLs(r.Context(), alice, ref)
		if err != nil {
			t.Fatal(err)
		}
		for name, list := range want {
			if got := strings.Join(lists.Lists[name], " "); got != strings.Join(list, " ") {
				t.Errorf("%s of %s is %s", name, ref, got)
			}
		}
	}
	p.must(`os.removexattr("d/f", "user.hatrac.acl.read")`)
	p.fails(`os.getxattr("d/f", "user.hatrac.acl.read")`, "ENODATA")
	// Something always stays owned.
	p.must(`os.removexattr("d/f", "user.hatrac.acl.owner")`)
	p.fails(`os.removexattr(".", "user.hatrac.acl.owner")`, "EINVAL")
	r.count("/d/f", 1)
}

func TestExtendedAttributesShowNoMoreThanTheListsAllow(t *testing.T) {
	r := newRig(t, asBob)
	r.put("/d/secret", "secret")
	v := r.put("/d/shared", "shared")
	r.grant(store.Ref{Path: "/d/shared", Version: v.Version}, acl.Read, "bob")
	p := r.python()
	p.says(`[n[12:] for n in os.listxattr("d/secret")]`, "['version', 'url', 'created']")
	p.says(`[n[12:] for n in os.listxattr("d/shared")]`, "['version', 'url', 'created', 'sha256']")
	p.fails(`os.getxattr("d/secret", "user.hatrac.sha256")`, "EACCES")
	p.fails(`os.getxattr("d/shared", "user.hatrac.acl.read")`, "EACCES")
	p.fails(`os.setxattr("d/shared", "user.hatrac.acl.read", b"*")`, "EACCES")
	p.fails(`os.setxattr("d/shared", "user.hatrac.content-type", b"text/plain")`, "EACCES")
	p.fails(`os.setxattr("d", "user.hatrac.acl.subtree-read", b"*")`, "EACCES")
}

func TestAContentTypeGivenToANewFileGoesIntoItsFirstVersion(t *testing.T) {
	r := newRig(t)
	p := r.python()
	p.must(`fd = os.open("f", os.O_WRONLY | os.O_CREAT); n = os.write(fd, b"one")`)
	p.fails(`os.getxattr(fd, "user.hatrac.version")`, "ENODATA")
	p.must(`os.setxattr(fd, "user.hatrac.content-type", b"text/csv")`)
	p.says(`os.getxattr("f", "user.hatrac.content-type")`, "b'text/csv'")
	p.fails(`os.setxattr(fd, "user.hatrac.acl.read", b"bob")`, "ENOTSUP")
	p.must(`os.close(fd)`)
	r.settled()
	p.says(`os.getxattr("f", "user.hatrac.content-type")`, "b'text/csv'")
	p.must(`fd = os.open("f", os.O_WRONLY | os.O_APPEND); n = os.write(fd, b" two")`)
	p.must(`os.setxattr(fd, "user.hatrac.content-type", b"text/plain")`)
	p.must(`os.close(fd)`)
	r.settled()
	p.says(`os.getxattr("f", "user.hatrac.content-type")`, "b'text/plain'")
	r.holds("/f", "one two")
	r.count("/f", 2)
	// Programs that copy attributes take along what can be, and are quiet about the rest.
	r.expect("cp -a f g && mv g h && cat h", "one two")
	r.settled()
	p.says(`os.getxattr("h", "user.hatrac.content-type")`, "b'text/plain'")
}

func TestWhoeverWritesTakesPrivilegesAway(t *testing.T) {
	r := newRig(t, func(c *Config) { c.AllowOther = true })
	r.sh("echo x > f; chmod 6755 f; echo y >> f; stat -c %a f > mode; cp f g; chmod 6755 g")
	r.expect("cat mode", "6755\n")
	p := r.python()
	p.must(`os.setgroups([]); os.setgid(65534); os.setuid(65534)`)
	p.must(`fd = os.open("f", os.O_WRONLY | os.O_APPEND); n = os.write(fd, b"z")`)
	p.says(`oct(os.fstat(fd).st_mode)`, "0o100755")
	p.must(`os.close(fd); os.truncate("g", 1)`)
	p.says(`oct(os.stat("g").st_mode)`, "0o100755")
	r.settled()
	r.expect("stat -c %a f g", "755\n755\n")
	r.expect("chmod 6755 f; chown 12:34 f; stat -c '%a %u %g' f; chmod 2755 .; chown 12 .; stat -c '%a %u' .", "755 12 34\n2755 12\n")
}
