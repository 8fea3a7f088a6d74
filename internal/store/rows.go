package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"nsecbunker/internal/bunker"
)

// querier is a handle, a connection or a prepared reader.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// scanner is a row to scan: *sql.Row or *sql.Rows.
type scanner interface{ Scan(dest ...any) error }

// Authenticator makes and checks the MACs of rows that carry authority: the
// vault. Both fail with a bunker.Error of CodeSealed while the tenant's root
// key is not in memory; Verify fails with bunker.ErrTampered for a wrong MAC.
type Authenticator interface {
	Tag(bunker.Authority) ([32]byte, error)
	Verify(bunker.Authority, []byte) error
}

// authority is a pointer to a noun whose rows have a MAC.
type authority[T any] interface {
	*T
	bunker.Authority
}

// verify is the one way from a stored row to a value: the MAC must be right.
// While the tenant is sealed it fails with CodeSealed.
func (s *Store) verify(a bunker.Authority, mac []byte) error { return s.auth.Verify(a, mac) }

// tag is the MAC to store with the row; nil for a tenant that is not set up,
// whose rows get theirs when it is.
func (s *Store) tag(a bunker.Authority, setUp bool) ([]byte, error) {
	mac, err := s.auth.Tag(a)
	if err != nil {
		if !setUp && Sealed(err) {
			return nil, nil
		}
		return nil, err
	}
	return mac[:], nil
}

// fill scans one row: its fields and its MAC, as the noun's columns have them.
type fill[T any] func(row scanner, into *T) (mac []byte, err error)

// one reads the one row of a query and verifies it.
func one[T any, P authority[T]](s *Store, row scanner, f fill[T]) (*T, error) {
	var v T
	mac, err := f(row, &v)
	if err != nil {
		return nil, err
	}
	if err := s.verify(P(&v), mac); err != nil {
		return nil, err
	}
	return &v, nil
}

// all reads every row of a query and verifies each.
func all[T any, P authority[T]](ctx context.Context, s *Store, q querier, f fill[T], query string, args ...any) ([]T, error) {
	return scanAll(ctx, q, func(row scanner, into *T) error {
		mac, err := f(row, into)
		if err != nil {
			return err
		}
		return s.verify(P(into), mac)
	}, query, args...)
}

// scanAll reads every row of a query.
func scanAll[T any](ctx context.Context, q querier, f func(scanner, *T) error, query string, args ...any) (out []T, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var v T
		if err := f(rows, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// b32 scans 32 bytes.
type b32 struct{ to *[32]byte }

// Scan implements [sql.Scanner].
func (b b32) Scan(src any) error {
	v, ok := src.([]byte)
	if !ok || len(v) != len(b.to) {
		return fmt.Errorf("a stored value is not 32 bytes but %T of %d", src, len(v))
	}
	copy(b.to[:], v)
	return nil
}

// yesno scans 0 or 1, or what a comparison in SQL is.
type yesno struct{ to *bool }

// Scan implements [sql.Scanner].
func (f yesno) Scan(src any) error {
	if b, ok := src.(bool); ok {
		*f.to = b
		return nil
	}
	n, ok := src.(int64)
	if !ok || n < 0 || n > 1 {
		return fmt.Errorf("a stored flag is neither 0 nor 1 but %v", src)
	}
	*f.to = n == 1
	return nil
}

// small scans a number into a byte-sized type: effects and roles.
type small struct{ to *uint8 }

// Scan implements [sql.Scanner].
func (s small) Scan(src any) error {
	n, ok := src.(int64)
	if !ok || n < 0 || n > 255 {
		return fmt.Errorf("a stored number is out of its range: %v", src)
	}
	*s.to = uint8(n)
	return nil
}

// list scans a list of texts, stored as JSON ("" for none).
type list struct{ to *[]string }

// Scan implements [sql.Scanner].
func (l list) Scan(src any) error {
	*l.to = nil
	s, ok := src.(string)
	if !ok || s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), l.to)
}

func listText(l []string) string {
	if len(l) == 0 {
		return ""
	}
	if len(l) == 1 && plainText(l[0]) { // as json.Marshal writes it: mostly it is one relay's URL
		return `["` + l[0] + `"]`
	}
	b, err := json.Marshal(l)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(b)
}

// plainText reports whether JSON has a text as it is.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// keyList scans a list of ids of keys, stored as JSON ("" for none). What cannot be
// read is an error: an empty list would mean every key.
type keyList struct{ to *[]bunker.KeyID }

// Scan implements [sql.Scanner].
func (l keyList) Scan(src any) error {
	*l.to = nil
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("a stored list of keys is no text but %T", src)
	}
	if s == "" {
		return nil
	}
	return json.Unmarshal([]byte(s), l.to)
}

func keysText(ids []bunker.KeyID) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = string(id)
	}
	return listText(list)
}

func num(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// plain is a text that an app chose, as a column for filters holds it: PostgreSQL has no
// texts with a zero byte in them. What is signed or chained keeps it.
func plain(s string) string { return strings.ReplaceAll(s, "\x00", "\ufffd") }

// blob is never NULL, unlike a nil slice.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
