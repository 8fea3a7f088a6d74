package nip46

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip46/internal/jsonscan"
)

const (
	// MaxMessage is the size in bytes of the largest request or reply that is
	// read, after decryption: the most that an envelope can hold.
	MaxMessage = nip44.MaxExtended
	// MaxRequestID is the size in bytes of the longest request id (security.md,
	// section 5). Libraries use 7 to 64.
	MaxRequestID = 256
	// MaxMethod is the size in bytes of the longest method name.
	MaxMethod = 64
	// MaxParams is how many parameters a request may have. connect has four.
	MaxParams = 16
)

// Request is one call of a client, as it stands in the envelope:
// {"id": …, "method": …, "params": [strings]} (NIP-46, Request Events).
//
// Its parameters can hold secrets and private text; through fmt and slog a
// Request shows its id, method and number of parameters only.
type Request struct {
	ID     string // chosen by the client, up to MaxRequestID bytes, may be ""
	Method Method // any text of 1 to MaxMethod bytes
	Params []string
}

// Param returns the parameter at place n, counted from 0, or "" when the
// client left it out.
func (r Request) Param(n int) string {
	if n < 0 || n >= len(r.Params) {
		return ""
	}
	return r.Params[n]
}

// ErrNoMethod reports a message that is proper JSON without a method: an
// acknowledgement, a reply. It is to be ignored without an answer (interop.md 12).
var ErrNoMethod = errors.New("the message has no method; it is no request")

// MalformedError reports a request that cannot be carried out as it is written.
// When HasID, the client waits under ID and is owed a reply with "invalid: " and
// Error(): the prefix is the bunker's to put, as on every refusal (NIP-01).
type MalformedError struct {
	ID     string
	HasID  bool
	Method Method // "" when it could not be read
	Reason string // plain words, free of the client's text
}

func (e *MalformedError) Error() string {
	if e.Method.Known() {
		return string(e.Method) + ": " + e.Reason
	}
	return e.Reason
}

// ParseRequest reads a decrypted request. It fails with ErrNoMethod or with a
// *MalformedError.
//
// It is strict where two readers could see two different requests: duplicate
// keys, lone surrogates, text after the message, any parameter that is not a
// string. An event given as an object instead of as a string is refused too,
// with a sentence that says so: no library of interop.md sends it, and its text
// would not be the text that was signed for. It forgives what cannot be
// misread: params null or absent (no parameters; interop.md 7) and null for a
// parameter ("", which is what JSON.stringify makes of undefined), unknown keys.
func ParseRequest(b []byte) (Request, error) {
	var p requestParser
	err := p.parse(b)
	if err == nil && !p.hasMethod {
		return Request{}, ErrNoMethod
	}
	reason := p.fault
	if err != nil {
		reason = "the message is not proper JSON: " + err.Error()
	}
	if reason == "" && !p.hasID {
		reason = "the request has no id"
	}
	if reason != "" {
		return Request{}, &MalformedError{ID: p.req.ID, HasID: p.hasID, Method: p.req.Method, Reason: reason}
	}
	return p.req, nil
}

// requestParser keeps what was read so far, so that an error can still carry
// the id, and the first fault that is no fault of syntax.
type requestParser struct {
	req       Request
	hasID     bool
	hasMethod bool // something other than null or "" stands there
	fault     string
}

func (p *requestParser) blame(format string, args ...any) {
	if p.fault == "" {
		p.fault = fmt.Sprintf(format, args...)
	}
}

func (p *requestParser) parse(b []byte) error {
	if len(b) > MaxMessage {
		return fmt.Errorf("it is longer than %d bytes", MaxMessage)
	}
	s, err := jsonscan.New(b)
	if err != nil {
		return err
	}
	err = s.Object(func(key string) error {
		switch key {
		case "id":
			return p.id(s)
		case "method":
			return p.method(s)
		case "params":
			return p.params(s)
		}
		return s.Skip()
	})
	var dup *jsonscan.DuplicateError
	if errors.As(err, &dup) && dup.Key == "id" {
		p.req.ID, p.hasID = "", false // which of the two the client waits for is unknown
	}
	if err != nil {
		return err
	}
	return s.End()
}

func (p *requestParser) id(s *jsonscan.Scanner) error {
	text, ok, err := p.text(s, "the id")
	if err != nil || !ok {
		return err
	}
	if len(text) > MaxRequestID {
		p.blame("the id is longer than %d bytes", MaxRequestID)
		return nil
	}
	p.req.ID, p.hasID = text, true
	return nil
}

func (p *requestParser) method(s *jsonscan.Scanner) error {
	if s.Null() {
		return nil
	}
	text, ok, err := p.text(s, "the method")
	p.hasMethod = !ok || text != ""
	if err != nil || !ok {
		return err
	}
	if len(text) > MaxMethod {
		p.blame("the method's name is longer than %d bytes", MaxMethod)
		return nil
	}
	p.req.Method = Method(text)
	return nil
}

func (p *requestParser) params(s *jsonscan.Scanner) error {
	if s.Null() {
		return nil
	}
	if s.Peek() != '[' {
		p.blame("params must be an array of strings, not %s", s.Kind())
		return s.Skip()
	}
	return s.Array(func(n int) error {
		if n >= MaxParams {
			p.blame("there are more than %d parameters", MaxParams)
			return s.Skip()
		}
		if s.Null() {
			p.req.Params = append(p.req.Params, "")
			return nil
		}
		text, _, err := p.text(s, "parameter "+strconv.Itoa(n+1))
		p.req.Params = append(p.req.Params, text)
		return err
	})
}

// text reads a string. ok is false when something else was there, which is
// noted and stepped over; the error is for text after which nothing can be read.
func (p *requestParser) text(s *jsonscan.Scanner, what string) (text string, ok bool, err error) {
	if kind := s.Peek(); kind != '"' {
		hint := ""
		if kind == '{' {
			hint = "; send it as JSON text in a string"
		}
		p.blame("%s must be a string, not %s%s", what, s.Kind(), hint)
		return "", false, s.Skip()
	}
	text, err = s.String()
	if errors.Is(err, jsonscan.ErrText) {
		p.blame("%s has a lone surrogate or an unknown escape", what)
		return "", false, nil
	}
	return text, err == nil, err
}

// AppendJSON appends the request as a client sends it.
func (r Request) AppendJSON(dst []byte) []byte {
	dst = appendString(append(dst, `{"id":`...), r.ID)
	dst = appendString(append(dst, `,"method":`...), string(r.Method))
	dst = append(dst, `,"params":[`...)
	for i, p := range r.Params {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, p)
	}
	return append(dst, `]}`...)
}

// Format prints the request without its parameters, whatever the verb.
func (r Request) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%q %.64q with %d parameters", r.ID, string(r.Method), len(r.Params)) // a fmt.State reports no errors to us
}

// LogValue shows a log what Format shows.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", r.ID), slog.String("method", string(r.Method)), slog.Int("params", len(r.Params)))
}
