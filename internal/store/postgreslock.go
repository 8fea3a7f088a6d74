package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"time"

	"nsecbunker/internal/bunker"
)

const (
	// The locks of a database, as pg_locks shows them: "nsec" and a number.
	lockClass = 0x6e736563
	// lockObject is held by who writes: by one instance alone, or by all that share.
	lockObject = 1
	// lockSchema is held while the schema is looked at, and brought up to date.
	lockSchema = 2
	// lockOrders is held by a transaction that numbers an order, until it is committed.
	lockOrders = 3
	// lockWait is how long the session of an instance that has ended, or was cut off,
	// may take to end on the server's side.
	lockWait = 5 * time.Second
	// migrationWait is how long another instance may take to bring the schema up to date.
	migrationWait = 2 * time.Minute
	// lockEvery is how long passes between tries.
	lockEvery = 100 * time.Millisecond
	// idleInTransaction is how long an instance that shares may do nothing inside a
	// transaction: one that was stopped there would hold up all the others.
	idleInTransaction = 5 * time.Second
)

const (
	tryAlone  = `SELECT pg_try_advisory_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))`
	tryShared = `SELECT pg_try_advisory_lock_shared(CAST($1 AS INTEGER), CAST($2 AS INTEGER))`
	tryOwn    = `SELECT pg_try_advisory_lock(CAST($1 AS BIGINT))`
)

// newOwnLock is the number of a lock that is one engine's own.
func newOwnLock() int64 {
	var b [8]byte
	rand.Read(b[:]) // never fails since Go 1.24: it ends the process instead
	return int64(binary.BigEndian.Uint64(b[:]))
}

// lock takes the lock of the database for as long as the connection lasts, or says in
// one sentence who has it. One instance writes to a database, or several that all said
// that they share it.
//
// Who shares takes a lock of its own as well: when it has got that again after its
// connection was lost, nothing of the lost one is still under way.
func (e *postgresEngine) lock(ctx context.Context, conn *sql.Conn) error {
	if !e.shared {
		got, err := e.tryFor(ctx, conn, lockWait, tryAlone, lockClass, lockObject)
		if err == nil && !got {
			err = e.locked(ctx, conn)
		}
		return err
	}
	got, err := e.tryFor(ctx, conn, lockWait, tryShared, lockClass, lockObject)
	if err == nil && !got {
		err = e.locked(ctx, conn)
	}
	if err != nil {
		return err
	}
	got, err = e.tryFor(ctx, conn, lockWait, tryOwn, e.own)
	if err == nil && !got {
		err = bunker.Errorf(bunker.CodeError, "the last connection to the %s has not ended yet; try again", e.place())
	}
	return err
}

// tryFor tries to take a lock for some time.
func (e *postgresEngine) tryFor(ctx context.Context, conn *sql.Conn, wait time.Duration, query string, args ...any) (got bool, err error) {
	end := time.NewTimer(wait)
	defer end.Stop()
	again := time.NewTicker(lockEvery)
	defer again.Stop()
	for {
		err := conn.QueryRowContext(ctx, query, args...).Scan(&got)
		if got || err != nil {
			return got, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return false, ctx.Err()
		case <-end.C:
			return false, nil
		}
	}
}

func (e *postgresEngine) locked(ctx context.Context, conn *sql.Conn) error {
	who := "session unknown"
	err := conn.QueryRowContext(ctx, `SELECT coalesce(a.application_name, 'session ' || l.pid) FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND CAST(l.classid AS BIGINT) = $1 AND CAST(l.objid AS BIGINT) = $2 AND l.objsubid = 2 LIMIT 1`, lockClass, lockObject).Scan(&who)
	if err != nil && !isNone(err) {
		return err
	}
	return bunker.Errorf(bunker.CodeConflict, "another instance (%s) is running on the %s; stop it first, give another database with --database, or start every instance with --shared", who, e.place())
}

// whileMigrating runs f under the lock of the schema: of several instances that start
// at once, one brings it up to date.
func (e *postgresEngine) whileMigrating(ctx context.Context, conn *sql.Conn, f func() error) error {
	got, err := e.tryFor(ctx, conn, migrationWait, tryAlone, lockClass, lockSchema)
	if err == nil && !got {
		err = bunker.Errorf(bunker.CodeConflict, "another instance has been bringing the schema of the %s up to date for %s; see its log, and start this one when it is done", e.place(), migrationWait)
	}
	if err != nil {
		return err
	}
	if err := f(); err != nil {
		return err // the connection is closed, and the lock goes with it
	}
	_, err = conn.ExecContext(ctx, `SELECT pg_advisory_unlock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))`, lockClass, lockSchema)
	return err
}
