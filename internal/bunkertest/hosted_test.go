package bunkertest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/host"
	"nsecbunker/internal/pgtest"
	"nsecbunker/nostr/nip46"
)

// onEngines runs a test with a hosted instance on each engine.
func onEngines(t *testing.T, test func(t *testing.T, b *Bunker)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, Start(t, Options{Config: Hosted}))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		database := pgtest.Shared(t).Database(t)
		test(t, Start(t, Options{Config: func(c *config.Config) { c.Hosted, c.Database = true, database }}))
	})
}

// TestAHostedBunkerIsSetUpByItsOwnerAndSigns: made by the provider, set up from afar with
// the code, used by an app; the house and the guest are two bunkers.
func TestAHostedBunkerIsSetUpByItsOwnerAndSigns(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{Config: Hosted})
	g := b.Host("first")
	if g.Where == b.ConnectionString() {
		t.Fatal("the guest is found where the house is")
	}
	g.Do("key.add", Params{"name": "herald"})
	app := b.Connected(g.Link("herald", "sign_event:1"))
	ev := app.Sign(1, "hello")
	if ev.PubKey.String() != g.Do("key.show", Params{"key": "herald"}).Text("key.pubkey") {
		t.Error("signed by another key")
	}
	if keys := b.Admin("key.list", nil).Each("keys"); len(keys) != 0 {
		t.Errorf("the house has the guest's keys: %v", keys)
	}
	b.Stop()
	b.Run()
	b.Unseal()
	g.Again()
	g.Do("unseal", Params{"passphrase": Passphrase})
	app.Sign(1, "again")
}

// TestWhatAProviderHoldsSignsNothingAndSaysSo: apps and admins are told, admins still
// look, export and revoke; what is released works again, the same link with it.
func TestWhatAProviderHoldsSignsNothingAndSaysSo(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{Config: Hosted})
	g := b.Host("held")
	g.Do("key.add", Params{"name": "herald"})
	app := b.Connected(g.Link("herald", "sign_event:1"))
	later := g.Link("herald", "sign_event:1")
	for readOnly, words := range map[bool]string{false: "suspended by its provider", true: "read-only until it is renewed"} {
		b.Admin("tenant.suspend", Params{"id": g.ID, "why": "a test", "read_only": readOnly})
		app.AskSign(1, "no").Fails("restricted: ", words, "ask its owner")
		b.App(later).Connect().Fails("lets nobody new in")
		for command, p := range map[string]Params{"key.add": {"name": "x"}, "token.create": {"key": "herald", "client": "x", "perms": "all"}} {
			if e := g.Refused(command, p); e.Code != bunker.CodeRestricted || !strings.Contains(e.Words, "looking, exporting and revoking still work") {
				t.Errorf("%s while held: %v", command, e)
			}
		}
		if got := g.Do("key.export", Params{"key": "herald", "password": "another good password"}).Text("ncryptsec"); !strings.HasPrefix(got, "ncryptsec1") {
			t.Errorf("the export is %q", got)
		}
		g.Do("key.list", nil)
		st := b.Admin("tenant.show", Params{"id": g.ID})
		if want := map[bool]string{false: "suspended", true: "read-only"}[readOnly]; st.Text("tenant.state") != want || st.Text("tenant.why") != "a test" {
			t.Errorf("the provider sees %v", st)
		}
		b.Admin("tenant.resume", Params{"id": g.ID})
		app.Sign(1, "yes")
	}
	g.Do("connection.revoke", Params{"id": g.Do("connection.list", Params{"state": "active"}).Text("connections.0.id")})
	b.Connected(later).Sign(1, "the link was not used up")
	records := g.Do("audit.list", Params{"action": "tenant.standing"}).Each("records")
	if len(records) != 4 {
		t.Errorf("its log has %d records of how it stood, want 4", len(records))
	}
}

// TestAnEndedBunkerIsGoneWithEverything: only after its people had their time; then no
// row names it but the provider's, and the order makes no second one.
func TestAnEndedBunkerIsGoneWithEverything(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, b *Bunker) {
		g := b.Host("ends")
		stays := b.Host("stays")
		stays.Do("key.add", Params{"name": "herald"})
		other := b.Connected(stays.Link("herald", "sign_event:1"))
		g.Do("key.add", Params{"name": "herald"})
		g.Do("policy.create", Params{"name": "p", "rules": []Params{kind("r", "allow", 1, nil)}})
		app := b.Connected(g.Link("herald", "sign_event:1"))
		app.Sign(1, "x")
		if e := b.Refused("tenant.end", Params{"id": g.ID}); !strings.Contains(e.Words, "suspend it first") {
			t.Errorf("while it works: %v", e)
		}
		b.Admin("tenant.suspend", Params{"id": g.ID, "why": "unpaid"})
		if e := b.Refused("tenant.end", Params{"id": g.ID}); !strings.Contains(e.Words, "24 hours") {
			t.Errorf("at once: %v", e)
		}
		b.Clock.Pass(host.EndNotice)
		if b.Admin("tenant.end", Params{"id": g.ID}).Text("stays") == "" {
			t.Error("what stays is not named")
		}
		left, err := b.RowsOf(t.Context(), bunker.TenantID(g.ID))
		if err != nil || len(left) != 1 || left["tenant"] != 1 {
			t.Errorf("left are %v, %v", left, err)
		}
		v := b.Admin("tenant.show", Params{"id": g.ID})
		if v.Text("tenant.state") != "ended" || v.Text("tenant.label") != "" || v.Text("tenant.connection_string") != "" {
			t.Errorf("it is shown as %v", v)
		}
		g.Owner.Patience = time.Second
		if _, err := g.Owner.TryDial(g.Where, false); err == nil {
			t.Error("its owner gets an answer")
		}
		other.Sign(1, "the other one works")
		b.Restart()
		if len(b.Admin("tenant.list", nil).Each("tenants")) != 2 {
			t.Error("the list forgot one")
		}
	})
}

// TestOneOrderMakesOneBunker, asked for at once from many sides, again after a restart,
// and after it has ended.
func TestOneOrderMakesOneBunker(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, b *Bunker) {
		by := bunker.Principal{Name: "system", Role: bunker.Owner, Door: bunker.DoorSystem}
		made := make(chan host.Bunker, 16)
		var wg sync.WaitGroup
		for range cap(made) {
			wg.Go(func() {
				m, err := b.MakeTenant(t.Context(), by, host.Spec{Order: "o-1"})
				if err != nil {
					t.Error(err)
				}
				made <- m
			})
		}
		wg.Wait()
		close(made)
		first := <-made
		fresh := num(!first.Again)
		for m := range made {
			fresh += num(!m.Again)
			if m.Tenant != first.Tenant || m.SetupCode != first.SetupCode || m.ConnectionString != first.ConnectionString {
				t.Errorf("got %s and %s", m.Tenant, first.Tenant)
			}
		}
		if fresh != 1 {
			t.Errorf("%d times it was new", fresh)
		}
		b.Restart()
		m, err := b.MakeTenant(t.Context(), by, host.Spec{Order: "o-1"})
		if err != nil || m.Tenant != first.Tenant || m.SetupCode != first.SetupCode || !m.Again {
			t.Errorf("after a restart: %+v, %v", m.Tenant, err)
		}
		b.Admin("tenant.end", Params{"id": string(m.Tenant)}) // nobody set it up
		if m, err := b.MakeTenant(t.Context(), by, host.Spec{Order: "o-1"}); err == nil {
			t.Errorf("after its end it was made anew: %s", m.Tenant)
		}
	})
}

func num(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestATouchedRowSealsItsTenantAlone, and what one tenant stops or seals touches no other.
func TestATouchedRowSealsItsTenantAlone(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{Config: Hosted})
	a, c := b.Host("a"), b.Host("c")
	apps := map[*Guest]*App{}
	for _, g := range []*Guest{a, c} {
		g.Do("key.add", Params{"name": "herald"})
		apps[g] = b.Connected(g.Link("herald", "sign_event:1"))
		apps[g].Sign(1, "before")
	}
	a.Do("stop", nil)
	apps[a].AskSign(1, "no").Fails("stopped")
	apps[c].Sign(1, "another one's stop")
	a.Do("stop.end", nil)
	beside(t, b, `UPDATE connection SET version = version + 7 WHERE tenant = $1`, a.ID)
	q := apps[a].Prepare(nip46.SignEvent, apps[a].Note(1, "no"))
	_ = apps[a].Publish(q.Event) // it is told to send it again, or that the bunker is sealed
	b.Until("the tenant is sealed", func() bool { return !b.Admin("tenant.show", Params{"id": a.ID}).Is("tenant.open") })
	if !b.Admin("tenant.show", Params{"id": c.ID}).Is("tenant.open") || b.State() != daemon.Unsealed {
		t.Error("another bunker was sealed with it")
	}
	apps[c].Sign(1, "after")
}

// TestAGuestGetsNowhereIntoTheMachinesNetwork: no relay, webhook or fetch of his leads
// there, whatever the provider lets himself dial.
func TestAGuestGetsNowhereIntoTheMachinesNetwork(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{Config: func(c *config.Config) { c.Hosted, c.Allow = true, []string{"127.0.0.0/8"} }})
	g := b.Host("g")
	if e := g.Refused("relay.add", Params{"url": "ws://127.0.0.1:7777"}); e.Code != bunker.CodeRestricted {
		t.Errorf("a relay: %v", e)
	}
	// Which address a name has in there is no business of his either.
	if e := g.Refused("relay.add", Params{"url": "ws://localhost:7777"}); e.Code != bunker.CodeRestricted || strings.Contains(e.Error(), "127.0.0.1") || strings.Contains(e.Error(), "::1") || e.Hint != "" {
		t.Errorf("a name in the machine's network: %v, %s", e, e.Hint)
	}
	g.Do("notify.add", Params{"name": "w", "kind": "webhook", "target": "http://127.0.0.1:9/x", "classes": []string{"alarms"}})
	if e := g.Refused("notify.test", Params{"name": "w"}); !strings.Contains(e.Words, "not public") {
		t.Errorf("a webhook: %v", e)
	}
	for command, p := range map[string]Params{
		"slot.add": {"kind": "file", "name": "f", "path": "/etc/passwd"}, "instance.check": nil, "tenant.list": nil,
	} {
		g.Refused(command, p)
	}
	if st := g.Do("status", nil); st.Number("memory.size") != 0 {
		t.Errorf("it is told how much memory all bunkers use: %v", st.At("memory"))
	}
}

// TestAGuestOpensWithTheHouseOnlyWhereItsOwnerAgreed, and only until he takes it back.
func TestAGuestOpensWithTheHouseOnlyWhereItsOwnerAgreed(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, b *Bunker) {
		b.opts.Sealed = true
		agreed, not := b.Host("agreed"), b.Host("not")
		open := func(g *Guest) bool { return b.Admin("tenant.show", Params{"id": g.ID}).Is("tenant.open") }
		if e := b.Refused("slot.add", Params{"kind": "provider", "name": "p"}); e.Field != "kind" {
			t.Errorf("in the house: %v", e)
		}
		made := agreed.Do("slot.add", Params{"kind": "provider", "name": "p"})
		if !strings.Contains(made.Text("warnings.0"), "at rest") || !made.Is("slot.unattended") {
			t.Errorf("it is not said openly: %v", made)
		}
		agreed.Do("key.add", Params{"name": "herald"})
		app := b.Connected(agreed.Link("herald", "sign_event:1"))
		b.Restart()
		app.AskSign(1, "sealed").Fails("sealed")
		b.Unseal()
		b.Until("the guest opens", func() bool { return open(agreed) })
		b.Until("its app is served", func() bool { return !app.AskSign(1, "open").Answer().Failed() })
		if open(not) {
			t.Error("a guest whose owner did not agree was opened")
		}
		agreed.Again()
		agreed.Do("slot.remove", Params{"slot": "p"})
		b.Restart()
		b.Unseal()
		app.AskSign(1, "sealed again").Fails("sealed")
	})
}

// TestAGuestIsOpenedBeforeItsRequestIsJudged: from when the house opens its guests, no app is
// refused because its guest's turn has not come.
func TestAGuestIsOpenedBeforeItsRequestIsJudged(t *testing.T) {
	t.Parallel()
	const guests = 12
	b := Start(t, Options{Config: Hosted})
	b.opts.Sealed = true
	var list []*Guest
	var apps []*App
	for i := range guests {
		g := b.Host(fmt.Sprintf("guest %d", i))
		g.Do("slot.add", Params{"kind": "provider", "name": "p"})
		g.Do("key.add", Params{"name": "herald"})
		list, apps = append(list, g), append(apps, b.Connected(g.Link("herald", "sign_event:1")))
	}
	b.Restart()
	b.Unseal()
	b.Until("one guest opens", func() bool {
		for _, g := range list {
			if b.Admin("tenant.show", Params{"id": g.ID}).Is("tenant.open") {
				return true
			}
		}
		return false
	})
	for i := range apps {
		app := apps[len(apps)-1-i] // the last ones first: in turn they would be opened last
		if r := app.AskSign(1, "open").Answer(); r.Failed() {
			t.Errorf("app %d: %v", i, r)
		}
	}
}
