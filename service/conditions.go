package service

import (
	"slices"

	"github.com/hatrac/hatrac/store"
)

// Conditions are the conditions of a request by entity tag (RFC 9110 §13.1). They are looked
// at in the transaction of the change that they guard, after rights and state were found in
// order. The zero value always holds.
type Conditions struct {
	// Check, if not nil, is called before the tags are looked at, maybe several times; its
	// error ends the request. A face uses it to report in the right order what is wrong with
	// the rest of the request.
	Check func() error
	// Content, if not nil, is what is wrong with the body of the request. It ends the request
	// when the tags hold: what a body says is looked at last.
	Content error
	// IfMatch, if not nil, holds if the resource has one of the tags.
	IfMatch *Tags
	// IfNoneMatch, if not nil, holds if the resource has none of the tags.
	IfNoneMatch *Tags
}

// Tags is a list of strong entity tags, unquoted, or any tag at all.
type Tags struct {
	Any  bool
	List []string
}

func (t *Tags) match(tag string) bool {
	return tag != "" && (t.Any || slices.Contains(t.List, tag))
}

// Hold answers the error of Check, or Precondition, with the tag, unless the conditions hold for
// a resource that has that tag, and then Content; an empty tag means that there is no such
// resource yet.
func (c Conditions) Hold(tag string) error {
	if c.Check != nil {
		if err := c.Check(); err != nil {
			return err
		}
	}
	if c.IfMatch != nil && !c.IfMatch.match(tag) || c.IfNoneMatch != nil && c.IfNoneMatch.match(tag) {
		return &store.Error{Kind: store.Precondition, Tag: tag}
	}
	return c.Content
}
