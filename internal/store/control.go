package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"nsecbunker/internal/bunker"
)

// Leases.
const (
	// KeyLeases is how many parts the signer keys are in, by a hash of each.
	KeyLeases = 128
	// JobLease is held by the one instance that does what a timer asks for.
	JobLease = "jobs"
)

// Instances of a store.
const (
	// InstanceDead is how old the last beat of an instance's heart is when it counts as
	// dead, by the database's clock.
	InstanceDead = 6 * time.Second
	// keepInstances is how long a dead one is listed.
	keepInstances = time.Hour
	// keepTold is how long orders are kept. Who was away for longer wipes its memory: the
	// numbers tell that some are missing.
	keepTold = 10 * time.Minute
	// maxInstances are read, and maxTold followed at once.
	maxInstances = 256
	maxTold      = 1024
	// maxOpenings are said at once of what an instance has open.
	maxOpenings = 4096
	// controlConnections serve the heart, beside the connections that requests need: it
	// beats, whatever those wait for.
	controlConnections = 2
	// controlTimeout bounds one statement of the heart.
	controlTimeout = 1500 * time.Millisecond
)

// databaseNow is the database's clock in unix ms.
const databaseNow = `CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)`

// LeaseName is the name of a part of the signer keys.
func LeaseName(part int) string { return fmt.Sprintf("%03d", part) }

// control is the connections that instances find each other by.
type control struct{ db *sql.DB }

// openControl opens them, where the store is shared.
func (s *Store) openControl(ctx context.Context) error {
	e, ok := s.engine.(*postgresEngine)
	if !ok || !e.shared {
		return nil
	}
	c := e.config.Copy()
	c.RuntimeParams["lock_timeout"] = fmt.Sprint(controlTimeout.Milliseconds())
	c.RuntimeParams["statement_timeout"] = fmt.Sprint(controlTimeout.Milliseconds())
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(controlConnections)
	db.SetMaxIdleConns(controlConnections)
	s.control = &control{db: db}
	began := s.clock.wall() // nothing is dated by it
	var now int64
	if err := db.QueryRowContext(ctx, `SELECT `+databaseNow).Scan(&now); err != nil {
		return err
	}
	s.clock.shared(time.UnixMilli(now), began, s.clock.wall())
	_, err := db.ExecContext(ctx, `INSERT INTO lease (name, instance, since)
SELECT lpad(CAST(n AS TEXT), 3, '0'), '', 0 FROM generate_series(0, CAST($1 AS INTEGER) - 1) n UNION ALL SELECT CAST($2 AS TEXT), '', 0
ON CONFLICT (name) DO NOTHING`, KeyLeases, JobLease)
	return err
}

// Shared reports that other instances may use the store at the same time.
func (s *Store) Shared() bool { return s.control != nil }

// Instance is this process, as others know it.
func (s *Store) Instance() bunker.InstanceID { return bunker.InstanceID(s.instance) }

// LastOrder is the number of the last order: who begins now has read what it was about.
func (s *Store) LastOrder(ctx context.Context) (no int64, err error) {
	err = s.control.db.QueryRowContext(ctx, `SELECT coalesce(max(no), 0) FROM instance_order`).Scan(&no)
	return no, s.explain("reading what instances were told", err)
}

// LastMoved is up to which record of the house its tenants are known to whoever reads
// them now.
func (s *Store) LastMoved(ctx context.Context) (at int64, err error) {
	err = s.control.db.QueryRowContext(ctx, `SELECT coalesce(max(moved), 0) FROM tenant`).Scan(&at)
	return at, s.explain("reading the tenants", err)
}

// Beat says that an instance lives and what it has followed, and returns how things
// stand. It sets the ledger's clock by the database's.
func (s *Store) Beat(ctx context.Context, me bunker.Instance) (st bunker.Standing, err error) {
	err = s.beat(ctx, &me, &st)
	return st, s.explain("telling the other instances", err)
}

func (s *Store) beat(ctx context.Context, me *bunker.Instance, st *bunker.Standing) error {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	began := s.clock.wall()
	err := s.control.db.QueryRowContext(ctx, `INSERT INTO instance (id, name, version, started_at, beat_at, draining, done)
VALUES ($1, $2, $3, `+databaseNow+`, `+databaseNow+`, $4, $5)
ON CONFLICT (id) DO UPDATE SET beat_at = `+databaseNow+`, draining = excluded.draining, done = excluded.done
RETURNING beat_at, (SELECT minimum FROM schema_rule WHERE id = 1), (SELECT coalesce(max(no), 0) FROM instance_order)`,
		string(me.ID), me.Name, me.Version, num(me.Draining), me.Done).Scan(&st.Now, &st.Minimum, &st.Newest)
	if err != nil {
		return err
	}
	s.clock.shared(time.UnixMilli(st.Now), began, s.clock.wall())
	// The orders first: what was said before one was given, who follows it knows.
	st.Orders, err = scanAll(ctx, s.control.db, func(row scanner, o *bunker.InstanceOrder) error {
		return row.Scan(&o.No, (*string)(&o.Tenant), (*string)(&o.What), (*string)(&o.Instance))
	}, `SELECT no, tenant, what, instance FROM instance_order WHERE no > $1 ORDER BY no LIMIT $2`, me.Done, maxTold)
	if err != nil {
		return err
	}
	if st.Instances, err = s.instances(ctx, st.Now); err != nil {
		return err
	}
	st.Leases = map[string]bunker.InstanceID{}
	type lease struct {
		name string
		of   bunker.InstanceID
	}
	leases, err := scanAll(ctx, s.control.db, func(row scanner, l *lease) error { return row.Scan(&l.name, (*string)(&l.of)) },
		`SELECT name, instance FROM lease ORDER BY name LIMIT $1`, KeyLeases+1)
	if err != nil {
		return err
	}
	for _, l := range leases {
		st.Leases[l.name] = l.of
	}
	st.Guests, err = scanAll(ctx, s.control.db, func(row scanner, m *bunker.TenantMoved) error { return row.Scan((*string)(&m.Tenant), &m.At) },
		`SELECT tenant, moved FROM tenant WHERE moved > $1 ORDER BY moved LIMIT $2`, me.Guests, maxTold)
	return err
}

func (s *Store) instances(ctx context.Context, now int64) ([]bunker.Instance, error) {
	return scanAll(ctx, s.control.db, func(row scanner, i *bunker.Instance) error {
		return row.Scan((*string)(&i.ID), &i.Name, &i.Version, &i.Started, &i.Beat, yesno{&i.Draining}, &i.Done, &i.Opened)
	}, `SELECT id, name, version, started_at, beat_at, draining, done, opened FROM instance WHERE beat_at > $1 ORDER BY started_at, id LIMIT $2`,
		now-keepInstances.Milliseconds(), maxInstances)
}

// Instances returns those that live, and those that ended a short while ago.
func (s *Store) Instances(ctx context.Context) (now int64, list []bunker.Instance, err error) {
	err = s.control.db.QueryRowContext(ctx, `SELECT `+databaseNow).Scan(&now)
	if err == nil {
		list, err = s.instances(ctx, now)
	}
	return now, list, s.explain("reading the instances", err)
}

// TakeLeases takes up to n parts that nobody holds who lives, and the jobs, if those
// are to be had.
func (s *Store) TakeLeases(ctx context.Context, me bunker.InstanceID, n int) error {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	_, err := s.control.db.ExecContext(ctx, `UPDATE lease SET instance = $1, since = `+databaseNow+` WHERE name IN (
SELECT l.name FROM lease l WHERE NOT EXISTS (
 SELECT 1 FROM instance i WHERE i.id = l.instance AND i.draining = 0 AND i.beat_at > `+databaseNow+` - $2)
ORDER BY l.name DESC LIMIT $3 FOR UPDATE OF l SKIP LOCKED)`, string(me), InstanceDead.Milliseconds(), n)
	return s.explain("taking leases", err)
}

// GiveLeases gives up n parts; all: whatever is held, the jobs with them.
func (s *Store) GiveLeases(ctx context.Context, me bunker.InstanceID, n int, all bool) error {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	query, args := `UPDATE lease SET instance = '' WHERE instance = $1`, []any{string(me)}
	if !all {
		query = `UPDATE lease SET instance = '' WHERE name IN (SELECT name FROM lease WHERE instance = $1 AND name <> $2 ORDER BY name LIMIT $3 FOR UPDATE)`
		args = append(args, JobLease, n)
	}
	_, err := s.control.db.ExecContext(ctx, query, args...)
	return s.explain("giving leases up", err)
}

// SayOpen tells the others what is open on an instance now that was not, and the other
// way round: at most maxOpenings of what it is given, and it returns how many. All of them
// are the instance's change of that number. told is false while the instance is not known.
func (s *Store) SayOpen(ctx context.Context, me bunker.InstanceID, no int64, list []bunker.Opening) (n int, told bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	list = list[:min(len(list), maxOpenings)]
	tenants, open := make([]string, len(list)), make([]int64, len(list))
	for i, o := range list {
		tenants[i], open[i] = string(o.Tenant), num(o.Open)
	}
	// One statement: whoever sees the instance's number finds what it is about.
	err = s.control.db.QueryRowContext(ctx, `WITH me AS (UPDATE instance SET opened = $2 WHERE id = $1 RETURNING id),
said AS (SELECT * FROM unnest(CAST($3 AS TEXT[]), CAST($4 AS BIGINT[])) AS x (tenant, open)),
rows AS (INSERT INTO instance_open (instance, tenant, open, no) SELECT me.id, said.tenant, said.open, $2 FROM me, said
 ON CONFLICT (instance, tenant) DO UPDATE SET open = excluded.open, no = excluded.no),
opened AS (INSERT INTO tenant_opened (tenant, at) SELECT said.tenant, `+databaseNow+` FROM me, said WHERE said.open = 1
 ON CONFLICT (tenant) DO UPDATE SET at = excluded.at)
SELECT count(*) > 0 FROM me`, string(me), no, tenants, open).Scan(&told)
	return len(list), told, s.explain("telling the other instances what is open", err)
}

// OpenSince returns what an instance has opened and sealed after one of its changes, in
// order: at most a row for each tenant.
func (s *Store) OpenSince(ctx context.Context, of bunker.InstanceID, after int64) ([]bunker.Opening, error) {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	list, err := scanAll(ctx, s.control.db, func(row scanner, o *bunker.Opening) error {
		return row.Scan((*string)(&o.Tenant), yesno{&o.Open}, &o.No)
	}, `SELECT tenant, open, no FROM instance_open WHERE instance = $1 AND no > $2 ORDER BY no`, string(of), after)
	return list, s.explain("reading what another instance has open", err)
}

// OpenedAt is when a tenant was opened last, on whatever instance, by the database's
// clock (unix ms); 0: never since the instances say so.
func (s *Store) OpenedAt(ctx context.Context, t bunker.TenantID) (at int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT at FROM tenant_opened WHERE tenant = $1`, string(t)).Scan(&at)
	if isNone(err) {
		return 0, nil
	}
	return at, s.explain("reading when it was opened", err)
}

// Leave says that an instance has ended: nobody waits for it.
func (s *Store) Leave(ctx context.Context, me bunker.InstanceID) error {
	_, err := s.control.db.ExecContext(ctx, `DELETE FROM instance WHERE id = $1`, string(me))
	return s.explain("telling the other instances", err)
}

// OrderAll tells every instance to follow something, and returns its number. Numbers are
// in the order of the commits, so who has followed one has followed all before it.
func (s *Store) OrderAll(ctx context.Context, t bunker.TenantID, what bunker.OrderKind) (no int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	tx, err := s.control.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, s.explain("telling the other instances", err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to roll back
	if _, err = tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))`, lockClass, lockOrders); err == nil {
		err = tx.QueryRowContext(ctx, `INSERT INTO instance_order (no, at, tenant, what, instance)
SELECT coalesce(max(no), 0) + 1, `+databaseNow+`, $1, $2, $3 FROM instance_order RETURNING no`, string(t), string(what), s.instance).Scan(&no)
	}
	if err == nil {
		err = tx.Commit()
	}
	return no, s.explain("telling the other instances", err)
}

// PruneInstances forgets instances that ended long ago, and orders that everybody has
// followed.
func (s *Store) PruneInstances(ctx context.Context) error {
	_, err := s.control.db.ExecContext(ctx, `DELETE FROM instance WHERE beat_at < `+databaseNow+` - $1`, keepInstances.Milliseconds())
	if err == nil {
		_, err = s.control.db.ExecContext(ctx, `DELETE FROM instance_order WHERE at < `+databaseNow+` - $1 AND no < (SELECT max(no) FROM instance_order)`,
			keepTold.Milliseconds())
	}
	return s.explain("forgetting instances that have ended", err)
}

// FollowClock takes over that an owner accepted a clock on another instance: what was
// committed last is read again, where this one believes that its clock is behind.
func (s *Store) FollowClock(ctx context.Context) error {
	if !s.clock.state().Behind {
		return nil
	}
	var last int64
	if err := s.read.QueryRowContext(ctx, `SELECT coalesce(max(ledger_time), 0) FROM tenant_head`).Scan(&last); err != nil {
		return s.explain("reading the ledger's time", err)
	}
	s.clock.reset(last)
	return nil
}

// Serves is an error where the schema asks for programs that are newer than this one.
func (s *Store) Serves(minimum int64) error {
	newest, err := newestSchema(s.sql)
	if err != nil || minimum <= newest {
		return err
	}
	return tooOldFor(s.engine, minimum, minimum, newest)
}

// Reached is when something was last stored.
func (s *Store) Reached() time.Time {
	if at := s.reached.Load(); at != nil {
		return *at
	}
	return time.Time{}
}
