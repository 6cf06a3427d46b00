// Package problem names what can be wrong with a request, without knowing HTTP.
//
// A caller's mistake is a problem; everything else is an ordinary error and becomes a
// 500 that says nothing. Kind to status, title and body is one table, in shared/api.
//
//	return problem.NotFound("trust", id)
package problem

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what is wrong.
type Kind int

// Kinds of problem.
const (
	KindInvalid          Kind = iota + 1 // 400: an attribute, named
	KindUnauthorized                     // 401: one generic text whatever the cause
	KindForbidden                        // 403
	KindNotFound                         // 404
	KindMethodNotAllowed                 // 405
	KindConflict                         // 409
	KindGone                             // 410
	KindPrecondition                     // 412
	KindTooLarge                         // 413
	KindUnsupportedMedia                 // 415
	KindTooMany                          // 429
	KindUnavailable                      // 503
)

// Error is a problem. Message is for the caller; Cause is for the log and nowhere else.
type Error struct {
	Kind       Kind
	Message    string
	Cause      error
	RetryAfter time.Duration  // TooMany, Unavailable
	Allow      []string       // MethodNotAllowed
	Extra      map[string]any // further members of the error body (C-009)
	Explain    any            // what was found, as a member beside the error; nil: none
}

// Error prints the public face only.
func (e *Error) Error() string { return e.Message }

// Unwrap gives the private cause.
func (e *Error) Unwrap() error { return e.Cause }

// Because keeps a private cause for the log.
func (e *Error) Because(cause error) *Error { e.Cause = cause; return e }

// As finds a problem in an error.
func As(err error) (*Error, bool) {
	var p *Error
	ok := errors.As(err, &p)
	return p, ok
}

// Is reports whether err is a problem of this kind.
func Is(err error, k Kind) bool {
	p, ok := As(err)
	return ok && p.Kind == k
}

// Invalid says which attribute is wrong and what it must be: Invalid("trust.remaining_uses",
// "must be an integer of 1 or more").
func Invalid(attribute, must string) *Error {
	return &Error{Kind: KindInvalid, Message: fmt.Sprintf("Invalid input for %s: it %s.", attribute, must)}
}

// Unauthorized is the one answer to whoever is not let in. The cause goes to the log.
func Unauthorized(cause error) *Error {
	return &Error{Kind: KindUnauthorized, Message: "The request you have made requires authentication.", Cause: cause}
}

// Forbidden names the action that policy refused: Forbidden("identity:create_trust").
func Forbidden(action string) *Error {
	return &Error{Kind: KindForbidden, Message: "You are not authorized to perform the requested action: " + action + "."}
}

// ForbiddenBecause refuses for a security condition that is not a matter of policy.
func ForbiddenBecause(reason string) *Error {
	return &Error{Kind: KindForbidden, Message: "You are not authorized to perform the requested action: " + reason + "."}
}

// NotFound names what was not found: NotFound("trust", id).
func NotFound(kind, id string) *Error {
	return &Error{Kind: KindNotFound, Message: fmt.Sprintf("Could not find %s: %s.", kind, id)}
}

// Conflict says what stood in the way: Conflict("user", "the name ada is taken in this domain").
func Conflict(kind, why string) *Error {
	return &Error{Kind: KindConflict, Message: fmt.Sprintf("Conflict occurred attempting to store %s: %s.", kind, why)}
}

// Precondition says that the caller's If-Match does not hold: what she saw has changed.
func Precondition(kind, id string) *Error {
	return &Error{Kind: KindPrecondition, Message: fmt.Sprintf("The %s %s is not as If-Match says.", kind, id)}
}

// TooMany asks to come back later: too much of this is being done right now.
func TooMany(cause error) *Error {
	return &Error{Kind: KindTooMany, Message: "Too many requests of this kind at once; the request can be repeated.",
		Cause: cause, RetryAfter: time.Second}
}

// Unavailable asks to come back later; nothing was half-written.
func Unavailable(cause error) *Error {
	return &Error{Kind: KindUnavailable, Message: "The service is temporarily unable to answer; the request can be repeated.",
		Cause: cause, RetryAfter: time.Second}
}
