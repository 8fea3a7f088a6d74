package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
)

const (
	// checkpointEvery is how often the audit chain's head is signed.
	checkpointEvery = 10 * time.Minute
	// choresEvery is how often deletions that fell due are looked for.
	choresEvery = time.Minute
	// lastCheckpointsIn is how long the checkpoints of a shutdown may take.
	lastCheckpointsIn = 5 * time.Second
)

// runJobs does what time asks for.
func (d *Daemon) runJobs(ctx context.Context) error {
	checkpoint, chores := time.NewTicker(checkpointEvery), time.NewTicker(choresEvery)
	defer checkpoint.Stop()
	defer chores.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-checkpoint.C:
			d.checkpoints(ctx, false)
		case <-chores.C:
			if err := d.Chores(ctx); err != nil {
				d.Log.Error("what has fallen due could not be done", "error", err)
			}
		}
	}
}

// Changed reads the ring anew, before it returns: an app may use a new
// bunker:// string in the next moment. So do the other instances; those that have not in
// time are named.
func (t *tenant) Changed() (behind []string) {
	sealed := t.read()
	if t.together == nil {
		return nil
	}
	what := bunker.OrderChanged
	if sealed {
		what = bunker.OrderSealed
	}
	behind = t.together.order(t.id, what)
	if t.guest() && len(behind) > 0 { // where his machines are is the provider's own
		return []string{fmt.Sprintf("%d of your provider's instances", len(behind))}
	}
	return behind
}

// read reads the ring anew, and reports that the bunker has just been sealed.
func (t *tenant) read() (sealed bool) {
	t.reloading.Lock()
	defer t.reloading.Unlock()
	t.sayOpen() // before: where it is heard goes by it
	if err := t.reload(t.life); err != nil {
		t.Log.Error("what changed could not be read again", "error", err)
		t.together.later(t.id)
	}
	t.inbox.Wake()
	// The log tells of a seal before the memory is wiped, and of none afterwards.
	return t.turned()
}

// turned tells admins' sessions of another state, and reports a seal. The caller holds
// t.reloading.
func (t *tenant) turned() (sealed bool) {
	t.sayOpen()
	sealed, opened := t.turnedTo(t.State())
	if opened {
		t.announceSoon()
	}
	return sealed
}

// turnedTo is turned for who knows how it is now, but for announcing it.
func (t *tenant) turnedTo(now State) (sealed, opened bool) {
	sealed, opened = now == Sealed && t.told == Unsealed, now == Unsealed && t.told != Unsealed
	if now != t.told {
		t.told = now
		switch {
		case t.guest():
		case now == Unsealed:
			t.lookForShut()
		default:
			t.shut.looked.Store(false)
		}
		if k := t.desk.peek(); k != nil {
			k.door.Turned()
		}
	}
	return sealed, opened
}

// Wake takes up at once what waits for a tenant: answered questions, replies that no
// relay took yet.
func (t *tenant) Wake() {
	if err := t.store.RetryNow(t.life, t.id); err != nil {
		t.Log.Error("waiting replies could not be hurried", "error", err)
	}
	t.inbox.Wake()
	t.untold.add(t.id)
}

// Wake is that of every tenant: a relay came back.
func (d *Daemon) Wake() {
	for _, t := range d.tenants.all() {
		if t.notifier.peek() != nil {
			d.untold.add(t.id)
		}
	}
	d.wakeAll()
}

// wakeAll takes up what waits for any tenant, but for notices.
func (d *Daemon) wakeAll() {
	if err := d.store.RetryAllNow(d.life); err != nil {
		d.Log.Error("waiting replies could not be hurried", "error", err)
	}
	d.inbox.Wake()
}

// checkpointGroup is how many checkpoints are stored in one transaction.
const checkpointGroup = 64

// checkpoints signs the ends of the logs that have grown since the last time. ends: this
// instance ends, and signs what it can until ctx ends, too.
func (d *Daemon) checkpoints(ctx context.Context, ends bool) {
	d.grown.add(d.home.id)
	var late []bunker.TenantID
	for group := range slices.Chunk(d.grown.take(), checkpointGroup) {
		var signed []audit.Signed
		var of []bunker.TenantID
		failed := func(err error, ids ...bunker.TenantID) {
			if ctx.Err() != nil {
				late = append(late, ids...)
				return
			}
			d.Log.Error("no checkpoint could be signed", "tenants", ids, "error", err)
			d.grown.add(ids...)
		}
		for _, id := range group {
			t := d.tenants.tenant(id)
			if t == nil {
				continue
			}
			if !ends && !t.doesJobs() { // another instance does, as long as it can
				d.grown.add(id)
				continue
			}
			if err := ctx.Err(); err != nil {
				failed(err, id)
				continue
			}
			c, ok, err := t.checkpoint(ctx)
			if err != nil {
				failed(err, id)
			} else if ok {
				signed, of = append(signed, c), append(of, id)
			}
		}
		if err := d.store.AddCheckpoints(ctx, signed); err != nil {
			failed(err, of...)
		}
	}
	if len(late) > 0 {
		d.grown.add(late...)
		d.Log.Warn("the time for checkpoints was up: the next ones cover what has none", "bunkers", len(late))
	}
}

// checkpoint signs the chain's head with the audit key, where it has grown. While sealed
// nothing is signed; the next checkpoint covers the gap.
func (t *tenant) checkpoint(ctx context.Context) (signed audit.Signed, ok bool, err error) {
	if t.State() != Unsealed {
		return signed, false, nil
	}
	c, ok, err := t.store.NextCheckpoint(ctx, t.id)
	if err != nil || !ok {
		return signed, false, err
	}
	pub, sig, err := t.vault.SignCheckpoint(t.id, c.Digest())
	return audit.Signed{Checkpoint: c, Key: pub, Sig: sig}, err == nil, err
}

// doesJobs reports that this instance does what a timer asks for of the tenant.
func (t *tenant) doesJobs() bool { return t.together == nil || t.together.keeper.DoesJobsOf(t.id) }

// lastCheckpoints are made at shutdown, while the store still runs.
func (d *Daemon) lastCheckpoints() {
	ctx, cancel := context.WithTimeout(d.life, lastCheckpointsIn)
	defer cancel()
	d.checkpoints(ctx, true)
}

// Chores does the chores of every tenant that may have some.
func (d *Daemon) Chores(ctx context.Context) error {
	ids, err := d.store.TenantsWithChores(ctx, d.store.LedgerTime().UnixMilli())
	for _, id := range ids {
		t := d.tenants.tenant(id)
		if t == nil || ctx.Err() != nil || !t.doesJobs() {
			continue
		}
		if failed := t.Chores(ctx); failed != nil {
			err = errors.Join(err, fmt.Errorf("tenant %s: %w", id, failed))
		}
	}
	return err
}

// Chores ends keys whose waiting period is over, and stops hearing old relays
// that no app needs. A clock that is suspect ends nothing (the commands see to
// that), nor does a bunker that cannot write its records.
func (t *tenant) Chores(ctx context.Context) error {
	if t.State() != Unsealed {
		return nil
	}
	for {
		deleted, err := t.due(ctx, "key.purge", "deleted")
		if err != nil {
			return err
		}
		if deleted == 0 { // it deletes one at a time
			break
		}
	}
	_, err := t.due(ctx, "relay.purge", "removed")
	return err
}

// due runs a command of the timer's and returns how much it did.
func (t *tenant) due(ctx context.Context, command, list string) (int, error) {
	result, err := t.Dispatch(ctx, System(), command, nil)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", command, err)
	}
	b, err := json.Marshal(result)
	if err != nil {
		return 0, err
	}
	var did map[string][]string
	if err := json.Unmarshal(b, &did); err != nil {
		return 0, fmt.Errorf("%s: %w", command, err)
	}
	return len(did[list]), nil
}
