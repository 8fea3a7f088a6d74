package signerrelay

import "sync/atomic"

// Stats is what the relay is doing and has done since it started, for metrics.
type Stats struct {
	Conns       int    // connections now
	Addresses   int    // addresses that limits are counted for
	Subs        int    // subscriptions now
	Keys        int    // distinct `p` listened for
	Kept        int    // replies kept for clients that reconnect
	KeptBytes   int    // bytes of them
	QueuedBytes int64  // bytes waiting to be written
	InFlight    int64  // events handed to the bunker and not yet answered
	Accepted    uint64 // events of clients answered with OK true
	Refused     uint64 // events of clients answered with OK false, RateLimited included
	RateLimited uint64 // messages refused because of a limit on their rate or number
	Bad         uint64 // messages that could not be read
	Published   uint64 // events of the bunker
	Delivered   uint64 // connections that took them, summed
	Stalled     uint64 // connections cut off because they did not read
	TurnedAway  uint64 // connections refused at the door
	MadeRoom    uint64 // connections ended to make room for others
}

type counters struct {
	accepted, refused, rateLimited, bad, published, delivered, stalled, turnedAway, madeRoom atomic.Uint64
	inFlight                                                                                 atomic.Int64
}

// Stats returns the numbers of this moment.
func (r *Relay) Stats() Stats {
	r.mu.Lock()
	conns := len(r.conns)
	r.mu.Unlock()
	subs, keys, _ := r.routes.size()
	keptN, keptBytes := r.kept.size()
	return Stats{
		Conns: conns, Addresses: r.sources.size(), Subs: subs, Keys: keys, Kept: keptN, KeptBytes: keptBytes,
		QueuedBytes: r.queued.Load(), InFlight: r.count.inFlight.Load(),
		Accepted: r.count.accepted.Load(), Refused: r.count.refused.Load(), RateLimited: r.count.rateLimited.Load(),
		Bad: r.count.bad.Load(), Published: r.count.published.Load(), Delivered: r.count.delivered.Load(),
		Stalled: r.count.stalled.Load(), TurnedAway: r.count.turnedAway.Load(), MadeRoom: r.count.madeRoom.Load(),
	}
}
