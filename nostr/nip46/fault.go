package nip46

import (
	"errors"
	"fmt"
)

// ErrNotConnected reports a call of a client that has no bunker yet.
var ErrNotConnected = errors.New("not connected to a bunker; connect with a bunker:// link first")

// RemoteError is the bunker's refusal, in its own words.
type RemoteError struct {
	Method Method
	Text   string // a stranger's text of up to MaxErrorText bytes; Error makes it fit for one line
}

func (e *RemoteError) Error() string {
	return fmt.Sprintf("the bunker refused %s: %s", e.Method, plain(e.Text, MaxErrorText))
}

// NoAnswerError reports a request that was given up without an answer.
type NoAnswerError struct {
	Method Method
	Sent   error // nil when a relay took the request, else why none did
	Cause  error // why the wait ended: the context's error
}

func (e *NoAnswerError) Error() string {
	if e.Sent != nil {
		return fmt.Sprintf("no relay took the %s request: %v", e.Method, e.Sent)
	}
	return fmt.Sprintf("no answer to %s: the bunker may be offline, or asks somebody first", e.Method)
}

// Unwrap returns what ended the wait.
func (e *NoAnswerError) Unwrap() error { return e.Cause }

// TamperedError reports a signed event that is not the one that was asked for.
// It was not returned.
type TamperedError struct {
	Field string // "kind", "tags", …
}

func (e *TamperedError) Error() string {
	return "the bunker returned another event than the one to be signed (" + e.Field + " differs); it was thrown away"
}

// AnswerError reports an answer that the method cannot have.
type AnswerError struct {
	Method Method
	Reason string
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("the bunker's answer to %s cannot be right: %s", e.Method, e.Reason)
}
