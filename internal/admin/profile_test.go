package admin

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
)

// sentEvent is the event that was sent last.
func (f *fixture) sentEvent() *nostr.Event {
	f.t.Helper()
	if len(f.out.sent) == 0 {
		f.t.Fatal("nothing was sent")
	}
	ev, err := nostr.ParseEvent(f.out.sent[len(f.out.sent)-1].Reply().Bytes)
	if err != nil || ev.Verify() != nil {
		f.t.Fatal(err)
	}
	return ev
}

func TestAChangeOfTheProfileKeepsEveryOtherField(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	if p := f.do("key.profile.show", m{"key": "herald"}); str(p, "name") != "" || get(p, "known") != true || p["event"] != nil {
		t.Errorf("of a new key: %v", p)
	}
	before := f.own("herald", f.list(0, nostr.Tags{{"i", "github:ann"}}, `{"bot":true,"name":"ann","about":"old","x":{"y":1}}`))
	shown := f.do("key.profile.show", m{"key": "herald"})
	if str(shown, "name") != "ann" || str(shown, "event") != before.ID.String() || fmt.Sprint(get(shown, "others")) != "[bot x]" {
		t.Errorf("shown %v", shown)
	}
	change := m{"key": "herald", "name": "Ann", "about": "two\nlines", "picture": "https://example.com/a.png", "nip05": "_@example.com", "lud16": "ann@example.com"}
	check := f.do("key.profile.check", change)
	if str(check, "base") != before.ID.String() || check["finding"] != nil || str(check, "changes", "words") != "8 fields instead of 5: 3 added, 2 changed" ||
		fmt.Sprint(check["relays"]) != "[wss://relay.example.com]" || len(f.out.sent) != 0 {
		t.Errorf("checked %v", check)
	}
	seq := f.seq()
	change["base"] = str(check, "base")
	res := f.do("key.profile.set", change)
	ev := f.sentEvent()
	if want := `{"bot":true,"name":"Ann","about":"two\nlines","x":{"y":1},"picture":"https://example.com/a.png","nip05":"_@example.com","lud16":"ann@example.com"}`; ev.Content != want ||
		fmt.Sprint(ev.Tags) != "[[i github:ann]]" || ev.CreatedAt <= before.CreatedAt || ev.ID.String() != str(res, "event") || str(res, "base") != before.ID.String() {
		t.Errorf("signed %v %s", ev.Tags, ev.Content)
	}
	rec := f.last()
	if f.seq() != seq+1 || rec.Action != "key.profile.set" || rec.SignedID != ev.ID.String() || rec.Connection != string(signer.ThisBunker) || rec.Object != before.ID.String() ||
		rec.Reason != "the profile was changed: name, about, picture, nip05, lud16" {
		t.Errorf("recorded %+v", rec)
	}
	// Undone: the version before, signed anew.
	f.do("key.version.restore", m{"key": "herald", "event": str(res, "base")})
	if got := f.sentEvent(); got.Content != before.Content {
		t.Errorf("brought back %s", got.Content)
	}
	f.refused(bunker.CodeInvalid, "nothing would be changed", "key.profile.set", m{"key": "herald", "name": "ann"})
}

func TestWhatAChangeWouldLoseMustBeAccepted(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	first := f.own("herald", f.list(0, nil, `{"name":"ann","about":"a","website":"https://example.com","lud16":"a@example.com"}`))
	wipe := m{"key": "herald", "about": "", "website": "", "lud16": ""}
	check := f.do("key.profile.check", wipe)
	if str(check, "finding") != "3 of 4 fields would be lost" {
		t.Errorf("checked %v", check)
	}
	f.refused(bunker.CodeConflict, "3 of 4 fields would be lost", "key.profile.set", wipe)
	f.refused(bunker.CodeInvalid, "name it", "key.profile.set", m{"key": "herald", "about": "", "accept": true})
	// A yes is to the version that was shown.
	f.own("herald", f.list(0, nil, `{"name":"ann","about":"b","website":"https://example.com","lud16":"a@example.com","x":1}`))
	wipe["accept"], wipe["base"] = true, first.ID.String()
	f.refused(bunker.CodeConflict, "another version", "key.profile.set", wipe)
	wipe["base"] = ""
	f.refused(bunker.CodeConflict, "another version", "key.profile.set", wipe)
	if len(f.out.sent) != 0 {
		t.Fatal("something was published")
	}
	wipe["base"] = str(f.do("key.profile.check", m{"key": "herald", "about": ""}), "base")
	f.do("key.profile.set", wipe)
	if got := f.sentEvent().Content; got != `{"name":"ann","x":1}` {
		t.Errorf("signed %s", got)
	}
	// What is no profile cannot be kept: that must be accepted, too.
	f.own("herald", f.list(0, nil, "x"))
	if p := f.do("key.profile.show", m{"key": "herald"}); get(p, "broken") != true {
		t.Errorf("shown %v", p)
	}
	f.refused(bunker.CodeConflict, "cannot be read", "key.profile.set", m{"key": "herald", "name": "ann"})
	// Of a key that was brought along nobody knows what was there.
	f.do("key.import", m{"name": "brought", "secret": fmt.Sprintf("%064x", 6)})
	if p := f.do("key.profile.show", m{"key": "brought"}); get(p, "known") != false {
		t.Errorf("shown %v", p)
	}
	f.refused(bunker.CodeConflict, guard.Unknown, "key.profile.set", m{"key": "brought", "name": "ann"})
	f.do("key.profile.set", m{"key": "brought", "name": "ann", "base": "", "accept": true})
	if got := f.sentEvent().Content; got != `{"name":"ann"}` {
		t.Errorf("signed %s", got)
	}
}

func TestWhatCannotStandInAProfileIsRefusedByItsName(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	for field, texts := range map[string][]string{
		"name":         {"a\nb", "a\x1b", " a", strings.Repeat("a", MaxProfileName+1), "\xff"},
		"display_name": {"a\u0000"},
		"about":        {strings.Repeat("a", MaxAbout+1), "a\r"},
		"picture":      {"x", "javascript:alert(1)", "https://", "ftp://example.com/a", "https://u:p@example.com/a", "data:image/png;base64,x", "https://e.com/" + strings.Repeat("a", MaxProfileURL)},
		"website":      {"example.com"},
		"nip05":        {"ann", "@example.com", "ann@", "ann@exa mple.com", "a b@example.com", "ann@example.com/x", "ann@b@c", strings.Repeat("a", MaxInternetName) + "@e.com"},
		"lud16":        {"LNURL1X"},
	} {
		for _, s := range texts {
			if s == "\xff" {
				s = string([]rune{0xfffd, 0x7f})
			}
			for _, command := range []string{"key.profile.check", "key.profile.set"} {
				_, err := f.call(command, m{"key": "herald", field: s})
				if e := bunker.AsError(err); err == nil || e.Code != bunker.CodeInvalid || e.Field != field {
					t.Errorf("%s %.30q: %v", field, s, err)
				}
			}
		}
	}
	ok := f.do("key.profile.check", m{"key": "herald", "name": "👩\u200d💻 אבג", "about": strings.Repeat("é", MaxAbout), "website": "http://example.com", "nip05": "ann.b-c_d@sub.example.com"})
	if w := fmt.Sprint(ok["warnings"]); !strings.Contains(w, "without encryption") {
		t.Errorf("warned of %s", w)
	}
	f.do("key.lock", m{"key": "herald"})
	f.refused(bunker.CodeRestricted, "locked", "key.profile.set", m{"key": "herald", "name": "ann"})
	if len(f.out.sent) != 0 {
		t.Error("something was published")
	}
}

func TestAnotherListOfRelaysIsToldToTheOldAndTheNewOnes(t *testing.T) {
	f := setUp(t)
	f.world.own = []string{"wss://bunker.example.com"}
	f.do("key.add", m{"name": "herald"})
	f.own("herald", f.list(10002, nostr.Tags{{"r", "wss://old.example.com"}, {"r", "wss://both.example.com/", "write"}, {"alt", "relays"}}, ""))
	shown := f.do("key.relays.show", m{"key": "herald"})
	if b, _ := json.Marshal(shown["list"]); string(b) != `[{"read":true,"url":"wss://old.example.com","write":true},{"url":"wss://both.example.com","write":true}]` || get(shown, "others") != 1.0 {
		t.Errorf("shown %s", b)
	}
	list := []m{{"url": "wss://both.example.com", "read": true, "write": true}, {"url": "wss://NEW.example.com/", "write": true}, {"url": "wss://in.example.com", "read": true}}
	change := m{"key": "herald", "list": list}
	check := f.do("key.relays.check", change)
	if fmt.Sprint(check["relays"]) != "[wss://old.example.com wss://both.example.com wss://new.example.com]" || check["finding"] != nil ||
		str(check, "changes", "words") != "3 entries instead of 2: 1 removed, 2 added, 1 changed" {
		t.Errorf("checked %v", check)
	}
	f.do("key.relays.set", change)
	ev := f.sentEvent()
	if fmt.Sprint(ev.Tags) != "[[r wss://both.example.com/] [r wss://new.example.com write] [r wss://in.example.com read] [alt relays]]" ||
		f.last().Reason != "the list of relays was changed: 3 instead of 2" {
		t.Errorf("signed %v, %q", ev.Tags, f.last().Reason)
	}
	f.refused(bunker.CodeConflict, "would be lost", "key.relays.set", m{"key": "herald", "list": []m{}})
	many := make([]m, MaxListRelays+1)
	for i := range many {
		many[i] = m{"url": fmt.Sprintf("wss://r%d.example.com", i), "read": true}
	}
	for what, list := range map[string][]m{
		"wss://": {{"url": "https://x.example", "read": true}}, "twice": {{"url": "wss://x.example", "read": true}, {"url": "wss://X.example/", "write": true}},
		"neither": {{"url": "wss://x.example"}}, "bunker's own": {{"url": "wss://bunker.example.com", "read": true}}, "more than": many,
	} {
		_, err := f.call("key.relays.set", m{"key": "herald", "list": list})
		if e := bunker.AsError(err); err == nil || e.Field != "list" || !strings.Contains(e.Words+e.Hint, what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	w := fmt.Sprint(f.do("key.relays.check", m{"key": "herald", "list": append([]m{{"url": "wss://10.0.0.1", "read": true}}, many[:5]...)})["warnings"])
	for _, want := range []string{"may not reach", "for writing", "more than 4"} {
		if !strings.Contains(w, want) {
			t.Errorf("warned of %s, not that %s", w, want)
		}
	}
	f.do("key.add", m{"name": "alone"})
	f.world.relays = nil
	if c := f.do("key.profile.check", m{"key": "alone", "name": "a"}); len(c["relays"].([]any)) != 0 || !strings.Contains(fmt.Sprint(c["warnings"]), "no relay to publish") {
		t.Errorf("without relays: %v", c)
	}
	f.refused(bunker.CodeConflict, "no relay to publish", "key.profile.set", m{"key": "alone", "name": "a"})
}
