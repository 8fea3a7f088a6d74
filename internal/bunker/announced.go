package bunker

import (
	"encoding/json"
	"fmt"
	"time"
)

// AnnouncedSetting is the setting that holds [Announced].
const AnnouncedSetting = "announced"

const (
	// announcedKept is how long it is kept that something was announced: longer than what
	// relays keep of it is heard.
	announcedKept = 40 * time.Minute
	// maxAnnounced is how much is kept; of more nothing is announced.
	maxAnnounced = 64
)

// Announcing is what a bunker announces of itself. It is no row, but it carries authority:
// a copy that is as new stops for it. So its MAC is made as a row's, with the root key,
// which only a bunker that was opened has.
type Announcing struct {
	Tenant      TenantID
	Said        string // its random name
	Life        int64  // number of the incarnation
	Incarnation string
	Instance    string
	At          int64 // ledger time, unix ms
}

// AuthorityRow implements Authority.
func (a *Announcing) AuthorityRow() (TenantID, string, string, int64) {
	return a.Tenant, "announcement", a.Said, a.Life
}

// Canonical implements Authority.
func (a *Announcing) Canonical() []byte {
	var c canon
	c.str(a.Incarnation)
	c.str(a.Instance)
	c.num(a.At)
	return c.b
}

// Announced is what was announced with a store lately. What is heard and is not in it was
// announced with another store.
type Announced []announced

type announced struct {
	Said string `json:"said"`
	At   int64  `json:"at"` // ledger time, unix ms
}

// ParseAnnounced reads what [Announced.Text] wrote; "" is nothing.
func ParseAnnounced(text string) (a Announced, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return nil, fmt.Errorf("what was announced cannot be read: %w", err)
	}
	return a, nil
}

// Text is the setting's value.
func (a Announced) Text() string {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // texts and numbers
	}
	return string(b)
}

// Has reports that an announcement was made with this store.
func (a Announced) Has(said string) bool {
	for _, x := range a {
		if x.Said == said {
			return true
		}
	}
	return false
}

// Add keeps one more and forgets old ones. ok is false where the last one is younger than
// gap, or where too many are kept.
func (a Announced) Add(said string, at int64, gap time.Duration) (kept Announced, ok bool) {
	for _, x := range a {
		age := at - x.At
		if age >= 0 && age < gap.Milliseconds() {
			return a, false
		}
		if age < announcedKept.Milliseconds() {
			kept = append(kept, x)
		}
	}
	if len(kept) >= maxAnnounced {
		return a, false
	}
	return append(kept, announced{said, at}), true
}
