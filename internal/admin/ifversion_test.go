package admin

import (
	"encoding/json"
	"testing"

	"nsecbunker/internal/bunker"
)

// TestAChangeOfWhatSomebodyElseChangedIsRefused: key, connection, link, policy, admin.
func TestAChangeOfWhatSomebodyElseChangedIsRefused(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	conn := f.connected("all")
	tok := f.do("token.create", m{"key": "herald", "client": "app", "perms": "all"})
	f.do("policy.create", m{"name": "notes", "rules": []m{{"id": "notes", "effect": "allow", "kinds": []m{{"from": 1, "to": 1}}}}})
	f.do("admin.add", m{"npub": npubOf(2), "role": "viewer"})
	token := func() m {
		return get(f.do("token.list", nil), "tokens").([]any)[0].(m)
	}
	admins := func() m { return get(f.do("admin.list", nil), "admins").([]any)[1].(m) }
	now := map[string]func() any{
		"key":        func() any { return get(f.do("key.show", m{"key": "herald"}), "key", "version") },
		"connection": func() any { return get(f.do("connection.show", m{"id": string(conn)}), "connection", "version") },
		"token":      func() any { return token()["version"] },
		"policy":     func() any { return get(f.do("policy.show", m{"policy": "notes"}), "policy", "version") },
		"admin":      func() any { return admins()["version"] },
	}
	order := func(name string, version any, params m) error {
		t.Helper()
		b, err := json.Marshal(params)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Execute(t.Context(), owner(), Order{Name: name, Params: b, IfVersion: int64(version.(float64))})
		return err
	}
	for what, c := range map[string]struct {
		name          string
		first, second m
	}{
		"key":        {"key.set", m{"key": "herald", "default": "deny"}, m{"key": "herald", "default": "ask"}},
		"connection": {"connection.grant", m{"id": string(conn), "perms": "sign_event:1"}, m{"id": string(conn), "perms": "sign_event:7"}},
		"policy":     {"policy.edit", m{"policy": "notes", "description": "a"}, m{"policy": "notes", "description": "b"}},
		"admin":      {"admin.add", m{"npub": npubOf(2), "role": "approver"}, m{"npub": npubOf(2), "role": "operator"}},
	} {
		seen := now[what]()
		if err := order(c.name, seen, c.first); err != nil {
			t.Errorf("%s as it was looked at: %v", what, err)
		}
		seq := f.seq()
		if e := bunker.AsError(order(c.name, seen, c.second)); e == nil || e.Code != bunker.CodeConflict || e.Field != "if_version" {
			t.Errorf("%s that was changed meanwhile: %v", what, e)
		}
		if f.seq() != seq {
			t.Errorf("%s: something was recorded", what)
		}
		if err := order(c.name, now[what](), c.second); err != nil {
			t.Errorf("%s, looked at again: %v", what, err)
		}
	}
	if e := bunker.AsError(order("token.revoke", 99.0, m{"id": str(tok, "id")})); e.Field != "if_version" || token()["state"] != "open" {
		t.Errorf("a link: %v", e)
	}
	if err := order("token.revoke", now["token"](), m{"id": str(tok, "id")}); err != nil {
		t.Error(err)
	}
	// What changes no such thing has no version: that is said, and nothing is done.
	for name, p := range map[string]m{"relay.add": {"url": "wss://two.example.com"}, "key.list": {}, "stop": {}} {
		if e := bunker.AsError(order(name, 1.0, p)); e.Code != bunker.CodeInvalid || e.Field != "if_version" {
			t.Errorf("%s: %v", name, e)
		}
	}
}
