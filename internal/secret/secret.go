// Package secret holds bytes that must not leak: private keys, passphrases
// and the keys derived from them.
//
// Secrets live in an [Arena], one block of memory outside the Go heap that is
// locked (never swapped), left out of core dumps and wiped in forked
// children. A secret is a [Bytes]; it is lent to a function with Use, never
// returned, and prints as "[secret]" whatever prints it. [Param] is a secret
// that arrives in JSON.
//
// What this package cannot promise: that a caller makes no copy while a secret
// is lent to it. Code that computes with a secret wipes its own temporaries, and
// keeps them in an arena or on the heap: a local array is on the stack, and Go
// leaves the old copy behind, unwiped, whenever it moves a stack.
package secret

import (
	"errors"
	"fmt"
	"log/slog"
)

// Placeholder is what every secret prints as.
const Placeholder = "[secret]"

var (
	// ErrFull means that the arena has no room for a secret of that size.
	ErrFull = errors.New("the memory for secrets is full: lock or delete keys, or restart with more (the limit is set at start)")
	// ErrDestroyed means that the secret was wiped, or its arena closed.
	ErrDestroyed = errors.New("the secret was wiped from memory")
	// ErrSize means that a secret of that length can never be held.
	ErrSize = errors.New("a secret must have at least one byte and fit the memory for secrets")
	// ErrMarshal means that somebody tried to put a secret into a document.
	ErrMarshal = errors.New("a secret cannot be put into a document: send it with Reveal")
)

// Wipe overwrites b with zeroes.
func Wipe(b []byte) {
	clear(b)
	keep(b)
}

// keep makes the compiler believe that b is read, so that the writes before
// it are not dead.
//
//go:noinline
func keep([]byte) {}

// placeholderJSON is Placeholder as a JSON string.
var placeholderJSON = []byte(`"` + Placeholder + `"`)

// String returns Placeholder.
func (s *Bytes) String() string { return Placeholder }

// GoString returns Placeholder.
func (s *Bytes) GoString() string { return Placeholder }

// Format prints Placeholder for every verb and flag.
func (s *Bytes) Format(f fmt.State, _ rune) { writePlaceholder(f) }

// MarshalJSON returns Placeholder as a JSON string.
func (s *Bytes) MarshalJSON() ([]byte, error) { return append([]byte(nil), placeholderJSON...), nil }

// MarshalText returns Placeholder.
func (s *Bytes) MarshalText() ([]byte, error) { return []byte(Placeholder), nil }

// LogValue returns Placeholder, for slog.
func (s *Bytes) LogValue() slog.Value { return slog.StringValue(Placeholder) }

// String returns Placeholder; an arena never prints what it holds.
func (a *Arena) String() string { return Placeholder }

// GoString returns Placeholder.
func (a *Arena) GoString() string { return Placeholder }

// Format prints Placeholder for every verb and flag.
func (a *Arena) Format(f fmt.State, _ rune) { writePlaceholder(f) }

// MarshalJSON returns Placeholder as a JSON string.
func (a *Arena) MarshalJSON() ([]byte, error) { return append([]byte(nil), placeholderJSON...), nil }

// LogValue returns Placeholder, for slog.
func (a *Arena) LogValue() slog.Value { return slog.StringValue(Placeholder) }

func writePlaceholder(f fmt.State) {
	// fmt reports a failed write itself; there is nothing to add here.
	_, _ = f.Write([]byte(Placeholder))
}
