package daemon

import (
	"fmt"
	"testing"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/host"
	"nsecbunker/internal/relay"
	"nsecbunker/nostr"
)

func names(n int, as string) map[string][]nostr.PubKey {
	out := map[string][]nostr.PubKey{}
	for i := range n {
		out[fmt.Sprintf("wss://%s%04d.example", as, i)] = []nostr.PubKey{{1}}
	}
	return out
}

// Whoever names a thousand relays takes none from anybody else: what each hears most of its
// keys on comes first.
func TestOneTenantsRelaysTakeNoneFromOthers(t *testing.T) {
	var w wanted
	w.note(bunker.SelfHosted, names(10, "z-house"))
	w.note("loud", names(1000, "a"))
	quiet := map[string][]nostr.PubKey{"wss://z.example": {{2}, {3}}, "wss://zz.example": {{2}}}
	for i := range 50 {
		w.note(bunker.TenantID(fmt.Sprint("quiet", i)), quiet)
	}
	got := w.all()
	if len(got) != relay.MaxRelays || w.leftOut() != 1012-relay.MaxRelays {
		t.Errorf("%d relays are heard, %d left out", len(got), w.leftOut())
	}
	for u := range quiet {
		if len(got[u]) == 0 {
			t.Errorf("%s is not heard", u)
		}
	}
	for u := range names(10, "z-house") {
		if len(got[u]) == 0 {
			t.Errorf("%s of the house is not heard", u)
		}
	}
	w.note("loud", nil)
	if got := w.all(); len(got) != 12 || w.leftOut() != 0 {
		t.Errorf("%d relays are heard, %d left out", len(got), w.leftOut())
	}
}

// More relays than can be heard keep no bunker from being made or read anew, and the
// instance from no start.
func TestTooManyRelaysKeepNobodyFromBeingServed(t *testing.T) {
	d, err := selling(t, func(*config.Config) {})
	if err != nil {
		t.Fatal(err)
	}
	d.heard.note("loud", names(1000, "a"))
	made, err := d.MakeTenant(t.Context(), System(), host.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.readRings(t.Context(), map[bunker.TenantID]*tenant{made.Tenant: d.tenants.tenant(made.Tenant)}); err != nil {
		t.Error(err)
	}
	if err := d.home.reload(t.Context()); err != nil {
		t.Error(err)
	}
	n := 0
	for _, s := range d.relays.Status() {
		if s.Wanted {
			n++
		}
	}
	if n != relay.MaxRelays {
		t.Errorf("%d relays are wanted", n)
	}
}

// A guest's admins have their commands a second and no more; whoever runs the machine is
// not held to it, nor is another guest.
func TestAGuestsCommandsAreBoundedASecond(t *testing.T) {
	d, err := selling(t, func(*config.Config) {})
	if err != nil {
		t.Fatal(err)
	}
	give := func(of *tenant, n int) (limited int) {
		p := bunker.Principal{Name: "somebody", Role: bunker.Owner, Door: bunker.DoorRelay}
		for range n {
			if _, err := (doorTable{of}).Execute(t.Context(), p, admin.Order{Name: "picture.settings"}); bunker.AsError(err).Code == bunker.CodeRateLimited {
				limited++
			}
		}
		return limited
	}
	guest := func() *tenant {
		made, err := d.MakeTenant(t.Context(), System(), host.Spec{})
		if err != nil {
			t.Fatal(err)
		}
		return d.tenants.tenant(made.Tenant)
	}
	if n := give(guest(), 2*guestCommandBurst); n == 0 || n > guestCommandBurst {
		t.Errorf("%d of %d commands are too many", n, 2*guestCommandBurst)
	}
	if n := give(guest(), 10); n != 0 {
		t.Errorf("%d of another guest's are too many", n)
	}
	if n := give(d.home, 2*guestCommandBurst); n != 0 {
		t.Errorf("%d of the house's are too many", n)
	}
}
