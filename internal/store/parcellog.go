package store

import (
	"context"
	"fmt"
	"io"
	"slices"

	"nsecbunker/internal/bunker"
)

// A bunker's log is most of its parcel, and can be millions of records. It is stored before
// the rest, some records at a time, and in between others write. Until the bunker is there,
// by the one transaction of AddParcel, no tenant has these records, so nobody reads them.

// logTable is the table of the log. It names no parent for its tenant.
const logTable = "audit"

// StageLog stores the log of a parcel, of a tenant that is not here, and writes all other
// lines to rest, for [Tx.AddParcel]. It returns how many records there are. Where the
// tenant does not follow, [Store.DropLog] has to.
func (s *Store) StageLog(ctx context.Context, id bunker.TenantID, r io.Reader, rest io.Writer) (int64, error) {
	if err := s.DropLog(ctx, id); err != nil { // of a try before
		return 0, err
	}
	tables, err := s.parcelTables(ctx, s.read)
	if err != nil {
		return 0, s.explain("taking in a log", err)
	}
	tables = slices.DeleteFunc(tables, func(t table) bool { return t.name != logTable })
	l := &stagedLog{s: s, id: id, tables: tables, rest: rest}
	err = eachLine(r, func(line []byte) error { return l.take(ctx, line) })
	if err == nil {
		err = l.store(ctx)
	}
	return l.n, s.explain("taking in a log", err)
}

// stagedLog is a log that is being stored.
type stagedLog struct {
	s      *Store
	id     bunker.TenantID
	tables []table // the log's, until it came
	rest   io.Writer
	to     *parcelInsert
	inside bool // the lines are the log's
	group  rowGroup
	n      int64
}

func (l *stagedLog) take(ctx context.Context, line []byte) (err error) {
	if said, is := tableOf(line); is {
		if l.inside = said.Table == logTable; l.inside {
			l.to, err = insertOf(said, &l.tables)
			return err
		}
	}
	if !l.inside {
		_, err = fmt.Fprintf(l.rest, "%s\n", line)
		return err
	}
	if l.n++; l.n > MaxParcelRows {
		return damagedParcel(fmt.Errorf("there are too many rows"))
	}
	row, err := l.to.row(line, l.id)
	if err != nil {
		return err
	}
	if l.group.add(row, len(line)); !l.group.full() {
		return nil
	}
	return l.store(ctx)
}

// store stores the records that wait, in a transaction.
func (l *stagedLog) store(ctx context.Context) error {
	if err := ctx.Err(); err != nil || len(l.group.rows) == 0 {
		return err
	}
	ctx = context.WithoutCancel(ctx) // a statement that is cut off can cost the connection
	return l.s.update(ctx, func() error {
		switch _, err := readHead(ctx, l.s.write, l.id, ""); {
		case err == nil:
			return conflict("the bunker %s is here; it has to end first", l.id)
		case bunker.AsError(err).Code != bunker.CodeNotFound:
			return err
		}
		err := l.s.insertRows(ctx, l.to.into, l.group.take(), "")
		if troubleOf(err) == duplicate {
			return damagedParcel(err)
		}
		return ofParcel(err)
	})
}

// DropLog removes what StageLog stored of a tenant that is not here.
func (s *Store) DropLog(ctx context.Context, id bunker.TenantID) error {
	for n := int64(1); n > 0; {
		err := s.update(ctx, func() error {
			// AddParcel holds this lock, too: what it has counted stays.
			if _, err := readHead(ctx, s.write, house, s.sql.forUpdate); err != nil {
				return err
			}
			res, err := s.write.ExecContext(ctx, `DELETE FROM audit WHERE tenant = $1 AND NOT EXISTS (SELECT 1 FROM tenant_head h WHERE h.tenant = $1)
AND seq IN (SELECT a.seq FROM audit a WHERE a.tenant = $1 ORDER BY a.seq LIMIT $2)`, string(id), rowGroupMost)
			if err == nil {
				n, err = res.RowsAffected()
			}
			return err
		})
		if err != nil {
			return s.explain("removing a log", err)
		}
	}
	return nil
}

// DropLogs removes the logs of bunkers that were being taken in when a process ended: those
// that no tenant has. One that another instance is taking in now has to be begun anew there.
func (s *Store) DropLogs(ctx context.Context) error {
	// One look for each tenant, not for each record.
	ids, err := texts(ctx, s.read, `WITH RECURSIVE t (tenant) AS (SELECT min(tenant) FROM audit UNION ALL
SELECT (SELECT min(a.tenant) FROM audit a WHERE a.tenant > t.tenant) FROM t WHERE t.tenant IS NOT NULL)
SELECT tenant FROM t WHERE tenant IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tenant_head h WHERE h.tenant = t.tenant)`)
	if err != nil {
		return s.explain("looking for logs of no bunker", err)
	}
	for _, id := range ids {
		s.log.Warn("a bunker was not taken in to its end; what there was of its log is removed", "tenant", id)
		if err := s.DropLog(ctx, bunker.TenantID(id)); err != nil {
			return err
		}
	}
	return nil
}

// checkLog refuses a log of which there is not what was stored of it.
func (tx *Tx) checkLog(id bunker.TenantID, staged int64) error {
	var n int64
	err := tx.q.QueryRowContext(tx.ctx, `SELECT count(*) FROM audit WHERE tenant = $1`, string(id)).Scan(&n)
	if err == nil && n != staged {
		err = conflict("another instance began meanwhile and removed what was not complete; give the command again")
	}
	return err
}
