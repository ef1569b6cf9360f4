package fusefs

import (
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/hatrac/hatrac/store"
)

// maxFileName is the longest file name in bytes that is created.
const maxFileName = store.MaxSegment

// fileName returns the name under which a segment of a path is shown: its decoded bytes, or
// the segment as it is encoded if those cannot be a file name.
func fileName(segment string) string {
	if raw := store.DecodeSegment(segment); fits(raw) {
		return raw
	}
	return segment
}

// fits reports whether raw bytes can be a file name.
func fits(raw string) bool {
	return raw != "" && raw != "." && raw != ".." && len(raw) <= maxFileName && !strings.ContainsAny(raw, "/\x00")
}

// limiting answers ENAMETOOLONG where a name that is longer than any can be does not exist.
type limiting struct{ fuse.RawFileSystem }

// Lookup implements fuse.RawFileSystem.
func (l limiting) Lookup(cancel <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	status := l.RawFileSystem.Lookup(cancel, header, name, out)
	if missing := status == fuse.ENOENT || status.Ok() && out.NodeId == 0; missing && len(name) > maxFileName {
		return fuse.Status(syscall.ENAMETOOLONG)
	}
	return status
}

// literal returns the path of a file name in a namespace, taken byte by byte.
func literal(parent store.Path, name string) (store.Path, error) { return parent.Child(name) }

// encoded returns the path of a file name that is the encoded form of a segment which cannot
// be a file name itself. Such a name is looked for after the literal one.
func encoded(parent store.Path, name string) (store.Path, bool) {
	if !strings.Contains(name, "%") && len(name) <= maxFileName {
		return "", false
	}
	raw := store.DecodeSegment(name)
	if fits(raw) || store.EncodeSegment(raw) != name {
		return "", false
	}
	path, err := parent.Child(raw)
	return path, err == nil
}

// versionsSuffix makes the name of an object the name of the directory of its versions.
const versionsSuffix = ";versions"

// splitVersion splits NAME:VERSION.
func splitVersion(name string) (object, version string, ok bool) {
	i := strings.LastIndexByte(name, ':')
	if i <= 0 || i == len(name)-1 {
		return "", "", false
	}
	return name[:i], name[i+1:], true
}

// splitVersions takes the suffix from NAME;versions.
func splitVersions(name string) (object string, ok bool) {
	object, ok = strings.CutSuffix(name, versionsSuffix)
	return object, ok && object != ""
}

// maybeVirtual reports whether a name that is not bound may come to mean something else than
// a name of the store, so that nobody may remember that it does not exist.
func maybeVirtual(name string) bool {
	_, _, version := splitVersion(name)
	_, versions := splitVersions(name)
	return version || versions || name == historyName || name == snapshotsName
}
