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
	"nsecbunker/internal/describe"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// ask makes an open question of a connection, the way that the signer does; edits
// are what somebody else did to its row.
func (f *fixture) ask(conn bunker.ConnectionID, kind int64, content string, edits ...func(*bunker.Approval)) *bunker.Approval {
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
	sum, err := json.Marshal(describe.Summary{Method: "sign_event", Kind: &kind, Content: content, Size: op.Size(), Tags: [][]string{{"p", "x\x07y"}}})
	if err != nil {
		f.t.Fatal(err)
	}
	in := policy.Input{Now: f.clock.Now().UnixMilli(), Tenant: &st, Key: k, Connection: c, Operation: op}
	a := approval.Ask(in, policy.Decision{Effect: bunker.Ask, Answers: policy.AnswersDefault, OnceOnly: kind == 62}, event)
	if a.Summary, err = f.Vault.SealSummary(a, sum); err != nil {
		f.t.Fatal(err)
	}
	for _, edit := range edits {
		edit(a)
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
	sum, err := json.Marshal(describe.Summary{Method: "connect", Perms: "sign_event:1", App: &nip46.ClientMetadata{Name: "Bank"}})
	if err != nil {
		f.t.Fatal(err)
	}
	a := approval.AskConnect(c, event, f.clock.Now().UnixMilli())
	if a.Summary, err = f.Vault.SealSummary(a, sum); err != nil {
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
	if str(q, "sentence") != "Nice App wants to post a short note as herald" || str(q, "card", "text") != "hello\nworld[2J" ||
		str(q, "permission") != "sign_event:1" || str(q, "digest") != digestText(a.OpDigest) {
		t.Errorf("question: %v", q)
	}
	if card := fmt.Sprint(get(q, "card")); strings.ContainsAny(card, "\x07\x1b\u202e") {
		t.Errorf("card: %q", card)
	}
	login := list[1]
	if str(login, "sentence") != "Bank[31m (name not verified) wants to log in as herald" || get(login, "unverified") != true || str(login, "requested") != "sign_event:1" {
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
	f.refused(bunker.CodeConflict, "past its time", "approval.answer", m{"id": string(a.ID), "digest": digestText(a.OpDigest)})
	f.refused(bunker.CodeNotFound, "question", "approval.answer", m{"id": "none", "digest": digestText(a.OpDigest)})
}

func TestBadAnswersAreRefused(t *testing.T) {
	f := setUp(t)
	a := f.ask(f.connected(""), 62, "vanish")
	id, digest := string(a.ID), digestText(a.OpDigest)
	for _, scope := range []string{"kind", "kinds", "method", "all"} {
		f.refused(bunker.CodeRestricted, "once only", "approval.answer", m{"id": id, "digest": digest, "scope": scope})
	}
	f.refused(bunker.CodeInvalid, "needs the digest", "approval.answer", m{"id": id})
	f.refused(bunker.CodeInvalid, "exclude each other", "approval.answer", m{"id": id, "digest": digest, "for": "1h", "until": "2999-01-01T00:00:00Z"})
	f.refused(bunker.CodeInvalid, "in the past", "approval.answer", m{"id": id, "digest": digest, "until": "2001-01-01T00:00:00Z"})
	f.refused(bunker.CodeInvalid, "ten years", "approval.answer", m{"id": id, "digest": digest, "until": "2999-01-01T00:00:00Z"})
	f.refused(bunker.CodeInvalid, "several times", "approval.answer", m{"id": id, "digest": digest, "uses": 2})
	f.refused(bunker.CodeInvalid, "1 to 1000000 times", "approval.answer", m{"id": id, "digest": digest, "uses": -1})
	f.refused(bunker.CodeInvalid, "not counted", "approval.answer", m{"id": id, "deny": true, "uses": 2})
	f.refused(bunker.CodeInvalid, "never goes with deny", "approval.answer", m{"id": id, "never": true})
	f.refused(bunker.CodeInvalid, "no scope", "approval.answer", m{"id": id, "deny": true, "scope": "all"})
	f.refused(bunker.CodeInvalid, "only with never", "approval.answer", m{"id": id, "deny": true, "for": "1h"})
	f.refused(bunker.CodeInvalid, "scope is", "approval.answer", m{"id": id, "digest": digest, "scope": "forever"})
	f.refused(bunker.CodeInvalid, "perms answer a login", "approval.answer", m{"id": id, "digest": digest, "perms": "all"})
	f.do("approval.answer", m{"id": id, "digest": digest})
	login, _ := f.knock()
	f.refused(bunker.CodeInvalid, "1 to 1000000 times", "approval.answer", m{"id": string(login.ID), "digest": digestText(login.OpDigest), "perms": "sign_event:1", "uses": -1})
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

func TestAQuestionThatWasChangedFromOutsideCanOnlyBeDenied(t *testing.T) {
	f := setUp(t)
	conn, thief := f.connected(""), f.connected("")
	for what, edit := range map[string]func(*bunker.Approval){
		"kind":       func(a *bunker.Approval) { a.Kind = 27235 },
		"method":     func(a *bunker.Approval) { a.Method, a.Kind = "nip44_decrypt", -1 },
		"connection": func(a *bunker.Approval) { a.Connection = thief },
		"digest":     func(a *bunker.Approval) { a.OpDigest[0]++ },
		"deadline":   func(a *bunker.Approval) { a.QuestionUntil += 1000 },
	} {
		t.Run(what, func(t *testing.T) {
			a := f.ask(conn, 1, what, edit)
			for _, scope := range []string{"once", "kind", "all"} {
				f.refused(bunker.CodeBlocked, "changed from outside", "approval.answer", m{"id": string(a.ID), "scope": scope, "digest": digestText(a.OpDigest)})
			}
			view := get(f.do("approval.show", m{"id": string(a.ID)}), "approval")
			if get(view, "card") != nil || !strings.HasPrefix(str(view, "sentence"), "Nice App wants to ") {
				t.Errorf("it is shown as %v", view)
			}
			f.do("approval.answer", m{"id": string(a.ID), "deny": true})
		})
	}
	once := f.ask(conn, 62, "gone", func(a *bunker.Approval) { a.OnceOnly = false })
	f.refused(bunker.CodeBlocked, "changed from outside", "approval.answer", m{"id": string(once.ID), "scope": "all", "digest": digestText(once.OpDigest)})
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
	res := f.do("approval.answer", m{"id": string(a.ID), "digest": digestText(a.OpDigest), "name": "bank", "perms": "sign_event:1"})
	if state(c.ID) != bunker.ConnActive || str(res, "grant", "perms") != "sign_event:1" {
		t.Errorf("let in: %v, %v", state(c.ID), res)
	}
	a, c = f.knock()
	if res := f.do("approval.answer", m{"id": string(a.ID), "digest": digestText(a.OpDigest)}); get(res, "grant") != nil || state(c.ID) != bunker.ConnActive {
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
	f.refused(bunker.CodeConflict, "withdrawn", "approval.answer", m{"id": string(a.ID), "digest": digestText(a.OpDigest)})
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
