package daemon

import (
	"context"
	"encoding/json"
	"time"

	"nsecbunker/internal/bunker"
)

// guestsEvery is how often guests that the house can open are looked for, besides when
// it was opened itself.
const guestsEvery = time.Minute

// runGuests opens those guests whose owners agreed to it, whenever the house is open.
func (d *Daemon) runGuests(ctx context.Context) error {
	if !d.Config.Hosted {
		<-ctx.Done()
		return nil
	}
	look := time.NewTicker(guestsEvery)
	defer look.Stop()
	tried := map[bunker.SlotID]bool{} // a guest that was sealed by its people stays so
	for {
		d.openGuests(ctx, tried)
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		case <-d.houseOpened:
			clear(tried)
		}
	}
}

// openGuests opens every sealed guest that has a slot for it and was not tried since the
// house was opened.
func (d *Daemon) openGuests(ctx context.Context, tried map[bunker.SlotID]bool) {
	if !d.vault.Unsealed(d.home.id) {
		return
	}
	slots, err := d.store.ProviderSlots(ctx)
	if err != nil {
		d.Log.Error("the slots of guests could not be read", "error", err)
		return
	}
	for i := range slots {
		s := &slots[i]
		t := d.tenants.tenant(s.Tenant)
		if t == nil || tried[s.ID] || ctx.Err() != nil {
			continue
		}
		tried[s.ID] = true
		if d.vault.Unsealed(t.id) {
			continue
		}
		params, err := json.Marshal(map[string]string{"slot": string(s.ID)})
		if err == nil {
			_, err = t.Dispatch(ctx, System(), "unseal", params)
		}
		if err != nil {
			d.Log.Warn("a guest did not open with the house", "tenant", t.id, "error", bunker.AsError(err).Words)
		}
	}
}
