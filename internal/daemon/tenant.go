package daemon

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/inbox"
	"nsecbunker/internal/legacy"
	"nsecbunker/internal/notify"
	"nsecbunker/internal/picture"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/session"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip49"
)

// tenant is one bunker of the instance: what is its own, beside what it shares with
// the others. Of ten thousand most are asked for nothing at a time, so what they do
// not need to be reached is made when somebody comes, and none has a goroutine.
type tenant struct {
	*Daemon
	id       bunker.TenantID
	adminKey nostr.PubKey
	// first are those who may set it up.
	first []nostr.PubKey

	ring     ring
	letters  letters
	setup    setupCode
	alarms   alarms
	happened happenings
	quota    quota

	requests lazily[inbox.Tenant]
	judge    lazily[signer.Signer]
	desk     lazily[desk]
	notifier lazily[notify.Notifier]

	// memory is held over a change of the store and of the keys in memory: [admin.Deps].
	memory sync.Mutex
	// reloading is held while the ring is read anew.
	reloading sync.Mutex
	// catching is held while its memory is brought in line with the store.
	catching sync.Mutex
	// openingNow is held while it is opened with the house, and opening set.
	openingNow sync.Mutex
	opening    atomic.Bool
	// announceAt is when it announces itself next (unix ms); see [Daemon.announceDue].
	announceAt atomic.Int64
	// forgedTold is when a forged announcement was told of last (unix ms).
	forgedTold atomic.Int64
	// told is the state that admins' sessions were told of last.
	told State
}

// desk is where administrators are dealt with.
type desk struct {
	slots    *seal.Slots
	commands *admin.Table
	door     *session.Door
	legacy   *legacy.Door
	pace     *rate.Limiter // of a guest's commands
}

func newTenant(d *Daemon, id bunker.TenantID) *tenant {
	t := &tenant{Daemon: d, id: id}
	t.letters.t = t
	t.ring.own = d.own
	if d.Config.Shared {
		t.ring.hears = func(p nostr.PubKey) bool { return d.together.keeper.Hears(id, p) }
	}
	t.ring.stays = func() bool {
		k := t.desk.peek()
		return k != nil && len(k.door.Open()) > 0
	}
	return t
}

// lazily is a part that is made when it is first needed. Its zero value is not made.
type lazily[T any] struct {
	mu   sync.Mutex
	made atomic.Pointer[T]
}

// get returns the part, and makes it where there is none; what failed is tried again.
func (l *lazily[T]) get(build func() (*T, error)) (*T, error) {
	if p := l.made.Load(); p != nil {
		return p, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.made.Load(); p != nil {
		return p, nil
	}
	p, err := build()
	if err == nil {
		l.made.Store(p)
	}
	return p, err
}

// peek returns the part, nil where nobody needed it yet.
func (l *lazily[T]) peek() *T { return l.made.Load() }

// theDesk is the tenant's desk.
func (t *tenant) theDesk() (*desk, error) {
	return t.desk.get(func() (*desk, error) { return t.newDesk(t.life) })
}

func (t *tenant) newDesk(ctx context.Context) (k *desk, err error) {
	k = &desk{pace: rate.NewLimiter(guestCommandRate, guestCommandBurst)}
	kdf := seal.InTurn(t.kdf)
	k.slots, err = seal.New(seal.Config{
		Arena: t.arena, KDF: kdf, Attempts: tries{t.store, t.id, bunkersPassphrase}, KeyAttempts: t.keyTries, Now: t.store.LedgerTime,
		CredentialsDir: t.credentials, Commands: t.Config.Commands,
	})
	if err != nil {
		return nil, err
	}
	k.door, err = session.New(session.Config{
		Tenant: t.id, Admin: t.adminKey, Arena: t.arena, Keys: t.vault, Rows: doorRows{t}, Table: doorTable{t},
		Prover: proverAfar{prover{t}}, Out: doorOutlet{t}, Relays: t.ring.uriRelays, SetupCode: t.SetupCode, Now: t.store.LedgerTime,
	})
	if err != nil {
		return nil, err
	}
	k.legacy, err = legacy.New(legacy.Config{
		Tenant: t.id, Admin: t.adminKey, Keys: t.vault, Rows: legacyRows{t}, Table: doorTable{t}, Out: doorOutlet{t}, Now: t.store.LedgerTime,
	})
	if err != nil {
		return nil, err
	}
	judge, err := t.theSigner()
	if err != nil {
		return nil, err
	}
	k.commands, err = admin.New(admin.Deps{
		Tenant: t.id, Now: t.store.LedgerTime, Vault: t.vault, Rows: rows{t.store}, Memory: &t.memory,
		Slots: slotMaker{k.slots, kdf, t.vault}, KDF: nip49.KDF(kdf), Around: t,
		Backup: backups{t}, DeleteWait: time.Duration(t.Config.DeleteWait), SetupCode: t.SetupCode,
		First: t.firstNamed(), Events: events{t, judge}, Notices: notices{t}, Sessions: k.door, House: t.theHouse(), Guest: t.guest(), Instances: t.theInstances(),
		Pictures: t.thePictures(), Plan: t.thePlan(),
	})
	if err != nil {
		return nil, err
	}
	// From now on somebody may want to hear what is committed.
	if err := t.happened.begin(ctx, t); err != nil {
		return nil, err
	}
	t.Subscribe(func(h bunker.Happening) { t.tellDoor(k.door, h) })
	return k, nil
}

// firstNamed is what the set-up takes where it is told nothing.
func (t *tenant) firstNamed() admin.First {
	f := admin.First{Admins: t.Admins, Relays: t.Config.Relays}
	if t.guest() {
		f.Admins = nil
		for _, p := range t.first {
			f.Admins = append(f.Admins, nip19.EncodeNpub(p))
		}
	}
	return f
}

// thePictures fetches those of profiles: for a guest from outside the machine's network.
func (t *tenant) thePictures() *picture.Pictures {
	if t.guest() {
		return t.foreign
	}
	return t.pictures
}

// theSigner judges the tenant's requests.
func (t *tenant) theSigner() (*signer.Signer, error) {
	return t.judge.get(func() (*signer.Signer, error) {
		return signer.New(signer.Config{
			Tenant: t.id, Store: t.store, Vault: t.vault,
			Around: signer.Surroundings{
				Ours: t.ring.isOurs, Clients: t.ring.isClient, Hosts: t.ring.hosts,
				Relays: t.ring.ownURLs, AppRelays: t.ring.appRelays,
			},
		})
	})
}

// theRequests is the tenant as the inbox sees it.
func (t *tenant) theRequests() (*inbox.Tenant, error) {
	return t.requests.get(func() (*inbox.Tenant, error) {
		judge, err := t.theSigner()
		return &inbox.Tenant{ID: t.id, Signer: judge, Diary: diary{t}, Joined: t.joined, Relays: t.ring.uriRelays, Quota: t.quotaNow, Open: t.openForRequest}, err
	})
}

// openForRequest opens the tenant first, if it is one of those that wait for that, and takes in
// what other instances changed, if that could not be done yet.
func (t *tenant) openForRequest() {
	t.openWithHouse(t.working)
	t.catchUpNow(t.working)
}

// State returns how far the tenant's bunker is ready. While it is being set up there
// is a root key already, which nothing is stored of.
func (t *tenant) State() State {
	st, _, err := t.store.Tenant(t.life, t.id)
	switch {
	case err == nil && !st.SetUp:
		return NotSetUp
	case t.vault.Unsealed(t.id):
		return Unsealed
	}
	return Sealed
}

// ConnectionString is where admins find the bunker; it is no secret.
func (t *tenant) ConnectionString() string {
	return connectionString(t.adminKey, t.ring.uriRelays())
}

// Dispatch runs one of the tenant's commands in this process.
func (t *tenant) Dispatch(ctx context.Context, p bunker.Principal, name string, params []byte) (any, error) {
	k, err := t.theDesk()
	if err != nil {
		return nil, bunker.AsError(err)
	}
	v, err := k.commands.Dispatch(ctx, p, name, params)
	return v, t.forGuest(err)
}

// forGuest is an error as the people of a guest may read it: where the store lies is known to
// those who run the machine.
func (t *tenant) forGuest(err error) error {
	if !t.guest() || !errors.Is(err, bunker.ErrStore) {
		return err
	}
	t.Log.Error("a command of a guest failed", "tenant", t.id, "error", err)
	return bunker.Errorf(bunker.CodeError, "your provider's database could not do this now; try again, and tell your provider if it stays so").WithCause(err)
}

// sayOpen tells the other instances whether it is open here.
func (t *tenant) sayOpen() {
	if t.together != nil {
		t.together.keeper.Open(t.id, t.vault.Unsealed(t.id))
	}
}

// close wipes what its sessions hold.
func (t *tenant) close() {
	if k := t.desk.peek(); k != nil {
		k.door.Close()
	}
}
