package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
)

// What is written of many tenants in one transaction takes as many statements as for one:
// each is a round trip to a database that is a server's, while nobody else writes.

// maxRows are written by one statement: its text and its values stay small, and within what
// either engine takes.
const maxRows = 128

// ChangeEach is [Store.Change] of many tenants, which are in order of id, in one transaction:
// all of them, or nothing. f may leave one as it is. Records are stored after the last f.
func (s *Store) ChangeEach(ctx context.Context, ids []bunker.TenantID, by bunker.Principal, f func(*Tx) error) error {
	if !slices.IsSorted(ids) {
		return errors.New("tenants are locked in order of their ids")
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := ctx.Err(); err != nil || len(ids) == 0 {
		return err
	}
	return s.explain("storing changes", s.inTransaction(ctx, func(ctx context.Context) (changed []*Tx, err error) {
		heads, err := s.lockEach(ctx, ids)
		if err != nil {
			return nil, err
		}
		var records [][]any
		for i, id := range ids {
			tx, err := s.changing(ctx, &heads[i], by)
			if err == nil {
				tx.together = &records
				err = f(tx)
			}
			if err != nil {
				return nil, fmt.Errorf("tenant %s: %w", id, err)
			}
			if tx.wrote || tx.audited {
				changed = append(changed, tx)
			}
		}
		return changed, s.insertRows(ctx, auditInto, records, "")
	}))
}

// lockEach takes the locks of tenants, in order of id, so that two instances cannot wait for
// each other, and returns their heads.
func (s *Store) lockEach(ctx context.Context, ids []bunker.TenantID) (heads []head, err error) {
	for some := range slices.Chunk(ids, maxRows) {
		args := make([]any, len(some))
		for i, id := range some {
			args[i] = string(id)
		}
		read, err := scanAll(ctx, s.write, func(row scanner, into *head) error {
			_, err := fillHeadRow(row, into)
			return err
		}, `SELECT `+headColumns+` FROM tenant_head h WHERE h.tenant IN `+placesFor(1, len(some))+` ORDER BY h.tenant`+s.sql.forUpdate, args...)
		if err != nil {
			return nil, err
		}
		for i, id := range some {
			if i >= len(read) || read[i].Tenant != id {
				return nil, notFound("tenant", string(id))
			}
		}
		heads = append(heads, read...)
	}
	return heads, nil
}

// putHeads stores the heads of what was changed in the open transaction.
func (s *Store) putHeads(changed []*Tx) error {
	var moved [][]any // those of which the log alone has grown
	for _, tx := range changed {
		if tx.bumped || len(changed) == 1 {
			if err := tx.putHead(); err != nil {
				return err
			}
			continue
		}
		h := tx.head
		h.LedgerTime = tx.now
		moved = append(moved, []any{string(h.Tenant), h.ChainSeq, h.ChainHead[:], h.LedgerTime})
	}
	for some := range slices.Chunk(moved, maxRows) {
		n, err := changed[0].execN(headsChain(len(some)), slices.Concat(some...)...)
		if err != nil {
			return err
		}
		if n != int64(len(some)) {
			return fmt.Errorf("of the heads of %d tenants, %d were stored", len(some), n)
		}
	}
	return nil
}

// headsChain is headChain for so many tenants: the tenant of each is followed by its values. A
// CASE that can be the column itself has the column's type, whatever the engine would take a
// value for.
func headsChain(n int) string {
	columns := [...]string{"chain_seq", "chain_head", "ledger_time"}
	var sets []string
	for at, column := range columns {
		var b strings.Builder
		b.WriteString(column + " = CASE tenant")
		for i := range n {
			first := i*(len(columns)+1) + 1
			fmt.Fprintf(&b, " WHEN $%d THEN $%d", first, first+at+1)
		}
		sets = append(sets, b.String()+" ELSE "+column+" END")
	}
	tenants := make([]string, n)
	for i := range tenants {
		tenants[i] = fmt.Sprintf("$%d", i*(len(columns)+1)+1)
	}
	return `UPDATE tenant_head SET ` + strings.Join(sets, ", ") + ` WHERE tenant IN (` + strings.Join(tenants, ", ") + `)`
}

// insertRows inserts rows in the open transaction; into ends with VALUES, rest comes after
// them.
func (s *Store) insertRows(ctx context.Context, into string, rows [][]any, rest string) error {
	q := faulty{s.write, s.faults}
	for some := range slices.Chunk(rows, maxRows) {
		if _, err := q.ExecContext(ctx, into+placesFor(len(some), len(some[0]))+rest, slices.Concat(some...)...); err != nil {
			return err
		}
	}
	return nil
}

// placesFor are the places of values in so many rows, as VALUES takes them: ($1, $2), ($3, $4).
func placesFor(rows, columns int) string {
	var b strings.Builder
	for i := range rows * columns {
		switch {
		case i == 0:
			b.WriteString("(")
		case i%columns == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	return b.String() + ")"
}
