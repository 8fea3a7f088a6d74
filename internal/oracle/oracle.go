// Package oracle says what a bunker must decide, for tests. It is written from
// the security design alone (Deciding, and the table of operations that need
// special care), by another hand than internal/policy and without looking at it:
// plain, slow, nothing compiled, nothing kept. It imports nothing of
// internal/policy.
package oracle

import (
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Case is one operation at one time, with everything that a decision may rest on.
type Case struct {
	Now        int64 // ledger time, unix ms
	Tenant     bunker.TenantState
	Key        bunker.UserKey
	Connection bunker.Connection
	Given      []Given
	Used       []Used
	// Guard is what a replaceable event would lose; "" for nothing.
	Guard   string
	Request Request
}

// Given is a grant with the policy that it names, nil for none.
type Given struct {
	Grant  bunker.Grant
	Policy *bunker.Policy
}

// Used says how often a budget's limit was used in the window that holds now.
type Used struct {
	Policy bunker.PolicyID
	Rule   string
	Limit  Limit
	Count  int64
}

// Limit is one of a budget's limits.
type Limit string

// The limits of a budget.
const (
	Total  Limit = "total"
	Minute Limit = "minute"
	Hour   Limit = "hour"
	Day    Limit = "day"
)

// Request is the operation.
type Request struct {
	Method string
	// Of sign_event:
	Kind      nostr.Kind
	Tags      [][]string
	Content   string
	CreatedAt int64 // unix s
	Seen      bool  // the words of a kind 4 or 13 were encrypted for this connection a moment ago
	// Of encrypt and decrypt:
	Peer   nostr.PubKey
	Result bunker.DecryptResult // of decrypt
	// Once is what the answer "once" binds to.
	Once  [32]byte
	Door  bunker.Door
	Relay string
}

// Answer is what must come out.
type Answer struct {
	Effect bunker.Effect
	// Why is for whoever reads a failed test.
	Why string
}

// Decide answers a case. Any deny, else an ask that no live grant answers, else
// an allow or an answering grant, else the key's default.
func Decide(c Case) Answer {
	if why := standing(c); why != "" {
		return Answer{bunker.Deny, why}
	}
	s := collect(c)
	switch {
	case s.deny != "":
		return Answer{bunker.Deny, s.deny}
	case s.ask != "":
		return Answer{bunker.Ask, s.ask}
	case s.allow != "":
		return Answer{bunker.Allow, s.allow}
	case c.Key.Default == bunker.Ask:
		return Answer{bunker.Ask, "nothing allows it; " + s.special}
	}
	return Answer{bunker.Deny, "nothing allows it, and the key's default refuses; " + s.special}
}

// standing is why nothing is allowed at all; "" when it can be.
func standing(c Case) string {
	switch {
	case c.Tenant.Stopped:
		return "stopped"
	case !c.Tenant.Reviewed:
		return "restored and not reviewed"
	case c.Key.State != bunker.KeyActive:
		return "the key is being deleted"
	case c.Key.Locked:
		return "the key is locked"
	case c.Connection.State != bunker.ConnActive:
		return "the connection is not active"
	case c.Connection.ExpiresAt != 0 && c.Now >= c.Connection.ExpiresAt:
		return "the connection has expired"
	}
	return ""
}

// lives reports whether a grant counts now: what expired, ended, was used up or
// is another connection's is as if it were not there.
func lives(c Case, g bunker.Grant) bool {
	return g.Connection == c.Connection.ID && !g.Ended && (g.ExpiresAt == 0 || c.Now < g.ExpiresAt) && (g.MaxUses == 0 || g.Uses < g.MaxUses)
}

// ruleLives reports whether a rule counts now. Time since redemption counts from
// the youngest live grant of the policy.
func ruleLives(c Case, p bunker.PolicyID, r bunker.Rule) bool {
	var since int64
	for _, g := range c.Given {
		if g.Policy != nil && g.Policy.ID == p && lives(c, g.Grant) {
			since = max(since, g.Grant.CreatedAt)
		}
	}
	return (r.ExpiresAt == 0 || c.Now < r.ExpiresAt) && (r.For == 0 || c.Now < since+r.For)
}

func at(ms int64) time.Time { return time.UnixMilli(ms) }
