package bunkertest

import (
	"strings"
	"sync"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/host"
)

// hostsOf are instances that host bunkers together.
func hostsOf(t *testing.T, n int, o Options) []*Bunker {
	t.Helper()
	o.Config = func(c *config.Config) { c.Hosted, c.Relays = true, o.Relays }
	return instancesOf(t, n, o)
}

// agrees lets the provider open the guest by itself, and waits until every instance has
// it open.
func (g *Guest) agrees(all ...*Bunker) {
	g.b.t.Helper()
	g.Do("slot.add", Params{"kind": "provider", "name": "p"})
	for _, b := range all {
		b.Until("an instance opens the guest by itself", func() bool { return b.As(g).Admin("status", nil).Text("state") == "unsealed" })
	}
}

// A guest that one instance made is served by the other when the command returns; what is
// done to it on one holds on the other, and its end wipes it there.
func TestAGuestIsServedByEveryInstance(t *testing.T) {
	t.Parallel()
	all := hostsOf(t, 2, Options{})
	one, two := all[0], all[1]
	g := one.Host("g")
	g.agrees(all...)
	g.Do("key.add", Params{"name": "herald"})
	a := one.Connected(g.Link("herald", "all")).at(two)
	a.Sign(1, "there")

	one.Admin("tenant.suspend", Params{"id": g.ID, "why": "a test"})
	a.AskSign(1, "held").Fails("suspended by its provider")
	two.Admin("tenant.resume", Params{"id": g.ID})
	a.Sign(1, "goes on")
	g.Do("key.lock", Params{"key": "herald"})
	a.AskSign(1, "locked").Fails("locked")
	g.Do("key.unlock", Params{"key": "herald"})
	a.Sign(1, "unlocked")
	one.Admin("tenant.quota", Params{"id": g.ID, "people": 1, "keys": 1, "rate": 100})
	if e := must(t, two.As(g), "key.add", Params{"name": "second"}); e.Code != bunker.CodeRestricted {
		t.Errorf("beyond its quota: %v", e)
	}
	g.Do("seal", nil)
	a.AskSign(1, "sealed").Fails("sealed")
	if st := two.Admin("tenant.show", Params{"id": g.ID}); st.Is("tenant.open") {
		t.Errorf("sealed by its people, it is open: %v", st)
	}
	if list, err := one.As(g).Try("instance.list", nil); err == nil {
		t.Errorf("a guest is told of its provider's machines: %v", list)
	}

	// Nobody set this one up, so it can end at once; it was made on the second instance.
	h := two.Admin("tenant.add", Params{"label": "h"})
	id := bunker.TenantID(h.Text("tenant.id"))
	if v := one.Admin("tenant.show", Params{"id": string(id)}); strings.Split(v.Text("tenant.connection_string"), "?")[0] != strings.Split(h.Text("tenant.connection_string"), "?")[0] {
		t.Errorf("the first instance says %v", v)
	}
	if w := one.Admin("tenant.end", Params{"id": string(id)}); len(w.Each("warnings")) > 0 {
		t.Errorf("not confirmed: %v", w)
	}
	for i, b := range all {
		if _, err := b.DispatchTo(t.Context(), id, bunker.Principal{Role: bunker.Owner}, "status", nil); bunker.AsError(err).Code != bunker.CodeNotFound {
			t.Errorf("instance %d still serves what has ended: %v", i, err)
		}
	}
	one.Verify()
}

// must is a command that must be refused.
func must(t *testing.T, b *Bunker, command string, p Params) *bunker.Error {
	t.Helper()
	return b.Refused(command, p)
}

// One order makes one bunker, though two instances are asked for it at once, many times.
func TestOneOrderMakesOneBunkerOnInstances(t *testing.T) {
	t.Parallel()
	all := hostsOf(t, 2, Options{})
	by := bunker.Principal{Name: "system", Role: bunker.Owner, Door: bunker.DoorSystem}
	made := make(chan host.Bunker, 8)
	var wg sync.WaitGroup
	for i := range cap(made) {
		wg.Go(func() {
			m, err := all[i%2].MakeTenant(t.Context(), by, host.Spec{Order: "o-1"})
			if err != nil {
				t.Error(err)
			}
			made <- m
		})
	}
	wg.Wait()
	close(made)
	first, fresh := <-made, 0
	fresh = num(!first.Again)
	for m := range made {
		fresh += num(!m.Again)
		if m.Tenant != first.Tenant || m.SetupCode != first.SetupCode || m.ConnectionString == "" {
			t.Errorf("got %s and %s", m.Tenant, first.Tenant)
		}
	}
	if fresh != 1 {
		t.Errorf("%d times it was new", fresh)
	}
}

// A guest without a slot of its provider's is open where its people opened it: that
// instance hears its keys on relays, works on what is sent there and lets its people
// answer, whoever holds leases and jobs.
func TestAGuestIsHeardWhereItIsOpen(t *testing.T) {
	t.Parallel()
	relay := NewRudeRelay(t, 1, Manners{})
	all := hostsOf(t, 2, Options{Relays: []string{relay.URL}})
	for i, b := range all { // one of them has the jobs
		g := b.Host("g")
		var apps []*App
		for range 3 {
			g.Do("key.add", Params{"name": string(rune('a' + len(apps)))})
			apps = append(apps, b.Connected(g.Link(string(rune('a'+len(apps))), "sign_event:1")))
		}
		for _, a := range apps {
			a = a.moved(relay.URL)
			for n := range 2 {
				a.Sign(1, "heard "+string(rune('0'+n)))
			}
			q := a.AskSign(7, "may I")
			b.Until("the question is there", func() bool {
				return len(b.As(g).Admin("approval.list", Params{"state": "pending"}).Each("approvals")) == 1
			})
			b.As(g).Reply(nil)
			q.Signed()
		}
		other := all[1-i]
		if st := other.As(g).Admin("status", nil).Text("state"); st != "sealed" {
			t.Errorf("it is %s where nobody opened it", st)
		}
		if !other.Admin("tenant.show", Params{"id": g.ID}).Is("tenant.open") {
			t.Error("that it is open elsewhere is not shown")
		}
		// Through the other instance's own relay it is not refused: another one may answer.
		q := apps[0].at(other).Prepare("ping")
		if err := q.app.Publish(q.Event); err == nil || !strings.Contains(err.Error(), "open on another") {
			t.Errorf("%v", err)
		}
		q.Quiet()
	}
}

// Promise 4 of a guest, on two instances.
func TestNothingIsAllowedOnAnotherInstanceAfterTheRecordOfAGuestsAct(t *testing.T) {
	t.Parallel()
	trials := times(100)
	all := hostsOf(t, 2, Options{})
	one, two := all[0], all[1]
	var met flown
	for _, c := range acts() {
		t.Run(c.name, func(t *testing.T) {
			g := one.Host(c.name)
			g.agrees(all...)
			of := one.As(g)
			of.AddKey("herald")
			of.Admin("policy.create", Params{"name": "newsroom", "rules": []Params{kind("notes", "allow", 1)}})
			f := tryAct(t, c, trials, of, two.As(g), of.Connected(of.Token("herald", "", Params{"policy": "newsroom"})).at(two))
			met.signed, met.refused = met.signed+f.signed, met.refused+f.refused
		})
	}
	hasTeeth(t, met)
	// What the provider does to it holds likewise.
	g := one.Host("held")
	g.agrees(all...)
	of := one.As(g)
	of.AddKey("herald")
	a := of.Connected(of.Token("herald", "sign_event:1")).at(two)
	for range trials {
		flying := fly(a, 3)
		one.Admin("tenant.suspend", Params{"id": g.ID, "why": "a test"})
		a.AskSign(1, "after").Fails("suspended by its provider")
		held := of.Admin("audit.list", Params{"action": "tenant.standing", "limit": 1}).Number("records.0.seq")
		for _, q := range flying() {
			q.Answer()
		}
		for _, r := range of.Admin("audit.list", Params{"action": "sign_event", "effect": "allow", "limit": 20}).Each("records") {
			if r.Number("seq") > held {
				t.Errorf("record %d allows after the suspension in record %d", r.Number("seq"), held)
			}
		}
		one.Admin("tenant.resume", Params{"id": g.ID})
	}
	of.Verify()
}
