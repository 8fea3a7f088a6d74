package daemon

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nsecbunker/internal/bunker"
)

// guestsEvery is how often guests that the house can open are looked for, besides when
// it was opened itself.
const guestsEvery = time.Minute

// shut are guests that open with the house and are not open yet. They are opened one
// after another; whoever is asked for is opened first.
type shut struct {
	n     atomic.Int64 // of those that wait, so that asking costs nothing when none does
	mu    sync.Mutex
	slots map[bunker.TenantID][]bunker.Slot
	order []bunker.TenantID

	// looked says that they were looked for since the house was sealed last. Before that
	// nobody knows whether a guest waits.
	looked  atomic.Bool
	finding sync.Mutex
	tried   map[bunker.SlotID]bool // since then: a guest that was sealed by its people stays so
}

// put adds what is to be opened.
func (s *shut) put(slots []bunker.Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots == nil {
		s.slots = map[bunker.TenantID][]bunker.Slot{}
	}
	for _, slot := range slots {
		if _, waits := s.slots[slot.Tenant]; !waits {
			s.order = append(s.order, slot.Tenant)
		}
		s.slots[slot.Tenant] = append(s.slots[slot.Tenant], slot)
	}
	s.n.Store(int64(len(s.slots)))
}

// take returns the slots of a guest that waits, which does not any more.
func (s *shut) take(id bunker.TenantID) []bunker.Slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	slots := s.slots[id]
	delete(s.slots, id)
	s.n.Store(int64(len(s.slots)))
	return slots
}

// next is a guest that waits; false: none does.
func (s *shut) next() (bunker.TenantID, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.order) > 0 {
		id := s.order[0]
		s.order = s.order[1:]
		if _, waits := s.slots[id]; waits {
			return id, true
		}
	}
	s.order = nil
	return "", false
}

// runGuests opens those guests whose owners agreed to it, whenever the house is open.
func (d *Daemon) runGuests(ctx context.Context) error {
	if !d.Config.Hosted {
		<-ctx.Done()
		return nil
	}
	look := time.NewTicker(guestsEvery)
	defer look.Stop()
	for {
		d.findShut(ctx)
		for {
			id, ok := d.shut.next()
			if !ok || ctx.Err() != nil {
				break
			}
			if t := d.tenants.tenant(id); t != nil {
				t.openWithHouse(ctx)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		case <-d.guestsShut:
		}
	}
}

// lookForShut has guests that the house can open looked for soon.
func (d *Daemon) lookForShut() {
	select {
	case d.guestsShut <- struct{}{}:
	default:
	}
}

// findShut finds every sealed guest that has a slot for it and was not tried since the
// house was opened.
func (d *Daemon) findShut(ctx context.Context) {
	s := &d.shut
	s.finding.Lock()
	defer s.finding.Unlock()
	if !d.vault.Unsealed(d.home.id) {
		return
	}
	slots, err := d.store.ProviderSlots(ctx)
	if err != nil {
		if ctx.Err() == nil {
			d.Log.Error("the slots of guests could not be read", "error", err)
		}
		return
	}
	if !s.looked.Load() || s.tried == nil {
		s.tried = map[bunker.SlotID]bool{}
	}
	slots = slices.DeleteFunc(slots, func(slot bunker.Slot) bool {
		was := s.tried[slot.ID]
		s.tried[slot.ID] = true
		return was || d.vault.Unsealed(slot.Tenant)
	})
	s.put(slots)
	s.looked.Store(true)
}

// keepShut seals a guest that its people sealed on another instance, also where it was to
// be opened with the house in a moment; the house itself is sealed likewise.
func (t *tenant) keepShut(ctx context.Context) {
	if t.guest() && t.Config.Hosted {
		if !t.shut.looked.Load() {
			t.findShut(ctx)
		}
		t.shut.take(t.id)
		t.openingNow.Lock() // whoever is at it
		defer t.openingNow.Unlock()
	}
	t.followSeal()
}

// openWithHouse opens the guest if it waits for that; when it returns it does not wait
// any more. Somebody's request is not refused because others are opened before it.
func (t *tenant) openWithHouse(ctx context.Context) {
	if !t.guest() {
		return
	}
	if !t.shut.looked.Load() && t.vault.Unsealed(t.home.id) {
		t.findShut(ctx)
		defer t.lookForShut() // the others, in their turn
	}
	if t.shut.n.Load() == 0 && !t.opening.Load() {
		return
	}
	t.openingNow.Lock()
	defer t.openingNow.Unlock()
	t.opening.Store(true) // before it is taken out: whoever does not see it waiting waits for us
	defer t.opening.Store(false)
	for _, s := range t.shut.take(t.id) {
		if t.vault.Unsealed(t.id) {
			return
		}
		params, err := json.Marshal(map[string]string{"slot": string(s.ID)})
		if err == nil {
			_, err = t.Dispatch(ctx, System(), "unseal", params)
		}
		if err != nil && ctx.Err() == nil {
			t.Log.Warn("a guest did not open with the house", "tenant", t.id, "error", bunker.AsError(err).Words)
		}
	}
}
