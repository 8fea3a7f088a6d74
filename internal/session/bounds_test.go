package session

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
)

func TestSoManyOrdersOfASessionRunAtOnce(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	h.block = make(chan struct{})
	done := make(chan bool)
	for n := range int64(MaxRunning) {
		ev := g.event(&adminwire.Order{N: n + 1, Cmd: "key.list"})
		go func() {
			ok, _ := h.Take(t.Context(), "a", ev)
			done <- ok
		}()
	}
	for range MaxRunning {
		<-h.entered
	}
	more := g.event(&adminwire.Order{N: MaxRunning + 1, Cmd: "key.list"})
	if ok, why := h.Take(t.Context(), "a", more); ok || !strings.HasPrefix(why, "rate-limited") {
		t.Errorf("one more was taken: %s", why)
	}
	close(h.block)
	for range MaxRunning {
		if !<-done {
			t.Error("one of those that may run was refused")
		}
	}
	if m := g.do(MaxRunning+1, "key.list"); m.Error != nil {
		t.Errorf("it was lost: %+v", m.Error)
	}
}

func TestKeptAnswersAreBoundedInBytes(t *testing.T) {
	h := newHouse(t)
	g := h.in(h.known(h.person(bunker.Owner)))
	h.result = json.RawMessage(`"` + strings.Repeat("x", 4<<20) + `"`)
	for n := range int64(4) {
		g.give(g.event(&adminwire.Order{N: n + 1, Cmd: "audit.list"}))
	}
	refusedWith(t, g.ask(&adminwire.Order{N: 1, Cmd: "audit.list"})[0], bunker.CodeConflict, "not kept any more")
	if m := g.ask(&adminwire.Order{N: 4, Cmd: "audit.list"}); len(m) != adminwire.PartsAhead {
		t.Errorf("the last answer is gone: %+v", m)
	}
	if n := len(h.commands()); n != 4 {
		t.Errorf("executed %d times", n)
	}
}

func TestSoManyPairingLinksAreOpenAtOnce(t *testing.T) {
	h := newHouse(t)
	for range MaxPairings {
		if _, _, err := h.Pair(adminPairing()); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := h.Pair(adminPairing()); bunker.AsError(err).Code != bunker.CodeRateLimited {
		t.Errorf("got %v", err)
	}
	h.pass(adminwire.PairingLife)
	if _, _, err := h.Pair(adminPairing()); err != nil {
		t.Errorf("links are not forgotten: %v", err)
	}
	if used, _ := h.arena.Used(); used == 0 {
		t.Error("a pairing secret is not in the memory for secrets")
	}
}

func TestUnknownDevicesOfAPersonAskSoOftenAnHour(t *testing.T) {
	h := newHouse(t)
	ann := h.person(bunker.Owner)
	asked := 0
	for range AsksPerHour + 10 {
		h.pass(time.Second)
		dev := h.person(bunker.NoRole).dev
		g := h.page(&person{ann.a, dev}).hello()
		r, ok := g.prove(g.proof())
		if !ok {
			t.Fatal("no answer")
		}
		if r.Refusal == nil {
			asked++
			g.ready = r
			g.do(1, "bye")
		}
	}
	if asked != AsksPerHour {
		t.Errorf("%d devices asked within minutes", asked)
	}
}
