package secret

import (
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxParam is the longest secret parameter, in bytes after decoding: longer
// than any passphrase, mnemonic or encrypted key.
const MaxParam = 8192

// Param is a secret that arrives as a JSON string: a passphrase, an nsec. It is
// decoded straight into bytes (a Go string could never be wiped) and prints as
// "[secret]". Whoever holds the document that it came in wipes that.
type Param []byte

// Wipe zeroes the parameter.
func (p Param) Wipe() { Wipe(p) }

// String returns Placeholder.
func (p Param) String() string { return Placeholder }

// GoString returns Placeholder.
func (p Param) GoString() string { return Placeholder }

// Format prints Placeholder for every verb and flag.
func (p Param) Format(f fmt.State, _ rune) { writePlaceholder(f) }

// LogValue returns Placeholder, for slog.
func (p Param) LogValue() slog.Value { return slog.StringValue(Placeholder) }

// MarshalJSON fails with ErrMarshal: sending "[secret]" in its place would be
// taken for the secret. Who means to send it uses Reveal.
func (p Param) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalText fails with ErrMarshal.
func (p Param) MarshalText() ([]byte, error) { return nil, ErrMarshal }

// Reveal returns the same bytes as a type that marshals to a JSON string, for
// the side that sends the secret. encoding/json keeps copies in buffers of its
// own; where that matters, write the request with AppendJSON.
func (p Param) Reveal() Revealed { return Revealed(p) }

// Revealed is a Param that may be put into a JSON document. It still prints as
// "[secret]".
type Revealed []byte

// String returns Placeholder.
func (r Revealed) String() string { return Placeholder }

// GoString returns Placeholder.
func (r Revealed) GoString() string { return Placeholder }

// Format prints Placeholder for every verb and flag.
func (r Revealed) Format(f fmt.State, _ rune) { writePlaceholder(f) }

// LogValue returns Placeholder, for slog.
func (r Revealed) LogValue() slog.Value { return slog.StringValue(Placeholder) }

// MarshalJSON returns the secret as a JSON string. It fails if the secret is
// not UTF-8, because JSON cannot carry it then.
func (r Revealed) MarshalJSON() ([]byte, error) {
	if !utf8.Valid(r) {
		return nil, errors.New("the secret is not UTF-8 text and cannot be sent as JSON")
	}
	return r.AppendJSON(make([]byte, 0, len(r)+2)), nil
}

// AppendJSON appends the secret to dst as a JSON string. It must be UTF-8.
func (r Revealed) AppendJSON(dst []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, c := range r {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

var errParam = errors.New("a secret parameter must be a JSON string of valid text")

// UnmarshalJSON decodes a JSON string (RFC 8259, section 7) into bytes of its
// own; null makes it empty. Lone surrogates, invalid UTF-8, raw control
// characters and more than MaxParam bytes are refused. Errors hold no part of
// the input.
func (p *Param) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*p = nil
		return nil
	}
	if len(data) < 2 || data[0] != '"' || data[len(data)-1] != '"' {
		return errParam
	}
	if len(data) > 6*MaxParam+2 {
		return fmt.Errorf("a secret parameter is longer than %d bytes", MaxParam)
	}
	in := data[1 : len(data)-1]
	// Decoding never makes it longer, so out never grows and leaves a copy behind.
	out := make([]byte, 0, len(in))
	out, ok := unquote(out, in)
	if !ok || !utf8.Valid(out) {
		Wipe(out[:cap(out)])
		return errParam
	}
	if len(out) > MaxParam {
		Wipe(out[:cap(out)])
		return fmt.Errorf("a secret parameter is longer than %d bytes", MaxParam)
	}
	*p = out
	return nil
}

// unquote appends what the inside of a JSON string stands for.
func unquote(out, in []byte) ([]byte, bool) {
	for i := 0; i < len(in); i++ {
		c := in[i]
		if c < 0x20 || c == '"' {
			return out, false
		}
		if c != '\\' {
			out = append(out, c)
			continue
		}
		i++
		if i == len(in) {
			return out, false
		}
		switch in[i] {
		case '"', '\\', '/':
			out = append(out, in[i])
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, n, ok := unescape(in[i:])
			if !ok {
				return out, false
			}
			out = utf8.AppendRune(out, r)
			i += n - 1
		default:
			return out, false
		}
	}
	return out, true
}

// unescape reads uXXXX, or uXXXX\uXXXX for a pair of surrogates, and returns
// the rune and how many bytes it took.
func unescape(in []byte) (r rune, n int, ok bool) {
	r, ok = hex4(in)
	if !ok || !utf16.IsSurrogate(r) {
		return r, 5, ok
	}
	if len(in) < 7 || in[5] != '\\' {
		return 0, 0, false
	}
	low, ok := hex4(in[6:])
	if !ok {
		return 0, 0, false
	}
	r = utf16.DecodeRune(r, low)
	return r, 11, r != utf8.RuneError
}

// hex4 reads u and four hexadecimal digits.
func hex4(in []byte) (rune, bool) {
	if len(in) < 5 || in[0] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range in[1:5] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
