// Package session is the bunker's side of the relay door (security.md section 4):
// the handshake, the sessions, and what is said in them. It decides nothing that
// the table of commands decides: it finds out who speaks, and hands the command
// over. It starts nothing: whoever calls Take waits for the command.
package session

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// Keys is the admin key's part: the vault.
type Keys interface {
	OpenAdmin(t bunker.TenantID, admin, from nostr.PubKey, content string) ([]byte, error)
	CloseAdmin(t bunker.TenantID, admin, to nostr.PubKey, kind nostr.Kind, plaintext []byte, now time.Time) (*nostr.Event, error)
	SignAdmin(t bunker.TenantID, admin, to nostr.PubKey, kind nostr.Kind, content string, now time.Time) (*nostr.Event, error)
}

// Rows is what the store says, read anew each time.
type Rows interface {
	// Standing is how a person (zero: local) and a device stand now.
	Standing(ctx context.Context, person nostr.PubKey, device string) (Standing, error)
	// Whose returns whose device it is; known is false when it was never confirmed.
	Whose(ctx context.Context, device string) (person nostr.PubKey, known bool, err error)
	// Opened records that a session begins, and the login of a device that signed.
	Opened(ctx context.Context, o Opening) error
	// Checkpoint is the last signed head of the audit log as JSON; nil for none.
	Checkpoint(ctx context.Context) ([]byte, error)
}

// Table runs commands: the admin table.
type Table interface {
	Execute(ctx context.Context, p bunker.Principal, o admin.Order) (json.RawMessage, error)
}

// Prover checks the bunker's passphrase; its tries are counted behind it.
type Prover interface {
	Prove(ctx context.Context, passphrase []byte) error
}

// Outlet sends an event to every relay of the connection string, and to the link
// that the admin was heard on last: his string may name relays that are old by now.
// It does not block.
type Outlet interface {
	Send(ev *nostr.Event, link string)
}

// The states of a bunker, as sessions tell them.
const (
	NotSetUp = "not set up"
	Sealed   = "sealed"
	Unsealed = "unsealed"
	Stopped  = "stopped"
)

// DeviceStanding is how a device stands. The zero value is a stranger's.
type DeviceStanding int

// How a device stands.
const (
	DeviceUnknown   DeviceStanding = iota
	DeviceConfirmed                // and of this person
	DeviceOut                      // revoked, expired, or another person's
)

// Standing is what the rows say at one moment. The zero value is nobody.
type Standing struct {
	State string
	// Role is the person's; NoRole for who is no admin, or not yet. While the bunker
	// is sealed it is what may be done unverified.
	Role bunker.Role
	// Keys are the user keys that the role is for; empty: all.
	Keys   []bunker.KeyID
	Device DeviceStanding
	// Most is the most that the device may do.
	Most bunker.Role
	// Remembered: the device needs no certificate now.
	Remembered bool
}

// role is what person and device together may do.
func (s *Standing) role() bunker.Role {
	if s.Device != DeviceConfirmed {
		return bunker.NoRole
	}
	return min(s.Role, s.Most)
}

// Opening is a session that begins.
type Opening struct {
	Person    nostr.PubKey
	Device    string
	Label     string
	Confirmed bool
	Signed    bool // with a certificate: the device's login is new
}

// Config is what New needs; every field.
type Config struct {
	Tenant bunker.TenantID
	// Admin is the admin key's pubkey, B.
	Admin  nostr.PubKey
	Arena  *secret.Arena
	Keys   Keys
	Rows   Rows
	Table  Table
	Prover Prover
	Out    Outlet
	// Relays are those of the connection string.
	Relays func() []string
	// SetupCode proves the first owner.
	SetupCode func() string
	Now       func() time.Time // ledger time
}

// Door is the relay door. Its methods may be called concurrently.
type Door struct {
	Config

	mu       sync.Mutex
	epochs   []*epoch // oldest first
	live     map[nostr.PubKey]*live
	ended    map[nostr.PubKey]time.Time
	proving  map[nostr.PubKey]bool
	pairings map[string]*pairing
	asked    map[nostr.PubKey]*bucket // unknown devices of each person
	hellos   *buckets
	proofs   *buckets
	told     *bucket // who is no admin
}

// New returns a door without sessions.
func New(c Config) (*Door, error) {
	if c.Tenant == "" || c.Admin.IsZero() || c.Arena == nil || c.Keys == nil || c.Rows == nil || c.Table == nil || c.Prover == nil ||
		c.Out == nil || c.Relays == nil || c.SetupCode == nil || c.Now == nil {
		return nil, errors.New("session: the configuration is incomplete")
	}
	return &Door{
		Config: c, live: map[nostr.PubKey]*live{}, ended: map[nostr.PubKey]time.Time{}, proving: map[nostr.PubKey]bool{},
		pairings: map[string]*pairing{}, asked: map[nostr.PubKey]*bucket{},
		hellos: newBuckets(HelloRate, AllHelloRate), proofs: newBuckets(ProofRate, AllProofRate), told: newBucket(TellRate, TellRate),
	}, nil
}

// Take works on one event to the admin key, whose signature was verified. It
// returns when the answer was sent, if there is one; ok is false for what is not
// worked on, with the reason for the relay that brought it.
func (d *Door) Take(ctx context.Context, link string, ev *nostr.Event) (ok bool, reason string) {
	now := d.Now()
	d.Sweep(now)
	if s := d.session(ev.PubKey, now); s != nil {
		return d.inSession(ctx, s, link, ev, now)
	}
	if d.over(ev.PubKey) {
		return false, "blocked: this session is over"
	}
	if plain, err := d.Keys.OpenAdmin(d.Tenant, d.Admin, ev.PubKey, ev.Content); err == nil {
		return d.hello(link, ev, plain, now)
	}
	if !d.allow(d.proofs, link, now) {
		return false, "rate-limited: too many logins; try again later"
	}
	for _, e := range d.standingEpochs(now) {
		if plain, key, err := e.open(d.Arena, ev); err == nil {
			defer key.Destroy()
			return d.proof(ctx, e, key, arrival{link, ev, now}, plain)
		}
	}
	return false, "blocked: not for this bunker"
}

// Known reports a key that has a session.
func (d *Door) Known(client nostr.PubKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live[client] != nil
}

// arrival is an event, and the link that brought it.
type arrival struct {
	link string
	ev   *nostr.Event
	now  time.Time
}

// allow spends one event of a link's budget.
func (d *Door) allow(b *buckets, link string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return b.allow(link, now)
}

// over reports a key whose session has ended lately.
func (d *Door) over(client nostr.PubKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.ended[client]
	return ok
}

// Sweep ends what is past its time: epochs, sessions, pairings; and tells those
// who were told too little for a while that there is more.
func (d *Door) Sweep(now time.Time) {
	for _, s := range d.sweep(now) {
		d.notice(s, noticeMore, nil)
	}
}

// sweep returns the sessions that notices were left out of.
func (d *Door) sweep(now time.Time) (owed []*live) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweepEpochs(now)
	for c, at := range d.ended {
		if gone(now, at, adminwire.EpochLife) {
			delete(d.ended, c)
		}
	}
	for _, s := range d.live {
		if s.past(now) {
			d.end(s, now)
		} else if s.isOwed(now) {
			owed = append(owed, s)
		}
	}
	for id, p := range d.pairings {
		if gone(now, p.made, adminwire.PairingLife) {
			d.dropPairing(id)
		}
	}
	return owed
}

// gone reports whether a span has passed; a clock that went back ends everything.
func gone(now, since time.Time, span time.Duration) bool {
	age := now.Sub(since)
	return age >= span || age < -time.Minute
}

// Close wipes every key: at shutdown.
func (d *Door) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.epochs {
		e.destroy()
	}
	d.epochs = nil
	for _, s := range d.live {
		d.end(s, d.Now())
	}
	for id := range d.pairings {
		d.dropPairing(id)
	}
}
