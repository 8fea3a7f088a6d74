package audit

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// MaxLine is the longest line of an export in bytes.
const MaxLine = 256 << 10

// VerifyExport checks an exported chain (see [AppendHeader]) with checkpoints of
// its own and those that the caller holds. trusted is the audit key to believe;
// zero believes each checkpoint's own. The error is about reading; what is
// wrong with the chain is in the report.
func VerifyExport(r io.Reader, trusted nostr.PubKey, held []Signed) (Report, error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, MaxLine)
	if !sc.Scan() {
		if err := sc.Err(); err != nil {
			return Report{}, fmt.Errorf("reading the audit export: %w", err)
		}
		return Report{}, errors.New("the audit export is empty")
	}
	first, err := ParseLine(sc.Bytes())
	if err != nil || first.Header == nil {
		return Report{}, errors.Join(errors.New("the audit export does not begin with its header; export it anew as JSONL, without filters"), err)
	}
	v := NewVerifier(first.Header.Tenant, trusted, held)
	for n := 2; sc.Scan(); n++ {
		p, err := ParseLine(sc.Bytes())
		switch {
		case err != nil:
			v.fault(Garbled, v.last+1, "line %d of the export %s", n, err)
		case p.Header != nil:
			v.fault(Garbled, v.last+1, "line %d of the export is a second header", n)
		case p.Checkpoint != nil:
			v.Checkpoint(*p.Checkpoint)
		default:
			v.Add(*p.Line)
		}
	}
	if err := sc.Err(); err != nil {
		return Report{}, fmt.Errorf("reading the audit export: %w", err)
	}
	return v.Report(), nil
}

// csvColumns are the columns of the CSV export, in order.
var csvColumns = [...]string{
	"seq", "time", "tenant", "incarnation", "principal", "door", "action", "step", "event", "key", "connection", "object",
	"effect", "rule", "reason", "needed", "kind", "size", "peer", "tags", "digest", "signed", "count", "person",
	"skew", "result", "relay",
}

// CSV writes records as rows for a spreadsheet. It cannot be verified: that
// takes the JSON lines.
type CSV struct{ w *csv.Writer }

// NewCSV writes the row of column names.
func NewCSV(w io.Writer) (*CSV, error) {
	c := &CSV{csv.NewWriter(w)}
	return c, c.w.Write(csvColumns[:])
}

// Write writes one record; the time is RFC 3339 in UTC.
func (c *CSV) Write(r *bunker.AuditRecord) error {
	kind, skew := "", ""
	if r.Kind != nil {
		kind = strconv.FormatInt(*r.Kind, 10)
	}
	if r.Skew != nil {
		skew = strconv.FormatInt(*r.Skew, 10)
	}
	row := []string{
		strconv.FormatInt(r.Seq, 10), time.UnixMilli(r.Time).UTC().Format("2006-01-02T15:04:05.000Z"),
		r.Tenant, r.Incarnation, r.Principal, r.Door, r.Action, r.Step, r.Event, r.Key, r.Connection, r.Object,
		r.Effect, r.Rule, r.Reason, r.Needed, kind, strconv.FormatInt(r.Size, 10), r.Peer, strings.Join(r.Tags, " "),
		r.Digest, r.SignedID, strconv.FormatInt(r.Count, 10), r.Person,
		skew, r.Result, r.Relay,
	}
	for i, cell := range row {
		row[i] = Cell(cell)
	}
	return c.w.Write(row)
}

// Flush writes what is buffered and returns the first error.
func (c *CSV) Flush() error {
	c.w.Flush()
	return c.w.Error()
}

// Cell makes text harmless in a spreadsheet: controls, bidirectional and
// invisible characters become spaces or vanish, and what a spreadsheet would
// run as a formula (it begins with = + - @, full-width ones too, or a tab)
// gets an apostrophe before it.
func Cell(s string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return -1
		}
		return r
	}, s)
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(clean, unicode.IsSpace))
	if strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", first) {
		return "'" + clean
	}
	return clean
}
