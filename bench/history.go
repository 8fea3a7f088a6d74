package main

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/store"
	"nsecbunker/nostr/nip19"
)

// linesTogether is how many lines of the log are written in one transaction.
const linesTogether = 2000

// history is what a bunker has behind it, for the measurements of the admin app:
// an owner who can log in, and a long log.
type history struct {
	lines int
	admin string
}

func (h *history) write(ctx context.Context, s *seeder) error {
	if h.admin != "" {
		npub, err := nip19.ParsePublicKey(h.admin)
		if err != nil {
			return err
		}
		err = s.store.Change(ctx, bunker.SelfHosted, daemon.System(), func(tx *store.Tx) error {
			a := &bunker.Admin{Tenant: bunker.SelfHosted, PubKey: npub, Role: bunker.Owner, AddedBy: "bench", ActiveAt: tx.Now(), CreatedAt: tx.Now()}
			if err := tx.PutAdmin(a); err != nil {
				return err
			}
			return tx.Audit(bunker.AuditRecord{Action: "admin.add", Object: npub.String()})
		})
		if err != nil {
			return err
		}
	}
	effects := []string{"allow", "allow", "allow", "ask", "deny"}
	for left := h.lines; left > 0; left -= linesTogether {
		err := s.store.Change(ctx, bunker.SelfHosted, daemon.System(), func(tx *store.Tx) error {
			for i := range min(left, linesTogether) {
				kind := int64(i % 8)
				err := tx.Audit(bunker.AuditRecord{
					Action: "sign_event", Kind: &kind, Key: s.last.PubKey.String(), Effect: effects[i%len(effects)], Rule: "default", Reason: "no permission covers it",
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
