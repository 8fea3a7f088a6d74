package signer

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/nostr"
)

// seat sees to it that what a connection may do is done on a seat: on the one that its
// holder has, or on a free one, which the commit takes. It returns what is said where
// there is none.
func (s *Signer) seat(ctx context.Context, c *call, e *bunker.Entry) (full string, err error) {
	conn, t := c.view.Connection, &c.view.Tenant
	if host.HasSeat(&t.Quota, conn, c.Now.UnixMilli()) {
		return "", nil
	}
	e.Seat = true
	return s.noSeat(ctx, t, conn.Person, conn.Client)
}

// noSeat returns what is said to a person, or where there is none to a client, that has
// no seat and finds none free; "" to all others.
func (s *Signer) noSeat(ctx context.Context, t *bunker.TenantState, person string, client nostr.PubKey) (full string, err error) {
	if t.Quota.Unlimited {
		return "", nil
	}
	st, err := s.Store.Seating(ctx, t.Tenant, person, client)
	if err != nil || st.Room(&t.Quota) {
		return "", err
	}
	return host.FullWords(t.Quota.People), nil
}

// unseated refuses what there is no seat for, if err is nil.
func (s *Signer) unseated(c *call, e *bunker.Entry, full string, err error) (Judgement, error) {
	if err != nil {
		return Judgement{}, err
	}
	unspend(e)
	return s.fail(c, e, bunker.CodeRestricted, bunker.SeatsRule, full)
}
