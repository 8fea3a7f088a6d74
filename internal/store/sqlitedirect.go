package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"regexp"
	"strconv"
)

// sqliteDirect is a statement of the groups, prepared by the driver itself: for each
// parameter database/sql asks the driver what it may be, and makes a list of them
// anew, which for the fifty of a request costs as much as the request's row.
type sqliteDirect struct {
	stmt driver.Stmt
	exec driver.StmtExecContext
	args []driver.NamedValue // used again: there is one writer
}

func (e *sqliteEngine) direct(ctx context.Context, conn *sql.Conn, text string) (statement, error) {
	d := &sqliteDirect{}
	err := conn.Raw(func(c any) error {
		p, ok := c.(driver.ConnPrepareContext)
		if !ok {
			return errors.New("the driver prepares no statements")
		}
		var err error
		if d.stmt, err = p.PrepareContext(ctx, unnamed(text)); err != nil {
			return err
		}
		if d.exec, ok = d.stmt.(driver.StmtExecContext); !ok {
			return errors.Join(errors.New("the driver runs no prepared statements"), d.stmt.Close())
		}
		return nil
	})
	return statement{lite: d}, err
}

// placeholder is one of the statements' parameters.
var placeholder = regexp.MustCompile(`\$[0-9]+`)

// unnamed takes the numbers off the parameters of a statement that has each once
// and in order: of one with a name, the driver copies the name at each execution.
func unnamed(text string) string {
	for i, p := range placeholder.FindAllString(text, -1) {
		if p != "$"+strconv.Itoa(i+1) {
			return text
		}
	}
	return placeholder.ReplaceAllString(text, "?")
}

// run executes the statement on the connection that it was prepared on.
func (d *sqliteDirect) run(conn *sql.Conn, args []any) (res sql.Result, err error) {
	err = conn.Raw(func(any) error {
		d.args = d.args[:0]
		for i, a := range args {
			d.args = append(d.args, driver.NamedValue{Ordinal: i + 1, Value: a})
		}
		var err error
		res, err = d.exec.ExecContext(context.Background(), d.args)
		clear(d.args)
		return err
	})
	return res, err
}

func (d *sqliteDirect) close(conn *sql.Conn) error {
	return conn.Raw(func(any) error { return d.stmt.Close() })
}
