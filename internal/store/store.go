package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"nsecbunker/internal/bunker"
)

const (
	// readers are kept with their prepared statements for [Store.View].
	readers = 4
	// extraReaders serve lists, sweeps and exports beside them.
	extraReaders = 4
	// reconnectTimeout is how long a commit waits for a database that went away; then
	// it fails, and the next one tries again.
	reconnectTimeout = 10 * time.Second
)

// Config is what Open needs; all fields but Faults, Flags and Committed.
type Config struct {
	// Path is SQLite's file; its folder is the data folder, also where the database
	// is elsewhere.
	Path string
	// Database is the URL of a PostgreSQL database, see CheckDatabase; "": SQLite.
	Database string
	// Shared: other instances that say so, too, use the database at the same time.
	Shared bool
	Auth   Authenticator
	// Flags authenticates what a sealed tenant must still do. Without it the
	// flags hold, unauthenticated.
	Flags  FlagAuthenticator
	Now    func() time.Time
	Log    *slog.Logger
	Faults Faults // tests only
	// Committed is told, after the commit, that a tenant has records which somebody may
	// want to hear of (see Happened). It must return at once: the store calls it
	// with its locks held. nil: nobody wants to.
	Committed func(bunker.TenantID)
	// Ready is called when the store is open and nothing has been done with it yet. nil:
	// nothing is to be done.
	Ready func(ctx context.Context, s *Store) error
}

// Store is an open database. All methods are safe for concurrent use.
type Store struct {
	engine   engine
	sql      *dialect
	instance string // this process, as publisher
	auth     Authenticator
	flags    FlagAuthenticator
	log      *slog.Logger
	faults   Faults
	clock    *clock
	lock     *Lock
	// committed is Config.Committed, or does nothing.
	committed func(bunker.TenantID)

	writing sync.Mutex // held by the one transaction that writes
	writeDB *sql.DB
	write   *sql.Conn
	stmts   [stmtCount]*sql.Stmt // those that return rows
	direct  [stmtCount]statement // the others

	read     *sql.DB
	viewers  chan *viewer
	views    viewCache
	policies policyCache
	budgets  usedCache
	touched  bool     // the change has written rows of budgets; guarded by writing
	control  *control // nil: no other instance shares the store
	reached  atomic.Pointer[time.Time]
	beside   int64 // what otherWrites said last; guarded by writing

	queue   chan *waiting
	of      bunker.TenantID // whose entry was committed last; the committer's own
	shared  bool            // there was more than one tenant's; the committer's own
	lazy    lazyBox
	running atomic.Bool
	stopped chan struct{} // closed when Run ends
}

// Open opens the store, making it where there is none, takes the lock of its
// folder and brings its schema up to date. Its errors are sentences for people.
func Open(ctx context.Context, c Config) (*Store, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, err
	}
	e, err := engineOf(&c, path)
	if err != nil {
		return nil, err
	}
	lock, err := LockFolder(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return openOn(ctx, e, c, lock)
}

func (c *Config) check() error {
	if c.Path == "" || c.Auth == nil || c.Now == nil || c.Log == nil {
		return errors.New("store: path, auth, now and log are needed")
	}
	return nil
}

// openOn opens a store under the lock of its folder, which goes with it; nil: the
// caller holds that.
func openOn(ctx context.Context, e engine, c Config, lock *Lock) (*Store, error) {
	s := &Store{
		engine: e, sql: e.words(), instance: randomName(), auth: c.Auth, flags: c.Flags, log: c.Log, faults: c.Faults, clock: newClock(c.Now), lock: lock,
		viewers: make(chan *viewer, readers), queue: make(chan *waiting, maxWaiting), stopped: make(chan struct{}),
	}
	if s.committed = c.Committed; s.committed == nil {
		s.committed = func(bunker.TenantID) {}
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(s.explain("opening the store", err), s.Close())
	}
	if c.Ready != nil {
		if err := c.Ready(ctx, s); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	existed, err := s.engine.prepareFolder()
	if err != nil {
		return err
	}
	if s.writeDB, s.write, err = s.engine.openWrite(ctx); err != nil {
		return err
	}
	if existed {
		if err := s.engine.checkAtStart(ctx, s.write); err != nil {
			return err
		}
	}
	err = s.engine.whileMigrating(ctx, s.write, func() error {
		// goose takes a connection of its own from the handle.
		s.writeDB.SetMaxOpenConns(2)
		defer s.writeDB.SetMaxOpenConns(1)
		return migrate(ctx, s.engine, s.writeDB, existed, s.log)
	})
	if err != nil {
		return err
	}
	if err := s.createTenant(ctx, bunker.SelfHosted); err != nil {
		return err
	}
	if err := s.openControl(ctx); err != nil {
		return err
	}
	var last int64
	if err := s.write.QueryRowContext(ctx, `SELECT coalesce(max(ledger_time), 0) FROM tenant_head`).Scan(&last); err != nil {
		return err
	}
	s.clock.committedAt(last)
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if _, err := s.editedBeside(); err != nil { // to compare with
		return err
	}
	if s.read, err = s.engine.openRead(); err != nil {
		return err
	}
	for range readers {
		v, err := newViewer(ctx, s)
		if err != nil {
			return err
		}
		s.viewers <- v
	}
	return s.engine.opened()
}

// FreeMemory gives back what reading everything has left in the caches of pages.
func (s *Store) FreeMemory(ctx context.Context) error {
	s.writing.Lock()
	err := s.engine.freeMemory(ctx, s.write)
	s.writing.Unlock()
	errs := []error{err}
	for range readers {
		v := <-s.viewers
		errs = append(errs, s.engine.freeMemory(ctx, v.conn))
		s.viewers <- v
	}
	s.closeIdleReaders()
	return s.explain("giving back memory", errors.Join(errs...))
}

// closeIdleReaders closes the reading connections beside the viewers that nobody has in
// hand; they are opened again when they are needed.
func (s *Store) closeIdleReaders() {
	s.read.SetMaxIdleConns(0)
	s.read.SetMaxIdleConns(extraReaders)
}

// Close ends the store after Run has returned. What still waits is not stored.
func (s *Store) Close() error {
	var errs []error
	for range len(s.viewers) {
		errs = append(errs, s.closeViewer(<-s.viewers))
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.control != nil {
		errs = append(errs, s.control.db.Close())
	}
	errs = append(errs, s.closeWrite())
	if s.lock != nil {
		errs = append(errs, s.lock.Release())
	}
	return errors.Join(errs...)
}

// closeWrite closes the connection that writes. Of one that is gone nothing is to be
// closed, and nothing to be complained of.
func (s *Store) closeWrite() error {
	if s.write == nil {
		return nil
	}
	var errs []error
	for i, st := range s.stmts {
		if st != nil {
			errs = append(errs, st.Close())
		}
		s.stmts[i] = nil
	}
	for i, d := range s.direct {
		errs = append(errs, d.close(s.write))
		s.direct[i] = statement{}
	}
	errs = append(errs, s.write.Close(), s.writeDB.Close())
	s.write, s.writeDB = nil, nil
	if err := errors.Join(errs...); troubleOf(err) != unreachable {
		return err
	}
	return nil
}

// reconnect opens another connection for writing where the last one is gone. Nobody
// else has written in between that holds what we hold: see the engine.
func (s *Store) reconnect() (err error) {
	if s.write != nil && !s.engine.gone(s.write) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), reconnectTimeout)
	defer cancel()
	if err := s.closeWrite(); err != nil {
		return err
	}
	if s.writeDB, s.write, err = s.engine.openWrite(ctx); err != nil {
		return err
	}
	if err = s.sameSchema(ctx); err == nil {
		err = s.prepare(ctx)
	}
	if err != nil {
		return errors.Join(err, s.closeWrite())
	}
	s.log.Info("connected to the database again")
	return nil
}

func randomName() string {
	var b [8]byte
	rand.Read(b[:]) // never fails since Go 1.24: it ends the process instead
	return hex.EncodeToString(b[:])
}

// newIncarnation names one life of a store.
func newIncarnation() string { return "i" + randomName() }
