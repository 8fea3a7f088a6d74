package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nsecbunker/internal/bunker"
)

// guestsEvery is how often guests that the house can open are looked for, besides when
// it was opened itself.
const guestsEvery = time.Minute

// shutAgain is how long after the store failed it is tried again to open what waits: twice
// as long each time that it fails again, up to guestsEvery.
const shutAgain = time.Second

// How many guests are opened at once.
const (
	// openGroup are opened in one transaction: a request for one of them waits for all of
	// them.
	openGroup = 64
	// maxOpeners groups are read and verified at the same time, and not more than there are
	// processors.
	maxOpeners = 4
	// tidyAfter is how many guests leave so much garbage when they are opened that it is worth
	// while to look for it at once.
	tidyAfter = 1000
)

// shut are guests that open with the house and are not open yet. They are opened in
// groups; whoever is asked for is opened first.
type shut struct {
	n atomic.Int64 // of those that wait, so that asking costs nothing when none does
	// underWay are those that are being opened in groups.
	underWay atomic.Int64
	mu       sync.Mutex
	slots    map[bunker.TenantID][]bunker.Slot
	order    []bunker.TenantID

	// looked says that they were looked for since the house was sealed last. Before that
	// nobody knows whether a guest waits.
	looked  atomic.Bool
	finding sync.Mutex
	tried   map[bunker.SlotID]bool // since then: a guest that was sealed by its people stays so
}

// put adds what is to be opened, or what the store could not open now: whoever is asked for
// is opened at once, and all that wait when queue was called.
func (s *shut) put(slots []bunker.Slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots == nil {
		s.slots = map[bunker.TenantID][]bunker.Slot{}
	}
	for _, slot := range slots {
		s.slots[slot.Tenant] = append(s.slots[slot.Tenant], slot)
	}
	s.n.Store(int64(len(s.slots)))
}

// queue has next return all that wait.
func (s *shut) queue() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = slices.Sorted(maps.Keys(s.slots))
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

// waiting is how many wait, or are being opened.
func (s *shut) waiting() int { return int(s.n.Load() + s.underWay.Load()) }

// next are guests that wait, at most so many, in order of id; none: none does.
func (s *shut) next(most int) (ids []bunker.TenantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.order) > 0 && len(ids) < most {
		id := s.order[0]
		s.order = s.order[1:]
		if _, waits := s.slots[id]; waits {
			ids = append(ids, id)
		}
	}
	if len(s.order) == 0 {
		s.order = nil
	}
	slices.Sort(ids)
	return ids
}

// runGuests opens those guests whose owners agreed to it, whenever the house is open.
func (d *Daemon) runGuests(ctx context.Context) error {
	if !d.Config.Hosted {
		<-ctx.Done()
		return nil
	}
	look := time.NewTicker(guestsEvery)
	defer look.Stop()
	wait := shutAgain
	for {
		var again <-chan time.Time
		switch {
		case d.together.working() != "": // without the store there is nothing to try
			again = time.After(shutAgain)
		case !d.findShut(ctx) || !d.openShut(ctx):
			again, wait = time.After(wait), min(2*wait, guestsEvery)
		default:
			wait = shutAgain
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		case <-again:
		case <-d.guestsShut:
		}
	}
}

// openShut opens all that wait. It reports whether none does any more.
func (d *Daemon) openShut(ctx context.Context) bool {
	waiting := d.shut.n.Load()
	if waiting == 0 {
		return true
	}
	began := time.Now()
	d.shut.queue()
	var wg sync.WaitGroup
	for range min(maxOpeners, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				ids := d.shut.next(openGroup)
				if len(ids) == 0 {
					return
				}
				d.openGroup(ctx, ids)
			}
		})
	}
	wg.Wait()
	if waiting >= tidyAfter { // as after the start: what only opening needed is given back
		if err := d.store.FreeMemory(ctx); err != nil && ctx.Err() == nil {
			d.Log.Error("the store could not give memory back", "error", err)
		}
		debug.FreeOSMemory()
	}
	left := d.shut.n.Load()
	if ctx.Err() == nil {
		d.Log.Info("guests were opened with the house", "guests", waiting-left, "left", left, "seconds", time.Since(began).Seconds())
	}
	return left == 0
}

// lookForShut has guests that the house can open looked for soon.
func (d *Daemon) lookForShut() {
	select {
	case d.guestsShut <- struct{}{}:
	default:
	}
}

// findShut finds every sealed guest that has a slot for it and was not tried since the
// house was opened. It reports whether the store could say it.
func (d *Daemon) findShut(ctx context.Context) bool {
	s := &d.shut
	s.finding.Lock()
	defer s.finding.Unlock()
	if !d.vault.Unsealed(d.home.id) {
		return true
	}
	slots, err := d.store.ProviderSlots(ctx)
	if err != nil {
		if ctx.Err() == nil {
			d.Log.Error("the slots of guests could not be read", "error", err)
		}
		return false
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
	return true
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
	slots := t.shut.take(t.id)
	for i, s := range slots {
		if t.vault.Unsealed(t.id) {
			return
		}
		params, err := json.Marshal(map[string]string{"slot": string(s.ID)})
		if err == nil {
			_, err = t.Dispatch(ctx, System(), "unseal", params)
		}
		if err != nil && ctx.Err() == nil {
			t.Log.Warn(notWithHouse, "tenant", t.id, "error", bunker.AsError(err).Words)
		}
		if errors.Is(err, bunker.ErrStore) { // it says nothing of the guest
			t.shut.put(slots[i:])
			return
		}
	}
}
