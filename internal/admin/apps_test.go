package admin

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip46"

	"nsecbunker/internal/secret"
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

// ask makes an open question of a connection, the way that the signer does.
func (f *fixture) ask(conn bunker.ConnectionID, kind int64, content string) *bunker.Approval {
	f.t.Helper()
	ctx := f.t.Context()
	c, err := f.store.Connection(ctx, bunker.SelfHosted, conn)
	if err != nil {
		f.t.Fatal(err)
	}
	k, err := f.store.Key(ctx, bunker.SelfHosted, string(c.Key))
	if err != nil {
		f.t.Fatal(err)
	}
	st, _, err := f.store.Tenant(ctx, bunker.SelfHosted)
	if err != nil {
		f.t.Fatal(err)
	}
	op := &policy.Operation{Method: nip46.SignEvent, Template: &nostr.Template{
		Kind: nostr.Kind(kind), CreatedAt: f.clock.Now().Unix(), Content: content, Tags: nostr.Tags{{"p", "x\x07y"}},
	}}
	event := randomEvent()
	sum, err := json.Marshal(signer.Summary{Method: "sign_event", Kind: &kind, Content: content, Size: op.Size(), Tags: [][]string{{"p", "x\x07y"}}})
	if err != nil {
		f.t.Fatal(err)
	}
	in := policy.Input{Now: f.clock.Now().UnixMilli(), Tenant: &st, Key: k, Connection: c, Operation: op}
	a := approval.Ask(in, policy.Decision{Effect: bunker.Ask, Answers: policy.AnswersDefault, OnceOnly: kind == 62}, event)
	if a.Summary, err = f.Vault.SealSummary(bunker.SelfHosted, a.ID, a.OpDigest, sum); err != nil {
		f.t.Fatal(err)
	}
	f.park(a, c, k, st, nil)
	return a
}

func randomEvent() (id nostr.ID) {
	rand.Read(id[:])
	return id
}

// park commits a request that waits for a.
func (f *fixture) park(a *bunker.Approval, c *bunker.Connection, k *bunker.UserKey, st bunker.TenantState, fresh *bunker.Connection) {
	f.t.Helper()
	e := &bunker.Entry{
		Tenant: bunker.SelfHosted, EventID: a.EventID, Signer: c.Signer, Client: c.Client, Method: a.Method, OpDigest: a.OpDigest,
		CreatedAt: f.clock.Now().Unix(), To: bunker.RequestParked, Envelope: []byte("{}"), Connection: c.ID, NewApproval: a, NewConnection: fresh,
		Basis: bunker.Basis{Tenant: st.Version, Key: k.ID, KeyVersion: k.Version},
		Audit: bunker.AuditRecord{Principal: "client", Action: a.Method, Step: "ask", Effect: "ask", Event: a.EventID.String()},
	}
	if fresh == nil {
		e.Basis.Connection, e.Basis.ConnectionVersion = c.ID, c.Version
	}
	if r, err := f.store.Commit(f.t.Context(), e); r.Outcome != bunker.Committed {
		f.t.Fatalf("parking: %+v %v", r, err)
	}
}

// knock makes the question of a stranger's login.
func (f *fixture) knock() (*bunker.Approval, *bunker.Connection) {
	f.t.Helper()
	ctx := f.t.Context()
	if _, err := f.store.Key(ctx, bunker.SelfHosted, "herald"); err != nil {
		f.do("key.add", m{"name": "herald"})
	}
	k := f.keyRow("herald")
	st, _, err := f.store.Tenant(ctx, bunker.SelfHosted)
	if err != nil {
		f.t.Fatal(err)
	}
	c := &bunker.Connection{
		Tenant: bunker.SelfHosted, ID: bunker.NewConnectionID(), Key: k.ID, Signer: k.PubKey, Client: nostr.PubKey(randomEvent()), State: bunker.ConnPending,
		CreatedAt: f.clock.Now().UnixMilli(), Version: 1, Metadata: bunker.ClientMetadata{Name: "Bank\u202e\x1b[31m", URL: "https://x.example"},
	}
	event := randomEvent()
	sum, err := json.Marshal(signer.Summary{Method: "connect", Perms: "sign_event:1", App: &nip46.ClientMetadata{Name: "Bank"}})
	if err != nil {
		f.t.Fatal(err)
	}
	a := approval.AskConnect(c, event, f.clock.Now().UnixMilli())
	if a.Summary, err = f.Vault.SealSummary(bunker.SelfHosted, a.ID, a.OpDigest, sum); err != nil {
		f.t.Fatal(err)
	}
	f.park(a, c, k, st, c)
	return a, c
}

func TestQuestionsAreShownInWordsAndCleaned(t *testing.T) {
	f := setUp(t)
	conn := f.connected("")
	a := f.ask(conn, 1, "hello\nworld\x1b[2J\u202e")
	f.passTime(time.Second)
	f.knock()
	list := get(f.do("approval.list", nil), "approvals").([]any)
	if len(list) != 2 {
		t.Fatalf("list: %v", list)
	}
	q := list[0]
	if str(q, "sentence") != "Nice App wants to sign an event of kind 1 as herald" || str(q, "operation", "content") != "hello\nworld[2J" ||
		str(q, "permission") != "sign_event:1" || str(q, "digest") != digestText(a.OpDigest) {
		t.Errorf("question: %v", q)
	}
	if tags := fmt.Sprint(get(q, "operation", "tags")); strings.Contains(tags, "\x07") {
		t.Errorf("tags: %q", tags)
	}
	login := list[1]
	if str(login, "sentence") != "Bank[31m (name not verified) wants to log in as herald" || get(login, "unverified") != true || str(login, "operation", "requested") != "sign_event:1" {
		t.Errorf("login: %v", login)
	}
	first := f.do("approval.list", m{"limit": 1})
	second := f.do("approval.list", m{"limit": 1, "after": str(first, "next")})
	if str(get(second, "approvals").([]any)[0], "id") != str(login, "id") {
		t.Errorf("second page: %v", second)
	}
	f.refused(bunker.CodeInvalid, "after", "approval.list", m{"after": "x"})
	f.refused(bunker.CodeInvalid, "state", "approval.list", m{"state": "x"})
}

func TestAnswersBecomeGrants(t *testing.T) {
	f := setUp(t)
	conn := f.connected("")
	for _, c := range []struct {
		answer m
		perms  string
		once   bool
		max    int64
	}{
		{m{}, "", true, 1},
		{m{"scope": "once", "for": "1h"}, "", true, 1},
		{m{"scope": "kind"}, "sign_event:1", false, 0},
		{m{"scope": "all", "for": "1h", "name": "renamed"}, "all", false, 0},
	} {
		a := f.ask(conn, 1, fmt.Sprint(c.answer))
		c.answer["id"], c.answer["digest"] = string(a.ID), digestText(a.OpDigest)
		wakes := f.world.wakes
		res := f.do("approval.answer", c.answer)
		g := get(res, "grant")
		if str(res, "state") != "approved" || str(g, "perms") != c.perms || (str(g, "once") == digestText(a.OpDigest)) != c.once || str(g, "question") != string(a.ID) {
			t.Errorf("%v: %v", c.answer, res)
		}
		if f.world.wakes == wakes {
			t.Error("nobody was woken to replay the request")
		}
		f.refused(bunker.CodeConflict, "answered already", "approval.answer", c.answer)
	}
	if s := f.do("connection.show", m{"id": string(conn)}); str(s, "connection", "name") != "renamed" {
		t.Errorf("the name: %v", s)
	}
}

func TestAnAnswerCoversOnlyWhatWasShown(t *testing.T) {
	f := setUp(t)
	a := f.ask(f.connected(""), 1, "shown")
	var other [32]byte
	f.refused(bunker.CodeConflict, "another operation", "approval.answer", m{"id": string(a.ID), "digest": digestText(other)})
	f.refused(bunker.CodeInvalid, "digest", "approval.answer", m{"id": string(a.ID), "digest": "xyz"})
	f.passTime(25 * time.Hour)
	f.refused(bunker.CodeConflict, "past its time", "approval.answer", m{"id": string(a.ID)})
	f.refused(bunker.CodeNotFound, "question", "approval.answer", m{"id": "none"})
}

func TestBadAnswersAreRefused(t *testing.T) {
	f := setUp(t)
	a := f.ask(f.connected(""), 62, "vanish")
	id := string(a.ID)
	f.refused(bunker.CodeRestricted, "once only", "approval.answer", m{"id": id, "scope": "all"})
	f.refused(bunker.CodeInvalid, "never goes with deny", "approval.answer", m{"id": id, "never": true})
	f.refused(bunker.CodeInvalid, "no scope", "approval.answer", m{"id": id, "deny": true, "scope": "all"})
	f.refused(bunker.CodeInvalid, "only with never", "approval.answer", m{"id": id, "deny": true, "for": "1h"})
	f.refused(bunker.CodeInvalid, "scope is", "approval.answer", m{"id": id, "scope": "forever"})
	f.refused(bunker.CodeInvalid, "perms answer a login", "approval.answer", m{"id": id, "perms": "all"})
	f.do("approval.answer", m{"id": id})
}

func TestThreeDenialsCoolAnOperationOff(t *testing.T) {
	f := setUp(t)
	conn := f.connected("")
	for i := range 3 {
		a := f.ask(conn, 1, fmt.Sprint("try ", i))
		res := f.do("approval.answer", m{"id": string(a.ID), "deny": true})
		if cooled := get(res, "grant") != nil; cooled != (i == 2) || str(res, "state") != "denied" {
			t.Errorf("denial %d: %v", i, res)
		}
	}
	a := f.ask(conn, 7, "never")
	res := f.do("approval.answer", m{"id": string(a.ID), "deny": true, "never": true})
	if str(res, "grant", "effect") != "deny" || str(res, "grant", "perms") != "sign_event:7" || get(res, "grant", "expires_at") != nil {
		t.Errorf("never: %v", res)
	}
}

func TestALoginIsLetInOrTurnedAway(t *testing.T) {
	f := setUp(t)
	state := func(id bunker.ConnectionID) bunker.ConnectionState {
		c, err := f.store.Connection(t.Context(), bunker.SelfHosted, id)
		if err != nil {
			t.Fatal(err)
		}
		return c.State
	}
	a, c := f.knock()
	res := f.do("approval.answer", m{"id": string(a.ID), "name": "bank", "perms": "sign_event:1"})
	if state(c.ID) != bunker.ConnActive || str(res, "grant", "perms") != "sign_event:1" {
		t.Errorf("let in: %v, %v", state(c.ID), res)
	}
	a, c = f.knock()
	if res := f.do("approval.answer", m{"id": string(a.ID)}); get(res, "grant") != nil || state(c.ID) != bunker.ConnActive {
		t.Errorf("a plain yes gave %v", res)
	}
	a, c = f.knock()
	f.do("approval.answer", m{"id": string(a.ID), "deny": true})
	if state(c.ID) != bunker.ConnRevoked {
		t.Errorf("turned away: %v", state(c.ID))
	}
	q, err := f.store.Approval(t.Context(), bunker.SelfHosted, a.ID)
	if err != nil || q.State != bunker.ApprovalDenied {
		t.Errorf("the question: %+v %v", q, err)
	}
}

func TestRevokingWithdrawsOpenQuestions(t *testing.T) {
	f := setUp(t)
	conn := f.connected("")
	a := f.ask(conn, 1, "x")
	f.do("connection.revoke", m{"id": string(conn)})
	f.refused(bunker.CodeConflict, "withdrawn", "approval.answer", m{"id": string(a.ID)})
}

func TestAReviewEndsOnceAfterARestore(t *testing.T) {
	f := setUp(t)
	f.connected("all")
	f.refused(bunker.CodeConflict, "nothing to review", "connection.review", nil)
	f.do("seal", nil)
	if err := f.store.OpenIncarnation(t.Context(), bunker.SelfHosted, System(), "a test"); err != nil {
		t.Fatal(err)
	}
	f.do("unseal", m{"passphrase": passphrase})
	s := f.do("status", nil)
	if get(s, "reviewed") != false || get(s, "connections", "suspended") != 1.0 {
		t.Errorf("after a restore: %v", s)
	}
	f.do("connection.review", nil)
	if s := f.do("status", nil); get(s, "reviewed") != true {
		t.Errorf("after the review: %v", s)
	}
}
