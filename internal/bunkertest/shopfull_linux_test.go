package bunkertest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"nsecbunker/internal/pgtest"
)

// stuck is a seller whose store takes nothing for a while: an order that was paid then is
// neither lost nor half made, a new one is refused in words, and afterwards there is one bunker
// for each that was paid.
func (s *seller) stuck(t *testing.T, why string, stop, goOn func()) {
	t.Helper()
	first := NewBuyer(s.config.Listen)
	s.order(first, "order", first.Order(3))
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	defer cancel()
	o, err := first.Until(ctx, func(o Bought) bool { return o.Invoice != nil })
	if err != nil {
		t.Fatal(err)
	}
	stop()
	second := NewBuyer(s.config.Listen)
	what := second.Order(2)
	if _, err := second.Try(ctx, "order", what); err == nil || !strings.Contains(err.Error(), `"words"`) || strings.Contains(err.Error(), s.Dir) {
		t.Errorf("an order while nothing can be stored: %v", err)
	}
	s.Until("it is said why nothing can be stored", func() bool {
		e := s.Refused("tenant.add", Params{"label": "no"})
		return strings.Contains(e.Words, why)
	})
	for _, inv := range s.node.Invoices() {
		if inv.Bolt11 == o.Invoice.Bolt11 {
			s.node.Settle(inv.Hash)
		}
	}
	s.Until("there is no bunker", func() bool {
		got, err := s.Try("tenant.list", nil)
		return err == nil && len(got.Each("tenants")) == 0
	})
	if o, err := first.Look(ctx, 0); err != nil || o.State != "invoiced" {
		t.Errorf("its order is %+v, %v", o, err)
	}
	goOn()
	if o, err = first.Until(ctx, func(o Bought) bool { return o.State == "made" }); err != nil {
		t.Fatal(err)
	}
	if err := Insist(ctx, func() error { _, err := second.Try(ctx, "order", what); return err }); err != nil {
		t.Fatal(err)
	}
	s.pay(second)
	tenants := s.Admin("tenant.list", nil).Each("tenants")
	if len(tenants) != 2 || o.Ready == nil || o.Ready.SetupCode == "" {
		t.Errorf("%d bunkers; the first buyer has %+v", len(tenants), o)
	}
	for _, v := range tenants {
		if v.Text("state") != "waiting" || v.Text("connection_string") == "" || v.Text("order") == "" {
			t.Errorf("half a bunker: %v", v)
		}
	}
	if found := s.Admin("instance.check", nil); !found.Is("sound") {
		t.Errorf("%v", found)
	}
}

// TestNoOrderIsLostOnAFullDisk fills a real one. Where this process may not mount one, that
// was not tried.
func TestNoOrderIsLostOnAFullDisk(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("no disk of its own to fill: this process may not mount one")
	}
	disk := mount(t, "size=32m")
	s := newSellerIn(t, filepath.Join(disk, "data"), "")
	ballast := filepath.Join(disk, "ballast")
	s.stuck(t, "is full", func() {
		f, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		for block := make([]byte, 4096); err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}, func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	})
}

// TestNoOrderIsLostInADatabaseThatIsReadOnly for a while, as a server is that is to be handed over.
func TestNoOrderIsLostInADatabaseThatIsReadOnly(t *testing.T) {
	t.Parallel()
	server := pgtest.Shared(t)
	database := server.Database(t)
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	to := func(mode string) func() {
		return func() {
			server.Exec(t, fmt.Sprintf(`ALTER DATABASE %q SET default_transaction_read_only = %s`, name, mode),
				fmt.Sprintf(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND pid <> pg_backend_pid()`, name))
		}
	}
	newSellerIn(t, "", database).stuck(t, "takes no writes now", to("on"), to("off"))
}
