package bunker

import (
	"errors"
	"fmt"
)

// Code classifies an error for clients and scripts. To clients of NIP-46 it is
// the prefix of the reply's error, in NIP-01's words.
type Code string

// The codes. The first five are NIP-01's machine-readable prefixes.
const (
	CodeRestricted  Code = "restricted"
	CodeRateLimited Code = "rate-limited"
	CodeInvalid     Code = "invalid"
	CodeBlocked     Code = "blocked"
	CodeError       Code = "error"
	CodeNotFound    Code = "not-found"
	CodeConflict    Code = "conflict"
	CodeSealed      Code = "sealed"
	CodeNeedsProof  Code = "needs-proof" // a dangerous command without a fresh proof
	CodeWaits       Code = "waits"       // the yes is stored; more persons must say it
)

// Error is the one error type that people see: what happened and what to do
// next, in public words; the cause is for the log.
type Error struct {
	Code  Code
	Words string // public: names the thing, the reason and the next step
	Hint  string // what to type next; may be empty
	Field string // the parameter that was refused; may be empty
	Cause error  // hidden
}

func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Words
	if e.Cause != nil {
		s += " (" + e.Cause.Error() + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }

// Public is what the caller is told.
func (e *Error) Public() string { return string(e.Code) + ": " + e.Words }

// Errorf makes an Error with public words.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Words: fmt.Sprintf(format, args...)}
}

// WithHint adds what to type next.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// WithCause adds the hidden cause.
func (e *Error) WithCause(err error) *Error { e.Cause = err; return e }

// In names the parameter that was refused.
func (e *Error) In(field string) *Error { e.Field = field; return e }

// AsError returns err as an Error; what is not one becomes CodeError with
// words that tell nothing of the inside.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeError, Words: "something went wrong inside the bunker; its log says what", Cause: err}
}
