package fusefs

import (
	"context"
	"encoding/hex"
	"strings"
	"syscall"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/service"
	"github.com/hatrac/hatrac/store"
)

// Extended attributes begin with this; there are no others.
const xattrPrefix = "user.hatrac."

// The extended attributes, without the prefix. An access control list is xattrList with the name
// of the list behind, one role a line.
const (
	xattrVersion = "version"
	xattrURL     = "url"
	xattrSHA256  = "sha256"
	xattrMD5     = "md5"
	xattrOwner   = "owner"
	xattrCreated = "created"
	xattrType    = service.FieldContentType
	xattrSaveAs  = service.FieldContentDisposition
	xattrList    = "acl."
)

// subject is what extended attributes tell about.
type subject struct {
	info *service.Info // nil for a file that is no version yet
	kind acl.Kind      // whose lists are shown: acl.Version or that of the name
	// frozen is set where nothing can be changed.
	frozen bool
	// declared is what was said about a file that is no version yet.
	declared store.Metadata
}

// ref names what changes apply to: the version whose fields are shown.
func (s *subject) ref() store.Ref {
	ref := store.Ref{Path: s.info.Name.Path}
	if s.info.Version != nil {
		ref.Version = s.info.Version.Version
	}
	return ref
}

// listRef names what has the lists that are shown.
func (s *subject) listRef() store.Ref {
	if s.kind == acl.Version {
		return s.ref()
	}
	return store.Ref{Path: s.info.Name.Path}
}

// xattrNames returns the names of the attributes that are set and that the client may see.
func (m *Mount) xattrNames(s *subject) []string {
	names := []string{
		xattrVersion, xattrURL, xattrCreated, xattrSHA256, xattrMD5, xattrType, xattrSaveAs, xattrOwner,
	}
	for _, list := range s.kind.Names() {
		names = append(names, xattrList+string(list))
	}
	var set []string
	for _, name := range names {
		if value, err := m.xattr(s, name); err == nil && value != "" {
			set = append(set, name)
		}
	}
	return set
}

// xattr returns the value of an attribute; ENODATA if it is not set, EOPNOTSUPP if there is none of
// this name.
func (m *Mount) xattr(s *subject, name string) (string, error) {
	value, err := m.xattrText(s, name)
	if err == nil && value == "" {
		return "", syscall.ENODATA
	}
	return value, err
}

func (m *Mount) xattrText(s *subject, name string) (string, error) {
	list, isList := strings.CutPrefix(name, xattrList)
	switch {
	case isList && !s.kind.Has(acl.Name(list)):
		return "", syscall.EOPNOTSUPP
	case s.info == nil && name == xattrType:
		return s.declared.ContentType, nil
	case s.info == nil && name == xattrSaveAs:
		return s.declared.ContentDisposition, nil
	case s.info == nil:
		return "", nil
	case isList:
		return s.list(acl.Name(list))
	}
	switch name {
	case xattrURL:
		return m.cfg.URLPrefix + s.ref().String(), nil
	case xattrOwner:
		return s.list(acl.Owner)
	case xattrCreated:
		if v := s.info.Version; v != nil {
			return stampText(v.Created), nil
		}
		return stampText(s.info.Name.Created), nil
	}
	return s.field(name)
}

func stampText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// list returns one access control list to those who may manage it.
func (s *subject) list(name acl.Name) (string, error) {
	lists, err := s.info.Lists(s.kind)
	if err != nil {
		return "", err
	}
	return strings.Join(lists.Lists[name], "\n"), nil
}

// field returns what a version says of its content to those who may read that.
func (s *subject) field(name string) (string, error) {
	v := s.info.Version
	var text string
	switch {
	case v == nil && isField(name):
		return "", nil
	case name == xattrVersion:
		return v.Version, nil
	case name == xattrSHA256 && v.SHA256 != nil:
		text = hex.EncodeToString(v.SHA256)
	case name == xattrSHA256:
		text = hex.EncodeToString(v.Metadata.SHA256)
	case name == xattrMD5:
		text = hex.EncodeToString(v.Metadata.MD5)
	case name == xattrType:
		text = v.Metadata.ContentType
	case name == xattrSaveAs:
		text = v.Metadata.ContentDisposition
	default:
		return "", syscall.EOPNOTSUPP
	}
	if !s.info.May(acl.ReadContent) {
		return "", syscall.EACCES
	}
	return text, nil
}

// isField reports whether an attribute tells of a version.
func isField(name string) bool {
	switch name {
	case xattrVersion, xattrSHA256, xattrMD5, xattrType, xattrSaveAs:
		return true
	}
	return false
}

// changeXattr sets an attribute, or removes it. What cannot be changed by this way is EOPNOTSUPP,
// so that programs which copy attributes go on quietly.
func (m *Mount) changeXattr(ctx context.Context, s *subject, name, value string, remove bool) error {
	list, isList := strings.CutPrefix(name, xattrList)
	switch {
	case s.info == nil:
		return syscall.EOPNOTSUPP
	case isList && s.kind.Has(acl.Name(list)):
		return m.svc.SetACL(ctx, m.client(ctx), s.listRef(), service.ACLChange{
			Op: service.ReplaceList, List: acl.Name(list), Entries: roles(value),
		})
	case (name == xattrType || name == xattrSaveAs) && s.info.Version != nil:
		return m.svc.SetMetadata(ctx, m.client(ctx), s.ref(), service.MetadataChange{Field: name, Value: value, Clear: remove})
	}
	return syscall.EOPNOTSUPP
}

// roles are the lines of a list that are not empty.
func roles(text string) []string {
	var entries []string
	for line := range strings.Lines(text) {
		if entry := strings.TrimSpace(line); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}
