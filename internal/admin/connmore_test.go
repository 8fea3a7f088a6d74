package admin

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
)

func (f *fixture) connRow(id bunker.ConnectionID) *bunker.Connection {
	f.t.Helper()
	c, err := f.store.Connection(f.t.Context(), bunker.SelfHosted, id)
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// TestASuspensionForATimeEndsByItself, keeps the permissions, and is nobody's way to
// end another one.
func TestASuspensionForATimeEndsByItself(t *testing.T) {
	f := setUp(t)
	conn := f.connected("all")
	id := string(conn)
	f.do("connection.grant", m{"id": id, "perms": "sign_event:7", "uses": 3})
	q := f.ask(conn, 1, "hello")
	res := f.do("connection.suspend", m{"id": id, "for": "2h"})
	if str(res, "connection", "state") != "suspended" || str(res, "connection", "resume_at") != "2026-11-22T14:00:00.000Z" {
		t.Errorf("suspended: %v", res)
	}
	if r := f.last(); !strings.Contains(r.Reason, "until 2026-11-22T14:00:00Z") {
		t.Errorf("record: %+v", r)
	}
	f.refused(bunker.CodeConflict, "withdrawn", "approval.answer", m{"id": string(q.ID), "digest": hex.EncodeToString(q.OpDigest[:])})
	f.refused(bunker.CodeConflict, "not active", "connection.suspend", m{"id": id, "for": "1m"})
	if n := f.do("status", nil); get(n, "connections", "suspended") != 1.0 {
		t.Errorf("status: %v", get(n, "connections"))
	}
	f.passTime(2*time.Hour - time.Millisecond)
	if s := f.connRow(conn).StateAt(f.Now().UnixMilli()); s != bunker.ConnSuspended {
		t.Errorf("a moment before: %s", s)
	}
	f.passTime(time.Millisecond)
	list := get(f.do("connection.list", m{"state": "active"}), "connections").([]any)
	if len(list) != 1 || get(list[0], "resume_at") != nil {
		t.Errorf("after it: %v", list)
	}
	if n := f.do("status", nil); get(n, "connections", "active") != 1.0 {
		t.Errorf("status: %v", get(n, "connections"))
	}
	for _, g := range get(f.do("connection.show", m{"id": id}), "grants").([]any) {
		if get(g, "live") != true {
			t.Errorf("a permission ended with it: %v", g)
		}
	}
	f.do("connection.suspend", m{"id": id})
	f.passTime(10 * 24 * time.Hour)
	f.refused(bunker.CodeConflict, "not active", "connection.suspend", m{"id": id, "for": "1m"})
	f.do("connection.resume", m{"id": id})
	if c := f.connRow(conn); c.State != bunker.ConnActive || c.ResumeAt != 0 {
		t.Errorf("resumed: %+v", c)
	}
}

// TestAStopAndARestoreOutlastASuspensionForATime: what was suspended for an hour does
// not come back by itself after the bunker was stopped, or restored.
func TestAStopAndARestoreOutlastASuspensionForATime(t *testing.T) {
	for name, act := range map[string]func(*fixture){
		"stop": func(f *fixture) { f.do("stop", nil); f.do("stop.end", nil) },
		"restore": func(f *fixture) {
			if err := f.store.OpenIncarnation(f.t.Context(), bunker.SelfHosted, System(), "a test"); err != nil {
				f.t.Fatal(err)
			}
			if _, err := f.store.ApplyPending(f.t.Context(), bunker.SelfHosted); err != nil {
				f.t.Fatal(err)
			}
		},
	} {
		f := setUp(t)
		conn := f.connected("all")
		f.do("connection.suspend", m{"id": string(conn), "for": "1h"})
		act(f)
		f.passTime(2 * time.Hour)
		if s := f.connRow(conn).StateAt(f.Now().UnixMilli()); s != bunker.ConnSuspended {
			t.Errorf("after a %s it is %s", name, s)
		}
	}
}

func TestAKeyIsPausedAndResumed(t *testing.T) {
	f := setUp(t).remote()
	f.do("key.add", m{"name": "herald"})
	f.do("admin.add", m{"npub": npubOf(2), "role": "approver"})
	version := f.keyRow("herald").Version
	res := f.doAs(f.as(2), "key.pause", m{"key": "herald", "for": "1h"})
	if get(res, "key", "paused") != true || str(res, "key", "paused_until") != "2026-11-22T13:00:00.000Z" || get(res, "key", "unlocked") != true {
		t.Errorf("paused: %v", res)
	}
	if f.keyRow("herald").Version <= version {
		t.Error("decisions on their way would not notice")
	}
	// An approver can make it longer, not shorter, and not end it.
	f.deny(f.as(2), bunker.CodeConflict, "paused already", "key.pause", m{"key": "herald", "for": "30m"})
	f.deny(f.as(2), bunker.CodeRestricted, "operator", "key.resume", m{"key": "herald"})
	f.doAs(f.as(2), "key.pause", m{"key": "herald", "for": "3h"})
	f.doAs(f.as(2), "key.pause", m{"key": "herald"})
	f.deny(f.as(2), bunker.CodeConflict, "paused already", "key.pause", m{"key": "herald", "for": "3h"})
	f.passTime(1000 * time.Hour)
	if !f.keyRow("herald").PausedAt(f.Now().UnixMilli()) {
		t.Error("a pause without an end ended")
	}
	f.do("key.resume", m{"key": "herald"})
	f.refused(bunker.CodeConflict, "not paused", "key.resume", m{"key": "herald"})
	f.do("key.pause", m{"key": "herald", "for": "1h"})
	f.passTime(time.Hour)
	if k := get(f.do("key.show", m{"key": "herald"}), "key"); get(k, "paused") != nil || get(k, "paused_until") != nil {
		t.Errorf("after its time: %v", k)
	}
	f.do("key.pause", m{"key": "herald", "for": "1m"})
}

func TestAConnectionIsGivenOtherPermissionsAtOnce(t *testing.T) {
	f := setUp(t)
	conn := f.connected("sign_event:1")
	id := string(conn)
	f.do("connection.grant", m{"id": id, "perms": "sign_event:7"})
	f.do("connection.grant", m{"id": id, "perms": "sign_event:3", "deny": true})
	version := f.connRow(conn).Version
	res := f.do("connection.regrant", m{"id": id, "perms": "sign_event:30023", "for": "1d"})
	first := func(res any) any { return get(res, "grants").([]any)[0] }
	if get(res, "ended") != 2.0 || str(first(res), "perms") != "sign_event:30023" || str(first(res), "expires_at") != "2026-11-23T12:00:00.000Z" {
		t.Errorf("regranted: %v", res)
	}
	if f.connRow(conn).Version <= version {
		t.Error("decisions on their way would not notice")
	}
	live := func() (perms []string) {
		for _, g := range get(f.do("connection.show", m{"id": id}), "grants").([]any) {
			if get(g, "live") == true {
				perms = append(perms, str(g, "effect")+" "+str(g, "perms"))
			}
		}
		slices.Sort(perms)
		return perms
	}
	if p := live(); !slices.Equal(p, []string{"allow sign_event:30023", "deny sign_event:3"}) {
		t.Errorf("it has %q", p)
	}
	tok := str(f.do("token.create", m{"key": "herald", "client": "c", "perms": "nip44_encrypt", "grant_for": "1h"}), "id")
	res = f.do("connection.regrant", m{"id": id, "token": tok, "refusals": true})
	if p := live(); !slices.Equal(p, []string{"allow nip44_encrypt"}) || str(first(res), "expires_at") != "2026-11-22T13:00:00.000Z" {
		t.Errorf("it has %q: %v", p, res)
	}
	f.do("policy.create", m{"name": "notes", "rules": []m{{"id": "n", "effect": "allow", "kinds": []m{{"from": 1, "to": 1}}}}})
	res = f.do("connection.regrant", m{"id": id, "policy": "notes", "perms": "sign_event:7"})
	if p := live(); !slices.Equal(p, []string{"allow ", "allow sign_event:7"}) || get(res, "ended") != 1.0 || str(first(res), "policy") != "notes" {
		t.Errorf("it has %q: %v", p, res)
	}
	f.do("connection.regrant", m{"id": id, "perms": ""})
	if p := live(); len(p) != 0 {
		t.Errorf("it has %q", p)
	}
	f.do("key.add", m{"name": "other"})
	others := str(f.do("token.create", m{"key": "other", "client": "c", "perms": "all"}), "id")
	f.refused(bunker.CodeConflict, "another key", "connection.regrant", m{"id": id, "token": others})
	f.refused(bunker.CodeNotFound, "", "connection.regrant", m{"id": id, "token": "tnothing"})
	f.refused(bunker.CodeInvalid, "give perms", "connection.regrant", m{"id": id})
	f.refused(bunker.CodeInvalid, "give perms", "connection.regrant", m{"id": id, "token": tok, "perms": "all"})
	f.do("connection.revoke", m{"id": id})
	f.refused(bunker.CodeConflict, "revoked", "connection.regrant", m{"id": id, "perms": "all"})
}

func TestAnAppIsToldRelaysOfItsOwn(t *testing.T) {
	f := setUp(t)
	conn := f.connected("all")
	id := string(conn)
	res := f.do("connection.relays", m{"id": id, "relays": []string{"wss://Two.example.com/", "wss://two.example.com", "wss://three.example.com"}})
	if got := fmt.Sprint(get(res, "connection", "switch_to")); got != "[wss://two.example.com wss://three.example.com]" {
		t.Errorf("told: %s", got)
	}
	heard, err := f.store.Listeners(t.Context(), bunker.SelfHosted)
	if err != nil || len(heard) != 1 || !slices.Equal(heard[0].Relays, []string{"wss://app.example.com", "wss://two.example.com", "wss://three.example.com"}) {
		t.Errorf("it is heard on %v: %v", heard, err)
	}
	f.do("connection.relays", m{"id": id})
	if c := f.connRow(conn); len(c.SwitchTo) != 0 {
		t.Errorf("the bunker's again: %v", c.SwitchTo)
	}
	f.refused(bunker.CodeRestricted, "private", "connection.relays", m{"id": id, "relays": []string{"ws://10.0.0.1"}})
	f.refused(bunker.CodeInvalid, "", "connection.relays", m{"id": id, "relays": []string{"http://x"}})
	f.refused(bunker.CodeInvalid, "at most", "connection.relays", m{"id": id, "relays": strings.Split("wss://a.com"+strings.Repeat(",wss://a.com", MaxConnectionRelays), ",")})
}

// TestTheLogSaysForWhomByName, and the chain holds no name: one that is erased is gone.
func TestTheLogSaysForWhomByName(t *testing.T) {
	f := setUp(t)
	conn := f.connected("all")
	f.do("connection.person", m{"id": string(conn), "person": "Ada Lovelace"})
	f.do("connection.suspend", m{"id": string(conn)})
	f.do("connection.resume", m{"id": string(conn)})
	f.do("connection.person", m{"id": string(conn), "person": "Bob"})
	recs := get(f.do("audit.list", m{"person": "Ada Lovelace"}), "records").([]any)
	if len(recs) != 3 || str(recs[0], "person") != "Ada Lovelace" || str(recs[0], "action") != "connection.resume" {
		t.Errorf("Ada's: %v", recs)
	}
	if recs := get(f.do("audit.list", m{"person": "Bob"}), "records").([]any); len(recs) != 1 {
		t.Errorf("Bob's: %v", recs)
	}
	if recs := get(f.do("audit.list", m{"person": "Carol"}), "records").([]any); len(recs) != 0 {
		t.Errorf("Carol's: %v", recs)
	}
	lines := fmt.Sprint(get(f.do("audit.export", nil), "lines"))
	if strings.Contains(lines, "Ada") || strings.Contains(lines, "Lovelace") || !strings.Contains(lines, `"person":"`) {
		t.Errorf("the chain: %s", lines)
	}
	if v := f.do("audit.verify", nil); get(v, "whole") != true {
		t.Errorf("the chain: %v", v)
	}
	f.do("connection.person", m{"id": string(conn), "person": "Ada Lovelace"})
	tok := str(f.do("token.create", m{"key": "herald", "client": "c", "person": "Ada Lovelace", "perms": "all"}), "id")
	res := f.do("person.forget", m{"person": "Ada Lovelace"})
	if get(res, "connections") != 1.0 || get(res, "tokens") != 1.0 || f.connRow(conn).Person != "" || str(f.do("token.show", m{"id": tok}), "token", "person") != "" {
		t.Errorf("forgotten: %v", res)
	}
	f.refused(bunker.CodeNotFound, "", "person.forget", m{"person": "Ada Lovelace"})
	recs = get(f.do("audit.list", m{"action": "connection.resume"}), "records").([]any)
	if p := str(recs[0], "person"); len(p) != 16 || strings.Contains(p, "Ada") {
		t.Errorf("an erased name: %q", p)
	}
}

// TestATokenSaysWhoRedeemedIt.
func TestATokenSaysWhoRedeemedIt(t *testing.T) {
	f := setUp(t)
	conn := f.connected("all")
	tok := str(f.do("token.create", m{"key": "herald", "client": "c", "perms": "all"}), "id")
	res := f.do("token.show", m{"id": tok})
	if str(res, "token", "state") != "open" || len(get(res, "connections").([]any)) != 0 {
		t.Errorf("unused: %v", res)
	}
	err := f.store.Change(t.Context(), bunker.SelfHosted, System(), func(tx *store.Tx) error {
		c, err := tx.Connection(conn)
		if err != nil {
			return err
		}
		c.Token = bunker.TokenID(tok)
		if err := tx.PutConnection(c); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "test"})
	})
	if err != nil {
		t.Fatal(err)
	}
	res = f.do("token.show", m{"id": tok})
	if list := get(res, "connections").([]any); len(list) != 1 || str(list[0], "id") != string(conn) || str(list[0], "client") == "" {
		t.Errorf("redeemed: %v", res)
	}
	f.refused(bunker.CodeNotFound, "", "token.show", m{"id": "tnothing"})
}
