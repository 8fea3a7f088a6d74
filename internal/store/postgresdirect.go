package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgresDirect is a statement of the groups, prepared at its first use with the types
// of its arguments: what the server guesses from the text alone is not always what is
// sent (of "$1 = 0" it takes a smaller number than ours).
type postgresDirect struct {
	name, text string
	prepared   bool
	oids       []uint32
}

func (e *postgresEngine) direct(_ context.Context, _ *sql.Conn, text string) (statement, error) {
	return statement{pg: &postgresDirect{text: text}}, nil
}

const (
	asText   = 0 // of the protocol's formats
	asBinary = 1
)

// run executes the statement on the connection that it is prepared on.
func (d *postgresDirect) run(conn *sql.Conn, args []any) (res sql.Result, err error) {
	err = conn.Raw(func(c any) error {
		values, formats := make([][]byte, len(args)), make([]int16, len(args))
		oids := make([]uint32, len(args))
		for i, a := range args {
			if values[i], oids[i], formats[i], err = onTheWire(a); err != nil {
				return err
			}
		}
		ctx, pc := context.Background(), c.(*stdlib.Conn).Conn().PgConn()
		if !d.prepared {
			d.name = fmt.Sprintf("group_%p", d)
			if _, err := pc.Prepare(ctx, d.name, d.text, oids); err != nil {
				return err
			}
			d.prepared, d.oids = true, oids
		}
		for i, oid := range oids {
			if oid != d.oids[i] && oid != 0 && d.oids[i] != 0 {
				return fmt.Errorf("argument %d of %q has another type than before", i+1, d.text)
			}
		}
		r := pc.ExecPrepared(ctx, d.name, values, formats, []int16{asBinary}).Read()
		if r.Err != nil {
			return r.Err
		}
		// Of a transaction that failed, COMMIT is a ROLLBACK, and no error.
		if d.text == "COMMIT" && r.CommandTag.String() != "COMMIT" {
			return errors.New("the transaction had failed and was rolled back")
		}
		res = ran{r}
		return nil
	})
	return res, err
}

// onTheWire is an argument as the protocol takes it.
func onTheWire(a any) (value []byte, oid uint32, format int16, err error) {
	switch v := a.(type) {
	case nil:
		return nil, 0, asText, nil
	case int64:
		return binary.BigEndian.AppendUint64(nil, uint64(v)), pgtype.Int8OID, asBinary, nil
	case string:
		return append([]byte{}, v...), pgtype.TextOID, asText, nil // never nil: that is NULL
	case []byte:
		return v, pgtype.ByteaOID, asBinary, nil
	}
	return nil, 0, 0, fmt.Errorf("an argument of type %T", a)
}

func (d *postgresDirect) close(conn *sql.Conn) error {
	if !d.prepared {
		return nil
	}
	return conn.Raw(func(c any) error {
		return c.(*stdlib.Conn).Conn().PgConn().Deallocate(context.Background(), d.name)
	})
}

// ran is what came of a statement.
type ran struct{ *pgconn.Result }

// RowsAffected implements [sql.Result].
func (r ran) RowsAffected() (int64, error) { return r.CommandTag.RowsAffected(), nil }

// LastInsertId implements [sql.Result]: the number that RETURNING gave.
func (r ran) LastInsertId() (int64, error) {
	if len(r.Rows) != 1 || len(r.Rows[0]) != 1 || len(r.Rows[0][0]) != 8 {
		return 0, errors.New("the statement returned no number")
	}
	return int64(binary.BigEndian.Uint64(r.Rows[0][0])), nil
}
