package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

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
	stop, found := errors.New("enough"), false
	err := s.snapshot(ctx, func(q querier) error {
		return s.verifyTables(ctx, q, verifying{from: t, to: t, judge: func(row bunker.Authority, err error) error {
			if _, is := row.(*head); is {
				found = true
			}
			switch {
			case err != nil && errors.Is(err, bunker.ErrTampered) && !bad(err):
				return stop
			case errors.Is(err, bunker.ErrTampered):
				return nil
			}
			return err
		}})
	})
	switch {
	case errors.Is(err, stop):
		return nil
	case err == nil && !found:
		return orNotFound(sql.ErrNoRows, "tenant", string(t))
	}
	return err
}

// verifying is one reading of the rows of authority of tenants.
type verifying struct {
	// from and to are the first and the last of them, in order of id.
	from, to bunker.TenantID
	// only are those of them that count; nil: all.
	only map[bunker.TenantID]*Opening
	// judge gets each row, as it was read, with what is wrong with it: nil, an error that is
	// bunker.ErrTampered, or CodeSealed. Its error ends the reading.
	judge func(bunker.Authority, error) error
}

// verifyTables reads every row of authority of some tenants, their heads first.
func (s *Store) verifyTables(ctx context.Context, q querier, v verifying) error {
	for _, table := range []func() error{
		func() error {
			return verifyTable(ctx, s, q, v, fillHeadRow, `SELECT `+headColumns+` FROM tenant_head h WHERE h.tenant`)
		},
		func() error {
			return verifyTable(ctx, s, q, v, fillKey, `SELECT `+keyColumns+` FROM user_key k WHERE k.tenant`)
		},
		func() error {
			return verifyTable(ctx, s, q, v, fillToken, `SELECT `+tokenColumns+` FROM token t WHERE t.tenant`)
		},
		func() error {
			return verifyTable(ctx, s, q, v, fillConnection, `SELECT `+connectionColumns+` FROM connection c WHERE c.tenant`)
		},
		func() error {
			return verifyTable(ctx, s, q, v, fillGrant, `SELECT `+grantColumns+` FROM connection_grant g WHERE g.tenant`)
		},
		func() error {
			return verifyTable(ctx, s, q, v, fillPolicy, `SELECT `+policyColumns+` FROM policy p WHERE p.tenant`)
		},
		func() error {
			return verifyTable(ctx, s, q, v, fillPolicyVersion, `SELECT `+policyColumns+` FROM policy_version p WHERE p.tenant`)
		},
		func() error {
			return verifyTable(ctx, s, q, v, fillAdmin, `SELECT `+adminColumns+` FROM admin a WHERE a.tenant`)
		},
		func() error {
			return verifyTable(ctx, s, q, v, fillInvite, `SELECT `+inviteColumns+` FROM invite i WHERE i.tenant`)
		},
		func() error {
			return verifyTable(ctx, s, q, v, fillMotion, `SELECT `+motionColumns+` FROM motion m WHERE m.tenant`)
		},
		func() error {
			return verifyTable(ctx, s, q, v, fillChannel, `SELECT `+channelColumns+` FROM notify_channel n WHERE n.tenant`)
		},
		func() error {
			return verifyTable(ctx, s, q, v, fillDevice, `SELECT `+deviceColumns+` FROM device d WHERE d.tenant`)
		},
	} {
		if err := table(); err != nil {
			return err
		}
	}
	return nil
}

// verifyTable checks a table row by row; it holds one row at a time. query ends with the
// column that says whose a row is.
func verifyTable[T any, P authority[T]](ctx context.Context, s *Store, q querier, v verifying, f fill[T], query string) (err error) {
	query, args := query+` = $1`, []any{string(v.from)}
	if v.from != v.to {
		query, args = strings.TrimSuffix(query, ` = $1`)+` BETWEEN $1 AND $2`, append(args, string(v.to))
	}
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row T
		mac, err := f(rows, &row)
		of, _, _, _ := P(&row).AuthorityRow()
		switch {
		case err != nil && !errors.Is(err, bunker.ErrTampered): // what no row of ours can be is found, not a failure
			return fmt.Errorf("reading a row: %w", err)
		case v.only != nil && v.only[of] == nil && of != "":
			continue
		case err == nil:
			err = s.verify(P(&row), mac)
		}
		if err := v.judge(P(&row), err); err != nil {
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
