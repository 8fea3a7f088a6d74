package store

import (
	"context"
	"errors"
	"fmt"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// Findings is the outcome of a check of the whole store.
type Findings struct {
	Damage   []string // of the database file, at most some dozen
	Tampered []string // rows whose MAC is wrong
	Sealed   bool     // MACs were not checked: the tenant is sealed or not set up
	Chain    audit.Report
}

// Sound reports whether nothing was found.
func (f Findings) Sound() bool { return len(f.Damage) == 0 && len(f.Tampered) == 0 && f.Chain.Whole() }

// Check looks at everything: pages, indexes and references of the database, the
// MAC of every row of authority, the audit chain with its checkpoints. It reads
// the whole store, while the bunker runs.
func (s *Store) Check(ctx context.Context, t bunker.TenantID) (Findings, error) {
	var f Findings
	var err error
	if f.Damage, err = s.engine.damage(ctx, s.read); err != nil {
		if troubleOf(err) != damaged {
			return f, s.explain("checking the database", err)
		}
		f.Damage = append(f.Damage, err.Error())
	}
	switch err := s.verifyRows(ctx, t, func(err error) bool {
		f.Tampered = append(f.Tampered, err.Error())
		return len(f.Tampered) < audit.MaxFaults
	}); {
	case Sealed(err):
		f.Sealed = true
	case err != nil && troubleOf(err) == damaged:
		f.Damage = append(f.Damage, err.Error())
	case err != nil:
		return f, s.explain("checking rows", err)
	}
	if f.Chain, err = s.chainReport(ctx, t); err != nil {
		f.Damage = append(f.Damage, "the audit log cannot be read: "+err.Error())
	}
	return f, nil
}

// chainReport verifies the chain against the tenant's audit key.
func (s *Store) chainReport(ctx context.Context, t bunker.TenantID) (audit.Report, error) {
	keys, err := s.ServiceKeys(ctx, t, bunker.RoleAudit)
	if err != nil {
		return audit.Report{}, err
	}
	var k bunker.ServiceKey
	if len(keys) == 1 { // after a rotation each checkpoint is of its own time's key
		k = keys[0]
	}
	return s.VerifyAudit(ctx, t, k.PubKey, nil)
}

// VerifyAll checks the MAC of every row of a tenant that carries authority:
// right after the unseal, before the first decision. It fails with
// bunker.ErrTampered, naming the first bad row, or with CodeSealed.
func (s *Store) VerifyAll(ctx context.Context, t bunker.TenantID) error {
	var first error
	err := s.verifyRows(ctx, t, func(err error) bool {
		first = err
		return false
	})
	if first != nil {
		return first
	}
	return s.explain("verifying the store", err)
}

// verifyRows calls bad for each row whose MAC is wrong, until it returns false.
func (s *Store) verifyRows(ctx context.Context, t bunker.TenantID, bad func(error) bool) error {
	return s.snapshot(ctx, func(q querier) error {
		h, err := readHead(ctx, q, t, "")
		if err != nil {
			return err
		}
		stop := errors.New("enough")
		judge := func(err error) error {
			if err != nil && errors.Is(err, bunker.ErrTampered) && !bad(err) {
				return stop
			}
			if errors.Is(err, bunker.ErrTampered) {
				return nil
			}
			return err
		}
		for _, table := range []func() error{
			func() error { return judge(s.verify(&h.TenantState, h.mac)) },
			func() error {
				return verifyTable(ctx, s, q, judge, fillKey, `SELECT `+keyColumns+` FROM user_key k WHERE k.tenant = $1`, t)
			},
			func() error {
				return verifyTable(ctx, s, q, judge, fillToken, `SELECT `+tokenColumns+` FROM token t WHERE t.tenant = $1`, t)
			},
			func() error {
				return verifyTable(ctx, s, q, judge, fillConnection, `SELECT `+connectionColumns+` FROM connection c WHERE c.tenant = $1`, t)
			},
			func() error {
				return verifyTable(ctx, s, q, judge, fillGrant, `SELECT `+grantColumns+` FROM connection_grant g WHERE g.tenant = $1`, t)
			},
			func() error {
				return verifyTable(ctx, s, q, judge, fillPolicy, `SELECT `+policyColumns+` FROM policy p WHERE p.tenant = $1`, t)
			},
			func() error {
				return verifyTable(ctx, s, q, judge, fillPolicyVersion, `SELECT `+policyColumns+` FROM policy_version p WHERE p.tenant = $1`, t)
			},
			func() error {
				return verifyTable(ctx, s, q, judge, fillAdmin, `SELECT `+adminColumns+` FROM admin a WHERE a.tenant = $1`, t)
			},
			func() error {
				return verifyTable(ctx, s, q, judge, fillInvite, `SELECT `+inviteColumns+` FROM invite i WHERE i.tenant = $1`, t)
			},
			func() error {
				return verifyTable(ctx, s, q, judge, fillMotion, `SELECT `+motionColumns+` FROM motion m WHERE m.tenant = $1`, t)
			},
			func() error {
				return verifyTable(ctx, s, q, judge, fillChannel, `SELECT `+channelColumns+` FROM notify_channel n WHERE n.tenant = $1`, t)
			},
			func() error {
				return verifyTable(ctx, s, q, judge, fillDevice, `SELECT `+deviceColumns+` FROM device d WHERE d.tenant = $1`, t)
			},
		} {
			if err = table(); err != nil {
				break
			}
		}
		if errors.Is(err, stop) {
			return nil
		}
		return err
	})
}

// verifyTable checks a table row by row; it holds one row at a time.
func verifyTable[T any, P authority[T]](ctx context.Context, s *Store, q querier, judge func(error) error, f fill[T], query string, t bunker.TenantID) (err error) {
	rows, err := q.QueryContext(ctx, query, string(t))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v T
		mac, err := f(rows, &v)
		switch {
		case err == nil:
			err = s.verify(P(&v), mac)
		case !errors.Is(err, bunker.ErrTampered): // what no row of ours can be is found, not a failure
			return fmt.Errorf("reading a row: %w", err)
		}
		if err := judge(err); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Counts is what status and metrics show, also while the tenant is sealed:
// numbers of rows whose MACs were not checked.
type Counts struct {
	Keys          int
	KeysLocked    int
	KeysDeleting  int
	Connections   map[bunker.ConnectionState]int
	Questions     int
	Tokens        int   // open ones
	Ready         int   // replies that no relay has accepted yet
	Undeliverable int   // replies that were given up
	Seats         int64 // that somebody holds
}

// Counts counts a tenant's rows.
func (s *Store) Counts(ctx context.Context, t bunker.TenantID) (Counts, error) {
	c := Counts{Connections: map[bunker.ConnectionState]int{}}
	err := s.read.QueryRowContext(ctx, `SELECT
(SELECT count(*) FROM user_key WHERE tenant = $1), (SELECT count(*) FROM user_key WHERE tenant = $1 AND locked = 1),
(SELECT count(*) FROM user_key WHERE tenant = $1 AND state = 'deleting'),
(SELECT count(*) FROM approval WHERE tenant = $1 AND state = 'pending'), (SELECT count(*) FROM token WHERE tenant = $1 AND state = 'open'),
(SELECT count(*) FROM request WHERE tenant = $1 AND state = 'ready'),
(SELECT count(*) FROM request WHERE tenant = $1 AND state = 'undeliverable')`, string(t)).Scan(
		&c.Keys, &c.KeysLocked, &c.KeysDeleting, &c.Questions, &c.Tokens, &c.Ready, &c.Undeliverable)
	if err != nil {
		return c, s.explain("counting", err)
	}
	_, err = scanAll(ctx, s.read, func(row scanner, _ *struct{}) error {
		var state string
		var n int
		err := row.Scan(&state, &n)
		c.Connections[bunker.ConnectionState(state)] = n
		return err
	}, `SELECT CASE WHEN state = 'suspended' AND resume_at <> 0 AND resume_at <= $2 THEN 'active' ELSE state END AS now, count(*)
FROM connection WHERE tenant = $1 GROUP BY now`, string(t), s.clock.ledger())
	if err == nil {
		err = s.read.QueryRowContext(ctx, `SELECT `+seatsTaken, string(t), host.SeatsSince(s.clock.ledger())).Scan(&c.Seats)
	}
	return c, s.explain("counting", err)
}
