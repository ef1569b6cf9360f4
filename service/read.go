package service

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"time"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// pageSize is the number of rows that one look into the directory fetches at most.
const pageSize = 1000

// Look returns what is bound to a name, and the version that ref means. It needs no right and
// does not follow forwarding: existence is no secret. A name or version that is not there is
// NotFound.
func (s *Service) Look(ctx context.Context, c acl.Client, ref store.Ref) (*Info, error) {
	asked := time.Now()
	v, err := s.resolve(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	if err := v.versionExists(ref); err != nil {
		return nil, err
	}
	info := v.info(ref)
	info.Seen = asked
	return &info, nil
}

// Recall is Look at a name for who asks all the time: the answer may be from memory, if what is
// known is younger than age. Changes of this process that have returned are never missed, whatever
// the age; those of other processes may be. It returns a time when it was so, also with NotFound:
// whoever keeps the answer has to count from then.
//
// Of what is told, Name.Changes and the mark of versions that are not durable may be older.
func (s *Service) Recall(ctx context.Context, c acl.Client, path store.Path, age time.Duration) (*Info, time.Time, error) {
	return recalled(ctx, c, path, age, s.dir.Recall)
}

// RecallRights is Recall for who does not look at the attributes of a namespace, which may be older.
func (s *Service) RecallRights(ctx context.Context, c acl.Client, path store.Path, age time.Duration) (*Info, time.Time, error) {
	return recalled(ctx, c, path, age, s.dir.RecallRights)
}

func recalled(ctx context.Context, c acl.Client, path store.Path, age time.Duration,
	recall func(context.Context, store.Path, time.Duration) (*store.Resolution, time.Time, error),
) (*Info, time.Time, error) {
	r, seen, err := recall(ctx, path, age)
	if err != nil {
		return nil, seen, err
	}
	v := look(c, r)
	if err := v.exists(); err != nil {
		return nil, seen, err
	}
	info := v.info(store.Ref{Path: path})
	info.Seen = seen
	return &info, seen, nil
}

func (s *Service) resolve(ctx context.Context, c acl.Client, ref store.Ref) (view, error) {
	r, err := s.dir.Resolve(ctx, ref.Path, ref.Version)
	if err != nil {
		return view{}, err
	}
	return look(c, r), nil
}

// Found is a resource that the client may read.
type Found struct {
	// Info describes the namespace, or the object with the version that holds the
	// content. Its Ref names that version, also where a rename led to it.
	Info
	bulk store.Bulk
}

// Fetch finds what the client may read under a reference: a namespace, whose children it may
// list, or a version, whose content it may read. References to what was renamed are followed
// as by Follow; then the rights at the new name decide.
func (s *Service) Fetch(ctx context.Context, c acl.Client, ref store.Ref) (*Found, error) {
	info, err := s.Follow(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	if info.IsNamespace() {
		err = info.refuseUnless(acl.ListNamespace, "You may not list this namespace.")
	} else {
		err = info.refuseUnless(acl.ReadContent, "You may not read this version.")
	}
	if err != nil {
		return nil, err
	}
	return &Found{Info: *info, bulk: s.bulk}, nil
}

func noCurrent(path store.Path) error {
	return store.NewError(store.Conflict, string(path), "The object has no current version.")
}

// Open opens the content of the version. The caller closes it. What was deleted a moment ago is
// NotFound, what lives Elsewhere is Internal.
func (f *Found) Open(ctx context.Context) (store.Content, error) {
	if f.Version == nil {
		return nil, store.NewError(store.WrongKind, string(f.Ref.Path), "A namespace has no content.")
	}
	return open(ctx, f.bulk, f.Version)
}

func open(ctx context.Context, bulk store.Bulk, v *store.Version) (store.Content, error) {
	switch {
	case v.HasInline:
		return inlineContent{bytes.NewReader(v.Inline)}, nil
	case v.URL != "":
		return nil, elsewhere(v)
	}
	if opener, ok := bulk.(store.SizedOpener); ok {
		content, err := opener.OpenSized(ctx, v.Address, v.Size)
		return content, store.Wrap(store.Internal, "open content", err)
	}
	content, err := bulk.Open(ctx, v.Address)
	if err != nil {
		return nil, store.Wrap(store.Internal, "open content", err)
	}
	if content.Size() != v.Size {
		_ = content.Close()
		return nil, store.NewError(store.Internal, v.Version, "The stored content of this version is damaged.")
	}
	return content, nil
}

// inlineContent is content that came with its directory row.
type inlineContent struct{ *bytes.Reader }

func (inlineContent) Close() error { return nil }

func (c inlineContent) Section(_ context.Context, off, n int64) (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(c.Reader, off, n)), nil
}

// List returns one page of the children of a namespace, with what the client can be told about
// each.
func (s *Service) List(ctx context.Context, c acl.Client, path store.Path, page ListPage) (*Listing, error) {
	ref := store.Ref{Path: path}
	r, seen, err := s.dir.RecallRights(ctx, path, page.Age)
	if err != nil {
		return nil, err
	}
	v := look(c, r)
	if err := v.exists(); err != nil {
		return nil, err
	}
	if v.Name.Kind != acl.Namespace {
		return nil, store.NewError(store.WrongKind, string(path), "An object has no children.")
	}
	if err := v.may(acl.ListNamespace, "You may not list this namespace."); err != nil {
		return nil, err
	}
	entries, more, err := onePage(page.Limit, func(n int) ([]store.Entry, error) {
		return s.dir.RecallChildren(ctx, r, page.After, n)
	})
	if err != nil {
		return nil, err
	}
	listing := &Listing{Namespace: v.info(ref), Tag: changesTag(v.Name), More: more}
	inside := append(v.enclosing, v.Name.ACLs)
	listing.Children = make([]Info, len(entries))
	for i, e := range entries {
		listing.Children[i] = Info{
			Ref: store.Ref{Path: e.Name.Path}, Name: e.Name, Version: e.Current,
			Seen: seen, client: c, enclosing: inside,
		}
	}
	return listing, nil
}

// onePage fetches a page of at most limit rows, or of pageSize where that is no usable number, and
// tells whether more rows follow. fetch returns at most n rows.
func onePage[Row any](limit int, fetch func(n int) ([]Row, error)) (rows []Row, more bool, err error) {
	if limit <= 0 || limit > pageSize {
		limit = pageSize
	}
	rows, err = fetch(limit + 1)
	if err != nil {
		return nil, false, err
	}
	return rows[:min(len(rows), limit)], len(rows) > limit, nil
}

// changesTag is the entity tag of a list of children or versions.
func changesTag(n *store.Name) string {
	return strconv.FormatInt(n.ID, 36) + "-" + strconv.FormatInt(n.Changes, 36)
}

// Versions returns one page of an object's versions, newest first, beginning with the first
// whose ID is less than before (0: the newest). A namespace has none: NotFound.
func (s *Service) Versions(ctx context.Context, c acl.Client, path store.Path, before int64, limit int) (*VersionListing, error) {
	ref := store.Ref{Path: path}
	v, err := s.resolve(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	if err := v.exists(); err != nil {
		return nil, err
	}
	if v.Name.Kind != acl.Object {
		return nil, store.NewError(store.NotFound, string(path), "A namespace has no versions.")
	}
	if err := v.may(acl.ListVersions, "You may not list the versions of this object."); err != nil {
		return nil, err
	}
	versions, more, err := onePage(limit, func(n int) ([]store.Version, error) {
		return s.dir.Versions(ctx, v.Name.ID, before, n)
	})
	if err != nil {
		return nil, err
	}
	return &VersionListing{Object: v.info(ref), Tag: changesTag(v.Name), Versions: versions, More: more}, nil
}
