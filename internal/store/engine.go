package store

import (
	"context"
	"database/sql"
	"log/slog"

	"github.com/pressly/goose/v3"

	"nsecbunker/internal/bunker"
)

// engine is what differs between the databases that a store can lie in: SQLite
// (sqlite.go) and PostgreSQL (postgres.go). Everything else is SQL that both take.
type engine interface {
	// place names the database in sentences for people. It holds no password.
	place() string
	// words is how the few texts are written that are not the same on both.
	words() *dialect
	// prepareFolder makes what has to be there before the first connection, and
	// reports whether there is a store already.
	prepareFolder() (existed bool, err error)
	// opened is told when the store is open and whole.
	opened() error
	// openWrite opens the one connection that writes. What it needs to be durable, and
	// to be the only one that writes, is checked or taken here.
	openWrite(ctx context.Context) (*sql.DB, *sql.Conn, error)
	openRead() (*sql.DB, error)
	// gone reports whether a connection has ended for good, so that another one has to
	// be opened: that of a server can.
	gone(*sql.Conn) bool
	// direct prepares a statement that returns no rows past database/sql.
	direct(ctx context.Context, conn *sql.Conn, text string) (statement, error)
	// checkAtStart refuses a store that existed and may not be opened: it is damaged, where
	// that is cheap to see, or lives elsewhere by now.
	checkAtStart(ctx context.Context, conn *sql.Conn) error
	// damage names what is broken, at most some dozen.
	damage(ctx context.Context, q querier) ([]string, error)
	freeMemory(ctx context.Context, conn *sql.Conn) error
	// hasTable reports whether the schema has a table.
	hasTable(ctx context.Context, q querier, name string) (bool, error)
	// whileMigrating runs f, which looks at the schema and brings it up to date, while no
	// other instance does.
	whileMigrating(ctx context.Context, conn *sql.Conn, f func() error) error
	// beforeMigration keeps what a migration that fails halfway could spoil.
	beforeMigration(ctx context.Context, at int64, log *slog.Logger) error
	// backup writes a consistent copy, as an SQLite file, to a new file.
	backup(ctx context.Context, path string) error
	// sentence says what a trouble means here, and what to do.
	sentence(t trouble, doing string) *bunker.Error
	// tables returns the tables of the schema, without goose's own, in order of name, and
	// columns those of one of them, in order of name.
	tables(ctx context.Context, q querier) ([]string, error)
	columns(ctx context.Context, q querier, table string) ([]string, error)
	// schema is the schema as text, for the golden file.
	schema(ctx context.Context, q querier) ([]string, error)
}

// dialect is the part of SQL that is not the same on both.
type dialect struct {
	goose      goose.Dialect
	migrations string // the folder of its migrations

	// rolling: programs of several versions serve the store at once, so a newer schema is
	// taken, where it says that it can be.
	rolling bool

	beginWrite string
	beginRead  string // of one moment
	forUpdate  string // locks the rows of a SELECT
	// skipLocked, at the end of a SELECT from request r, leaves rows to another
	// instance that is at them.
	skipLocked string
	// returningNo, at the end of an INSERT, has it return the row's number where the
	// driver does not.
	returningNo string
	// otherWrites is a query for a number that changes when anything but the handle
	// that asks has written; "": there is none, and nothing that was read is relied on.
	otherWrites string
	// hexOf begins the expression for bytes in lower hex digits, hexEnd ends it.
	hexOf, hexEnd string
	// noBytes are bytes, none of them.
	noBytes string
	// deferReferences has references checked at the end of the transaction only.
	deferReferences string
	// afterCopy is a query that sets right what copied rows leave as it was; "": nothing.
	afterCopy string
}

// statement is one of the groups', prepared, on either engine. It is no interface: with
// one, the arguments of each call would have to lie on the heap.
type statement struct {
	lite *sqliteDirect
	pg   *postgresDirect
}

// run executes the statement on the connection that it was prepared on. Arguments are
// int64, string, []byte or nil.
func (st statement) run(conn *sql.Conn, args []any) (sql.Result, error) {
	if st.lite != nil {
		return st.lite.run(conn, args)
	}
	return st.pg.run(conn, args)
}

func (st statement) close(conn *sql.Conn) error {
	switch {
	case st.lite != nil:
		return st.lite.close(conn)
	case st.pg != nil:
		return st.pg.close(conn)
	}
	return nil
}

// engineOf chooses the engine of a configuration.
func engineOf(c *Config, path string) (engine, error) {
	switch {
	case c.Database == "" && c.Shared:
		return nil, bunker.Errorf(bunker.CodeInvalid, "several instances share a PostgreSQL database, not a file: name it with --database, or start without --shared").In("shared")
	case c.Database == "":
		return &sqliteEngine{path: path}, nil
	}
	e, err := newPostgres(c.Database, path)
	if err != nil {
		return nil, err
	}
	e.shared = c.Shared
	return e, nil
}

// text is a statement of the groups as the engine takes it.
func (d *dialect) text(id stmtID) string {
	switch text := statements[id].text; id {
	case stmtBegin:
		return d.beginWrite
	case stmtBeside:
		return d.otherWrites
	case stmtReadHead:
		return text + d.forUpdate
	case stmtCharge, stmtWindow, stmtSpent:
		if logged := d.otherWrites != ""; logged == (id == stmtCharge) {
			return "" // see budgetlog.go
		}
		return text
	case stmtRequest, stmtReady:
		return text + d.returningNo
	default:
		return text
	}
}

// trouble is an engine's error in the few kinds that people can do something
// about.
type trouble int

const (
	otherTrouble trouble = iota
	diskFull
	notWritable
	damaged
	diskError
	busy
	unreachable // the server is not there, or ended the connection
	refused     // the server does not let us in
	notThere    // the server has no such database
	crowded     // the server has no connection left
	duplicate   // a unique or primary key exists already
	constraint  // another rule of the schema, or a value that the engine cannot hold
)

func troubleOf(err error) trouble {
	if t := sqliteTrouble(err); t != otherTrouble {
		return t
	}
	return postgresTrouble(err)
}
