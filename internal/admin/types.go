package admin

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr/nip46"
)

// Bounds of parameters.
const (
	// MaxName is the longest name of a key, connection, person, admin or slot, in
	// characters.
	MaxName = 64
	// MaxSpan is the longest duration that a parameter can name.
	MaxSpan = 10 * 365 * 24 * time.Hour
	// MaxUses is how often a token can be redeemed at most.
	MaxUses = 1000
	// MaxPage is how many rows one answer holds at most.
	MaxPage = 200
)

// Time is a time in unix ms; in JSON an RFC 3339 text in UTC.
type Time int64

// MarshalText writes the time.
func (t Time) MarshalText() ([]byte, error) {
	return time.UnixMilli(int64(t)).UTC().AppendFormat(nil, "2006-01-02T15:04:05.000Z07:00"), nil
}

// text is the time in a sentence.
func (t Time) text() string { return time.UnixMilli(int64(t)).UTC().Format(time.RFC3339) }

// UnmarshalText reads RFC 3339.
func (t *Time) UnmarshalText(b []byte) error {
	v, err := time.Parse(time.RFC3339, string(b))
	if err != nil {
		return fmt.Errorf("%q is no time; write for example 2026-11-22T18:00:00Z", clip(string(b)))
	}
	*t = Time(v.UnixMilli())
	return nil
}

// Span is a duration; in JSON a text such as "90m", "36h", "7d" or "2w".
type Span time.Duration

// MarshalText writes the span.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads Go's durations, and whole days and weeks. What is not
// positive, or longer than MaxSpan, is refused; "" is no span.
func (s *Span) UnmarshalText(b []byte) error {
	text := string(b)
	if text == "" {
		*s = 0
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		d, err = days(text)
	}
	if err != nil || d <= 0 || d > MaxSpan {
		return fmt.Errorf("%q is no duration; write for example 90m, 36h, 7d or 2w, at most ten years", clip(text))
	}
	*s = Span(d)
	return nil
}

func days(text string) (time.Duration, error) {
	unit := 24 * time.Hour
	num, ok := strings.CutSuffix(text, "d")
	if !ok {
		unit *= 7
		if num, ok = strings.CutSuffix(text, "w"); !ok {
			return 0, strconv.ErrSyntax
		}
	}
	n, err := strconv.ParseUint(num, 10, 16)
	if err != nil {
		return 0, err
	}
	return time.Duration(n) * unit, nil
}

// Paging is the part of parameters that says where a list goes on.
type Paging struct {
	After string `json:"after,omitempty" doc:"where to go on: the next of the answer before"`
	Limit int    `json:"limit,omitempty" doc:"rows at most (200)"`
}

// page checks the bounds. One row more is asked for, to know whether there is
// more: see cut.
func (p Paging) page() (Page, error) {
	if p.Limit < 0 || p.Limit > MaxPage {
		return Page{}, bunker.Errorf(bunker.CodeInvalid, "a list has 1 to %d rows", MaxPage).In("limit")
	}
	if p.Limit == 0 {
		p.Limit = MaxPage
	}
	return Page(p), nil
}

// next returns where the list goes on: after the last row of a full page.
func next[T any](rows []T, p Page, cursor func(*T) string) string {
	if len(rows) < p.Limit || len(rows) == 0 {
		return ""
	}
	return cursor(&rows[len(rows)-1])
}

// Empty is for commands without parameters or without a result.
type Empty struct{}

// text checks a name that people give: what is shown of it must be what it is.
func text(field, s string, required bool) (string, error) {
	switch {
	case s == "" && !required:
		return "", nil
	case strings.TrimSpace(s) == "":
		return "", bunker.Errorf(bunker.CodeInvalid, "%s is empty", field).In(field)
	case utf8.RuneCountInString(s) > MaxName:
		return "", bunker.Errorf(bunker.CodeInvalid, "%s is longer than %d characters", field, MaxName).In(field)
	case bunker.Display(s, MaxName) != s:
		return "", bunker.Errorf(bunker.CodeInvalid, "%s holds control, invisible or direction-changing characters, or spaces at its ends; leave them out", field).In(field)
	}
	return s, nil
}

// name checks the name of a key or slot: people type it, and it must not be
// taken for an id or a Nostr string.
func name(field, s string) (string, error) {
	if s == "" || len(s) > MaxName || strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	}) || s[0] == '-' || s[0] == '.' {
		return "", bunker.Errorf(bunker.CodeInvalid, "%s is 1 to %d letters, digits, dots, hyphens and underscores, for example: herald", field, MaxName).In(field)
	}
	for _, p := range []string{"npub1", "nsec1", "ncryptsec1", "nprofile1", "bunker:", "nostrconnect:"} {
		if strings.HasPrefix(strings.ToLower(s), p) {
			return "", bunker.Errorf(bunker.CodeInvalid, "%s begins like a Nostr string (%s…); choose another", field, p).In(field)
		}
	}
	if idShaped(s) {
		return "", bunker.Errorf(bunker.CodeInvalid, "%s looks like an id of a row; choose another", field).In(field)
	}
	return s, nil
}

// idShaped reports whether a name could be taken for the id of a key or slot.
func idShaped(s string) bool {
	return (len(s) == len(bunker.NewKeyID()) && s[0] == 'k' || len(s) == len(bunker.NewSlotID()) && s[0] == 's') &&
		!strings.ContainsFunc(s[1:], func(r rune) bool { return !strings.ContainsRune("abcdefghjkmnpqrstuvwxyz023456789", r) })
}

// permissions reads a permission string that an admin wrote, returns it in its
// one spelling, and warns of what it names that needs special care.
func permissions(field, s string) (string, []string, error) {
	list, err := nip46.ParsePermissions(s)
	if err != nil {
		return "", nil, bunker.Errorf(bunker.CodeInvalid, "%s", clip(err.Error())).In(field).
			WithHint("all, or a list such as sign_event:1,sign_event:7,nip44_encrypt,nip44_decrypt")
	}
	var warnings []string
	for _, p := range list {
		kind, ok := p.EventKind()
		if !ok {
			continue
		}
		switch care, why := policy.CareOfKind(kind); care {
		case policy.Named:
			warnings = append(warnings, fmt.Sprintf("%s is allowed without asking: %s", p, why))
		case policy.MustAsk:
			warnings = append(warnings, fmt.Sprintf("%s is asked each time all the same: %s", p, why))
		}
	}
	return nip46.FormatPermissions(list), warnings, nil
}

// clip bounds text of a caller that is repeated to it, and makes it fit to show.
func clip(s string) string { return bunker.Display(s, 200) }
