package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
)

// FlagAuthenticator makes and checks MACs under the service key, which is there
// while the tenant is sealed: the vault.
type FlagAuthenticator interface {
	TagService(t bunker.TenantID, label string, data []byte) ([32]byte, error)
	VerifyService(t bunker.TenantID, label string, data, mac []byte) error
}

// pendingLabel separates this MAC from others under the service key.
const pendingLabel = "tenant_head.pending"

// pending is what a tenant must do before its first decision: ordered while it
// was sealed, when no row of authority could be changed.
type pending struct {
	Stop        bool   `json:"stop,omitempty"`
	StopBy      string `json:"stop_by,omitempty"`
	Incarnation string `json:"incarnation,omitempty"` // that a restore opened
	Number      int64  `json:"number,omitempty"`
	RestoredAt  int64  `json:"restored_at,omitempty"` // unix ms
}

func parsePending(s string) (p pending, err error) {
	if s == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(s), &p); err != nil {
		return p, fmt.Errorf("what the tenant must do first cannot be read: %w", err)
	}
	return p, nil
}

// incarnation is the one that records belong to now: after a restore the new
// one counts at once, though the row changes only when it can get its MAC.
func (h *head) incarnation() string {
	if p, err := parsePending(h.pending); err == nil && p.Incarnation != "" {
		return p.Incarnation
	}
	return h.Incarnation
}

// readPending reads, and where it can checks, what the tenant must do first.
func (tx *Tx) readPending() (pending, error) {
	if tx.head.pending != "" && tx.s.flags != nil {
		if err := tx.s.flags.VerifyService(tx.head.Tenant, pendingLabel, []byte(tx.head.pending), tx.head.pendingMAC); err != nil {
			return pending{}, fmt.Errorf("what the tenant must do first: %w", err)
		}
	}
	return parsePending(tx.head.pending)
}

func (tx *Tx) putPending(p pending) error {
	text := ""
	if p != (pending{}) {
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		text = string(b)
	}
	var mac []byte
	if text != "" && tx.s.flags != nil {
		m, err := tx.s.flags.TagService(tx.head.Tenant, pendingLabel, []byte(text))
		if err != nil {
			return err
		}
		mac = m[:]
	}
	tx.head.pending, tx.head.pendingMAC = text, mac
	return tx.exec(`UPDATE tenant_head SET pending = $1, pending_mac = $2 WHERE tenant = $3`, text, mac, string(tx.head.Tenant))
}

// OpenIncarnation begins a new life of the store after a restore, a migration to
// another engine or a promotion (security.md section 3): from now on its records
// are of the new incarnation, and before the first decision [Store.ApplyPending]
// locks keys, suspends connections, voids tokens and refuses older requests.
// It works while the tenant is sealed. why is a sentence for the log.
func (s *Store) OpenIncarnation(ctx context.Context, t bunker.TenantID, by bunker.Principal, why string) error {
	return s.Change(ctx, t, by, func(tx *Tx) error { return tx.openIncarnation(why) })
}

func (tx *Tx) openIncarnation(why string) error {
	p, err := tx.readPending()
	if err != nil {
		return err
	}
	from := hex.EncodeToString(tx.head.ChainHead[:])
	p.Number = max(p.Number, tx.head.IncarnationNo) + 1
	p.Incarnation, p.RestoredAt = newIncarnation(), tx.now
	if err := tx.putPending(p); err != nil {
		return err
	}
	return tx.Audit(bunker.AuditRecord{Action: "store.incarnation", Object: from, Reason: "restored from head " + from + ": " + why})
}

// StopSealed orders a sealed tenant to stop everything before its first
// decision after the unseal. An unsealed one stops by [Tx.StopEverything].
func (s *Store) StopSealed(ctx context.Context, t bunker.TenantID, by bunker.Principal) error {
	return s.Change(ctx, t, by, func(tx *Tx) error {
		p, err := tx.readPending()
		if err != nil {
			return err
		}
		p.Stop, p.StopBy = true, by.Name
		if err := tx.putPending(p); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "stop", Reason: "ordered while sealed; holds from now on"})
	})
}

// Pending reports whether the tenant must do something before its first
// decision; [Store.View] is Unverified until then.
func (s *Store) Pending(ctx context.Context, t bunker.TenantID) (bool, error) {
	h, err := readHead(ctx, s.read, t, "")
	if err != nil {
		return false, s.explain("reading the tenant", err)
	}
	return h.pending != "", nil
}

// ApplyPending does what was ordered while the tenant was sealed. Call it right
// after the unseal and [Store.VerifyAll]. It reports whether there was anything.
func (s *Store) ApplyPending(ctx context.Context, t bunker.TenantID) (did bool, err error) {
	by := bunker.Principal{Name: "system", Door: bunker.DoorSystem}
	err = s.Change(ctx, t, by, func(tx *Tx) error {
		did = tx.head.pending != ""
		if !did {
			return nil
		}
		p, err := tx.readPending()
		if err != nil {
			return err
		}
		if p.Incarnation != "" {
			if err := tx.beginIncarnation(p); err != nil {
				return err
			}
		}
		if p.Stop {
			if err := tx.StopEverything(); err != nil {
				return err
			}
			err := tx.Audit(bunker.AuditRecord{Action: "stop", Reason: "as " + p.StopBy + " ordered while the bunker was sealed"})
			if err != nil {
				return err
			}
		}
		return tx.putPending(pending{})
	})
	return did && err == nil, err
}

// BeginLifeAbove begins a new life of a store that is no copy: its number is above that of a
// copy that was heard, which stops when it hears of it. What was asked for before now the
// copy may have answered, so it is refused.
func (tx *Tx) BeginLifeAbove(no int64) error {
	st := tx.Tenant()
	st.Incarnation, st.IncarnationNo = newIncarnation(), max(st.IncarnationNo, no)+1
	st.RefuseBefore = max(st.RefuseBefore, tx.now)
	return tx.PutTenant(st)
}

func (tx *Tx) beginIncarnation(p pending) error {
	st := tx.Tenant()
	st.Incarnation, st.IncarnationNo = p.Incarnation, p.Number
	st.Reviewed = false
	st.RefuseBefore = max(st.RefuseBefore, p.RestoredAt)
	if err := tx.PutTenant(st); err != nil {
		return err
	}
	err := errors.Join(tx.lockKeys(), tx.suspendConnections(), tx.voidTokens(), tx.spendLimits(), tx.voidInvites(), tx.voidMotions())
	if err != nil {
		return err
	}
	return tx.Audit(bunker.AuditRecord{
		Action: "store.restored", Object: p.Incarnation,
		Reason: "keys are locked, connections suspended, unused tokens and invitations void until an owner has reviewed them",
	})
}

// StopEverything locks every key, suspends every active connection with its
// open questions and limited grants, and marks the tenant stopped.
func (tx *Tx) StopEverything() error {
	st := tx.Tenant()
	st.Stopped = true
	return errors.Join(tx.PutTenant(st), tx.lockKeys(), tx.suspendConnections())
}

func (tx *Tx) lockKeys() error {
	keys, err := all(tx.ctx, tx.s, tx.q, fillKey, `SELECT `+keyColumns+` FROM user_key k WHERE k.tenant = $1 AND k.locked = 0`, string(tx.head.Tenant))
	if err != nil {
		return err
	}
	for i := range keys {
		keys[i].Locked = true
		if err := tx.PutKey(&keys[i]); err != nil {
			return err
		}
	}
	return nil
}

// suspendConnections suspends those that were let in. A login that nobody has answered has
// its question withdrawn and stays out: suspended, it would be let in by being resumed.
func (tx *Tx) suspendConnections() error {
	logins, err := all(tx.ctx, tx.s, tx.q, fillConnection, `SELECT `+connectionColumns+` FROM connection c
WHERE c.tenant = $1 AND c.state = 'pending'`, string(tx.head.Tenant))
	if err != nil {
		return err
	}
	for i := range logins {
		if err := tx.Withdraw(logins[i].ID); err != nil {
			return err
		}
	}
	// Those that are suspended for a time, too: they must not come back by themselves.
	return tx.eachConnection(`SELECT `+connectionColumns+` FROM connection c
WHERE c.tenant = $1 AND (c.state = 'active' OR c.state = 'suspended' AND c.resume_at <> 0)`,
		[]any{string(tx.head.Tenant)}, func(c *bunker.Connection) { c.State, c.ResumeAt = bunker.ConnSuspended, 0 })
}

func (tx *Tx) voidTokens() error {
	tokens, err := all(tx.ctx, tx.s, tx.q, fillToken, `SELECT `+tokenColumns+` FROM token t WHERE t.tenant = $1 AND t.state = 'open'`, string(tx.head.Tenant))
	if err != nil {
		return err
	}
	for i := range tokens {
		tokens[i].State = bunker.TokenRevoked
		if err := tx.PutToken(&tokens[i]); err != nil {
			return err
		}
	}
	return nil
}

// spendLimits counts running budgets as spent: what the copy does not know of
// may have been used.
func (tx *Tx) spendLimits() error {
	return errors.Join(
		tx.countSpent(),
		tx.exec(`UPDATE connection_grant SET uses = max_uses WHERE tenant = $1 AND max_uses > 0 AND effect = $2`,
			string(tx.head.Tenant), int64(bunker.Allow)),
		// Windows that the copy does not know of are refused when deciding: they began
		// before the restore.
		tx.exec(`UPDATE budget SET used = max WHERE tenant = $1 AND (ends_at = 0 OR ends_at > $2)`, string(tx.head.Tenant), tx.now))
}

// AcceptClock makes the wall clock the ledger's time, by an owner's word, after
// it was suspect. Requests and deadlines are judged by it from then on.
func (s *Store) AcceptClock(ctx context.Context, t bunker.TenantID, by bunker.Principal) error {
	// The lock is held until both the row and the clock say so: no group may be dated between them.
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	var wall int64
	err := s.change(ctx, t, by, func(tx *Tx) error {
		before := tx.now
		wall = s.clock.now().UnixMilli()
		tx.now = wall
		st := tx.Tenant()
		if wall < before { // rows of events dated until now may be pruned
			st.RefuseBefore = max(st.RefuseBefore, wall)
		}
		if err := tx.PutTenant(st); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "clock.accept", Reason: fmt.Sprintf("the clock was accepted; the ledger's time was %d", before)})
	})
	if err == nil {
		s.clock.reset(wall)
		s.budgets.clear() // windows that were over may run again
	}
	return s.explain("storing a change", err)
}
