// Package lease keeps one of several instances in step with the others: it says that
// this one lives, shares out who hears which signer keys on relays and who does the jobs
// of the timer, has what changed elsewhere followed here, and notices when this instance
// is cut off from the store.
//
// Coordination is through the store alone. Nothing about authority rests on it: every
// decision is committed under its tenant's lock on the versions that it read, and every
// request has one row, whoever works on it.
package lease

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
)

// Rows is the store as instances find each other by it.
type Rows interface {
	Beat(ctx context.Context, me bunker.Instance) (bunker.Standing, error)
	TakeLeases(ctx context.Context, me bunker.InstanceID, n int) error
	GiveLeases(ctx context.Context, me bunker.InstanceID, n int, all bool) error
	// SayOpen tells the first n of what it is given, as the instance's change of that
	// number; told is false while the instance is not known.
	SayOpen(ctx context.Context, me bunker.InstanceID, no int64, list []bunker.Opening) (n int, told bool, err error)
	OpenSince(ctx context.Context, of bunker.InstanceID, after int64) ([]bunker.Opening, error)
}

const (
	// beatEvery is how often an instance says that it lives.
	beatEvery = time.Second
	// CutAfter is how long ago the last beat was taken when an instance stops signing. It
	// is less than two beats and their time-outs: one that is late is no cut.
	CutAfter = 2 * time.Second
	// WipeAfter is how long ago when it wipes its keys from memory (security.md section 3).
	WipeAfter = 10 * time.Second
	// lookEvery is how often that is looked at: a beat that hangs does not hold it up.
	lookEvery = 100 * time.Millisecond
)

// Config is what New needs; all of it.
type Config struct {
	Rows Rows
	Me   bunker.Instance // Done: the last order that needs no following; Guests: likewise
	// Parts is how many parts the signer keys are in, Name the lease of one of them, and
	// Jobs that of the timer's work.
	Parts int
	Name  func(part int) string
	Jobs  string
	// Dead is how old a beat is when its instance counts as dead.
	Dead time.Duration
	// Follow does what an order says. It returns when that is done.
	Follow func(ctx context.Context, o bunker.InstanceOrder)
	// Guests takes in tenants that were made, held or ended, before what orders say.
	Guests func(ctx context.Context, ids []bunker.TenantID)
	// Moved is told that other leases are held than before, or that other instances live;
	// Shifted of which tenants something was opened or sealed elsewhere.
	Moved   func()
	Shifted func(ids []bunker.TenantID)
	// Wipe is told that the store has been out of reach for so long that keys must go; Back
	// that it can be reached again. Follow, Guests, Moved, Shifted and Back are called one after
	// another, and may take their time: the heart beats on. Wipe is called at any time, but for
	// one that begins Back.
	Wipe, Back func()
	// Reached is when something was last stored: a sign of life like a beat. nil: nobody
	// knows.
	Reached func() time.Time
	// Schema is told how much a program must know of the schema now; an error ends Run.
	Schema func(minimum int64) error
	// Tell hints to the others that leases are free, or that an order was followed.
	Tell func(ctx context.Context, k bunker.HintKind)
	Log  *slog.Logger
}

// Keeper is one instance's part. Run keeps it; the rest may be called from anywhere.
type Keeper struct {
	Config
	wake chan struct{} // one place: beat now
	todo chan struct{} // one place: something is to be done
	// wiping is held while keys are wiped, saying while the others are told what is open.
	wiping, saying sync.Mutex

	mu       sync.Mutex
	turn     chan struct{} // closed and made anew with each beat
	last     time.Time     // when the last beat that was taken began, monotonic
	state    state
	standing bunker.Standing
	held     map[string]bool
	done     int64
	met      bool // it knows what is open on the others
	// returning: the store can be reached again, and Back has not returned.
	returning bool
	until     int64 // the order that must be followed before anything is signed: see take
	guests    int64 // up to which change of tenants is followed
	draining  bool
	open      openings
	// What is to be done is noted here.
	back, moved bool
	shifted     map[bunker.TenantID]bool
	orders      []bunker.InstanceOrder
	arrived     []bunker.TenantMoved
}

// state is how an instance stands to the store.
type state int

const (
	together state = iota
	cut            // out of reach: nothing is signed
	wiped          // for so long that keys are gone
)

// New returns a Keeper that counts as together with the store: call it right after the
// store was opened.
func New(c Config) (*Keeper, error) {
	if c.Rows == nil || c.Me.ID == "" || c.Parts < 1 || c.Name == nil || c.Jobs == "" || c.Dead <= 0 || c.Follow == nil || c.Guests == nil || c.Moved == nil || c.Shifted == nil ||
		c.Wipe == nil || c.Back == nil || c.Schema == nil || c.Tell == nil || c.Log == nil {
		return nil, errors.New("lease: the configuration is incomplete")
	}
	return &Keeper{
		Config: c, wake: make(chan struct{}, 1), todo: make(chan struct{}, 1), turn: make(chan struct{}), last: time.Now(), held: map[string]bool{}, done: c.Me.Done,
		guests: c.Me.Guests, open: newOpenings(), shifted: map[bunker.TenantID]bool{},
	}, nil
}

// Working says why nothing may be signed here now; "" when all is well. It holds from
// the moment on at which the last beat is too old, whether or not anybody has looked.
func (k *Keeper) Working() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.state == wiped || k.away() > CutAfter || k.dead():
		return "this instance cannot reach its database now"
	case !k.met:
		return "this instance has not heard of the others yet"
	case k.returning:
		return "this instance can reach its database again, and opens its keys"
	case k.done < k.until:
		return "this instance could not reach its database, and has not read yet what was changed meanwhile"
	}
	return ""
}

// dead reports that the others may take this instance for dead: they wait for it no
// more, whatever it stores. The caller holds the lock.
func (k *Keeper) dead() bool { return time.Since(k.last) >= k.Dead }

// away is how long ago the store was last reached. The caller holds the lock.
func (k *Keeper) away() time.Duration {
	last := k.last
	if k.Reached != nil {
		if r := k.Reached(); r.After(last) {
			last = r
		}
	}
	return time.Since(last)
}

// DoesJobs reports whether this instance is the one that does what a timer asks for.
func (k *Keeper) DoesJobs() bool { return k.holds(k.Config.Jobs) }

func (k *Keeper) holds(name string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held[name] && k.state == together
}

// Look has the heart beat at once: there is an order, or a lease to be had.
func (k *Keeper) Look() { poke(k.wake) }

// Standing returns what the last beat told.
func (k *Keeper) Standing() bunker.Standing {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.standing
}

// Run beats until ctx ends or the store can be served by newer programs only.
func (k *Keeper) Run(ctx context.Context) error {
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { k.watch(watching) })
	watch.Go(func() { k.work(watching) })
	defer watch.Wait()
	defer stop()
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	for {
		if err := k.beat(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-k.wake:
		}
	}
}

// watch notices that beats fail, or hang.
func (k *Keeper) watch(ctx context.Context) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		k.mu.Lock()
		away := k.away()
		lost := k.state == together && (away > CutAfter || k.dead())
		if lost {
			k.state = cut
		}
		k.mu.Unlock()
		if lost {
			k.Log.Warn("the database cannot be reached; nothing is signed until it can", "for", away.Round(time.Second))
		}
		k.lose(nil)
	}
}

// lose wipes, once until the store is reached again: when it was out of reach for so
// long, or when a beat tells that orders are forgotten which were not followed here. It
// returns when that is done, whoever does it.
func (k *Keeper) lose(st *bunker.Standing) {
	k.wiping.Lock()
	defer k.wiping.Unlock()
	k.mu.Lock()
	away := k.away()
	missed := st != nil && len(st.Orders) > 0 && st.Orders[0].No > k.done+1
	if missed {
		k.done = st.Orders[0].No - 1 // nothing is left in memory that they were about
	}
	if k.state == wiped || away <= WipeAfter && !missed {
		k.mu.Unlock()
		return
	}
	k.state = wiped
	k.mu.Unlock()
	k.Log.Warn("the database could not be reached; every key is wiped from memory", "for", away.Round(time.Second))
	k.Wipe()
}

// beat is one beat: it lives, takes and gives leases, follows orders.
func (k *Keeper) beat(ctx context.Context) error {
	began := time.Now()
	me := k.me()
	st, err := k.Rows.Beat(ctx, me)
	if err != nil {
		if ctx.Err() == nil {
			k.Log.Debug("a beat was not taken", "error", err)
		}
		return nil
	}
	if err := k.Schema(st.Minimum); err != nil {
		return err
	}
	p := plan(&st, me.ID, k.Dead, me.Draining)
	if p != (Plan{}) {
		if st, err = k.share(ctx, me, st, p); err != nil {
			return nil // the next beat looks again
		}
	}
	shifted := k.exchange(ctx, &st, me.Opened)
	k.lose(&st) // this process may have stood still, and watch with it
	k.take(&st, shifted, began)
	return nil
}

// me is this instance as it says that it lives.
func (k *Keeper) me() bunker.Instance {
	k.mu.Lock()
	defer k.mu.Unlock()
	me := k.Me
	me.Done, me.Guests, me.Draining, me.Opened = k.done, k.guests, k.draining, k.open.said
	return me
}

// share takes and gives leases, and returns how things stand then.
func (k *Keeper) share(ctx context.Context, me bunker.Instance, st bunker.Standing, p Plan) (bunker.Standing, error) {
	holding := false
	for _, of := range st.Leases {
		holding = holding || of == me.ID
	}
	switch {
	case p.Take > 0:
		if err := k.Rows.TakeLeases(ctx, me.ID, p.Take); err != nil {
			return st, err
		}
	case holding:
		if err := k.Rows.GiveLeases(ctx, me.ID, p.Give, p.All); err != nil {
			return st, err
		}
		defer k.Tell(ctx, bunker.HintLease)
	default:
		return st, nil
	}
	return k.Rows.Beat(ctx, me)
}

// take keeps what a beat told, and says so. Who was away for so long that nobody waited
// for it signs nothing before it has followed what was ordered up to now.
func (k *Keeper) take(st *bunker.Standing, shifted []bunker.TenantID, began time.Time) {
	k.mu.Lock()
	was := k.state
	if was != together || k.dead() {
		k.until = st.Newest
	}
	k.state, k.last, k.standing = together, began, *st
	k.met, k.returning = true, k.returning || was == wiped
	moved := k.open.count(st, live(st, k.Dead, false)) || was != together
	held := map[string]bool{}
	for name, of := range st.Leases {
		if of == k.Me.ID {
			held[name] = true
			moved = moved || !k.held[name]
		}
	}
	moved = moved || len(held) != len(k.held)
	k.held = held
	k.back, k.moved = k.back || was != together, k.moved || moved
	if len(st.Orders) > 0 {
		k.orders = st.Orders
	}
	if len(st.Guests) > 0 {
		k.arrived = st.Guests
	}
	for _, t := range shifted {
		k.shifted[t] = true
	}
	work := k.back || k.moved || len(k.orders) > 0 || len(k.arrived) > 0 || len(k.shifted) > 0
	close(k.turn)
	k.turn = make(chan struct{})
	k.mu.Unlock()
	if was != together {
		k.Log.Info("the database can be reached again")
	}
	if work {
		poke(k.todo)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Drain gives up what is held and takes nothing on any more, or takes its share again.
// It returns when the store knows.
func (k *Keeper) Drain(ctx context.Context, drain bool) error {
	k.mu.Lock()
	k.draining = drain
	k.mu.Unlock()
	for {
		k.Look()
		k.mu.Lock()
		st, turn, held := k.standing, k.turn, len(k.held)
		k.mu.Unlock()
		known := false
		for _, i := range st.Instances {
			known = known || i.ID == k.Me.ID && i.Draining == drain
		}
		if known && (!drain || held == 0) {
			return nil
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Draining reports that nothing is taken on here any more.
func (k *Keeper) Draining() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.draining
}

// Alone reports that no other instance lives that takes leases.
func (k *Keeper) Alone() bool {
	st := k.Standing()
	for _, i := range live(&st, k.Dead, false) {
		if i.ID != k.Me.ID {
			return false
		}
	}
	return true
}

// Taken reports that every lease is held by an instance that lives.
func (k *Keeper) Taken() bool {
	st := k.Standing()
	working := map[bunker.InstanceID]bool{}
	for _, i := range live(&st, k.Dead, false) {
		working[i.ID] = true
	}
	for _, of := range st.Leases {
		if !working[of] {
			return false
		}
	}
	return true
}
