package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// progressEvery rows of a table are copied between reports.
const progressEvery = 10_000

// Progress is told how many rows of a table are copied so far.
type Progress func(table string, rows int64)

// contents is what a table holds: how many rows, and the sum of their digests, which
// does not depend on their order.
type contents struct {
	rows int64
	sum  [4]uint64
}

func (c *contents) add(row []any) error {
	h := sha256.New()
	field := func(kind byte, b []byte) {
		h.Write(binary.BigEndian.AppendUint64([]byte{kind}, uint64(len(b))))
		h.Write(b)
	}
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			field('n', nil)
		case int64:
			field('i', binary.BigEndian.AppendUint64(nil, uint64(v)))
		case string:
			field('t', []byte(v))
		case []byte:
			field('b', v)
		default:
			return fmt.Errorf("a value of type %T", v)
		}
	}
	sum := h.Sum(nil)
	for i := range c.sum {
		c.sum[i] += binary.BigEndian.Uint64(sum[8*i:])
	}
	c.rows++
	return nil
}

// table is a table of both schemas, with its columns in order of name.
type table struct {
	name    string
	columns []string
}

func (t table) list() string { return `"` + strings.Join(t.columns, `", "`) + `"` }

// sameTables returns the tables of two stores, which must be the same.
func sameTables(ctx context.Context, from engine, source querier, to engine, target querier) (out []table, err error) {
	names, err := from.tables(ctx, source)
	if err != nil {
		return nil, err
	}
	others, err := to.tables(ctx, target)
	if err != nil {
		return nil, err
	}
	if !slices.Equal(names, others) {
		return nil, fmt.Errorf("the tables of %s and %s are not the same", from.place(), to.place())
	}
	for _, name := range names {
		columns, err := from.columns(ctx, source, name)
		if err != nil {
			return nil, err
		}
		others, err := to.columns(ctx, target, name)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(columns, others) {
			return nil, fmt.Errorf("the table %s of %s and of %s has other columns", name, from.place(), to.place())
		}
		out = append(out, table{name, columns})
	}
	// Names of persons last: triggers add them with other rows, and some were erased.
	slices.SortStableFunc(out, func(a, b table) int {
		if last := func(t table) int { return int(num(t.name == "person")) }; last(a) != last(b) {
			return last(a) - last(b)
		}
		return 0
	})
	return out, nil
}

// ofDatabase reports a table that is about a database and who is at it now, not about
// the store that lies in it.
func ofDatabase(name string) bool {
	switch name {
	case "instance", "instance_open", "instance_order", "lease", "schema_rule", "tenant_opened":
		return true
	}
	return false
}

// copyRows copies every row of a store, read in one transaction of the source, into
// the empty tables of another, inside one of the target, and compares what is there
// afterwards with what was read.
func copyRows(ctx context.Context, from engine, source querier, to engine, target writer, tell Progress) error {
	tables, err := sameTables(ctx, from, source, to, target)
	if err != nil {
		return err
	}
	tables = slices.DeleteFunc(tables, func(t table) bool { return ofDatabase(t.name) })
	if _, err := target.ExecContext(ctx, to.words().deferReferences); err != nil {
		return err
	}
	read := make([]contents, len(tables))
	for i, t := range tables {
		if t.name == "person" {
			if _, err := target.ExecContext(ctx, `DELETE FROM person`); err != nil {
				return err
			}
		}
		if read[i], err = copyTable(ctx, source, target, t, tell); err != nil {
			return fmt.Errorf("copying the table %s: %w", t.name, err)
		}
	}
	for i, t := range tables {
		var there contents
		if err := eachRow(ctx, target, t, there.add); err != nil {
			return fmt.Errorf("reading the table %s back: %w", t.name, err)
		}
		if there != read[i] {
			return fmt.Errorf("the table %s is not the same after it was copied: %d rows were read, %d are there", t.name, read[i].rows, there.rows)
		}
	}
	if after := to.words().afterCopy; after != "" {
		var n int64
		return target.QueryRowContext(ctx, after).Scan(&n)
	}
	return nil
}

func copyTable(ctx context.Context, source querier, target writer, t table, tell Progress) (c contents, err error) {
	places := make([]string, len(t.columns))
	for i := range places {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	insert, err := target.PrepareContext(ctx, `INSERT INTO `+t.name+` (`+t.list()+`) VALUES (`+strings.Join(places, ", ")+`)`)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, insert.Close()) }()
	err = eachRow(ctx, source, t, func(row []any) error {
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return err
		}
		if c.rows%progressEvery == progressEvery-1 {
			tell(t.name, c.rows+1)
		}
		return c.add(row)
	})
	if err == nil && c.rows > 0 {
		tell(t.name, c.rows)
	}
	return c, err
}

// eachRow calls f with the values of every row: int64, string, []byte or nil. They are
// f's until it returns.
func eachRow(ctx context.Context, q querier, t table, f func([]any) error) (err error) {
	return eachRowOf(ctx, q, t, f, ``)
}

// eachRowOf is eachRow for those rows that a condition, which begins with WHERE, holds for.
func eachRowOf(ctx context.Context, q querier, t table, f func([]any) error, where string, args ...any) (err error) {
	rows, err := q.QueryContext(ctx, `SELECT `+t.list()+` FROM `+t.name+` `+where, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	values, into := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			if b, ok := v.([]byte); ok && len(b) == 0 {
				values[i] = []byte{} // no bytes, which is not NULL
			}
		}
		if err := f(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// inOne runs f on a connection in one transaction, which is committed if f succeeds.
func inOne(ctx context.Context, conn *sql.Conn, begin string, f func() error) error {
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return err
	}
	if err := f(); err != nil {
		_, undo := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		if noTransaction(undo) {
			undo = nil
		}
		return errors.Join(err, undo)
	}
	_, err := conn.ExecContext(ctx, "COMMIT")
	return err
}
