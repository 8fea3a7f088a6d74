package admin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip46"
)

func TestATokenIsALinkWithASignerKeyOfItsOwn(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	res := f.do("token.create", m{"key": "herald", "client": "coracle", "perms": "sign_event:1, sign_event:1,nip44_encrypt", "expires": "7d"})
	uri, err := nip46.ParseBunkerURI(str(res, "uri"))
	if err != nil {
		t.Fatal(err)
	}
	owner, err := f.store.Owner(t.Context(), uri.Remote)
	if err != nil || owner.Token == nil || owner.Token.SecretHash != bunker.HashSecret(uri.Secret) {
		t.Fatalf("the signer key is nobody's: %+v %v", owner, err)
	}
	tok := owner.Token
	if tok.Permissions != "sign_event:1,nip44_encrypt" || tok.MaxUses != 1 || tok.ExpiresAt != start.Add(7*24*time.Hour).UnixMilli() || tok.CreatedBy != "local" {
		t.Errorf("token: %+v", tok)
	}
	if get(res, "npub_token") != nil || get(res, "warnings") != nil || len(uri.Relays) != 1 {
		t.Errorf("result: %v", res)
	}
	second := f.do("token.create", m{"key": "herald", "client": "amethyst"})
	uri2, err := nip46.ParseBunkerURI(str(second, "uri"))
	if err != nil || uri2.Remote == uri.Remote {
		t.Errorf("two tokens share a signer key, or %v", err)
	}
	// The signer key is in memory: it can answer.
	if _, err := f.Vault.CloseReply(bunker.SelfHosted, uri.Remote, pubOf(3), 1, false, []byte("x"), start); err != nil {
		t.Error(err)
	}
	if f.world.changes < 2 {
		t.Error("the bunker around was not told")
	}
	list := get(f.do("token.list", m{"key": "herald", "open": true}), "tokens").([]any)
	if len(list) != 2 || strings.Contains(fmt.Sprint(list), uri.Secret) {
		t.Errorf("list: %v", list)
	}
	f.do("token.revoke", m{"id": str(res, "id")})
	f.refused(bunker.CodeConflict, "already", "token.revoke", m{"id": str(res, "id")})
	f.refused(bunker.CodeNotFound, "token", "token.revoke", m{"id": "t0"})
	f.passTime(8 * 24 * time.Hour)
	f.do("token.create", m{"key": "herald", "client": "short", "expires": "1m"})
	f.passTime(time.Hour)
	if list := get(f.do("token.list", m{"open": true}), "tokens").([]any); len(list) != 1 {
		t.Errorf("open ones: %v", list)
	}
}

func TestTokensWarnOfWhatTheyHandOut(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	f.do("key.set", m{"key": "herald", "npub_login": true})
	f.world.relays = []string{"ws://127.0.0.1:4848", "ws://[::1]:1", "ws://localhost"}
	res := f.do("token.create", m{"key": "herald", "client": "x", "perms": "sign_event:27235,sign_event:62,all", "uses": 3})
	warnings := fmt.Sprint(get(res, "warnings"))
	for _, want := range []string{"sign_event:27235 is allowed without asking", "sign_event:62 is asked each time", "this machine only", "belong together"} {
		if !strings.Contains(warnings, want) {
			t.Errorf("no %q in %s", want, warnings)
		}
	}
	if !strings.HasPrefix(str(res, "npub_token"), str(f.do("key.show", m{"key": "herald"}), "key", "npub")+"#") {
		t.Errorf("npub#token: %v", res)
	}
	f.world.relays = nil
	f.refused(bunker.CodeConflict, "no relay", "token.create", m{"key": "herald", "client": "x"})
}

func TestBadTokensAreRefused(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	for field, p := range map[string]m{
		"key":       {"key": "nobody", "client": "x"},
		"client":    {"key": "herald", "client": " "},
		"person":    {"key": "herald", "client": "x", "person": "a\u202eb"},
		"perms":     {"key": "herald", "client": "x", "perms": "sign_everything"},
		"uses":      {"key": "herald", "client": "x", "uses": MaxUses + 1},
		"expires":   {"key": "herald", "client": "x", "expires": "-1h"},
		"grant_for": {"key": "herald", "client": "x", "grant_for": "99999d"},
	} {
		_, err := f.call("token.create", p)
		if e := bunker.AsError(err); err == nil || e.Field != field {
			t.Errorf("%v: got %v in %q, want %q", p, err, e.Field, field)
		}
	}
}

// app is a client with its own key.
type app struct {
	sk *nostr.SecretKey
}

func newApp(t testing.TB) app {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	sk, err := nostr.GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sk.Destroy(); a.Close() })
	return app{sk}
}

func (a app) uri(relays ...string) string {
	u := "nostrconnect://" + a.sk.PubKey().String() + "?secret=s3cret&name=Nice%20App&perms=sign_event:1,weird"
	for _, r := range relays {
		u += "&relay=" + r
	}
	return u
}

func TestAnAppsOwnRequestIsAcceptedAndAnswered(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	a := newApp(t)
	res := f.do("connect", m{"uri": a.uri("wss://app.example.com", "ws://10.0.0.1"), "key": "herald", "perms": "sign_event:1"})
	if str(res, "connection", "name") != "Nice App" || str(res, "requested") != "sign_event:1" || len(get(res, "relays").([]any)) != 1 || len(get(res, "warnings").([]any)) != 1 {
		t.Errorf("result: %v", res)
	}
	conn, err := f.store.Connection(t.Context(), bunker.SelfHosted, bunker.ConnectionID(str(res, "connection", "id")))
	if err != nil || conn.State != bunker.ConnActive || conn.Client != a.sk.PubKey() {
		t.Fatalf("connection: %+v %v", conn, err)
	}
	state, stored, err := f.store.Request(t.Context(), acceptanceID(conn.ID))
	if err != nil || state != bunker.RequestReady || len(stored) != 1 || stored[0].Relays()[0] != "wss://app.example.com" {
		t.Fatalf("the answer is not queued: %v %v %v", state, stored, err)
	}
	ev, err := nostr.ParseEvent(stored[0].Reply().Bytes)
	if err != nil || ev.Verify() != nil || ev.PubKey != conn.Signer {
		t.Fatalf("the answer: %v", err)
	}
	var ck [32]byte
	if err := nip44.ConversationKey(a.sk, conn.Signer, &ck); err != nil {
		t.Fatal(err)
	}
	text, _, err := nip44.Decrypt(&ck, ev.Content)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := nip46.ParseReply(text)
	if err != nil || reply.Result != "s3cret" || reply.Error != "" {
		t.Errorf("the answer says %s, %v", text, err)
	}
	grants := get(f.do("connection.show", m{"id": string(conn.ID)}), "grants").([]any)
	if len(grants) != 1 || str(grants[0], "perms") != "sign_event:1" {
		t.Errorf("grants: %v", grants)
	}
	if f.world.wakes == 0 {
		t.Error("nobody was woken to send the answer")
	}
	if r := f.last(); r.Action != "connect" || r.Connection != string(conn.ID) || r.Principal != "local" {
		t.Errorf("record: %+v", r)
	}
}

func TestHostileRequestsOfAppsAreRefused(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	a := newApp(t)
	f.refused(bunker.CodeRestricted, "private address", "connect", m{"uri": a.uri("ws://10.0.0.1"), "key": "herald"})
	f.refused(bunker.CodeInvalid, "", "connect", m{"uri": "bunker://" + a.sk.PubKey().String(), "key": "herald"})
	f.refused(bunker.CodeInvalid, "secret", "connect", m{"uri": "nostrconnect://" + a.sk.PubKey().String() + "?relay=wss://x.example.com", "key": "herald"})
	f.refused(bunker.CodeNotFound, "nobody", "connect", m{"uri": a.uri("wss://x.example.com"), "key": "nobody"})
	f.refused(bunker.CodeInvalid, "", "connect", m{"uri": a.uri("wss://x.example.com"), "key": "herald", "perms": "nonsense"})
	hostile := "nostrconnect://" + a.sk.PubKey().String() + "?secret=s&relay=wss://x.example.com&name=%E2%80%AEevil%1B[2J%00"
	res := f.do("connect", m{"uri": hostile, "key": "herald"})
	if name := str(res, "connection", "name"); name != "evil[2J" {
		t.Errorf("the app's name is shown as %q", name)
	}
}

// connected makes an active connection of an app and returns its id.
func (f *fixture) connected(perms string) bunker.ConnectionID {
	f.t.Helper()
	if _, err := f.store.Key(f.t.Context(), bunker.SelfHosted, "herald"); err != nil {
		f.do("key.add", m{"name": "herald"})
	}
	res := f.do("connect", m{"uri": newApp(f.t).uri("wss://app.example.com"), "key": "herald", "perms": perms})
	return bunker.ConnectionID(str(res, "connection", "id"))
}

func TestConnectionsGoThroughTheirStates(t *testing.T) {
	f := setUp(t)
	id := string(f.connected("all"))
	version := func() int64 {
		c, err := f.store.Connection(t.Context(), bunker.SelfHosted, bunker.ConnectionID(id))
		if err != nil {
			t.Fatal(err)
		}
		return c.Version
	}
	before := version()
	f.refused(bunker.CodeConflict, "not suspended", "connection.resume", m{"id": id})
	f.do("connection.suspend", m{"id": id})
	if version() <= before {
		t.Error("suspending did not raise the version")
	}
	before = version()
	f.refused(bunker.CodeConflict, "not active", "connection.suspend", m{"id": id})
	f.do("connection.resume", m{"id": id})
	if version() <= before {
		t.Error("resuming did not raise the version")
	}
	f.do("connection.rename", m{"id": id, "name": "my app", "person": "Ada"})
	f.refused(bunker.CodeInvalid, "name", "connection.rename", m{"id": id, "name": "a\x1b[2Jb"})
	if c := f.do("connection.show", m{"id": id}); str(c, "connection", "name") != "my app" || str(c, "connection", "person") != "Ada" {
		t.Errorf("show: %v", c)
	}
	f.do("connection.revoke", m{"id": id})
	f.refused(bunker.CodeConflict, "already", "connection.revoke", m{"id": id})
	f.refused(bunker.CodeConflict, "revoked", "connection.resume", m{"id": id})
	f.refused(bunker.CodeConflict, "would do nothing", "connection.grant", m{"id": id, "perms": "ping"})
	f.refused(bunker.CodeNotFound, "connection", "connection.show", m{"id": "c0"})
	f.connected("")
	if list := get(f.do("connection.list", m{"state": "revoked"}), "connections").([]any); len(list) != 1 {
		t.Errorf("revoked ones: %v", list)
	}
	if list := get(f.do("connection.list", m{"key": "herald"}), "connections").([]any); len(list) != 2 {
		t.Errorf("the key's: %v", list)
	}
	f.refused(bunker.CodeInvalid, "state", "connection.list", m{"state": "odd"})
}

func TestAConnectionIsFoundByANameThatNoOtherHas(t *testing.T) {
	f := setUp(t)
	one, two := string(f.connected("all")), string(f.connected("all"))
	f.do("connection.rename", m{"id": one, "name": "coracle"})
	f.do("connection.rename", m{"id": two, "name": "coracle"})
	for _, command := range []string{"connection.show", "connection.suspend", "connection.resume", "connection.revoke"} {
		f.refused(bunker.CodeConflict, "2 connections are named coracle", command, m{"id": "coracle"})
	}
	if _, err := f.call("connection.suspend", m{"id": "coracle"}); err == nil || !strings.Contains(err.Error(), one) || !strings.Contains(err.Error(), two) {
		t.Errorf("the ids are not named: %v", err)
	}
	// An app cannot take over another's id by its name: ids come first.
	f.do("connection.rename", m{"id": two, "name": one})
	if got := str(f.do("connection.show", m{"id": one}), "connection", "id"); got != one {
		t.Errorf("by id: %s", got)
	}
	f.do("connection.rename", m{"id": two, "name": "coracle"})
	f.do("connection.revoke", m{"id": one})
	// The one that is over has the name no more, as long as another has it.
	if got := str(f.do("connection.suspend", m{"id": "coracle"}), "connection", "id"); got != two {
		t.Errorf("by name: %s, want %s", got, two)
	}
	f.do("connection.resume", m{"id": "coracle"})
	g := str(f.do("connection.grant", m{"id": "coracle", "perms": "ping"}), "grant", "id")
	f.do("connection.ungrant", m{"id": "coracle", "grant": g})
	if recs := get(f.do("audit.list", m{"connection": "coracle", "action": "connection.resume"}), "records").([]any); len(recs) != 1 {
		t.Errorf("the log of it: %v", recs)
	}
	f.do("connection.revoke", m{"id": "coracle"})
	f.refused(bunker.CodeConflict, "2 connections", "connection.show", m{"id": "coracle"})
	f.refused(bunker.CodeNotFound, "connection", "connection.suspend", m{"id": ""})
	f.refused(bunker.CodeNotFound, "connection", "connection.suspend", m{"id": "amethyst"})
}

func TestPermissionsAreGivenAndTakenBack(t *testing.T) {
	f := setUp(t)
	id := string(f.connected(""))
	res := f.do("connection.grant", m{"id": id, "perms": "sign_event:5", "for": "1h", "uses": 2})
	if len(get(res, "warnings").([]any)) != 1 || get(res, "grant", "max_uses") != 2.0 {
		t.Errorf("grant: %v", res)
	}
	deny := f.do("connection.grant", m{"id": id, "perms": "nip04_decrypt", "deny": true})
	if str(deny, "grant", "effect") != "deny" {
		t.Errorf("deny: %v", deny)
	}
	f.refused(bunker.CodeInvalid, "uses", "connection.grant", m{"id": id, "perms": "ping", "deny": true, "uses": 1})
	f.refused(bunker.CodeInvalid, "perms", "connection.grant", m{"id": id, "perms": " "})
	g := str(res, "grant", "id")
	other := string(f.connected("all"))
	f.refused(bunker.CodeNotFound, "no such grant", "connection.ungrant", m{"id": other, "grant": g})
	f.do("connection.ungrant", m{"id": id, "grant": g})
	f.refused(bunker.CodeConflict, "ended", "connection.ungrant", m{"id": id, "grant": g})
	live := 0
	for _, g := range get(f.do("connection.show", m{"id": id}), "grants").([]any) {
		if get(g, "live") == true {
			live++
		}
	}
	if live != 1 {
		t.Errorf("%d live grants", live)
	}
}
