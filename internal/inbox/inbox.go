// Package inbox is the Nostr edge: an event arrives, is checked, judged by the
// signer, committed, and only then answered. It owns the order of these steps
// (docs/model) and everything volatile about them: doubles in flight, budgets
// of strangers, what was seen, when to send again.
package inbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
)

// Ledger is the durable side of the path.
type Ledger interface {
	Commit(ctx context.Context, e *bunker.Entry) (bunker.Result, error)
	Request(ctx context.Context, id nostr.ID) (bunker.RequestState, []bunker.Stored, error)
	Delivered(id nostr.ID, part bunker.Part, relay string)
	// Revive makes a reply that was given up due again.
	Revive(ctx context.Context, id nostr.ID) (bool, error)
}

// Backlog is what a sweep works off.
type Backlog interface {
	Due(ctx context.Context, limit int) ([]bunker.Stored, error)
	DueParked(ctx context.Context, limit int) ([]bunker.Parked, error)
	ExpireApprovals(ctx context.Context) (int, error)
	Prune(ctx context.Context) (int, error)
}

// Outlet sends one event of a tenant to the embedded relay and to others. result is called at most once for each URL,
// from any goroutine; Send never blocks on a slow relay. Of ev only id, author,
// time, kind and tags are looked at. here reports that somebody at the embedded relay
// took it.
type Outlet interface {
	Send(of bunker.TenantID, ev *nostr.Event, raw []byte, relays []string, result func(url string, ok bool, reason string)) (here bool)
}

// Diary records what strangers do, of which there is no row: once an hour for a
// token whose spent secret is shown, once a minute the number of refusals.
type Diary interface {
	Write(ctx context.Context, r bunker.AuditRecord) error
	// Once writes unless one of the same action was written so in the time before,
	// whatever instance wrote it.
	Once(ctx context.Context, r bunker.AuditRecord, in time.Duration) error
}

// Opener opens stored replies that are closed under the root key.
type Opener interface {
	OpenSealedReply(t bunker.TenantID, request nostr.ID, b []byte) ([]byte, error)
}

// Tenant is one bunker of the instance, as what is sent to its keys is worked on.
// Every field is needed.
type Tenant struct {
	ID     bunker.TenantID
	Signer *signer.Signer
	Diary  Diary
	// Joined is told of a client with a new connection, before it can know itself.
	Joined func(client nostr.PubKey)
	// Relays are the tenant's relays, for connections without their own.
	Relays func() []string
	// Quota is what the tenant may use now. It is asked on every request, so it must be
	// quick.
	Quota func() bunker.Quota
	// Open returns when the tenant is open, if all that it waits for is its turn to be
	// opened. It is asked before each request is judged; nil: nobody waits for a turn.
	Open func()

	rate rateOf
	full atomic.Int64 // unix s: when it was last recorded that there was no seat
}

// Tenants tells whose a key is, and who is behind an id; nil: nobody. It is asked
// on every event, so it must be quick.
type Tenants interface {
	// Of is the tenant of a key that receives envelopes here now.
	Of(signer nostr.PubKey) *Tenant
	// Tenant is the one of an id, of which rows are in the ledger.
	Tenant(id bunker.TenantID) *Tenant
	// Door takes what is sent to an admin key.
	Door(admin nostr.PubKey) Door
}

// Config is what New needs; every field but Limits, Away, Elsewhere, Unheard and Decided.
type Config struct {
	Tenants Tenants
	Ledger  Ledger
	Backlog Backlog
	Outlet  Outlet
	Opener  Opener
	Log     *slog.Logger
	// Now is the ledger's time.
	Now func() time.Time
	// Halted says why nothing may be signed now; "" when all is well.
	Halted func() string
	// Away says why nothing may be worked on here now, though another instance may: the
	// store is out of reach. Whoever can is told to send again. nil: that never is.
	Away func() string
	// Elsewhere reports a tenant that is sealed here and open on another instance: what it
	// is asked is left to that one, and nothing is refused in its name. nil: there is none.
	Elsewhere func(t bunker.TenantID) bool
	// Unheard is told of a stored reply that nobody at the embedded relay took. nil: nobody
	// wants to know.
	Unheard func(request nostr.ID, client nostr.PubKey)
	// BadSignature is told of a relay that delivered a forged event.
	BadSignature func(link string)
	// Decided, if it is set, is told how long each judgement took.
	Decided func(took time.Duration)
	Limits  Limits
}

// Inbox is the Nostr edge. Run works off what is due; Arrive may be called from
// any goroutine while Run runs.
type Inbox struct {
	Config
	seen      *seen
	flights   flights
	strangers *strangers
	rates     rates
	refusals  rates // of what is written down though nothing is allowed
	known     knownSet
	lifted    *nostr.Lifted // of known clients
	held      held
	resent    resent
	wake      chan struct{}
	taken     chan struct{}  // of events from links that want no answer
	places    *places        // of known clients
	visitors  *places        // of strangers
	over      counts         // of what was beyond a tenant's quota
	turns     [32]sync.Mutex // of strangers at one signer key, one after another
	stopped   chan struct{}
	gate      sync.RWMutex // closed is set before work is waited for
	closed    bool
	work      sync.WaitGroup
	crew      *crew
	admins    *admins
}

// New returns an Inbox that does nothing yet, or an error that names what is
// missing.
func New(c Config) (*Inbox, error) {
	if c.Tenants == nil || c.Ledger == nil || c.Backlog == nil || c.Outlet == nil || c.Opener == nil ||
		c.Log == nil || c.Now == nil || c.Halted == nil || c.BadSignature == nil {
		return nil, errors.New("inbox: the configuration is incomplete")
	}
	c.Limits = c.Limits.orDefault()
	return &Inbox{
		Config:    c,
		seen:      newSeen(c.Limits.Seen, c.Now()),
		flights:   flights{m: map[nostr.ID]*flight{}},
		strangers: newStrangers(c.Limits),
		rates:     newRates(c.Limits.ClientRate, c.Limits.ClientBurst, c.Limits.Clients),
		refusals:  newRates(c.Limits.RefusalRate, c.Limits.RefusalBurst, c.Limits.Clients),
		lifted:    nostr.NewLifted(),
		held:      held{m: map[pair]heldRequest{}},
		resent:    resent{at: map[nostr.ID]sending{}},
		wake:      make(chan struct{}, 1),
		taken:     make(chan struct{}, 2*c.Limits.InFlight),
		places:    newPlaces(c.Limits.InFlight, c.Limits.InFlight/keptShare, few),
		visitors:  newPlaces(c.Limits.StrangersInFlight, c.Limits.StrangersInFlight/keptShare, 1),
		stopped:   make(chan struct{}),
		crew:      newCrew(),
		admins:    newAdmins(c.Limits, c.Now()),
	}, nil
}

// Verdict is what a relay may be told about an event that it delivered: NIP-01's
// OK, after the commit.
type Verdict struct {
	OK     bool
	Reason string
}

func refused(reason string) Verdict { return Verdict{Reason: reason} }

var accepted = Verdict{OK: true}

// Wake makes Run look for what is due at once: a question was answered, a relay
// came back, the bunker was unsealed.
func (in *Inbox) Wake() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// Know notes a client that has, or had, a connection: it has reserved capacity.
// It is a hint; whether it may do anything is read from the store.
func (in *Inbox) Know(signer, client nostr.PubKey) { in.known.add(pair{signer, client}) }
