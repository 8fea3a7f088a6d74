package store

import (
	"context"
	"time"

	"nsecbunker/internal/bunker"
)

// Announcing is an announcement that may leave: it is in the store.
type Announcing struct {
	Life        int64
	Incarnation string
	At          int64 // ledger time, unix ms
}

// Announce keeps that an announcement is made now, before it leaves: what is heard and is
// not kept here was made with another store. It is kept under the tenant's lock, so that
// instances that share a store know each other's. ok is false where the last one is younger
// than gap, or where no more can be kept for now.
func (s *Store) Announce(ctx context.Context, t bunker.TenantID, said string, gap time.Duration) (a Announcing, ok bool, err error) {
	err = s.update(ctx, func() error {
		h, err := readHead(ctx, s.write, t, s.sql.forUpdate)
		if err != nil {
			return err
		}
		if err := s.verify(&h.TenantState, h.mac); err != nil {
			return err
		}
		text, err := setting(ctx, s.write, t, bunker.AnnouncedSetting)
		if err != nil {
			return err
		}
		kept, err := bunker.ParseAnnounced(text)
		if err != nil {
			return err
		}
		a = Announcing{h.IncarnationNo, h.Incarnation, max(s.clock.now().UnixMilli(), h.LedgerTime)}
		if kept, ok = kept.Add(said, a.At, gap); !ok {
			return nil
		}
		_, err = s.write.ExecContext(ctx, settingPut, string(t), bunker.AnnouncedSetting, kept.Text())
		return err
	})
	return a, ok && err == nil, s.explain("keeping what is announced", err)
}
