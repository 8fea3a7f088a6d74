package signerrelay

import (
	"encoding/hex"
	"errors"
	"unicode/utf8"

	"nsecbunker/nostr"
)

// frame is one message of a client (NIP-01, From client to relay; NIP-42; NIP-45).
type frame struct {
	verb    string   // EVENT, REQ, CLOSE, AUTH, COUNT or whatever the client sent
	sub     string   // REQ, CLOSE, COUNT
	filters []filter // REQ
	event   []byte   // EVENT, AUTH: the event's bytes, not yet parsed
}

// refusal is an error in a message whose subscription is known, so that it can be answered with CLOSED.
type refusal struct {
	prefix string // one of NIP-01's machine-readable prefixes
	words  string
}

func (e *refusal) Error() string { return e.prefix + ": " + e.words }

var errFrame = errors.New("a message is a JSON list that begins with its name")

// parseFrame reads one message. On an error of a REQ whose subscription id could be read, frame.verb and frame.sub are
// set. Names of messages that the relay does not know are returned with nothing else.
func parseFrame(b []byte, lim *Limits) (frame, error) {
	var f frame
	s := scanner{b: b}
	if s.peek() != '[' {
		return f, errFrame
	}
	s.i++
	verb, err := s.text(MaxVerb)
	if err != nil {
		return f, errFrame
	}
	switch verb {
	case "EVENT", "AUTH":
		return parseEventFrame(&s, verb)
	case "REQ", "CLOSE", "COUNT":
		return parseSubFrame(&s, verb, lim)
	}
	f.verb = verb
	return f, nil
}

// parseEventFrame reads the rest of ["EVENT", {…}] or ["AUTH", {…}].
func parseEventFrame(s *scanner, verb string) (frame, error) {
	f := frame{verb: verb}
	if err := s.take(','); err != nil {
		return f, err
	}
	if s.peek() != '{' {
		return f, s.errorf("expected an event")
	}
	event, err := s.skip()
	if err != nil {
		return f, err
	}
	if err := s.take(']'); err != nil {
		return f, err
	}
	f.event = event
	return f, s.end()
}

// parseSubFrame reads the rest of ["REQ", id, {…}, …], ["CLOSE", id] or ["COUNT", id, …].
func parseSubFrame(s *scanner, verb string, lim *Limits) (frame, error) {
	f := frame{verb: verb}
	if err := s.take(','); err != nil {
		return f, err
	}
	sub, err := s.text(MaxSubID * utf8.UTFMax)
	if err != nil {
		return f, err
	}
	if n := utf8.RuneCountInString(sub); n == 0 || n > MaxSubID {
		return f, s.errorf("a subscription id has 1 to %d characters", MaxSubID)
	}
	f.sub = sub
	if verb == "COUNT" {
		return f, nil // refused whatever it asks
	}
	if verb == "REQ" {
		values := lim.MaxValuesPerConn
		for s.peek() == ',' {
			s.i++
			if len(f.filters) == lim.MaxFilters {
				return f, &refusal{"invalid", "too many filters in one REQ"}
			}
			fl, err := parseFilter(s, &values)
			if err != nil {
				return f, err
			}
			f.filters = append(f.filters, fl)
		}
		if len(f.filters) == 0 {
			return f, &refusal{"invalid", "a REQ has at least one filter"}
		}
	}
	if err := s.take(']'); err != nil {
		return f, err
	}
	return f, s.end()
}

// peekID finds the id of an event that could not be parsed, so that its sender can be told with an OK.
func peekID(event []byte) (id nostr.ID, ok bool) {
	s := scanner{b: event}
	_ = s.object(func(name string) error {
		if name != "id" {
			_, err := s.skip()
			return err
		}
		word, err := s.text(2 * len(id))
		ok = err == nil && hex32(word, (*[32]byte)(&id))
		return errFrame // enough
	})
	return id, ok
}

// hex32 decodes exactly 64 lower-case hexadecimal characters (NIP-01).
func hex32(word string, out *[32]byte) bool {
	if len(word) != 2*len(out) {
		return false
	}
	for i := range len(word) {
		if c := word[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	_, err := hex.Decode(out[:], []byte(word))
	return err == nil
}
