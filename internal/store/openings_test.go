package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
)

// guestsSetUp makes tenants that are set up, each with a key, and returns them in order.
func guestsSetUp(t *testing.T, f *fixture, n int) (ids []bunker.TenantID) {
	t.Helper()
	for range n {
		h, err := f.addTenant("")
		if err != nil {
			t.Fatal(err)
		}
		err = f.Change(context.Background(), h.ID, local, func(tx *Tx) error {
			st := tx.Tenant()
			st.SetUp = true
			k := bunker.UserKey{Tenant: h.ID, ID: bunker.NewKeyID(), Name: "herald", PubKey: random32(), State: bunker.KeyActive, Default: bunker.Ask, CreatedAt: 1, Ciphertext: []byte("c")}
			audit := bunker.ServiceKey{Tenant: h.ID, PubKey: random32(), Role: bunker.RoleAudit, Ciphertext: []byte("c"), CreatedAt: 1}
			return errors.Join(tx.PutTenant(st), tx.PutKey(&k), tx.AddServiceKey(&audit), tx.Audit(bunker.AuditRecord{Action: "test"}))
		})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, h.ID)
	}
	slices.Sort(ids)
	return ids
}

// openedTogether: what is read of many tenants is what is read of each, and what is wrong
// with one is of that one.
func openedTogether(t *testing.T, f *fixture) {
	ctx := context.Background()
	ids := guestsSetUp(t, f, 5)
	plain := func(ids []bunker.TenantID) (is []bool) {
		t.Helper()
		rows, err := f.Openings(ctx, ids)
		if err != nil || len(rows) != len(ids) {
			t.Fatalf("%v, %v", rows, err)
		}
		for _, id := range ids {
			r := rows[id]
			if ok := len(r.Keys) == 1 && r.Keys[0].Tenant == id && len(r.Audit) == 1 && r.Audit[0].Tenant == id; r.Plain && !ok {
				t.Errorf("%s: %+v", id, r)
			}
			is = append(is, r.Plain)
		}
		return is
	}
	if got := plain(ids); slices.Contains(got, false) {
		t.Errorf("sound ones are not plain: %v", got)
	}
	if _, err := f.addTenant(""); err != nil { // one that is not set up, wherever it lies between them
		t.Fatal(err)
	}
	if err := f.StopSealed(ctx, ids[3], local); err != nil {
		t.Fatal(err)
	}
	f.tamper(`UPDATE user_key SET no_export = 1 - no_export WHERE tenant = '` + string(ids[1]) + `'`)
	if got := plain(ids); !slices.Equal(got, []bool{true, false, true, false, true}) {
		t.Errorf("plain are %v", got)
	}
	rows, err := f.Openings(ctx, ids)
	if err != nil || !errors.Is(rows[ids[1]].Bad, bunker.ErrTampered) || rows[ids[3]].Bad != nil || len(rows[ids[1]].Keys)+len(rows[ids[3]].Keys) > 0 {
		t.Errorf("%+v, %+v, %v", rows[ids[1]], rows[ids[3]], err)
	}
	if err := f.VerifyAll(ctx, ids[1]); !errors.Is(err, bunker.ErrTampered) {
		t.Errorf("alone: %v", err)
	}
	if err := f.VerifyAll(ctx, bunker.NewTenantID()); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("one that there is not is sound: %v", err)
	}
	if got := plain([]bunker.TenantID{ids[0], ids[2]}); slices.Contains(got, false) {
		t.Errorf("a touched row between them counts: %v", got)
	}
	f.tamper(`UPDATE tenant_head SET default_effect = 3 - default_effect WHERE tenant = '` + string(ids[0]) + `'`)
	if got := plain(ids[:1]); got[0] {
		t.Error("one with a touched head is plain")
	}
}

// changedTogether: of many tenants, all have their record or none; a fault at any statement
// leaves nothing, a lost answer to the COMMIT leaves all of it, once.
func changedTogether(t *testing.T, f *fixture) {
	ctx := context.Background()
	ids := guestsSetUp(t, f, 3)
	seqs := func() (out []int64) {
		t.Helper()
		for _, id := range ids {
			st, _, err := f.Tenant(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, st.ChainSeq)
		}
		return out
	}
	left := ids[1]
	record := func(tx *Tx) error {
		if tx.Tenant().Tenant == left {
			return nil
		}
		if err := tx.Audit(bunker.AuditRecord{Action: "together"}); err != nil {
			return err
		}
		if c := tx.Checkpoint(); c.Seq != tx.Tenant().ChainSeq || c.Tenant != string(tx.Tenant().Tenant) || c.Head != tx.Tenant().ChainHead {
			t.Errorf("%+v", c)
		}
		return nil
	}
	before := seqs()
	failed := 0
	for n := range 20 {
		f.faults.mu.Lock()
		f.faults.skip, f.faults.fail[FaultChange] = n, 1
		f.faults.mu.Unlock()
		err := f.ChangeEach(ctx, ids, local, record)
		f.faults.set(FaultChange, 0)
		if err == nil {
			break
		}
		failed++
		if d := cmp.Diff(before, seqs()); d != "" {
			t.Errorf("statement %d failed and left %s", n, d)
		}
	}
	want := []int64{before[0] + 1, before[1], before[2] + 1}
	if d := cmp.Diff(want, seqs()); d != "" || failed < 2 {
		t.Errorf("%d could fail; %s", failed, d)
	}
	f.faults.set(FaultLost, 1)
	if err := f.ChangeEach(ctx, ids, local, record); err != nil {
		t.Errorf("lost answer: %v", err)
	}
	want[0]++
	want[2]++
	if d := cmp.Diff(want, seqs()); d != "" {
		t.Error(d)
	}
	if err := f.ChangeEach(ctx, []bunker.TenantID{ids[1], ids[0]}, local, record); err == nil {
		t.Error("locks are taken in any order")
	}
	over, end := context.WithCancel(ctx)
	err := f.ChangeEach(over, ids, local, func(tx *Tx) error { end(); return record(tx) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits any more: %v", err)
	}
	if d := cmp.Diff(want, seqs()); d != "" {
		t.Error(d)
	}
	for _, id := range ids {
		r, err := f.VerifyAudit(ctx, id, random32(), nil)
		if err != nil || len(r.Faults) > 0 {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// announcedTogether: many are kept at once, each not sooner than the gap; one that cannot be
// keeps no other from it.
func announcedTogether(t *testing.T, f *fixture) {
	ctx := context.Background()
	ids := guestsSetUp(t, f, 3)
	announce := func(said string) (made []bunker.TenantID, bad []bunker.TenantID) {
		t.Helper()
		list := []Saying{{bunker.NewTenantID(), said}}
		for _, id := range slices.Backward(ids) {
			list = append(list, Saying{id, said})
		}
		out, err := f.Announce(ctx, list, time.Minute, func(id bunker.TenantID, _ error) { bad = append(bad, id) })
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range out {
			if a.Life != 1 || a.Incarnation == "" || a.At == 0 {
				t.Errorf("%+v", a)
			}
			text, err := f.Setting(ctx, a.Tenant, bunker.AnnouncedSetting)
			kept, bad := bunker.ParseAnnounced(text)
			if err != nil || bad != nil || !kept.Has(said) {
				t.Errorf("%q is not kept: %s, %v, %v", said, text, err, bad)
			}
			made = append(made, a.Tenant)
		}
		return made, bad
	}
	if made, bad := announce("one"); !slices.Equal(made, ids) || len(bad) != 1 {
		t.Errorf("%v, not %v", made, bad)
	}
	if made, _ := announce("two"); len(made) > 0 {
		t.Errorf("%v announce themselves again", made)
	}
	f.clock.add(2 * time.Minute)
	f.tamper(`UPDATE tenant_head SET stopped = 1 - stopped WHERE tenant = '` + string(ids[1]) + `'`)
	if made, bad := announce("three"); !slices.Equal(made, []bunker.TenantID{ids[0], ids[2]}) || !slices.Contains(bad, ids[1]) {
		t.Errorf("%v, not %v", made, bad)
	}
}
