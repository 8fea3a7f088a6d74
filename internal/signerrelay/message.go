package signerrelay

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"nsecbunker/nostr"
)

// message is one message to a client. The body, an event's bytes, is shared by everybody who receives it, so it is
// never changed; head and tail are small.
type message struct {
	head []byte
	body []byte
	tail string
}

func (m *message) size() int { return len(m.head) + len(m.body) + len(m.tail) }

// appendTo writes the message as it goes over the wire.
func (m *message) appendTo(dst []byte) []byte {
	dst = append(dst, m.head...)
	dst = append(dst, m.body...)
	return append(dst, m.tail...)
}

// eventHead is the part of an EVENT message before the event (NIP-01, From relay to client).
func eventHead(sub string) []byte {
	return append(appendText([]byte(`["EVENT",`), sub), ',')
}

func eventMessage(head, raw []byte) message { return message{head: head, body: raw, tail: "]"} }

func okMessage(id nostr.ID, ok bool, reason string) message {
	b := appendText([]byte(`["OK",`), id.String())
	b = append(b, ',')
	b = strconv.AppendBool(b, ok)
	b = append(b, ',')
	return message{head: append(appendText(b, reason), ']')}
}

func eoseMessage(sub string) message { return words("EOSE", sub) }

func closedMessage(sub, reason string) message { return words("CLOSED", sub, reason) }

func noticeMessage(text string) message { return words("NOTICE", text) }

func authMessage(challenge string) message { return words("AUTH", challenge) }

// words is a message of texts only.
func words(texts ...string) message {
	b := []byte{'['}
	for i, t := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, t)
	}
	return message{head: append(b, ']')}
}

// appendText appends t as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendText(dst []byte, t string) []byte {
	return nostr.AppendString(dst, strings.ToValidUTF8(t, "\uFFFD"))
}

// cut shortens a reason to at most limit bytes, at a character.
func cut(t string, limit int) string {
	if len(t) <= limit {
		return t
	}
	for limit > 0 && !utf8.RuneStart(t[limit]) {
		limit--
	}
	return t[:limit]
}
