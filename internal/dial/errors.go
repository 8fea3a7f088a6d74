package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// ErrRefused is in the chain of every error that comes from our own rules, as
// opposed to the network's: trying again later does not help.
var ErrRefused = errors.New("refused by the outbound rules")

// Error names the target, the reason and, where there is one, the next step.
type Error struct {
	Target  string // host:port as asked for
	Reason  string
	Hint    string
	Err     error // what the system said; may be nil
	refused bool
}

func (e *Error) Error() string {
	s := fmt.Sprintf("connecting to %s: %s", brief(e.Target), e.Reason)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap gives the system's error and, for a refusal by rule, ErrRefused.
func (e *Error) Unwrap() []error {
	var out []error
	if e.Err != nil {
		out = append(out, e.Err)
	}
	if e.refused {
		out = append(out, ErrRefused)
	}
	return out
}

func refuse(a netip.Addr, why string) *Error {
	return &Error{Reason: "its address " + a.String() + " " + why, refused: true}
}

// maxQuoted bounds how much of a stranger's text an error repeats, in bytes.
const maxQuoted = 100

// brief quotes what came from elsewhere when it could do harm in a terminal or
// a log, and cuts it.
func brief(s string) string {
	if len(s) > maxQuoted {
		return fmt.Sprintf("%+q…", s[:maxQuoted])
	}
	for _, r := range s {
		if r <= ' ' || r > '~' {
			return fmt.Sprintf("%+q", s)
		}
	}
	return s
}

func resolveError(target string, err error) *Error {
	e := &Error{Target: target, Err: err}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		e.Reason, e.Hint = "no such host", "check its spelling"
	case timedOut(err):
		e.Reason, e.Hint = "the name server did not answer in time", "check this machine's network"
	case errors.Is(err, context.Canceled):
		e.Reason = "given up before the name was resolved"
	default:
		e.Reason, e.Hint = "the name could not be resolved", "check this machine's network and name server"
	}
	return e
}

func connectError(target string, err error) *Error {
	e := &Error{Target: target, Err: err}
	switch {
	case timedOut(err):
		e.Reason, e.Hint = "no answer in time", "check that it is up and that no firewall is between"
	case errors.Is(err, context.Canceled):
		e.Reason = "given up before it answered"
	default:
		e.Reason, e.Hint = lastWords(err), "check that it is up and that the port is right"
	}
	return e
}

func timedOut(err error) bool {
	var t net.Error
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &t) && t.Timeout())
}

// lastWords is the innermost reason ("connection refused"), without the layers'
// repetition of addresses.
func lastWords(err error) string {
	for {
		switch u := err.(type) {
		case interface{ Unwrap() error }:
			if u.Unwrap() == nil {
				return err.Error()
			}
			err = u.Unwrap()
		case interface{ Unwrap() []error }:
			if len(u.Unwrap()) == 0 {
				return err.Error()
			}
			err = u.Unwrap()[0]
		default:
			return err.Error()
		}
	}
}
