package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"nsecbunker/internal/bunker"
)

// Moved is what a move brought.
type Moved struct {
	From, To string // as sentences name them
	Tables   map[string]int64
	Rows     int64
	Records  int64  // of the audit log, with the one that says so
	Head     string // of its chain, hex
	Kept     string // what the old store is now: a file, or "" for a database
}

// MoveToDatabase copies the store of a data folder into an empty PostgreSQL database,
// compares the two, verifies the audit chain there, and opens a new incarnation: no
// store has two lives (security.md section 3). The old one cannot be opened afterwards.
// When it fails, the old one is as it was, and the new one cannot be opened.
func MoveToDatabase(ctx context.Context, c Config, by bunker.Principal, tell Progress) (Moved, error) {
	return move(ctx, c, by, func(m *mover) (Moved, error) { return m.toDatabase(ctx, tell) })
}

// MoveToFile is MoveToDatabase the other way: from the database into the data folder.
func MoveToFile(ctx context.Context, c Config, by bunker.Principal, tell Progress) (Moved, error) {
	return move(ctx, c, by, func(m *mover) (Moved, error) { return m.toFile(ctx, tell) })
}

// mover is one move on its way.
type mover struct {
	Config
	by   bunker.Principal
	lock *Lock
	lite *sqliteEngine
	pg   *postgresEngine
}

func move(ctx context.Context, c Config, by bunker.Principal, f func(*mover) (Moved, error)) (moved Moved, err error) {
	if err := c.check(); err != nil {
		return moved, err
	}
	m := &mover{Config: c, by: by}
	if m.Path, err = filepath.Abs(c.Path); err != nil {
		return moved, err
	}
	m.lite = &sqliteEngine{path: m.Path}
	if m.pg, err = newPostgres(c.Database, m.Path); err != nil {
		return moved, err
	}
	if m.lock, err = LockFolder(filepath.Dir(m.Path)); err != nil {
		return moved, err
	}
	defer func() { err = errors.Join(err, m.lock.Release()) }()
	if moved, err = f(m); err != nil {
		return moved, explain(m.pg, "moving the store", err)
	}
	return moved, nil
}

// with opens one of the stores, runs f and closes it.
func (m *mover) with(ctx context.Context, e engine, f func(*Store) error) error {
	s, err := openOn(ctx, e, m.Config, nil)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.Close())
}

// begin opens the new life of a copy and says what it holds.
func (m *mover) begin(ctx context.Context, s *Store, from, to string, moved *Moved) error {
	tenants, err := texts(ctx, s.read, `SELECT tenant FROM tenant_head ORDER BY tenant`)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		t := bunker.TenantID(t)
		if err := s.OpenIncarnation(ctx, t, m.by, "moved from "+from+" to "+to); err != nil {
			return err
		}
		found, err := s.Check(ctx, t)
		if err != nil {
			return err
		}
		if !found.Sound() {
			return bunker.Errorf(bunker.CodeError, "the store is damaged, or its log was altered, so it was not moved; look at it with nsecbunker audit verify").
				WithCause(fmt.Errorf("%+v", found))
		}
		moved.Records, moved.Head = found.Chain.Seq, hex.EncodeToString(found.Chain.Head[:])
	}
	moved.From, moved.To, moved.Tables = from, to, map[string]int64{}
	tables, err := s.engine.tables(ctx, s.read)
	for _, t := range tables {
		var n int64
		err = errors.Join(err, s.read.QueryRowContext(ctx, `SELECT count(*) FROM `+t).Scan(&n))
		moved.Tables[t] = n
		moved.Rows += n
	}
	return err
}

func (m *mover) toDatabase(ctx context.Context, tell Progress) (moved Moved, err error) {
	if _, err := os.Stat(m.Path); errors.Is(err, fs.ErrNotExist) {
		return moved, bunker.Errorf(bunker.CodeNotFound, "there is no store %s to move", m.Path)
	}
	err = m.with(ctx, m.lite, func(s *Store) error {
		if err := s.CountBudgets(); err != nil {
			return err
		}
		return s.snapshot(ctx, func(source querier) error { return m.pg.fill(ctx, m.Log, m.lite, source, tell) })
	})
	if err != nil {
		return moved, err
	}
	m.pg.moving = true
	if err := m.with(ctx, m.pg, func(s *Store) error { return m.begin(ctx, s, "SQLite", "PostgreSQL", &moved) }); err != nil {
		return moved, err
	}
	// From here on there is one store at each moment, or none that opens: never two.
	moved.Kept = m.Path + ".moved-" + m.Now().UTC().Format("20060102-150405")
	if err := mark(m.Path, m.pg.place()); err != nil {
		return moved, err
	}
	if err := os.Rename(m.Path, moved.Kept); err != nil {
		return moved, errors.Join(err, unmark(m.Path))
	}
	if err := m.pg.say(ctx, ""); err != nil {
		return moved, errors.Join(err, os.Rename(moved.Kept, m.Path), unmark(m.Path))
	}
	return moved, nil
}

func (m *mover) toFile(ctx context.Context, tell Progress) (moved Moved, err error) {
	if _, err := os.Stat(m.Path); !errors.Is(err, fs.ErrNotExist) {
		return moved, bunker.Errorf(bunker.CodeConflict, "there is a store %s already; move it away first", m.Path)
	}
	part := &sqliteEngine{path: m.Path + ".moving", moving: true}
	if err := os.Remove(part.path); err != nil && !errors.Is(err, fs.ErrNotExist) { // left by a move that was cut off
		return moved, err
	}
	defer func() {
		for _, name := range []string{part.path, part.path + "-wal", part.path + "-shm"} {
			if rest := os.Remove(name); !errors.Is(rest, fs.ErrNotExist) {
				err = errors.Join(err, rest)
			}
		}
	}()
	// What was never there is not made to be moved: the tables are looked for first.
	if err := m.pg.holdsStore(ctx); err != nil {
		return moved, err
	}
	err = m.with(ctx, m.pg, func(s *Store) error {
		return s.snapshot(ctx, func(source querier) error { return writeSQLite(ctx, part.path, m.pg, source, tell) })
	})
	if err != nil {
		return moved, err
	}
	if err := m.with(ctx, part, func(s *Store) error { return m.begin(ctx, s, "PostgreSQL", "SQLite", &moved) }); err != nil {
		return moved, err
	}
	if err := m.pg.say(ctx, movedAway); err != nil {
		return moved, err
	}
	if err := os.Rename(part.path, m.Path); err != nil {
		return moved, errors.Join(err, m.pg.say(ctx, ""))
	}
	return moved, unmark(m.Path)
}
