package admin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

// rule is an allow of one kind, as parameters carry it.
func rule(id string, kind int, more m) m {
	r := m{"id": id, "effect": "allow", "kinds": []m{{"from": kind, "to": kind}}}
	for k, v := range more {
		r[k] = v
	}
	return r
}

// newsroom makes a policy that allows kind 1.
func (f *fixture) newsroom(more ...m) m {
	f.t.Helper()
	return f.do("policy.create", m{"name": "newsroom", "zone": "Europe/Paris", "rules": append([]m{rule("notes", 1, nil)}, more...)})
}

func TestAPolicyIsMadeEditedAndItsVersionsStay(t *testing.T) {
	f := setUp(t)
	res := f.newsroom(m{"id": "no-deletes", "effect": "deny", "kinds": []m{{"from": 5, "to": 5}}, "content": m{"max_length": 10}, "hours": []m{{"days": []string{"mon"}, "from": 0, "to": 60}}})
	if str(res, "policy", "name") != "newsroom" || get(res, "policy", "version") != 1.0 || str(res, "policy", "zone") != "Europe/Paris" || get(res, "policy", "count") != 2.0 {
		t.Errorf("made: %v", res)
	}
	id := str(res, "policy", "id")
	if r := f.last(); r.Object != id || r.Action != "policy.create" || r.Reason != "the policy newsroom is version 1 now, of 2 rules" {
		t.Errorf("record: %+v", r)
	}
	f.refused(bunker.CodeConflict, "already", "policy.create", m{"name": "newsroom", "rules": []m{}})
	f.do("policy.edit", m{"policy": "newsroom", "description": "for the desk", "if_version": 1})
	f.refused(bunker.CodeConflict, "version 2 by now", "policy.edit", m{"policy": "newsroom", "name": "x", "if_version": 1})
	f.do("policy.edit", m{"policy": id, "rules": []m{}, "name": "desk"})
	shown := f.do("policy.show", m{"policy": "desk"})
	if get(shown, "policy", "version") != 3.0 || get(shown, "policy", "rules") != nil || str(shown, "policy", "description") != "for the desk" {
		t.Errorf("edited: %v", shown)
	}
	first := f.do("policy.show", m{"policy": "desk", "version": 1})
	if str(first, "policy", "name") != "newsroom" || len(get(first, "policy", "rules").([]any)) != 2 {
		t.Errorf("the first version: %v", first)
	}
	f.refused(bunker.CodeNotFound, "no version 9", "policy.show", m{"policy": "desk", "version": 9})
	if v := get(f.do("policy.versions", m{"policy": "desk", "limit": 2}), "versions").([]any); len(v) != 2 || get(v[1], "version") != 2.0 {
		t.Errorf("versions: %v", v)
	}
	if v := get(f.do("policy.versions", m{"policy": "desk", "limit": 2, "after": "2"}), "versions").([]any); len(v) != 1 || get(v[0], "version") != 3.0 {
		t.Errorf("further versions: %v", v)
	}
	f.do("policy.delete", m{"policy": "desk"})
	f.refused(bunker.CodeNotFound, "no policy", "policy.show", m{"policy": "desk"})
	f.refused(bunker.CodeConflict, "was deleted", "policy.edit", m{"policy": id})
	if l := get(f.do("policy.list", nil), "policies").([]any); len(l) != 0 {
		t.Errorf("listed: %v", l)
	}
	if l := get(f.do("policy.list", m{"deleted": true}), "policies").([]any); len(l) != 1 || get(l[0], "deleted") != true {
		t.Errorf("listed with deleted ones: %v", l)
	}
}

func TestRulesThatCannotBeAreRefused(t *testing.T) {
	f := setUp(t)
	before := f.seq()
	many := make([]m, 1001)
	for i := range many {
		many[i] = rule(fmt.Sprint("r", i), 1, nil)
	}
	for words, p := range map[string]m{
		"rules is missing":          {"name": "x"},
		"its id is":                 {"name": "x", "rules": []m{rule("No", 1, nil)}},
		"two rules are named a":     {"name": "x", "rules": []m{rule("a", 1, nil), rule("a", 2, nil)}},
		"effect":                    {"name": "x", "rules": []m{{"id": "a", "effect": "permit"}}},
		"rules.kind":                {"name": "x", "rules": []m{{"id": "a", "effect": "deny", "kind": 1}}},
		"rules.budget.per_week":     {"name": "x", "rules": []m{rule("a", 1, m{"budget": m{"per_week": 1}})}},
		"rules.content.regex":       {"name": "x", "rules": []m{rule("a", 1, m{"content": m{"regex": "x"}})}},
		"no regular expression":     {"name": "x", "rules": []m{rule("a", 1, m{"content": m{"pattern": "(?=x)"}})}},
		"longer than 256 bytes":     {"name": "x", "rules": []m{rule("a", 1, m{"content": m{"pattern": strings.Repeat("x", 257)}})}},
		"no right set":              {"name": "x", "rules": []m{{"id": "a", "effect": "allow", "rights": []string{"posts"}}}},
		"no method that rules":      {"name": "x", "rules": []m{{"id": "a", "effect": "allow", "methods": []string{"ping"}}}},
		"time zone":                 {"name": "x", "zone": "Paris", "rules": []m{}},
		"more than 1000 items":      {"name": "x", "rules": many},
		"looks like an id":          {"name": string(bunker.NewPolicyID()), "rules": []m{}},
		"letters, digits":           {"name": "a/b", "rules": []m{}},
		"control, invisible":        {"name": "x", "description": "a\x1b[2J", "rules": []m{}},
		"it must begin with wss://": {"name": "x", "rules": []m{rule("a", 1, m{"relays": []string{"relay.example"}})}},
	} {
		f.refused(bunker.CodeInvalid, words, "policy.create", p)
	}
	if f.seq() != before {
		t.Error("something was recorded")
	}
	f.do("policy.create", m{"name": "large", "rules": many[:1000]})
}

func TestGivingMoreToWhatIsUnderAPolicyNeedsAProof(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	f.newsroom(m{"id": "no", "effect": "deny", "kinds": []m{{"from": 5, "to": 5}}})
	stale := owner()
	stale.Fresh = false
	edit := func(rules ...m) error {
		_, err := f.callAs(stale, "policy.edit", m{"policy": "newsroom", "rules": rules})
		return err
	}
	no := m{"id": "no", "effect": "deny", "kinds": []m{{"from": 5, "to": 5}}}
	if err := edit(rule("notes", 1, nil), rule("likes", 7, nil), no); err != nil {
		t.Errorf("nothing is under it: %v", err)
	}
	f.do("token.create", m{"key": "herald", "client": "coracle", "policy": "newsroom"})
	for name, c := range map[string]struct {
		rules []m
		more  bool
	}{
		"another kind":       {[]m{rule("notes", 1, nil), rule("likes", 7, nil), rule("reposts", 6, nil), no}, true},
		"a wider rule":       {[]m{rule("notes", 1, nil), {"id": "likes", "effect": "allow"}, no}, true},
		"a deny less":        {[]m{rule("notes", 1, nil), rule("likes", 7, nil)}, true},
		"a deny more":        {[]m{rule("notes", 1, nil), rule("likes", 7, nil), no, {"id": "also", "effect": "deny"}}, false},
		"another note":       {[]m{rule("notes", 1, m{"note": "x"}), rule("likes", 7, nil), no}, false},
		"an allow less":      {[]m{rule("notes", 1, nil), no}, false},
		"an allow and a ask": {[]m{rule("notes", 1, nil), no, {"id": "asked", "effect": "ask"}}, false},
	} {
		f.do("policy.edit", m{"policy": "newsroom", "rules": []m{rule("notes", 1, nil), rule("likes", 7, nil), no}})
		err := edit(c.rules...)
		if (err != nil) != c.more || err != nil && (bunker.AsError(err).Code != bunker.CodeNeedsProof || bunker.AsError(err).Field != "") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.callAs(stale, "policy.delete", m{"policy": "newsroom", "force": true}); bunker.AsError(err).Code != bunker.CodeNeedsProof {
		t.Errorf("a deletion takes its denies away: %v", err)
	}
}

func TestAPolicyThatIsUsedIsNotDeletedByAccident(t *testing.T) {
	f := setUp(t)
	conn := f.connected("")
	f.newsroom()
	f.do("connection.grant", m{"id": string(conn), "policy": "newsroom"})
	f.refused(bunker.CodeConflict, "1 connection and 0 open links are under the policy newsroom", "policy.delete", m{"policy": "newsroom"})
	explain := func() m { return f.do("policy.explain", m{"connection": string(conn), "kind": 1}) }
	if x := explain(); str(x, "effect") != "allow" || str(x, "rule") != "policy newsroom/notes@1" {
		t.Errorf("before: %v", x)
	}
	f.do("policy.delete", m{"policy": "newsroom", "force": true})
	if x := explain(); str(x, "effect") != "ask" || str(x, "rule") != "default" {
		t.Errorf("after: %v", x)
	}
	grants := get(f.do("connection.show", m{"id": string(conn)}), "grants").([]any)
	if len(grants) != 1 || str(grants[0], "policy") != "newsroom (deleted)" {
		t.Errorf("grants: %v", grants)
	}
	f.refused(bunker.CodeNotFound, "no policy", "connection.grant", m{"id": string(conn), "policy": "newsroom"})
}

func TestPoliciesAreGivenByLinksGrantsAndLogins(t *testing.T) {
	f := setUp(t)
	conn := f.connected("")
	f.newsroom()
	f.refused(bunker.CodeInvalid, "by itself", "connection.grant", m{"id": string(conn), "policy": "newsroom", "perms": "all"})
	f.refused(bunker.CodeInvalid, "by itself", "connection.grant", m{"id": string(conn), "policy": "newsroom", "uses": 3})
	f.refused(bunker.CodeInvalid, "no policy is given", "connection.grant", m{"id": string(conn)})
	f.refused(bunker.CodeNotFound, "no policy", "connection.grant", m{"id": string(conn), "policy": "other"})
	g := f.do("connection.grant", m{"id": string(conn), "policy": "newsroom", "for": "1h"})
	if str(g, "grant", "policy") != "newsroom" || f.last().Reason != "allow the policy newsroom" {
		t.Errorf("granted: %v, %q", g, f.last().Reason)
	}
	f.do("connection.ungrant", m{"id": string(conn), "grant": str(g, "grant", "id")})

	tok := f.do("token.create", m{"key": "herald", "client": "coracle", "policy": "newsroom", "perms": "sign_event:7"})
	if str(tok, "policy") != "newsroom" || get(tok, "warnings") != nil || f.last().Reason != "for coracle: the policy newsroom, and sign_event:7" {
		t.Errorf("token: %v, %q", tok, f.last().Reason)
	}
	if l := get(f.do("token.list", nil), "tokens").([]any); !strings.Contains(fmt.Sprint(l), "policy:newsroom") {
		t.Errorf("tokens: %v", l)
	}
	f.refused(bunker.CodeNotFound, "no policy", "token.create", m{"key": "herald", "client": "c", "policy": "other"})
	if show := f.do("policy.show", m{"policy": "newsroom"}); get(show, "policy", "tokens") != 1.0 || get(show, "policy", "connections") != 0.0 {
		t.Errorf("under it: %v", show)
	}

	res := f.do("connect", m{"uri": newApp(t).uri("wss://app.example.com"), "key": "herald", "policy": "newsroom"})
	grants := get(f.do("connection.show", m{"id": str(res, "connection", "id")}), "grants").([]any)
	if len(grants) != 1 || str(grants[0], "policy") != "newsroom" || get(res, "warnings") != nil {
		t.Errorf("nostrconnect: %v %v", grants, res)
	}

	q, c := f.knock()
	f.refused(bunker.CodeInvalid, "by a policy or by permissions", "approval.answer", m{"id": string(q.ID), "policy": "newsroom", "perms": "all"})
	f.do("approval.answer", m{"id": string(q.ID), "digest": digestText(q.OpDigest), "policy": "newsroom", "name": "knocker"})
	grants = get(f.do("connection.show", m{"id": string(c.ID)}), "grants").([]any)
	if len(grants) != 1 || str(grants[0], "policy") != "newsroom" {
		t.Errorf("a login: %v", grants)
	}
	one := f.ask(c.ID, 1, "x")
	f.refused(bunker.CodeInvalid, "about one operation", "approval.answer", m{"id": string(one.ID), "digest": digestText(one.OpDigest), "policy": "newsroom"})

	for i := range 8 {
		f.do("policy.create", m{"name": fmt.Sprint("p", i), "rules": []m{}})
		if i < 7 {
			f.do("connection.grant", m{"id": string(c.ID), "policy": fmt.Sprint("p", i)})
		}
	}
	f.refused(bunker.CodeConflict, "under 8 policies already", "connection.grant", m{"id": string(c.ID), "policy": "p7"})
}

func TestExplainingSaysWhatEveryRuleSays(t *testing.T) {
	f := setUp(t)
	conn := f.connected("sign_event:7")
	f.newsroom(rule("likes", 7, m{"budget": m{"per_day": 3}}), m{"id": "own", "effect": "allow", "results": []string{"self"}}, m{"id": "dms", "effect": "allow", "rights": []string{"read"}})
	f.do("connection.grant", m{"id": string(conn), "policy": "newsroom"})
	x := f.do("policy.explain", m{"connection": string(conn), "kind": 7})
	if str(x, "effect") != "allow" || str(x, "rule") != "policy newsroom/likes@1" || len(get(x, "rules").([]any)) != 4 || len(get(x, "grants").([]any)) != 2 {
		t.Errorf("a reaction: %v", x)
	}
	b := get(x, "budgets").([]any)
	if len(b) != 1 || get(b[0], "limit") != 3.0 || get(b[0], "used") != 0.0 || str(b[0], "window") != "day" || str(b[0], "per") != "connection" || str(b[0], "refills_at") != "2026-11-22T23:00:00.000Z" {
		t.Errorf("budgets: %v", b)
	}
	x = f.do("policy.explain", m{"connection": string(conn), "event": `{"kind":5,"content":"","tags":[["e","00"]],"created_at":1795348800}`})
	if str(x, "effect") != "ask" || !strings.Contains(str(x, "needed"), "kinds = [5]") || str(x, "care") == "" {
		t.Errorf("deleting: %v", x)
	}
	for _, r := range get(x, "rules").([]any) {
		if get(r, "fits") != false || str(r, "why") == "" {
			t.Errorf("rule: %v", r)
		}
	}
	x = f.do("policy.explain", m{"connection": string(conn), "method": "nip44_decrypt", "peer": npubOf(3)})
	if get(x, "unknown") != true || str(x, "effect") != "ask" {
		t.Errorf("a decryption that nobody looked at: %v", x)
	}
	x = f.do("policy.explain", m{"connection": string(conn), "method": "nip44_decrypt", "peer": npubOf(3), "result": "dm"})
	if str(x, "rule") != "policy newsroom/dms@1" {
		t.Errorf("a message: %v", x)
	}
	x = f.do("policy.explain", m{"connection": string(conn), "method": "nip44_decrypt", "peer": f.keyRow("herald").PubKey.String()})
	if str(x, "rule") != "policy newsroom/own@1" {
		t.Errorf("one's own: %v", x)
	}
	at := start.Add(48 * time.Hour).Format(time.RFC3339)
	x = f.do("policy.explain", m{"connection": string(conn), "kind": 7, "at": at})
	if b := get(x, "budgets").([]any); str(b[0], "refills_at") != "2026-11-24T23:00:00.000Z" {
		t.Errorf("at another time: %v", x)
	}
	for words, p := range map[string]m{
		"connection is missing": {"kind": 1}, "kind is missing": {"connection": string(conn), "method": "sign_event"},
		"peer is missing": {"connection": string(conn), "method": "nip44_decrypt"}, "need no permission": {"connection": string(conn), "method": "ping"},
		"result is": {"connection": string(conn), "method": "nip44_decrypt", "peer": npubOf(3), "result": "x"},
		"a kind is": {"connection": string(conn), "kind": 70000}, "give one or the other": {"connection": string(conn), "kind": 1, "event": "{}"},
		"event:": {"connection": string(conn), "event": "{}"}, "wss://": {"connection": string(conn), "kind": 1, "relay": "x"},
	} {
		f.refused(bunker.CodeInvalid, words, "policy.explain", p)
	}
}

func TestARecordIsExplainedByTheRuleOfItsTime(t *testing.T) {
	f := setUp(t)
	conn := f.connected("")
	f.newsroom()
	f.do("connection.grant", m{"id": string(conn), "policy": "newsroom"})
	kind := int64(1)
	err := f.store.Change(t.Context(), bunker.SelfHosted, System(), func(tx *storeTx) error {
		return tx.Audit(bunker.AuditRecord{Action: string(nip46.SignEvent), Connection: string(conn), Effect: "allow", Rule: "policy newsroom/notes@1", Kind: &kind})
	})
	if err != nil {
		t.Fatal(err)
	}
	seq := f.seq()
	f.passTime(time.Minute)
	f.do("policy.edit", m{"policy": "newsroom", "name": "desk", "rules": []m{}})
	x := f.do("policy.explain", m{"record": seq})
	if str(x, "decided_by", "policy") != "newsroom" || get(x, "decided_by", "version") != 1.0 || str(x, "decided_by", "rule", "id") != "notes" || str(x, "record", "action") != "sign_event" {
		t.Errorf("%v", x)
	}
	if str(x, "decided_by", "sentence") != "may post notes" || get(x, "decided_by", "newest") == nil || str(x, "decided_by", "id") == "" {
		t.Errorf("in words: %v", get(x, "decided_by"))
	}
	x = f.do("policy.explain", m{"record": seq - 1})
	if get(x, "decided_by") != nil || str(x, "record", "action") != "connection.grant" {
		t.Errorf("an admin's record: %v", x)
	}
	f.refused(bunker.CodeNotFound, "no record", "policy.explain", m{"record": 9999})
}
