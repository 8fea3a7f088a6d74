package relay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// publication is one event on its way to one relay. Its fields below the line
// belong to its peer's lock.
type publication struct {
	ctx    context.Context
	of     bunker.TenantID
	url    string // as the caller gave it
	id     nostr.ID
	raw    []byte // the event's JSON; shared between relays
	result func(url string, ok bool, reason string)
	// ---
	serial   uint64 // order of arrival
	deadline time.Time
	timer    *time.Timer
	stage    stage
	retried  bool // sent again after AUTH
	done     bool // result is or will be called; nothing else may happen
}

type stage int

const (
	queued      stage = iota // waiting for the writer
	sent                     // written, no OK yet
	waitingAuth              // refused with auth-required; sent again after AUTH
)

// enqueue takes pub, or says why not. It never blocks.
func (p *peer) enqueue(pub *publication) (refusal string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case p.ended:
		return "error: the relay connections are not running"
	case p.stat.State == CutOff:
		p.stat.Dropped++
		return "error: the relay is cut off: it delivered forged events"
	case len(p.held) >= MaxQueue || p.heldBytes+len(pub.raw) > MaxQueueBytes:
		p.stat.Dropped++
		return "error: too much is waiting for this relay; try again later"
	case p.stat.State == Waiting && p.retryAt.After(now.Add(p.m.t.OKWait)):
		p.stat.Dropped++
		return "error: the relay is down: " + p.stat.Err
	}
	p.serial++
	pub.serial, pub.deadline = p.serial, now.Add(p.m.t.OKWait)
	p.held[pub] = struct{}{}
	p.heldBytes += len(pub.raw)
	p.queue = append(p.queue, pub)
	if len(p.queue) > 2*MaxQueue { // finished ones are skipped lazily
		p.queue = slices.DeleteFunc(p.queue, func(q *publication) bool { return q.done })
	}
	pub.timer = time.AfterFunc(p.m.t.OKWait, func() { p.expire(pub) })
	p.poke()
	return ""
}

// expire ends a publication whose time is up.
func (p *peer) expire(pub *publication) {
	p.mu.Lock()
	reason := fmt.Sprintf("error: no OK within %v", p.m.t.OKWait)
	if p.stat.State != Up && p.stat.State != Open && p.stat.Err != "" {
		reason = "error: the relay is down: " + p.stat.Err
	}
	p.mu.Unlock()
	p.settle(pub, false, reason, false)
}

// settle ends pub with its result, once; later calls do nothing. answered says
// that the relay itself has spoken.
func (p *peer) settle(pub *publication, ok bool, reason string, answered bool) {
	p.mu.Lock()
	if pub.done {
		p.mu.Unlock()
		return
	}
	pub.done = true
	pub.timer.Stop()
	delete(p.held, pub)
	p.heldBytes -= len(pub.raw)
	p.forget(pub)
	switch {
	case ok:
		p.stat.Accepted++
	case answered:
		p.stat.Refused++
	default:
		p.stat.Dropped++
	}
	p.mu.Unlock()
	pub.result(pub.url, ok, reason)
}

// forget takes pub from those that wait for an OK; p.mu is held.
func (p *peer) forget(pub *publication) {
	list := slices.DeleteFunc(p.sent[pub.id], func(q *publication) bool { return q == pub })
	if len(list) == 0 {
		delete(p.sent, pub.id)
		return
	}
	p.sent[pub.id] = list
}

// next takes the message that is to be written next, or nil.
func (p *peer) next() *publication {
	for {
		p.mu.Lock()
		var pub *publication
		for len(p.queue) > 0 && pub == nil {
			pub, p.queue = p.queue[0], p.queue[1:]
			if pub.done {
				pub = nil
			}
		}
		if pub == nil {
			p.queue = nil
			p.mu.Unlock()
			return nil
		}
		if err := pub.ctx.Err(); err != nil {
			p.mu.Unlock()
			p.settle(pub, false, "error: given up by the sender", false)
			continue
		}
		pub.stage = sent
		p.sent[pub.id] = append(p.sent[pub.id], pub)
		p.stat.Published++
		p.mu.Unlock()
		return pub
	}
}

// answer takes a relay's OK (NIP-01). needAuth tells that something now waits
// for AUTH (NIP-42), which canAuth says is possible.
func (p *peer) answer(id nostr.ID, ok bool, text string, canAuth bool) (needAuth bool) {
	p.mu.Lock()
	list := slices.Clone(p.sent[id])
	var settle []*publication
	for _, pub := range list {
		if !ok && prefix(text) == "auth-required" && canAuth && !pub.retried {
			pub.retried, pub.stage = true, waitingAuth
			p.forget(pub)
			needAuth = true
			continue
		}
		settle = append(settle, pub)
	}
	p.mu.Unlock()
	// A relay that has the event already has it: some say so with false.
	ok = ok || prefix(text) == "duplicate"
	for _, pub := range settle {
		p.settle(pub, ok, text, true)
	}
	return needAuth
}

// authDone sends again what waited for AUTH, or ends it when reason says why
// AUTH failed.
func (p *peer) authDone(reason string) {
	waiting := p.collect(func(pub *publication) bool { return pub.stage == waitingAuth })
	if reason != "" {
		for _, pub := range waiting {
			p.settle(pub, false, "auth-required: "+reason, true)
		}
		return
	}
	p.requeue(waiting)
}

// linkLost deals with what the lost connection had not answered: what still has
// time at the next attempt is sent again (the same bytes), the rest ends.
func (p *peer) linkLost(next time.Time, reason string) {
	all := p.collect(func(*publication) bool { return true })
	var again []*publication
	for _, pub := range all {
		if pub.deadline.After(next) {
			again = append(again, pub)
			continue
		}
		p.settle(pub, false, "error: the relay is down: "+reason, false)
	}
	p.requeue(again)
}

// shutDown ends everything; nothing is taken afterwards.
func (p *peer) shutDown() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	for _, pub := range p.collect(func(*publication) bool { return true }) {
		p.settle(pub, false, "error: shutting down", false)
	}
}

// collect lists the publications that which holds for, in order of arrival.
func (p *peer) collect(which func(*publication) bool) []*publication {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []*publication
	for pub := range p.held {
		if which(pub) {
			out = append(out, pub)
		}
	}
	slices.SortFunc(out, func(a, b *publication) int { return cmp.Compare(a.serial, b.serial) })
	return out
}

// requeue puts list in front of the queue.
func (p *peer) requeue(list []*publication) {
	p.mu.Lock()
	defer p.mu.Unlock()
	front := make([]*publication, 0, len(list)+len(p.queue))
	moved := make(map[*publication]struct{}, len(list))
	for _, pub := range list {
		if !pub.done {
			p.forget(pub)
			pub.stage = queued
			moved[pub] = struct{}{}
			front = append(front, pub)
		}
	}
	for _, pub := range p.queue {
		if _, twice := moved[pub]; !twice && !pub.done {
			front = append(front, pub)
		}
	}
	p.queue = front
	p.poke()
}
