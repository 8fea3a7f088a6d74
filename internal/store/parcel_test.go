package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// badParcels: a parcel brings back what was taken out, in a new life; one that was changed
// brings nothing, whatever it says.
func badParcels(t *testing.T, f *fixture) {
	ctx := context.Background()
	one, err := f.addTenant("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteParcel(ctx, one.ID, new(bytes.Buffer)); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Errorf("one that is not set up: %v", err)
	}
	f.change(func(tx *Tx) error {
		if err := tx.exec(`UPDATE tenant_head SET set_up = 1, standing = 'suspended' WHERE tenant = $1`, string(one.ID)); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "test"})
	})
	var file bytes.Buffer
	h, err := f.WriteParcel(ctx, one.ID, &file)
	if err != nil {
		t.Fatal(err)
	}
	whole := file.String()
	add := func(text string, h ParcelHead) error {
		var rest bytes.Buffer
		n, err := f.StageLog(ctx, one.ID, strings.NewReader(text), &rest)
		if err == nil {
			err = f.tryChange(func(tx *Tx) error {
				row, err := tx.HostedTenant(one.ID)
				if err != nil {
					return err
				}
				row.EndedAt, row.Service = 0, []byte("wrapped anew")
				keys := func(own []bunker.ServiceKey) error {
					if len(own) != 1 || own[0].PubKey != row.AdminKey {
						return damagedParcel(fmt.Errorf("its keys are %v", own))
					}
					return nil
				}
				if err := tx.AddParcel(row, bunker.Quota{People: 2}, &rest, n, h, keys, "a test"); err != nil {
					return err
				}
				return tx.Audit(bunker.AuditRecord{Action: "test"})
			})
		}
		if err != nil {
			err = errors.Join(err, f.DropLog(ctx, one.ID))
		}
		return err
	}
	if err := add(whole, h); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Errorf("while it is there: %v", err)
	}
	before, err := f.RowsOf(ctx, one.ID)
	if err != nil {
		t.Fatal(err)
	}
	f.change(func(tx *Tx) error {
		row, err := tx.HostedTenant(one.ID)
		if err != nil {
			return err
		}
		return errors.Join(tx.EraseTenant(row), tx.Audit(bunker.AuditRecord{Action: "test"}))
	})
	dump := f.dump()
	slots := `{"table":"slot","columns":["tenant","id","kind","name","params","wrapped","created_at"]}` + "\n"
	for name, text := range map[string]string{
		"nothing":         "",
		"another's":       strings.ReplaceAll(whole, string(one.ID), string(bunker.SelfHosted)),
		"cut":             whole[:len(whole)/2],
		"a row first":     `["x"]` + "\n" + whole,
		"a table twice":   whole + slots,
		"the log of all":  `{"table":"budget_log","columns":["no","tenant","spent"]}` + "\n" + whole,
		"the provider's":  `{"table":"orders","columns":["tenant"]}` + "\n" + whole,
		"no table":        `{"table":"slot; DROP TABLE audit","columns":["tenant"]}` + "\n" + whole,
		"no column":       `{"table":"slot","columns":["tenant","kind\") VALUES (1); --"]}` + "\n" + whole,
		"no tenant":       strings.Replace(whole, `"tenant"`, `"id"`, 1),
		"a short row":     whole + `["x"]` + "\n",
		"a broken number": whole + `[1.5]` + "\n",
		"not JSON":        whole + "hello\n",
		"a command's slot": strings.Replace(whole, lineOf(whole, "slot"), slots+
			fmt.Sprintf(`["%s","s1","command","c",{"b":""},{"b":""},1]`, one.ID), 1),
		"a question": strings.Replace(whole, lineOf(whole, "approval"), `{"table":"approval","columns":["tenant","state"]}`+"\n"+fmt.Sprintf(`["%s","pending"]`, one.ID), 1),
		"half a row": strings.Replace(whole, lineOf(whole, "admin"), `{"table":"admin","columns":["tenant"]}`+"\n"+fmt.Sprintf(`["%s"]`, one.ID), 1),
	} {
		if err := add(text, h); bunker.AsError(err).Code != bunker.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(dump, f.dump()); d != "" {
			t.Errorf("%s left a trace: %s", name, d)
		}
	}
	for name, h := range map[string]ParcelHead{
		"rows": {Rows: h.Rows + 1, Sequence: h.Sequence, Head: h.Head}, "head": {Rows: h.Rows, Sequence: h.Sequence}, "length": {Rows: h.Rows, Head: h.Head},
	} {
		if err := add(whole, h); bunker.AsError(err).Code != bunker.CodeInvalid {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if err := add(whole, h); err != nil {
		t.Fatal(err)
	}
	after, err := f.RowsOf(ctx, one.ID)
	if err != nil {
		t.Fatal(err)
	}
	before["audit"] += 2 // its quota, its new life
	if d := cmp.Diff(before, after); d != "" {
		t.Errorf("what came back: %s", d)
	}
	st, err := readHead(ctx, f.read, one.ID, "") // it has no root key, so no MAC
	if err != nil || st.Standing != bunker.StandingWorks || st.Quota.People != 2 {
		t.Errorf("%+v %v", st, err)
	}
	if waits, err := f.Pending(ctx, one.ID); err != nil || !waits {
		t.Errorf("no new life is opened: %v", err)
	}
	if got, err := f.HostedTenant(ctx, one.ID); err != nil || got.State() != host.Active || string(got.Service) != "wrapped anew" {
		t.Errorf("%+v %v", got, err)
	}
}

// between is a reader that calls f before each read.
type between struct {
	io.Reader
	f func()
}

func (b between) Read(p []byte) (int, error) {
	b.f()
	return b.Reader.Read(p)
}

// logsApart: while a log is taken in others write, and what was cut off is nobody's and is
// removed: by whoever gave up, by the next try, by the next start.
func logsApart(t *testing.T, f *fixture) {
	ctx, id := context.Background(), bunker.NewTenantID()
	const records = 3*rowGroupMost + 7
	text := `{"table":"audit","columns":["tenant","seq","time","event_at","step","principal","action","user_key","connection","effect","body","hash"]}` + "\n"
	for i := range records {
		text += fmt.Sprintf(`["%s",%d,1,0,"","p","a","","","allow",{"b":"AA=="},{"b":"AA=="}]`+"\n", id, i+1)
	}
	const other = `{"table":"slot","columns":["tenant"]}` + "\n" + `["x"]` + "\n"
	stored := func() int64 {
		t.Helper()
		left, err := f.RowsOf(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return left["audit"]
	}
	var grown []int64
	var rest bytes.Buffer
	n, err := f.StageLog(ctx, id, between{strings.NewReader(text + other), func() {
		f.change(func(tx *Tx) error { return tx.Audit(bunker.AuditRecord{Action: "another's"}) }) // it would wait for ever
		if n := stored(); len(grown) == 0 || grown[len(grown)-1] != n {
			grown = append(grown, n)
		}
	}}, &rest)
	if err != nil || n != records || rest.String() != other || stored() != records {
		t.Errorf("%d records, %v; the rest is %q, and %d are stored", n, err, rest.String(), stored())
	}
	if len(grown) < 3 {
		t.Errorf("it was there all at once, after %v", grown)
	}
	if _, err := readHead(ctx, f.read, id, ""); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("it is a bunker already: %v", err)
	}
	if err := f.DropLogs(ctx); err != nil || stored() != 0 {
		t.Errorf("after the next start %d records are left, %v", stored(), err)
	}
	dump := f.dump()
	short, cancel := context.WithCancel(ctx)
	_, err = f.StageLog(short, id, between{strings.NewReader(text), func() {
		if stored() > 0 {
			cancel()
		}
	}}, io.Discard)
	if left := stored(); !errors.Is(err, context.Canceled) || left == 0 || left == records {
		t.Errorf("given up with %v, after %d records", err, left)
	}
	if _, err := f.StageLog(ctx, id, strings.NewReader(text), io.Discard); err != nil || stored() != records {
		t.Errorf("after one that was given up: %v, %d records", err, stored())
	}
	if err := errors.Join(f.DropLog(ctx, id), f.DropLog(ctx, bunker.SelfHosted)); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(dump, f.dump()); d != "" { // of the house's own, nothing went
		t.Errorf("it left a trace: %s", d)
	}
	twice := text + fmt.Sprintf(`["%s",1,1,0,"","p","a","","","allow",{"b":"AA=="},{"b":"AA=="}]`+"\n", id)
	if _, err := f.StageLog(ctx, id, strings.NewReader(twice), io.Discard); bunker.AsError(err).Code != bunker.CodeInvalid {
		t.Errorf("a record twice: %v", err)
	}
}

// lineOf is the line that names a table.
func lineOf(text, table string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, `{"table":"`+table+`"`) {
			return strings.TrimSuffix(line, "\n")
		}
	}
	return "there is no such table"
}

func FuzzParcelRow(f *testing.F) {
	for _, s := range []string{`[]`, `["a",1,null,{"b":"AAE="}]`, `[1e3]`, `[{"b":"A"}]`, `[[1]]`, `[9223372036854775807,-1]`, `[1] [2]`, `{"table":"slot","columns":["tenant"]}`} {
		f.Add([]byte(s), 4)
	}
	f.Fuzz(func(t *testing.T, line []byte, columns int) {
		row, err := parseParcelRow(line, columns)
		if err != nil {
			return
		}
		text, err := json.Marshal(parcelRow(row))
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseParcelRow(text, columns)
		if err != nil || !cmp.Equal(row, again) {
			t.Errorf("%q was read as %v, then as %v, %v", line, row, again, err)
		}
	})
}
