package admin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// own signs an event with a key of the fixture, as the one path does, and commits it.
func (f *fixture) own(key string, tmpl *nostr.Template) *nostr.Event {
	f.t.Helper()
	st, _, err := f.store.Tenant(f.t.Context(), bunker.SelfHosted)
	if err != nil {
		f.t.Fatal(err)
	}
	e, ev, err := f.out.Own(f.t.Context(), signer.OwnRequest{
		Now: f.Now(), Tenant: &st, Key: f.keyRow(key), By: owner(), Action: "test", Reason: "for a test", Template: tmpl, Relays: []string{"wss://x.example"},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	if r, err := f.store.Commit(f.t.Context(), e); err != nil || r.Outcome != bunker.Committed {
		f.t.Fatal(r, err)
	}
	return ev
}

func (f *fixture) list(kind nostr.Kind, tags nostr.Tags, content string) *nostr.Template {
	f.clock.add(time.Second)
	return &nostr.Template{Kind: kind, CreatedAt: f.Now().Unix(), Tags: tags, Content: content}
}

func tagged(name string, n int) (tags nostr.Tags) {
	for i := range n {
		tags = append(tags, nostr.Tag{name, fmt.Sprint("value ", i)})
	}
	return tags
}

func TestVersionsAreListedShownAndBroughtBack(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	first := f.own("herald", f.list(3, tagged("p", 30), ""))
	f.own("herald", f.list(3, tagged("p", 3), ""))
	article := f.own("herald", f.list(30023, nostr.Tags{{"d", "my\x1bslug"}, {"title", "T"}}, "text"))

	list := f.do("key.versions", m{"key": "herald"})["versions"].([]any)
	if len(list) != 3 || str(list[0], "event") != article.ID.String() || str(list[0], "d") != "myslug" || get(list[0], "current") != true ||
		get(list[2], "entries") != 30.0 || get(list[2], "current") != false || get(list[1], "current") != true {
		t.Errorf("listed: %v", list)
	}
	page := f.do("key.versions", m{"key": "herald", "limit": 2})
	rest := f.do("key.versions", m{"key": "herald", "limit": 2, "after": str(page, "next")})
	if len(rest["versions"].([]any)) != 1 || str(rest, "next") != "" || str(rest["versions"].([]any)[0], "event") != first.ID.String() {
		t.Errorf("the second page: %v", rest)
	}
	if n := len(f.do("key.versions", m{"key": "herald", "kind": 3})["versions"].([]any)); n != 2 {
		t.Errorf("%d of kind 3", n)
	}

	id := first.ID.String()
	for _, prefix := range []string{id, id[:4], id[:7], strings.ToUpper(id[:9])} {
		shown := f.do("key.version.show", m{"key": "herald", "event": prefix})
		if str(shown, "event_json") != string(first.AppendJSON(nil)) || str(shown, "changes", "words") != "30 entries instead of 3: 27 added" {
			t.Errorf("%s: shown %v", prefix, shown)
		}
	}
	before := f.seq()
	back := f.do("key.version.restore", m{"key": "herald", "event": id[:8]})
	ev, err := nostr.ParseEvent([]byte(str(back, "event_json")))
	if err != nil || ev.Verify() != nil || len(ev.Tags) != 30 || ev.CreatedAt <= first.CreatedAt || ev.ID.String() != str(back, "event") {
		t.Fatalf("brought back %v, %v", back, err)
	}
	if len(f.out.sent) != 1 || f.out.sent[0].Reply().EventID != ev.ID || fmt.Sprint(f.out.sent[0].Relays()) != "[wss://relay.example.com]" {
		t.Errorf("sent %v", f.out.sent)
	}
	rec := f.last()
	if f.seq() != before+1 || rec.Action != "key.version.restore" || rec.Principal != "local" || rec.SignedID != ev.ID.String() || rec.Object != id ||
		rec.Connection != string(signer.ThisBunker) || rec.Effect != "allow" {
		t.Errorf("recorded %+v", rec)
	}
	// To the account's own relays, once they are known; beside those that are named.
	f.own("herald", f.list(10002, nostr.Tags{{"r", "wss://write.example.com", "write"}, {"r", "wss://read.example.com", "read"}, {"r", "wss://both.example.com/"}, {"r", "wss://10.0.0.1"}, {"r", "x"}}, ""))
	back = f.do("key.version.restore", m{"key": "herald", "event": id[:8], "relays": []string{"wss://named.example.com"}})
	if got := fmt.Sprint(f.out.sent[1].Relays()); got != "[wss://named.example.com wss://write.example.com wss://both.example.com]" {
		t.Errorf("sent to %s", got)
	}
	if w := fmt.Sprint(back["warnings"]); !strings.Contains(w, "10.0.0.1") {
		t.Errorf("warned of %s", w)
	}
}

// Five digits name one of two events whose ids differ in the fifth.
func TestEachDigitOfAnEventsIDCounts(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	pub, tmpl := f.keyRow("herald").PubKey, f.list(30023, nil, "")
	article := func(n int) *nostr.Template {
		a := *tmpl
		a.Tags = nostr.Tags{{"d", fmt.Sprint(n)}}
		return &a
	}
	idOf := func(n int) string { return article(n).Event(pub).ComputeID().String() }
	var pair []int
	by := map[string]int{} // by the first four digits
	for n := 0; pair == nil; n++ {
		id := idOf(n)
		if other, is := by[id[:4]]; is && idOf(other)[4] != id[4] {
			pair = []int{other, n}
		}
		by[id[:4]] = n
	}
	for _, n := range pair {
		f.own("herald", article(n))
	}
	for _, n := range pair {
		id := idOf(n)
		if got := str(f.do("key.version.show", m{"key": "herald", "event": id[:5]}), "version", "event"); got != id {
			t.Errorf("%s names %s, want %s", id[:5], got, id)
		}
	}
}

func TestAVersionIsBroughtBackByNobodyWhoMayNotSign(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	id := f.own("herald", f.list(3, tagged("p", 30), "")).ID.String()
	for event, code := range map[string]bunker.Code{
		"": bunker.CodeInvalid, "abc": bunker.CodeInvalid, "xyz12": bunker.CodeInvalid, id + "00": bunker.CodeInvalid, "0000": bunker.CodeNotFound,
		id[:7] + "x": bunker.CodeInvalid, id[:8] + "x": bunker.CodeInvalid,
	} {
		if event == "0000" && strings.HasPrefix(id, event) {
			continue
		}
		for _, command := range []string{"key.version.show", "key.version.restore"} {
			f.refused(code, "", command, m{"key": "herald", "event": event})
		}
	}
	f.refused(bunker.CodeInvalid, "relay", "key.version.restore", m{"key": "herald", "event": id, "relays": []string{"https://x"}})
	f.refused(bunker.CodeRestricted, "private", "key.version.restore", m{"key": "herald", "event": id, "relays": []string{"wss://10.0.0.1"}})
	f.refused(bunker.CodeInvalid, "more than 8", "key.version.restore", m{"key": "herald", "event": id, "relays": strings.Split(strings.Repeat("wss://x.example ", 9)[:143], " ")})
	f.refused(bunker.CodeInvalid, "after", "key.versions", m{"key": "herald", "after": "5"})
	f.refused(bunker.CodeInvalid, "kind", "key.versions", m{"key": "herald", "kind": 70000})
	f.do("key.lock", m{"key": "herald"})
	f.refused(bunker.CodeRestricted, "locked", "key.version.restore", m{"key": "herald", "event": id})
	f.do("key.unlock", m{"key": "herald"})
	f.do("stop", nil)
	f.refused(bunker.CodeRestricted, "stopped", "key.version.restore", m{"key": "herald", "event": id})
	if len(f.out.sent) != 0 {
		t.Errorf("%d events were sent", len(f.out.sent))
	}
}

func TestAVersionThatWasChangedOnTheDiskIsSaidToBeBroken(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	id := f.own("herald", f.list(3, tagged("p", 30), "")).ID.String()
	f.tamper("UPDATE kept_version SET created_at = created_at - 1")
	if list := f.do("key.versions", m{"key": "herald"})["versions"].([]any); len(list) != 1 || get(list[0], "broken") != true {
		t.Errorf("listed %v", list)
	}
	f.refused(bunker.CodeError, "changed from outside", "key.version.show", m{"key": "herald", "event": id})
	f.refused(bunker.CodeError, "changed from outside", "key.version.restore", m{"key": "herald", "event": id})
}

// accountEvents are what relays have of the account of a test's secret.
func accountEvents(t *testing.T, n byte) []*nostr.Event {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	sk, err := nostr.NewSecretKey(a, secretOf(n))
	if err != nil {
		t.Fatal(err)
	}
	var out []*nostr.Event
	for _, e := range []*nostr.Event{
		{Kind: 0, CreatedAt: 100, Content: `{"name":"a"}`}, {Kind: 3, CreatedAt: 100, Tags: tagged("p", 40)},
	} {
		if err := sk.Sign(e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func TestAnImportKeepsWhatRelaysHave(t *testing.T) {
	f := setUp(t)
	f.out.base = Baseline{Events: accountEvents(t, 5), Relays: []RelayAnswer{{URL: "wss://x.example", OK: true, Found: 2}}}
	nsec := string(nip19.EncodeNsec(secretOf(5)))
	res := f.do("key.import", m{"name": "herald", "secret": nsec, "relays": []string{"wss://named.example.com/"}})
	if str(res, "key", "baseline") != "fetched" || get(res, "baseline", "kept") != 2.0 || fmt.Sprint(f.out.named) != "[wss://named.example.com]" {
		t.Errorf("imported: %v, named %v", res, f.out.named)
	}
	list := f.do("key.versions", m{"key": "herald"})["versions"].([]any)
	if len(list) != 2 || get(list[0], "fetched") != true {
		t.Errorf("kept %v", list)
	}
	// The same again is nothing new; a name that is taken asks no relay.
	if res := f.do("key.baseline", m{"key": "herald"}); get(res, "baseline", "kept") != 0.0 || get(res, "baseline", "known") != true {
		t.Errorf("again: %v", res)
	}
	asked := len(f.out.fetched)
	f.refused(bunker.CodeConflict, "", "key.import", m{"name": "herald", "secret": fmt.Sprintf("%064x", 6)})
	f.refused(bunker.CodeConflict, "herald", "key.import", m{"name": "other", "secret": nsec})
	f.refused(bunker.CodeInvalid, "", "key.import", m{"name": "zero", "secret": fmt.Sprintf("%064x", 0)})
	f.do("key.import", m{"name": "alone", "secret": fmt.Sprintf("%064x", 7), "no_baseline": true})
	if len(f.out.fetched) != asked {
		t.Error("relays were asked for nothing")
	}
}

func TestAnImportOfWhichRelaysKnowNothingIsTold(t *testing.T) {
	f := setUp(t)
	for name, c := range map[string]struct {
		relays []RelayAnswer
		words  string
	}{
		"none":   {nil, "there was no relay to ask"},
		"silent": {[]RelayAnswer{{URL: "wss://x.example", Words: "no answer in time"}}, "no relay answered"},
		"empty":  {[]RelayAnswer{{URL: "wss://x.example", OK: true}}, "do not have them"},
	} {
		f.out.base = Baseline{Relays: c.relays}
		res := f.do("key.import", m{"name": name, "secret": fmt.Sprintf("%064x", len(name)+len(c.words))})
		if str(res, "key", "baseline") != "unknown" || !strings.Contains(fmt.Sprint(res["warnings"]), c.words) {
			t.Errorf("%s: %v", name, res)
		}
	}
	// What is found later counts.
	f.do("key.import", m{"name": "late", "secret": string(nip19.EncodeNsec(secretOf(9)))})
	f.out.base = Baseline{Events: accountEvents(t, 9)}
	if res := f.do("key.baseline", m{"key": "late"}); str(res, "key", "baseline") != "fetched" || get(res, "baseline", "kept") != 2.0 {
		t.Errorf("later: %v", res)
	}
	f.do("key.add", m{"name": "made"})
	if k := f.do("key.show", m{"key": "made"}); str(k, "key", "baseline") != "empty" || str(k, "key", "guard") != "default" {
		t.Errorf("made here: %v", k)
	}
}

func TestSharesAreReadAsTheyAreWritten(t *testing.T) {
	for s, want := range map[string]int64{"off": guard.Off, "default": 0, "1": 1, "20": 20, "100": 100} {
		n, err := parseShare(s)
		if err != nil || n != want || shareText(n) != s {
			t.Errorf("%q: %d, %v, %q", s, n, err, shareText(n))
		}
	}
	for _, s := range []string{"", "0", "00", "01", "101", "1000000000000000000000", "-1", "+5", "5 ", "x", "Off", "2.5"} {
		if n, err := parseShare(s); err == nil {
			t.Errorf("%q is read as %d", s, n)
		}
	}
}

func FuzzShare(f *testing.F) {
	for _, s := range []string{"off", "default", "1", "100", "007"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := parseShare(s); err == nil && shareText(n) != s {
			t.Errorf("%q is read as %d", s, n)
		}
	})
}

// BenchmarkOwn shows what the guard costs: a note is not looked at; of a list of 500
// the last version is read, opened and compared, and the new one is closed.
func BenchmarkOwn(b *testing.B) {
	for name, tags := range map[string]nostr.Tags{"note": nil, "list of 500": tagged("p", 500)} {
		b.Run(name, func(b *testing.B) {
			f := setUp(b)
			f.do("key.add", m{"name": "herald"})
			kind := nostr.Kind(1)
			if tags != nil {
				kind = 3
				f.own("herald", f.list(kind, tags, ""))
			}
			st, _, err := f.store.Tenant(b.Context(), bunker.SelfHosted)
			if err != nil {
				b.Fatal(err)
			}
			r := signer.OwnRequest{
				Now: f.Now(), Tenant: &st, Key: f.keyRow("herald"), By: owner(), Action: "test", Template: f.list(kind, tags, ""), Relays: []string{"wss://x.example"},
			}
			for b.Loop() {
				if _, _, err := f.out.Own(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
