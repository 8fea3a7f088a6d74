package relay

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"nsecbunker/nostr"
)

// authState is a link's side of NIP-42. At most one attempt runs at a time: the
// callback signs, the events are sent, every OK is awaited.
type authState struct {
	challenge string
	signed    string // the challenge of the last attempt
	wanted    bool   // something waits for it, or the challenge is new
	signing   bool
	results   chan signedAuth // of the callback
	outbox    [][]byte
	waiting   map[nostr.ID]struct{} // sent or to be sent, no OK yet
	accepted  int
	refusal   string
	until     time.Time   // the next OK; zero: none awaited
	attempts  []time.Time // within AuthWindow
}

type signedAuth struct {
	challenge string
	events    []*nostr.Event
	err       error
}

func newAuthState() authState {
	return authState{results: make(chan signedAuth, 1), waiting: make(map[nostr.ID]struct{})}
}

func (a *authState) running() bool { return a.signing || len(a.waiting) > 0 }

// challenged takes a relay's AUTH: the last challenge counts.
func (l *link) challenged(challenge string) {
	if challenge == "" || len(challenge) > MaxChallenge || challenge == l.auth.challenge {
		return
	}
	l.auth.challenge, l.auth.wanted = challenge, true
}

// authAsked: something was refused with auth-required. An attempt that runs
// with the present challenge may be the cure already.
func (l *link) authAsked() {
	if a := &l.auth; !a.running() || a.signed != a.challenge {
		a.wanted = true
	}
}

// authDue starts an attempt when one is wanted and possible, and ends one that
// waits too long.
func (l *link) authDue(ctx context.Context, wg *sync.WaitGroup) {
	a := &l.auth
	now := time.Now()
	if !a.until.IsZero() && !now.Before(a.until) {
		a.refusal = fmt.Sprintf("no OK to our AUTH within %v", l.m.t.AuthWait)
		l.authEnd()
	}
	if !a.wanted || a.running() || a.challenge == "" {
		return // without a challenge yet, what waits has deadlines of its own
	}
	if l.m.cfg.Auth == nil {
		a.accepted, a.refusal = 0, "the relay asks us to authenticate, which is not set up"
		l.authEnd()
		return
	}
	a.attempts = slices.DeleteFunc(a.attempts, func(at time.Time) bool { return now.Sub(at) > l.m.t.AuthWindow })
	if len(a.attempts) >= MaxAuths {
		a.accepted, a.refusal = 0, fmt.Sprintf("authenticated %d times within %v already", MaxAuths, l.m.t.AuthWindow)
		l.authEnd()
		return
	}
	a.attempts = append(a.attempts, now)
	a.wanted, a.signing, a.accepted, a.refusal = false, true, 0, ""
	challenge := a.challenge
	a.signed = challenge
	wg.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, l.m.t.AuthWait)
		defer cancel()
		events, err := l.m.cfg.Auth(ctx, l.p.url, challenge)
		a.results <- signedAuth{challenge, events, err} // has room: one attempt at a time
	})
}

// authSigned sends what the callback signed.
func (l *link) authSigned(r signedAuth) {
	a := &l.auth
	a.signing = false
	switch {
	case r.challenge != a.challenge:
		a.wanted = true // the relay changed its challenge meanwhile
		return
	case r.err != nil:
		a.refusal = "we could not authenticate: " + clean(r.err.Error())
	case len(r.events) == 0:
		a.refusal = "we have no key to authenticate with"
	case len(r.events) > MaxAuthEvents:
		a.refusal = fmt.Sprintf("more than %d keys to authenticate with", MaxAuthEvents)
	}
	if a.refusal != "" {
		l.authEnd()
		return
	}
	for _, ev := range r.events {
		a.waiting[ev.ID] = struct{}{}
		a.outbox = append(a.outbox, append(ev.AppendJSON([]byte(`["AUTH",`)), ']'))
	}
	a.until = time.Now().Add(l.m.t.AuthWait)
}

func (l *link) nextAuth() []byte {
	a := &l.auth
	if len(a.outbox) == 0 {
		return nil
	}
	message := a.outbox[0]
	a.outbox = a.outbox[1:]
	a.until = time.Now().Add(l.m.t.AuthWait)
	return message
}

// authOK takes the OK to one of our AUTH events; false: it is about another event.
func (l *link) authOK(f frame) bool {
	a := &l.auth
	if _, ok := a.waiting[f.id]; !ok {
		return false
	}
	delete(a.waiting, f.id)
	a.until = time.Now().Add(l.m.t.AuthWait)
	if f.ok {
		a.accepted++
	} else {
		a.refusal = "the relay refused our AUTH: " + f.text
	}
	if len(a.waiting) == 0 {
		l.authEnd()
	}
	return true
}

// authEnd draws the conclusion: with one key accepted, what waited is sent
// again; with none, it waits its time out or ends with the reason.
func (l *link) authEnd() {
	a := &l.auth
	a.outbox, a.until = nil, time.Time{}
	clear(a.waiting)
	reason := a.refusal
	if a.accepted > 0 {
		reason = ""
	}
	if reason != "" {
		a.wanted = false
		l.p.note(func(s *Status) { s.AuthErr, s.Authed = reason, false })
		l.m.cfg.Log.Warn("relay authentication failed", "relay", l.p.url, "reason", reason)
		l.p.authDone(reason)
		return
	}
	l.p.note(func(s *Status) { s.AuthErr, s.Authed = "", true })
	for _, s := range l.subs {
		if s.state == needAuth {
			s.state, s.at = pending, 0
		}
	}
	l.p.authDone("")
}

// authTick is how long NIP-42 needs nothing.
func (l *link) authTick() time.Duration {
	if l.auth.until.IsZero() {
		return time.Minute
	}
	return time.Until(l.auth.until)
}
