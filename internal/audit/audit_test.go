package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

const tenant = string(bunker.SelfHosted)

func record(seq int64) bunker.AuditRecord {
	kind := int64(seq % 3)
	return bunker.AuditRecord{
		Seq: seq, Time: 1_700_000_000_000 + seq, Tenant: tenant, Incarnation: "i1",
		Principal: "client " + strings.Repeat("ab", 32), Door: "relay", Action: "sign_event", Step: "final",
		Event: strings.Repeat("cd", 32), Key: strings.Repeat("ef", 32), Connection: "c1", Effect: "allow", Rule: "grant g1",
		Reason: "granted by \"local\"\n\u2028 ü \x01", Kind: &kind, Size: seq, Tags: []string{"p:2", "e:1"}, SignedID: "00",
	}
}

func chain(n int64) []Line {
	var head Head
	lines := make([]Line, 0, n)
	for seq := int64(1); seq <= n; seq++ {
		r := record(seq)
		body := AppendBody(nil, &r)
		head = Next(head, body)
		lines = append(lines, Line{body, head})
	}
	return lines
}

func auditKey(t *testing.T) *nostr.SecretKey {
	t.Helper()
	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	k, err := nostr.GenerateKey(arena)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t *testing.T, k *nostr.SecretKey, lines []Line, seq int64) Signed {
	t.Helper()
	c := Checkpoint{tenant, "i1", seq, lines[seq-1].Hash, 1_700_000_000_000}
	sig, err := k.SignDigest(c.Digest())
	if err != nil {
		t.Fatal(err)
	}
	return Signed{c, k.PubKey(), sig}
}

func TestBodyIsReadBackWhole(t *testing.T) {
	for seq := int64(0); seq < 4; seq++ {
		want := record(seq)
		if seq == 0 {
			want = bunker.AuditRecord{Tenant: tenant, Action: "x"}
		}
		body := AppendBody(nil, &want)
		if !json.Valid(body) {
			t.Fatalf("not JSON: %s", body)
		}
		got, err := ParseBody(body)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if again := AppendBody(nil, &got); !bytes.Equal(again, body) {
			t.Errorf("not canonical:\n%s\n%s", body, again)
		}
	}
}

// TestBodyHoldsEveryField fails when a field is added to the record and
// forgotten here.
func TestBodyHoldsEveryField(t *testing.T) {
	kind := int64(7)
	r := bunker.AuditRecord{
		Seq: 1, Time: 2, Tenant: "a", Incarnation: "b", Principal: "c", Door: "d", Action: "e", Step: "f", Event: "g",
		Key: "h", Connection: "i", Person: "r", Object: "j", Effect: "k", Rule: "l", Reason: "m", Needed: "mm", Kind: &kind, Size: 8, Peer: "n",
		Tags: []string{"o"}, Skew: &kind, Result: "s", Relay: "t", Digest: "p", SignedID: "q", Count: 9,
	}
	want, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := AppendBody(nil, &r); string(got) != string(want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if n := strings.Count(string(want), `":`); n != len(csvColumns) {
		t.Errorf("the record has %d fields, the CSV %d columns", n, len(csvColumns))
	}
}

// mutation is one way of touching an export.
type mutation struct {
	name string
	do   func(lines []string) []string // without header; checkpoints included
	what What
	seq  int64
}

// The export of the mutation tests: 9 records, checkpoints after 5 and after 9.
// Lines 0–4 are records 1–5, line 5 a checkpoint, 6–9 records 6–9, 10 a
// checkpoint.
var mutations = []mutation{
	{"edit", func(l []string) []string { l[2] = strings.Replace(l[2], "allow", "deny", 1); return l }, Edited, 3},
	{"edit the first", func(l []string) []string { l[0] = strings.Replace(l[0], "allow", "deny", 1); return l }, Edited, 1},
	{"edit with a new hash", func(l []string) []string {
		l[2] = strings.Replace(l[2], "allow", "deny", 1)
		return rehash(l, 2, 3)
	}, Edited, 4},
	{"edit the hash", func(l []string) []string { l[7] = `{"hash":"` + strings.Repeat("0", 64) + l[7][73:]; return l }, Edited, 7},
	{"delete", func(l []string) []string { return slices.Delete(l, 2, 3) }, Deleted, 3},
	{"delete the first", func(l []string) []string { return slices.Delete(l, 0, 1) }, Deleted, 1},
	{"delete three", func(l []string) []string { return slices.Delete(l, 1, 4) }, Deleted, 2},
	{"swap", func(l []string) []string { l[1], l[2] = l[2], l[1]; return l }, Swapped, 2},
	{"swap far", func(l []string) []string { l[1], l[8] = l[8], l[1]; return l }, Swapped, 3},
	{"insert a copy", func(l []string) []string { return slices.Insert(l, 3, l[2]) }, Inserted, 3},
	{"insert one of its own", func(l []string) []string {
		return slices.Insert(l, 3, strings.Replace(l[2], "allow", "deny", 1))
	}, Inserted, 3},
	{"cut the tail", func(l []string) []string { return append(l[:8], l[10]) }, Cut, 9},
	{"cut the last", func(l []string) []string { return slices.Delete(l, 9, 10) }, Cut, 9},
	{"rewrite from 3", func(l []string) []string {
		l[2] = strings.Replace(l[2], "allow", "deny", 1)
		return rehash(l, 2, len(l))
	}, Rewrote, 5},
	{"rewrite all", func(l []string) []string {
		for i := range l {
			l[i] = strings.Replace(l[i], "allow", "deny", 1)
		}
		return rehash(l, 0, len(l))
	}, Rewrote, 5},
	{"forge a checkpoint", func(l []string) []string {
		l[5] = strings.Replace(l[5], `"time":17`, `"time":18`, 1)
		return l
	}, Forged, 5},
	{"another tenant's record", func(l []string) []string {
		l[2] = strings.Replace(l[2], `"tenant":"self"`, `"tenant":"them"`, 1)
		return rehash(l, 2, 3)
	}, Foreign, 3},
	{"garbage", func(l []string) []string { return slices.Insert(l, 3, `{"hello":1}`) }, Garbled, 4},
	{"not JSON", func(l []string) []string { l[3] = l[3][:90]; return l }, Garbled, 4},
}

// rehash gives records from..to the hashes that their texts and the one before
// ask for.
func rehash(lines []string, from, to int) []string {
	var head Head
	for i, s := range lines {
		p, err := ParseLine([]byte(s))
		if err != nil || p.Line == nil {
			continue
		}
		if i >= from && i < to {
			p.Line.Hash = Next(head, p.Line.Body)
			lines[i] = strings.TrimSuffix(string(AppendLine(nil, *p.Line)), "\n")
		}
		head = p.Line.Hash
	}
	return lines
}

func export(t *testing.T, k *nostr.SecretKey) (header string, lines []string) {
	t.Helper()
	records := chain(9)
	head, err := AppendHeader(nil, tenant, k.PubKey())
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for i, l := range records {
		b = AppendLine(b, l)
		if seq := int64(i + 1); seq == 5 || seq == 9 {
			if b, err = AppendCheckpoint(b, sign(t, k, records, seq)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return string(head), strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

func TestEveryMutationIsNamed(t *testing.T) {
	k := auditKey(t)
	header, lines := export(t, k)
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			touched := header + strings.Join(m.do(slices.Clone(lines)), "\n") + "\n"
			rep, err := VerifyExport(strings.NewReader(touched), k.PubKey(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(rep.Faults, func(f Fault) bool { return f.What == m.what && f.Seq == m.seq }) {
				t.Errorf("want %s at %d, got %v", m.what, m.seq, rep.Faults)
			}
		})
	}
	rep, err := VerifyExport(strings.NewReader(header+strings.Join(lines, "\n")), k.PubKey(), nil)
	if err != nil || !rep.Whole() || rep.UpTo != 9 || rep.Checkpoints != 2 || rep.Records != 9 {
		t.Errorf("the untouched export: %+v, %v", rep, err)
	}
}

func TestIndependentVerifierNamesEveryMutation(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal("python3 is needed to run docs/verify_audit.py: install it")
	}
	script := filepath.Join("..", "..", "docs", "verify_audit.py")
	src, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(src, []byte("\n")); n > 80 {
		t.Errorf("the verifier has %d lines; it must stay readable in one sitting (80)", n)
	}
	k := auditKey(t)
	header, lines := export(t, k)
	run := func(t *testing.T, text string, args ...string) (string, int) {
		path := filepath.Join(t.TempDir(), "export.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(python, append([]string{script, path, "--key", k.PubKey().String()}, args...)...)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			out, code := run(t, header+strings.Join(m.do(slices.Clone(lines)), "\n")+"\n")
			seq := fmt.Sprint(m.seq)
			if m.what == Garbled { // it names the line instead
				seq = "line 5"
			}
			if code != 1 || !strings.Contains(out, string(m.what)) || !strings.Contains(out, seq) {
				t.Errorf("want %s at %d; exit %d:\n%s", m.what, m.seq, code, out)
			}
		})
	}
	t.Run("untouched", func(t *testing.T) {
		if out, code := run(t, header+strings.Join(lines, "\n")+"\n"); code != 0 || !strings.HasPrefix(out, "whole") {
			t.Errorf("exit %d:\n%s", code, out)
		}
	})
	t.Run("a checkpoint held elsewhere shows a cut that the export hides", func(t *testing.T) {
		held := filepath.Join(t.TempDir(), "held.jsonl")
		if err := os.WriteFile(held, []byte(lines[10]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, code := run(t, header+strings.Join(lines[:7], "\n")+"\n", "--held", held); code != 1 || !strings.Contains(out, "cut") {
			t.Errorf("exit %d:\n%s", code, out)
		}
	})
	t.Run("another key's checkpoints", func(t *testing.T) {
		out, code := run(t, header+strings.Join(lines, "\n")+"\n", "--key", strings.Repeat("ab", 32))
		if code != 1 || !strings.Contains(out, "forged") {
			t.Errorf("exit %d:\n%s", code, out)
		}
	})
	t.Run("no export at all", func(t *testing.T) {
		if out, code := run(t, "hello"); code != 2 {
			t.Errorf("exit %d:\n%s", code, out)
		}
	})
	t.Run("begins after a pruned part", func(t *testing.T) {
		if out, code := run(t, header+strings.Join(lines[5:], "\n")+"\n"); code != 0 {
			t.Errorf("exit %d:\n%s", code, out)
		}
	})
}

func TestAHeldCheckpointShowsWhatTheChainAloneHides(t *testing.T) {
	k := auditKey(t)
	lines := chain(9)
	held := []Signed{sign(t, k, lines, 9)}
	v := NewVerifier(tenant, k.PubKey(), held)
	for _, l := range lines[:6] {
		v.Add(l)
	}
	rep := v.Report()
	if len(rep.Faults) != 1 || rep.Faults[0].What != Cut || rep.Faults[0].Seq != 9 || rep.Seq != 6 {
		t.Errorf("a cut chain: %+v", rep)
	}
	other := auditKey(t)
	v = NewVerifier(tenant, other.PubKey(), held)
	if rep := v.Report(); len(rep.Faults) != 1 || rep.Faults[0].What != Forged {
		t.Errorf("a checkpoint by another key: %+v", rep)
	}
}

func TestAPrunedChainIsWholeFromItsCheckpointOn(t *testing.T) {
	k := auditKey(t)
	lines := chain(9)
	v := NewVerifier(tenant, k.PubKey(), []Signed{sign(t, k, lines, 4)})
	for _, l := range lines[4:] {
		v.Add(l)
	}
	if rep := v.Report(); !rep.Whole() || rep.UpTo != 4 || rep.Seq != 9 {
		t.Errorf("%+v", rep)
	}
	v = NewVerifier(tenant, k.PubKey(), nil)
	for _, l := range lines[4:] {
		v.Add(l)
	}
	if rep := v.Report(); rep.Whole() || rep.Faults[0].What != Deleted || rep.Faults[0].Last != 4 {
		t.Errorf("without the checkpoint: %+v", rep)
	}
}

func TestFaultsAreBounded(t *testing.T) {
	v := NewVerifier(tenant, nostr.PubKey{}, nil)
	for _, l := range chain(3 * MaxFaults) {
		l.Hash = Head{1}
		v.Add(l)
	}
	if rep := v.Report(); len(rep.Faults) != MaxFaults || rep.Unlisted == 0 {
		t.Errorf("%d faults listed, %d not", len(rep.Faults), rep.Unlisted)
	}
}

func TestCheckpointSurvivesJSON(t *testing.T) {
	k := auditKey(t)
	want := sign(t, k, chain(3), 3)
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Signed
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got != want || got.Verify(k.PubKey()) != nil {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for name, touch := range map[string]func(*Signed){
		"seq": func(s *Signed) { s.Seq++ }, "head": func(s *Signed) { s.Head[3]++ }, "time": func(s *Signed) { s.Time++ },
		"tenant": func(s *Signed) { s.Tenant = "them" }, "incarnation": func(s *Signed) { s.Incarnation = "i2" },
		"sig": func(s *Signed) { s.Sig[9]++ }, "line break": func(s *Signed) { s.Tenant = "self\ni1" },
	} {
		bad := want
		if touch(&bad); bad.Verify(k.PubKey()) == nil {
			t.Errorf("a checkpoint with another %s verifies", name)
		}
	}
}

func TestTagNamesTellNoValues(t *testing.T) {
	got := TagNames(nostr.Tags{{"p", "x"}, {"e", "secret"}, {"p"}, {}, {"a very long name indeed"}, {"ö"}, {"other"}})
	if want := []string{"e:1", "p:2", "other:4"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var many nostr.Tags
	for i := range 5 * MaxTagNames {
		many = append(many, nostr.Tag{fmt.Sprint("t", i)})
	}
	if got := TagNames(many); len(got) != MaxTagNames+1 {
		t.Errorf("%d names listed, want %d and the rest", len(got), MaxTagNames)
	}
	if got := TagNames(nostr.Tags{{strings.Repeat("x", MaxTagName)}, {strings.Repeat("x", MaxTagName+1)}}); len(got) != 2 || got[1] != "other:1" {
		t.Errorf("got %v", got)
	}
}

func TestCSVRunsNoFormula(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", " =1": "' =1", "\t=1": "' =1", "\uff1d1": "'\uff1d1",
		"plain": "plain", "a=b": "a=b", "": "", "a\u202eb\u200bc\x00d": "abcd", "two\nlines": "two lines", "\u200b=1": "'=1",
	} {
		if got := Cell(in); got != want {
			t.Errorf("Cell(%q) = %q, want %q", in, got, want)
		}
	}
	var b bytes.Buffer
	c, err := NewCSV(&b)
	if err != nil {
		t.Fatal(err)
	}
	r := record(1)
	r.Reason = "=HYPERLINK(\"http://x\")"
	if err := c.Write(&r); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[1]) != len(csvColumns) {
		t.Fatalf("%v, %v", rows, err)
	}
	if got := rows[1][14]; got != "'"+r.Reason {
		t.Errorf("reason = %q", got)
	}
	if got := rows[1][1]; got != "2023-11-14T22:13:20.001Z" {
		t.Errorf("time = %q", got)
	}
}

func TestExportRefusesWhatIsNone(t *testing.T) {
	for _, in := range []string{"", "\n", "{}", `{"audit":"nsecbunker/9"}`, "hello", strings.Repeat("x", MaxLine+1)} {
		if _, err := VerifyExport(strings.NewReader(in), nostr.PubKey{}, nil); err == nil {
			t.Errorf("%.20q was taken for an export", in)
		}
	}
}

func FuzzParseLine(f *testing.F) {
	l := chain(1)[0]
	f.Add(AppendLine(nil, l)[:len(AppendLine(nil, l))-1])
	f.Add([]byte(`{"audit":"nsecbunker/1","tenant":"self","key":"` + strings.Repeat("ab", 32) + `"}`))
	f.Add([]byte(`{"checkpoint":{"tenant":"self","incarnation":"i","seq":1,"head":"` + hex.EncodeToString(l.Hash[:]) + `","time":1}}`))
	f.Add([]byte(`{"hash":"zz","record":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseLine(b)
		if err != nil {
			return
		}
		if p.Line != nil {
			if _, err := ParseLine(bytes.TrimSuffix(AppendLine(nil, *p.Line), []byte("\n"))); err != nil {
				t.Fatalf("does not survive its own encoding: %v", err)
			}
			v := NewVerifier(tenant, nostr.PubKey{}, nil)
			v.Add(*p.Line)
			v.Report()
		}
	})
}

func FuzzBody(f *testing.F) {
	f.Add("sign_event", "because \"x\"\\\x00\xff")
	f.Fuzz(func(t *testing.T, action, reason string) {
		r := bunker.AuditRecord{Action: action, Reason: reason, Tags: []string{reason}}
		body := AppendBody(nil, &r)
		got, err := ParseBody(body)
		if err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if !bytes.Equal(AppendBody(nil, &got), body) {
			t.Fatalf("not canonical: %q", body)
		}
	})
}

func TestHeldCheckpointsAreBounded(t *testing.T) {
	k := auditKey(t)
	v := NewVerifier(tenant, k.PubKey(), nil)
	s := sign(t, k, chain(3), 3)
	v.held[9] = make([]Signed, 0)
	for i := range int64(MaxHeld - 1) {
		v.held[100+i] = nil
	}
	v.Checkpoint(s)
	if rep := v.Report(); !slices.ContainsFunc(rep.Faults, func(f Fault) bool { return f.What == Garbled }) {
		t.Errorf("one more than may wait: %d faults", len(rep.Faults))
	}
}
