package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"

	"nsecbunker/internal/bunker"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the schema to what this program knows. A store that exists is
// kept as it was first, where the engine can; one that is newer than the program is
// left alone.
func migrate(ctx context.Context, e engine, db *sql.DB, existed bool, log *slog.Logger) error {
	dir, err := fs.Sub(migrations, e.words().migrations)
	if err != nil {
		return err
	}
	return migrateWith(ctx, e, db, dir, existed, log)
}

func migrateWith(ctx context.Context, e engine, db *sql.DB, dir fs.FS, existed bool, log *slog.Logger) error {
	list, err := readMigrations(dir)
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	p, err := goose.NewProvider(e.words().goose, db, nil, goose.WithGoMigrations(list...), goose.WithDisableGlobalRegistry(true), goose.WithSlog(log))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	known := p.ListSources()
	newest := known[len(known)-1].Version
	if existed {
		at, err := schemaVersion(ctx, e, db)
		switch {
		case err != nil:
			return err
		case at > newest && e.words().rolling:
			return serves(ctx, e, db, at, newest)
		case at > newest:
			return bunker.Errorf(bunker.CodeError, "the store %s was written by a newer nsecbunker (schema %d, this one knows %d); run that version again, or restore the copy that was made before its update", e.place(), at, newest)
		case at == newest:
			return nil
		case at > 0:
			if err := e.beforeMigration(ctx, at, log); err != nil {
				return err
			}
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrating the store: %w", err)
	}
	return nil
}

// readMigrations gives each file to the database as it is, in a transaction of its own:
// both engines tell statements apart themselves. goose would read each line with a
// buffer of 4 MiB, which took longer than the migrations do.
func readMigrations(dir fs.FS) ([]*goose.Migration, error) {
	names, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, err
	}
	var out []*goose.Migration
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		up := func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
		out = append(out, goose.NewGoMigration(version, &goose.GoFunc{RunTx: up}, nil))
	}
	return out, nil
}

// schemaVersion reads goose's table without making one.
func schemaVersion(ctx context.Context, e engine, q querier) (v int64, err error) {
	there, err := e.hasTable(ctx, q, "goose_db_version")
	if err != nil || !there {
		return 0, err
	}
	err = q.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&v)
	return v, err
}

// serves refuses a schema that is newer than the program, unless it says that such a
// program can still serve it: then instances of two versions run side by side while one
// after another is replaced.
func serves(ctx context.Context, e engine, q querier, at, newest int64) error {
	var minimum int64
	if err := q.QueryRowContext(ctx, `SELECT minimum FROM schema_rule WHERE id = 1`).Scan(&minimum); err != nil {
		return err
	}
	if minimum > newest {
		return tooOldFor(e, at, minimum, newest)
	}
	return nil
}

func tooOldFor(e engine, at, minimum, newest int64) error {
	return bunker.Errorf(bunker.CodeError, "the store %s was brought up to date by a newer nsecbunker (schema %d) and can be served by programs that know schema %d only (this one knows %d); start the newer version", e.place(), at, minimum, newest)
}

// newestSchema is the last migration that this program knows.
func newestSchema(d *dialect) (int64, error) {
	names, err := fs.Glob(migrations, d.migrations+"/*.sql")
	if err != nil {
		return 0, err
	}
	return goose.NumericComponent(names[len(names)-1])
}

// sameSchema refuses a store whose schema is not the one that this program was started
// with: another may have brought it up to date while this one was cut off.
func (s *Store) sameSchema(ctx context.Context) error {
	at, err := schemaVersion(ctx, s.engine, s.write)
	if err != nil {
		return err
	}
	newest, err := newestSchema(s.sql)
	if err == nil && at > newest && s.sql.rolling {
		return serves(ctx, s.engine, s.write, at, newest)
	}
	if err == nil && at != newest {
		err = bunker.Errorf(bunker.CodeError, "the store %s has another schema by now (%d, this nsecbunker knows %d); start the newer version", s.engine.place(), at, newest)
	}
	return err
}
