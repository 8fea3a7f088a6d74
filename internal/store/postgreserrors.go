package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"nsecbunker/internal/bunker"
)

// postgresTrouble sorts errors by their SQLSTATE (PostgreSQL, Appendix A).
func postgresTrouble(err error) trouble {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return connectionTrouble(err)
	}
	switch e.Code {
	case "53100": // disk_full
		return diskFull
	case "25006": // read_only_sql_transaction
		return notWritable
	case "58030": // io_error
		return diskError
	case "55P03", "40P01", "40001", "57014": // lock_not_available, deadlock_detected, serialization_failure, query_canceled
		return busy
	case "57P01", "57P02", "57P03", "57P05", "25P03": // the server ends, or begins, or ends an idle session
		return unreachable
	case "3D000", "3F000": // invalid_catalog_name, invalid_schema_name
		return notThere
	case "53300": // too_many_connections
		return crowded
	case "23505": // unique_violation
		return duplicate
	case "42501": // insufficient_privilege
		return refused
	}
	switch e.Code[:min(2, len(e.Code))] {
	case "08":
		return unreachable
	case "28": // invalid_authorization_specification
		return refused
	case "22", "23": // data_exception, integrity_constraint_violation
		return constraint
	case "XX": // internal_error, data_corrupted, index_corrupted
		return damaged
	}
	return otherTrouble
}

// connectionTrouble sorts what the server did not say.
func connectionTrouble(err error) trouble {
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || err != nil && pgconn.SafeToRetry(err) {
		return unreachable
	}
	return otherTrouble
}

func (e *postgresEngine) sentence(t trouble, doing string) *bunker.Error {
	at := e.place()
	switch t {
	case diskFull:
		return bunker.Errorf(bunker.CodeError, "the disk of the server that has the %s is full, so nothing was stored; free some space there and try again", at)
	case notWritable:
		return bunker.Errorf(bunker.CodeError, "the %s takes no writes now; make it writable (default_transaction_read_only), or name the primary server", at)
	case damaged:
		return bunker.Errorf(bunker.CodeError, "the %s reports damage or an error of its own; look at the server's log, keep its files, and restore the last backup", at).
			WithHint("nsecbunker backup restore FILE")
	case diskError:
		return bunker.Errorf(bunker.CodeError, "the disk of the server that has the %s reports an error; look at the server's log", at)
	case busy:
		return bunker.Errorf(bunker.CodeError, "another session holds rows of the %s locked; end it and try again", at)
	case unreachable:
		return bunker.Errorf(bunker.CodeError, "the %s cannot be reached, so nothing was stored; see that the server runs and that this machine may connect to it", at)
	case refused:
		return bunker.Errorf(bunker.CodeError, "the server refuses the user %q to the %s; see the password (PGPASSWORD or PGPASSFILE), pg_hba.conf, and that the database belongs to that user", e.config.User, at)
	case notThere:
		return bunker.Errorf(bunker.CodeNotFound, "there is no %s; make it first", at).WithHint("createdb --encoding UTF8 %s", e.config.Database)
	case crowded:
		return bunker.Errorf(bunker.CodeError, "the server of the %s has no connection left; this bunker needs %d (max_connections)", at, readers+extraReaders+2)
	}
	return bunker.Errorf(bunker.CodeError, "%s failed; the log says why", doing)
}
