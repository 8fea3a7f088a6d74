// Package legacy is the first nsecBunker's admin protocol, as far as security.md
// section 5 lets it in: who is an admin here, and was allowed to, can read, revoke
// and answer questions with an old admin app. It makes nothing and tells no secret.
// Like package session it decides nothing: it finds out who speaks, and has the table
// of commands do it. It starts nothing and keeps nothing but who was heard lately and
// what was asked of whom.
package legacy

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip46"
)

const (
	// Rate and Burst bound the requests of one admin, a second.
	Rate  = 5
	Burst = 20
	// HeardFor is how long an admin who was heard gets questions: an old app that is
	// open asks for the keys.
	HeardFor = 30 * time.Minute
	// MaxHeard is how many admins are remembered.
	MaxHeard = 100
	// MaxAsked is how many questions that were sent are remembered; the oldest are
	// forgotten, and answers to them ignored.
	MaxAsked = 1024
	// MaxAnswer is the longest answer in bytes: it fits an event in NIP-04, too.
	MaxAnswer = 40 << 10
	// MaxRows is how many rows of a list are read for one answer.
	MaxRows = 1000
	// MaxUsers is how many users of a key are told: each costs a command.
	MaxUsers = 200
	// Timeout ends a request that takes too long.
	Timeout = 30 * time.Second
)

// Keys is the admin key's part: the vault.
type Keys interface {
	OpenLegacy(t bunker.TenantID, admin, from nostr.PubKey, content string) ([]byte, vault.Scheme, error)
	CloseLegacy(t bunker.TenantID, admin, to nostr.PubKey, s vault.Scheme, plaintext []byte, now time.Time) (*nostr.Event, error)
}

// Rows is what the store says, read anew each time.
type Rows interface {
	// Legacy is what an npub may do by the old protocol now; ok is false for whoever
	// may not use it.
	Legacy(ctx context.Context, person nostr.PubKey) (st Standing, ok bool, err error)
	// Question is a question as an old app shows it.
	Question(ctx context.Context, id bunker.ApprovalID) (Question, error)
}

// Standing is an admin's role, and the keys that it is for; none: all.
type Standing struct {
	Role bunker.Role
	Keys []bunker.KeyID
}

// Table runs commands: the admin table.
type Table interface {
	Execute(ctx context.Context, p bunker.Principal, o admin.Order) (json.RawMessage, error)
}

// Outlet sends an event to the bunker's relays, and to the link that the admin was
// heard on. It does not block.
type Outlet interface {
	Send(ev *nostr.Event, link string)
}

// Config is what New needs; every field.
type Config struct {
	Tenant bunker.TenantID
	Admin  nostr.PubKey // B
	Keys   Keys
	Rows   Rows
	Table  Table
	Out    Outlet
	Now    func() time.Time // ledger time
}

// Door is the old protocol's door. Its methods may be called concurrently.
type Door struct {
	Config

	mu    sync.Mutex
	heard map[nostr.PubKey]*caller
	asked map[string]asked
	order []string // ids of asked, the oldest first
}

// caller is an admin who was heard lately.
type caller struct {
	link   string
	scheme vault.Scheme
	at     time.Time
	have   float64 // of the burst
}

// New returns a door that nobody was heard at.
func New(c Config) (*Door, error) {
	if c.Tenant == "" || c.Admin.IsZero() || c.Keys == nil || c.Rows == nil || c.Table == nil || c.Out == nil || c.Now == nil {
		return nil, errors.New("legacy: the configuration is incomplete")
	}
	return &Door{Config: c, heard: map[nostr.PubKey]*caller{}, asked: map[string]asked{}}, nil
}

// Lets reports whether an event's author may use this door now.
func (d *Door) Lets(ctx context.Context, author nostr.PubKey) bool {
	_, ok, err := d.Rows.Legacy(ctx, author)
	return err == nil && ok
}

// Take works on one event to the admin key, whose signature was verified. ok is
// false for what is not worked on, with the reason for the relay that brought it.
func (d *Door) Take(ctx context.Context, link string, ev *nostr.Event) (ok bool, reason string) {
	st, lets, err := d.Rows.Legacy(ctx, ev.PubKey)
	if err != nil || !lets {
		return false, "blocked: not for this bunker"
	}
	plain, scheme, err := d.Keys.OpenLegacy(d.Tenant, d.Admin, ev.PubKey, ev.Content)
	if err != nil {
		return false, "invalid: not a message that this bunker can read"
	}
	defer secret.Wipe(plain)
	if !d.hear(ev.PubKey, link, scheme) {
		return false, "rate-limited: too many requests; slow down"
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	by := bunker.Principal{Name: nip19.EncodeNpub(ev.PubKey), Role: st.Role, Door: bunker.DoorLegacy, PubKey: ev.PubKey, Keys: st.Keys}
	req, err := nip46.ParseRequest(plain)
	if errors.Is(err, nip46.ErrNoMethod) {
		return d.answered(ctx, by, plain)
	}
	var bad *nip46.MalformedError
	if errors.As(err, &bad) {
		if !bad.HasID {
			return false, "invalid: not a request"
		}
		d.reply(by.PubKey, link, scheme, bad.ID, refusal(bunker.Errorf(bunker.CodeInvalid, "%s", bad.Error())))
		return true, ""
	}
	result, err := d.run(ctx, by, req)
	if err != nil {
		result = refusal(err)
	}
	d.reply(by.PubKey, link, scheme, req.ID, result)
	return true, ""
}

// hear notes who was heard, and spends one of his requests.
func (d *Door) hear(who nostr.PubKey, link string, scheme vault.Scheme) bool {
	now := d.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.heard[who]
	if c == nil {
		if len(d.heard) >= MaxHeard {
			clear(d.heard)
		}
		c = &caller{have: Burst, at: now}
		d.heard[who] = c
	}
	if past := now.Sub(c.at).Seconds(); past > 0 {
		c.have = min(Burst, c.have+past*Rate)
	}
	c.link, c.scheme, c.at = link, scheme, now
	if c.have < 1 {
		return false
	}
	c.have--
	return true
}

// reply sends an answer. One that is too long says so.
func (d *Door) reply(to nostr.PubKey, link string, scheme vault.Scheme, id string, result []byte) {
	if len(result) > MaxAnswer {
		result = refusal(bunker.Errorf(bunker.CodeError, "the answer is too long for this protocol; use the bunker's own app or terminal"))
	}
	d.send(to, link, scheme, nip46.Success(id, string(result)).AppendJSON(nil))
}

func (d *Door) send(to nostr.PubKey, link string, scheme vault.Scheme, message []byte) bool {
	ev, err := d.Keys.CloseLegacy(d.Tenant, d.Admin, to, scheme, message, d.Now())
	if err != nil {
		return false // the bunker is closing, or the message is too long
	}
	d.Out.Send(ev, link)
	return true
}

// refusal is an error as old apps read it: they parse every result as JSON.
func refusal(err error) []byte {
	e := bunker.AsError(err)
	b, err := json.Marshal([]string{"error", e.Words})
	if err != nil {
		return []byte(`["error","error"]`)
	}
	return b
}
