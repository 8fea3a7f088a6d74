package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

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

func (f *fixture) checkpoint(k *nostr.SecretKey) audit.Signed {
	f.t.Helper()
	c, ok, err := f.NextCheckpoint(context.Background(), bunker.SelfHosted)
	if err != nil || !ok {
		f.t.Fatal(ok, err)
	}
	sig, err := k.SignDigest(c.Digest())
	if err != nil {
		f.t.Fatal(err)
	}
	s := audit.Signed{Checkpoint: c, Key: k.PubKey(), Sig: sig}
	if err := f.AddCheckpoint(context.Background(), s); err != nil {
		f.t.Fatal(err)
	}
	return s
}

// filled is a store with a chain of some length and two checkpoints.
func (f *fixture) filled(t *testing.T) (*nostr.SecretKey, audit.Signed) {
	k := auditKey(t)
	c := f.addConnection(f.addKey("herald"))
	for range 5 {
		f.mustCommit(f.entry(c))
	}
	f.checkpoint(k)
	for range 5 {
		f.mustCommit(f.entry(c))
	}
	return k, f.checkpoint(k)
}

func chainWhole(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	if last, err := f.LastCheckpoint(ctx, self); last != nil || err != nil {
		t.Errorf("%+v %v", last, err)
	}
	k, last := f.filled(t)
	rep, err := f.VerifyAudit(ctx, self, k.PubKey(), []audit.Signed{last})
	if err != nil || !rep.Whole() || rep.UpTo != last.Seq || rep.Checkpoints != 3 || rep.Seq != last.Seq {
		t.Errorf("%+v %v", rep, err)
	}
	got, err := f.LastCheckpoint(ctx, self)
	if err != nil || *got != last {
		t.Errorf("%+v %v", got, err)
	}
	if _, ok, err := f.NextCheckpoint(ctx, self); ok || err != nil {
		t.Errorf("a checkpoint of nothing new: %v %v", ok, err)
	}
	if err := f.AddCheckpoint(ctx, last); err != nil {
		t.Errorf("the same one again: %v", err)
	}
	if rep, err = f.VerifyAudit(ctx, self, auditKey(t).PubKey(), nil); err != nil || rep.Whole() || rep.Faults[0].What != audit.Forged {
		t.Errorf("another audit key: %+v %v", rep, err)
	}
	lines, err := f.AuditLines(ctx, self, 3, 2)
	if err != nil || len(lines) != 2 {
		t.Fatalf("%d %v", len(lines), err)
	}
	if r, err := audit.ParseBody(lines[0].Body); err != nil || r.Seq != 4 {
		t.Errorf("%+v %v", r, err)
	}
	held, err := f.Checkpoints(ctx, self, 0, 0)
	if err != nil || len(held) != 2 || held[1] != last {
		t.Errorf("%+v %v", held, err)
	}
	if held, err = f.Checkpoints(ctx, self, held[0].Seq, 1); err != nil || len(held) != 1 || held[0] != last {
		t.Errorf("%+v %v", held, err)
	}
}

func chainTouched(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	k, last := f.filled(t)
	n := last.Seq
	if _, err := f.writeDirect("UPDATE audit SET principal = 'x'"); err == nil {
		t.Error("the schema lets records be changed")
	}
	if _, err := f.writeDirect("UPDATE reply SET bytes = x'00'"); err == nil {
		t.Error("the schema lets stored replies be changed")
	}
	f.tamper("DROP TRIGGER audit_stays", "CREATE TABLE kept AS SELECT * FROM audit")
	for _, x := range []struct {
		do   string
		what audit.What
		seq  int64
	}{
		{"UPDATE audit SET body = replace(CAST(body AS TEXT), 'allow', 'deny ')  WHERE seq = 6", "", 0}, // a text: STRICT refuses
		{"UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), 'allow', 'deny') AS BLOB) WHERE seq = 6", audit.Edited, 6},
		{"DELETE FROM audit WHERE seq = 6", audit.Deleted, 6},
		{fmt.Sprintf("DELETE FROM audit WHERE seq = %d", n), audit.Cut, n},
		{"UPDATE audit SET body = (SELECT body FROM kept WHERE kept.seq = 13 - audit.seq), hash = (SELECT hash FROM kept WHERE kept.seq = 13 - audit.seq) WHERE seq IN (6, 7)", audit.Swapped, 6},
		{"INSERT INTO audit SELECT tenant, 1000, time, 0, NULL, step, principal, action, user_key, connection, effect, body, hash, person FROM kept WHERE seq = 6", audit.Inserted, 6},
		{"UPDATE audit SET hash = zeroblob(32) WHERE seq = 6", audit.Edited, 6},
	} {
		if x.what == "" {
			if _, err := f.outside.Exec(x.do); err == nil {
				t.Error("a body became a text")
			}
			continue
		}
		f.tamper(x.do)
		rep, err := f.VerifyAudit(ctx, self, k.PubKey(), nil)
		found := false
		for _, fault := range rep.Faults {
			found = found || fault.What == x.what && fault.Seq == x.seq
		}
		if err != nil || !found {
			t.Errorf("%s: want %s at %d, got %+v %v", x.do, x.what, x.seq, rep.Faults, err)
		}
		f.tamper("DELETE FROM audit", "INSERT INTO audit SELECT * FROM kept")
	}
	// A chain that was made anew from a record on, to its end and in the
	// tenant's head, is whole in itself: the checkpoint shows it.
	f.rewriteChain(8)
	rep, err := f.VerifyAudit(ctx, self, k.PubKey(), nil)
	if err != nil || rep.Whole() || rep.Faults[len(rep.Faults)-1].What != audit.Rewrote {
		t.Errorf("rewritten: %+v %v", rep, err)
	}
	f.tamper("DELETE FROM checkpoint")
	if rep, err = f.VerifyAudit(ctx, self, k.PubKey(), nil); err != nil || !rep.Whole() {
		t.Errorf("without checkpoints a rewritten chain looks whole: %+v %v", rep, err)
	}
	if rep, err = f.VerifyAudit(ctx, self, k.PubKey(), []audit.Signed{last}); err != nil || rep.Whole() {
		t.Errorf("with one that was handed out it does not: %+v %v", rep, err)
	}
}

func (f *fixture) writeDirect(query string) (int64, error) {
	f.openOutside()
	res, err := f.outside.Exec(f.inEngine(query))
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// rewriteChain changes a record and makes every hash after it anew.
func (f *fixture) rewriteChain(from int64) {
	f.t.Helper()
	lines, err := f.AuditLines(context.Background(), bunker.SelfHosted, 0, 0)
	if err != nil {
		f.t.Fatal(err)
	}
	var head audit.Head
	for i, l := range lines {
		seq := int64(i + 1)
		if seq >= from {
			l.Body = bytes.Replace(l.Body, []byte("allow"), []byte("deny"), 1)
			l.Hash = audit.Next(head, l.Body)
			if _, err := f.outside.Exec("UPDATE audit SET body = $1, hash = $2 WHERE seq = $3", l.Body, l.Hash[:], seq); err != nil {
				f.t.Fatal(err)
			}
		}
		head = l.Hash
	}
	if _, err := f.outside.Exec("UPDATE tenant_head SET chain_head = $1", head[:]); err != nil {
		f.t.Fatal(err)
	}
}

func recordsFiltered(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	k := f.addKey("herald")
	c, other := f.addConnection(k), f.addConnection(k)
	f.mustCommit(f.entry(c))
	denied := f.entry(other)
	denied.Audit.Effect = "deny"
	f.clock.add(1e9)
	f.mustCommit(denied)
	for name, x := range map[string]struct {
		f    RecordFilter
		want int
	}{
		"all": {RecordFilter{}, 6}, "limit": {RecordFilter{Limit: 2}, 2}, "before": {RecordFilter{Before: 3}, 2},
		"key": {RecordFilter{Key: k.PubKey}, 2}, "no such key": {RecordFilter{Key: random32()}, 0}, "connection": {RecordFilter{Connection: c.ID}, 1},
		"principal": {RecordFilter{Principal: "local"}, 4}, "action": {RecordFilter{Action: "sign_event"}, 2}, "effect": {RecordFilter{Effect: "deny"}, 1},
		"since": {RecordFilter{Since: f.clock.Now().UnixMilli()}, 1}, "until": {RecordFilter{Until: f.clock.Now().UnixMilli()}, 5},
	} {
		recs, err := f.Records(ctx, self, x.f)
		if err != nil || len(recs) != x.want {
			t.Errorf("%s: %d records, want %d; %v", name, len(recs), x.want, err)
		}
		for i := 1; i < len(recs); i++ {
			if recs[i].Seq >= recs[i-1].Seq {
				t.Errorf("%s: not newest first", name)
			}
		}
	}
}

func soundStore(t *testing.T, f *fixture) {
	f.filled(t)
	f.expectWhole()
	f.tamper("UPDATE user_key SET locked = 1")
	found, err := f.Check(context.Background(), bunker.SelfHosted)
	if err != nil || found.Sound() || len(found.Tampered) != 1 || !strings.Contains(found.Tampered[0], "user_key") {
		t.Errorf("%+v %v", found, err)
	}
	f.tamper("UPDATE user_key SET locked = 0", "PRAGMA foreign_keys = 0", "DELETE FROM connection")
	found, err = f.Check(context.Background(), bunker.SelfHosted)
	if err != nil || found.Sound() || len(found.Damage) == 0 {
		t.Errorf("%+v %v", found, err)
	}
	f.auth.sealed.Store(true)
	if found, err = f.Check(context.Background(), bunker.SelfHosted); err != nil || !found.Sealed {
		t.Errorf("%+v %v", found, err)
	}
}

// TestTheIndependentVerifierReadsARealExport runs docs/verify_audit.py on what
// a store exports.
func TestTheIndependentVerifierReadsARealExport(t *testing.T) {
	f := newFixture(t)
	k, last := f.filled(t)
	ctx, self := context.Background(), bunker.SelfHosted
	out, err := audit.AppendHeader(nil, string(self), k.PubKey())
	if err != nil {
		t.Fatal(err)
	}
	lines, err := f.AuditLines(ctx, self, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	held, err := f.Checkpoints(ctx, self, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range lines {
		out = audit.AppendLine(out, l)
		for _, c := range held {
			if c.Seq == int64(i+1) {
				if out, err = audit.AppendCheckpoint(out, c); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if rep, err := audit.VerifyExport(bytes.NewReader(out), k.PubKey(), nil); err != nil || !rep.Whole() || rep.UpTo != last.Seq {
		t.Errorf("%+v %v", rep, err)
	}
	path := filepath.Join(t.TempDir(), "export.jsonl")
	for want, text := range map[string][]byte{
		fmt.Sprintf("whole: %d records", last.Seq): out,
		"edited: record 6":                         bytes.Replace(out, []byte(`"seq":6,`), []byte(`"seq":6, `), 1),
	} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		got, _ := exec.Command("python3", "../../docs/verify_audit.py", path, "--key", k.PubKey().String()).CombinedOutput()
		if !strings.Contains(string(got), want) {
			t.Errorf("want %q, got %s", want, got)
		}
	}
}
