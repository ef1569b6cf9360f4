package store

import (
	"context"
	"errors"
	"fmt"
)

// ErrorKind says what went wrong in terms that every face can answer in: rest has one table
// from kinds to HTTP statuses, fusefs one from kinds to errno.
type ErrorKind uint8

// The kinds of errors. An error that has none is Internal.
const (
	// Internal is a fault of the program or of what it stands on.
	Internal ErrorKind = iota
	// NotFound: no such resource, or a deleted one.
	NotFound
	// Exists: the name is bound already.
	Exists
	// WrongKind: a namespace was needed where an object stands, or the other way round.
	WrongKind
	// NotEmpty: the namespace still has children.
	NotEmpty
	// Unauthenticated: an anonymous client may not do this.
	Unauthenticated
	// Denied: this client may not do this.
	Denied
	// Precondition: a condition of the request does not hold.
	Precondition
	// Conflict: the state of the resource does not allow this.
	Conflict
	// Invalid: the request is malformed.
	Invalid
	// TooLong: a name is longer than names may be.
	TooLong
	// TooLarge: the content is larger than the configuration allows.
	TooLarge
	// LengthRequired: the size of the content has to be told beforehand.
	LengthRequired
	// ReadOnly: the resource or the store does not take changes.
	ReadOnly
	// NoSpace: the storage is full, or a quota is reached.
	NoSpace
	// Unavailable: a back end does not answer or lost the connection; try again later.
	Unavailable
	// Interrupted: the one who asked has gone.
	Interrupted
)

// Error is the one error type between the layers.
type Error struct {
	// Kind classifies the error.
	Kind ErrorKind
	// Resource names what the error is about, as the client named it; it may be empty.
	Resource string
	// Message is one sentence for the client. It holds no path of the server's file
	// system, no SQL and no secret. If it is empty, the client is told the kind alone.
	Message string
	// Tag is, with Precondition, the entity tag that the resource has now, unquoted.
	Tag string
	// Err is the cause, for the log only.
	Err error
}

// NewError returns an error with a sentence for the client.
func NewError(kind ErrorKind, resource, message string) *Error {
	return &Error{Kind: kind, Resource: resource, Message: message}
}

// Wrap returns an error of the kind that carries what a back end said, for the log: doing is
// the operation ("read content"). The client is told the kind alone. A cause that is an Error
// already keeps its kind and what it tells the client.
func Wrap(kind ErrorKind, doing string, cause error) error {
	if cause == nil {
		return nil
	}
	var wrapped Error
	var known *Error
	if errors.As(cause, &known) {
		wrapped = *known
	}
	if wrapped.Kind = KindOf(cause); wrapped.Kind == Internal {
		wrapped.Kind = kind
	}
	wrapped.Err = fmt.Errorf("%s: %w", doing, cause)
	return &wrapped
}

// Error returns the whole story, for the log.
func (e *Error) Error() string {
	text := e.Message
	if text == "" {
		text = e.Kind.Sentence()
	}
	if e.Resource != "" {
		text = e.Resource + ": " + text
	}
	if e.Err != nil {
		text += " (" + e.Err.Error() + ")"
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err: that of the outermost Error in its chain, Interrupted and
// Unavailable for what a context says, else Internal.
func KindOf(err error) ErrorKind {
	var known *Error
	switch {
	case errors.As(err, &known):
		return known.Kind
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	}
	return Internal
}

// Sentence returns what a client may be told about err.
func Sentence(err error) string {
	var known *Error
	if errors.As(err, &known) && known.Message != "" {
		return known.Message
	}
	return KindOf(err).Sentence()
}

// Sentence returns the sentence for clients that tells the kind alone.
func (k ErrorKind) Sentence() string {
	switch k {
	case NotFound:
		return "The resource does not exist."
	case Exists:
		return "The name is in use already."
	case WrongKind:
		return "The resource is of another kind."
	case NotEmpty:
		return "The namespace is not empty."
	case Unauthenticated:
		return "This needs a login."
	case Denied:
		return "This is not allowed for you."
	case Precondition:
		return "A condition of the request does not hold."
	case Conflict:
		return "The state of the resource does not allow this."
	case Invalid:
		return "The request is malformed."
	case TooLong:
		return "The name is too long."
	case TooLarge:
		return "The content is too large."
	case LengthRequired:
		return "The length of the content is required."
	case ReadOnly:
		return "The resource cannot be changed."
	case NoSpace:
		return "The storage is full."
	case Unavailable:
		return "The storage does not answer; please try again later."
	case Interrupted:
		return "The request was interrupted."
	}
	return "The server failed to do this; the request id leads to the details in its log."
}
