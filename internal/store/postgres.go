package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"nsecbunker/internal/bunker"
)

// What is PostgreSQL's alone stands in the files postgres*.go and in
// migrations/postgres.

const (
	// minPostgres is the oldest major version of the server that is taken.
	minPostgres = 14
	// connectTimeout is how long one try to reach the server may take.
	connectTimeout = 5 * time.Second
	// lockTimeout is how long a statement waits for another session's lock, as
	// busyTimeout does for SQLite.
	lockTimeout = 5 * time.Second
	// A side that does not answer any more is noticed after about keepIdle +
	// keepProbes * keepEvery.
	keepIdle   = 5 * time.Second
	keepEvery  = 2 * time.Second
	keepProbes = 3
)

// postgresEngine is a database of a PostgreSQL server.
type postgresEngine struct {
	config *pgx.ConnConfig
	path   string // where SQLite's file would be
	moving bool   // into it: it may be half done
	shared bool   // with other instances that say so, too
	own    int64  // the lock that is this engine's alone
}

// CheckDatabase reports what is wrong with the URL of a PostgreSQL database. It names
// a database and no password: that comes from where libpq looks for it, PGPASSWORD or
// the file that PGPASSFILE names.
func CheckDatabase(database string) error {
	_, err := newPostgres(database, "")
	return err
}

// DescribeDatabase names a database in sentences.
func DescribeDatabase(database string) string {
	e, err := newPostgres(database, "")
	if err != nil {
		return "a database whose URL cannot be read"
	}
	return e.place()
}

func badDatabase(format string, args ...any) *bunker.Error {
	return bunker.Errorf(bunker.CodeInvalid, format, args...).In("database")
}

func newPostgres(database, path string) (*postgresEngine, error) {
	u, err := url.Parse(database)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		// What was given is not repeated: it could hold a password.
		return nil, badDatabase("the database is no URL of PostgreSQL; write for example postgres://nsecbunker@db.example/bunker")
	}
	q := u.Query()
	if _, has := u.User.Password(); has || q.Has("password") || q.Has("sslpassword") {
		return nil, badDatabase("the database's URL holds a password, which others could read (in the list of processes, in a printed configuration); leave it out and give it by the environment (PGPASSWORD) or in a file of mode 0600 (PGPASSFILE)")
	}
	c, err := pgx.ParseConfig(database)
	if err != nil {
		return nil, badDatabase("the database's URL cannot be used; write for example postgres://nsecbunker@db.example/bunker").WithCause(err)
	}
	// Left to itself, the driver would take a connection without TLS when the server, or
	// whoever answers in its place, offers none.
	if !q.Has("sslmode") && os.Getenv("PGSSLMODE") == "" && !onThisMachine(c) {
		q.Set("sslmode", "verify-full")
		u.RawQuery = q.Encode()
		if c, err = pgx.ParseConfig(u.String()); err != nil {
			return nil, badDatabase("the database's URL cannot be used with TLS").WithCause(err)
		}
	}
	c.DefaultQueryExecMode = pgx.QueryExecModeExec // the types of parameters are those of their values
	c.StatementCacheCapacity, c.DescriptionCacheCapacity = 0, 0
	c.RuntimeParams["application_name"] = whoWeAre()
	c.RuntimeParams["lock_timeout"] = fmt.Sprint(lockTimeout.Milliseconds())
	// The server, too, notices that this side is gone, and gives the lock free.
	c.RuntimeParams["tcp_keepalives_idle"] = fmt.Sprint(int(keepIdle.Seconds()))
	c.RuntimeParams["tcp_keepalives_interval"] = fmt.Sprint(int(keepEvery.Seconds()))
	c.RuntimeParams["tcp_keepalives_count"] = fmt.Sprint(keepProbes)
	if c.ConnectTimeout == 0 || c.ConnectTimeout > connectTimeout {
		c.ConnectTimeout = connectTimeout
	}
	c.DialFunc = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepIdle, Interval: keepEvery, Count: keepProbes}}).DialContext
	return &postgresEngine{config: c, path: path, own: newOwnLock()}, nil
}

// onThisMachine reports whether every server of a configuration is on this machine.
func onThisMachine(c *pgx.ConnConfig) bool {
	hosts := []string{c.Host}
	for _, f := range c.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	for _, h := range hosts {
		ip := net.ParseIP(h)
		if !strings.HasPrefix(h, "/") && h != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

// maxName is how many bytes PostgreSQL keeps of a session's name.
const maxName = 63

// whoWeAre is what a session is called in the server: who is told of it knows where
// to look.
func whoWeAre() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	name := fmt.Sprintf("nsecbunker, process %d on %s", os.Getpid(), host)
	return name[:min(len(name), maxName)]
}

func (e *postgresEngine) place() string {
	return fmt.Sprintf("PostgreSQL database %q at %s", e.config.Database, net.JoinHostPort(e.config.Host, fmt.Sprint(e.config.Port)))
}

func (e *postgresEngine) words() *dialect {
	return &dialect{
		goose: goose.DialectPostgres, migrations: "migrations/postgres",
		beginWrite: "BEGIN ISOLATION LEVEL READ COMMITTED", beginRead: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		rolling: e.shared, forUpdate: " FOR UPDATE", skipLocked: " FOR UPDATE OF r SKIP LOCKED", returningNo: " RETURNING no",
		hexOf: "encode(", hexEnd: ", 'hex')", noBytes: "''::bytea",
		deferReferences: "SET CONSTRAINTS ALL DEFERRED",
		// A request's number is never another's.
		afterCopy: "SELECT setval(pg_get_serial_sequence('request', 'no'), (SELECT coalesce(max(no), 0) + 1 FROM request), false)",
	}
}

// prepareFolder implements engine: whether there is a store the server knows.
func (e *postgresEngine) prepareFolder() (bool, error) {
	if e.moving {
		return true, nil
	}
	return true, noFile(e.path)
}

// opened implements engine.
func (e *postgresEngine) opened() error {
	if e.moving {
		return nil
	}
	return mark(e.path, e.place())
}

// openWrite opens the connection that writes. It holds the lock of the database: a
// connection that is gone has lost both, so nobody writes without the lock, and who has
// got it again knows that nothing of before is still under way.
func (e *postgresEngine) openWrite(ctx context.Context) (*sql.DB, *sql.Conn, error) {
	c := e.config.Copy()
	if e.shared {
		c.RuntimeParams["idle_in_transaction_session_timeout"] = fmt.Sprint(idleInTransaction.Milliseconds())
	}
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	if err = e.fit(ctx, conn); err == nil {
		err = e.lock(ctx, conn)
	}
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close(), db.Close())
	}
	return db, conn, nil
}

// fit refuses a server that does not keep what it says it has stored.
func (e *postgresEngine) fit(ctx context.Context, conn *sql.Conn) error {
	var (
		version  int
		encoding string
		standby  bool
	)
	err := conn.QueryRowContext(ctx, `SELECT CAST(current_setting('server_version_num') AS INTEGER), current_setting('server_encoding'), pg_is_in_recovery()`).
		Scan(&version, &encoding, &standby)
	if err != nil {
		return err
	}
	switch {
	case version < minPostgres*10_000:
		return bunker.Errorf(bunker.CodeError, "the server of the %s is too old (version %d); PostgreSQL %d or newer is needed", e.place(), version/10_000, minPostgres)
	case encoding != "UTF8":
		return bunker.Errorf(bunker.CodeError, "the %s has the encoding %s; make one with UTF8", e.place(), encoding).
			WithHint("createdb --encoding UTF8 --template template0 NAME")
	case standby:
		return bunker.Errorf(bunker.CodeError, "the server of the %s is a standby, which takes no writes; name the primary", e.place())
	}
	loose, err := e.loose(ctx, conn)
	if err != nil {
		return err
	}
	if len(loose) > 0 {
		return bunker.Errorf(bunker.CodeError, "the %s does not keep what it has confirmed: %s; a crash could then forget a signature that was sent", e.place(), strings.Join(loose, ", "))
	}
	// As it is now, whatever becomes of the server's configuration.
	_, err = conn.ExecContext(ctx, `SELECT set_config('synchronous_commit', current_setting('synchronous_commit'), false)`)
	return err
}

// loose names the settings by which a commit could be lost after it was confirmed
// (security.md section 3).
func (e *postgresEngine) loose(ctx context.Context, q querier) (out []string, err error) {
	for _, name := range []string{"synchronous_commit", "fsync", "full_page_writes"} {
		var v string
		if err := q.QueryRowContext(ctx, `SELECT current_setting($1)`, name).Scan(&v); err != nil {
			return nil, err
		}
		if v == "off" {
			out = append(out, name+" is off")
		}
	}
	return out, nil
}

func (e *postgresEngine) openRead() (*sql.DB, error) {
	c := e.config.Copy()
	c.RuntimeParams["default_transaction_read_only"] = "on"
	db := stdlib.OpenDB(*c)
	db.SetMaxOpenConns(readers + extraReaders)
	db.SetMaxIdleConns(readers + extraReaders)
	return db, nil
}

func (e *postgresEngine) gone(conn *sql.Conn) bool {
	if conn == nil {
		return true
	}
	closed := true
	err := conn.Raw(func(c any) error {
		closed = c.(*stdlib.Conn).Conn().IsClosed()
		return nil
	})
	return err != nil || closed
}

// freeMemory implements engine: the pages are the server's.
func (e *postgresEngine) freeMemory(context.Context, *sql.Conn) error { return nil }

// beforeMigration implements engine: each migration is one transaction there.
func (e *postgresEngine) beforeMigration(_ context.Context, at int64, log *slog.Logger) error {
	log.Info("migrating the store", "from", at)
	return nil
}
