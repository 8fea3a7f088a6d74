package bunkertest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/web"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip98"
)

// script is an admin's script: requests over HTTP.
type script struct {
	*Person
	sent int
}

// request is one request; edit changes the event before it is signed.
type request struct {
	command, body string
	key, version  string // Idempotency-Key, If-Version
	edit          func(t *nostr.Template)
	header        string // instead of a signed one
	method        string
	query         string
}

func (s *script) url(command string) string {
	return strings.Replace(s.b.ListenURL(), "ws://", "http://", 1) + "/api/v1/" + command
}

// authorize signs a request.
func (s *script) authorize(r *request) string {
	s.b.t.Helper()
	t := nip98.Template("POST", s.url(r.command), []byte(r.body), s.b.Clock.Now())
	s.sent++ // no two requests are the same event
	t.Tags = append(t.Tags, nostr.Tag{"nonce", strings.Repeat("x", s.sent)})
	if r.edit != nil {
		r.edit(t)
	}
	ev := t.Event(s.Key.PubKey())
	if err := s.Key.Sign(ev); err != nil {
		s.b.t.Fatal(err)
	}
	return nip98.Header(ev)
}

// send sends it and returns status and answer.
func (s *script) send(r request) (int, Answer) {
	s.b.t.Helper()
	if r.header == "" {
		r.header = s.authorize(&r)
	}
	if r.method == "" {
		r.method = "POST"
	}
	q, err := http.NewRequest(r.method, s.url(r.command)+r.query, bytes.NewReader([]byte(r.body)))
	if err != nil {
		s.b.t.Fatal(err)
	}
	q.Header.Set("Authorization", r.header)
	if r.key != "" {
		q.Header.Set("Idempotency-Key", r.key)
	}
	if r.version != "" {
		q.Header.Set("If-Version", r.version)
	}
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		s.b.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.b.t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		s.b.t.Fatalf("%s: %s", r.command, b)
	}
	return res.StatusCode, answerOf(s.b.t, v)
}

func (s *script) wants(status int, r request) Answer {
	s.b.t.Helper()
	got, a := s.send(r)
	if got != status {
		s.b.t.Fatalf("%s: status %d, want %d: %v", r.command, got, status, a)
	}
	return a
}

func scripting(t *testing.T, role string) (*Bunker, *script) {
	t.Helper()
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	s := &script{Person: b.Person(role)}
	b.Admin("admin.script", Params{"npub": s.Npub()})
	return b, s
}

// TestAScriptCommandsOverHTTP: what its npub's role may, each request signed.
func TestAScriptCommandsOverHTTP(t *testing.T) {
	b, s := scripting(t, "operator")
	if v := s.wants(200, request{command: "key.list"}); v.Text("result.keys.0.name") != "herald" {
		t.Errorf("key.list: %v", v)
	}
	link := request{command: "token.create", body: `{"key":"herald","client":"bot","perms":"sign_event:1"}`}
	if v := s.wants(400, link); v.Text("error.field") != "Idempotency-Key" {
		t.Errorf("a change without a name: %v", v)
	}
	link.key = "job 7"
	uri := s.wants(200, link).Text("result.uri")
	if again := s.wants(200, link).Text("result.uri"); again != uri {
		t.Errorf("sent again it is another link: %s", again)
	}
	if n := len(b.Admin("token.list", nil).Each("tokens")); n != 1 {
		t.Errorf("%d links of one change", n)
	}
	other := link
	other.body = `{"key":"herald","client":"other","perms":"all"}`
	if v := s.wants(409, other); v.Text("error.field") != "op" {
		t.Errorf("another change of that name: %v", v)
	}
	b.Connected(uri).Sign(1, "from a script")
	// Versions, as over relays.
	rename := request{command: "key.rename", body: `{"key":"herald","name":"bote"}`, key: "r1", version: "99"}
	if v := s.wants(409, rename); v.Text("error.field") != "if_version" {
		t.Errorf("another version: %v", v)
	}
	v := b.Admin("audit.list", Params{"action": "token.create"})
	if v.Text("records.0.principal") != s.Npub() || v.Text("records.0.door") != "http" {
		t.Errorf("the log says %v", v)
	}
	b.VerifyOutside()
}

// TestNoDangerousCommandComesOverHTTP, whatever the role; nor what is about devices,
// nor what needs a proof only at times.
func TestNoDangerousCommandComesOverHTTP(t *testing.T) {
	b, s := scripting(t, "owner")
	tried := 0
	for _, c := range b.Commands() {
		if !c.Dangerous && !strings.HasPrefix(c.Name, "device.") && !strings.HasPrefix(c.Name, "session.") && c.Name != "unseal" && c.Name != "setup" {
			continue
		}
		tried++
		s.b.Clock.Pass(time.Second) // what one address may send
		if v := s.wants(403, request{command: c.Name, key: c.Name}); v.Text("error.code") != "restricted" {
			t.Errorf("%s: %v", c.Name, v)
		}
	}
	if tried < 20 {
		t.Errorf("%d commands were tried", tried)
	}
	b.Admin("policy.create", Params{"name": "notes", "rules": []Params{{"id": "a", "effect": "allow", "kinds": []Params{{"from": 1, "to": 1}}}}})
	b.Token("herald", "", Params{"policy": "notes"})
	wider := request{command: "policy.edit", body: `{"policy":"notes","rules":[{"id":"a","effect":"allow"}]}`, key: "w"}
	if v := s.wants(403, wider); v.Text("error.code") != "needs-proof" {
		t.Errorf("a policy was widened: %v", v)
	}
}

// TestARequestOverHTTPIsGoodOnceAndAsItWasSigned.
func TestARequestOverHTTPIsGoodOnceAndAsItWasSigned(t *testing.T) {
	b, s := scripting(t, "viewer")
	b.Clock.Hold() // a second between signing and sending would make another age of each
	r := request{command: "key.list", body: "{}"}
	r.header = s.authorize(&r)
	s.wants(200, r)
	s.wants(401, r)
	b.CrashAndRestart()
	s.wants(401, r) // it is stored
	for why, r := range map[string]request{
		"no header":        {header: "Nostr e30="},
		"another body":     {body: `{"after":""}`, edit: func(t *nostr.Template) { t.Tags[2] = nip98.Template("", "", nil, time.Time{}).Tags[2] }},
		"another address":  {edit: func(t *nostr.Template) { t.Tags[0] = nostr.Tag{"u", s.url("status")} }},
		"another host":     {edit: func(t *nostr.Template) { t.Tags[0] = nostr.Tag{"u", "http://localhost:1/api/v1/key.list"} }},
		"a query":          {query: "?x=1"},
		"another method":   {edit: func(t *nostr.Template) { t.Tags[1] = nostr.Tag{"method", "GET"} }},
		"61 seconds old":   {edit: func(t *nostr.Template) { t.CreatedAt -= 61 }},
		"61 seconds ahead": {edit: func(t *nostr.Template) { t.CreatedAt += 62 }},
		"no payload":       {edit: func(t *nostr.Template) { t.Tags = append(t.Tags[:2:2], t.Tags[3]) }},
	} {
		r.command = "key.list"
		if got, v := s.send(r); got != 401 {
			t.Errorf("%s: status %d, %v", why, got, v)
		}
	}
	s.wants(405, request{command: "key.list", method: "GET"})
	s.wants(404, request{command: "key.nothing"})
	s.wants(403, request{command: "token.create", body: `{"key":"herald","client":"x"}`, key: "x"}) // a viewer
}

// TestOnlyNpubsThatAreMarkedComeOverHTTP.
func TestOnlyNpubsThatAreMarkedComeOverHTTP(t *testing.T) {
	b, s := scripting(t, "operator")
	plain, stranger := &script{Person: b.Person("owner")}, &script{Person: b.Person("")}
	plain.wants(401, request{command: "key.list"})
	stranger.wants(401, request{command: "key.list"})
	s.wants(200, request{command: "key.list"})
	b.Admin("admin.script", Params{"npub": s.Npub(), "off": true})
	s.wants(401, request{command: "key.list"})
	b.Admin("admin.script", Params{"npub": s.Npub()})
	s.wants(200, request{command: "key.list"})
	b.Admin("seal", nil)
	s.wants(401, request{command: "key.list"})
	b.Unseal()
	b.Admin("admin.remove", Params{"npub": s.Npub()})
	s.wants(401, request{command: "key.list"})
	if e := b.Refused("admin.script", Params{"npub": b.Admin("key.show", Params{"key": "herald"}).Text("key.npub")}); e.Field != "npub" {
		t.Errorf("no admin: %v", e)
	}
	// Too many at once from one address: in no time, however long a machine takes for them.
	b.Clock.Hold()
	limited := false
	for range web.ScriptBurst + 1 {
		if got, _ := stranger.send(request{command: "key.list", header: "Nostr e30="}); got == 429 {
			limited = true
			break
		}
	}
	if !limited {
		t.Error("a flood is not held back")
	}
}
