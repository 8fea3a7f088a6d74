package bunkertest

import (
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

func TestAnAppWhoseClockIsOffIsToldByHowMuch(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	right := a.Now
	for name, c := range map[string]struct {
		off   time.Duration
		words string
	}{
		"slow": {-bunker.Freshness - 10*time.Minute, "old; set the clock"},
		"fast": {bunker.Ahead + 10*time.Minute, "in the future; set the clock"},
	} {
		a.Now = func() time.Time { return right().Add(c.off) }
		q := a.AskSign(1, name)
		q.Fails("invalid", c.words)
		q.Send()
		a.Now = right
		a.Fence()
		if n := len(q.Got()); n != 1 {
			t.Errorf("%s: told %d times", name, n)
		}
		thief := a.stranger()
		thief.Now = func() time.Time { return right().Add(c.off) }
		if err := thief.Publish(thief.Prepare(nip46.Connect, a.Remote.String(), a.Secret).Event); err == nil || !strings.Contains(err.Error(), "clock") {
			t.Errorf("%s: a stranger's stale request: %v", name, err)
		}
	}
	// What is off by less is worked on: 45 s is common.
	for _, off := range []time.Duration{-45 * time.Second, 45 * time.Second} {
		a.Now = func() time.Time { return right().Add(off) }
		a.Sign(1, "a little off")
	}
	b.Verify()
}

// cut takes the bunker's only relay away for d. Requests that come there meanwhile
// wait for it, as long as they are fresh.
func cut(d time.Duration) func(*Bunker, *Asked, *Relay) {
	return func(b *Bunker, q *Asked, r *Relay) {
		r.Shut(true)
		b.Until("the relay is away", func() bool { return !relayUp(b) })
		early := q.app.Prepare(nip46.Ping)
		r.Hand(early.Event)
		b.Clock.Pass(d / 2)
		b.Chores()
		late := q.app.Prepare(nip46.Ping)
		r.Hand(late.Event)
		b.Clock.Pass(d - d/2)
		b.Chores()
		r.Shut(false)
		late.Want("pong")
		if d < bunker.Freshness {
			early.Want("pong")
		} else {
			early.Quiet()
		}
		b.Wake()
		q.Fails("not yet approved") // its time to be answered passed; a yes comes after that
	}
}

func relayUp(b *Bunker) bool {
	for _, r := range b.Admin("status", nil).Each("relays") {
		if r.Text("state") == "up" {
			return true
		}
	}
	return false
}

// {kill, restart, relay cut, clock ±1 h, ±1 y, seal and unseal} × {question, grant,
// token, budget}: the state is the same after, nothing was deleted (promise 7).
func TestNothingIsLostWhateverHappensToTheProcessAndItsClock(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	// set moves the hands and back again, with the timers' work done in between.
	set := func(d time.Duration) func(*Bunker, *Asked, *Relay) {
		return func(b *Bunker, q *Asked, _ *Relay) {
			b.Clock.Set(d)
			b.Chores()
			b.Wake()
			if d > 0 {
				q.Fails("not yet approved") // so the sweep has looked for what is over, too
			}
			if c := b.Admin("status", nil); !c.Is("clock.suspect") || d < 0 && !c.Is("clock.behind") {
				b.t.Errorf("the clock is %v", c.At("clock"))
			}
			b.Clock.Set(-d)
			b.Chores()
			b.Wake()
		}
	}
	for name, event := range map[string]func(*Bunker, *Asked, *Relay){
		"restart":     func(b *Bunker, _ *Asked, _ *Relay) { b.Restart() },
		"kill":        func(b *Bunker, _ *Asked, _ *Relay) { b.CrashAndRestart() },
		"seal":        func(b *Bunker, _ *Asked, _ *Relay) { b.Admin("seal", nil); b.Unseal() },
		"clock + 1 h": set(time.Hour),
		"clock - 1 h": set(-time.Hour),
		"clock + 1 y": set(year),
		"clock - 1 y": set(-year),
		"cut 9 min":   cut(9 * time.Minute),
		"cut 11 min":  cut(11 * time.Minute),
	} {
		t.Run(name, func(t *testing.T) {
			var r *Relay
			var relays []string
			if strings.HasPrefix(name, "cut") {
				r = NewRelay(t)
				relays = append(relays, r.URL)
			}
			b, a := asking(t, relays...)
			b.Admin("key.add", Params{"name": "going"})
			b.Admin("key.delete", Params{"key": "going"})
			limited := b.Connected(b.Token("herald", ""))
			b.Admin("connection.grant", Params{"id": connectionOf(b, limited), "perms": "sign_event:1", "uses": 3})
			b.Admin("connection.grant", Params{"id": connectionOf(b, limited), "perms": "sign_event:7", "for": "30d"})
			limited.Sign(1, "one of three")
			link := b.Token("herald", "all", Params{"expires": "30d"})
			b.Clock.Hold()
			q := a.AskSign(1, "open")
			a.Fence()
			before := b.Question()
			event(b, q, r)
			if after := b.Question(); after.Text("id") != before.Text("id") || after.Text("question_until") != before.Text("question_until") {
				t.Errorf("the question was %v, is %v", before, after)
			}
			if n := len(b.Admin("key.list", nil).Each("keys")); n != 2 {
				t.Errorf("%d keys, want 2: the deleted one still waits", n)
			}
			if s := b.Admin("status", nil); s.Is("clock.suspect") {
				b.Admin("clock.accept", nil)
				b.Clock.Pass(2 * time.Second) // what was asked before is refused; dates are whole seconds
			}
			b.Reply(nil)
			g := q.Answer()
			late := strings.HasPrefix(name, "clock +") || r != nil
			if g.Failed() != late { // its time to be answered had passed, the question's not
				t.Errorf("after the yes: %+v", g.Reply)
			}
			limited.Sign(7, "+")
			limited.Sign(1, "two of three")
			limited.Sign(1, "three of three")
			limited.AskSign(1, "four").Quiet()
			b.Connected(link).Sign(1, "x")
			b.VerifyOutside()
		})
	}
}

func TestABunkerWhoseClockIsBehindSignsNothingUntilItIsRight(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	a.Sign(1, "x")
	right := a.Now
	b.Clock.Set(-time.Hour)
	a.Now = func() time.Time { return right().Add(time.Hour) } // the app's clock is right
	a.AskSign(1, "y").Fails("clock")
	a.Fence() // it still answers
	if s := b.Admin("status", nil); !s.Is("clock.behind") || !strings.Contains(strings.Join(texts(s.List("warnings")), " "), "clock") {
		t.Errorf("status does not say so: %v", s.At("clock"))
	}
	b.Clock.Set(time.Hour)
	a.Now = right
	a.Sign(1, "right again by itself")
	b.Clock.Set(-time.Hour)
	b.Admin("clock.accept", nil)
	b.Pass(2 * time.Second)
	// A new subscription: the old one asks for what is newer than the clock was.
	a.moved(a.Relays...).Sign(1, "an owner accepted it")
	b.Verify()
}

func texts(list []any) []string {
	var out []string
	for _, v := range list {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}
