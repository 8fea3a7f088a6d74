package bunker

import "nsecbunker/nostr"

// Rule is one line of a policy: what it speaks of (the matcher), what it says
// (the effect), and how often (the budget). Every part of the matcher that is
// set must fit; a part that is not set fits everything. The zero value denies
// everything.
type Rule struct {
	// ID names the rule in its policy: lower-case letters, digits, hyphens.
	// Grants and records name a rule as "policy/rule@version".
	ID string `json:"id"`
	// Note is the author's remark, for people.
	Note   string `json:"note,omitempty"`
	Effect Effect `json:"effect"`

	// Methods are NIP-46's; Rights are right sets (see policy.Rights). A rule that
	// has neither speaks of every method.
	Methods []string `json:"methods,omitempty"`
	Rights  []string `json:"rights,omitempty"`
	// Kinds of sign_event. A rule for sign_event without kinds speaks of every
	// kind; as an allow it covers no kind that needs special care, for which it
	// must name the kind: by itself, or by a range that lies in that kind's own row
	// of the table.
	Kinds []KindRange `json:"kinds,omitempty"`
	// Peers are the other parties of encrypt and decrypt.
	Peers []nostr.PubKey `json:"peers,omitempty"`
	// Results are what a decryption may bring to light (security.md section 2).
	Results []DecryptResult `json:"results,omitempty"`
	// Tags must each fit (a rule on kind 22242 or 27235 is bound to its relay or
	// URL this way).
	Tags    []TagMatch    `json:"tags,omitempty"`
	Content *ContentMatch `json:"content,omitempty"`
	// MaxSkew is how far created_at may be from now, in seconds; 0: not looked at,
	// but an allow then covers nothing that is dated more than 15 minutes from now.
	MaxSkew int64 `json:"max_skew,omitempty"`
	// Hours are when the rule holds, in the policy's zone; empty: always.
	Hours []Hours `json:"hours,omitempty"`
	Doors []Door  `json:"doors,omitempty"`
	// Relays are those that the request came in by.
	Relays []string `json:"relays,omitempty"`

	Budget *Budget `json:"budget,omitempty"`
	// ExpiresAt (unix ms) and For (ms since the connection was made under the
	// policy) end the rule; 0: never. An expired rule is as if it were not there.
	ExpiresAt int64 `json:"expires_at,omitempty"`
	For       int64 `json:"for,omitempty"`
	// Quorum, of an ask rule: how many approvers must say yes; 0 and 1: one.
	Quorum int `json:"quorum,omitempty"`
}

// KindRange is the kinds From to To, both included.
type KindRange struct {
	From nostr.Kind `json:"from"`
	To   nostr.Kind `json:"to"`
}

// DecryptResult is what a decryption brought to light (security.md section 2,
// Decrypt rights are by result).
type DecryptResult string

// The results. A decryption is of exactly one.
const (
	ResultWrap  DecryptResult = "wrap"  // a valid signed kind 13
	ResultDM    DecryptResult = "dm"    // a rumor of kind 14, 15 or 7 whose pubkey is the peer; nip04 text
	ResultSelf  DecryptResult = "self"  // the peer is oneself: lists, drafts, money, app secrets
	ResultOther DecryptResult = "other" // anything else
)

// TagMatch is a demand on the tags of a sign_event.
type TagMatch struct {
	Name string `json:"name"` // "p", "d", "h", "u", "relay", …
	// Values: the event has at least one tag of this name, and the second element
	// of every one of them is among these ("all": none but these). A value that
	// ends in "*" fits what begins like it.
	Values []string `json:"values,omitempty"`
	// Absent: the event has no tag of this name. Values is then empty.
	Absent bool `json:"absent,omitempty"`
	// Max is the largest number of tags of this name; 0: any number.
	Max int `json:"max,omitempty"`
}

// ContentMatch is a demand on the content of a sign_event. Every part that is set
// must fit.
type ContentMatch struct {
	MinLength int `json:"min_length,omitempty"` // characters
	MaxLength int `json:"max_length,omitempty"` // characters, 0: no bound
	// Words: one of them is in the content, whole and in any case.
	Words []string `json:"words,omitempty"`
	// Pattern is a regular expression (RE2) that fits somewhere in the content.
	Pattern string `json:"pattern,omitempty"`
}

// Hours is a window of the week, in the policy's zone. From == To is the whole
// day; To before From reaches into the next day.
type Hours struct {
	Days []Weekday `json:"days,omitempty"` // empty: every day
	From int       `json:"from"`           // minutes since midnight, 0 to 1439
	To   int       `json:"to"`             // minutes since midnight, 1440 included
}

// Weekday is mon, tue, wed, thu, fri, sat or sun.
type Weekday string

// Budget is how often an allow rule may be used: every limit that is set holds at
// once. Windows are calendar windows in the policy's zone, by ledger time.
type Budget struct {
	Total     int64 `json:"total,omitempty"`
	PerMinute int64 `json:"per_minute,omitempty"`
	PerHour   int64 `json:"per_hour,omitempty"`
	PerDay    int64 `json:"per_day,omitempty"`
	// Per says whose uses are counted together.
	Per BudgetScope `json:"per,omitempty"`
	// WhenSpent is what the rule says when nothing is left: Deny, or Ask.
	WhenSpent Effect `json:"when_spent,omitempty"`
}

// BudgetScope says whose uses a budget counts together. "" is PerConnection.
type BudgetScope string

// The scopes of a budget.
const (
	PerConnection BudgetScope = "connection"
	PerKey        BudgetScope = "key"    // all connections of the key under the policy
	PerPolicy     BudgetScope = "policy" // all connections under the policy
)
