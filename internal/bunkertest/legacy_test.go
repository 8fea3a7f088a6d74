package bunkertest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
	"nsecbunker/nostr/nip44"
)

// oldApp is an admin's app for the first nsecBunker: requests of kind 24134, signed by
// the admin's own key.
type oldApp struct {
	*person
	bunker nostr.PubKey // the admin key
	nip44  bool
	no     int
}

// oldMessage is what the bunker sends: an answer, or a question.
type oldMessage struct {
	ID     string   `json:"id"`
	Method string   `json:"method"`
	Params []string `json:"params"`
	Result *string  `json:"result"`
}

func (o *oldApp) key() (key [32]byte) {
	o.b.t.Helper()
	err := nip04.SharedKey(o.SecretKey, o.bunker, &key)
	if o.nip44 {
		err = nip44.ConversationKey(o.SecretKey, o.bunker, &key)
	}
	if err != nil {
		o.b.t.Fatal(err)
	}
	return key
}

func (o *oldApp) send(message any) *nostr.Event {
	o.b.t.Helper()
	plain, err := json.Marshal(message)
	if err != nil {
		o.b.t.Fatal(err)
	}
	key, content := o.key(), ""
	if o.nip44 {
		content, err = nip44.Encrypt(&key, plain)
	} else {
		content, err = nip04.Encrypt(&key, plain)
	}
	if err != nil {
		o.b.t.Fatal(err)
	}
	ev := (&nostr.Template{Kind: 24134, CreatedAt: o.b.Clock.Now().Unix(), Tags: nostr.Tags{{"p", o.bunker.String()}}, Content: content}).Event(o.PubKey())
	if err := o.Sign(ev); err != nil {
		o.b.t.Fatal(err)
	}
	o.relay.Hand(ev)
	return ev
}

// got are the messages of the bunker that the app can read.
func (o *oldApp) got() []oldMessage {
	o.b.t.Helper()
	var out []oldMessage
	for _, e := range o.relay.Seen() {
		if e.PubKey != o.bunker || e.Kind != 24134 || e.Tags.Find("p").Value() != o.PubKey().String() || strings.Contains(e.Content, "?iv=") == o.nip44 {
			continue
		}
		key := o.key()
		var plain []byte
		var err error
		if o.nip44 {
			plain, _, err = nip44.Decrypt(&key, e.Content)
		} else {
			plain, err = nip04.Decrypt(&key, e.Content)
		}
		if err != nil {
			o.b.t.Fatalf("a message to the old app cannot be read: %v", err)
		}
		var m oldMessage
		if err := json.Unmarshal(plain, &m); err != nil {
			o.b.t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// ask sends a request and returns its result.
func (o *oldApp) ask(method string, params ...any) string {
	o.b.t.Helper()
	o.no++
	id := fmt.Sprintf("r%d", o.no)
	o.send(map[string]any{"id": id, "method": method, "params": append([]any{}, params...)})
	var result string
	o.b.Until("an answer to "+method, func() bool {
		for _, m := range o.got() {
			if m.ID == id && m.Result != nil {
				result = *m.Result
				return true
			}
		}
		return false
	})
	return result
}

// list is ask for a result that is a list of objects.
func (o *oldApp) list(method string, params ...any) []map[string]any {
	o.b.t.Helper()
	var out []map[string]any
	if text := o.ask(method, params...); json.Unmarshal([]byte(text), &out) != nil {
		o.b.t.Fatalf("%s: %s", method, text)
	}
	return out
}

// question waits for a question other than those of before.
func (o *oldApp) question(before ...string) (id string, about map[string]string) {
	o.b.t.Helper()
	o.b.Until("a question to the old app", func() bool {
		for _, m := range o.got() {
			if m.Method == "acl" && len(m.Params) == 1 && !slices.Contains(before, m.ID) {
				id = m.ID
				return json.Unmarshal([]byte(m.Params[0]), &about) == nil
			}
		}
		return false
	})
	return id, about
}

// answer answers a question, and returns when the bunker has worked on it.
func (o *oldApp) answer(id string, words ...any) {
	o.b.t.Helper()
	b, err := json.Marshal(words)
	if err != nil {
		o.b.t.Fatal(err)
	}
	ev := o.send(map[string]any{"id": id, "result": string(b)})
	o.b.hears(ev) // it is worked on once; when this returns, it is
}

// old is a bunker on a relay with the key herald, and an admin with an old app who may
// use it for 30 days.
func old(t *testing.T, role string) (*Bunker, *oldApp) {
	t.Helper()
	t.Parallel()
	r := NewRelay(t)
	b := Start(t, Options{Relays: []string{r.URL}})
	b.AddKey("herald")
	o := oldAppOf(b, r)
	b.Admin("admin.add", Params{"npub": o.npub(), "role": role})
	b.Admin("admin.legacy", Params{"npub": o.npub(), "for": "30d"})
	return b, o
}

func oldAppOf(b *Bunker, r *Relay) *oldApp {
	b.t.Helper()
	o := &oldApp{person: newPerson(b, r)}
	hex, _, _ := strings.Cut(strings.TrimPrefix(b.ConnectionString(), "bunker-admin://"), "?")
	var err error
	if o.bunker, err = nostr.ParsePubKey(hex); err != nil {
		b.t.Fatal(err)
	}
	return o
}

// TestAnOldAdminAppReadsAndRevokes: the methods of the first nsecBunker, in both
// encryptions.
func TestAnOldAdminAppReadsAndRevokes(t *testing.T) {
	b, o := old(t, "operator")
	uri := b.Token("herald", "sign_event:1,nip44_encrypt", Params{"person": "Ada"})
	a := b.Connected(uri)
	a.Sign(1, "hello")
	b.Admin("policy.create", Params{"name": "notes", "description": "only notes", "rules": []Params{
		{"id": "notes", "effect": "allow", "methods": []string{"sign_event"}, "kinds": []Params{{"from": 1, "to": 1}}, "budget": Params{"total": 5}},
		{"id": "none", "effect": "deny", "methods": []string{"nip04_decrypt"}},
	}})
	for _, o.nip44 = range []bool{false, true} {
		if got := o.ask("ping"); got != "ok" {
			t.Errorf("ping: %s", got)
		}
		keys := o.list("get_keys")
		if len(keys) != 1 || keys[0]["name"] != "herald" || !strings.HasPrefix(keys[0]["npub"].(string), "npub1") || keys[0]["userCount"] != 1.0 || keys[0]["tokenCount"] != 1.0 {
			t.Errorf("get_keys: %v", keys)
		}
		users := o.list("get_key_users", "herald")
		if len(users) != 1 || users[0]["pubkey"] != a.Key.PubKey().String() || users[0]["revokedAt"] != nil || !strings.Contains(fmt.Sprint(users[0]["signingConditions"]), "kind:1 method:sign_event") {
			t.Errorf("get_key_users: %v", users)
		}
		tokens := o.list("get_key_tokens", "herald")
		if len(tokens) != 1 || tokens[0]["token"] != "" || tokens[0]["key_name"] != "herald" {
			t.Errorf("get_key_tokens: %v", tokens)
		}
		policies := o.list("get_policies")
		if len(policies) != 1 || policies[0]["name"] != "notes" || fmt.Sprint(policies[0]["rules"]) != "[map[current_usage_count:<nil> kind:1 max_usage_count:5 method:sign_event]]" {
			t.Errorf("get_policies: %v", policies)
		}
	}
	// No secret has left, in whatever answer.
	secret := uri[strings.Index(uri, "secret=")+len("secret="):]
	for _, m := range o.got() {
		if m.Result != nil && strings.Contains(*m.Result, secret) {
			t.Error("the secret of a link left by the old protocol")
		}
	}
	for _, method := range []string{"create_new_key", "create_new_policy", "create_new_token", "create_account", "unlock_key", "rename_key_user", "nonsense"} {
		if got := o.ask(method, "herald", nil, "x"); !strings.Contains(got, `"error","Unknown method`) {
			t.Errorf("%s: %s", method, got)
		}
	}
	id := o.list("get_key_users", "herald")[0]["id"]
	if got := o.ask("revoke_user", id); got != `["ok"]` {
		t.Errorf("revoke_user: %s", got)
	}
	a.AskSign(1, "after").Fails("restricted:")
	if users := o.list("get_key_users", "herald"); users[0]["revokedAt"] == nil {
		t.Errorf("the user is not revoked: %v", users)
	}
	v := b.Admin("audit.list", Params{"action": "connection.revoke"})
	if v.Text("records.0.principal") != o.npub() || v.Text("records.0.door") != "legacy" {
		t.Errorf("the log says %v", v)
	}
	if s := b.Admin("status", nil); !strings.Contains(fmt.Sprint(s.At("warnings")), "old admin protocol until") {
		t.Errorf("status does not say so: %v", s.At("warnings"))
	}
	b.VerifyOutside()
}

// TestAnOldAdminAppAnswersQuestions: an answer must match id, author, question and
// role, and covers what was shown.
func TestAnOldAdminAppAnswersQuestions(t *testing.T) {
	b, o := old(t, "approver")
	other := oldAppOf(b, o.relay)
	b.Admin("admin.add", Params{"npub": other.npub(), "role": "approver"})
	b.Admin("admin.legacy", Params{"npub": other.npub(), "for": "1d"})
	viewer := oldAppOf(b, o.relay)
	b.Admin("admin.add", Params{"npub": viewer.npub(), "role": "viewer"})
	b.Admin("admin.legacy", Params{"npub": viewer.npub(), "for": "1d"})
	a := b.Connected(b.Token("herald", ""))
	o.ask("ping")
	viewer.ask("ping")
	q := a.AskSign(1, "hello")
	id, about := o.question()
	var shown struct {
		Kind    int    `json:"kind"`
		Content string `json:"content"`
	}
	if err := json.Unmarshal([]byte(about["param"]), &shown); err != nil || shown.Kind != 1 || shown.Content != "hello" ||
		about["keyName"] != "herald" || about["method"] != "sign_event" || about["remotePubkey"] != a.Key.PubKey().String() {
		t.Errorf("the question shows %v", about)
	}
	// What is no answer to it: another author, another id, another kind, no answer.
	other.ask("ping")
	other.answer(id, "always", nil, map[string]string{"kind": "1"})
	viewer.answer(id, "always", nil, map[string]string{"kind": "1"})
	o.answer("r1", "always", nil, map[string]string{"kind": "1"})
	o.answer(strings.Repeat("0", 32), "always", nil, map[string]string{"kind": "1"})
	o.answer(id, "always", nil, map[string]string{"kind": "7"})
	o.answer(id, "maybe")
	o.answer(id)
	o.ask("ping") // all of them were worked on
	other.ask("ping")
	viewer.ask("ping")
	if n := len(b.Questions()); n != 1 {
		t.Fatalf("%d questions are open", n)
	}
	for _, m := range viewer.got() {
		if m.Method != "" {
			t.Error("a viewer was asked")
		}
	}
	o.answer(id, "always", "Peter's notes", map[string]string{"kind": "1"})
	q.Signed()
	a.Sign(1, "again")
	if v := b.Admin("connection.list", nil); v.Text("connections.0.name") != "Peter's notes" {
		t.Errorf("the connection is named %v", v)
	}
	if v := b.Admin("audit.list", Params{"action": "approval.answer"}); v.Text("records.0.door") != "legacy" || v.Text("records.0.principal") != o.npub() {
		t.Errorf("the log says %v", v)
	}
	// A second answer to the same question is none; and never is one.
	o.answer(id, "never")
	q2 := a.AskSign(7, "+")
	second, _ := o.question(id)
	b.Admin("admin.add", Params{"npub": o.npub(), "role": "viewer"})
	o.answer(second, "always", nil, map[string]string{"kind": "7"})
	o.ask("ping")
	if n := len(b.Questions()); n != 1 {
		t.Fatalf("who is a viewer by now answered: %d questions are open", n)
	}
	b.Admin("admin.add", Params{"npub": o.npub(), "role": "approver"})
	o.answer(second, "never")
	q2.Fails("restricted:")
	a.AskSign(7, "+").Fails("restricted:")
	a.Sign(1, "still")
}

// TestTheOldProtocolIsShutToEverybodyElse: off by default, for strangers, after its
// end, when it is taken back, while sealed, and for a key that signs here.
func TestTheOldProtocolIsShutToEverybodyElse(t *testing.T) {
	b, o := old(t, "operator")
	hears := func(what string, x *oldApp, want bool) {
		t.Helper()
		before := len(x.got())
		x.no++
		x.send(map[string]any{"id": fmt.Sprintf("r%d", x.no), "method": "ping", "params": []any{}})
		if want {
			b.Until(what, func() bool { return len(x.got()) > before })
			return
		}
		// Another admin's request that was sent later is answered, this one is not.
		ann := b.Person("viewer")
		ann.Dial()
		if len(x.got()) != before {
			t.Errorf("%s: answered", what)
		}
	}
	plain := oldAppOf(b, o.relay)
	b.Admin("admin.add", Params{"npub": plain.npub(), "role": "viewer"})
	hears("an admin who was not let in", plain, false)
	hears("a stranger", oldAppOf(b, o.relay), false)
	hears("who was let in", o, true)
	// Roles and doors hold: nothing dangerous, nothing new, whatever the role.
	if got := o.ask("get_key_users", "nothere"); !strings.HasPrefix(got, `["error",`) {
		t.Errorf("an unknown key: %s", got)
	}
	if e := b.Refused("admin.legacy", Params{"npub": o.npub(), "for": "91d"}); e.Field != "for" {
		t.Errorf("91 days: %v", e)
	}
	if e := b.Refused("admin.legacy", Params{"npub": o.npub()}); e.Field != "for" {
		t.Errorf("without an end: %v", e)
	}
	// Another role changes nothing about the end.
	b.Admin("admin.add", Params{"npub": o.npub(), "role": "viewer"})
	if got := o.ask("revoke_user", "c1"); !strings.Contains(got, "needs the role") {
		t.Errorf("a viewer revokes: %s", got)
	}
	b.Admin("admin.legacy", Params{"npub": o.npub(), "off": true})
	hears("who was let in before", o, false)
	b.Admin("admin.legacy", Params{"npub": o.npub(), "for": "1h"})
	hears("who is let in again", o, true)
	b.Pass(59 * time.Minute)
	b.Pass(2 * time.Minute)
	hears("whose time is over", o, false)
	b.Admin("admin.legacy", Params{"npub": o.npub(), "for": "1d"})
	ann := b.Person("viewer")
	b.Admin("seal", nil)
	before := len(o.got())
	o.send(map[string]any{"id": "sealed", "method": "ping", "params": []any{}})
	ann.Dial()
	if len(o.got()) != before {
		t.Error("answered while sealed")
	}
	b.Unseal()
	hears("after the unseal", o, true)
}
