package ws

import (
	"errors"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/internal/jsonscan"
)

// MaxFrame is the size in bytes of the largest frame that is read from a relay:
// the largest envelope of NIP-44 and what stands around it.
const MaxFrame = 2 << 20

// frame is one message of a relay (NIP-01, From relay to client; NIP-42).
type frame struct {
	kind string // EVENT, OK, EOSE, CLOSED, NOTICE or AUTH
	id   string // subscription or event id; the challenge of AUTH
	ok   bool   // of OK
	text string // of OK, CLOSED and NOTICE; a stranger's
	body []byte // of EVENT: the event's JSON
}

var errFrame = errors.New("the relay sent a message that is none of NIP-01's")

func parseFrame(b []byte) (frame, error) {
	s, err := jsonscan.New(b)
	if err != nil {
		return frame{}, err
	}
	var f frame
	n := 0
	err = s.Array(func(i int) error {
		n = i + 1
		return f.part(s, i)
	})
	if err == nil {
		err = s.End()
	}
	if err != nil {
		return frame{}, err
	}
	if n < f.parts() {
		return frame{}, errFrame
	}
	return f, nil
}

// part reads element i. What stands behind those that are known is passed over.
func (f *frame) part(s *jsonscan.Scanner, i int) (err error) {
	switch {
	case i == 0:
		f.kind, err = s.String()
	case i == 1 && f.kind == "NOTICE":
		f.text, err = s.String()
	case i == 1 && f.parts() > 0:
		f.id, err = s.String()
	case i == 2 && f.kind == "EVENT":
		f.body, err = s.Raw()
	case i == 2 && f.kind == "OK":
		f.ok, err = s.Bool()
	case i == 2 && f.kind == "CLOSED", i == 3 && f.kind == "OK":
		f.text, err = s.String()
	default:
		err = s.Skip()
	}
	return err
}

// parts is how many elements a message of this kind has at least. Relays leave
// out the text of OK and CLOSED. 0: a kind that is unknown, and ignored.
func (f *frame) parts() int {
	switch f.kind {
	case "EVENT", "OK":
		return 3
	case "EOSE", "CLOSED", "NOTICE", "AUTH":
		return 2
	}
	return 0
}

func reqFrame(sub string, f nip46.Filter) []byte {
	b := append([]byte(`["REQ",`), '"')
	b = append(append(b, sub...), `",{"kinds":[`...)
	b = appendInt(b, int64(f.Kind))
	field, key := `],"#p":["`, f.P
	if !f.Author.IsZero() {
		field, key = `],"authors":["`, f.Author
	}
	b = append(append(b, field...), key.String()...)
	b = append(b, `"],"since":`...)
	return append(appendInt(b, f.Since), `}]`...)
}

func closeFrame(sub string) []byte { return []byte(`["CLOSE","` + sub + `"]`) }

func eventFrame(kind string, e *nostr.Event) []byte {
	b := append([]byte(`["`), kind...)
	return append(e.AppendJSON(append(b, `",`...)), ']')
}
