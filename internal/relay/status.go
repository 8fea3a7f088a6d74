package relay

import "time"

// State is what a relay's connection is doing.
type State string

// The states of a relay.
const (
	Idle       State = "idle"       // nothing needed of it; no connection
	Connecting State = "connecting" // dialing
	Open       State = "open"       // connected; not every wanted key is heard
	Up         State = "up"         // connected; everything wanted is heard
	Waiting    State = "waiting"    // not connected; the next try is at NextTry
	CutOff     State = "cut off"    // too many forged events; again at NextTry
)

// Status is what is known about one relay. Counts are since it was first wanted or used.
type Status struct {
	URL     string        // in normal form
	Wanted  bool          // by Want; else only for publishing
	State   State         //
	Since   time.Time     // of State
	NextTry time.Time     // of Waiting and CutOff
	Err     string        // the last thing that went wrong since it was last Up
	AuthErr string        // why we are not authenticated though the relay asked (NIP-42)
	Notice  string        // the relay's last NOTICE
	Latency time.Duration // of the last ping, or of the first EOSE before one
	Heard   bool          // EOSE seen for every wanted key on this connection
	Subs    int           // subscriptions on this connection
	Keys    int           // wanted p values
	Authed  bool          // the relay accepted our AUTH on this connection
	Queued  int           // publications without an answer

	Connects      uint64 // connections made
	Events        uint64 // events delivered to us by our subscriptions
	Stray         uint64 // events of subscriptions that are not ours, dropped
	Oversized     uint64 // messages longer than MaxFrame, skipped
	Published     uint64 // publications written to it
	Accepted      uint64 // by OK true or "duplicate"
	Refused       uint64 // by OK false
	Dropped       uint64 // not answered: queue full, relay down, time up
	BadSignatures uint64 // forged events reported by BadSignature
}

func (p *peer) status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stat
	s.URL, s.Wanted, s.Keys, s.Queued = p.url, p.wanted, len(p.want), len(p.held)
	return s
}

// setState notes a change of state; reason is kept when it is not empty.
func (p *peer) setState(state State, reason string, next time.Time) {
	p.mu.Lock()
	before := p.stat.State
	if before != state {
		p.stat.Since = p.m.cfg.Now()
	}
	p.stat.State, p.stat.NextTry = state, next
	switch {
	case reason != "":
		p.stat.Err = reason
	case state == Up && before != Up:
		p.stat.Err = ""
	}
	if state != Open && state != Up {
		p.stat.Subs, p.stat.Authed, p.stat.AuthErr = 0, false, ""
	}
	p.stat.Heard = state == Up
	up := state == Up && p.wanted
	p.mu.Unlock()
	if before == state {
		return
	}
	p.m.cfg.Log.Debug("relay state", "relay", p.url, "state", string(state), "before", string(before), "reason", reason)
	p.m.hooks.add(p.url, false)
	if up {
		p.m.hooks.add(p.url, true)
	}
}

// note changes the counts and facts of the status.
func (p *peer) note(change func(s *Status)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.stat)
}
