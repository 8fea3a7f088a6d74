package store

import (
	"errors"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"nsecbunker/internal/bunker"
)

// sqliteTrouble sorts errors by SQLite's result codes.
func sqliteTrouble(err error) trouble {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return otherTrouble
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return duplicate
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return diskFull
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return notWritable
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT:
		return damaged
	case sqlite3.SQLITE_IOERR:
		return diskError
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return busy
	case sqlite3.SQLITE_CONSTRAINT:
		return constraint
	}
	return otherTrouble
}

func (e *sqliteEngine) sentence(t trouble, doing string) *bunker.Error {
	dir := filepath.Dir(e.path)
	switch t {
	case diskFull:
		return bunker.Errorf(bunker.CodeError, "the disk that holds %s is full, so nothing was stored; free some space and try again", dir).
			WithHint("df -h %s", dir)
	case notWritable:
		return bunker.Errorf(bunker.CodeError, "the database %s cannot be opened for writing; check that the folder belongs to the user who runs nsecbunker and that its disk is not read-only", e.path).
			WithHint("ls -ld %s", dir)
	case damaged:
		return bunker.Errorf(bunker.CodeError, "the database %s is damaged or is no database of nsecbunker; stop the bunker, keep the file, and restore the last backup", e.path).
			WithHint("nsecbunker backup restore FILE")
	case diskError:
		return bunker.Errorf(bunker.CodeError, "the disk that holds %s reports an error; look at the system's log and restore the last backup on a sound disk if it persists", dir)
	case busy:
		return bunker.Errorf(bunker.CodeError, "another program holds the database %s locked; end it and try again", e.path)
	}
	return bunker.Errorf(bunker.CodeError, "%s failed; the log says why", doing)
}
