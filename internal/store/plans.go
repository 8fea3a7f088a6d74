package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

const planColumns = `l.tenant, l.people, l.until, l.trial, l.told, l.version, l.mac`

// planLabel separates a plan's MAC from others under the service key.
const planLabel = "plan"

func planMessage(p *host.Bought, told string) []byte {
	return fmt.Appendf(nil, "%d %d %t %s %s", p.People, p.Until, p.Trial, p.Tenant, told)
}

func (s *Store) fillPlan(row scanner, p *host.Bought) error {
	var told string
	var mac []byte
	if err := row.Scan((*string)(&p.Tenant), &p.People, &p.Until, yesno{&p.Trial}, &told, &p.Version, &mac); err != nil {
		return err
	}
	if s.flags != nil {
		if err := s.flags.VerifyService(house, planLabel, planMessage(p, told), mac); err != nil {
			return fmt.Errorf("plan %s: %w", p.Tenant, err)
		}
	}
	return json.Unmarshal([]byte(told), &p.Told)
}

const planByTenant = `SELECT ` + planColumns + ` FROM plan l WHERE l.tenant = $1`

// Bought returns what a bunker is paid for; ok is false for one that has no plan: it was
// not bought, and does not end.
func (s *Store) Bought(ctx context.Context, t bunker.TenantID) (p host.Bought, ok bool, err error) {
	p, ok, err = s.plan(ctx, s.read, t)
	return p, ok, s.explain("reading a plan", err)
}

// Bought is the plan in the transaction, which is the house's.
func (tx *Tx) Bought(t bunker.TenantID) (p host.Bought, ok bool, err error) {
	return tx.s.plan(tx.ctx, tx.q, t)
}

func (s *Store) plan(ctx context.Context, q querier, t bunker.TenantID) (p host.Bought, ok bool, err error) {
	err = s.fillPlan(q.QueryRowContext(ctx, planByTenant, string(t)), &p)
	if isNone(err) {
		return host.Bought{}, false, nil
	}
	return p, err == nil, err
}

// PutPlan stores a plan that was read in this transaction, or a new one, and when it is
// to be looked at next (unix ms).
func (tx *Tx) PutPlan(p *host.Bought, nextAt int64) error {
	tx.wrote = true
	return putPlan(tx.ctx, tx.s, tx.q, p, nextAt)
}

func putPlan(ctx context.Context, s *Store, q writer, p *host.Bought, nextAt int64) error {
	if p.Told == nil {
		p.Told = host.Told{}
	}
	told, err := json.Marshal(p.Told)
	if err != nil {
		return err
	}
	mac := []byte{}
	if s.flags != nil {
		m, err := s.flags.TagService(house, planLabel, planMessage(p, string(told)))
		if err != nil {
			return err
		}
		mac = m[:]
	}
	res, err := q.ExecContext(ctx, `INSERT INTO plan (tenant, people, until, trial, told, next_at, version, mac) VALUES ($1, $2, $3, $4, $5, $6, 1, $7)
ON CONFLICT (tenant) DO UPDATE SET people = excluded.people, until = excluded.until, trial = excluded.trial, told = excluded.told,
next_at = excluded.next_at, version = plan.version + 1, mac = excluded.mac WHERE plan.version = $8`,
		string(p.Tenant), p.People, p.Until, num(p.Trial), string(told), nextAt, mac, p.Version)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, conflict("the plan has changed since it was read; look again"))
	}
	p.Version++
	return nil
}

// LookedAtPlan notes when a plan is looked at next (unix ms) and what its owners were told,
// which leaves a record. It fails with CodeConflict when the plan has changed since it
// was read.
func (s *Store) LookedAtPlan(ctx context.Context, by bunker.Principal, p *host.Bought, told string, nextAt int64) error {
	if told == "" {
		return s.explain("noting a look at a plan", s.update(ctx, func() error { return putPlan(ctx, s, s.write, p, nextAt) }))
	}
	return s.Change(ctx, house, by, func(tx *Tx) error {
		next := *p
		if next.Told = maps.Clone(p.Told); next.Told == nil {
			next.Told = host.Told{}
		}
		next.Told[told] = tx.now
		if err := tx.PutPlan(&next, nextAt); err != nil {
			return err
		}
		*p = next
		return tx.Audit(bunker.AuditRecord{Action: "plan.told", Object: string(p.Tenant), Reason: told})
	})
}

// SeatsTaken returns how many of a tenant's seats are taken at ledger time.
func (s *Store) SeatsTaken(ctx context.Context, t bunker.TenantID) (n int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT `+seatsTaken, string(t), host.SeatsSince(s.clock.ledger())).Scan(&n)
	return n, s.explain("counting seats", err)
}

// LowerPlan gives a bunker the plan that lower makes of its own, for fewer people, with the
// quota that belongs to it, in one transaction: nobody sits down in between. It refuses a plan
// for fewer people than hold seats.
func (s *Store) LowerPlan(ctx context.Context, by bunker.Principal, t bunker.TenantID, lower func(host.Plan) (host.Plan, error)) error {
	return s.Change(ctx, house, by, func(tx *Tx) error {
		p, ok, err := tx.Bought(t)
		if err != nil {
			return err
		}
		if !ok {
			return notFound("plan", string(t))
		}
		was := p.People
		if p.Plan, err = lower(p.Plan); err != nil {
			return err
		}
		err = tx.asTenant(t, func(of *Tx) error {
			var taken int64
			if err := of.q.QueryRowContext(of.ctx, `SELECT `+seatsTaken, string(t), host.SeatsSince(of.now)).Scan(&taken); err != nil {
				return err
			}
			if err := host.CheckSeats(p.People, taken); err != nil {
				return err
			}
			return of.putQuota(p.Quota())
		})
		if err != nil {
			return err
		}
		p.Told = nil
		if err := tx.PutPlan(&p, tx.now); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "plan.fewer", Object: string(t), Reason: fmt.Sprintf("for %d people, it was for %d", p.People, was)})
	})
}

// DeletePlan forgets the plan of a bunker that is no more.
func (tx *Tx) DeletePlan(t bunker.TenantID) error {
	return tx.exec(`DELETE FROM plan WHERE tenant = $1`, string(t))
}

// DuePlans returns bunkers whose plan is to be looked at now (unix ms), at most MaxPage, in
// order of id, after one.
func (s *Store) DuePlans(ctx context.Context, now int64, after bunker.TenantID) ([]bunker.TenantID, error) {
	out, err := scanAll(ctx, s.read, func(row scanner, id *bunker.TenantID) error { return row.Scan((*string)(id)) },
		`SELECT tenant FROM plan WHERE next_at <= $1 AND tenant > $2 ORDER BY tenant LIMIT $3`, now, string(after), MaxPage)
	return out, s.explain("looking for plans", err)
}

// NextPlan is when a plan is to be looked at next (unix ms); 0: there is none.
func (s *Store) NextPlan(ctx context.Context) (at int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT coalesce(min(next_at), 0) FROM plan`).Scan(&at)
	return at, s.explain("looking for plans", err)
}

// Plans returns what bunkers are paid for, those that end first first.
func (s *Store) Plans(ctx context.Context, p Page) ([]host.Bought, error) {
	out, err := scanAll(ctx, s.read, s.fillPlan, `SELECT `+planColumns+` FROM plan l WHERE l.tenant > $1 ORDER BY l.tenant LIMIT $2`, p.After, p.limit())
	return out, s.explain("listing plans", err)
}
