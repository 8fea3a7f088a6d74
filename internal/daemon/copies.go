package daemon

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/adminwire"
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
	// announcesAtOnce how many do then: of ten thousand each does less often.
	announceLook    = 5 * time.Second
	announcesAtOnce = 20
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

// announceDue announces those whose time has come.
func (d *Daemon) announceDue(ctx context.Context) {
	now, n := d.store.LedgerTime().UnixMilli(), 0
	for _, t := range d.tenants.all() {
		if n == announcesAtOnce || ctx.Err() != nil {
			return
		}
		// A clock that was set back waits for nothing.
		if next := t.announceAt.Load(); now < next && next-now <= announceEvery.Milliseconds() || !t.vault.Unsealed(t.id) || !t.doesJobs() {
			continue
		}
		n++
		t.announceAt.Store(now + announceGap.Milliseconds())
		t.announce(ctx, announceGap, false)
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

// announce says that the bunker is open, not sooner than gap after the last time. One that is
// stopped signs nothing, and says nothing but its last word.
func (t *tenant) announce(ctx context.Context, gap time.Duration, lastWord bool) {
	st, verified, err := t.store.Tenant(ctx, t.id)
	if err == nil && (!verified || st.Stopped && !lastWord) {
		return
	}
	m := adminwire.Announcement{Instance: string(t.store.Instance())}
	rand.Read(m.Said[:]) // never fails
	var ev *nostr.Event
	if err == nil {
		made, ok, failed := t.store.Announce(ctx, t.id, m.Said.String(), gap)
		if failed == nil && !ok {
			return
		}
		m.Life, m.Incarnation, m.At = made.Life, made.Incarnation, made.At
		if err = failed; err == nil {
			ev, err = t.vault.Announce(t.id, t.adminKey, m.Append(), time.UnixMilli(made.At))
		}
	}
	if err != nil {
		if ctx.Err() == nil && t.vault.Unsealed(t.id) {
			t.Log.Error("the bunker could not announce itself to copies of it", "tenant", t.id, "error", err)
		}
		return
	}
	// What no relay took is said again after the gap.
	doorOutlet{t}.publish(ev, "", func() { t.announceAt.Store(m.At + announceEvery.Milliseconds()) })
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

func (t *tenant) judgeCopy(ctx context.Context, m *adminwire.Announcement) error {
	k, err := t.theDesk()
	if err != nil {
		return err
	}
	heard := admin.CopyParams{Said: m.Said.String(), Life: m.Life, Incarnation: m.Incarnation, Instance: m.Instance, At: m.At}
	verdict, err := k.commands.JudgeCopy(ctx, &heard)
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
