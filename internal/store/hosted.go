package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// The tenants of a hosted instance, as its provider has them. A change of them is one
// of the house: its transaction also holds the other tenant's lock, and writes what its
// people should know into its log.

const hostedColumns = `x.tenant, x.label, x.order_id, x.admins, x.admin_key, x.service_key, x.setup_code, x.why, x.created_at, x.held_at, x.ended_at, x.version, x.mac,
coalesce(h.set_up, 0), coalesce(h.standing, ''), coalesce(h.quota, '')`

const hostedFrom = ` FROM tenant x LEFT JOIN tenant_head h ON h.tenant = x.tenant `

// hostedLabel separates a tenant's MAC from others under the house's service key.
const hostedLabel = "tenant"

func (s *Store) fillHosted(row scanner, t *host.Tenant) error {
	var admins string
	var mac []byte
	err := row.Scan((*string)(&t.ID), &t.Label, &t.Order, &admins, b32{(*[32]byte)(&t.AdminKey)}, &t.Service, &t.Setup, &t.Why, &t.CreatedAt, &t.HeldAt, &t.EndedAt,
		&t.Version, &mac, yesno{&t.SetUp}, (*string)(&t.Standing), quotaText{&t.Quota, &t.ID})
	if err != nil {
		return err
	}
	if admins != "" {
		if err := json.Unmarshal([]byte(admins), &t.Admins); err != nil {
			return fmt.Errorf("tenant %s: %w", t.ID, bunker.ErrTampered)
		}
	}
	if s.flags == nil {
		return nil
	}
	if err := s.flags.VerifyService(bunker.SelfHosted, hostedLabel, t.Canonical(), mac); err != nil {
		return fmt.Errorf("tenant %s: %w", t.ID, err)
	}
	return nil
}

// HostedPage is how many tenants are listed at once.
const HostedPage = MaxPage

// HostedTenants returns tenants in order of id, at most HostedPage after one. A row
// that was changed from outside ends the list with bunker.ErrTampered.
func (s *Store) HostedTenants(ctx context.Context, after bunker.TenantID) ([]host.Tenant, error) {
	out, err := scanAll(ctx, s.read, s.fillHosted, `SELECT `+hostedColumns+hostedFrom+`WHERE x.tenant > $1 ORDER BY x.tenant LIMIT $2`, string(after), HostedPage)
	return out, s.explain("listing the tenants", err)
}

// EachHosted calls f with every tenant that has not ended, in order of id; with an
// error for one that was changed from outside, of which only the id counts.
func (s *Store) EachHosted(ctx context.Context, f func(t *host.Tenant, bad error) error) error {
	_, err := scanAll(ctx, s.read, func(row scanner, t *host.Tenant) error {
		bad := s.fillHosted(row, t)
		if bad != nil && t.ID == "" {
			return bad
		}
		return f(t, bad)
	}, `SELECT `+hostedColumns+hostedFrom+`WHERE x.ended_at = 0 ORDER BY x.tenant`)
	return s.explain("reading the tenants", err)
}

// ProviderSlots are the ways by which the house opens its guests, in order of tenant.
func (s *Store) ProviderSlots(ctx context.Context) ([]bunker.Slot, error) {
	out, err := scanAll(ctx, s.read, fillSlot, `SELECT `+slotColumns+` FROM slot WHERE kind = 'provider' ORDER BY tenant, id`)
	return out, s.explain("reading the provider's slots", err)
}

// TenantIDs are those of every tenant that is here, the house's with them.
func (s *Store) TenantIDs(ctx context.Context) ([]bunker.TenantID, error) {
	list, err := texts(ctx, s.read, `SELECT tenant FROM tenant_head ORDER BY tenant`)
	return tenantIDs(list), s.explain("reading the tenants", err)
}

const (
	hostedByID    = `SELECT ` + hostedColumns + hostedFrom + `WHERE x.tenant = $1`
	hostedByOrder = `SELECT ` + hostedColumns + hostedFrom + `WHERE x.order_id = $1 AND x.order_id <> ''`
)

// HostedTenant returns a tenant; those that have ended, too.
func (s *Store) HostedTenant(ctx context.Context, id bunker.TenantID) (*host.Tenant, error) {
	var t host.Tenant
	err := s.fillHosted(s.read.QueryRowContext(ctx, hostedByID, string(id)), &t)
	return &t, s.explain("reading a tenant", orNotFound(err, "bunker", string(id)))
}

// HostedTenant returns a tenant.
func (tx *Tx) HostedTenant(id bunker.TenantID) (*host.Tenant, error) {
	var t host.Tenant
	err := tx.s.fillHosted(tx.q.QueryRowContext(tx.ctx, hostedByID, string(id)), &t)
	return &t, orNotFound(err, "bunker", string(id))
}

// HostedOfOrder returns the tenant that was made for an order; nil: none was.
func (tx *Tx) HostedOfOrder(order string) (*host.Tenant, error) {
	var t host.Tenant
	err := tx.s.fillHosted(tx.q.QueryRowContext(tx.ctx, hostedByOrder, order), &t)
	if isNone(err) {
		return nil, nil
	}
	return &t, err
}

// AddTenant makes a tenant: its head, its admin key and the provider's row, with the
// first record of its log, in the change of the house.
func (tx *Tx) AddTenant(t *host.Tenant, admin *bunker.ServiceKey, q bunker.Quota) error {
	if err := tx.ofHouse(); err != nil {
		return err
	}
	err := tx.exec(tenantInsert, string(t.ID), int64(bunker.Ask), newIncarnation(), make([]byte, 32))
	if err != nil {
		return err
	}
	t.Version = 0
	if err := tx.PutHosted(t); err != nil {
		return err
	}
	return tx.asTenant(t.ID, func(of *Tx) error {
		if err := errors.Join(of.AddServiceKey(admin), of.PutQuota(q)); err != nil {
			return err
		}
		return of.Audit(bunker.AuditRecord{Action: "instance.create", Object: admin.PubKey.String()})
	})
}

// PutHosted stores the provider's row of a tenant.
func (tx *Tx) PutHosted(t *host.Tenant) error {
	if err := tx.ofHouse(); err != nil {
		return err
	}
	t.Version++
	admins, err := json.Marshal(t.Admins)
	if err != nil {
		return err
	}
	mac := []byte{}
	if tx.s.flags != nil {
		m, err := tx.s.flags.TagService(bunker.SelfHosted, hostedLabel, t.Canonical())
		if err != nil {
			return err
		}
		mac = m[:]
	}
	// The number of the first record that this change writes into the house's log, whose
	// lock it holds: numbers are in the order of the commits.
	moved := tx.head.ChainSeq + 1
	n, err := tx.execN(`INSERT INTO tenant (tenant, label, order_id, admins, admin_key, service_key, setup_code, why, created_at, held_at, ended_at, version, mac, moved)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (tenant) DO UPDATE SET label = excluded.label, admins = excluded.admins, service_key = excluded.service_key,
setup_code = excluded.setup_code, why = excluded.why, held_at = excluded.held_at, ended_at = excluded.ended_at, version = excluded.version, mac = excluded.mac, moved = excluded.moved
WHERE tenant.version = excluded.version - 1`,
		string(t.ID), t.Label, t.Order, string(admins), t.AdminKey[:], t.Service, t.Setup, t.Why, t.CreatedAt, t.HeldAt, t.EndedAt, t.Version, mac, moved)
	switch {
	case troubleOf(err) == duplicate:
		return conflict("a bunker was made for this order already").WithCause(err)
	case err == nil && n == 0:
		return conflict("the bunker %s has changed since it was read; look again", t.ID)
	}
	return err
}

// SetStanding says how a tenant stands from now on. What was decided before and is not
// committed is decided anew. reason is for the tenant's log.
func (tx *Tx) SetStanding(id bunker.TenantID, s bunker.TenantStanding, reason string) error {
	if err := tx.ofHouse(); err != nil {
		return err
	}
	if !s.Known() {
		return fmt.Errorf("there is no standing %q", s)
	}
	return tx.asTenant(id, func(of *Tx) error {
		if err := of.exec(`UPDATE tenant_head SET standing = $1 WHERE tenant = $2`, string(s), string(id)); err != nil {
			return err
		}
		of.head.Standing = s
		state := string(s)
		if s == bunker.StandingWorks {
			state = "works"
		}
		return of.Audit(bunker.AuditRecord{Action: "tenant.standing", Object: state, Reason: reason})
	})
}

// SetQuota says what a tenant may use from now on.
func (tx *Tx) SetQuota(id bunker.TenantID, q bunker.Quota) error {
	if err := tx.ofHouse(); err != nil {
		return err
	}
	return tx.asTenant(id, func(of *Tx) error { return of.putQuota(q) })
}

// putQuota is PutQuota with its record.
func (tx *Tx) putQuota(q bunker.Quota) error {
	words := "no bound"
	if !q.Unlimited {
		words = fmt.Sprintf("%d people, %d keys, %d requests a second", q.People, q.Keys, q.Rate)
	}
	return errors.Join(tx.PutQuota(q), tx.Audit(bunker.AuditRecord{Action: "tenant.quota", Object: string(tx.head.Tenant), Reason: words}))
}

// EraseTenant removes every row of a tenant but the provider's, in which nothing of its
// keys and people is left: what stays is that it was there, for which order, and until
// when.
func (tx *Tx) EraseTenant(t *host.Tenant) error {
	if err := tx.ofHouse(); err != nil {
		return err
	}
	tables, err := tx.s.engine.tables(tx.ctx, tx.q)
	if err != nil {
		return err
	}
	if _, err := tx.q.ExecContext(tx.ctx, tx.s.sql.deferReferences); err != nil {
		return err
	}
	// The head first: whoever would commit something of it meanwhile finds none.
	if err := tx.exec(`DELETE FROM tenant_head WHERE tenant = $1`, string(t.ID)); err != nil {
		return err
	}
	for _, name := range tables {
		columns, err := tx.s.engine.columns(tx.ctx, tx.q, name)
		if err != nil {
			return err
		}
		if name == "tenant" || !slices.Contains(columns, "tenant") {
			continue
		}
		if err := tx.exec(`DELETE FROM `+name+` WHERE tenant = $1`, string(t.ID)); err != nil {
			return fmt.Errorf("erasing %s: %w", name, err)
		}
	}
	t.Label, t.Admins, t.Service, t.Setup, t.EndedAt = "", nil, nil, nil, tx.now
	return tx.PutHosted(t)
}

// ForgetSetupCode erases the setup code of the tenant whose change this is: it is set
// up.
func (tx *Tx) ForgetSetupCode() error {
	return tx.exec(`UPDATE tenant SET setup_code = NULL WHERE tenant = $1`, string(tx.head.Tenant))
}

// ofHouse refuses what is the house's alone in a change of another tenant.
func (tx *Tx) ofHouse() error {
	if tx.head.Tenant != bunker.SelfHosted {
		return fmt.Errorf("a change of tenants is the house's, and this one is of %q", tx.head.Tenant)
	}
	return nil
}

// asTenant runs f as a change of another tenant, under its lock and in the same
// transaction. It moves no version, so it needs no root key; f changes no row that has
// a MAC.
func (tx *Tx) asTenant(id bunker.TenantID, f func(of *Tx) error) error {
	h, err := readHead(tx.ctx, tx.q, id, tx.s.sql.forUpdate)
	if err != nil {
		return err
	}
	of := &Tx{s: tx.s, ctx: tx.ctx, q: tx.q, head: h, now: max(tx.now, h.LedgerTime), by: tx.by}
	if err := f(of); err != nil {
		return err
	}
	if err := of.putHead(); err != nil {
		return err
	}
	tx.wrote, tx.beside = true, append(tx.beside, id)
	return nil
}

// RowsOf counts the rows of every table that are a tenant's; tables with none are left
// out. It is for finding out what is left of one.
func (s *Store) RowsOf(ctx context.Context, t bunker.TenantID) (map[string]int64, error) {
	tables, err := s.engine.tables(ctx, s.read)
	if err != nil {
		return nil, s.explain("counting what is left", err)
	}
	left := map[string]int64{}
	for _, name := range tables {
		columns, err := s.engine.columns(ctx, s.read, name)
		if err != nil {
			return nil, s.explain("counting what is left", err)
		}
		if !slices.Contains(columns, "tenant") {
			continue
		}
		var n int64
		if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM `+name+` WHERE tenant = $1`, string(t)).Scan(&n); err != nil {
			return nil, s.explain("counting what is left", err)
		}
		if n > 0 {
			left[name] = n
		}
	}
	return left, nil
}
