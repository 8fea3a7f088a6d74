// Package storetest gives tests a store that nobody used yet.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
)

// Fresh puts the file of a store at path, its schema up to date, with nothing in it. It is
// made once for all tests of a program: under the race detector, and with a sync of the
// disk after each migration, that takes longer than most tests do.
func Fresh(t testing.TB, path string) {
	t.Helper()
	file, err := fresh()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, file, 0o600)); err != nil {
		t.Fatal(err)
	}
}

var fresh = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "fresh-store-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "bunker.db")
	s, err := store.Open(context.Background(), store.Config{Path: path, Auth: nobody{}, Flags: nobody{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		return nil, err
	}
	// What it made beside the schema is its own: each store's incarnation is another.
	db, err := sql.Open("sqlite", path) // the store's package brings the driver
	if err == nil {
		_, err = db.Exec(`DELETE FROM tenant_head`)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		return nil, errors.New("the fresh store has a log beside it")
	}
	return os.ReadFile(path)
})

// nobody has no key to authenticate rows with.
type nobody struct{}

var errNobody = errors.New("a fresh store has no rows to authenticate")

func (nobody) Tag(bunker.Authority) ([32]byte, error) { return [32]byte{}, errNobody }
func (nobody) Verify(bunker.Authority, []byte) error  { return errNobody }
func (nobody) TagService(bunker.TenantID, string, []byte) ([32]byte, error) {
	return [32]byte{}, errNobody
}
func (nobody) VerifyService(bunker.TenantID, string, []byte, []byte) error { return errNobody }
