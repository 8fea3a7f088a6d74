package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/pressly/goose/v3"

	"nsecbunker/internal/bunker"
)

//go:embed migrations
var migrations embed.FS

// migrate brings the schema to what this program knows. A store that exists is
// copied beside itself first; one that is newer than the program is left alone.
func migrate(ctx context.Context, db *sql.DB, path string, existed bool, log *slog.Logger) error {
	dir, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	return migrateWith(ctx, db, dir, path, existed, log)
}

func migrateWith(ctx context.Context, db *sql.DB, dir fs.FS, path string, existed bool, log *slog.Logger) error {
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithDisableGlobalRegistry(true), goose.WithSlog(log))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	known := p.ListSources()
	newest := known[len(known)-1].Version
	if existed {
		at, err := schemaVersion(ctx, db)
		switch {
		case err != nil:
			return err
		case at > newest:
			return bunker.Errorf(bunker.CodeError, "the store %s was written by a newer nsecbunker (schema %d, this one knows %d); run that version again, or restore the copy that was made before its update", path, at, newest)
		case at == newest:
			return nil
		case at > 0:
			if err := copyBefore(ctx, path, at, log); err != nil {
				return err
			}
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrating the store: %w", err)
	}
	return nil
}

// schemaVersion reads goose's table without making one.
func schemaVersion(ctx context.Context, db *sql.DB) (v int64, err error) {
	var tables int
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'goose_db_version'").Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied = 1").Scan(&v)
	return v, err
}

func copyBefore(ctx context.Context, path string, at int64, log *slog.Logger) error {
	kept := fmt.Sprintf("%s.before-migration-from-%d", path, at)
	if err := os.Remove(kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // left by a migration that failed; this one is newer
	}
	if err := copyDatabase(ctx, path, kept); err != nil {
		return fmt.Errorf("copying the store before its migration: %w", err)
	}
	log.Info("copied the store before migrating it", "copy", kept)
	return nil
}
