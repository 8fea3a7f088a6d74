package nip46

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"nsecbunker/nostr/nip46/internal/jsonscan"
)

// MaxErrorText is the size in bytes of the longest error text that is kept of a
// reply, and that Failure puts into one.
const MaxErrorText = 2048

const (
	resultError   = "error"
	resultAuthURL = "auth_url"
)

// Reply is the answer to one request. Make it with Success, Failure or AuthURL.
//
// Its result can hold decrypted text; through fmt and slog a Reply shows its id
// and whether it failed, only.
type Reply struct {
	ID     string
	Result string
	Error  string // "" for success; the page's address when IsAuthURL
}

// Success is the reply that hands over a result.
func Success(id, result string) Reply { return Reply{ID: id, Result: result} }

// Failure is the reply that says why not. The text should carry one of NIP-01's
// prefixes; an empty one becomes "error: no reason was given", as an empty error
// would be read as success.
func Failure(id, text string) Reply {
	if text == "" {
		text = "error: no reason was given"
	}
	return Reply{ID: id, Result: resultError, Error: clip(text, MaxErrorText)}
}

// AuthURL is the reply that sends the person to a page; the final one follows
// under the same id (NIP-46, Auth Challenges).
func AuthURL(id, page string) Reply {
	if page == "" {
		return Failure(id, "")
	}
	return Reply{ID: id, Result: resultAuthURL, Error: page}
}

// IsAuthURL reports an auth challenge: Error holds the page, and another reply
// under the same id will follow.
func (r Reply) IsAuthURL() bool { return r.Result == resultAuthURL && r.Error != "" }

// Failed reports a refusal, whose words are in Error.
func (r Reply) Failed() bool { return r.Error != "" && !r.IsAuthURL() }

// AppendJSON appends the reply in the shapes of interop.md 5, the ones that
// every library reads rightly: {"id","result"} with no error key at all for
// success, {"id","result":"error","error"} for failure whatever Result holds,
// {"id","result":"auth_url","error"} for an auth challenge.
func (r Reply) AppendJSON(dst []byte) []byte {
	result := r.Result
	if r.Failed() {
		result = resultError
	}
	// A signed event has a quotation mark to escape for every ten characters or so.
	dst = slices.Grow(dst, 64+len(r.ID)+len(result)+len(result)/8+len(r.Error))
	dst = appendString(append(dst, `{"id":`...), r.ID)
	dst = appendString(append(dst, `,"result":`...), result)
	if r.Error != "" {
		dst = appendString(append(dst, `,"error":`...), r.Error)
	}
	return append(dst, '}')
}

// ErrNotReply reports a message that is no reply: it has a method, or no id, or
// neither result nor error. A client ignores it.
var ErrNotReply = errors.New("the message is no reply")

// ParseReply reads a decrypted reply of any bunker. It is as strict with the
// JSON as ParseRequest and forgives other bunkers' shapes: error null, "" or
// absent is success; a result or an error that is no string (null for
// switch_relays, an event as an object) is kept as its JSON text.
func ParseReply(b []byte) (Reply, error) {
	if len(b) > MaxMessage {
		return Reply{}, fmt.Errorf("the reply is longer than %d bytes", MaxMessage)
	}
	s, err := jsonscan.New(b)
	if err != nil {
		return Reply{}, fmt.Errorf("the reply is not proper JSON: %w", err)
	}
	var p replyParser
	err = s.Object(func(key string) error { return p.field(s, key) })
	if err == nil {
		err = s.End()
	}
	if err != nil {
		return Reply{}, fmt.Errorf("the reply is not proper JSON: %w", err)
	}
	if !p.hasID || p.hasMethod || !p.hasResult && p.reply.Error == "" {
		return Reply{}, ErrNotReply
	}
	if len(p.reply.ID) > MaxRequestID {
		return Reply{}, fmt.Errorf("the reply's id is longer than %d bytes", MaxRequestID)
	}
	if p.reply.Failed() { // half an address of a page would be another page
		p.reply.Error = clip(p.reply.Error, MaxErrorText)
	}
	return p.reply, nil
}

type replyParser struct {
	reply                       Reply
	hasID, hasMethod, hasResult bool
}

func (p *replyParser) field(s *jsonscan.Scanner, key string) (err error) {
	switch key {
	case "id":
		p.reply.ID, err = s.String()
		p.hasID = true
	case "method":
		p.hasMethod = !s.Null()
		if p.hasMethod {
			return s.Skip()
		}
	case "result":
		p.hasResult = true
		p.reply.Result, err = textOrRaw(s)
	case "error":
		if !s.Null() {
			p.reply.Error, err = textOrRaw(s)
		}
	default:
		return s.Skip()
	}
	return err
}

func textOrRaw(s *jsonscan.Scanner) (string, error) {
	if s.Peek() == '"' {
		return s.String()
	}
	raw, err := s.Raw()
	return string(raw), err
}

// Format prints the reply without its result, whatever the verb.
func (r Reply) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%q %s", r.ID, r.outcome()) // a fmt.State reports no errors to us
}

// LogValue shows a log what Format shows.
func (r Reply) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", r.ID), slog.String("outcome", r.outcome()))
}

func (r Reply) outcome() string {
	switch {
	case r.IsAuthURL():
		return "auth_url"
	case r.Failed():
		return "failed"
	}
	return "done"
}
