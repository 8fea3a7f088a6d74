package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"

	"nsecbunker/internal/bunker"
)

// BackupTo writes a consistent copy of the whole store to a new file (0600)
// while the bunker runs, and syncs it. The copy is an SQLite file, whatever the
// engine. What it holds is as secret as the store:
// keys are wrapped, names and the log are not.
func (s *Store) BackupTo(ctx context.Context, path string) error {
	err := s.engine.backup(ctx, path)
	if errors.Is(err, fs.ErrExist) {
		return bunker.Errorf(bunker.CodeConflict, "%s exists already; give the name of a new file", path).In("path")
	}
	var file *fs.PathError
	if errors.As(err, &file) {
		return bunker.Errorf(bunker.CodeError, "the copy %s cannot be written: %s", path, file.Err).In("path").WithCause(err)
	}
	if t := sqliteTrouble(err); t != otherTrouble && t != damaged { // of the copy, not of the store
		return explain(&sqliteEngine{path: path}, "copying the store", err)
	}
	return s.explain("copying the store", err)
}

// HeadOfBackup reads a tenant's state, unverified, from what BackupTo wrote: what the
// copy is of.
func HeadOfBackup(ctx context.Context, path string, t bunker.TenantID) (bunker.TenantState, error) {
	e := &sqliteEngine{path: path}
	db, err := sql.Open("sqlite", dsn(path, "query_only(1)"))
	if err != nil {
		return bunker.TenantState{}, explain(e, "reading the copy", err)
	}
	h, err := readHead(ctx, db, t, "")
	if err = errors.Join(err, db.Close()); err != nil {
		return bunker.TenantState{}, explain(e, "reading the copy", err)
	}
	return h.TenantState, nil
}
