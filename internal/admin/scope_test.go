package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
	"nsecbunker/nostr/nip19"
)

// remote opens the relay door to every command that the machine's own has, as far
// as the table in the test is concerned.
func (f *fixture) remote() *fixture {
	for _, c := range f.commands {
		if slices.Contains(c.Doors, bunker.DoorSocket) && !slices.Contains(c.Doors, bunker.DoorRelay) {
			c.Doors = append(slices.Clone(c.Doors), bunker.DoorRelay)
		}
	}
	return f
}

// as is the principal that the relay door makes of an admin's row, freshly proven.
func (f *fixture) as(n byte) bunker.Principal {
	f.t.Helper()
	a, err := f.store.Admin(f.t.Context(), bunker.SelfHosted, pubOf(n))
	if err != nil {
		f.t.Fatal(err)
	}
	p := bunker.Principal{Name: nip19.EncodeNpub(a.PubKey), Door: bunker.DoorRelay, PubKey: a.PubKey, Keys: a.Keys, Fresh: true}
	if a.ActiveAt <= f.clock.Now().UnixMilli() {
		p.Role = a.Role
	}
	return p
}

// deny is callAs for what must be refused: the code, and words that it must say.
func (f *fixture) deny(p bunker.Principal, code bunker.Code, words, name string, params m) {
	f.t.Helper()
	_, err := f.callAs(p, name, params)
	if e := bunker.AsError(err); err == nil || e.Code != code || !strings.Contains(e.Words, words) {
		f.t.Errorf("%s %v by %s: got %v, want %s with %q", name, params, p.Name, err, code, words)
	}
}

func (f *fixture) doAs(p bunker.Principal, name string, params m) m {
	f.t.Helper()
	res, err := f.callAs(p, name, params)
	if err != nil {
		f.t.Fatalf("%s by %s: %v", name, p.Name, err)
	}
	return res
}

// twoMustDelete makes a second owner, who does not wait, and a quorum of both.
func (f *fixture) twoMustDelete() *fixture {
	f.t.Helper()
	f.fill(func(tx *store.Tx) error {
		return tx.PutAdmin(&bunker.Admin{Tenant: bunker.SelfHosted, PubKey: pubOf(20), Role: bunker.Owner, Version: 1})
	})
	f.doAs(f.as(1), "quorum.set", m{"delete": 2})
	return f
}

// marker is in every text of the key that a scoped admin must not hear of.
const marker = "zqxmarker"

// estate is one key with something of everything that can belong to a key.
type estate struct {
	key            *bunker.UserKey
	connection     bunker.ConnectionID
	token          string
	question       string
	grant          string
	motion         string
	ids            []string
	clientOfTheApp string
}

// estateOf makes a key with a connection, a token, a question, a grant and records,
// all of whose texts begin with label.
func (f *fixture) estateOf(label string) estate {
	f.t.Helper()
	f.do("key.add", m{"name": label})
	res := f.do("connect", m{"uri": newApp(f.t).uri("wss://app.example.com"), "key": label, "perms": "sign_event:1", "name": label + "-app", "person": label + "-person"})
	e := estate{key: f.keyRow(label), connection: bunker.ConnectionID(str(res, "connection", "id")), clientOfTheApp: str(res, "connection", "client")}
	e.token = str(f.do("token.create", m{"key": label, "client": label + "-client", "person": label + "-person", "perms": "all"}), "id")
	q := f.ask(e.connection, 7, label+"-content")
	e.question = string(q.ID)
	e.grant = str(f.do("connection.grant", m{"id": string(e.connection), "perms": "sign_event:7"}), "grant", "id")
	e.motion = f.waits(f.as(1), "1 more of 2", "key.delete", m{"key": label})
	e.ids = []string{e.motion, string(e.key.ID), e.key.PubKey.String(), nip19.EncodeNpub(e.key.PubKey), string(e.connection), e.token, e.question, e.grant, e.clientOfTheApp, marker}
	return e
}

// refs are the values that a parameter takes to name what is in an estate.
func (e estate) refs(n Noun) string {
	switch n {
	case NounKey:
		return string(e.key.ID)
	case NounConnection:
		return string(e.connection)
	case NounToken:
		return e.token
	case NounQuestion:
		return e.question
	case NounMotion:
		return e.motion
	}
	return e.grant
}

// rowsOf is all that the store has of a key, as text.
func (f *fixture) rowsOf(e estate) string {
	f.t.Helper()
	ctx, t := f.t.Context(), bunker.SelfHosted
	k, err1 := f.store.Key(ctx, t, string(e.key.ID))
	conns, err2 := f.store.Connections(ctx, t, e.key.ID, store.Page{})
	grants, err3 := f.store.Grants(ctx, t, e.connection, store.Page{})
	tok, err4 := f.store.Token(ctx, t, bunker.TokenID(e.token))
	q, err5 := f.store.Approval(ctx, t, bunker.ApprovalID(e.question))
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			f.t.Fatal(err)
		}
	}
	for i := range conns { // written when there is time
		conns[i].LastUsed, conns[i].Uses = 0, 0
	}
	mo, err := f.store.Motion(ctx, t, bunker.MotionID(e.motion))
	if err != nil {
		f.t.Fatal(err)
	}
	b, err := json.Marshal([]any{k, conns, grants, tok, q, mo})
	if err != nil {
		f.t.Fatal(err)
	}
	return string(b)
}

// guessesFor are values for every parameter of a command that could be guessed from
// its name; those that name something are of the estate.
func guessesFor(c *Command, e estate) m {
	general := m{
		"password": passphrase, "passphrase": passphrase, "new": passphrase, "client": "c", "perms": "sign_event:1", "npub": npubOf(9),
		"role": "viewer", "path": "/backup.age", "url": "wss://three.example.com", "kind": "passphrase", "name": "other-name", "slot": "passphrase",
		"uri": "nostrconnect://x", "secret": strings.Repeat("1", 64), "grant": e.grant, "key": string(e.key.ID), "id": string(e.connection),
		"connection": string(e.connection), "digest": strings.Repeat("0", 64), "person": "somebody", "default": "ask", "state": "", "for": "1h",
		"token": e.token, "relays": []string{"wss://four.example.com"}, "keys": []string{string(e.key.ID)},
	}
	params := m{}
	for _, p := range c.Params() {
		if v, ok := general[p.Name]; ok {
			params[p.Name] = v
		}
	}
	for _, n := range c.Scope.Names {
		params[n.Param] = e.refs(n.Noun)
	}
	return params
}

// TestAScopeHidesAndGuardsEveryOtherKey calls every command of the table, later ones
// too, as admins of one key of every role, with parameters that name the other key,
// with none, and with some of each: no answer and no refusal says anything of the
// other key, and nothing of it changes.
func TestAScopeHidesAndGuardsEveryOtherKey(t *testing.T) {
	f := setUp(t).remote().twoMustDelete()
	his := f.estateOf("herald")
	other := f.estateOf(marker)
	for i, role := range []string{"viewer", "approver", "operator", "owner"} {
		f.do("admin.add", m{"npub": npubOf(byte(10 + i)), "role": role, "keys": []string{"herald"}})
	}
	before := f.rowsOf(other)
	tenant, _, err := f.store.Tenant(t.Context(), bunker.SelfHosted)
	if err != nil {
		t.Fatal(err)
	}
	calls, reached := 0, 0
	search := func(c *Command, params m, out []byte) {
		t.Helper()
		calls++
		for _, id := range other.ids {
			typed, err := json.Marshal(params)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(out, []byte(id)) && !bytes.Contains(typed, []byte(id)) {
				t.Errorf("%s %v tells of the other key (%s): %s", c.Name, params, id, out)
			}
		}
	}
	for _, c := range f.Commands() {
		if c.Name == "key.delete" || c.Name == "key.lock" || c.Name == "quorum.withdraw" || c.Name == "quorum.approve" {
			for i := range 4 { // of the other key
				search(c, guessesFor(c, other), f.shout(f.as(byte(10+i)), c, guessesFor(c, other)))
			}
			continue // of his own key: TestAScopedAdminWorksOnHisKey
		}
		for i := range 4 {
			p := f.as(byte(10 + i))
			mixed := guessesFor(c, his)
			if len(c.Scope.Names) > 0 {
				mixed[c.Scope.Names[0].Param] = other.refs(c.Scope.Names[0].Noun)
			}
			if _, ok := mixed["grant"]; ok {
				search(c, nil, f.shout(p, c, with(guessesFor(c, his), "grant", other.grant)))
			}
			byName := guessesFor(c, other)
			for _, n := range c.Scope.Names {
				switch n.Noun {
				case NounKey:
					byName[n.Param] = marker
				case NounConnection:
					byName[n.Param] = marker + "-app"
				}
			}
			for _, params := range []m{{}, guessesFor(c, other), mixed, byName, guessesFor(c, his)} {
				search(c, params, f.shout(p, c, params))
			}
			if c.Scope.whole() {
				f.deny(p, bunker.CodeRestricted, "", c.Name, nil)
			} else {
				reached++
			}
		}
		if after := f.rowsOf(other); after != before {
			t.Fatalf("%s changed the other key:\n%s\n%s", c.Name, before, after)
		}
	}
	now, _, err := f.store.Tenant(t.Context(), bunker.SelfHosted)
	if err != nil || now.Version != tenant.Version {
		t.Errorf("the bunker was changed: %+v %v", now, err)
	}
	if reached < 60 || calls < (len(f.Commands())-4)*4*5 {
		t.Errorf("only %d calls, %d of them of keys", calls, reached)
	}
	t.Logf("%d commands, %d calls", len(f.Commands()), calls)
}

func with(params m, name string, v any) m {
	params[name] = v
	return params
}

// shout is what a call makes known: its result or its refusal, every bit of it.
func (f *fixture) shout(p bunker.Principal, c *Command, params m) []byte {
	f.t.Helper()
	b, err := json.Marshal(params)
	if err != nil {
		f.t.Fatal(err)
	}
	res, err := f.Dispatch(f.t.Context(), p, c.Name, b)
	out := fmt.Appendf(nil, "%+v %#v %v", res, res, err)
	if err != nil {
		e := bunker.AsError(err)
		out = fmt.Appendf(out, "%s %s %s", e.Words, e.Hint, e.Field)
	}
	if j, err := json.Marshal(res); err == nil {
		out = append(out, j...)
	}
	return out
}

// TestAScopedAdminWorksOnHisKey: what his role allows, he can do with what is his,
// and the lists show him all of that.
func TestAScopedAdminWorksOnHisKey(t *testing.T) {
	f := setUp(t).remote().twoMustDelete()
	his, other := f.estateOf("herald"), f.estateOf(marker)
	f.do("admin.add", m{"npub": npubOf(2), "role": "owner", "keys": []string{"herald"}})
	p := f.as(2)
	for list, part := range map[string]string{"key.list": "keys", "connection.list": "connections", "token.list": "tokens", "approval.list": "approvals"} {
		if rows := get(f.doAs(p, list, nil), part).([]any); len(rows) != 1 {
			t.Errorf("%s shows %v", list, rows)
		}
	}
	recs := get(f.doAs(p, "audit.list", nil), "records").([]any)
	for _, r := range recs {
		if str(r, "key") != his.key.PubKey.String() && str(r, "connection") != string(his.connection) {
			t.Errorf("a record that is not his: %v", r)
		}
	}
	if len(recs) < 4 {
		t.Errorf("his records: %v", recs)
	}
	f.doAs(p, "connection.rename", m{"id": "herald-app", "name": "mine"})
	f.doAs(p, "approval.answer", m{"id": his.question, "deny": true})
	f.doAs(p, "token.create", m{"key": "herald", "client": "mine", "perms": "all"})
	f.doAs(p, "connection.ungrant", m{"id": string(his.connection), "grant": his.grant})
	f.deny(p, bunker.CodeNotFound, "", "connection.ungrant", m{"id": string(his.connection), "grant": other.grant})
	f.deny(p, bunker.CodeNotFound, "no key", "key.lock", m{"key": marker})
	f.deny(p, bunker.CodeNotFound, "no key", "key.lock", m{"key": "nothing"})
	f.doAs(p, "key.lock", m{"key": "herald"})
	if list := get(f.doAs(p, "quorum.list", nil), "motions").([]any); len(list) != 1 || str(list[0], "id") != his.motion {
		t.Errorf("what waits: %v", list)
	}
	f.deny(p, bunker.CodeNotFound, "", "quorum.approve", m{"id": other.motion})
	f.deny(p, bunker.CodeNotFound, "", "quorum.withdraw", m{"id": other.motion})
	f.doAs(p, "quorum.approve", m{"id": his.motion}) // the second of two
	if f.keyRow("herald").State != bunker.KeyDeleting || f.keyRow(marker).Locked {
		t.Error("his key is not the one that was deleted")
	}
}

// TestAListOfSomeKeysIsReadToItsEnd over many rows of others.
func TestAListOfSomeKeysIsReadToItsEnd(t *testing.T) {
	f := setUp(t).remote()
	f.do("key.add", m{"name": "herald"})
	f.do("key.add", m{"name": "other"})
	for i := range 12 {
		f.do("token.create", m{"key": []string{"herald", "other", "other"}[i%3], "client": "c", "perms": "all"})
	}
	f.do("admin.add", m{"npub": npubOf(2), "role": "viewer", "keys": []string{"herald"}})
	seen, after := 0, ""
	for range 5 {
		res := f.doAs(f.as(2), "token.list", m{"limit": 1, "after": after})
		seen += len(get(res, "tokens").([]any))
		if after = str(res, "next"); after == "" {
			break
		}
	}
	if seen != 4 || after != "" {
		t.Errorf("%d of 4 tokens, then %q", seen, after)
	}
}

// TestEveryReadIsScopedOrRefused: each method of the store is either narrowed to
// the keys of an admin of some keys, refused to him, or of nobody's key. A new one
// must be put into one of the three lists; the first two need a method in scoped.go.
func TestEveryReadIsScopedOrRefused(t *testing.T) {
	nobodys := map[string][]string{
		"Rows": {"Clock", "Devices", "MadeChange", "Policies", "Policy", "PolicyNamed", "PolicyVersion", "PolicyVersions", "PutMadeResult", "Setting", "Tenant", "Used"},
		"Tx":   {"AddServiceKey", "Audit", "DeleteDevice", "Device", "Devices", "Now", "Policy", "PutDevice", "PutMadeChange", "Setting", "Tenant"},
	}
	for name, c := range map[string]struct{ iface, scoped reflect.Type }{
		"Rows": {reflect.TypeFor[Rows](), reflect.TypeFor[scopedRows]()}, "Tx": {reflect.TypeFor[Tx](), reflect.TypeFor[scopedTx]()},
	} {
		for i := range c.iface.NumMethod() {
			n := c.iface.Method(i).Name
			if own := overrides(t, name, n); own == slices.Contains(nobodys[name], n) {
				t.Errorf("%s.%s: written out in scoped.go: %t; listed as nobody's: %t", name, n, own, !own)
			}
		}
	}
}

// overrides reads scoped.go for a method.
func overrides(t *testing.T, name, method string) bool {
	t.Helper()
	source := scopedSource(t)
	return strings.Contains(source, fmt.Sprintf("func (r scoped%s) %s(", name, method)) || strings.Contains(source, fmt.Sprintf("func (x scoped%s) %s(", name, method))
}

// TestWhoNamesAKeySaysSo: a parameter that is called like something of a key is
// declared in its command's scope, or the command is the whole bunker's.
func TestWhoNamesAKeySaysSo(t *testing.T) {
	f := newFixture(t)
	for _, c := range f.Commands() {
		if c.Scope.whole() || c.Scope.Lists || c.Scope.Self {
			continue
		}
		for _, p := range c.Params() {
			named := slices.ContainsFunc(c.Scope.Names, func(n Named) bool { return n.Param == p.Name })
			if slices.Contains([]string{"key", "id", "connection", "token"}, p.Name) && !named {
				t.Errorf("%s takes %s, and its scope does not say of what", c.Name, p.Name)
			}
		}
	}
}

// TestARemovedAdminsNextCommandIsRefused, also one that was on its way when the role
// went: the change looks at the row in its own transaction.
func TestARemovedAdminsNextCommandIsRefused(t *testing.T) {
	f := setUp(t).remote()
	f.do("key.add", m{"name": "herald"})
	for _, change := range []struct {
		name   string
		change m
		words  string
	}{
		{"admin.remove", m{"npub": npubOf(2)}, "no admin here any more"},
		{"admin.add", m{"npub": npubOf(2), "role": "viewer"}, "role was changed"},
		{"admin.add", m{"npub": npubOf(2), "role": "operator", "keys": []string{"herald"}}, "role was changed"},
	} {
		f.do("admin.add", m{"npub": npubOf(2), "role": "operator"})
		p := f.as(2)
		f.doAs(p, "key.set", m{"key": "herald", "default": "deny"})
		f.do(change.name, change.change)
		before := f.seq()
		f.deny(p, bunker.CodeRestricted, change.words, "key.set", m{"key": "herald", "default": "ask"})
		f.deny(p, bunker.CodeRestricted, change.words, "key.list", nil) // nor is he shown anything
		if f.seq() != before || f.keyRow("herald").Default != bunker.Deny {
			t.Errorf("after %v it was changed all the same", change.change)
		}
	}
	// An owner who still waits has no role, whatever the door thinks.
	f.do("admin.add", m{"npub": npubOf(3), "role": "owner"})
	p := f.as(3)
	p.Role = bunker.Owner
	f.deny(p, bunker.CodeRestricted, "role was changed", "key.set", m{"key": "herald", "default": "ask"})
	f.passTime(OwnerWait)
	f.doAs(f.as(3), "key.set", m{"key": "herald", "default": "ask"})
}

// TestADoorCannotMakeAnybodyMoreThanHisRow: a principal that a door filled wrongly (more
// role, more keys, or the keys forgotten, which would mean all) is refused; a device may
// have less than its person.
func TestADoorCannotMakeAnybodyMoreThanHisRow(t *testing.T) {
	f := setUp(t).remote()
	f.do("key.add", m{"name": "herald"})
	f.do("key.add", m{"name": "other"})
	f.do("admin.add", m{"npub": npubOf(2), "role": "operator", "keys": []string{"herald"}})
	f.do("admin.add", m{"npub": npubOf(3), "role": "operator"})
	f.doAs(f.as(2), "key.list", nil)
	for what, change := range map[string]func(*bunker.Principal){
		"no keys":    func(p *bunker.Principal) { p.Keys = nil },
		"other keys": func(p *bunker.Principal) { p.Keys = append(slices.Clone(p.Keys), f.keyRow("other").ID) },
		"more role":  func(p *bunker.Principal) { p.Role = bunker.Owner },
	} {
		p := f.as(2)
		change(&p)
		if _, err := f.callAs(p, "key.list", nil); err == nil {
			t.Errorf("%s: believed", what)
		}
	}
	device := f.as(3)
	device.Role, device.Keys, device.Device = bunker.Viewer, []bunker.KeyID{f.keyRow("herald").ID}, "phone"
	if keys := get(f.doAs(device, "key.list", nil), "keys").([]any); len(keys) != 1 {
		t.Errorf("the device is shown %v", keys)
	}
	f.deny(device, bunker.CodeRestricted, "operator", "key.lock", m{"key": "herald"})
	f.deny(stranger(9), bunker.CodeRestricted, "", "key.list", nil)
}

// TestARoleChangeMovesDecisionsInFlight: the bunker gets a new version.
func TestARoleChangeMovesDecisionsInFlight(t *testing.T) {
	f := setUp(t)
	version := func() int64 {
		st, _, err := f.store.Tenant(t.Context(), bunker.SelfHosted)
		if err != nil {
			t.Fatal(err)
		}
		return st.Version
	}
	v := version()
	f.do("admin.add", m{"npub": npubOf(2), "role": "viewer"})
	added := version()
	f.do("admin.remove", m{"npub": npubOf(2)})
	if added <= v || version() <= added {
		t.Errorf("versions %d, %d, %d", v, added, version())
	}
}

// TestAnOwnerOfSomeKeysIsNoLastOwner, nor one who waits, nor can he name others.
func TestAnOwnerOfSomeKeysIsNoLastOwner(t *testing.T) {
	f := setUp(t).remote()
	f.do("key.add", m{"name": "herald"})
	f.do("admin.add", m{"npub": npubOf(2), "role": "owner", "keys": []string{"herald"}})
	f.refused(bunker.CodeConflict, "last owner", "admin.remove", m{"npub": npubOf(1)})
	f.refused(bunker.CodeConflict, "last owner", "admin.add", m{"npub": npubOf(1), "role": "operator"})
	f.refused(bunker.CodeConflict, "last owner", "admin.add", m{"npub": npubOf(1), "role": "owner", "keys": []string{"herald"}})
	f.deny(f.as(2), bunker.CodeRestricted, "whole bunker", "admin.add", m{"npub": npubOf(3), "role": "viewer"})
	f.refused(bunker.CodeNotFound, "", "admin.add", m{"npub": npubOf(3), "role": "viewer", "keys": []string{"nothing"}})
	// To get the whole bunker he waits like any new owner.
	res := f.do("admin.add", m{"npub": npubOf(2), "role": "owner"})
	if str(res, "admin", "active_at") != "2026-11-23T12:00:00.000Z" {
		t.Errorf("from some keys to all: %v", res)
	}
	f.passTime(25 * time.Hour)
	f.do("admin.remove", m{"npub": npubOf(1)})
}

// TestTheScopeOfAGoneKeyStaysAScope: it never becomes the whole bunker.
func TestTheScopeOfAGoneKeyStaysAScope(t *testing.T) {
	f := setUp(t).remote()
	f.do("key.add", m{"name": "herald"})
	f.do("key.add", m{"name": "other"})
	f.do("admin.add", m{"npub": npubOf(2), "role": "operator", "keys": []string{"herald"}})
	f.do("key.delete", m{"key": "herald"})
	f.passTime(8 * 24 * time.Hour)
	f.system("key.purge")
	p := f.as(2)
	if len(p.Keys) != 1 || len(get(f.doAs(p, "key.list", nil), "keys").([]any)) != 0 {
		t.Errorf("his scope is %v", p.Keys)
	}
	f.deny(p, bunker.CodeRestricted, "whole bunker", "key.add", m{"name": "new"})
}

// TestAnEditedScopeIsRefused: it is part of what the row's MAC covers, and a row from
// before scopes keeps its MAC.
func TestAnEditedScopeIsRefused(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	f.do("admin.add", m{"npub": npubOf(2), "role": "operator", "keys": []string{"herald"}})
	f.tamper(`UPDATE admin SET keys = '' WHERE keys <> ''`)
	if _, err := f.store.Admin(t.Context(), bunker.SelfHosted, pubOf(2)); err == nil {
		t.Error("an edited scope is believed")
	}
}
