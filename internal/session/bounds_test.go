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

// A viewer's sixteen sessions must not hold sixteen times what one may.
func TestKeptAnswersOfAllSessionsAreBoundedInBytes(t *testing.T) {
	h := newHouse(t)
	ann := h.known(h.person(bunker.Viewer))
	h.result = json.RawMessage(`"` + strings.Repeat("x", 4<<20) + `"`) // nearly 8 MiB on the wire
	var all []*page
	for range 6 {
		g := h.in(ann)
		g.give(g.event(&adminwire.Order{N: 1, Cmd: "audit.list"}))
		all = append(all, g)
		h.pass(time.Second)
	}
	kept := 0
	for _, s := range h.sessions() {
		kept += s.keptBytes()
	}
	if kept > AllKeptBytes || kept < AllKeptBytes/2 {
		t.Errorf("%d bytes are kept", kept)
	}
	refusedWith(t, all[0].ask(&adminwire.Order{N: 1, Cmd: "audit.list"})[0], bunker.CodeConflict, "not kept any more")
	refusedWith(t, all[0].ask(&adminwire.Order{More: &adminwire.More{Re: 1, From: 8}})[0], bunker.CodeConflict, "not kept any more")
	if m := all[5].ask(&adminwire.Order{More: &adminwire.More{Re: 1, From: 8}}); len(m) != adminwire.PartsAhead {
		t.Errorf("who was heard last lost his answer: %+v", m)
	}
	if n := len(h.commands()); n != len(all) {
		t.Errorf("executed %d times", n)
	}
}

// What was sent after an act returned is refused (security.md section 6, 4): the rest of
// a long answer, too.
func TestTheRestOfAnAnswerIsForWhoMayHaveItNow(t *testing.T) {
	for why, less := range map[string]func(h *house, p *person){
		"another role": func(h *house, p *person) { h.roles[p.a.PubKey()] = bunker.Viewer },
		"no role":      func(h *house, p *person) { delete(h.roles, p.a.PubKey()) },
		"fewer keys":   func(h *house, p *person) { h.scope = []bunker.KeyID{"k1"} },
		"device out": func(h *house, p *person) {
			for _, d := range h.devices {
				d.State = bunker.DeviceRevoked
			}
		},
	} {
		for what, order := range map[string]*adminwire.Order{
			"the rest":  {More: &adminwire.More{Re: 1, From: adminwire.PartsAhead}},
			"once more": {N: 1, Cmd: "backup.export"},
		} {
			t.Run(why+", "+what, func(t *testing.T) {
				h := newHouse(t)
				ann := h.known(h.person(bunker.Owner))
				g := h.in(ann)
				h.result = json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)
				g.ask(&adminwire.Order{N: 1, Cmd: "backup.export"})
				if got := g.ask(order); len(got) != adminwire.PartsAhead {
					t.Fatalf("before: %d parts", len(got))
				}
				h.mu.Lock()
				less(h, ann)
				h.mu.Unlock()
				for _, m := range g.read(g.give(g.event(order))) {
					if m.Part != nil || m.Result != nil {
						t.Fatal("a part of it was sent")
					}
				}
			})
		}
	}
}

func TestAnswersStayWhereMoreIsAllowedAndWhileNobodyKnows(t *testing.T) {
	h := newHouse(t)
	ann := h.known(h.person(bunker.Viewer))
	g := h.in(ann)
	g.do(1, "key.list")
	h.mu.Lock()
	h.roles[ann.a.PubKey()] = bunker.Owner
	h.mu.Unlock()
	if m := g.ask(&adminwire.Order{N: 1, Cmd: "key.list"}); len(m) != 1 || m[0].Error != nil {
		t.Errorf("with a higher role: %+v", m)
	}
	h.mu.Lock()
	h.roles[ann.a.PubKey()], h.state = bunker.Approver, Sealed // what the door says of all then
	h.mu.Unlock()
	if m := g.ask(&adminwire.Order{N: 1, Cmd: "key.list"}); len(m) != 1 || m[0].Error != nil {
		t.Errorf("sealed: %+v", m)
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
