package audit

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
)

// Head is the hash of a chain's last record; the zero value is the head of an
// empty chain.
type Head = [32]byte

// Next returns the head after body: SHA-256(head ‖ body).
func Next(head Head, body []byte) Head {
	h := sha256.New()
	h.Write(head[:])
	h.Write(body)
	var out Head
	h.Sum(out[:0])
	return out
}

// AppendBody appends the record's canonical bytes: JSON with the keys in the
// order of [bunker.AuditRecord]'s fields, empty ones left out, no spaces, and
// nothing escaped but the quote, the backslash and controls. Bytes that are no
// UTF-8 become U+FFFD. The same record always gives the same bytes.
func AppendBody(dst []byte, r *bunker.AuditRecord) []byte {
	dst = append(dst, `{"seq":`...)
	dst = strconv.AppendInt(dst, r.Seq, 10)
	dst = append(dst, `,"time":`...)
	dst = strconv.AppendInt(dst, r.Time, 10)
	dst = text(dst, "tenant", r.Tenant)
	dst = text(dst, "incarnation", r.Incarnation)
	dst = text(dst, "principal", r.Principal)
	dst = optional(dst, "door", r.Door)
	dst = text(dst, "action", r.Action)
	dst = optional(dst, "step", r.Step)
	dst = optional(dst, "event", r.Event)
	dst = optional(dst, "key", r.Key)
	dst = optional(dst, "connection", r.Connection)
	dst = optional(dst, "person", r.Person)
	dst = optional(dst, "object", r.Object)
	dst = optional(dst, "effect", r.Effect)
	dst = optional(dst, "rule", r.Rule)
	dst = optional(dst, "reason", r.Reason)
	dst = optional(dst, "needed", r.Needed)
	if r.Kind != nil {
		dst = append(dst, `,"kind":`...)
		dst = strconv.AppendInt(dst, *r.Kind, 10)
	}
	dst = number(dst, "size", r.Size)
	dst = optional(dst, "peer", r.Peer)
	if len(r.Tags) > 0 {
		dst = append(dst, `,"tags":[`...)
		for i, t := range r.Tags {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = quoted(dst, t)
		}
		dst = append(dst, ']')
	}
	if r.Skew != nil {
		dst = append(dst, `,"skew":`...)
		dst = strconv.AppendInt(dst, *r.Skew, 10)
	}
	dst = optional(dst, "result", r.Result)
	dst = optional(dst, "relay", r.Relay)
	dst = optional(dst, "digest", r.Digest)
	dst = optional(dst, "signed", r.SignedID)
	dst = number(dst, "count", r.Count)
	return append(dst, '}')
}

// ParseBody reads a record's canonical bytes back.
func ParseBody(body []byte) (bunker.AuditRecord, error) {
	var r bunker.AuditRecord
	if err := json.Unmarshal(body, &r); err != nil {
		return bunker.AuditRecord{}, fmt.Errorf("audit record is no JSON record: %w", err)
	}
	return r, nil
}

func text(dst []byte, key, value string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, key...)
	dst = append(dst, '"', ':')
	return quoted(dst, value)
}

func optional(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return text(dst, key, value)
}

func number(dst []byte, key string, n int64) []byte {
	if n == 0 {
		return dst
	}
	dst = append(dst, ',', '"')
	dst = append(dst, key...)
	dst = append(dst, '"', ':')
	return strconv.AppendInt(dst, n, 10)
}

func quoted(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s { // invalid bytes arrive as U+FFFD
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
