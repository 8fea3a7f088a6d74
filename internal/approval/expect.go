package approval

import (
	"encoding/json"
	"fmt"
	"time"

	"nsecbunker/internal/bunker"
)

// ExpectFor is how long an expected login may come (security.md section 2).
const ExpectFor = 10 * time.Minute

// ExpectedName is the name of the setting that holds [Expected] as JSON.
const ExpectedName = "approval.expected"

// MaxExpected is how many keys can expect a login at once.
const MaxExpected = 100

// Expected says until when (unix ms) a key expects a login of an app that nobody
// named before: without it, strangers make no question at a key without npub
// login. The key "" is every key. It lets a question be asked and nothing else.
type Expected map[bunker.KeyID]int64

// ParseExpected reads what Text wrote; "" is none.
func ParseExpected(text string) (e Expected, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return nil, fmt.Errorf("reading the expected logins: %w", err)
	}
	return e, nil
}

// Text writes what is still open at the time now (unix ms), "" for nothing.
func (e Expected) Text(now int64) string {
	open := Expected{}
	for k, until := range e {
		if until > now {
			open[k] = until
		}
	}
	if len(open) == 0 {
		return ""
	}
	b, err := json.Marshal(open)
	if err != nil {
		panic("approval: " + err.Error()) // texts and numbers always marshal
	}
	return string(b)
}

// Open reports whether a key expects a login now (unix ms). A time further away
// than ExpectFor was not written here, and does not count.
func (e Expected) Open(k bunker.KeyID, now int64) bool {
	latest := now + ExpectFor.Milliseconds()
	in := func(until int64) bool { return until > now && until <= latest }
	return in(e[k]) || in(e[""])
}
