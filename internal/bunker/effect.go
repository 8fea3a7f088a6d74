package bunker

import "fmt"

// Effect is what a rule or a decision says. The zero value denies.
type Effect uint8

const (
	// Deny refuses.
	Deny Effect = iota
	// Ask leaves the operation to a person.
	Ask
	// Allow permits.
	Allow
)

var effectNames = [...]string{Deny: "deny", Ask: "ask", Allow: "allow"}

func (e Effect) String() string {
	if int(e) < len(effectNames) {
		return effectNames[e]
	}
	return "deny"
}

// ParseEffect reads deny, ask or allow.
func ParseEffect(s string) (Effect, error) {
	for i, n := range effectNames {
		if s == n {
			return Effect(i), nil
		}
	}
	return Deny, fmt.Errorf("effect %q is none of deny, ask, allow", s)
}

// MarshalText writes the effect's word.
func (e Effect) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads the effect's word.
func (e *Effect) UnmarshalText(b []byte) (err error) {
	*e, err = ParseEffect(string(b))
	return err
}
