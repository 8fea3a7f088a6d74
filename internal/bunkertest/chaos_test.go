package bunkertest

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// full reports the long form, `make chaos`: the counts of security.md section 6.
// Otherwise a tenth of the same is done, with the same seeds.
func full() bool { return os.Getenv("NSECBUNKER_CHAOS") == "full" }

func times(n int) int {
	if full() {
		return n
	}
	return n / 10
}

// Promise 1: killed at the moment when an app receives a signature, the bunker
// has the record of it.
func TestWhoHasASignatureFindsItsRecordAfterSIGKILL(t *testing.T) {
	t.Parallel()
	kills := times(500)
	var uri string
	p := NewProcess(t, nil, func(b *Bunker) {
		b.AddKey("herald")
		uri = b.Token("herald", "all")
	})
	clock := new(Clock)
	u, err := nip46.ParseBunkerURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	a := NewApp(t, newArena(t), clock.Now, u.Remote, u.Secret, u.Relays)
	a.Connect().Want("ack")
	recorded, signatures := map[string]bool{}, 0
	for kill := range kills {
		asked := make([]*Asked, 3)
		for i := range asked {
			asked[i] = a.Prepare(nip46.SignEvent, a.Note(1, string(rune('a'+i))))
			go func() { _ = a.Publish(asked[i].Event) }() // the kill may come first
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		got, ok := asked[kill%len(asked)].TryAnswer(ctx)
		p.Kill()
		cancel()
		if !ok || got.Failed() {
			t.Fatalf("kill %d: no signature: %+v", kill, got)
		}
		p.Start()
		// What was received is taken before the records are read: a request that the
		// kill came before may be sent again meanwhile, and be answered.
		var received []Got
		for _, q := range asked {
			received = append(received, q.Got()...)
		}
		for _, r := range p.Admin("audit.list", Params{"action": "sign_event", "limit": 10}).Each("records") {
			recorded[r.Text("signed")] = true
		}
		for _, g := range received {
			e, err := nostr.ParseEvent([]byte(g.Result))
			if err != nil || e.Verify() != nil {
				t.Fatalf("kill %d: %+v", kill, g)
			}
			if signatures++; !recorded[e.ID.String()] {
				t.Fatalf("kill %d: the signature %s was received and has no record", kill, e.ID)
			}
		}
		a = a.again()
	}
	b := p.Inside()
	t.Logf("%d kills, %d signatures received, %d records verified, 0 signatures without one", kills, signatures, b.VerifyOutside())
}

// storm is one run of promise 2.
type storm struct {
	t      *testing.T
	rng    *rand.Rand
	p      *Process
	relays []*Relay
	apps   []*App
	asked  []*Asked // in order
}

func newStorm(t *testing.T, seed uint64) *storm {
	s := &storm{t: t, rng: rand.New(rand.NewPCG(seed, 2))}
	var urls []string
	for i := range 5 {
		r := NewRudeRelay(t, seed+uint64(i), Manners{})
		s.relays = append(s.relays, r)
		urls = append(urls, r.URL)
	}
	var uris []string
	s.p = NewProcess(t, urls, func(b *Bunker) {
		b.AddKey("herald")
		for range 3 {
			uris = append(uris, b.Token("herald", "all"))
		}
	})
	arena, clock := newArena(t), new(Clock)
	for _, uri := range uris {
		u, err := nip46.ParseBunkerURI(uri)
		if err != nil {
			t.Fatal(err)
		}
		a := NewApp(t, arena, clock.Now, u.Remote, u.Secret, u.Relays)
		a.Connect().Want("ack")
		s.apps = append(s.apps, a)
	}
	return s
}

// rude lets every relay behave badly, each in its own way; one in five is cut
// off altogether.
func (s *storm) rude() {
	for _, r := range s.relays {
		d := func(n int) int { return s.rng.IntN(n) }
		r.Behave(Manners{
			DropEvent: d(40), LoseOK: d(40), Refuse: d(30), Double: d(60), Forge: d(15), Delay: d(60), Cut: d(4), NoEOSE: d(30), Closed: d(30),
			Reorder: d(40), HalfOpen: d(6), Auth: d(20), Skew: d(20),
		})
		if d(5) == 0 {
			r.Kick()
		}
	}
}

// ask sends some new requests, and some of the old ones again.
func (s *storm) ask() {
	var wg sync.WaitGroup
	send := func(q *Asked) {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			defer cancel()
			_ = q.app.pool.Publish(ctx, q.app.Relays, q.Event) // nobody may take it
		})
	}
	for _, a := range s.apps {
		for range 1 + s.rng.IntN(3) {
			q := a.Prepare(nip46.SignEvent, a.Note(1, string(rune('a'+s.rng.IntN(26)))))
			s.asked = append(s.asked, q)
			send(q)
		}
	}
	for range s.rng.IntN(4) {
		send(s.asked[s.rng.IntN(len(s.asked))])
	}
	wg.Wait()
}

// Promise 2: whatever the relays do and whenever the process is killed, a
// request has at most one reply event and one signature, and every allow is
// delivered or listed.
func TestARequestHasOneReplyAndOneSignatureWhateverIsKilledAndLost(t *testing.T) {
	t.Parallel()
	const seeds = 5
	kills := times(300)
	for seed := range uint64(seeds) { // the first seeds of the long form
		storm := newStorm(t, seed*100)
		for range kills / seeds {
			storm.rude()
			done := make(chan struct{})
			wait := time.NewTimer(time.Duration(storm.rng.IntN(300)) * time.Millisecond)
			go func() { storm.ask(); close(done) }()
			<-wait.C
			storm.p.Kill()
			<-done
			storm.p.Start()
		}
		storm.calm()
		storm.judge(seed, kills/seeds)
	}
}

// calm lets the relays behave, and every app send again what it asked. Each
// request then has an answer: the first one, or the one that it had.
func (s *storm) calm() {
	for _, r := range s.relays {
		r.Behave(Manners{})
		r.Wake()
	}
	now := map[nostr.PubKey]*App{}
	for i, a := range s.apps {
		s.apps[i] = a.again()
		s.apps[i].Fence()
		now[a.Key.PubKey()] = s.apps[i]
	}
	for _, q := range s.asked {
		q.app = now[q.Event.PubKey]
		q.Send()
	}
	for _, q := range s.asked {
		q.Answer()
	}
}

func (s *storm) judge(seed uint64, kills int) {
	replies := map[string]map[nostr.ID]nip46.Reply{} // by request id: distinct events
	for _, r := range s.relays {
		for _, e := range r.Seen() {
			for _, a := range s.apps {
				if e.PubKey != a.Remote || e.Tags.Find("p").Value() != a.Key.PubKey().String() || e.Verify() != nil {
					continue
				}
				reply, err := a.open(e)
				if err != nil {
					s.t.Fatal(err)
				}
				if replies[reply.ID] == nil {
					replies[reply.ID] = map[nostr.ID]nip46.Reply{}
				}
				replies[reply.ID][e.ID] = reply
			}
		}
	}
	b := s.p.Inside()
	allowed := map[string][]string{} // request event → signed ids
	for _, r := range b.Records(Params{"action": "sign_event", "effect": "allow"}) {
		allowed[r.Text("event")] = append(allowed[r.Text("event")], r.Text("signed"))
	}
	var listed []string
	found := b.Admin("instance.check", nil)
	for _, u := range found.Each("undelivered") {
		listed = append(listed, u.Text("event"))
	}
	waiting := b.Admin("status", nil).Number("unreleased.waiting")
	answered, unseen := 0, 0
	for _, q := range s.asked {
		got, signed := replies[q.ID], allowed[q.Event.ID.String()]
		if len(got) > 1 || len(signed) > 1 {
			s.t.Errorf("seed %d: request %s has %d reply events and %d signatures", seed, q.Event.ID, len(got), len(signed))
		}
		for _, r := range got {
			e, err := nostr.ParseEvent([]byte(r.Result))
			if err != nil || e.Verify() != nil || len(signed) != 1 || signed[0] != e.ID.String() {
				s.t.Errorf("seed %d: request %s was answered %+v, its record has %v", seed, q.Event.ID, r, signed)
			}
			answered++
		}
		if len(signed) == 1 && len(got) == 0 && !slices.Contains(listed, q.Event.ID.String()) {
			unseen++
		}
	}
	if unseen > waiting {
		s.t.Errorf("seed %d: %d allows are neither delivered nor listed (%d wait)", seed, unseen, waiting)
	}
	records := b.VerifyOutside()
	s.t.Logf("seed %d: %d kills, %d requests, %d with one reply, 0 with two; %d signatures; %d wait, %d undeliverable; %d records verified",
		seed, kills, len(s.asked), answered, len(allowed), waiting, len(listed), records)
	b.Stop()
}
