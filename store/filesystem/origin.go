package filesystem

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/hatrac/hatrac/store"
)

// What the original server stored lies where it left it: in the file NAME:VERSION below the root,
// NAME percent-encoded as it is. It is opened and removed, never moved, and no sweep looks at
// it. An upload that was under way there is the file NAME:JOB, into which chunks are written
// further. Folders and links that lead out of the root are not followed.

// parseOrigin returns the place of what the original server stored.
func parseOrigin(a store.Address) (place, error) {
	o, ok := store.ParseOrigin(a)
	if !ok || strings.ContainsAny(o.Version, "/\x00") || strings.Contains(o.Name, "\x00") {
		return place{}, fail("parse address", errAddress)
	}
	var segments []string
	for segment := range strings.SplitSeq(o.Name, "/") {
		switch segment {
		case "", ".": // as the system reads them
		case "..":
			return place{}, fail("parse address", errAddress)
		default:
			segments = append(segments, segment)
		}
	}
	if len(segments) == 0 || strings.HasPrefix(segments[0], ":") {
		return place{}, fail("parse address", errAddress) // the folders of the package itself
	}
	return place{origin: filepath.Join(segments...) + ":" + o.Version}, nil
}

// VersionID implements store.Namer: an upload that the original server began becomes a version
// with the id of the upload, by which its file is found.
func (b *Bulk) VersionID(a store.Address) string {
	o, _ := store.ParseOrigin(a)
	return o.Version
}

// UploadAddress implements store.Heir.
func (b *Bulk) UploadAddress(name, job string) (store.Address, error) {
	return store.Origin{Name: name, Version: job}.Address(), nil
}

// HoldsUnrecorded implements store.Recaller.
func (b *Bulk) HoldsUnrecorded(a store.Address) bool {
	_, ok := store.ParseOrigin(a)
	return ok
}

// openAt opens the file at a place.
func (b *Bulk) openAt(p place, op string, flags int) (*os.File, error) {
	if p.origin == "" {
		return b.disk.Open(op, p.path(b.content), flags)
	}
	return b.disk.OpenBeneath(op, b.beneath, p.origin, flags)
}
