package wallet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/dial"
	"nsecbunker/nostr/nip47"
)

// ErrUnavailable is in the chain of every error that may pass by itself: the
// wallet was not reached, was slow, was busy. Try again later.
var ErrUnavailable = errors.New("the wallet is not available")

// ErrWrong is in the chain when the wallet answered what it should not: another
// amount, another hash, nonsense. Trying again does not help by itself.
var ErrWrong = errors.New("the wallet answered wrongly")

// errNotFound: the wallet does not know the invoice.
var errNotFound = errors.New("the wallet does not know the invoice")

// said is a wallet's refusal over HTTP: status and words, the words a stranger's.
type said struct {
	status int
	words  string
}

func (s *said) Error() string { return fmt.Sprintf("it answered %d: %s", s.status, s.words) }

// refused is an error of a setting.
func refused(field, format string, args ...any) *bunker.Error {
	return bunker.Errorf(bunker.CodeInvalid, format, args...).In(field)
}

// wrongf is an error of an answer that is not what was asked for.
func wrongf(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrWrong}, args...)...)
}

// judge turns a client's error into words that name the wallet, the reason and the
// next step, and notes it.
func (w *Wallet) judge(err error) error {
	out := w.explain(err)
	w.note(out)
	return out
}

func (w *Wallet) explain(err error) error {
	if err == nil {
		return nil
	}
	var public *bunker.Error
	if errors.As(err, &public) {
		return public
	}
	var (
		answer *said
		fault  *nip47.Fault
		out    *dial.Error
		words  string
		hint   = "check that the wallet runs and can be reached from here"
		kind   = ErrUnavailable
	)
	switch {
	case errors.Is(err, errNotFound):
		return bunker.Errorf(bunker.CodeNotFound, "the wallet (%s) does not know this invoice; was the wallet changed since it was made?", w.where).WithCause(err)
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, errPin):
		kind, words, hint = ErrWrong, "shows another TLS certificate than the one in the configuration", "if the wallet made a new one, copy it; else somebody stands between"
	case timedOut(err):
		words = fmt.Sprintf("did not answer within %v", w.cfg.Timeout.Round(time.Millisecond))
	case errors.As(err, &answer):
		words, hint, kind = answered(answer)
	case errors.As(err, &fault):
		words, hint, kind = faulted(fault)
	case errors.As(err, &out):
		words = "was not reached: " + out.Reason
		if out.Hint != "" {
			hint = out.Hint
		}
		if errors.Is(err, dial.ErrRefused) {
			kind, hint = ErrWrong, "if the wallet is in your own network, list its host:port under allow in the configuration"
		}
	case errors.Is(err, dial.ErrBodyTooLarge), errors.Is(err, ErrWrong), errors.Is(err, nip47.ErrMessage):
		kind, words, hint = ErrWrong, bunker.Display(err.Error(), maxSaid), "check the wallet's kind and address in the configuration, and its version"
	default:
		words = "was not reached: " + bunker.Display(unwrapURL(err).Error(), maxSaid)
	}
	return bunker.Errorf(bunker.CodeError, "the wallet (%s) %s", w.where, words).WithHint("%s", hint).WithCause(errors.Join(kind, unwrapURL(err)))
}

// answered explains an HTTP status.
func answered(s *said) (words, hint string, kind error) {
	words = fmt.Sprintf("answered %d", s.status)
	if s.words != "" {
		words += ": " + bunker.Display(s.words, maxSaid)
	}
	switch {
	case s.status == 401 || s.status == 403 || strings.Contains(s.words, "permission denied") || strings.Contains(s.words, "verification failed"):
		// lnd says so with 500.
		return words, "its secret is wrong or may not do this; check it, and that it belongs to this wallet", ErrWrong
	case s.status == 429 || s.status >= 500:
		return words, "look at the wallet's own log", ErrUnavailable
	case s.status/100 == 3:
		return words, "redirects are not followed; write the final address", ErrWrong
	default:
		return words, "check the wallet's kind and address in the configuration", ErrWrong
	}
}

// faulted explains a refusal of NIP-47.
func faulted(f *nip47.Fault) (words, hint string, kind error) {
	words = "answered " + bunker.Display(f.Code, 40)
	if f.Message != "" {
		words += ": " + bunker.Display(f.Message, maxSaid)
	}
	switch f.Code {
	case nip47.CodeRestricted, nip47.CodeNotImplemented:
		return words, "give the connection the rights make_invoice, lookup_invoice and get_info in the wallet", ErrWrong
	case nip47.CodeUnauthorized:
		return words, "the connection was deleted in the wallet, or is of another one; make a new one", ErrWrong
	default:
		return words, "try again; if it stays, look at the wallet", ErrUnavailable
	}
}

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}
