package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"nsecbunker/internal/audit"
)

const (
	// checkpointEvery is how often the audit chain's head is signed.
	checkpointEvery = 10 * time.Minute
	// choresEvery is how often deletions that fell due are looked for.
	choresEvery = time.Minute
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
			if err := d.checkpoint(ctx); err != nil {
				d.Log.Error("no checkpoint could be signed", "error", err)
			}
		case <-chores.C:
			if err := d.Chores(ctx); err != nil {
				d.Log.Error("what has fallen due could not be done", "error", err)
			}
		}
	}
}

// Changed reads the ring anew, before it returns: an app may use a new
// bunker:// string in the next moment.
func (d *Daemon) Changed() {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	if err := d.reload(d.life); err != nil {
		d.Log.Error("what changed could not be read again", "error", err)
	}
	d.inbox.Wake()
	// The log tells of a seal before the memory is wiped, and of none afterwards.
	if now := d.State(); now != d.told {
		d.told = now
		d.door.Turned()
	}
}

// Wake takes up at once what waits: answered questions, replies that no relay
// took yet.
func (d *Daemon) Wake() {
	if err := d.store.RetryNow(d.life, d.tenant); err != nil {
		d.Log.Error("waiting replies could not be hurried", "error", err)
	}
	d.inbox.Wake()
	d.notifier.Wake()
}

// checkpoint signs the chain's head with the audit key. While sealed nothing is
// signed; the next checkpoint covers the gap.
func (d *Daemon) checkpoint(ctx context.Context) error {
	if !d.vault.Unsealed(d.tenant) {
		return nil
	}
	c, ok, err := d.store.NextCheckpoint(ctx, d.tenant)
	if err != nil || !ok {
		return err
	}
	pub, sig, err := d.vault.SignCheckpoint(d.tenant, c.Digest())
	if err != nil {
		return err
	}
	return d.store.AddCheckpoint(ctx, audit.Signed{Checkpoint: c, Key: pub, Sig: sig})
}

// lastCheckpoint is made at shutdown, while the store still runs.
func (d *Daemon) lastCheckpoint() {
	ctx, cancel := context.WithTimeout(d.life, 5*time.Second)
	defer cancel()
	if err := d.checkpoint(ctx); err != nil {
		d.Log.Warn("the last checkpoint could not be signed", "error", err)
	}
}

// Chores ends keys whose waiting period is over, and stops hearing old relays
// that no app needs. A clock that is suspect ends nothing (the commands see to
// that), nor does a bunker that cannot write its records.
func (d *Daemon) Chores(ctx context.Context) error {
	if d.State() != Unsealed {
		return nil
	}
	for {
		deleted, err := d.due(ctx, "key.purge", "deleted")
		if err != nil {
			return err
		}
		if deleted == 0 { // it deletes one at a time
			break
		}
	}
	_, err := d.due(ctx, "relay.purge", "removed")
	return err
}

// due runs a command of the timer's and returns how much it did.
func (d *Daemon) due(ctx context.Context, command, list string) (int, error) {
	result, err := d.Dispatch(ctx, System(), command, nil)
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
