package daemon

import (
	"context"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/host"
	"nsecbunker/internal/wallet/wallettest"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// bought makes a bunker that was paid for, through the desk as a buyer does.
func bought(t *testing.T, d *Daemon, node *wallettest.Node, secret string) bunker.TenantID {
	t.Helper()
	ctx := t.Context()
	w := host.Wanted{Secret: secret, Kind: host.ForBunker, Admins: []string{nip19.EncodeNpub(nostr.PubKey{1})}, People: 2}
	if _, err := d.sale.desk.Buy(ctx, w); err != nil {
		t.Fatal(err)
	}
	v := settle(t, d, node, func(wait time.Duration, seen int64) (host.View, error) {
		return d.sale.desk.Look(ctx, secret, seen, wait)
	})
	return v.Order.Tenant
}

// settle pays the invoice of an order and returns it when it is made.
func settle(t *testing.T, d *Daemon, node *wallettest.Node, look func(wait time.Duration, seen int64) (host.View, error)) host.View {
	t.Helper()
	paid, seen := false, int64(0)
	for {
		v, err := look(10*time.Second, seen)
		if err != nil {
			t.Fatal(err)
		}
		if seen = v.Order.Version; v.Order.State == host.OrderMade {
			return v
		}
		if p := v.Order.Open(); p != nil && !paid {
			paid = true
			node.Settle(p.Hash)
		}
	}
}

func TestAGuestsOwnersRenewItsPlanAndNoOther(t *testing.T) {
	node := wallettest.New(time.Now)
	d, err := sellingBy(t, node, func(*config.Config) {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.sale.desk.Run(ctx) }()
	defer func() { cancel(); <-done }()

	first, other := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	id, id2 := bought(t, d, node, first), bought(t, d, node, other)
	mine, theirs := d.tenants.tenant(id).thePlan().(*plan), d.tenants.tenant(id2).thePlan().(*plan)
	if d.home.thePlan() != nil {
		t.Error("the house itself has a plan")
	}
	before, ok, err := mine.Bought(ctx) // before the first renewal
	if err != nil || !ok || before.People != 2 {
		t.Fatalf("%+v %t %v", before, ok, err)
	}
	const name = "renewal0000000001"
	q, err := mine.Quote(ctx, 2, true)
	if err != nil || q.Sats != 14_000 {
		t.Errorf("a year costs %+v, %v", q, err)
	}
	v, err := mine.Renew(ctx, name, 2, true)
	if err != nil || v.Order.Tenant != id || v.Order.Sats != 14_000 {
		t.Fatalf("%+v %v", v.Order, err)
	}
	again, err := mine.Renew(ctx, name, 2, true)
	if err != nil || again.Order.ID != v.Order.ID {
		t.Errorf("the same name ordered %v twice, %v", again.Order, err)
	}
	if _, err := theirs.Look(ctx, name); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("another bunker's people see it: %v", err)
	}
	// What was bought on the page is no order of the bunker's own.
	if _, err := mine.ours(d.sale.desk.Look(ctx, first, 0, 0)); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("the order of the page is shown: %v", err)
	}
	settle(t, d, node, func(wait time.Duration, seen int64) (host.View, error) {
		return d.sale.desk.Look(ctx, mine.secretOf(name), seen, wait)
	})
	after, _, err := mine.Bought(ctx)
	if err != nil || after.Until-before.Until < host.Year.Milliseconds()-60_000 {
		t.Errorf("it was paid until %d and is until %d, %v", before.Until, after.Until, err)
	}
	if untouched, _, err := theirs.Bought(ctx); err != nil || untouched.Until > time.Now().Add(host.Year+time.Minute).UnixMilli() {
		t.Errorf("the other's plan moved: %+v, %v", untouched, err)
	}
}

func TestNobodyBeginsOrdersWithoutEnd(t *testing.T) {
	p := &plan{}
	now := time.UnixMilli(1_800_000_000_000)
	for range MaxRenewals {
		if !p.paced(now) {
			t.Fatal("one of the first was refused")
		}
	}
	if p.paced(now.Add(RenewalsFor - time.Second)) {
		t.Error("one too many was taken")
	}
	if !p.paced(now.Add(RenewalsFor)) {
		t.Error("none is taken any more")
	}
}

var _ admin.Plan = (*plan)(nil)
