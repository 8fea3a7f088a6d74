// Package signer is the path of one request: from an envelope that arrived to
// the entry that is to be committed, straight down. It reads, decides and acts
// in memory; it writes nothing and sends nothing.
package signer

import (
	"context"
	"errors"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/internal/policy"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Store is what deciding reads. Every call sees the rows as they are now, not a
// cache, so a revocation holds for the next request.
type Store interface {
	View(ctx context.Context, t bunker.TenantID, signer, client nostr.PubKey) (bunker.View, error)
	Owner(ctx context.Context, signer nostr.PubKey) (bunker.SignerOwner, error)
	Questions(ctx context.Context, t bunker.TenantID, c bunker.ConnectionID, k bunker.KeyID, digest [32]byte) (bunker.Questions, error)
	Used(ctx context.Context, t bunker.TenantID, ws []bunker.Window) ([]int64, error)
}

// Asking is what making questions reads besides: deadlines and expected logins,
// and what else a client asks.
type Asking interface {
	Setting(ctx context.Context, t bunker.TenantID, name string) (string, error)
	Apps(ctx context.Context, t bunker.TenantID, client nostr.PubKey) ([]bunker.Connection, error)
}

// Seats tells how the seats of a tenant are taken, as seen by a person or, where that
// is "", by a client.
type Seats interface {
	Seating(ctx context.Context, t bunker.TenantID, person string, client nostr.PubKey) (host.Seating, error)
}

// Tokens looks a token up by its secret (npub#token logins) and by its id.
type Tokens interface {
	TokenBySecret(ctx context.Context, t bunker.TenantID, hash [32]byte) (*bunker.Token, error)
}

// Surroundings is what the signer must know of the bunker around it: its own
// keys, hosts and relays. Functions, as they change while it runs.
type Surroundings struct {
	// Ours reports a key that receives envelopes here: signer, admin, audit
	// keys, and user keys with npub login.
	Ours func(nostr.PubKey) bool
	// Clients reports a client of this bunker, whatever became of its connection.
	Clients func(nostr.PubKey) bool
	// Hosts and Relays are this bunker's own, never signed in to.
	Hosts  func() []string
	Relays func() []string
	// AppRelays are where apps shall be heard from now on: switch_relays. Empty
	// when there is nothing but the embedded relay on this machine.
	AppRelays func() []string
}

// Config is what New needs; every field.
type Config struct {
	Tenant bunker.TenantID
	Store  interface {
		Store
		Asking
		Tokens
		Versions
		Seats
	}
	Vault  *vault.Vault
	Around Surroundings
}

// Signer judges requests. It is safe for concurrent use.
type Signer struct {
	Config
	compiled policy.Cache
}

// New returns a Signer, or an error that names what is missing.
func New(c Config) (*Signer, error) {
	switch {
	case c.Tenant == "", c.Store == nil, c.Vault == nil:
		return nil, errors.New("signer: tenant, store and vault are needed")
	case c.Around.Ours == nil, c.Around.Clients == nil, c.Around.Hosts == nil, c.Around.Relays == nil, c.Around.AppRelays == nil:
		return nil, errors.New("signer: the surroundings are incomplete")
	}
	return &Signer{Config: c}, nil
}

// Arrival is one verified request event.
type Arrival struct {
	Event *nostr.Event
	Raw   string // the event as JSON, kept while parked
	// Relay is the relay that brought it; "" where it is not known.
	Relay string
	// Now is the ledger time at which it is judged.
	Now time.Time
	// ClockOff: the event is outside the freshness window; a known client is told
	// so, nobody else is answered.
	ClockOff bool
	// Halted, when not empty, is why nothing is signed now (a clock that is
	// behind); a known client is told so.
	Halted string
	// Parked is the question, when the request is taken up again.
	Parked *bunker.Parked
}

// Judgement is what came of a request. One of Entry, Stranger and Hold is set, or
// Drop says why nothing is.
type Judgement struct {
	// Entry is to be committed; its reply leaves when it is stored.
	Entry *bunker.Entry
	// Stranger is a generic refusal that may be sent, if the cap allows, without
	// a row.
	Stranger *StrangerError
	// Hold: a stranger's switch_relays, to be judged again after its connect.
	Hold bool
	// Spent, beside Stranger: the token whose spent or revoked secret another key
	// showed. Its owner must hear of it.
	Spent bunker.TokenID
	// Full, beside Stranger: it was refused because no seat is free.
	Full bool
	// Drop is why the request is ignored, for the counters.
	Drop string
	// Counted, beside Drop: it goes into the record of what strangers tried.
	Counted bool
}

// call is one opened request on its way down.
type call struct {
	Arrival
	signer, client nostr.PubKey
	opened         vault.Opened
	req            nip46.Request
	view           bunker.View
}

// Judge opens, parses and decides one request and, where it is allowed, does
// what it asks for. An error means that nothing could be decided (the store
// failed): judge again later.
func (s *Signer) Judge(ctx context.Context, a Arrival) (Judgement, error) {
	c := &call{Arrival: a, client: a.Event.PubKey}
	var ok bool
	if c.signer, ok = Recipient(a.Event); !ok {
		return Judgement{Drop: "no single recipient"}, nil
	}
	view, err := s.Store.View(ctx, s.Tenant, c.signer, c.client)
	if err != nil {
		return Judgement{}, err
	}
	c.view = view
	if c.opened, err = s.Vault.OpenEnvelope(s.Tenant, a.Event); err != nil {
		return Judgement{Drop: "cannot be opened"}, nil
	}
	defer c.opened.Wipe()
	req, err := nip46.ParseRequest(c.opened.Plaintext)
	if errors.Is(err, nip46.ErrNoMethod) {
		return Judgement{Drop: "no method"}, nil
	}
	c.req = req
	if c.view.Connection == nil {
		if c.ClockOff || refused(c) {
			return Judgement{Drop: "stranger: stale"}, nil
		}
		return s.stranger(ctx, c, err)
	}
	var bad *nip46.MalformedError
	if errors.As(err, &bad) {
		c.req.ID = bad.ID
		return s.malformed(c, bad)
	}
	if err != nil {
		return Judgement{Drop: "no request"}, nil
	}
	return s.known(ctx, c)
}

// Recipient returns the one p value of an envelope.
func Recipient(e *nostr.Event) (p nostr.PubKey, ok bool) {
	n := 0
	for _, t := range e.Tags {
		if len(t) >= 2 && t[0] == "p" {
			n++
			var err error
			if p, err = nostr.ParsePubKey(t[1]); err != nil {
				return nostr.PubKey{}, false
			}
		}
	}
	return p, n == 1
}
