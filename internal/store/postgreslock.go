package store

import (
	"context"
	"database/sql"
	"time"

	"nsecbunker/internal/bunker"
)

const (
	// The lock of a database, as pg_locks shows it: "nsec" and a number.
	lockClass  = 0x6e736563
	lockObject = 1
	// lockWait is how long the session of an instance that has ended, or was cut off,
	// may take to end on the server's side.
	lockWait = 5 * time.Second
	// lockEvery is how long passes between tries.
	lockEvery = 100 * time.Millisecond
)

// lock takes the lock of the database for as long as the connection lasts, or says in
// one sentence who has it. One instance writes to a database.
func (e *postgresEngine) lock(ctx context.Context, conn *sql.Conn) error {
	end := time.NewTimer(lockWait)
	defer end.Stop()
	again := time.NewTicker(lockEvery)
	defer again.Stop()
	for {
		var got bool
		err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_lock(CAST($1 AS INTEGER), CAST($2 AS INTEGER))`, lockClass, lockObject).Scan(&got)
		if got || err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			return e.locked(ctx, conn)
		}
	}
}

func (e *postgresEngine) locked(ctx context.Context, conn *sql.Conn) error {
	who := "session unknown"
	err := conn.QueryRowContext(ctx, `SELECT coalesce(a.application_name, 'session ' || l.pid) FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND CAST(l.classid AS BIGINT) = $1 AND CAST(l.objid AS BIGINT) = $2 LIMIT 1`, lockClass, lockObject).Scan(&who)
	if err != nil && !isNone(err) {
		return err
	}
	return bunker.Errorf(bunker.CodeConflict, "another instance (%s) is running on the %s; stop it first, or give another database with --database", who, e.place())
}
