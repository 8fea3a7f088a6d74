package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/jackc/pgx/v5/stdlib"
)

// backup copies the store, as it is at one moment, into a new SQLite file: backups have
// one form, whatever the engine, and a restored one runs without a server.
func (e *postgresEngine) backup(ctx context.Context, path string) (err error) {
	db := stdlib.OpenDB(*e.config)
	defer func() { err = errors.Join(err, db.Close()) }()
	source, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	return inOne(ctx, source, e.words().beginRead, func() error {
		return writeSQLite(ctx, path, e, source, func(string, int64) {})
	})
}

// writeSQLite copies a store out of a transaction that reads it into a new file, which
// is whole and synced afterwards, or gone.
func writeSQLite(ctx context.Context, path string, from engine, source querier, tell Progress) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(path))
		}
	}()
	// Nobody reads the file before it is whole, and one that is not is removed.
	db, err := sql.Open("sqlite", dsn(path, "journal_mode(OFF)", "synchronous(OFF)"))
	if err != nil {
		return err
	}
	if err := errors.Join(fillSQLite(ctx, &sqliteEngine{path: path}, db, from, source, tell), db.Close()); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

func fillSQLite(ctx context.Context, to *sqliteEngine, db *sql.DB, from engine, source querier, tell Progress) error {
	if err := migrate(ctx, to, db, false, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	err = inOne(ctx, conn, to.words().beginWrite, func() error { return copyRows(ctx, from, source, to, conn, tell) })
	if err != nil {
		err = fmt.Errorf("writing %s: %w", to.path, err)
	}
	return errors.Join(err, conn.Close())
}
