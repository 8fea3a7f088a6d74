package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // its init registers the driver "sqlite"
)

// What is SQLite's alone stands in the files sqlite*.go and in migrations/sqlite.

const (
	// busyTimeout (ms) is how long a statement waits for another process, such
	// as a copy being made with sqlite3 by hand.
	busyTimeout = 5000
	// walLimit (bytes) is what the write-ahead log file shrinks back to.
	walLimit = 64 << 20
	// checkpointPages is how many pages (4 KiB) the log may hold before it is
	// written back: more than the default, since a group touches many pages of
	// the indexes by random ids, and the next groups touch them again.
	checkpointPages = 4000
	// writeCache (KiB) holds the indexes that groups write to: a page that is
	// not in it costs a read, and a full one is written out before its time.
	// SQLite's pages take twice their size here (a page and its header are more
	// than 4 KiB, and are given 8), and the bunker is to stay below 80 MB.
	writeCache = 1 << 10
	// readerCache is the page cache of one reading connection, in SQLite's form
	// (negative: KiB). A reader forgets all of its pages at every commit of the
	// writer, so a large cache would hold memory and help nobody.
	readerCache = -64
	// quickCheckMax (bytes) is the largest database that is checked for damage
	// at each start; doctor checks larger ones.
	quickCheckMax = 64 << 20
)

// sqliteEngine is a file and what SQLite puts beside it.
type sqliteEngine struct {
	path   string
	moving bool // into it: the folder says that the store is elsewhere
}

func (e *sqliteEngine) place() string { return e.path }

func (e *sqliteEngine) words() *dialect {
	return &dialect{
		goose: goose.DialectSQLite3, migrations: "migrations/sqlite",
		beginWrite: "BEGIN IMMEDIATE", // locks every row
		beginRead:  "BEGIN", otherWrites: "PRAGMA data_version", hexOf: "lower(hex(", hexEnd: "))", noBytes: "x''",
		deferReferences: "PRAGMA defer_foreign_keys = 1",
	}
}

func (e *sqliteEngine) prepareFolder() (existed bool, err error) {
	if !e.moving {
		if err := unmarked(e.path); err != nil {
			return false, err
		}
	}
	return makeFile(e.path)
}

// opened implements engine.
func (e *sqliteEngine) opened() error { return nil }

// gone implements engine: a file does not go away.
func (e *sqliteEngine) gone(*sql.Conn) bool { return false }

func dsn(path string, pragmas ...string) string {
	q := url.Values{"_txlock": {"immediate"}, "_defensive": {"1"}}
	q["_pragma"] = append([]string{
		fmt.Sprintf("busy_timeout(%d)", busyTimeout),
		"foreign_keys(1)", "trusted_schema(0)", "cell_size_check(1)",
	}, pragmas...)
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// openWrite opens the one handle that writes: one connection, for good.
func (e *sqliteEngine) openWrite(ctx context.Context) (*sql.DB, *sql.Conn, error) {
	db, err := sql.Open("sqlite", dsn(e.path,
		"journal_mode(WAL)", "synchronous(FULL)", "secure_delete(FAST)",
		fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages),
		fmt.Sprintf("cache_size(-%d)", writeCache), fmt.Sprintf("journal_size_limit(%d)", walLimit)))
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	// A file system without shared memory would fall back to another mode, and
	// FULL is what makes a commit durable: check, do not hope.
	var mode string
	var sync int
	err = errors.Join(
		conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode),
		conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync))
	if err == nil && (mode != "wal" || sync < 2) {
		err = fmt.Errorf("journal mode %s and synchronous %d, not wal and full: is the data folder on a network file system?", mode, sync)
	}
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close(), db.Close())
	}
	return db, conn, nil
}

// openRead opens the handle that only reads. query_only, since the driver
// ignores read-only transactions.
func (e *sqliteEngine) openRead() (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(e.path, "query_only(1)", fmt.Sprintf("cache_size(%d)", readerCache)))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(readers + extraReaders)
	db.SetMaxIdleConns(readers + extraReaders)
	return db, nil
}

// backup implements engine.
func (e *sqliteEngine) backup(ctx context.Context, path string) error {
	return copyDatabase(ctx, e.path, path)
}

// copyDatabase writes a consistent copy of the open database to a new file,
// while others write.
func copyDatabase(ctx context.Context, source, path string) (err error) {
	// The file is made first for its mode: it holds what the database holds.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, fileMode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(path))
		}
	}()
	db, err := sql.Open("sqlite", dsn(source))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", path)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

func (e *sqliteEngine) damage(ctx context.Context, q querier) ([]string, error) {
	return sqliteDamage(ctx, q, false)
}

// checkAtStart looks at a database that is not too large for it before anything
// relies on it.
func (e *sqliteEngine) checkAtStart(ctx context.Context, conn *sql.Conn) error {
	info, err := os.Stat(e.path)
	if err != nil || info.Size() > quickCheckMax {
		return err
	}
	found, err := sqliteDamage(ctx, conn, true)
	if err != nil {
		return err
	}
	// The check has filled the cache with pages that nobody asks for again.
	if err := e.freeMemory(ctx, conn); err != nil {
		return err
	}
	if len(found) > 0 {
		return damagedError(e.path, found)
	}
	return nil
}

// freeMemory gives back what the connection's cache holds and can spare.
func (e *sqliteEngine) freeMemory(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "PRAGMA shrink_memory")
	return err
}

// sqliteDamage looks for damage in the database's pages and references; quick leaves
// out the comparison of indexes with their tables. It returns at most ten
// findings.
func sqliteDamage(ctx context.Context, q querier, quick bool) ([]string, error) {
	check := "PRAGMA integrity_check(10)"
	if quick {
		check = "PRAGMA quick_check(10)"
	}
	found, err := texts(ctx, q, check)
	if err != nil {
		return nil, err
	}
	if len(found) == 1 && found[0] == "ok" {
		found = nil
	}
	if quick {
		return found, nil
	}
	dangling, err := texts(ctx, q, `SELECT "table" || ' refers to a missing row of ' || parent FROM pragma_foreign_key_check LIMIT 10`)
	return append(found, dangling...), err
}

func texts(ctx context.Context, q querier, query string, args ...any) (out []string, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		out = append(out, s)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}

// noTransaction reports that there was nothing to roll back: SQLite ends a
// transaction by itself on some errors of the disk.
func noTransaction(err error) bool {
	return err != nil && strings.Contains(err.Error(), "no transaction is active")
}

// whileMigrating implements engine: the folder's lock is held, and nobody else is there.
func (e *sqliteEngine) whileMigrating(_ context.Context, _ *sql.Conn, f func() error) error {
	return f()
}

// beforeMigration copies the store beside itself.
func (e *sqliteEngine) beforeMigration(ctx context.Context, at int64, log *slog.Logger) error {
	kept := fmt.Sprintf("%s.before-migration-from-%d", e.path, at)
	if err := os.Remove(kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // left by a migration that failed; this one is newer
	}
	if err := copyDatabase(ctx, e.path, kept); err != nil {
		return fmt.Errorf("copying the store before its migration: %w", err)
	}
	log.Info("copied the store before migrating it", "copy", kept)
	return nil
}
