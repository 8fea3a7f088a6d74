package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr"
)

// quotaText scans a tenant's quota, stored as JSON. "" is none: no bound for the
// bunker of whoever runs the instance, nothing at all for others. What cannot be read
// is an error.
type quotaText struct {
	to *bunker.Quota
	of *bunker.TenantID // scanned before
}

// Scan implements [sql.Scanner].
func (q quotaText) Scan(src any) error {
	*q.to = bunker.Quota{}
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("a stored quota is no text but %T", src)
	}
	if s == "" {
		q.to.Unlimited = *q.of == bunker.SelfHosted
		return nil
	}
	return json.Unmarshal([]byte(s), q.to)
}

// PutQuota sets what the tenant may use. It is the provider's, and so moves no version
// and needs no root key; whoever holds a seat beyond it keeps that for its days.
func (tx *Tx) PutQuota(q bunker.Quota) error {
	if q.People < 0 || q.Keys < 0 || q.Rate < 0 {
		return errors.New("a quota below zero")
	}
	b, err := json.Marshal(q)
	if err != nil {
		return err
	}
	tx.head.Quota = q
	return tx.exec(`UPDATE tenant_head SET quota = $1 WHERE tenant = $2`, string(b), string(tx.head.Tenant))
}

const (
	// Of whose connections something was allowed since $2. seat_day > 0 is for the index.
	seatsTaken = `(SELECT count(DISTINCT o.person) FROM connection o WHERE o.tenant = $1 AND o.seat_day >= $2 AND o.seat_day > 0 AND o.person <> '')
+ (SELECT count(DISTINCT o.client) FROM connection o WHERE o.tenant = $1 AND o.seat_day >= $2 AND o.seat_day > 0 AND o.person = '')`
	seatState = `SELECT ` + seatsTaken + `, EXISTS (SELECT 1 FROM connection o
WHERE o.tenant = $1 AND o.seat_day >= $2 AND o.seat_day > 0 AND o.person = $3 AND ($3 <> '' OR o.client = $4))`
	// One's own seat goes on; a free one is taken; else no row is changed.
	seatTake = `UPDATE connection SET seat_day = $3 WHERE tenant = $1 AND id = $4 AND (EXISTS (SELECT 1 FROM connection o
 WHERE o.tenant = $1 AND o.seat_day >= $2 AND o.seat_day > 0 AND o.person = connection.person AND (o.person <> '' OR o.client = connection.client))
OR ` + seatsTaken + ` < $5)`
)

// Seating returns how the tenant's seats are taken at ledger time, as seen by a person,
// or, where that is "", by a client. The commit that takes one is guarded.
func (s *Store) Seating(ctx context.Context, t bunker.TenantID, person string, client nostr.PubKey) (st host.Seating, err error) {
	err = s.read.QueryRowContext(ctx, seatState, string(t), host.SeatsSince(s.clock.ledger()), person, client[:]).Scan(&st.Taken, &st.Held)
	return st, s.explain("counting seats", err)
}

// Seated returns the connections that hold the tenant's seats, in order of id.
func (s *Store) Seated(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Connection, error) {
	out, err := all(ctx, s, s.read, fillConnection, `SELECT `+connectionColumns+` FROM connection c
WHERE c.tenant = $1 AND c.seat_day >= $2 AND c.seat_day > 0 AND c.id > $3 ORDER BY c.id LIMIT $4`,
		string(t), host.SeatsSince(s.clock.ledger()), p.After, p.limit())
	return out, s.explain("listing seats", err)
}

// seat finds a seat for the holder of the entry's connection; false when there is none.
// The tenant's row is locked, so that of many who come at once each sees the others.
func (g *group) seat(w *waiting, h *head) (bool, error) {
	e := w.e
	if !e.Seat || h.Quota.Unlimited {
		return true, nil
	}
	return g.s.did(stmtSeat, string(e.Tenant), host.SeatsSince(h.LedgerTime), host.Day(h.LedgerTime), string(e.Connection), h.Quota.People)
}
