package bunkertest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// A hammering of promise 3: so many clients, each with so many requests, all under
// one rule that allows hammerLimit.
const (
	hammerClients = 64
	hammerEach    = 3
	hammerLimit   = 100
	hammerKills   = 2 // of a round
)

// Promise 3 for budgets: 64 clients of the real program under one rule of limit n,
// over two relays, with SIGKILLs in the middle, after which every client sends
// again what has no answer: exactly n are allowed, and no more than n are signed.
func TestABudgetIsSpentExactlyBy64ClientsOverTwoRelaysThroughSIGKILL(t *testing.T) {
	t.Parallel()
	rounds := times(10)
	one, two := NewRelay(t), NewRelay(t)
	uris := make([]string, rounds)
	p := NewProcess(t, []string{one.URL, two.URL}, func(b *Bunker) {
		b.AddKey("herald")
		for i := range uris {
			name := fmt.Sprint("round", i)
			b.Admin("policy.create", Params{"name": name, "rules": []Params{
				kind("notes", "allow", 1, Params{"budget": Params{"total": hammerLimit, "per": "policy"}}),
			}})
			uris[i] = b.Token("herald", "", Params{"policy": name, "uses": hammerClients})
		}
	})
	rng := rand.New(rand.NewPCG(3, 64))
	signatures := 0
	for i, uri := range uris {
		signatures += hammer(t, p, rng, i, uri)
	}
	b := p.Inside()
	perRound := map[string]int{}
	for _, r := range b.Records(Params{"action": "sign_event", "effect": "allow"}) {
		perRound[r.Text("rule")]++
	}
	for i := range rounds {
		if n := perRound[fmt.Sprintf("policy round%d/notes@1", i)]; n != hammerLimit {
			t.Errorf("round %d: %d allow records, of a budget of %d", i, n, hammerLimit)
		}
	}
	if len(perRound) != rounds {
		t.Errorf("allowed by %v", perRound)
	}
	t.Logf("%d rounds of %d clients with %d requests each over 2 relays, %d kills: %d allow records of a limit of %d in each round, %d signatures; %d records verified",
		rounds, hammerClients, hammerEach, rounds*hammerKills, hammerLimit, hammerLimit, signatures, b.VerifyOutside())
}

// hammer is one round; it returns how many signatures the clients have.
func hammer(t *testing.T, p *Process, rng *rand.Rand, round int, uri string) int {
	t.Helper()
	u, err := nip46.ParseBunkerURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	arena, clock := newArena(t), new(Clock)
	apps := make([]*App, hammerClients)
	var asked []*Asked
	for i := range apps {
		apps[i] = NewApp(t, arena, clock.Now, u.Remote, u.Secret, u.Relays)
		defer apps[i].pool.Close()
		apps[i].Connect().Want("ack")
		for n := range hammerEach {
			asked = append(asked, apps[i].Prepare(nip46.SignEvent, apps[i].Note(1, fmt.Sprint(round, " ", i, " ", n))))
		}
	}
	rng.Shuffle(len(asked), func(i, j int) { asked[i], asked[j] = asked[j], asked[i] })
	for range hammerKills {
		sent := unanswered(asked)
		wait := time.NewTimer(time.Duration(20+rng.IntN(400)) * time.Millisecond)
		<-wait.C
		p.Kill()
		sent()
		p.Start()
	}
	unanswered(asked)()
	signed := map[nostr.ID]bool{}
	for _, q := range asked {
		if g := q.Answer(); g.Failed() {
			q.Fails("rate-limited")
		} else {
			signed[q.Signed().ID] = true
		}
		if got := q.Got(); len(got) > 1 {
			t.Errorf("round %d: a request has %d replies", round, len(got))
		}
	}
	if len(signed) > hammerLimit {
		t.Errorf("round %d: %d signatures, of a budget of %d", round, len(signed), hammerLimit)
	}
	return len(signed)
}

// unanswered sends what has no answer yet, all at once; the function returns when
// the relays have it.
func unanswered(asked []*Asked) func() {
	var wg sync.WaitGroup
	for _, q := range asked {
		if len(q.Got()) == 0 {
			wg.Go(func() { _ = q.app.Publish(q.Event) })
		}
	}
	return wg.Wait
}
