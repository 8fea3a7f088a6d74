package admin

import (
	"fmt"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

// requests writes records of signed notes of an app into the log, as if it had sent
// them one a millisecond: out of the chain, which a simulation does not look at.
func (f *fixture) requests(app bunker.ConnectionID, n int) {
	f.t.Helper()
	now := f.Now().UnixMilli()
	f.tamper(fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %[1]d)
INSERT INTO audit (tenant, seq, time, event_at, step, principal, action, user_key, connection, effect, body, hash)
SELECT tenant, i - %[1]d - 1, %[2]d + i, %[2]d + i, 'final', 'client x', 'sign_event', '', '%[3]s', 'allow',
 CAST(json_object('seq', i - %[1]d - 1, 'time', %[2]d + i, 'tenant', tenant, 'incarnation', 'x', 'principal', 'client x', 'door', 'relay', 'action', 'sign_event',
  'step', 'final', 'event', printf('%%064x', i), 'connection', '%[3]s', 'effect', 'allow', 'rule', 'policy newsroom/notes@1', 'kind', 1, 'size', 20 + i %% 40, 'skew', 0,
  'tags', json_array('p:' || (i %% 3), 't:1'), 'digest', printf('%%064x', i)) AS BLOB), zeroblob(32)
FROM n, (SELECT tenant FROM tenant_head LIMIT 1)`, n, now-int64(n)-1, app))
}

// under puts an app under the policy.
func (f *fixture) under(policy string) bunker.ConnectionID {
	f.t.Helper()
	id := f.connected("")
	f.do("connection.grant", m{"id": string(id), "policy": policy})
	return id
}

func TestASimulationOfThousandsOfRequestsIsBoundedAndSaysSo(t *testing.T) {
	const bound = 5_000 // MaxSimulated takes minutes under the race detector
	f := setUp(t)
	f.simulated = bound
	f.newsroom()
	app := f.under("newsroom")
	f.requests(app, bound+500)
	before := f.seq()
	begun := time.Now()
	res := f.do("policy.simulate", m{"policy": "newsroom", "rules": []m{
		rule("notes", 1, m{"budget": m{"per_day": 1_000_000}, "content": m{"max_length": 30}}),
		{"id": "no-games", "effect": "deny", "kinds": []m{{"from": 1, "to": 1}}, "tags": []m{{"name": "p", "values": []string{"x"}}}},
	}})
	t.Logf("%v for %v records", time.Since(begun), get(res, "looked"))
	if get(res, "looked") != float64(bound) || get(res, "cut") != true || get(res, "requests").(float64) < bound-100 { // but those of setting up
		t.Errorf("looked at %v, cut %v, %v requests", get(res, "looked"), get(res, "cut"), get(res, "requests"))
	}
	sum := 0.0
	for _, n := range []string{"same", "now_allowed", "now_asked", "now_refused", "unknown"} {
		sum += get(res, n).(float64)
	}
	if sum != get(res, "requests") || get(res, "same") == 0.0 || get(res, "unknown") == 0.0 {
		t.Errorf("told %v", res)
	}
	examples := 0
	for _, g := range get(res, "changes").([]any) {
		examples += len(get(g, "examples").([]any))
	}
	if examples == 0 || examples > 4*MaxExamples {
		t.Errorf("%d examples", examples)
	}
	if f.seq() != before {
		t.Error("a simulation left a record")
	}
}

func TestASimulationIsOfTheAppsAndTheDaysThatAreNamed(t *testing.T) {
	f := setUp(t)
	f.newsroom()
	app := f.under("newsroom")
	f.requests(app, 60)
	told := func(more m) m {
		p := m{"policy": "newsroom", "rules": []m{rule("notes", 7, nil)}}
		for k, v := range more {
			p[k] = v
		}
		return f.do("policy.simulate", p)
	}
	res := told(nil)
	if get(res, "now_asked") != 60.0 || get(res, "requests") != 60.0 || get(res, "version") != 1.0 || get(res, "cut") != nil {
		t.Errorf("told %v", res)
	}
	g := get(res, "changes").([]any)
	if len(g) != 1 || get(g[0], "change") != "ask" || get(g[0], "connection") != string(app) || get(g[0], "kind") != 1.0 || get(g[0], "count") != 60.0 ||
		len(get(g[0], "examples").([]any)) != MaxExamples {
		t.Errorf("grouped as %v", g)
	}
	x := get(g[0], "examples").([]any)[0]
	if get(x, "before") != "allow" || get(x, "before_rule") != "policy newsroom/notes@1" || get(x, "after") != "ask" || get(x, "after_rule") != "default" || get(x, "recorded") != "allow" {
		t.Errorf("an example is %v", x)
	}
	if res := told(m{"key": "herald", "connection": string(app)}); get(res, "requests") != 60.0 {
		t.Errorf("of the key: %v", res)
	}
	f.do("key.add", m{"name": "other"})
	if res := told(m{"key": "other"}); get(res, "requests") != 0.0 {
		t.Errorf("of another key: %v", res)
	}
	f.passTime(25 * time.Hour)
	if res := told(m{"days": 1}); get(res, "requests") != 0.0 {
		t.Errorf("of another day: %v", res)
	}
	if res := told(m{"days": 2}); get(res, "requests") != 60.0 {
		t.Errorf("of both days: %v", res)
	}
	f.do("connection.revoke", m{"id": string(app)})
	if res := told(nil); get(res, "requests") != 0.0 {
		t.Errorf("of an app that is over: %v", res)
	}
}

func TestWhatCannotBeSimulatedIsRefused(t *testing.T) {
	f := setUp(t)
	f.newsroom()
	one := []m{rule("notes", 1, nil)}
	f.refused(bunker.CodeInvalid, "nothing to change", "policy.simulate", m{"policy": "newsroom"})
	f.refused(bunker.CodeNotFound, "no policy", "policy.simulate", m{"policy": "nobody", "rules": one})
	f.refused(bunker.CodeInvalid, "days is 1 to 365", "policy.simulate", m{"policy": "newsroom", "rules": one, "days": MaxSimulatedDays + 1})
	f.refused(bunker.CodeInvalid, "days is 1 to 365", "policy.simulate", m{"policy": "newsroom", "rules": one, "days": -1})
	f.refused(bunker.CodeNotFound, "no key", "policy.simulate", m{"policy": "newsroom", "rules": one, "key": "nobody"})
	f.refused(bunker.CodeNotFound, "no connection", "policy.simulate", m{"policy": "newsroom", "rules": one, "connection": "nobody"})
	f.refused(bunker.CodeInvalid, "no regular expression", "policy.simulate", m{"policy": "newsroom", "rules": []m{rule("a", 1, m{"content": m{"pattern": "(?=x)"}})}})
	f.simulating <- struct{}{}
	f.refused(bunker.CodeConflict, "another simulation runs", "policy.simulate", m{"policy": "newsroom", "rules": one})
	<-f.simulating
	f.do("policy.simulate", m{"policy": "newsroom", "rules": one})
	id := str(f.do("policy.delete", m{"policy": "newsroom"}), "policy", "id")
	f.refused(bunker.CodeConflict, "was deleted", "policy.simulate", m{"policy": id, "rules": one})
}
