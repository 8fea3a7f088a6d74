package store

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"nsecbunker/internal/bunker"
)

// explain turns an engine's error into a sentence that says what happened and
// what to do. An error that has such words already is left alone.
func (s *Store) explain(doing string, err error) error { return explain(s.engine, doing, err) }

func explain(e engine, doing string, err error) error {
	if err == nil {
		return nil
	}
	var known *bunker.Error
	if errors.As(err, &known) || errors.Is(err, bunker.ErrTampered) {
		return err
	}
	return e.sentence(troubleOf(err), doing).WithCause(fmt.Errorf("%w: %w", bunker.ErrStore, err))
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
