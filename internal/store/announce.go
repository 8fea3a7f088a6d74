package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
)

// Saying is an announcement that a tenant wants to make.
type Saying struct {
	Tenant bunker.TenantID
	Said   string
}

// Announcing is an announcement that may leave: it is in the store.
type Announcing struct {
	Tenant      bunker.TenantID
	Life        int64
	Incarnation string
	At          int64 // ledger time, unix ms
}

// Announce keeps that announcements are made now, before they leave: what is heard and is
// not kept here was made with another store. All are kept in one transaction, each under its
// tenant's lock, so that instances that share a store know each other's. It returns, in order
// of tenant, those that may leave: not where the last one is younger than gap, or where no
// more can be kept for now. One whose tenant's row cannot be verified, or is gone, does not
// leave either; bad gets the reason, and the others do.
func (s *Store) Announce(ctx context.Context, list []Saying, gap time.Duration, bad func(bunker.TenantID, error)) (made []Announcing, err error) {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b Saying) int { return strings.Compare(string(a.Tenant), string(b.Tenant)) })
	err = s.update(ctx, func() error {
		for _, one := range list {
			a, ok, err := s.announceOne(ctx, one, gap)
			var known *bunker.Error
			switch {
			case errors.Is(err, bunker.ErrTampered), errors.Is(err, errAnnounced), errors.As(err, &known):
				bad(one.Tenant, err)
			case err != nil:
				return err
			case ok:
				made = append(made, a)
			}
		}
		return nil
	})
	if err != nil {
		made = nil
	}
	return made, s.explain("keeping what is announced", err)
}

// errAnnounced is of one tenant alone.
var errAnnounced = errors.New("what it announced before cannot be read")

func (s *Store) announceOne(ctx context.Context, one Saying, gap time.Duration) (a Announcing, ok bool, err error) {
	h, err := readHead(ctx, s.write, one.Tenant, s.sql.forUpdate)
	if err != nil {
		return a, false, err
	}
	if err := s.verify(&h.TenantState, h.mac); err != nil {
		return a, false, err
	}
	text, err := setting(ctx, s.write, one.Tenant, bunker.AnnouncedSetting)
	if err != nil {
		return a, false, err
	}
	kept, err := bunker.ParseAnnounced(text)
	if err != nil {
		return a, false, fmt.Errorf("%w: %w", errAnnounced, err)
	}
	a = Announcing{one.Tenant, h.IncarnationNo, h.Incarnation, max(s.clock.now().UnixMilli(), h.LedgerTime)}
	if kept, ok = kept.Add(one.Said, a.At, gap); !ok {
		return a, false, nil
	}
	_, err = s.write.ExecContext(ctx, settingPut, string(one.Tenant), bunker.AnnouncedSetting, kept.Text())
	return a, err == nil, err
}
