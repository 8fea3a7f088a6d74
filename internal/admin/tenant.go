package admin

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr"
)

// TenantRows are the tenants as they are.
type TenantRows interface {
	// Tenants are in order of id, some after one; those that have ended, too.
	Tenants(ctx context.Context, after bunker.TenantID) ([]host.Tenant, error)
	Tenant(ctx context.Context, id bunker.TenantID) (*host.Tenant, error)
	// Reach says where a tenant's admins find it, and whether it is open; "" for one that
	// is not served.
	Reach(id bunker.TenantID) (connectionString string, open bool)
	// Guests counts those that are served here.
	Guests() GuestCounts
}

// GuestCounts is how many bunkers are hosted.
type GuestCounts struct {
	All     int `json:"all" doc:"served here"`
	Open    int `json:"open" doc:"whose root key is in memory, on one of the instances"`
	Opening int `json:"opening" doc:"that wait to be opened with the house, or are being opened; whoever is asked for is opened at once"`
}

// TenantChanges change them, each in the transaction of the command.
type TenantChanges interface {
	// Make makes a bunker; change runs what it is given in the command's transaction.
	Make(ctx context.Context, s host.Spec, change func(func(Tx) error) error) (host.Bunker, error)
	// Stand says how a tenant stands from now on, and why, for its people.
	Stand(tx Tx, id bunker.TenantID, s bunker.TenantStanding, why string) (*host.Tenant, error)
	// SetQuota says what a tenant may use from now on, whatever was bought.
	SetQuota(tx Tx, id bunker.TenantID, q bunker.Quota) (*host.Tenant, error)
	// QuotaAsBought gives a tenant what was bought for it, which renewals change again.
	QuotaAsBought(tx Tx, id bunker.TenantID) (*host.Tenant, error)
	// NewCode makes a tenant's setup code anew; the old one is good for nothing.
	NewCode(tx Tx, id bunker.TenantID) (code string, err error)
	// End erases a tenant. Ended, after the commit, takes it out of memory, on every
	// instance; those are named that have not confirmed it.
	End(tx Tx, id bunker.TenantID) error
	Ended(id bunker.TenantID) (behind []string)
}

func tenantCommands(t *Table) {
	row := func(name, summary string) Command {
		return Command{Name: name, Summary: summary, Role: bunker.Owner, Doors: local(), House: true}
	}
	writing := func(c Command, dangerous bool) Command {
		c.Writes, c.Dangerous = true, dangerous
		return c
	}
	add(t, writing(row("tenant.add", "Makes a bunker for somebody else: its connection string, and the setup code that is shown once."), false), t.tenantAdd)
	add(t, row("tenant.list", "Lists the bunkers that are hosted here, and those that have ended."), t.tenantList)
	add(t, row("tenant.show", "Shows one bunker that is hosted here: nothing of its keys, apps or people."), t.tenantShow)
	add(t, writing(row("tenant.suspend", "Suspends a bunker, or makes it read-only: nothing is signed, its people can look, export and revoke, and all are told so."), false), t.tenantSuspend)
	add(t, writing(row("tenant.resume", "Lets a bunker work again."), false), t.tenantResume)
	add(t, writing(row("tenant.quota", "Says what a bunker may use: people, keys, requests a second. Of one that was bought it stands, also when it is renewed, until it is bought for another number of people or as_bought undoes it."), false), t.tenantQuota)
	add(t, writing(row("tenant.code", "Makes the setup code of a bunker anew that nobody has set up yet. It is shown once; the old one is good for nothing."), false), t.tenantCode)
	add(t, writing(row("tenant.end", "Ends a bunker and erases it: keys, log and all. It must have been suspended or read-only for 24 hours, or never set up."), true), t.tenantEnd)
}

type tenantView struct {
	ID               string `json:"id"`
	Label            string `json:"label"`
	State            string `json:"state" doc:"waiting (made, not set up), active, read-only, suspended or ended"`
	Order            string `json:"order,omitempty" doc:"what it was made for"`
	Why              string `json:"why,omitempty" doc:"of the state, as its people are told"`
	CreatedAt        Time   `json:"created_at"`
	HeldAt           Time   `json:"held_at,omitzero" doc:"since when it does not work"`
	EndedAt          Time   `json:"ended_at,omitzero"`
	ConnectionString string `json:"connection_string,omitempty"`
	Open             bool   `json:"open" doc:"its root key is in memory, on one of the instances"`
	boundsView
}

type boundsView struct {
	Unlimited bool  `json:"unlimited,omitempty" doc:"none of the bounds counts"`
	People    int64 `json:"people" doc:"how many may sign"`
	Keys      int64 `json:"keys" doc:"how many keys there may be"`
	Rate      int64 `json:"rate" doc:"requests a second, in the long run"`
	ByHand    bool  `json:"by_hand,omitempty" doc:"the provider set it himself; it was bought with something else, or the same"`
}

func (t *Table) viewTenant(h *host.Tenant) tenantView {
	v := tenantView{
		ID: string(h.ID), Label: h.Label, State: string(h.State()), Order: h.Order, Why: h.Why,
		CreatedAt: Time(h.CreatedAt), HeldAt: Time(h.HeldAt), EndedAt: Time(h.EndedAt),
	}
	q := h.Quota
	v.boundsView = boundsView{Unlimited: q.Unlimited, People: q.People, Keys: q.Keys, Rate: q.Rate, ByHand: q.BoughtFor != 0}
	v.ConnectionString, v.Open = t.House.Reach(h.ID)
	return v
}

type tenantAddParams struct {
	Label  string   `json:"label,omitempty" doc:"your word for it"`
	Admins []string `json:"admins,omitempty" doc:"npubs of those who may set it up; none: whoever has the setup code"`
	Order  string   `json:"order,omitempty" doc:"what it is made for: for one order there is one bunker, however often this is called"`
	People int64    `json:"people,omitempty" doc:"how many may sign; of people, keys and rate none: no bound at all"`
	Keys   int64    `json:"keys,omitempty" doc:"how many keys there may be (10)"`
	Rate   int64    `json:"rate,omitempty" doc:"requests a second, in the long run (50)"`
}

const (
	// DefaultQuotaKeys and DefaultQuotaRate are what a bunker has of keys and requests a
	// second whose provider bounds its people alone.
	DefaultQuotaKeys = 10
	DefaultQuotaRate = 50
)

// quotaOf is what was said of a quota, in the fields that it was said in.
func quotaOf(people, keys, rate int64) (q bunker.Quota, err error) {
	for name, n := range map[string]int64{"people": people, "keys": keys, "rate": rate} {
		if n < 0 || n > MaxQuota {
			return q, bunker.Errorf(bunker.CodeInvalid, "%s is between 0 and %d", name, MaxQuota).In(name)
		}
	}
	if people == 0 && keys == 0 && rate == 0 {
		return bunker.Quota{Unlimited: true}, nil
	}
	if people == 0 {
		return q, bunker.Errorf(bunker.CodeInvalid, "say for how many people it is, too").In("people")
	}
	if keys == 0 {
		keys = DefaultQuotaKeys
	}
	if rate == 0 {
		rate = DefaultQuotaRate
	}
	return bunker.Quota{People: people, Keys: keys, Rate: rate}, nil
}

// MaxQuota is the most that a quota can be of anything.
const MaxQuota = 1_000_000

type tenantAddResult struct {
	Tenant    tenantView `json:"tenant"`
	SetupCode string     `json:"setup_code,omitempty" doc:"with it the first owner sets the bunker up; not shown again"`
	Again     bool       `json:"again,omitempty" doc:"it was made before, for the same order"`
}

func (t *Table) tenantAdd(ctx context.Context, c *Call, p tenantAddParams) (tenantAddResult, error) {
	var res tenantAddResult
	label, err := text("label", p.Label, false)
	if err != nil {
		return res, err
	}
	spec := host.Spec{Label: label, Order: p.Order}
	if spec.Admins, err = npubs("admins", p.Admins); err != nil {
		return res, err
	}
	if spec.Quota, err = quotaOf(p.People, p.Keys, p.Rate); err != nil {
		return res, err
	}
	rec := &bunker.AuditRecord{Reason: label}
	made, err := t.House.Make(ctx, spec, func(f func(Tx) error) error {
		return c.Commit(ctx, rec, f)
	})
	if err != nil {
		return res, err
	}
	if made.Again { // nothing was changed, and there is nothing to record but that it was asked for
		if err := c.Commit(ctx, &bunker.AuditRecord{Object: string(made.Tenant), Reason: "it was made before, for the same order"}, func(Tx) error { return nil }); err != nil {
			return res, err
		}
	}
	h, err := t.House.Tenant(ctx, made.Tenant)
	if err != nil {
		return res, err
	}
	res.Tenant, res.SetupCode, res.Again = t.viewTenant(h), made.SetupCode, made.Again
	return res, nil
}

func npubs(field string, list []string) (out []nostr.PubKey, err error) {
	for _, s := range list {
		pub, err := npub(field, s)
		if err != nil {
			return nil, err
		}
		out = append(out, pub)
	}
	return out, nil
}

type tenantListParams struct {
	After string `json:"after,omitempty" doc:"id of the last one that was shown"`
}

type tenantListResult struct {
	Tenants []tenantView `json:"tenants"`
	Next    string       `json:"next,omitempty"`
}

func (t *Table) tenantList(ctx context.Context, _ *Call, p tenantListParams) (tenantListResult, error) {
	res := tenantListResult{Tenants: []tenantView{}}
	list, err := t.House.Tenants(ctx, bunker.TenantID(p.After))
	for i := range list {
		res.Tenants = append(res.Tenants, t.viewTenant(&list[i]))
	}
	if len(list) >= MaxPage {
		res.Next = string(list[len(list)-1].ID)
	}
	return res, err
}

type tenantParams struct {
	ID string `json:"id"`
}

type tenantResult struct {
	Tenant tenantView `json:"tenant"`
}

func (t *Table) tenantShow(ctx context.Context, _ *Call, p tenantParams) (tenantResult, error) {
	h, err := t.House.Tenant(ctx, bunker.TenantID(p.ID))
	if err != nil {
		return tenantResult{}, err
	}
	return tenantResult{t.viewTenant(h)}, nil
}

type tenantSuspendParams struct {
	ID       string `json:"id"`
	Why      string `json:"why" doc:"its people are told"`
	ReadOnly bool   `json:"read_only,omitempty" doc:"until it is renewed; else it counts as suspended by you"`
}

func (t *Table) tenantSuspend(ctx context.Context, c *Call, p tenantSuspendParams) (tenantResult, error) {
	why, err := text("why", p.Why, true)
	if err != nil {
		return tenantResult{}, err
	}
	s := bunker.StandingSuspended
	if p.ReadOnly {
		s = bunker.StandingReadOnly
	}
	return t.stand(ctx, c, p.ID, s, why)
}

func (t *Table) tenantResume(ctx context.Context, c *Call, p tenantParams) (tenantResult, error) {
	return t.stand(ctx, c, p.ID, bunker.StandingWorks, "")
}

func (t *Table) stand(ctx context.Context, c *Call, id string, s bunker.TenantStanding, why string) (res tenantResult, err error) {
	var h *host.Tenant
	rec := &bunker.AuditRecord{Object: clip(id), Reason: string(s) + " " + why}
	err = c.Commit(ctx, rec, func(tx Tx) (err error) {
		h, err = t.House.Stand(tx, bunker.TenantID(id), s, why)
		return err
	})
	if err != nil {
		return res, err
	}
	return tenantResult{t.viewTenant(h)}, nil
}

type tenantQuotaParams struct {
	ID       string `json:"id"`
	People   int64  `json:"people,omitempty" doc:"how many may sign; of people, keys and rate none: no bound at all"`
	Keys     int64  `json:"keys,omitempty" doc:"how many keys there may be (10)"`
	Rate     int64  `json:"rate,omitempty" doc:"requests a second, in the long run (50)"`
	AsBought bool   `json:"as_bought,omitempty" doc:"what its people bought, and nothing that was set by hand"`
}

func (t *Table) tenantQuota(ctx context.Context, c *Call, p tenantQuotaParams) (res tenantResult, err error) {
	q, err := quotaOf(p.People, p.Keys, p.Rate)
	if err != nil {
		return res, err
	}
	if p.AsBought && !q.Unlimited {
		return res, bunker.Errorf(bunker.CodeInvalid, "what was bought says how many people, keys and requests there are; leave them out").In("as_bought")
	}
	var h *host.Tenant
	err = c.Commit(ctx, &bunker.AuditRecord{Object: clip(p.ID)}, func(tx Tx) (err error) {
		if p.AsBought {
			h, err = t.House.QuotaAsBought(tx, bunker.TenantID(p.ID))
			return err
		}
		h, err = t.House.SetQuota(tx, bunker.TenantID(p.ID), q)
		return err
	})
	if err != nil {
		return res, err
	}
	return tenantResult{t.viewTenant(h)}, nil
}

type tenantCodeResult struct {
	SetupCode        string `json:"setup_code"`
	ConnectionString string `json:"connection_string"`
}

func (t *Table) tenantCode(ctx context.Context, c *Call, p tenantParams) (res tenantCodeResult, err error) {
	err = c.Commit(ctx, &bunker.AuditRecord{Object: clip(p.ID)}, func(tx Tx) (err error) {
		res.SetupCode, err = t.House.NewCode(tx, bunker.TenantID(p.ID))
		return err
	})
	if err != nil {
		return tenantCodeResult{}, err
	}
	res.ConnectionString, _ = t.House.Reach(bunker.TenantID(p.ID))
	return res, nil
}

type tenantEndResult struct {
	Stays    string   `json:"stays" doc:"what is kept of it"`
	Warnings []string `json:"warnings,omitempty"`
}

// staysWords name what is left of a bunker that has ended.
const staysWords = "its id, the order that it was made for, its admin key's pubkey, and when it was made and ended; your own log; and older backups, until you delete them"

func (t *Table) tenantEnd(ctx context.Context, c *Call, p tenantParams) (tenantEndResult, error) {
	id := bunker.TenantID(p.ID)
	err := c.Commit(ctx, &bunker.AuditRecord{Object: clip(p.ID), Reason: "erased with everything"}, func(tx Tx) error {
		return t.House.End(tx, id)
	})
	if err != nil {
		return tenantEndResult{}, err
	}
	return tenantEndResult{Stays: staysWords, Warnings: behindWords(t.House.Ended(id))}, nil
}
