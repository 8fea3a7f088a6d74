package bunkertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"nsecbunker/nostr/nip46"
)

// flyers is how many requests are on their way while an act is done.
const flyers = 6

// act is what an admin does, and how it is undone for the next trial.
type act struct {
	name   string
	action string // of its record
	words  string // that an app hears afterwards
	do     func(b *Bunker)
	// undo gives the app that is let in from then on.
	undo func(b *Bunker, a *App) *App
}

// undone is the undo of an act that leaves the app as it is.
func undone(do func(b *Bunker)) func(*Bunker, *App) *App {
	return func(b *Bunker, a *App) *App {
		do(b)
		return a
	}
}

func acts() []act {
	rule := func(effect string) func(b *Bunker) {
		return func(b *Bunker) { b.edit(kind("notes", effect, 1)) }
	}
	return []act{
		{"suspend", "connection.suspend", "suspended",
			func(b *Bunker) { b.Admin("connection.suspend", Params{"id": b.Connection("active")}) },
			undone(func(b *Bunker) { b.Admin("connection.resume", Params{"id": b.Connection("suspended")}) })},
		{"revoke", "connection.revoke", "revoked",
			func(b *Bunker) { b.Admin("connection.revoke", Params{"id": b.Connection("active")}) },
			func(b *Bunker, a *App) *App {
				a.pool.Close()
				return b.Connected(b.Token("herald", "", Params{"policy": "newsroom"}))
			}},
		{"lock", "key.lock", "locked",
			func(b *Bunker) { b.Admin("key.lock", Params{"key": "herald"}) },
			undone(func(b *Bunker) { b.Admin("key.unlock", Params{"key": "herald"}) })},
		{"pause", "key.pause", "paused",
			func(b *Bunker) { b.Admin("key.pause", Params{"key": "herald"}) },
			undone(func(b *Bunker) { b.Admin("key.resume", Params{"key": "herald"}) })},
		{"stop", "stop", "stopped",
			func(b *Bunker) { b.Admin("stop", nil) },
			undone(func(b *Bunker) {
				b.Admin("stop.end", nil)
				b.Admin("key.unlock", Params{"key": "herald"})
				b.Admin("connection.resume", Params{"id": b.Connection("suspended")})
			})},
		{"edit of a policy", "policy.edit", "refuses", rule("deny"), undone(rule("allow"))},
	}
}

// trial is an act that was done: the last record before it, and the last before
// it was undone.
type trial struct{ before, until int }

// Promise 4: what is sent after an act returned is refused, and no allow has a
// higher number than the record of the act, with requests in flight at each.
func TestNothingIsAllowedAfterTheRecordOfAnAct(t *testing.T) {
	trials := times(1000)
	if raceDetector {
		trials /= 5
	}
	for _, c := range acts() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, a := underPolicy(t, kind("notes", "allow", 1))
			hasTeeth(t, tryAct(t, c, trials, b, b, a))
		})
	}
}

// tryAct does an act on b with requests in flight at another instance, elsewhere, and
// asks there when it returned. elsewhere may be b itself.
func tryAct(t *testing.T, c act, trials int, b, elsewhere *Bunker, a *App) (met flown) {
	t.Helper()
	done := make([]trial, trials)
	for i := range done {
		if elsewhere == b {
			b.Clock.Pass(2 * flyers * time.Second) // refusals are bounded
		}
		done[i].before = b.Admin("status", nil).Number("audit.seq")
		flying := fly(a, i%flyers)
		c.do(b)
		a.AskSign(1, fmt.Sprint("after ", i)).Fails(c.words)
		for _, q := range flying() {
			if q.Answer().Failed() {
				met.refused++
			} else {
				met.signed++
			}
		}
		done[i].until = b.Admin("status", nil).Number("audit.seq")
		a = c.undo(b, a)
		if elsewhere == b {
			continue
		}
		a.pool.Close()
		if i%100 == 99 { // refusals are bounded there, too
			b.Admin("connection.revoke", Params{"id": b.Connection("active")})
			a = b.Connected(b.Token("herald", "", Params{"policy": "newsroom"}))
			a.pool.Close()
		}
		a = a.at(elsewhere)
	}
	a.Sign(1, "after all of them")
	after := allowedAfter(t, b, c.action, done)
	t.Logf("%s: %d trials, %d requests in flight, of which %d were signed before the act and %d refused; %d allowed after it",
		c.name, trials, trials*flyers, met.signed, met.refused, after)
	b.Verify()
	return met
}

// flown is what became of the requests that were in flight at acts.
type flown struct{ signed, refused int }

func hasTeeth(t *testing.T, met flown) {
	t.Helper()
	if met.refused == 0 || met.signed == 0 {
		t.Error("no act met a request in flight: the test has lost its teeth")
	}
}

// fly sends requests at once and returns when a relay has taken some of them. The
// function returns all, when all were sent.
func fly(a *App, some int) func() []*Asked {
	a.t.Helper()
	asked, taken := make([]*Asked, flyers), make(chan struct{}, flyers)
	var wg sync.WaitGroup
	for i := range asked {
		asked[i] = a.Prepare(nip46.SignEvent, a.Note(1, fmt.Sprint("flying ", i)))
	}
	for _, q := range asked {
		wg.Go(func() {
			_ = a.Publish(q.Event) // the program may be killed meanwhile
			taken <- struct{}{}
		})
	}
	for range some {
		<-taken
	}
	return func() []*Asked {
		wg.Wait()
		return asked
	}
}

// allowedAfter counts the signatures that were allowed after the record of an act
// and before it was undone. Each is an error.
func allowedAfter(t *testing.T, b *Bunker, action string, done []trial) (n int) {
	t.Helper()
	acts, allows := map[int]bool{}, map[int]bool{}
	for _, r := range b.Records(Params{"action": action}) {
		acts[r.Number("seq")] = true
	}
	for _, r := range b.Records(Params{"action": string(nip46.SignEvent), "effect": "allow"}) {
		allows[r.Number("seq")] = true
	}
	for i, d := range done {
		at := 0
		for seq := d.before + 1; seq <= d.until; seq++ {
			switch {
			case acts[seq] && at == 0:
				at = seq
			case at > 0 && allows[seq]:
				n++
				t.Errorf("trial %d: record %d allows after %s in record %d", i, seq, action, at)
			}
		}
		if at == 0 {
			t.Errorf("trial %d: %s has no record between %d and %d", i, action, d.before, d.until)
		}
	}
	return n
}

// Promise 4 for the people: the next command of an admin who was removed is
// refused over the door that it came by, and none of his comes after the record of
// the removal, with commands of his under way.
func TestNoCommandOfARemovedAdminFollowsTheRecordOfTheRemoval(t *testing.T) {
	t.Parallel()
	trials := times(1000)
	if raceDetector {
		trials /= 5
	}
	b := Start(t, Options{})
	tryRemoval(t, trials, b, b)
}

// tryRemoval removes admins on b who have a session, and commands under way, at another
// instance, elsewhere, which may be b itself.
func tryRemoval(t *testing.T, trials int, b, elsewhere *Bunker) {
	t.Helper()
	b.AddKey("herald")
	removed := map[string]int{} // npub → the record of his removal
	for i := range trials {
		if elsewhere == b {
			b.Clock.Pass(time.Second) // challenges are bounded
		}
		p := elsewhere.Person("operator")
		s := p.In()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{}, flyers)
		for n := range flyers {
			go func() {
				params := []byte(`{"key":"herald","default":"` + []string{"ask", "deny"}[n%2] + `"}`)
				_ = s.Call(ctx, "key.set", params, nil, nil) // it may come too late
				done <- struct{}{}
			}()
		}
		for range i % 3 {
			<-done
		}
		b.Admin("admin.remove", Params{"npub": p.Npub()})
		if _, err := s.Try("key.set", Params{"key": "herald", "default": "ask"}); err == nil {
			t.Fatalf("trial %d: a command was executed after its admin was removed", i)
		}
		stop()
		for range flyers - i%3 {
			<-done
		}
		removed[p.Npub()] = b.Admin("audit.list", Params{"action": "admin.remove", "limit": 1}).Number("records.0.seq")
		_ = s.Close() // the bunker ended it
		p.Key.Destroy()
	}
	inTime := 0
	for _, r := range b.Records(Params{"action": "key.set"}) {
		if inTime++; r.Number("seq") > removed[r.Text("principal")] {
			t.Errorf("record %d is a command of an admin who was removed in record %d", r.Number("seq"), removed[r.Text("principal")])
		}
	}
	t.Logf("role removal: %d trials over the relay door, %d commands under way, %d of them in time, 0 after", trials, trials*flyers, inTime)
	if inTime == 0 || inTime == trials*flyers {
		t.Error("no removal met a command under way: the test has lost its teeth")
	}
	b.Verify()
}

// Promise 4 for the stop: the real program, killed the moment it returned and
// opened again by its key file, signs nothing.
func TestAStopHoldsThroughSIGKILLAndAnUnsealByItself(t *testing.T) {
	t.Parallel()
	kills := times(100)
	var uri string
	p := NewProcess(t, nil, func(b *Bunker) {
		b.AddKey("herald")
		uri = b.Token("herald", "all")
	})
	a := connectApp(t, uri)
	p.Kill()
	before := p.copied()
	inTime := 0
	for kill := range kills {
		p.putBack(before)
		p.Start()
		a = a.again()
		flying := fly(a, kill%flyers)
		p.Admin("stop", nil)
		p.Kill()
		a.pool.Close() // nobody takes any more what is on its way
		flying()
		p.Start()
		if s := p.Admin("status", nil); s.Text("state") != "stopped" || s.Number("keys.unlocked") != 0 {
			t.Fatalf("kill %d: after it the state is %q, with %d keys", kill, s.Text("state"), s.Number("keys.unlocked"))
		}
		a = a.again()
		a.AskSign(1, fmt.Sprint("after ", kill)).Fails("stopped")
		stop := p.Admin("audit.list", Params{"action": "stop", "limit": 1}).Number("records.0.seq")
		for _, r := range p.Admin("audit.list", Params{"action": "sign_event", "effect": "allow"}).Each("records") {
			if inTime++; r.Number("seq") > stop {
				t.Fatalf("kill %d: record %d allows after the stop in record %d", kill, r.Number("seq"), stop)
			}
		}
		p.Kill()
	}
	t.Logf("%d stops, each killed when it returned and opened by itself: %d signatures before, 0 after", kills, inTime)
}

// copied is a copy of the folder of a program that does not run.
func (p *Process) copied() string {
	p.t.Helper()
	to := filepath.Join(p.t.TempDir(), "copy")
	if out, err := exec.Command("cp", "-a", p.Dir, to).CombinedOutput(); err != nil {
		p.t.Fatalf("cp: %v %s", err, out)
	}
	return to
}

// putBack makes the folder what copied found.
func (p *Process) putBack(from string) {
	p.t.Helper()
	if err := os.RemoveAll(p.Dir); err != nil {
		p.t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", from, p.Dir).CombinedOutput(); err != nil {
		p.t.Fatalf("cp: %v %s", err, out)
	}
}
