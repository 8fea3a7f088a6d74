package signerrelay

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"nsecbunker/nostr"
)

// handle answers one message. It returns what is left of h for the reader to release: an event that is worked on takes
// h along.
func (c *conn) handle(msg []byte, h *hold) *hold {
	f, err := parseFrame(msg, &c.r.lim)
	if f.verb == "EVENT" && err == nil {
		return c.onEvent(f.event, h)
	}
	var inTime bool
	if err == nil && c.renews(f) {
		inTime = c.pace(c.renewals, nil)
	} else {
		inTime = c.pace(c.reqs, c.srcReqs())
	}
	switch {
	case err != nil:
		c.onBad(f, err)
	case !inTime:
		c.onTooFast(f)
	case f.verb == "REQ":
		c.onReq(f)
	case f.verb == "CLOSE":
		c.unsubscribe(f.sub)
	case f.verb == "AUTH":
		c.onAuth(f.event)
	case f.verb == "COUNT":
		c.closed(f.sub, "unsupported: this relay stores nothing that could be counted")
	default:
		c.send(noticeMessage("unsupported: this relay knows EVENT, REQ, CLOSE and AUTH only"))
	}
	return h
}

// renews reports a REQ for what its subscription hears already. Some clients
// (welshman, Coracle's) send the same one thousands of times after an outage, and
// their requests wait behind those: they cost little, and have a rate of their own.
func (c *conn) renews(f frame) bool {
	if f.verb != "REQ" {
		return false
	}
	old := c.subs[f.sub]
	if old == nil || c.r.routes.isGone(old) {
		return false
	}
	again := newSub(c, f.sub, f.filters)
	if len(again.p) != len(old.p) || len(old.p) > DefaultMaxP { // of more, comparing would cost too much
		return false
	}
	for _, p := range again.p {
		if !slices.Contains(old.p, p) {
			return false
		}
	}
	return true
}

// onBad answers a message that could not be read, and ends a connection that sends many.
func (c *conn) onBad(f frame, err error) {
	c.fault()
	var why *refusal
	if f.sub == "" {
		c.send(noticeMessage("invalid: " + err.Error()))
	} else if errors.As(err, &why) {
		c.closed(f.sub, why.Error())
	} else {
		c.closed(f.sub, "invalid: "+err.Error())
	}
}

// fault counts something that no working client sends.
func (c *conn) fault() {
	c.r.count.bad.Add(1)
	if !c.faults.Allow() {
		c.send(noticeMessage("rate-limited: too many messages that cannot be read"))
		c.end(closePolicy, "too many messages that cannot be read")
	}
}

// onTooFast refuses a message whose turn did not come within MaxWait.
func (c *conn) onTooFast(f frame) {
	c.r.count.rateLimited.Add(1)
	const reason = "rate-limited: too many messages; send it again later"
	switch f.verb {
	case "CLOSE": // nothing is cheaper than to do it
		c.unsubscribe(f.sub)
	case "REQ", "COUNT":
		c.closed(f.sub, reason)
	case "AUTH":
		if id, ok := peekID(f.event); ok {
			c.send(okMessage(id, false, reason))
			return
		}
		c.send(noticeMessage(reason))
	default:
		c.send(noticeMessage(reason))
	}
}

// pace waits for the turn of the next message: its rate on this connection and of its address. Waiting leaves the
// client's bytes in the network, so a client that sends much at once is slowed down, not refused. False means that the
// turn is further off than MaxWait, or that the connection ended.
func (c *conn) pace(own, shared *rate.Limiter) bool {
	now := time.Now()
	var wait time.Duration
	var taken []*rate.Reservation
	for _, l := range []*rate.Limiter{own, shared} {
		if l == nil {
			continue
		}
		res := l.ReserveN(now, 1)
		taken = append(taken, res)
		wait = max(wait, res.DelayFrom(now))
	}
	if wait == 0 {
		return true
	}
	if wait <= c.r.lim.MaxWait {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			return true
		case <-c.ending:
		case <-c.ctx.Done():
		}
	}
	for _, res := range taken {
		res.CancelAt(now)
	}
	return false
}

func (c *conn) srcReqs() *rate.Limiter {
	if c.src == nil {
		return nil
	}
	return c.src.reqs
}

func (c *conn) srcEvents() *rate.Limiter {
	if c.src == nil {
		return nil
	}
	return c.src.events
}

// onEvent takes an event in: it is checked as far as the relay does, and handed to the bunker.
func (c *conn) onEvent(raw []byte, h *hold) *hold {
	inTime := c.pace(c.events, c.srcEvents())
	doc := string(raw)
	ev, err := nostr.ParseEvent(doc)
	if err != nil {
		c.fault()
		if id, ok := peekID(raw); ok {
			c.refuse(id, "invalid: "+err.Error())
		} else {
			c.send(noticeMessage("invalid: " + err.Error()))
		}
		return h
	}
	if reason := c.r.unwanted(ev); reason != "" {
		c.refuse(ev.ID, reason)
		return h
	}
	if !inTime {
		c.limited(ev.ID, "rate-limited: too many events; send it again later")
		return h
	}
	if !c.place(len(raw), h) {
		c.limited(ev.ID, "rate-limited: too many events wait for the bunker; send it again later")
		return h
	}
	if !c.r.begin() {
		<-c.slots
		c.refuse(ev.ID, "error: the bunker is going down; send it again later")
		return h
	}
	c.r.count.inFlight.Add(1)
	c.asks(ev.PubKey, c.r.cfg.Now())
	seq := c.seq
	c.r.hands.do(c.r.base, func() { c.deliver(doc, ev, seq, h) })
	return c.r.places.hold(c)
}

// place waits up to MaxWait for room for one more event in flight, on this connection and on the relay.
func (c *conn) place(size int, h *hold) bool {
	until := time.Now().Add(c.r.lim.MaxWait)
	select {
	case c.slots <- struct{}{}:
	default:
		timer := time.NewTimer(c.r.lim.MaxWait)
		defer timer.Stop()
		select {
		case c.slots <- struct{}{}:
		case <-c.ending:
			return false
		case <-c.ctx.Done():
			return false
		case <-timer.C:
			return false
		}
	}
	if !h.await(c.ctx, until, max(size, MinCost)) {
		<-c.slots
		return false
	}
	return true
}

// deliver asks the bunker and sends its answer. The work goes on when the connection ends: the answer to a request
// reaches a client that comes back.
func (c *conn) deliver(raw string, ev *nostr.Event, seq uint64, h *hold) {
	defer c.r.work.Done()
	defer c.r.count.inFlight.Add(-1)
	defer h.release()
	defer func() { <-c.slots }()
	ctx, cancel := context.WithTimeout(c.r.base, c.r.lim.DeliverTimeout)
	defer cancel()
	link := Link{Conn: c.id, Seq: seq, Addr: c.addr, Auth: c.isAuthed, Cut: c.cutOff}
	ok, reason := c.r.cfg.Deliver(ctx, link, raw, ev)
	if !ok {
		if reason == "" {
			reason = "error: the event was not taken in; send it again"
		}
		c.refuse(ev.ID, reason)
		return
	}
	c.r.count.accepted.Add(1)
	c.spoke(ev.PubKey)
	c.send(okMessage(ev.ID, true, cut(reason, MaxReason)))
}

// refuse answers an event with OK false.
func (c *conn) refuse(id nostr.ID, reason string) {
	c.r.count.refused.Add(1)
	c.send(okMessage(id, false, cut(reason, MaxReason)))
}

// limited refuses an event because of a limit.
func (c *conn) limited(id nostr.ID, reason string) {
	c.r.count.rateLimited.Add(1)
	c.refuse(id, reason)
}

// cutOff is Link.Cut.
func (c *conn) cutOff(reason string) {
	c.send(noticeMessage(cut(reason, MaxReason)))
	c.end(closePolicy, reason)
}

// unwanted says why an event is none of this relay's business; "" when it is.
func (r *Relay) unwanted(ev *nostr.Event) string {
	if !carried(ev.Kind) {
		return "restricted: this relay carries the kinds 24133 and 24134 only"
	}
	if len(ev.Tags) > r.lim.MaxTags {
		return "invalid: the event has too many tags"
	}
	if r.cfg.Ours(ev.PubKey) {
		// Only Publish speaks for our keys; from outside it is a replay or a forgery.
		return "restricted: events of this bunker's own keys are published by the bunker only"
	}
	for _, p := range routedP(ev) {
		if r.cfg.Ours(p) {
			return ""
		}
	}
	return "restricted: this relay takes events to this bunker's own keys only"
}

// spoke remembers that the bunker accepted an event by author, and so that this client has that key.
func (c *conn) spoke(author nostr.PubKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.speaks) < MaxSpeaks {
		c.speaks[author] = struct{}{}
	}
}

// asks remembers that an event of author came, which the bunker may answer before the client listens.
func (c *conn) asks(author nostr.PubKey, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, again := c.asked[author]; again || len(c.asked) < MaxSpeaks {
		c.asked[author] = now
	}
}

// missed says whether a reply was published after an event of its recipient came by this connection, and nothing of the
// bunker's to that key was sent here since.
func (c *conn) missed(r *reply) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range r.p {
		if at, ok := c.asked[p]; ok && !r.at.Before(at) {
			return true
		}
	}
	return false
}

// isOf says whether the client has shown that p is its own key: by NIP-42, or by an event that the bunker accepted.
func (c *conn) isOf(p nostr.PubKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return has(c.speaks, p) || has(c.authed, p)
}

func (c *conn) isAuthed(p nostr.PubKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return has(c.authed, p)
}

// answered notes that the bunker published an event for ps that this connection took. From then on it is a known one, and
// it listens: it misses nothing more.
func (c *conn) answered(ps []nostr.PubKey) {
	c.mu.Lock()
	for _, p := range ps {
		delete(c.asked, p)
	}
	c.mu.Unlock()
	if c.proven.Load() {
		return
	}
	for _, p := range ps {
		if c.isOf(p) {
			c.proven.Store(true)
			return
		}
	}
}
