package inbox

import (
	"context"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// Arrive takes one event that a link (a relay's URL, or a client's address at
// the embedded relay) brought, and returns when it is committed, parked or
// refused. It blocks while no place is free, and so holds back that link only.
//
// The order of the checks is architecture.md's: size, recipient, time, not yet
// seen, signature. Only ids of verified events are ever noted, so a forged copy
// that comes first hides nothing.
func (in *Inbox) Arrive(ctx context.Context, link, raw string) Verdict {
	if len(raw) > in.Limits.EventBytes {
		return refused("invalid: the event is too large")
	}
	ev, err := nostr.ParseEvent(raw)
	if err != nil {
		return refused("invalid: " + err.Error())
	}
	return in.ArriveParsed(ctx, link, ev, raw)
}

// ArriveParsed is Arrive for an event whose JSON was read already.
func (in *Inbox) ArriveParsed(ctx context.Context, link string, ev *nostr.Event, raw string) Verdict {
	p, ok := signer.Recipient(ev)
	if !ok {
		return refused("blocked: not for this bunker")
	}
	if door := in.Tenants.Door(p); door != nil {
		return in.toDoor(ctx, door, link, ev, len(raw))
	}
	t := in.Tenants.Of(p)
	if ev.Kind != nip46.Kind || t == nil {
		return refused("blocked: not for this bunker")
	}
	known := in.known.has(pair{p, ev.PubKey})
	now := in.Now()
	if !bunker.Fresh(ev.CreatedAt, now.UnixMilli()) && (!known || !bunker.Noticeable(ev.CreatedAt, now.UnixMilli())) {
		return refused("invalid: created_at is too far from now; check the clock")
	}
	if !known && !in.strangers.admit(linkTo{link, t.ID}, now) {
		return refused("rate-limited: too many events of unknown apps; slow down")
	}
	if in.seen.has(ev.ID) {
		return in.again(ctx, ev)
	}
	from := in.places
	if !known {
		from = in.visitors
	}
	switch from.enter(ctx, t.ID, t.waiting(in.Limits), in.stopped) {
	case crowded:
		in.over.add(t.ID)
		return refused("rate-limited: too many requests of this bunker at once; slow down")
	case without:
		return refused("error: the bunker is shutting down; send it again")
	}
	defer from.leave(t.ID)
	var err error
	in.crew.run(t.ID, func() {
		if known {
			err = in.lifted.Verify(ev)
		} else {
			err = ev.Verify()
		}
	})
	if err != nil {
		in.BadSignature(link)
		return refused("invalid: " + err.Error())
	}
	if known && !in.rates.admit(t.ID, pair{p, ev.PubKey}, now) {
		return refused("rate-limited: too many requests of this app; slow down")
	}
	if known && !t.admit(now) {
		in.over.add(t.ID)
		return refused("rate-limited: too many requests of this bunker; slow down")
	}
	if !known {
		// Of many who come with one link at once, each commit would throw away the
		// decisions of all the others, until the last ones give up.
		turn := &in.turns[int(p[0])%len(in.turns)]
		turn.Lock()
		defer turn.Unlock()
	}
	return in.flights.do(ctx, ev.ID, func() Verdict { return in.first(ctx, t, link, ev, raw) })
}

// Take is Arrive for links that want no answer: it returns as soon as a place is
// free, and so holds back that link only.
func (in *Inbox) Take(ctx context.Context, link, raw string) {
	select {
	case in.taken <- struct{}{}:
	case <-ctx.Done():
		return
	case <-in.stopped:
		return
	}
	if !in.spawn(func() {
		defer func() { <-in.taken }()
		in.Arrive(ctx, link, raw)
	}) {
		<-in.taken
	}
}

// first works on a verified event that is not in flight elsewhere.
func (in *Inbox) first(ctx context.Context, t *Tenant, link string, ev *nostr.Event, raw string) Verdict {
	if in.seen.has(ev.ID) {
		return in.again(ctx, ev)
	}
	now := in.Now()
	a := signer.Arrival{Event: ev, Raw: raw, Relay: relayOf(link), ClockOff: !bunker.Fresh(ev.CreatedAt, now.UnixMilli())}
	// What was made before the first id that is remembered may have been answered
	// already. (So may a younger one of a clock that is ahead: its claim says so.)
	if made := time.Unix(ev.CreatedAt, 0); now.Sub(made) > lateAfter && made.Before(in.seen.all().Add(lateAfter)) {
		if state, stored, err := in.Ledger.Request(ctx, ev.ID); err != nil {
			return in.failed("reading the ledger", err)
		} else if state != bunker.RequestNone {
			in.seen.add(ev.ID, now)
			return in.stored(ctx, ev.ID, state, stored)
		}
	}
	if t.Open != nil {
		t.Open()
	}
	if in.elsewhere(t.ID) {
		return refused(elsewhereWords)
	}
	v, noted := in.judge(ctx, t, a)
	if noted {
		in.seen.add(ev.ID, now)
	}
	return v
}

// elsewhereWords are for whoever is connected to an instance on which his bunker is
// sealed, while it is open on another one. Nothing is stored: the same event may come to
// that one, too.
const elsewhereWords = "error: this bunker is sealed on this instance and open on another one; connect anew and send it again"

func (in *Inbox) elsewhere(t bunker.TenantID) bool { return in.Elsewhere != nil && in.Elsewhere(t) }

// lateAfter is the age from which an event that this process may have forgotten,
// or never seen, is looked up before it is worked on. Other doubles meet the claim
// in the commit.
const lateAfter = 3 * time.Second

// again answers an event that was seen: with the stored bytes, if there are any.
func (in *Inbox) again(ctx context.Context, ev *nostr.Event) Verdict {
	state, stored, err := in.Ledger.Request(ctx, ev.ID)
	if err != nil {
		return in.failed("reading the ledger", err)
	}
	return in.stored(ctx, ev.ID, state, stored)
}

// stored answers an event that has a row with what the row holds.
func (in *Inbox) stored(ctx context.Context, id nostr.ID, state bunker.RequestState, replies []bunker.Stored) Verdict {
	if state == bunker.RequestUndeliverable {
		// Whoever sends it again is there to hear the answer.
		if _, err := in.Ledger.Revive(ctx, id); err != nil {
			return in.failed("reviving a reply", err)
		}
	}
	in.resend(id, replies)
	return accepted
}

func (in *Inbox) resend(id nostr.ID, stored []bunker.Stored) {
	if in.resent.may(id, in.Now(), in.Limits.ResendEvery) {
		in.publish(stored)
	}
}

func (in *Inbox) failed(doing string, err error) Verdict {
	in.Log.Error("a request could not be worked on", "doing", doing, "error", err)
	return refused("error: the bunker could not work on it; send it again")
}

// relayOf is what rules call the relay of a link: its address, or the bunker's own,
// whose links are clients.
func relayOf(link string) string {
	if !strings.Contains(link, "://") {
		return policy.Embedded
	}
	u, err := nip46.NormalizeRelayURL(link)
	if err != nil {
		return ""
	}
	return u
}
