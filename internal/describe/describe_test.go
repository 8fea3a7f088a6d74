package describe

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

var update = flag.Bool("update", false, "write the golden file")

const now = int64(1_800_000_000)

func pub(n byte) nostr.PubKey { return nostr.PubKey{0: n, 31: n} }

func options() Options {
	return Options{Now: now * 1000, Key: pub(1), Known: func(p nostr.PubKey) (string, string) {
		switch p {
		case pub(1):
			return "herald", "key"
		case pub(2):
			return "ann", "admin"
		case pub(3):
			return "Coracle", "app"
		}
		return "", ""
	}}
}

func signing(kind nostr.Kind, content string, tags ...nostr.Tag) *policy.Operation {
	return &policy.Operation{Method: nip46.SignEvent, Template: &nostr.Template{Kind: kind, CreatedAt: now, Content: content, Tags: tags}}
}

const id1 = "5c83da77af1dec6d7289834998ad7aafbd9e2191396d75ec3cc27f5a77226f36"

// picture is the operation as `nsecbunker approvals` draws it.
func picture(s Summary, o Options) string {
	c := Describe(&s, o)
	var b strings.Builder
	fmt.Fprintf(&b, "wants to %s\n", c.Does)
	if c.Kind != "" {
		fmt.Fprintf(&b, "  (%s)\n", c.Kind)
	}
	for _, l := range c.Lines(76) {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	return b.String()
}

func pictures() []struct {
	name string
	s    Summary
} {
	ann, bob, app := pub(2).String(), pub(9).String(), pub(3).String()
	var follows []nostr.Tag
	for i := range 312 {
		p := nostr.PubKey{0: byte(i), 1: byte(i >> 8), 5: 7}
		follows = append(follows, nostr.Tag{"p", p.String()})
	}
	rumor := `{"kind":14,"content":"see you at eight","tags":[["p","` + bob + `"]],"created_at":1800000000,"pubkey":"` + ann + `"}`
	repost := `{"kind":1,"content":"the original words","pubkey":"` + bob + `","id":"` + id1 + `"}`
	crypt := func(m nip46.Method, peer nostr.PubKey, text string) *policy.Operation {
		return &policy.Operation{Method: m, Peer: peer, Payload: []byte(text)}
	}
	login := Summary{Method: "connect", Perms: "sign_event:1,sign_event:7,sign_event:10002,nip44_encrypt,nip44_decrypt,frobnicate",
		App: &nip46.ClientMetadata{Name: "Coracle", URL: "https://coracle.social"}}
	list := []struct {
		name string
		op   *policy.Operation
	}{
		{"a note with people and tags", signing(1, "Hello Nostr!\n\nThis is a longer line that goes on and on so that it has to be broken somewhere near the edge of the screen. #intro",
			nostr.Tag{"p", ann}, nostr.Tag{"p", bob}, nostr.Tag{"t", "intro"}, nostr.Tag{"subject", "hi"}, nostr.Tag{"expiration", "1800086400"})},
		{"a reply", signing(1, "I agree.", nostr.Tag{"e", id1, "", "root"}, nostr.Tag{"e", strings.Repeat("ab", 32), "", "reply"}, nostr.Tag{"p", bob})},
		{"a quote", signing(1, "Look at this", nostr.Tag{"q", id1})},
		{"wide letters", signing(1, strings.Repeat("日本語のノート", 12)+" 🤙🤙🤙")},
		{"a reaction", signing(7, "🤙", nostr.Tag{"e", id1}, nostr.Tag{"p", bob}, nostr.Tag{"k", "1"})},
		{"a like of an article", signing(7, "+", nostr.Tag{"a", "30023:" + bob + ":on-keys"}, nostr.Tag{"p", bob})},
		{"a repost", signing(6, repost, nostr.Tag{"e", id1}, nostr.Tag{"p", bob})},
		{"a comment", signing(1111, "well said", nostr.Tag{"A", "30023:" + bob + ":on-keys"}, nostr.Tag{"a", "30023:" + bob + ":on-keys"}, nostr.Tag{"K", "30023"}, nostr.Tag{"p", bob})},
		{"a follow list", signing(3, "", follows...)},
		{"a profile", signing(0, `{"name":"herald","about":"News of the day.","nip05":"_@herald.example","lud16":"tips@herald.example","picture":"https://herald.example/p.png"}`)},
		{"an empty profile", signing(0, `{}`)},
		{"a relay list", signing(10002, "", nostr.Tag{"r", "wss://relay.one"}, nostr.Tag{"r", "wss://relay.two", "read"})},
		{"a mute list", signing(10000, "AbCd?iv=x", nostr.Tag{"p", bob}, nostr.Tag{"word", "spam"}, nostr.Tag{"t", "ads"})},
		{"an article", signing(30023, "# On keys\n\nNever paste them.", nostr.Tag{"d", "on-keys"}, nostr.Tag{"title", "On keys"}, nostr.Tag{"summary", "Why not to paste them"}, nostr.Tag{"t", "security"})},
		{"a deletion", signing(5, "typo", nostr.Tag{"e", id1}, nostr.Tag{"e", strings.Repeat("ab", 32)}, nostr.Tag{"k", "1"})},
		{"a request to vanish", signing(62, "goodbye", nostr.Tag{"relay", "ALL_RELAYS"})},
		{"a report", signing(1984, "", nostr.Tag{"p", bob, "spam"})},
		{"a zap request", signing(9734, "great post", nostr.Tag{"amount", "21000"}, nostr.Tag{"p", bob}, nostr.Tag{"e", id1}, nostr.Tag{"relays", "wss://relay.one"})},
		{"a website login", signing(27235, "", nostr.Tag{"u", "https://files.example/api/upload?x=1"}, nostr.Tag{"method", "POST"})},
		{"a website login with two addresses", signing(27235, "", nostr.Tag{"u", "http://a.example/"}, nostr.Tag{"u", "https://b.example/"}, nostr.Tag{"method", "GET"})},
		{"a relay login", signing(22242, "", nostr.Tag{"relay", "wss://relay.one"}, nostr.Tag{"challenge", "c1f4"})},
		{"an upload", signing(24242, "Upload cat.png", nostr.Tag{"t", "upload"}, nostr.Tag{"x", strings.Repeat("cd", 32)}, nostr.Tag{"size", "184292"}, nostr.Tag{"expiration", "1800000600"})},
		{"an old direct message", signing(4, "AbCd?iv=x", nostr.Tag{"p", bob})},
		{"an event dated last year", signing(1, "I knew it", func() nostr.Tag { return nostr.Tag{"t", "prophecy"} }())},
		{"a poll", signing(1068, "Tea or coffee?", nostr.Tag{"option", "a", "Tea"}, nostr.Tag{"option", "b", "Coffee"}, nostr.Tag{"endsAt", "1800172800"})},
		{"a calendar event", signing(31923, "Bring cake.", nostr.Tag{"d", "party"}, nostr.Tag{"title", "Party"}, nostr.Tag{"start", "1800172800"}, nostr.Tag{"location", "Lisbon"})},
		{"a kind without a name", signing(12345, "something", nostr.Tag{"name", "a thing"}, nostr.Tag{"e", id1})},
		{"an encryption of a message", crypt(nip46.NIP44Encrypt, pub(9), rumor)},
		{"a profile that is paid elsewhere", signing(0, `{"name":"Ann","lud16":"you@pay.example","website":"https://fish.example"}`)},
		{"an encryption of a text", crypt(nip46.NIP04Encrypt, pub(2), "meet me at eight")},
		{"an encryption of a private list", crypt(nip46.NIP44Encrypt, pub(1), `[["p","`+bob+`"],["word","spam"]]`)},
		{"a decryption", crypt(nip46.NIP44Decrypt, pub(9), strings.Repeat("x", 1532))},
		{"a decryption of one's own", crypt(nip46.NIP44Decrypt, pub(1), "x")},
		{"words that hide", signing(1, "pay \u202eevil\u202c to\x1b[2J me\u200b", nostr.Tag{"p", app})},
	}
	var out []struct {
		name string
		s    Summary
	}
	for _, c := range list {
		s := Keep(c.op)
		if c.name == "an event dated last year" {
			s.CreatedAt -= 365 * 86400
		}
		if c.name == "a follow list" {
			c := guard.Changes{Kind: 3, Base: id1, Before: 612, After: 312, Removed: 300}
			for i := range guard.MaxListed {
				c.RemovedList = append(c.RemovedList, "p "+nostr.PubKey{9, byte(i)}.String())
			}
			c.RemovedList[1] = "p " + ann
			s.Changes, s.Guard = &c, "300 of 612 entries would be lost"
		}
		if c.name == "a profile that is paid elsewhere" {
			s.Changes = &guard.Changes{Before: 3, After: 3, Removed: 1, Changed: 1, Added: 1, RemovedList: []string{"about"}, Fields: []guard.Field{
				{Name: "about", Was: "a fisher"}, {Name: "lud16", Was: "me@pay.example", Is: "you@pay.example"}, {Name: "website", Is: "https://fish.example"},
			}}
		}
		out = append(out, struct {
			name string
			s    Summary
		}{c.name, s})
	}
	return append(out, struct {
		name string
		s    Summary
	}{"a login", login})
}

// TestOperationsAreDrawnForPeople holds the pictures that people approve by.
func TestOperationsAreDrawnForPeople(t *testing.T) {
	var b strings.Builder
	for _, p := range pictures() {
		fmt.Fprintf(&b, "=== %s\n%s\n", p.name, picture(p.s, options()))
	}
	const golden = "testdata/pictures.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the pictures changed; look at them, then: go test ./internal/describe -update\n%s", b.String())
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if n := Columns(line); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestEverythingThatWouldBeSignedCanBeSeen(t *testing.T) {
	long := strings.Repeat("word ", 12_000) + "the end"
	var tags []nostr.Tag
	for i := range 900 {
		tags = append(tags, nostr.Tag{"p", nostr.PubKey{1: byte(i), 2: byte(i >> 8), 9: 1}.String()})
	}
	s := Keep(signing(1, long, tags...))
	o := options()
	if c := Describe(&s, o); !c.TextCut || len(c.People) != MaxPeople || c.PeopleLeft != 900-MaxPeople || c.Cut {
		t.Errorf("at first: cut %t, %d people, %d left", c.TextCut, len(c.People), c.PeopleLeft)
	}
	o.Full = true
	if c := Describe(&s, o); c.TextCut || c.Cut || !strings.HasSuffix(c.Text, "the end") || len(c.People) != 900 || c.PeopleLeft != 0 {
		t.Errorf("in full: cut %t, %d people, %d left", c.TextCut, len(c.People), c.PeopleLeft)
	}
}

func TestWhatIsTooLargeToBeKeptSaysSoAndCountsTheRest(t *testing.T) {
	var tags []nostr.Tag
	for range MaxTags + 500 {
		tags = append(tags, nostr.Tag{"p", pub(9).String()})
	}
	s := Keep(signing(3, strings.Repeat("x", MaxContent+1), tags...))
	c := Describe(&s, options())
	if !c.Cut || !strings.Contains(c.Does, fmt.Sprint(MaxTags+500)) || !slices.ContainsFunc(c.Warnings, func(w string) bool { return strings.Contains(w, "not all") }) {
		t.Errorf("%+v", c)
	}
	if b, err := json.Marshal(s); err != nil || len(b) > 2*(MaxContent+MaxTagBytes)+10_000 {
		t.Errorf("a summary has %d bytes, %v", len(b), err)
	}
}

func TestAnEncryptionKeepsItsTextAndADecryptionNothing(t *testing.T) {
	for m, want := range map[nip46.Method]string{nip46.NIP44Encrypt: "words", nip46.NIP04Encrypt: "words", nip46.NIP44Decrypt: "", nip46.NIP04Decrypt: ""} {
		if s := Keep(&policy.Operation{Method: m, Peer: pub(9), Payload: []byte("words")}); s.Content != want || s.Size != 5 || s.Peer != pub(9).String() {
			t.Errorf("%s keeps %+v", m, s)
		}
	}
}

func TestAppsThatLookLikeAnotherAreNamed(t *testing.T) {
	here := []App{{"Coracle", "https://coracle.social"}, {"Primal", ""}, {"Amethyst", "https://amethyst.social/x"}}
	for _, fresh := range []App{
		{Name: "Coracle"}, {Name: "coracle"}, {Name: "Сoracle"}, {Name: "C0racle"}, {Name: "Corac1e"}, {Name: "Corade"}, {Name: "Corracle"}, {Name: "PRIMAL "},
		{Name: "Priмal"}, {Name: "Primai"}, {Name: "x", URL: "https://coracle.sociaI"}, {Name: "x", URL: "https://www.amethyst.sociał/"}, {Name: "Ｐrimal"},
	} {
		if Alike(fresh, here) == "" {
			t.Errorf("%+v looks like none", fresh)
		}
	}
	for _, fresh := range []App{
		{Name: "Snort", URL: "https://snort.social"}, {Name: "Nostrudel"}, {}, {Name: "   "}, {Name: "x", URL: "https://coracle.social"}, {Name: "日本"}, {Name: "Pri"},
	} {
		if w := Alike(fresh, here); w != "" {
			t.Errorf("%+v: %s", fresh, w)
		}
	}
}

func TestRightsAreToldAsSentences(t *testing.T) {
	got := strings.Join(Rights("all,sign_event,sign_event:1,sign_event:7,sign_event:10002,sign_event:5,nip44_encrypt,nip04_decrypt,sign_event:12345"), "; ")
	want := "do everything but what needs special care; sign events of every kind but those that need special care; sign short notes (kind 1); " +
		"sign reactions (kind 7); sign relay lists (kind 10002); sign deletion requests (kind 5); encrypt texts; read encrypted texts (old form); sign events of kind 12345"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for k := range 1 << 16 {
		if p := Plural(nostr.Kind(k)); p == "" || len(p) > 80 {
			t.Errorf("kind %d: %q", k, p)
		}
	}
}

func TestALastingYesSaysWhereItReachesFurtherThanItLooks(t *testing.T) {
	for _, c := range []struct {
		method string
		kind   int64
		want   string
	}{
		{"sign_event", 1, ""}, {"sign_event", 27235, "on every website"}, {"sign_event", 22242, "at every relay"},
		{"sign_event", 24242, "every upload and deletion, at every server"}, {"nip44_encrypt", -1, "for anybody"}, {"nip04_decrypt", -1, "from anybody"},
		{"connect", -1, ""},
	} {
		if got := Reach(c.method, c.kind); got != c.want {
			t.Errorf("%s %d: %q, want %q", c.method, c.kind, got, c.want)
		}
	}
}

func TestLinesAreNoWiderThanAsked(t *testing.T) {
	for _, columns := range []int{40, 76, 120} {
		for _, p := range pictures() {
			c := Describe(&p.s, options())
			for _, l := range c.Lines(columns) {
				if n := Columns(l); n > columns {
					t.Errorf("%s: %d columns instead of %d: %s", p.name, n, columns, l)
				}
			}
		}
	}
}

func TestTextIsWrappedWithoutLoss(t *testing.T) {
	for _, text := range []string{
		"", "short", strings.Repeat("word ", 50), strings.Repeat("x", 200), "a\n\n" + strings.Repeat("é", 100), strings.Repeat("x", 66) + " y", strings.Repeat("日本", 90),
	} {
		lines := Wrap(text, 66)
		for _, l := range lines {
			if n := Columns(l); n > 66 {
				t.Errorf("%.20q: a line of %d columns", text, n)
			}
		}
		flat := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if flat(strings.Join(lines, "")) != flat(text) {
			t.Errorf("%.20q lost something: %q", text, lines)
		}
	}
}

// FuzzDescribe: whatever an app sends, the card is bounded, and every text in it
// is fit for a terminal.
func FuzzDescribe(f *testing.F) {
	for _, p := range pictures() {
		b, err := json.Marshal(p.s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, false)
	}
	f.Add([]byte(`{"method":"sign_event","kind":1,"tags":[[],["p"],["e","x"],["a","::"],["q",":"],["expiration","-1"]],"content":"\u202e"}`), true)
	f.Add([]byte(`{"method":"connect","perms":"sign_event:99999,all,\u0000","app":{"Name":"\u001b[31m","URL":"http://["}}`), true)
	f.Fuzz(func(t *testing.T, b []byte, full bool) {
		var s Summary
		if json.Unmarshal(b, &s) != nil {
			t.Skip()
		}
		o := options()
		o.Full = full
		c := Describe(&s, o)
		if len(c.People) > MaxFull || len(c.Facts) > MaxFull || !full && (len(c.People) > MaxPeople || len(c.Facts) > MaxFacts) {
			t.Fatalf("%d people, %d facts", len(c.People), len(c.Facts))
		}
		texts := append([]string{c.Does, c.Kind, c.TextIs}, c.Warnings...)
		for _, f := range c.Facts {
			texts = append(texts, f.Name, f.Value)
		}
		for _, s := range texts {
			if bunker.Display(s, 4096) != s || !utf8.ValidString(s) {
				t.Fatalf("not fit to be shown: %q", s)
			}
		}
		if bunker.DisplayLines(c.Text, MaxContent) != c.Text {
			t.Fatalf("not fit to be shown: %q", c.Text)
		}
		for _, l := range c.Lines(60) {
			if Columns(l) > 60 || strings.ContainsAny(l, "\n\x1b") {
				t.Fatalf("a line that breaks the layout: %q", l)
			}
		}
	})
}

// FuzzAlike: comparing names never fails, and no name looks like nothing.
func FuzzAlike(f *testing.F) {
	f.Add("Coracle", "Сoracle")
	f.Add("", "\u202e")
	f.Fuzz(func(t *testing.T, a, b string) {
		if got := Alike(App{Name: a}, []App{{Name: b}}); (a == "" || b == "") && got != "" {
			t.Fatal(got)
		}
		Alike(App{URL: a}, []App{{URL: b}})
	})
}
