package service

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"

	"github.com/hatrac/hatrac/acl"
	"github.com/hatrac/hatrac/store"
)

// Limits of one access control list.
const (
	maxEntries = 4096
	maxEntry   = 1024 // bytes
)

// Lists are the access control lists of a resource as a client that may manage them sees them.
type Lists struct {
	Kind acl.Kind
	// Lists has every list that the kind has; those without entries are empty, not nil.
	Lists acl.Lists
}

// Tag is the entity tag of all lists together.
func (l *Lists) Tag() string {
	var words []string
	for _, name := range l.Kind.Names() {
		words = append(words, string(name), l.ListTag(name))
	}
	return tagOf(words...)
}

// ListTag is the entity tag of one list.
func (l *Lists) ListTag(name acl.Name) string {
	return tagOf(append([]string{string(name)}, l.Lists[name]...)...)
}

// EntryTag is the entity tag of one entry; it is empty if the list does not have it.
func (l *Lists) EntryTag(name acl.Name, entry string) string {
	if !slices.Contains(l.Lists[name], entry) {
		return ""
	}
	return l.ListTag(name)
}

// tagOf makes an entity tag of words: equal if and only if the words are.
func tagOf(words ...string) string {
	h := sha256.New()
	for _, w := range words {
		h.Write([]byte(strconv.Itoa(len(w))))
		h.Write([]byte{':'})
		h.Write([]byte(w))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:12])
}

func listsOf(kind acl.Kind, own acl.Lists) *Lists {
	l := &Lists{Kind: kind, Lists: make(acl.Lists)}
	for _, name := range kind.Names() {
		l.Lists[name] = append(acl.List{}, own[name]...)
	}
	return l
}

// notOwned refuses to show or change lists.
const notOwned = "You do not own this."

// lists returns the lists of what ref means: a version only where one is named.
func (v view) lists(ref store.Ref) (*Lists, acl.Scope, error) {
	if err := v.versionExists(ref); err != nil {
		return nil, acl.Scope{}, err
	}
	if ref.Version != "" {
		scope := acl.Scope{Kind: acl.Version, Own: v.Version.ACLs, Object: v.Name.ACLs, Enclosing: v.enclosing}
		return listsOf(acl.Version, v.Version.ACLs), scope, v.mayVersion(acl.ManageACL, v.Version, notOwned)
	}
	scope := acl.Scope{Kind: v.Name.Kind, Own: v.Name.ACLs, Enclosing: v.enclosing}
	return listsOf(v.Name.Kind, v.Name.ACLs), scope, v.may(acl.ManageACL, notOwned)
}

// ACLs returns the lists of a name, or of a version if ref names one.
func (s *Service) ACLs(ctx context.Context, c acl.Client, ref store.Ref) (*Lists, error) {
	v, err := s.resolve(ctx, c, ref)
	if err != nil {
		return nil, err
	}
	lists, _, err := v.lists(ref)
	if err != nil {
		return nil, err
	}
	return lists, nil
}

// ACLOp is what to do with a list.
type ACLOp uint8

// The changes of a list.
const (
	ReplaceList ACLOp = iota + 1 // with Entries
	AddEntry                     // Entry, if it is not there
	RemoveEntry                  // Entry, or NotFound
)

// ACLChange asks to change one list.
type ACLChange struct {
	Op      ACLOp
	List    acl.Name
	Entries []string
	Entry   string
	// Conditions guard the list, or with AddEntry and RemoveEntry the entry.
	Conditions
}

// SetACL changes one access control list of a name, or of a version if ref names one. Invalid: the
// kind has no such list, or nobody would own the resource any more.
func (s *Service) SetACL(ctx context.Context, c acl.Client, ref store.Ref, change ACLChange) error {
	if err := gate(c, s.firewall.ManageACLs, ref.Path); err != nil {
		return err
	}
	return s.describe(ctx, c, ref, func(tx store.Tx, v view) error {
		lists, scope, err := v.lists(ref)
		if err != nil {
			return err
		}
		if !lists.Kind.Has(change.List) {
			return noSuchList(lists.Kind, change.List)
		}
		if err := change.hold(lists); err != nil {
			return err
		}
		list, err := change.apply(lists.Lists[change.List], ref)
		if err != nil {
			return err
		}
		if err := checkList(list); err != nil {
			return err
		}
		if err := tell(ctx, tx, Change{Action: Described, Path: ref.Path, Kind: v.Name.Kind, Version: ref.Version}); err != nil {
			return err
		}
		scope.Own = scope.Own.Clone()
		scope.Own[change.List] = list
		if !acl.Owned(scope) {
			return store.NewError(store.Invalid, ref.String(), "After this change nobody would own the resource any more.")
		}
		if ref.Version != "" {
			if err := settled(ref.Path, v.Version); err != nil {
				return err
			}
			return tx.SetVersionACLs(ctx, v.Version.ID, scope.Own)
		}
		return tx.SetNameACLs(ctx, v.Name.ID, scope.Own)
	})
}

func (change ACLChange) hold(lists *Lists) error {
	if change.Op == ReplaceList {
		return change.Hold(lists.ListTag(change.List))
	}
	return change.Hold(lists.EntryTag(change.List, change.Entry))
}

func (change ACLChange) apply(list acl.List, ref store.Ref) (acl.List, error) {
	at := slices.Index(list, change.Entry)
	switch change.Op {
	case AddEntry:
		if at < 0 {
			list = append(list, change.Entry)
		}
		return list, nil
	case RemoveEntry:
		if at < 0 {
			return nil, store.NewError(store.NotFound, ref.String(), "The list has no such entry.")
		}
		return slices.DeleteFunc(list, func(entry string) bool { return entry == change.Entry }), nil
	default:
		return slices.Clone(change.Entries), nil
	}
}

func noSuchList(kind acl.Kind, name acl.Name) error {
	return store.NewError(store.Invalid, string(name), "A "+kind.String()+" has no access control list of this name.")
}

func checkList(list acl.List) error {
	if len(list) > maxEntries {
		return store.NewError(store.Invalid, "", "An access control list can have at most 4096 entries.")
	}
	for _, entry := range list {
		if len(entry) > maxEntry {
			return store.NewError(store.Invalid, "", "An entry of an access control list can have at most 1024 bytes.")
		}
	}
	return nil
}
