package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/internal/orders"
	"nsecbunker/internal/store"
	"nsecbunker/internal/wallet"
	"nsecbunker/internal/web"
)

// sale is what a hosted instance with a wallet has to sell bunkers.
type sale struct {
	wallet *wallet.Wallet
	desk   *orders.Desk
}

// sells reports whether bunkers are sold here.
func (d *Daemon) sells() bool { return d.Config.Hosted && d.Config.Wallet.Kind != "" }

// openSale makes what selling needs; it speaks to nobody.
func (d *Daemon) openSale(context.Context) (err error) {
	if !d.sells() {
		return nil
	}
	s := &sale{}
	if s.wallet, err = OpenWallet(d.Config, d.arena, d.store.LedgerTime, d.Log); err != nil {
		return err
	}
	d.sale = s
	terms := d.Config.Sell.Terms()
	s.desk, err = orders.New(orders.Config{
		Ledger: d.store, Plans: d.store, Wallet: s.wallet, Bunkers: bunkers{d}, Owners: owners{d}, Terms: terms, By: System(),
		Alone: !d.Config.Shared, Page: d.buyPage, Now: d.store.LedgerTime, Log: d.Log,
		Suspect: func() bool { return d.store.Clock().Suspect },
	})
	if err != nil {
		return err
	}
	proxies, err := d.Config.ProxyNetworks()
	if err != nil {
		return err
	}
	page, err := web.NewBuy(web.BuyConfig{
		Shop: s.desk, Terms: terms, Hosts: d.Config.AdminHosts, Unattended: d.opensUnattended, ClientIP: clientIP(proxies),
		Now: d.store.LedgerTime, Log: d.Log,
	})
	if err == nil {
		d.edge.mux.Handle(web.BuyPath, page)
	}
	return err
}

// opensUnattended reports whether an owner can let this instance open a bunker without
// anybody: there is a slot for it.
func (d *Daemon) opensUnattended() bool { return d.Config.Hosted }

// buyPage is where bunkers are bought, as buyers reach it; "" where there is no name.
func (d *Daemon) buyPage() string {
	if len(d.Config.AdminHosts) == 0 {
		return ""
	}
	h := d.Config.AdminHosts[0]
	if ip := net.ParseIP(h); ip != nil && ip.To4() == nil {
		h = "[" + h + "]"
	}
	return "https://" + h + web.BuyPath
}

// LookAtPlans does now what plans ask for that are due; it is done every minute by itself.
func (d *Daemon) LookAtPlans(ctx context.Context) {
	if d.sale != nil {
		d.sale.desk.Lives(ctx)
	}
}

// bunkers makes and ends what was bought.
type bunkers struct{ d *Daemon }

// Make implements [orders.Bunkers].
func (b bunkers) Make(ctx context.Context, s orders.Spec) (bunker.TenantID, error) {
	made, err := b.d.MakeTenant(ctx, System(), host.Spec{Order: string(s.Order), Admins: s.Admins, Quota: s.Plan.Quota()})
	return made.Tenant, err
}

// Show implements [orders.Bunkers].
func (b bunkers) Show(ctx context.Context, t bunker.TenantID) (host.Ready, error) {
	r, err := b.d.Ready(ctx, t)
	return host.Ready{Connection: r.ConnectionString, SetupCode: r.SetupCode}, err
}

// notRenewed is why a bunker is read-only that is not paid any more.
const notRenewed = "it was not renewed"

// Stand implements [orders.Bunkers]. What the provider suspended by hand stays so; what he made
// read-only, until it is paid for again.
func (b bunkers) Stand(ctx context.Context, t bunker.TenantID, p host.Plan, s host.Stage, renewed bool) error {
	row, err := b.d.store.HostedTenant(ctx, t)
	if err != nil || row.EndedAt != 0 {
		return err
	}
	if s == host.StageDelete {
		err := b.d.EndTenant(ctx, System(), t, p)
		if bunker.AsError(err).Code == bunker.CodeConflict {
			return nil // it was suspended less than a day ago, or is paid for just now; looked at again
		}
		return err
	}
	if err := b.quota(ctx, t, p); err != nil {
		return err
	}
	works := s == host.StagePaid || s == host.StageGrace
	switch {
	case works && row.Standing == bunker.StandingReadOnly && (renewed || row.Why == notRenewed):
		return b.d.StandTenant(ctx, System(), t, bunker.StandingWorks, "")
	case !works && row.Standing == bunker.StandingWorks:
		return b.d.StandTenant(ctx, System(), t, bunker.StandingReadOnly, notRenewed)
	}
	return nil
}

// quota gives a bunker what its plan allows. What the provider set by hand stands until
// the plan is for another number of people: who pays for more gets it.
func (b bunkers) quota(ctx context.Context, t bunker.TenantID, p host.Plan) error {
	return b.d.store.Change(ctx, t, System(), func(tx *store.Tx) error {
		if now, ok, err := tx.Bought(t); err != nil {
			return err
		} else if ok {
			p = now.Plan // it may be for more since it was read, and the quota set by hand for that
		}
		q := p.Quota()
		if old := tx.Tenant().Quota; old == q || old.BoughtFor == p.People {
			return nil
		}
		if err := tx.PutQuota(q); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "tenant.quota", Reason: fmt.Sprintf("%d people, %d keys, %d requests a second", q.People, q.Keys, q.Rate)})
	})
}

// owners are told by a direct message of the house.
type owners struct{ d *Daemon }

// Tell implements [orders.Owners]: those who may set a bunker up, and once it is, its
// owners as far as they can be read.
func (o owners) Tell(ctx context.Context, t bunker.TenantID, text string) error {
	row, err := o.d.store.HostedTenant(ctx, t)
	if err != nil {
		return err
	}
	to := row.Admins
	if admins, err := o.d.store.Admins(ctx, t); err == nil && len(admins) > 0 { // sealed: those who were named first
		to = nil
		for _, a := range admins {
			if a.Role == bunker.Owner {
				to = append(to, a.PubKey)
			}
		}
	}
	if len(to) == 0 {
		return errors.New("nobody is known who owns it")
	}
	if err := o.d.home.letters.ready(ctx); err != nil {
		return err
	}
	reached := 0
	var failed error
	for _, pub := range to {
		c := &bunker.Channel{Tenant: o.d.home.id, Kind: bunker.ChannelNostr, Settings: bunker.ChannelSettings{Target: pub.String()}}
		if _, err := o.d.home.letters.Send(ctx, c, pub, text, o.d.store.LedgerTime()); err != nil {
			failed = err
			continue
		}
		reached++
	}
	if reached == 0 {
		return failed
	}
	return nil
}
