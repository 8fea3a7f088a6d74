package bunkertest

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/inbox"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip46"
)

// 10,000 strangers, each with a key of its own and a guess at the secret, come
// over one relay, while an app that is known keeps its answers.
func TestAFloodOfStrangersLeavesKnownAppsTheirAnswers(t *testing.T) {
	strangers := 10_000
	if raceDetector { // it makes keys and signatures ten times as slow
		strangers = 1000
	}
	// Not in parallel: what other tests hold would count as this one's heap.
	relay := NewRelay(t)
	b := Start(t, Options{Relays: []string{relay.URL}})
	b.AddKey("herald")
	a := b.Connected(b.Token("herald", "all"))
	start := b.Clock.Now()
	before, rows := heap(), b.Admin("status", nil).Number("audit.seq")
	known := make([]*Asked, 0, 40)
	done := make(chan struct{})
	go func() {
		defer close(done)
		flood(t, b, a, relay, strangers)
	}()
	for more := true; more; {
		q := a.AskSign(1, "known")
		q.Signed()
		known = append(known, q)
		select {
		case <-done:
			more = false
		default:
			more = len(known) < 500
		}
	}
	<-done
	a.Sign(1, "after")
	got := map[nostr.PubKey]int{}
	for _, e := range relay.Seen() {
		if e.PubKey == a.Remote && e.Tags.Find("p").Value() != a.Key.PubKey().String() {
			p, err := nostr.ParsePubKey(e.Tags.Find("p").Value())
			if err != nil {
				t.Fatal(err)
			}
			got[p]++
		}
	}
	minutes := int(b.Clock.Now().Sub(start)/time.Minute) + 2 // that were begun
	limit := minutes * inbox.DefaultLimits().StrangerReplies
	if len(got) > limit {
		t.Errorf("%d strangers were answered, at most %d may be", len(got), limit)
	}
	for p, n := range got {
		if n > 1 {
			t.Errorf("stranger %s was answered %d times", p, n)
		}
	}
	if n := len(b.Admin("connection.list", nil).Each("connections")); n != 1 {
		t.Errorf("%d connections", n)
	}
	grown := b.Admin("status", nil).Number("audit.seq") - rows - len(known) - 1
	if grown > 2*minutes {
		t.Errorf("%d records of strangers", grown)
	}
	if more := heap() - before; more > 64<<20 {
		t.Errorf("the heap has grown by %d MiB", more>>20)
	}
	t.Logf("%d strangers, %d answered with the generic error, %d records of them; %d answers for the known app", strangers, len(got), grown, len(known))
	b.Verify()
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// flood has the relay bring events of strangers: well signed, as a relay that
// brings forgeries is cut off.
func flood(t *testing.T, b *Bunker, a *App, relay *Relay, n int) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range n / 4 {
				key, err := nostr.GenerateKey(b.Arena)
				if err != nil {
					t.Error(err)
					return
				}
				content := "not even encrypted"
				if i%2 == 0 { // as expensive as can be
					var ck [32]byte
					if err := nip44.ConversationKey(key, a.Remote, &ck); err != nil {
						t.Error(err)
						return
					}
					r := nip46.Request{ID: "x", Method: nip46.Connect, Params: []string{a.Remote.String(), bunker.NewSecret()}}
					if content, err = nip44.Encrypt(&ck, r.AppendJSON(nil)); err != nil {
						t.Error(err)
						return
					}
				}
				e := &nostr.Event{Kind: nip46.Kind, CreatedAt: b.Clock.Now().Unix(), Tags: nostr.Tags{{"p", a.Remote.String()}}, Content: content}
				err = key.Sign(e)
				key.Destroy()
				if err != nil {
					t.Error(err)
					return
				}
				relay.Pass(e)
			}
		})
	}
	wg.Wait()
}

// A relay that brings forged copies first hides nothing.
func TestAForgedCopyThatComesFirstHidesNoRequest(t *testing.T) {
	t.Parallel()
	relay := NewRudeRelay(t, 1, Manners{Forge: 100, Double: 100})
	b := Start(t, Options{Relays: []string{relay.URL}})
	b.AddKey("herald")
	a := b.Connected(b.Token("herald", "all"))
	for range 5 {
		q := a.AskSign(1, "x")
		q.Signed()
		if n := len(q.Got()); n != 1 {
			t.Errorf("%d distinct answers", n)
		}
	}
	if n := a.Forged(); n == 0 {
		t.Error("the relay forged nothing")
	}
}
