package daemon

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
	"nsecbunker/nostr"
)

// Copies of a bunker are found out by what they say (security.md section 3): one that is
// open announces its life to its own admin key, on its relays, and hears there what others
// announce with the same key. What is not in the own store was made with another one. That
// is detection, not proof: who hears nothing knows nothing.

const (
	// announceEvery is how often an open bunker announces itself.
	announceEvery = 10 * time.Minute
	// announceGap is how long it does not after it has, but to tell a copy that was just
	// heard for the first time.
	announceGap = time.Minute
	// announceLook is how often those are looked for that have to announce themselves, and
	// announcesAtOnce how many do then: ten thousand in eight minutes.
	announceLook    = 5 * time.Second
	announcesAtOnce = 100
	// announceGroup is how many of them are kept in one transaction, which holds the locks of
	// all of them.
	announceGroup = 25
)

// runAnnouncements announces open bunkers.
func (d *Daemon) runAnnouncements(ctx context.Context) error {
	tick := time.NewTicker(announceLook)
	defer tick.Stop()
	for {
		d.announceDue(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-d.toAnnounce:
		}
	}
}

// Announce announces now those that may announce themselves.
func (d *Daemon) Announce(ctx context.Context) {
	for _, t := range d.tenants.all() {
		t.announceAt.Store(0)
	}
	d.announceDue(ctx)
}

// Hear takes an event as a relay brings it, and says what a relay is not told: whether it
// was taken, and why not.
func (d *Daemon) Hear(ctx context.Context, relay, raw string) (ok bool, reason string) {
	v := d.inbox.Arrive(ctx, relay, raw)
	return v.OK, v.Reason
}

// announceDue announces those whose time has come: first who was just opened, then who
// waits longest.
func (d *Daemon) announceDue(ctx context.Context) {
	type waiting struct {
		t     *tenant
		since int64
	}
	var due []waiting
	now := d.store.LedgerTime().UnixMilli()
	d.tenants.each(func(t *tenant) {
		// A clock that was set back waits for nothing.
		next := t.announceAt.Load()
		if now < next && next-now <= announceEvery.Milliseconds() || !t.vault.Unsealed(t.id) || !t.doesJobs() {
			return
		}
		due = append(due, waiting{t, next})
	})
	slices.SortFunc(due, func(a, b waiting) int { return cmp.Compare(a.since, b.since) })
	for group := range slices.Chunk(due[:min(len(due), announcesAtOnce)], announceGroup) {
		if ctx.Err() != nil {
			return
		}
		list := make([]*tenant, len(group))
		for i, w := range group {
			w.t.announceAt.Store(now + announceGap.Milliseconds())
			list[i] = w.t
		}
		d.announce(ctx, list, announceGap, false)
	}
}

// announceSoon has the bunker announced now: it was opened.
func (t *tenant) announceSoon() {
	t.announceAt.Store(0)
	select {
	case t.toAnnounce <- struct{}{}:
	default:
	}
}

// announce is that of many.
func (t *tenant) announce(ctx context.Context, gap time.Duration, lastWord bool) {
	t.Daemon.announce(ctx, []*tenant{t}, gap, lastWord)
}

// announce says that bunkers are open, each not sooner than gap after the last time. One that
// is stopped signs nothing, and says nothing but its last word.
func (d *Daemon) announce(ctx context.Context, list []*tenant, gap time.Duration, lastWord bool) {
	failed := func(id bunker.TenantID, err error) {
		if ctx.Err() == nil && d.vault.Unsealed(id) {
			d.Log.Error("the bunker could not announce itself to copies of it", "tenant", id, "error", err)
		}
	}
	type message struct {
		t *tenant
		adminwire.Announcement
	}
	of, saying := map[bunker.TenantID]*message{}, []store.Saying{}
	for _, t := range list {
		st, verified, err := d.store.Tenant(ctx, t.id)
		switch {
		case err != nil:
			failed(t.id, err)
		case verified && (!st.Stopped || lastWord):
			m := &message{t: t}
			m.Instance = string(d.store.Instance())
			rand.Read(m.Said[:]) // never fails
			of[t.id], saying = m, append(saying, store.Saying{Tenant: t.id, Said: m.Said.String()})
		}
	}
	if len(saying) == 0 {
		return
	}
	made, err := d.store.Announce(ctx, saying, gap, failed)
	if err != nil {
		failed(saying[0].Tenant, err) // the store's: the same for all
	}
	for _, a := range made {
		m := of[a.Tenant]
		t := m.t
		m.Life, m.Incarnation, m.At = a.Life, a.Incarnation, a.At
		if err := t.say(&m.Announcement, failed); err != nil {
			failed(t.id, err)
		}
	}
}

// say sends an announcement, by the first of the kinds that admins' messages have, and by the
// other one where a relay refuses that.
func (t *tenant) say(m *adminwire.Announcement, failed func(bunker.TenantID, error)) (err error) {
	if m.MAC, err = t.vault.Tag(t.announcing(m)); err != nil {
		return err
	}
	event := func(kind nostr.Kind) (*nostr.Event, error) {
		return t.vault.Announce(t.id, t.adminKey, kind, m.Append(), time.UnixMilli(m.At))
	}
	ev, err := event(adminwire.Kind)
	if err != nil {
		return err
	}
	// What no relay took is said again after the gap.
	took := func() { t.announceAt.Store(m.At + announceEvery.Milliseconds()) }
	doorOutlet{t}.publish(ev, "", took, func(url string) {
		other, err := event(adminwire.KindOld)
		if err != nil {
			failed(t.id, err)
			return
		}
		t.relays.Publish(t.life, t.id, other.ID, other.AppendJSON(nil), []string{url}, func(_ string, ok bool, _ string) {
			if ok {
				took()
			}
		})
	})
	return nil
}

func (t *tenant) announcing(m *adminwire.Announcement) *bunker.Announcing {
	return &bunker.Announcing{Tenant: t.id, Said: m.Said.String(), Life: m.Life, Incarnation: m.Incarnation, Instance: m.Instance, At: m.At}
}

// hearCopy takes what was signed by the bunker's own admin key; the signature was verified.
func (t *tenant) hearCopy(ctx context.Context, ev *nostr.Event) (ok bool, reason string) {
	if !t.vault.Unsealed(t.id) {
		return true, "" // it signs nothing; opened, it announces itself, and is answered
	}
	plain, err := t.vault.OpenAdmin(t.id, t.adminKey, ev.PubKey, ev.Content)
	if err != nil {
		return false, "blocked: not for this bunker"
	}
	m, err := adminwire.ParseAnnouncement(plain)
	if err != nil {
		return false, "invalid: not an announcement"
	}
	// Who has the admin key alone, which lies beside the data, stops nothing.
	if err := t.vault.Verify(t.announcing(&m), m.MAC[:]); err != nil {
		if errors.Is(err, bunker.ErrTampered) && t.tellsOfForged() {
			t.Log.Error("somebody who has this bunker's admin key, and not what opens it, speaks as a copy of it; nothing follows from that, but he has read its data folder",
				"tenant", t.id, "event", ev.ID)
		}
		return false, "blocked: not of this bunker"
	}
	if away := t.store.LedgerTime().Sub(time.UnixMilli(m.At)); away > adminwire.MaxSkew || away < -adminwire.MaxSkew {
		return false, "invalid: it is too far from now; check the clock"
	}
	if err := t.judgeCopy(ctx, &m); err != nil {
		if ctx.Err() == nil {
			t.Log.Error("what a copy of this bunker announced could not be judged", "tenant", t.id, "error", err)
		}
		return false, "error: the bunker could not work on it; send it again"
	}
	return true, ""
}

// tellsOfForged is true once in announceEvery: whoever forges does not fill the log.
func (t *tenant) tellsOfForged() bool {
	now, last := t.store.LedgerTime().UnixMilli(), t.forgedTold.Load()
	return now-last >= announceEvery.Milliseconds() && t.forgedTold.CompareAndSwap(last, now)
}

func (t *tenant) judgeCopy(ctx context.Context, m *adminwire.Announcement) error {
	heard := admin.CopyParams{Said: m.Said.String(), Life: m.Life, Incarnation: m.Incarnation, Instance: m.Instance, At: m.At}
	verdict, err := admin.JudgeCopy(ctx, rows{t.store}, t.id, &heard)
	if err != nil {
		return err
	}
	command := ""
	switch verdict {
	case admin.CopyNone:
		return nil
	case admin.CopyKnown:
		t.announce(ctx, announceGap, false)
		return nil
	case admin.CopyOlder:
		command = "copy.older"
		t.Log.Error("an older copy of this bunker runs with the same keys; it stops when it hears of this one: find it and end it", "tenant", t.id, "life", m.Life, "instance", m.Instance)
	case admin.CopyStopsThis:
		command = "copy.stop"
		t.Log.Error("another copy of this bunker runs with the same keys, so this one stops: find it and end it; if this one is the right one: nsecbunker stop end",
			"tenant", t.id, "life", m.Life, "instance", m.Instance)
	}
	params, err := json.Marshal(heard)
	if err != nil {
		return err
	}
	_, err = t.Dispatch(ctx, System(), command, params)
	// The other one may not know: its first announcement was before it was heard here.
	t.announce(ctx, 0, true)
	return err
}
