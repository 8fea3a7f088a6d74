package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"

	"nsecbunker/internal/bunker"
)

// Said of a database's store, as a comment: what may not be opened.
const (
	halfMoved = "nsecbunker: a move to here was not finished"
	movedAway = "nsecbunker: moved to SQLite"
)

// alone runs f on a connection that holds the lock of the database.
func (e *postgresEngine) alone(ctx context.Context, f func(*sql.Conn) error) error {
	db, conn, err := e.openWrite(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(conn), conn.Close(), db.Close())
}

// fill copies a store into this database, which must hold none, in one transaction. The
// copy cannot be opened until it is said that the move is over.
func (e *postgresEngine) fill(ctx context.Context, log *slog.Logger, from engine, source querier, tell Progress) error {
	return e.alone(ctx, func(conn *sql.Conn) error {
		if err := e.vacant(ctx, conn); err != nil {
			return err
		}
		db := stdlib.OpenDB(*e.config)
		if err := errors.Join(migrate(ctx, e, db, true, log), db.Close()); err != nil {
			return err
		}
		return inOne(ctx, conn, e.words().beginWrite, func() error {
			if err := setComment(ctx, conn, halfMoved); err != nil {
				return err
			}
			tables, err := e.tables(ctx, conn)
			if err != nil {
				return err
			}
			// What a move that was not finished has left.
			if _, err := conn.ExecContext(ctx, `TRUNCATE `+strings.Join(tables, ", ")); err != nil {
				return err
			}
			return copyRows(ctx, from, source, e, conn, tell)
		})
	})
}

// vacant refuses a database that holds a store, or anything else.
func (e *postgresEngine) vacant(ctx context.Context, q querier) error {
	tables, err := e.tables(ctx, q)
	if err != nil || len(tables) == 0 {
		return err
	}
	ours, err := e.hasTable(ctx, q, "tenant_head")
	if err != nil {
		return err
	}
	if !ours {
		return bunker.Errorf(bunker.CodeConflict, "the %s holds tables of something else; make an empty one", e.place()).WithHint("createdb --encoding UTF8 NAME")
	}
	said, err := comment(ctx, q)
	if err != nil || said == halfMoved {
		return err
	}
	var tenants int
	err = q.QueryRowContext(ctx, `SELECT count(*) FROM tenant_head`).Scan(&tenants)
	if err == nil && tenants > 0 {
		err = bunker.Errorf(bunker.CodeConflict, "the %s holds a store already; make an empty one", e.place()).WithHint("createdb --encoding UTF8 NAME")
	}
	return err
}

// holdsStore refuses a database without a store.
func (e *postgresEngine) holdsStore(ctx context.Context) error {
	return e.alone(ctx, func(conn *sql.Conn) error {
		there, err := e.hasTable(ctx, conn, "tenant_head")
		if err == nil && !there {
			err = bunker.Errorf(bunker.CodeNotFound, "the %s holds no store", e.place())
		}
		return err
	})
}

// checkAtStart refuses a store that is not whole, or lives elsewhere by now.
func (e *postgresEngine) checkAtStart(ctx context.Context, conn *sql.Conn) error {
	there, err := e.hasTable(ctx, conn, "tenant_head")
	if err != nil || !there {
		return err
	}
	said, err := comment(ctx, conn)
	switch {
	case err != nil:
		return err
	case said == halfMoved && !e.moving:
		return bunker.Errorf(bunker.CodeConflict, "a move of a store to the %s was not finished; do it again", e.place()).WithHint("nsecbunker migrate-store postgres")
	case said == movedAway:
		return bunker.Errorf(bunker.CodeConflict, "the store of the %s was moved to SQLite and lives there; start without a database, or give another one", e.place())
	}
	return nil
}

func comment(ctx context.Context, q querier) (said string, err error) {
	err = q.QueryRowContext(ctx, `SELECT coalesce(obj_description(CAST('tenant_head' AS regclass), 'pg_class'), '')`).Scan(&said)
	return said, err
}

func setComment(ctx context.Context, w writer, what string) error {
	_, err := w.ExecContext(ctx, `COMMENT ON TABLE tenant_head IS '`+what+`'`)
	return err
}

// say sets the comment; "": the store is whole and lives here.
func (e *postgresEngine) say(ctx context.Context, what string) error {
	return e.alone(ctx, func(conn *sql.Conn) error { return setComment(ctx, conn, what) })
}
