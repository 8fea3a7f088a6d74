package store

import (
	"database/sql"
	"errors"
	"path/filepath"
	"strings"

	"nsecbunker/internal/bunker"
)

// explain turns an engine's error into a sentence that says what happened and
// what to do. An error that has such words already is left alone.
func (s *Store) explain(doing string, err error) error { return explain(s.path, doing, err) }

func explain(path, doing string, err error) error {
	if err == nil {
		return nil
	}
	var known *bunker.Error
	if errors.As(err, &known) || errors.Is(err, bunker.ErrTampered) {
		return err
	}
	dir := filepath.Dir(path)
	var e *bunker.Error
	switch troubleOf(err) {
	case diskFull:
		e = bunker.Errorf(bunker.CodeError, "the disk that holds %s is full, so nothing was stored; free some space and try again", dir).
			WithHint("df -h %s", dir)
	case notWritable:
		e = bunker.Errorf(bunker.CodeError, "the database %s cannot be opened for writing; check that the folder belongs to the user who runs nsecbunker and that its disk is not read-only", path).
			WithHint("ls -ld %s", dir)
	case damaged:
		e = bunker.Errorf(bunker.CodeError, "the database %s is damaged or is no database of nsecbunker; stop the bunker, keep the file, and restore the last backup", path).
			WithHint("nsecbunker backup restore FILE")
	case diskError:
		e = bunker.Errorf(bunker.CodeError, "the disk that holds %s reports an error; look at the system's log and restore the last backup on a sound disk if it persists", dir)
	case busy:
		e = bunker.Errorf(bunker.CodeError, "another program holds the database %s locked; end it and try again", path)
	default:
		e = bunker.Errorf(bunker.CodeError, "%s failed; the log says why", doing)
	}
	return e.WithCause(err)
}

// Sealed reports whether err says that the tenant is sealed.
func Sealed(err error) bool {
	var e *bunker.Error
	return errors.As(err, &e) && e.Code == bunker.CodeSealed
}

func notFound(what, id string) error {
	return bunker.Errorf(bunker.CodeNotFound, "there is no %s %q", what, id)
}

// orNotFound turns "no rows" into a sentence.
func orNotFound(err error, what, id string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return notFound(what, id)
	}
	return err
}

func conflict(format string, args ...any) *bunker.Error {
	return bunker.Errorf(bunker.CodeConflict, format, args...)
}

func damagedError(path string, found []string) error {
	return bunker.Errorf(bunker.CodeError, "the database %s is damaged; stop the bunker, keep the file, and restore the last backup", path).
		WithHint("nsecbunker backup restore FILE").WithCause(errors.New(strings.Join(found, "; ")))
}
