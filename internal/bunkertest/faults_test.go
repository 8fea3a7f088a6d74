package bunkertest

import (
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"testing"

	"nsecbunker/internal/store"
	"nsecbunker/nostr/nip46"
)

// Promise 1: a store that fails at any statement, at the commit or after it, lets
// nothing out that is not stored; when it works again the same request has its
// one answer.
func TestAFaultAtAnyStatementLetsNothingOut(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	a := b.Connected(b.Token("herald", ""))
	b.Admin("connection.grant", Params{"id": b.Connection("active"), "perms": "sign_event:1", "uses": 1000})
	for name, ask := range map[string]func() *Asked{
		"an allow": func() *Asked { return a.Prepare(nip46.SignEvent, a.Note(1, "x")) },
		"an ask":   func() *Asked { return a.Prepare(nip46.SignEvent, a.Note(7, rand.Text())) },
		"a ping":   func() *Asked { return a.Prepare(nip46.Ping) },
	} {
		points := b.points(a, ask())
		for range 4 { // other work passes points, too: the fewest are the request's
			if p := b.points(a, ask()); len(p) < len(points) {
				points = p
			}
		}
		if !slices.Contains(points, store.FaultCommit) {
			t.Fatalf("%s: the points are %v", name, points)
		}
		refused := 0
		for at := range points {
			if points[at] == store.FaultLost {
				continue // below
			}
			q, n := ask(), 0
			broken := errors.New("the disk is gone")
			b.Faults().Set(func(point string) error {
				if n++; n > at {
					return broken // and it stays gone
				}
				return nil
			})
			err := a.Publish(q.Event)
			// What is published comes before the relay's OK on the same connection. Other
			// work passes points, too, so that this request may have been through.
			if (err == nil || len(q.Got()) > 0) && !b.recorded(q) {
				t.Fatalf("%s: it was answered without a record, though %q failed", name, points[at])
			}
			if err != nil {
				refused++
			}
			b.Faults().Set(nil)
			q.Send()
			if name == "an ask" {
				b.Reply(nil)
			}
			q.Answer()
		}
		if refused < len(points)/2 {
			t.Errorf("%s: %d refusals at %d points", name, refused, len(points))
		}
		t.Logf("%s: failed at each of %d points, %d times before it was stored", name, len(points), refused)
	}
	b.lost(a)
	b.Verify()
}

// points are the points that a request passes in the store, in order.
func (b *Bunker) points(a *App, q *Asked) []string {
	b.t.Helper()
	var mu sync.Mutex
	var points []string
	b.Faults().Set(func(point string) error {
		mu.Lock()
		defer mu.Unlock()
		points = append(points, point)
		return nil
	})
	q.Send()
	b.Faults().Set(nil)
	for _, open := range b.Questions() {
		b.Admin("approval.answer", Params{"id": open.Text("id"), "digest": open.Text("digest")})
	}
	q.Answer()
	mu.Lock()
	defer mu.Unlock()
	return points
}

// lost: the commit stands, its answer is lost. What is stored then leaves, once.
func (b *Bunker) lost(a *App) {
	b.t.Helper()
	q := a.Prepare(nip46.SignEvent, a.Note(1, "lost"))
	b.Faults().Set(func(point string) error {
		if point == store.FaultLost {
			return errors.New("no answer from the store")
		}
		return nil
	})
	_ = a.Publish(q.Event) // it may be told either way
	b.Faults().Set(nil)
	q.Send()
	q.Signed()
	a.Fence()
	if n := len(q.Got()); n != 1 {
		b.t.Errorf("%d distinct answers after a lost commit", n)
	}
}

// recorded reports whether one of the newest records is of a request.
func (b *Bunker) recorded(q *Asked) bool {
	b.t.Helper()
	for _, r := range b.Admin("audit.list", Params{"limit": 10}).Each("records") {
		if r.Text("event") == q.Event.ID.String() {
			return true
		}
	}
	return false
}
