package store

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
)

func changeNeedsRecord(t *testing.T, f *fixture) {
	ctx := context.Background()
	before := f.dump()
	err := f.Change(ctx, bunker.SelfHosted, local, func(tx *Tx) error { return tx.PutSetting("a", "b") })
	if err == nil {
		t.Error("a change without a record was stored")
	}
	if d := cmp.Diff(before, f.dump()); d != "" {
		t.Error(d)
	}
	if v, err := f.Setting(ctx, bunker.SelfHosted, "a"); v != "" || err != nil {
		t.Errorf("%q %v", v, err)
	}
	// Reading alone is no change, and a record alone is one.
	if err := f.Change(ctx, bunker.SelfHosted, local, func(tx *Tx) error { _, err := tx.Keys(Page{}); return err }); err != nil {
		t.Error(err)
	}
	if err := f.Change(ctx, bunker.SelfHosted, local, func(tx *Tx) error { return tx.Audit(bunker.AuditRecord{Action: "export"}) }); err != nil {
		t.Error(err)
	}
	recs, err := f.Records(ctx, bunker.SelfHosted, RecordFilter{Limit: 1})
	if err != nil || recs[0].Action != "export" || recs[0].Principal != "local" || recs[0].Door != "socket" {
		t.Errorf("%+v %v", recs, err)
	}
	if err := f.Change(ctx, "nobody", local, func(*Tx) error { return nil }); err == nil {
		t.Error("a change of a tenant that is not there")
	}
	f.expectWhole()
}

func changeWhole(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	before := f.dump()
	boom := errors.New("boom")
	if err := f.tryChange(func(tx *Tx) error {
		k.Locked = true
		return errors.Join(tx.PutKey(k), tx.PutSetting("a", "b"), boom)
	}); !errors.Is(err, boom) {
		t.Error(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		f.change(func(tx *Tx) error {
			if err := tx.PutSetting("a", "b"); err != nil {
				return err
			}
			panic("a bug")
		})
	}()
	if d := cmp.Diff(before, f.dump()); d != "" {
		t.Error(d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err := f.Change(ctx, bunker.SelfHosted, local, func(tx *Tx) error {
		cancel()
		return tx.PutSetting("a", "b")
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a change whose caller left: %v", err)
	}
	f.change(func(tx *Tx) error { return tx.PutSetting("a", "c") }) // the handle still works
	f.expectWhole()
}

func versionsGuard(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	stale := *k
	k.Locked = true
	f.change(func(tx *Tx) error { return tx.PutKey(k) })
	if k.Version != 2 {
		t.Errorf("version %d", k.Version)
	}
	if err := f.tryChange(func(tx *Tx) error { return tx.PutKey(&stale) }); !isConflict(err) || stale.Version != 1 {
		t.Errorf("an old version: %v (version %d)", err, stale.Version)
	}
	other := *k
	other.Tenant = "them"
	if err := f.tryChange(func(tx *Tx) error { return tx.PutKey(&other) }); err == nil {
		t.Error("a row of another tenant was stored")
	}
	gone := *k
	gone.ID, gone.Name, gone.PubKey, gone.Version = "k9", "gone", random32(), 7
	if err := f.tryChange(func(tx *Tx) error { return tx.PutKey(&gone) }); !isConflict(err) {
		t.Errorf("a row that was deleted: %v", err)
	}
	st, _, err := f.Tenant(context.Background(), bunker.SelfHosted)
	if err != nil {
		t.Fatal(err)
	}
	f.change(func(tx *Tx) error { tx.Bump(); return nil })
	if err := f.tryChange(func(tx *Tx) error { return tx.PutTenant(st) }); !isConflict(err) {
		t.Errorf("an old tenant: %v", err)
	}
	same := &bunker.UserKey{Tenant: k.Tenant, ID: "k8", Name: k.Name, PubKey: random32(), State: bunker.KeyActive}
	if err := f.tryChange(func(tx *Tx) error { return tx.PutKey(same) }); !isConflict(err) || same.Version != 0 {
		t.Errorf("a name twice: %v", err)
	}
}

func uniquePubkeys(t *testing.T, f *fixture) {
	k := f.addKey("herald")
	tok, _ := f.addToken(k, 1)
	imported := &bunker.UserKey{Tenant: k.Tenant, ID: "k9", Name: "x", PubKey: tok.Signer, State: bunker.KeyActive}
	if err := f.tryChange(func(tx *Tx) error { return tx.PutKey(imported) }); !isConflict(err) {
		t.Errorf("a service key as a user key: %v", err)
	}
	imported.PubKey = k.PubKey
	if err := f.tryChange(func(tx *Tx) error { return tx.PutKey(imported) }); !isConflict(err) {
		t.Errorf("a user key twice: %v", err)
	}
	for name, sk := range map[string]*bunker.ServiceKey{
		"a user key":          {Tenant: k.Tenant, PubKey: k.PubKey, Role: bunker.RoleSigner},
		"another service key": {Tenant: k.Tenant, PubKey: tok.Signer, Role: bunker.RoleAdmin},
	} {
		if err := f.tryChange(func(tx *Tx) error { return tx.AddServiceKey(sk) }); !isConflict(err) {
			t.Errorf("%s as a service key: %v", name, err)
		}
	}
	f.change(func(tx *Tx) error {
		return tx.RewrapServiceKey(&bunker.ServiceKey{Tenant: k.Tenant, PubKey: tok.Signer, Ciphertext: []byte("new")})
	})
	keys, err := f.ServiceKeys(context.Background(), k.Tenant, bunker.RoleSigner)
	if err != nil || len(keys) != 1 || string(keys[0].Ciphertext) != "new" {
		t.Errorf("%+v %v", keys, err)
	}
	if err := f.tryChange(func(tx *Tx) error { return tx.RewrapServiceKey(&bunker.ServiceKey{Tenant: k.Tenant}) }); err == nil {
		t.Error("a service key that is not there was rewrapped")
	}
	if keys, err = f.ServiceKeys(context.Background(), k.Tenant, ""); err != nil || len(keys) != 1 {
		t.Errorf("%+v %v", keys, err)
	}
}

func deletingKey(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	k, kept := f.addKey("herald"), f.addKey("second")
	tok, _ := f.addToken(k, 1)
	c, other := f.addConnection(k), f.addConnection(kept)
	f.parked(c)
	k.State, k.DeleteAt = bunker.KeyDeleting, f.clock.Now().UnixMilli()+1
	f.change(func(tx *Tx) error { return tx.PutKey(k) })
	if due, err := f.DeletingKeys(ctx, self); len(due) != 0 || err != nil {
		t.Errorf("too early: %+v %v", due, err)
	}
	f.clock.add(1e6)
	due, err := f.DeletingKeys(ctx, self)
	if err != nil || len(due) != 1 {
		t.Fatalf("%+v %v", due, err)
	}
	f.change(func(tx *Tx) error { return tx.DeleteKey(k.ID) })
	v := f.view(c)
	if v.Key != nil || v.Connection.State != bunker.ConnRevoked {
		t.Errorf("its client: %+v", v)
	}
	if got, err := f.Token(ctx, self, tok.ID); err != nil || got.State != bunker.TokenRevoked {
		t.Errorf("%+v %v", got, err)
	}
	if o, err := f.Owner(ctx, tok.Signer); err != nil || o.Token != nil {
		t.Errorf("%+v %v", o, err)
	}
	if v = f.view(other); v.Connection.State != bunker.ConnActive {
		t.Error("another key's connection was revoked")
	}
	var e *bunker.Error
	if _, err := f.Key(ctx, self, "herald"); !errors.As(err, &e) || e.Code != bunker.CodeNotFound {
		t.Error(err)
	}
	if err := f.tryChange(func(tx *Tx) error { return tx.DeleteKey(k.ID) }); err == nil {
		t.Error("deleted twice")
	}
	f.expectRows("approval WHERE state = 'withdrawn'", 1)
	f.expectWhole()
}

func plainRows(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	slot := func(id bunker.SlotID, name string) *bunker.Slot {
		return &bunker.Slot{Tenant: self, ID: id, Kind: bunker.SlotPassphrase, Name: name, Params: []byte("{}"), Wrapped: []byte("w"), CreatedAt: 1}
	}
	f.change(func(tx *Tx) error { return errors.Join(tx.PutSlot(slot("s1", "a")), tx.PutSlot(slot("s2", "b"))) })
	if err := f.tryChange(func(tx *Tx) error { return tx.PutSlot(slot("s3", "a")) }); !isConflict(err) {
		t.Errorf("a slot's name twice: %v", err)
	}
	f.change(func(tx *Tx) error { return tx.DeleteSlot("s1") })
	if err := f.tryChange(func(tx *Tx) error { return tx.DeleteSlot("s2") }); !isConflict(err) {
		t.Errorf("the last slot: %v", err)
	}
	slots, err := f.Slots(ctx, self)
	if err != nil || cmp.Diff(slots, []bunker.Slot{*slot("s2", "b")}) != "" {
		t.Errorf("%+v %v", slots, err)
	}

	c := f.addConnection(f.addKey("herald"))
	url := c.Relays[0]
	f.change(func(tx *Tx) error {
		return errors.Join(tx.PutRelay(Relay{URL: url, State: RelayOld, AddedAt: 1, HeardUntil: 9}), tx.PutRelay(Relay{URL: "wss://new.example", State: RelayUsed, AddedAt: 2}))
	})
	relays, err := f.Relays(ctx, self)
	if err != nil || len(relays) != 2 || relays[0].State != RelayUsed || relays[1].HeardUntil != 9 {
		t.Errorf("%+v %v", relays, err)
	}
	use, err := f.RelayUsers(ctx, self, url)
	if err != nil || use != (RelayUse{Named: 1}) {
		t.Errorf("%+v %v", use, err)
	}
	now := f.view(c).Connection
	now.Relays = nil
	f.change(func(tx *Tx) error { return tx.PutConnection(now) })
	if use, err = f.RelayUsers(ctx, self, url); err != nil || use != (RelayUse{Default: 1}) {
		t.Errorf("after it switched: %+v %v", use, err)
	}
	f.change(func(tx *Tx) error { return tx.DeleteRelay(url) })
	if err := f.tryChange(func(tx *Tx) error { return tx.DeleteRelay(url) }); err == nil {
		t.Error("a relay was removed twice")
	}

	f.change(func(tx *Tx) error {
		return errors.Join(tx.PutSetting("a", "1"), tx.PutSetting("a", "2"), tx.PutSetting("b", ""))
	})
	if v, err := f.Setting(ctx, self, "a"); v != "2" || err != nil {
		t.Errorf("%q %v", v, err)
	}
	f.change(func(tx *Tx) error {
		v, err := tx.Setting("a")
		if v != "2" {
			t.Errorf("%q", v)
		}
		return errors.Join(err, tx.PutSetting("a", ""))
	})
	if v, err := f.Setting(ctx, self, "a"); v != "" || err != nil {
		t.Errorf("%q %v", v, err)
	}

	if n, at, err := f.Tries(ctx, self, "passphrase"); n != 0 || at != 0 || err != nil {
		t.Errorf("%d %d %v", n, at, err)
	}
	if err := errors.Join(f.PutTries(ctx, self, "passphrase", 1, 5), f.PutTries(ctx, self, "passphrase", 2, 6)); err != nil {
		t.Fatal(err)
	}
	f.reopen()
	if n, at, err := f.Tries(ctx, self, "passphrase"); n != 2 || at != 6 || err != nil {
		t.Errorf("after a restart: %d %d %v", n, at, err)
	}

	a := &bunker.Admin{Tenant: self, PubKey: random32(), Role: bunker.Owner, CreatedAt: 1}
	f.change(func(tx *Tx) error { return tx.PutAdmin(a) })
	a.Role = bunker.Viewer
	f.change(func(tx *Tx) error { return tx.PutAdmin(a) })
	got, err := f.Admin(ctx, self, a.PubKey)
	if err != nil || cmp.Diff(got, a) != "" {
		t.Errorf("%+v %v", got, err)
	}
	f.change(func(tx *Tx) error {
		all, err := tx.Admins()
		if len(all) != 1 {
			t.Errorf("%+v", all)
		}
		one, err2 := tx.Admin(a.PubKey)
		if one == nil || one.Role != bunker.Viewer {
			t.Errorf("%+v", one)
		}
		return errors.Join(err, err2, tx.DeleteAdmin(a.PubKey))
	})
	if _, err := f.Admin(ctx, self, a.PubKey); err == nil {
		t.Error("a removed admin was read")
	}
}

func pages(t *testing.T, f *fixture) {
	ctx, self := context.Background(), bunker.SelfHosted
	for i := range 5 {
		k := f.addKey(fmt.Sprintf("key %d", i))
		f.addToken(k, 1)
		f.addConnection(k)
	}
	first, err := f.Keys(ctx, self, Page{Limit: 2})
	if err != nil || len(first) != 2 || first[0].Name != "key 0" {
		t.Fatalf("%+v %v", first, err)
	}
	rest, err := f.Keys(ctx, self, Page{After: first[1].Name})
	if err != nil || len(rest) != 3 || rest[0].Name != "key 2" {
		t.Errorf("%+v %v", rest, err)
	}
	tokens, err := f.Tokens(ctx, self, Page{Limit: 4})
	if err != nil || len(tokens) != 4 {
		t.Fatal(err)
	}
	if tokens, err = f.Tokens(ctx, self, Page{After: string(tokens[3].ID)}); err != nil || len(tokens) != 1 {
		t.Errorf("%d %v", len(tokens), err)
	}
	conns, err := f.Connections(ctx, self, "", Page{Limit: 4})
	if err != nil || len(conns) != 4 {
		t.Fatal(err)
	}
	if conns, err = f.Connections(ctx, self, "", Page{After: string(conns[3].ID)}); err != nil || len(conns) != 1 {
		t.Errorf("%d %v", len(conns), err)
	}
	if conns, err = f.Connections(ctx, self, first[0].ID, Page{}); err != nil || len(conns) != 1 || conns[0].Key != first[0].ID {
		t.Errorf("of one key: %d %v", len(conns), err)
	}
	grants, err := f.Grants(ctx, self, conns[0].ID, Page{})
	if err != nil || len(grants) != 1 {
		t.Errorf("%d %v", len(grants), err)
	}
	if got, err := f.Connection(ctx, self, conns[0].ID); err != nil || got.ID != conns[0].ID {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := f.Key(ctx, self, string(first[0].ID)); err != nil || got.Name != first[0].Name {
		t.Errorf("%+v %v", got, err)
	}
	for p, want := range map[Page]int{{}: MaxPage, {Limit: -1}: MaxPage, {Limit: MaxPage + 1}: MaxPage, {Limit: 3}: 3} {
		if p.limit() != want {
			t.Errorf("%+v: %d", p, p.limit())
		}
	}
	f.change(func(tx *Tx) error {
		k, err := tx.Keys(Page{})
		toks, err2 := tx.Tokens(Page{})
		cs, err3 := tx.Connections("", Page{})
		gs, err4 := tx.Grants(cs[0].ID, Page{})
		as, err5 := tx.Approvals(ApprovalPage{})
		if len(k) != 5 || len(toks) != 5 || len(cs) != 5 || len(gs) != 1 || len(as) != 0 {
			t.Errorf("%d %d %d %d %d", len(k), len(toks), len(cs), len(gs), len(as))
		}
		tok, err6 := tx.Token(toks[0].ID)
		if tok == nil || tok.ID != toks[0].ID {
			t.Errorf("%+v", tok)
		}
		return errors.Join(err, err2, err3, err4, err5, err6, tx.DeleteToken(toks[0].ID))
	})
	f.expectRows("token", 4)
}
