package bunkertest

import (
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

// Bad input about rights is refused with the field, the reason and the next step, and
// leaves nothing behind.
func TestWhatCannotBeGivenIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	b := running(t)
	b.AddKey("locked")
	b.Admin("key.lock", Params{"key": "locked"})
	b.AddKey("gone")
	b.Admin("key.delete", Params{"key": "gone"})
	b.Admin("policy.create", Params{"name": "newsroom", "rules": []Params{kind("notes", "allow", 1)}})
	rules := func(r Params) Params {
		r["id"], r["effect"] = "a", "deny"
		return Params{"name": "bad", "rules": []Params{r}}
	}
	token := func(p Params) Params {
		p["client"] = "app"
		if p["key"] == nil {
			p["key"] = "herald"
		}
		return p
	}
	before := b.Admin("status", nil).Number("audit.seq")
	for _, c := range []struct {
		name, command string
		p             Params
		field, words  string
		hint          bool
	}{
		{"a rule that cannot match", "policy.create", rules(Params{"kinds": []Params{{"from": 1, "to": 1}}, "methods": []string{"nip44_encrypt"}}), "rules.a.kinds", "can never match", true},
		{"a pattern that explodes", "policy.create", rules(Params{"content": Params{"pattern": "(abcde){900}"}}), "rules.a.content.pattern", "too large", true},
		{"a pattern that looks back", "policy.create", rules(Params{"content": Params{"pattern": `(a)\1`}}), "rules.a.content.pattern", "no regular expression", true},
		{"a pattern that is too long", "policy.create", rules(Params{"content": Params{"pattern": strings.Repeat("a", 257)}}), "rules.a.content.pattern", "longer than", true},
		{"an unknown method", "policy.create", rules(Params{"methods": []string{"nip44_get_key"}}), "rules.a.methods", "nip44_get_key", true},
		{"kinds the wrong way round", "policy.create", rules(Params{"kinds": []Params{{"from": 9, "to": 1}}}), "rules.a.kinds", "", true},
		{"windows that overlap", "policy.create", rules(Params{"hours": []Params{{"days": []string{"mon"}, "from": 480, "to": 720}, {"days": []string{"mon"}, "from": 719, "to": 780}}}), "rules.a.hours", "overlaps", true},
		{"a rule that ended already", "policy.create", rules(Params{"expires_at": 1}), "rules.a.expires", "ended", true},
		{"a token that ended already", "token.create", token(Params{"expires": "-1h"}), "expires", "", false},
		{"permissions that end before they begin", "token.create", token(Params{"grant_for": "-1h"}), "grant_for", "", false},
		{"a token for a locked key", "token.create", token(Params{"key": "locked"}), "key", "locked", true},
		{"a token for a deleted key", "token.create", token(Params{"key": "gone"}), "key", "deleted", true},
		{"a token for no key", "token.create", token(Params{"key": "nobody"}), "key", "nobody", true},
		{"a token of an unknown method", "token.create", token(Params{"perms": "sign_everything"}), "perms", "sign_everything", false},
		{"a token of an unknown kind", "token.create", token(Params{"perms": "sign_event:nots"}), "perms", "nots", false},
		{"a token under no policy", "token.create", token(Params{"policy": "nothing"}), "policy", "nothing", true},
	} {
		e := b.Refused(c.command, c.p)
		if e.Field != c.field || !strings.Contains(e.Words, c.words) || c.hint && e.Hint == "" || e.Code == bunker.CodeError {
			t.Errorf("%s: field %q, %q, next step %q (%s)", c.name, e.Field, e.Words, e.Hint, e.Code)
		}
	}
	if seq := b.Admin("status", nil).Number("audit.seq"); seq != before {
		t.Errorf("%d records of what was refused", seq-before)
	}
	if n := len(b.Admin("token.list", nil).Each("tokens")); n != 0 {
		t.Errorf("%d tokens were made", n)
	}
	b.Verify()
}

// A link whose key was locked or deleted after it was made, or whose bunker was
// stopped, lets nobody in; the app that holds it hears why, and it is not used up.
func TestALinkThatLetsNobodyInNowIsNotUsedUp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, words string
		do, undo    []string
	}{
		{"locked", "locked", []string{"key.lock"}, []string{"key.unlock"}},
		{"deleted", "being deleted", []string{"key.delete"}, []string{"key.restore"}},
		{"stopped", "stopped", []string{"stop"}, []string{"stop.end", "key.unlock"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := running(t)
			app := b.App(b.Token("herald", "all"))
			again := b.Connected(b.Token("herald", "all", Params{"uses": 2}))
			again.Ask(nip46.Logout).Answer()
			act := func(commands []string) {
				for _, name := range commands {
					p := Params{"key": "herald"}
					if strings.HasPrefix(name, "stop") {
						p = nil
					}
					b.Admin(name, p)
				}
			}
			act(c.do)
			app.Connect().Fails("restricted", c.words)
			again.Connect().Fails("restricted", c.words)
			if n := len(b.Admin("connection.list", Params{"state": "active"}).Each("connections")); n != 0 {
				t.Errorf("%d connections", n)
			}
			act(c.undo)
			for _, a := range []*App{app, again} {
				a.Connect().Want("ack")
				a.Sign(1, "x")
			}
			b.Verify()
		})
	}
}
