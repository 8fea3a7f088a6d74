package daemon

import (
	"context"
	"encoding/base32"
	"fmt"
	"os"
	"sync"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/lease"
	"nsecbunker/internal/store"
	"nsecbunker/nostr"
)

const (
	// followWait is how long a change waits for the other instances to follow it. One that
	// is dead is not waited for; that takes a little longer than it takes to be dead.
	followWait = store.InstanceDead + 2*time.Second
	// drainWait is how long a shutdown waits for the others to take over what it heard.
	drainWait = 5 * time.Second
	// hintEvery is how long hints wait for each other.
	hintEvery = 5 * time.Millisecond
	// maxHints is how many replies wait to be named; more are found by the sweep.
	maxHints = 4096
	// followEvery is how long passes until keys are taken in that could not be.
	followEvery = time.Second
	// pruneInstancesEvery is how often instances that ended long ago are forgotten.
	pruneInstancesEvery = time.Minute
)

// together is this instance among others that share its store; nil where it is alone.
type together struct {
	d      *Daemon
	keeper *lease.Keeper
	behind behind

	mu      sync.Mutex
	replies []bunker.ReplyHint
	news    map[bunker.TenantID]struct{} // that have records which somebody may want to hear of
	poke    chan struct{}                // one place: there is something to tell
	newest  map[bunker.TenantID]int64    // service key that was loaded, by when it was made, unix ms
	unfit   error                        // why this instance cannot go on beside the others
}

// openTogether joins the other instances of a shared store. Whatever is read from the
// store afterwards is as new as the last order.
func (d *Daemon) openTogether(ctx context.Context) error {
	if !d.store.Shared() {
		return nil
	}
	last, err := d.store.LastOrder(ctx)
	if err != nil {
		return err
	}
	moved, err := d.store.LastMoved(ctx)
	if err != nil {
		return err
	}
	t := &together{
		d: d, poke: make(chan struct{}, 1), news: map[bunker.TenantID]struct{}{}, newest: map[bunker.TenantID]int64{},
	}
	t.keeper, err = lease.New(lease.Config{
		Rows: d.store, Parts: store.KeyLeases, Name: store.LeaseName, Jobs: store.JobLease, Dead: store.InstanceDead,
		Me:     bunker.Instance{ID: d.store.Instance(), Name: instanceName(d.Config.Listen), Version: d.Version, Done: last, Guests: moved},
		Follow: t.follow, Guests: t.guests, Moved: t.moved, Shifted: t.shifted, Wipe: t.wipe, Back: t.back, Schema: t.fit, Reached: d.store.Reached,
		Tell: func(ctx context.Context, k bunker.HintKind) { t.tell(ctx, bunker.Hint{Kind: k}) },
		Log:  d.Log,
	})
	if err != nil {
		return err
	}
	d.together = t
	return nil
}

// theInstances are those that the commands show; nil: this one is alone, or they are
// none of a guest's business.
func (t *tenant) theInstances() admin.Instances {
	if t.together == nil || t.guest() {
		return nil // and no nil of another type
	}
	return t.together
}

// joined notes an app with a new connection, here and on the other instances.
func (t *tenant) joined(client nostr.PubKey) {
	t.ring.joined(client)
	t.together.joined(t.id)
}

// lasting returns the context of the parts. It ends with ctx; where there are other
// instances, they take over first what this one hears.
func (d *Daemon) lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.together == nil {
		return context.WithCancel(ctx)
	}
	parts, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		d.draining.Store(true)
		d.together.leave()
		cancel()
	})
	return parts, func() { stop(); cancel() }
}

// backlog is the store's, of which only one instance prunes.
type backlog struct {
	*store.Store
	together *together
}

// Prune implements inbox.Backlog.
func (b backlog) Prune(ctx context.Context) (int, error) {
	if !b.together.jobs() {
		return 0, nil
	}
	return b.Store.Prune(ctx)
}

// instanceName says where to look for an instance.
func instanceName(listen string) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("process %d on %s, %s", os.Getpid(), host, listen)
}

// working says why nothing may be signed here now; "" when all is well.
func (t *together) working() string {
	if t == nil {
		return ""
	}
	return t.keeper.Working()
}

// jobs reports that this instance does what a timer asks for.
func (t *together) jobs() bool { return t == nil || t.keeper.DoesJobs() }

// unready says why no new app should be sent to this instance; "" when all is well.
func (t *together) unready() string {
	if t == nil {
		return ""
	}
	if t.keeper.Draining() {
		return "this instance is about to end"
	}
	return t.keeper.Working()
}

// run keeps the instance in step until ctx ends.
func (t *together) run(ctx context.Context) error {
	var parts sync.WaitGroup
	defer parts.Wait()
	listening, stop := context.WithCancel(ctx)
	defer stop()
	parts.Go(func() {
		if err := t.d.store.Listen(listening, t.listening, t.hear); err != nil {
			t.d.Log.Error("hints of other instances are not heard", "error", err)
		}
	})
	parts.Go(func() { t.tellAll(listening) })
	return t.keeper.Run(ctx)
}

// wipe seals every tenant here, while the store is out of reach.
func (t *together) wipe() {
	for _, of := range t.d.tenants.all() {
		of.followSeal()
		of.reloading.Lock() // it is no seal that the others must follow
		of.turned()
		of.reloading.Unlock()
	}
}

// back takes up what was left when the store went out of reach: slots that need no
// person open it again, and relays are asked anew for what came meanwhile.
func (t *together) back() {
	d := t.d
	for _, of := range d.tenants.all() {
		if err := of.unattended(d.working); err != nil {
			d.Log.Error("the bunker could not be unsealed again", "tenant", of.id, "error", err)
		}
		of.catchUp(d.working)
	}
	if err := d.relays.Want(nil); err != nil {
		d.Log.Error("relays could not be left", "error", err)
	}
	t.moved()
	d.inbox.Wake()
}

// fit is an error where this program cannot go on beside the others.
func (t *together) fit(minimum int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.unfit != nil {
		return t.unfit
	}
	return t.d.store.Serves(minimum)
}

// moved hears on relays what is to be heard here now.
func (t *together) moved() {
	d := t.d
	d.inbox.Doubt()
	for _, of := range d.tenants.all() {
		d.heard.note(of.id, of.ring.wants())
		if d.working.Err() != nil {
			return // it ends
		}
		of.tellAgain(d.working)
	}
	d.hear()
}

// leave gives up what this instance holds before it ends, and waits a moment for the
// others to take it.
func (t *together) leave() {
	ctx, cancel := context.WithTimeout(t.d.life, drainWait)
	defer cancel()
	if err := t.keeper.Drain(ctx, true); err != nil {
		t.d.Log.Warn("the other instances could not be told of the shutdown; they take over by themselves", "error", err)
		return
	}
	for !t.keeper.Alone() && !t.keeper.Taken() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
			t.keeper.Look()
		}
	}
}

// gone says that this instance has ended.
func (t *together) gone() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.d.life), time.Second)
	defer cancel()
	if err := t.d.store.Leave(ctx, t.d.store.Instance()); err != nil {
		t.d.Log.Debug("the other instances could not be told of the end", "error", err)
	}
}

// List implements admin.Instances.
func (t *together) List(ctx context.Context) ([]admin.InstanceView, error) {
	now, list, err := t.d.store.Instances(ctx)
	if err != nil {
		return nil, err
	}
	st := t.keeper.Standing()
	last, err := t.d.store.LastOrder(ctx)
	if err != nil {
		return nil, err
	}
	out := []admin.InstanceView{}
	for _, i := range list {
		v := admin.InstanceView{
			Name: i.Name, Here: i.ID == t.d.store.Instance(), State: "running", Version: i.Version, Started: admin.Time(i.Started), Heard: admin.Time(i.Beat),
			Behind: i.Done < last, Open: t.keeper.CountOpen(i.ID),
		}
		switch {
		case now-i.Beat >= store.InstanceDead.Milliseconds():
			v.State, v.Behind, v.Open = "gone", false, 0
		case i.Draining:
			v.State = "draining"
		}
		for name, of := range st.Leases {
			switch {
			case of != i.ID:
			case name == store.JobLease:
				v.Jobs = true
			default:
				v.Keys++
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// Drain implements admin.Instances.
func (t *together) Drain(ctx context.Context, drain bool) error {
	ctx, cancel := context.WithTimeout(ctx, drainWait)
	defer cancel()
	if err := t.keeper.Drain(ctx, drain); err != nil {
		return bunker.Errorf(bunker.CodeError, "the database did not answer in time, so the other instances do not know yet; try again").WithCause(err)
	}
	return nil
}

// sharedSetupCode is the code of a bunker that is not set up, the same on every
// instance: it is made of the service key, which all of them have.
func (t *tenant) sharedSetupCode() (string, error) {
	st, _, err := t.store.Tenant(t.life, t.id)
	if err != nil {
		return "", err
	}
	mac, err := t.vault.TagService(t.id, "setup code", []byte(st.Incarnation))
	if err != nil {
		return "", err
	}
	return base32.StdEncoding.EncodeToString(mac[:])[:setupCodeLength], nil
}

// setupCodeLength is the length of a setup code: 130 bits.
const setupCodeLength = 26

// runPruning forgets instances that ended long ago, and takes in keys that could not be.
func (t *together) runPruning(ctx context.Context) error {
	tick, retry := time.NewTicker(pruneInstancesEvery), time.NewTicker(followEvery)
	defer tick.Stop()
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-retry.C:
			t.followAgain(ctx)
			continue
		case <-tick.C:
		}
		if !t.jobs() {
			continue
		}
		if err := t.d.store.PruneInstances(ctx); err != nil && ctx.Err() == nil {
			t.d.Log.Error("instances that have ended could not be forgotten", "error", err)
		}
	}
}
