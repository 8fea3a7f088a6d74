package daemon

import (
	"context"
	"time"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
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
			if err := d.deleteDue(ctx); err != nil {
				d.Log.Error("a key whose time has come could not be deleted", "error", err)
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
}

// Wake takes up at once what waits: answered questions, replies that no relay
// took yet.
func (d *Daemon) Wake() {
	if err := d.store.RetryNow(d.life, d.tenant); err != nil {
		d.Log.Error("waiting replies could not be hurried", "error", err)
	}
	d.inbox.Wake()
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

// deleteDue ends keys whose waiting period is over. A clock that is suspect
// deletes nothing.
func (d *Daemon) deleteDue(ctx context.Context) error {
	if !d.vault.Unsealed(d.tenant) || d.store.Clock().Suspect {
		return nil
	}
	keys, err := d.store.DeletingKeys(ctx, d.tenant)
	if err != nil {
		return err
	}
	now := d.store.LedgerTime().UnixMilli()
	for _, k := range keys {
		if k.DeleteAt > now {
			continue
		}
		err := d.store.Change(ctx, d.tenant, System(), func(tx *store.Tx) error {
			if err := tx.DeleteKey(k.ID); err != nil {
				return err
			}
			return tx.Audit(bunker.AuditRecord{Action: "key.deleted", Object: string(k.ID), Key: k.PubKey.String()})
		})
		if err != nil {
			return err
		}
		if err := d.vault.ForgetUserKey(d.tenant, k.ID); err != nil {
			return err
		}
		d.Changed()
	}
	return nil
}
