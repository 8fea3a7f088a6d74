package store

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// A parcel is one tenant of a hosted instance with everything that is its own, as lines
// of JSON: it is taken out of one store and put into another, also one of the other
// engine. A line is either a table with the names of its columns, or one row of it.

const (
	// MaxParcelLine is the longest line of a parcel that is read, in bytes.
	MaxParcelLine = 4 << 20
	// MaxParcelRows is how many rows of a parcel are read.
	MaxParcelRows = 50_000_000
	// rowGroupMost is how many rows of a parcel are stored, or removed, together: of its log,
	// before others have their turn. Long ones are fewer, [MaxParcelLine] in all.
	rowGroupMost = 500
)

// notCarried reports a table of which a parcel has nothing. The provider's rows are of his
// store. Requests are answered where they were asked for: those of before are refused in
// another life ([Store.OpenIncarnation]), and so are changes that were ordered from afar. The
// log of budgets is one for all tenants: what cannot be read in it stops them all.
func notCarried(name string) bool {
	return ofDatabase(name) || slices.Contains([]string{
		"tenant", "plan", "orders", "payment", "request", "reply", "notice", "http_used", "admin_op", "kdf_attempt",
		"budget_log",
	}, name)
}

// carriedRows is the condition for the rows of a table that a parcel has. A question that waits
// names a request, which stays; a slot that opens with something of the machine, or of the
// provider, opens nothing elsewhere, and must not be chosen by whoever wrote the parcel.
func carriedRows(table string) string {
	switch table {
	case "approval":
		return `WHERE tenant = $1 AND state <> 'pending'`
	case "slot":
		return `WHERE tenant = $1 AND kind = 'passphrase'`
	}
	return `WHERE tenant = $1`
}

// ParcelHead says what is in a parcel.
type ParcelHead struct {
	Schema      int64 // the number of the last migration
	Incarnation string
	Sequence    int64 // of the audit chain
	Head        [32]byte
	Rows        int64
}

// parcelTables are the tables that a parcel has rows of, those of persons last: triggers
// add names with other rows, and some were erased.
func (s *Store) parcelTables(ctx context.Context, q querier) (out []table, err error) {
	names, err := s.engine.tables(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		columns, err := s.engine.columns(ctx, q, name)
		if err != nil {
			return nil, err
		}
		if !notCarried(name) && slices.Contains(columns, "tenant") {
			out = append(out, table{name, columns})
		}
	}
	slices.SortStableFunc(out, func(a, b table) int { return int(num(a.name == "person") - num(b.name == "person")) })
	return out, nil
}

// WriteParcel writes what a tenant that is set up has, of one moment, while it is served.
func (s *Store) WriteParcel(ctx context.Context, t bunker.TenantID, w io.Writer) (h ParcelHead, err error) {
	if err := s.CountBudgets(); err != nil {
		return h, err
	}
	err = s.snapshot(ctx, func(q querier) error {
		head, err := readHead(ctx, q, t, "")
		if err != nil {
			return err
		}
		if !head.SetUp {
			return conflict("the bunker %s is not set up, so there is nothing in it", t)
		}
		if h.Schema, err = schemaVersion(ctx, s.engine, q); err != nil {
			return err
		}
		h.Incarnation, h.Sequence, h.Head = head.incarnation(), head.ChainSeq, head.ChainHead
		tables, err := s.parcelTables(ctx, q)
		if err != nil {
			return err
		}
		out := bufio.NewWriter(w)
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		for _, of := range tables {
			if err := e.Encode(parcelTable{of.name, of.columns}); err != nil {
				return err
			}
			err := eachRowOf(ctx, q, of, func(row []any) error {
				h.Rows++
				return e.Encode(parcelRow(row))
			}, carriedRows(of.name), string(t))
			if err != nil {
				return fmt.Errorf("reading the table %s: %w", of.name, err)
			}
		}
		return out.Flush()
	})
	return h, s.explain("reading a bunker", err)
}

type parcelTable struct {
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
}

// parcelRow is a row as it is written: numbers and texts as they are, bytes in an object.
func parcelRow(row []any) []any {
	out := make([]any, len(row))
	for i, v := range row {
		if b, ok := v.([]byte); ok {
			v = parcelBytes{base64.StdEncoding.EncodeToString(b)}
		}
		out[i] = v
	}
	return out
}

type parcelBytes struct {
	B string `json:"b"`
}

// parseParcelRow reads a row of so many columns.
func parseParcelRow(line []byte, columns int) ([]any, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var row []any
	if err := d.Decode(&row); err != nil || d.More() {
		return nil, fmt.Errorf("a row cannot be read: %w", err)
	}
	if len(row) != columns {
		return nil, fmt.Errorf("a row has %d values for %d columns", len(row), columns)
	}
	for i, v := range row {
		switch v := v.(type) {
		case nil, string:
		case json.Number:
			n, err := v.Int64()
			if err != nil {
				return nil, fmt.Errorf("%q is no whole number", bunker.Display(v.String(), 40))
			}
			row[i] = n
		case map[string]any:
			text, ok := v["b"].(string)
			b, err := base64.StdEncoding.Strict().DecodeString(text)
			if !ok || len(v) != 1 || err != nil {
				return nil, fmt.Errorf("bytes cannot be read")
			}
			row[i] = b
		default:
			return nil, fmt.Errorf("a value is a %T", v)
		}
	}
	return row, nil
}

// damagedParcel is what is said of one that does not hold what it should.
func damagedParcel(why error) error {
	return bunker.Errorf(bunker.CodeInvalid, "this is no whole bunker, or one of a newer nsecbunker: %s", bunker.Display(why.Error(), 300)).WithCause(why)
}

// AddParcel puts the tenant of a parcel into the store, in the change of the house: its rows,
// the provider's row, and a new life, before which nothing is signed. Its log is here already,
// with staged records ([Store.StageLog]), and r is the rest. The tenant's service key
// is in memory. q is what it may use here; how it stood elsewhere is forgotten. keys is asked
// whether those of the bunker's own open, and completes t.
func (tx *Tx) AddParcel(t *host.Tenant, q bunker.Quota, r io.Reader, staged int64, h ParcelHead, keys func([]bunker.ServiceKey) error, why string) error {
	if err := tx.ofHouse(); err != nil {
		return err
	}
	if t.ID == bunker.SelfHosted || t.ID == "" {
		return damagedParcel(fmt.Errorf("it names no bunker of a hosted instance"))
	}
	if _, err := readHead(tx.ctx, tx.q, t.ID, ""); bunker.AsError(err).Code != bunker.CodeNotFound {
		if err != nil {
			return err
		}
		return conflict("the bunker %s is here; it has to end first", t.ID)
	}
	if _, err := tx.q.ExecContext(tx.ctx, tx.s.sql.deferReferences); err != nil {
		return err
	}
	rows, err := tx.readParcel(t.ID, r)
	if err != nil {
		if troubleOf(err) == duplicate {
			err = conflict("a key of this bunker is used by another one here").WithCause(err)
		}
		return err
	}
	head, err := readHead(tx.ctx, tx.q, t.ID, "")
	if err != nil {
		return damagedParcel(err)
	}
	if err := tx.checkLog(t.ID, staged); err != nil {
		return err
	}
	if rows+staged != h.Rows || !head.SetUp || head.ChainSeq != h.Sequence || head.ChainHead != h.Head {
		return damagedParcel(fmt.Errorf("it is not what its manifest says"))
	}
	if err := tx.exec(`UPDATE tenant_head SET standing = '' WHERE tenant = $1`, string(t.ID)); err != nil {
		return err
	}
	own, err := tx.ServiceKeysOf(t.ID)
	if err != nil {
		return err
	}
	links := int64(0)
	for _, k := range own {
		links += num(k.Role == bunker.RoleSigner)
	}
	if most := host.MostLinks(&q); !q.Unlimited && links > most {
		return bunker.Errorf(bunker.CodeRestricted, "%d links and connections were made in this bunker, and with this quota it may have %d", links, most).In("people")
	}
	if err := keys(own); err != nil {
		return err
	}
	if err := tx.PutHosted(t); err != nil {
		return err
	}
	return tx.asTenant(t.ID, func(of *Tx) error {
		if err := of.putQuota(q); err != nil {
			return err
		}
		return of.openIncarnation(why)
	})
}

// readParcel inserts the rows of a parcel that are a tenant's, but its log, and says how many
// there were. Tables and columns are ours: nothing that is read becomes a part of a statement.
func (tx *Tx) readParcel(id bunker.TenantID, r io.Reader) (rows int64, err error) {
	ours, err := tx.s.parcelTables(tx.ctx, tx.q)
	if err != nil {
		return 0, err
	}
	ours = slices.DeleteFunc(ours, func(t table) bool { return t.name == logTable })
	var to *parcelInsert
	var group rowGroup
	store := func() error {
		if len(group.rows) == 0 {
			return nil
		}
		tx.wrote = true
		if strings.Contains(to.name, "budget") {
			tx.touchBudgets()
		}
		return ofParcel(tx.s.insertRows(tx.ctx, to.into, group.take(), ""))
	}
	err = eachLine(r, func(line []byte) error {
		if said, is := tableOf(line); is {
			if err := store(); err != nil { // those of the table before
				return err
			}
			if to, err = insertOf(said, &ours); err != nil || to.name != "person" {
				return err
			}
			return tx.exec(`DELETE FROM person WHERE tenant = $1`, string(id))
		}
		if rows++; rows > MaxParcelRows || to == nil {
			return damagedParcel(fmt.Errorf("a row is of no table, or there are too many"))
		}
		row, err := to.row(line, id)
		if err != nil {
			return err
		}
		if group.add(row, len(line)); group.full() {
			return store()
		}
		return nil
	})
	if err == nil {
		err = store()
	}
	return rows, err
}

// rowGroup are rows of one table that wait to be stored together.
type rowGroup struct {
	rows  [][]any
	bytes int
}

func (g *rowGroup) add(row []any, bytes int) {
	g.rows, g.bytes = append(g.rows, row), g.bytes+bytes
}

func (g *rowGroup) full() bool { return len(g.rows) >= rowGroupMost || g.bytes >= MaxParcelLine }

// take returns them; none waits any more.
func (g *rowGroup) take() [][]any {
	rows := g.rows
	*g = rowGroup{}
	return rows
}

// eachLine calls f with each line of a parcel, without its end.
func eachLine(r io.Reader, f func(line []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), MaxParcelLine)
	for lines.Scan() {
		if err := f(lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return damagedParcel(err)
	}
	return nil
}

// ofParcel is what a row's insertion failed with: what the database does not take is
// damage of the file.
func ofParcel(err error) error {
	if t := troubleOf(err); err != nil && (t == constraint || t == otherTrouble) {
		return damagedParcel(err)
	}
	return err
}

// parcelInsert is how rows of one table are inserted.
type parcelInsert struct {
	name         string
	columns      []string
	into         string // up to the values
	tenant, kind int    // the places of those columns; kind is that which is looked at
}

// row reads a row of the tenant's.
func (p *parcelInsert) row(line []byte, id bunker.TenantID) ([]any, error) {
	row, err := parseParcelRow(line, len(p.columns))
	if err != nil {
		return nil, damagedParcel(err)
	}
	if row[p.tenant] != any(string(id)) {
		return nil, damagedParcel(fmt.Errorf("a row is of another bunker"))
	}
	if p.name == "slot" && row[p.kind] != any("passphrase") || p.name == "approval" && row[p.kind] == any("pending") {
		return nil, damagedParcel(fmt.Errorf("it has a row of %s that none has", p.name))
	}
	return row, nil
}

// tableOf reads the line that names a table; is is false for a row. What cannot be read names
// none of ours.
func tableOf(line []byte) (said parcelTable, is bool) {
	if len(line) == 0 || line[0] != '{' {
		return said, false
	}
	if err := json.Unmarshal(line, &said); err != nil {
		return parcelTable{}, true
	}
	return said, true
}

// insertOf takes the table that was said out of ours: each comes once.
func insertOf(said parcelTable, ours *[]table) (*parcelInsert, error) {
	at := slices.IndexFunc(*ours, func(t table) bool { return t.name == said.Table })
	if at < 0 {
		return nil, damagedParcel(fmt.Errorf("there is no table %q to come here", bunker.Display(said.Table, 40)))
	}
	of := (*ours)[at]
	*ours = slices.Delete(slices.Clone(*ours), at, at+1)
	p := &parcelInsert{name: of.name, columns: said.Columns, tenant: slices.Index(said.Columns, "tenant"), kind: -1}
	for i, c := range said.Columns {
		if !slices.Contains(of.columns, c) || slices.Index(said.Columns, c) != i {
			return nil, damagedParcel(fmt.Errorf("the table %s has no column %q, or has it twice", of.name, bunker.Display(c, 40)))
		}
	}
	need := map[string]string{"slot": "kind", "approval": "state"}[of.name]
	if p.kind = slices.Index(said.Columns, need); p.tenant < 0 || need != "" && p.kind < 0 {
		return nil, damagedParcel(fmt.Errorf("the table %s lacks a column", of.name))
	}
	p.into = `INSERT INTO ` + of.name + ` (` + table{of.name, said.Columns}.list() + `) VALUES `
	return p, nil
}
