package guard

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
)

func ps(from, to int) (tags nostr.Tags) {
	for i := from; i <= to; i++ {
		tags = append(tags, nostr.Tag{"p", fmt.Sprintf("%064x", i)})
	}
	return tags
}

func event(kind nostr.Kind, tags nostr.Tags, content string) *nostr.Template {
	return &nostr.Template{Kind: kind, CreatedAt: 1_800_000_000, Tags: tags, Content: content}
}

// closed is something that looks like a payload of NIP-44 of n characters.
func closed(n int) string { return "Ag" + strings.Repeat("x", n-2) }

func TestWhatIsAskedAndWhatIsNot(t *testing.T) {
	text := func(n int) string { return strings.Repeat("word ", n/5) }
	meta := func(s string) *nostr.Template { return event(0, nil, s) }
	for name, c := range map[string]struct {
		before, after *nostr.Template
		share         int
		want          string
	}{
		"a wiped follow list":               {event(3, ps(1, 500), ""), event(3, ps(1, 3), ""), 0, "497 of 500 entries would be lost"},
		"one follow more":                   {event(3, ps(1, 500), ""), event(3, ps(1, 501), ""), 0, ""},
		"one follow less":                   {event(3, ps(1, 500), ""), event(3, ps(2, 500), ""), 0, ""},
		"a fifth less":                      {event(3, ps(1, 500), ""), event(3, ps(101, 500), ""), 0, ""},
		"a fifth and one less":              {event(3, ps(1, 500), ""), event(3, ps(102, 500), ""), 0, "101 of 500 entries would be lost"},
		"as many others":                    {event(3, ps(1, 500), ""), event(3, ps(501, 1000), ""), 0, "500 of 500 entries would be lost"},
		"one of three":                      {event(3, ps(1, 3), ""), event(3, ps(1, 2), ""), 0, ""},
		"two of three":                      {event(3, ps(1, 3), ""), event(3, ps(1, 1), ""), 0, "2 of 3 entries would be lost"},
		"the only one":                      {event(3, ps(1, 1), ""), event(3, nil, ""), 0, "1 of 1 entry would be lost"},
		"nothing of nothing":                {event(3, nil, ""), event(3, nil, ""), 0, ""},
		"hints are dropped":                 {event(3, nostr.Tags{{"p", "a", "wss://x", "ann"}, {"p", "b", "wss://y"}}, ""), event(3, nostr.Tags{{"p", "a"}, {"p", "b"}}, ""), 0, ""},
		"doubles are dropped":               {event(3, append(ps(1, 5), ps(1, 5)...), ""), event(3, ps(1, 5), ""), 0, ""},
		"the relays in a follow list":       {event(3, ps(1, 5), `{"wss://x":{"read":true}}`), event(3, ps(1, 5), ""), 0, ""},
		"off":                               {event(3, ps(1, 500), ""), event(3, nil, ""), Off, ""},
		"half is allowed":                   {event(3, ps(1, 10), ""), event(3, ps(6, 10), ""), 50, ""},
		"half is allowed, and more":         {event(3, ps(1, 10), ""), event(3, ps(7, 10), ""), 50, "6 of 10 entries would be lost"},
		"everything but one is allowed":     {event(3, ps(1, 10), ""), event(3, ps(10, 10), ""), MaxShare, ""},
		"everything never is":               {event(3, ps(1, 10), ""), event(3, nil, ""), MaxShare, "10 of 10 entries would be lost"},
		"a share out of range":              {event(3, ps(1, 500), ""), event(3, ps(1, 3), ""), 1000, "497 of 500 entries would be lost"},
		"a profile's field":                 {meta(`{"name":"a","about":"b","picture":"c"}`), meta(`{"name":"a","about":"b"}`), 0, ""},
		"most of a profile":                 {meta(`{"name":"a","about":"b","picture":"c"}`), meta(`{"name":"a"}`), 0, "2 of 3 fields would be lost"},
		"a profile of empty fields":         {meta(`{"name":"a","about":"b","picture":"c"}`), meta(`{"name":"a","about":"","picture":null}`), 0, "2 of 3 fields would be lost"},
		"empty fields are dropped":          {meta(`{"name":"a","about":"","picture":null,"x":[],"y":{}}`), meta(`{"name":"a"}`), 0, ""},
		"a profile that is reworded":        {meta(`{"name":"a","about":"b","picture":"c"}`), meta(` { "picture":"z","about":"y", "name":"x"} `), 0, ""},
		"a profile that is no JSON":         {meta(`{"name":"a","about":"b"}`), meta(`name: a`), 0, "2 of 2 fields would be lost"},
		"a profile's tags":                  {event(0, nostr.Tags{{"i", "github:a"}, {"i", "x:b"}}, `{"name":"a"}`), meta(`{"name":"a"}`), 0, "2 of 3 fields would be lost"},
		"another relay list":                {event(10002, nostr.Tags{{"r", "wss://a"}, {"r", "wss://b", "read"}}, ""), event(10002, nostr.Tags{{"r", "wss://a", "read"}, {"r", "wss://b", "write"}}, ""), 0, ""},
		"private mutes are gone":            {event(10000, ps(1, 5), closed(400)), event(10000, ps(1, 5), ""), 0, "its private part would be lost"},
		"private mutes, of NIP-04":          {event(10000, ps(1, 5), "YWJj?iv=ZGVm"), event(10000, ps(1, 5), ""), 0, "its private part would be lost"},
		"private mutes are sealed anew":     {event(10000, ps(1, 5), "YWJj?iv=ZGVm"), event(10000, ps(1, 5), closed(140)), 0, ""},
		"private mutes shrink":              {event(10000, ps(1, 5), closed(1200)), event(10000, ps(1, 5), closed(400)), 0, "its private part would shrink from 1200 to 400 bytes"},
		"private mutes shrink a little":     {event(10000, ps(1, 5), closed(1200)), event(10000, ps(1, 5), closed(900)), 0, ""},
		"private mutes lose four tenths":    {event(10000, ps(1, 5), closed(10000)), event(10000, ps(1, 5), closed(6000)), 0, "its private part would shrink from 10000 to 6000 bytes"},
		"the same, by a wide key":           {event(10000, ps(1, 5), closed(10000)), event(10000, ps(1, 5), closed(6000)), 50, ""},
		"few private mutes shrink":          {event(10000, ps(1, 5), closed(300)), event(10000, ps(1, 5), closed(132)), 0, ""},
		"private mutes in the open":         {event(10000, ps(1, 5), closed(300)), event(10000, ps(1, 5), `[["p","x"]]`), 0, "its private part would be replaced by open text"},
		"both parts":                        {event(10000, ps(1, 5), closed(300)), event(10000, nil, ""), 0, "5 of 5 entries would be lost; its private part would be lost"},
		"an article is cut":                 {event(30023, nostr.Tags{{"d", "x"}, {"title", "T"}}, text(5000)), event(30023, nostr.Tags{{"d", "x"}, {"title", "T"}}, text(2000)), 0, "its text would shrink from 5000 to 2000 bytes"},
		"an article is shortened":           {event(30023, nostr.Tags{{"d", "x"}}, text(5000)), event(30023, nostr.Tags{{"d", "x"}}, text(3000)), 0, ""},
		"an article is cut, by a wide key":  {event(30023, nostr.Tags{{"d", "x"}}, text(5000)), event(30023, nostr.Tags{{"d", "x"}}, text(2000)), 70, ""},
		"an article is emptied":             {event(30023, nostr.Tags{{"d", "x"}}, text(5000)), event(30023, nostr.Tags{{"d", "x"}}, ""), 0, "its text would shrink from 5000 to 0 bytes"},
		"a short text is emptied":           {event(30023, nostr.Tags{{"d", "x"}}, text(100)), event(30023, nostr.Tags{{"d", "x"}}, ""), 0, ""},
		"another title and image":           {event(30003, append(ps(1, 4), nostr.Tag{"d", "x"}, nostr.Tag{"title", "A"}, nostr.Tag{"image", "B"}), ""), event(30003, append(ps(1, 4), nostr.Tag{"d", "x"}, nostr.Tag{"title", "C"}, nostr.Tag{"image", "D"}), ""), 0, ""},
		"a set of one is emptied":           {event(30003, nostr.Tags{{"d", "x"}, {"e", "1"}}, ""), event(30003, nostr.Tags{{"d", "x"}}, ""), 0, ""},
		"a set of two is emptied":           {event(30003, nostr.Tags{{"d", "x"}, {"e", "1"}, {"e", "2"}}, ""), event(30003, nostr.Tags{{"d", "x"}}, ""), 0, "2 of 2 entries would be lost"},
		"a status is cleared":               {event(30315, nostr.Tags{{"d", "music"}, {"r", "x"}}, text(500)), event(30315, nostr.Tags{{"d", "music"}}, ""), 0, ""},
		"a draft is done with":              {event(31234, nostr.Tags{{"d", "x"}, {"k", "1"}}, closed(900)), event(31234, nostr.Tags{{"d", "x"}, {"k", "1"}}, ""), 0, ""},
		"the name of the app":               {event(10003, nostr.Tags{{"client", "a"}, {"alt", "b"}, {"e", "1"}}, ""), event(10003, nostr.Tags{{"e", "1"}}, ""), 0, ""},
		"words that are muted are not lone": {event(10000, nostr.Tags{{"word", "a"}, {"word", "b"}}, ""), event(10000, nostr.Tags{{"word", "c"}}, ""), 0, "2 of 2 entries would be lost"},
	} {
		d := Diff(c.before, c.after)
		if got := d.Finding(c.share); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestAnOlderEventIsFound(t *testing.T) {
	before, after := event(3, ps(1, 5), ""), event(3, ps(1, 6), "")
	after.CreatedAt--
	d := Diff(before, after)
	if got := d.Finding(0); got != "it is dated 1s before the last version" {
		t.Errorf("got %q", got)
	}
	if got := d.Finding(Off); got != "" {
		t.Errorf("off: %q", got)
	}
	after.CreatedAt++
	if d = Diff(before, after); d.Finding(0) != "" {
		t.Errorf("of the same second: %q", d.Finding(0))
	}
}

func TestSmallStepsAddUp(t *testing.T) {
	then := event(3, ps(1, 100), "")
	for n, want := range map[int]string{
		100: "", 80: "", 79: "21 of the 100 entries of 10m0s ago would be lost, in small steps", 0: "100 of the 100 entries of 10m0s ago would be lost, in small steps",
	} {
		d := Diff(then, event(3, ps(1, n), ""))
		if got := d.Steps(0, 10*time.Minute); got != want {
			t.Errorf("%d left: %q", n, got)
		}
		if d.Steps(Off, time.Minute) != "" {
			t.Errorf("%d left, off", n)
		}
	}
	d := Diff(nil, then)
	if got := d.Steps(1, time.Minute); got != "" {
		t.Errorf("the first: %q", got)
	}
}

// TestSmallStepsOfAPrivatePartAddUp, by its bytes: nobody but its owner reads it.
func TestSmallStepsOfAPrivatePartAddUp(t *testing.T) {
	then := event(10000, ps(1, 3), closed(10_000))
	for n, want := range map[int]string{
		10_000: "", 7_000: "", 6_999: "of the private part of 1h0m0s ago, 10000 bytes, 6999 would be left, in small steps",
	} {
		d := Diff(then, event(10000, ps(1, 3), closed(n)))
		if got := d.Steps(0, time.Hour); got != want {
			t.Errorf("%d bytes left: %q", n, got)
		}
		if d.Less() != (n < 10_000) {
			t.Errorf("%d bytes left: less is %t", n, d.Less())
		}
		if d.Steps(Off, time.Hour) != "" {
			t.Errorf("%d bytes left, off", n)
		}
	}
	// A text that is worked on may get shorter.
	d := Diff(event(30023, nostr.Tags{{"d", "x"}}, strings.Repeat("word ", 1000)), event(30023, nostr.Tags{{"d", "x"}}, "word"))
	if got := d.Steps(0, time.Hour); got != "" || d.Less() {
		t.Errorf("a text: %q", got)
	}
}

// TestPaddingIsNoLoss: one entry of a private list that NIP-44 pads, and a fifth of them,
// is never a loss by its bytes.
func TestPaddingIsNoLoss(t *testing.T) {
	entry := len(`["p","` + strings.Repeat("0", 64) + `"],`)
	key := [32]byte{1}
	payload := func(n int) string {
		text, err := nip44.Encrypt(&key, make([]byte, n*entry+1))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for n := 2; n < 700; n++ {
		for _, left := range []int{n - 1, n - n/5} {
			d := Diff(event(10000, nil, payload(n)), event(10000, nil, payload(left)))
			if got := d.Finding(0) + d.Steps(0, time.Hour); got != "" {
				t.Errorf("%d of %d are left: %q", left, n, got)
			}
		}
	}
}

// TestEveryPayloadOfNIP44IsPrivate, whatever its nonce begins with.
func TestEveryPayloadOfNIP44IsPrivate(t *testing.T) {
	key := [32]byte{1}
	for range 200 {
		text, err := nip44.Encrypt(&key, []byte("[]"))
		if err != nil {
			t.Fatal(err)
		}
		if d := Diff(event(10000, nil, text), event(10000, nil, "")); d.Content != ContentPrivate {
			t.Fatalf("%s… is %s", text[:8], d.Content)
		}
	}
}

func TestTheFirstVersionLosesNothing(t *testing.T) {
	d := Diff(nil, event(3, ps(1, 5), ""))
	if !d.First || d.After != 5 || d.Finding(1) != "" || d.Words() != "the first version that is signed here, with 5 entries" {
		t.Errorf("%+v: %s", d, d.Words())
	}
}

func TestChangesAreSaidAndListed(t *testing.T) {
	before := event(3, append(ps(1, 4), nostr.Tag{"p", "x", "wss://old"}), "")
	after := event(3, append(ps(3, 6), nostr.Tag{"p", "x", "wss://new"}), "")
	d := Diff(before, after)
	if d.Words() != "5 entries instead of 5: 2 removed, 2 added, 1 changed" {
		t.Errorf("said %q", d.Words())
	}
	want := []string{fmt.Sprintf("p %064x", 1), fmt.Sprintf("p %064x", 2)}
	if !slices.Equal(d.RemovedList, want) || len(d.AddedList) != 2 || !slices.Equal(d.ChangedList, []string{"p x"}) {
		t.Errorf("listed %q, %q, %q", d.RemovedList, d.AddedList, d.ChangedList)
	}
	d = Diff(event(0, nil, `{"name":"a","about":"b"}`), event(0, nil, `{"name":"z"}`))
	if !slices.Equal(d.RemovedList, []string{"about"}) || !slices.Equal(d.ChangedList, []string{"name"}) || d.Words() != "1 field instead of 2: 1 removed, 1 changed" {
		t.Errorf("a profile: %q, %q, %q", d.RemovedList, d.ChangedList, d.Words())
	}
	d = Diff(event(0, nil, `{"name":"a","about":"b","x":{"y":1}}`), event(0, nil, `{"name":"z\u202e","lud16":"me@pay.example","x":{"y":1}}`))
	if want := []Field{{"about", "b", ""}, {}, {"lud16", "", "me@pay.example"}}; len(d.Fields) != 3 || d.Fields[0] != want[0] || d.Fields[1].Was != "a" || strings.ContainsRune(d.Fields[1].Is, 0x202e) || d.Fields[2] != want[2] {
		t.Errorf("fields %+v", d.Fields)
	}
	d = Diff(event(30023, nil, "one text"), event(30023, nil, "other"))
	if d.Words() != "text: 5 bytes instead of 8" {
		t.Errorf("a text: %q", d.Words())
	}
	if d = Diff(before, before); d.Words() != "" {
		t.Errorf("nothing: %q", d.Words())
	}
}

func TestAddressesAndKinds(t *testing.T) {
	for kind, want := range map[nostr.Kind]bool{
		0: true, 1: false, 2: false, 3: true, 4: false, 9999: false, 10000: true, 19999: true, 20000: false, 29999: false, 30000: true, 39999: true, 40000: false,
	} {
		if Guarded(kind) != want {
			t.Errorf("kind %d: %t", kind, !want)
		}
	}
	if got := D(event(30023, nostr.Tags{{"t", "a"}, {"d", "x"}, {"d", "y"}}, "")); got != "x" {
		t.Errorf("d is %q", got)
	}
	if got := D(event(3, nostr.Tags{{"d", "x"}}, "")); got != "" {
		t.Errorf("d of a follow list is %q", got)
	}
	for _, k := range BaselineKinds() {
		if !k.IsReplaceable() || !Fetched(k) || !AsksUnknown(k) {
			t.Errorf("kind %d is fetched", k)
		}
	}
	if Fetched(1) || Fetched(10999) || AsksUnknown(30023) {
		t.Error("what is not fetched, is")
	}
}

// random is an event of a kind with tags and content by chance.
func random(r *rand.Rand) *nostr.Template {
	kinds := []nostr.Kind{0, 3, 10000, 10002, 30000, 30023, 30315}
	names := []string{"p", "e", "a", "t", "word", "title", "d", "r", ""}
	t := event(kinds[r.IntN(len(kinds))], nil, "")
	for range r.IntN(30) {
		tag := nostr.Tag{names[r.IntN(len(names))]}
		for range r.IntN(4) {
			tag = append(tag, fmt.Sprint(r.IntN(20)))
		}
		t.Tags = append(t.Tags, tag)
	}
	switch r.IntN(4) {
	case 0:
		t.Content = closed(132 + r.IntN(2000))
	case 1:
		t.Content = strings.Repeat("w ", r.IntN(1000))
	case 2:
		fields := map[string]any{}
		for range r.IntN(8) {
			fields[fmt.Sprint(r.IntN(10))] = r.IntN(3)
		}
		b, _ := json.Marshal(fields) // numbers always marshal
		t.Content = string(b)
	}
	return t
}

// What the guard promises of every two events, whatever they hold.
func TestPropertiesOfLosing(t *testing.T) {
	r := rand.New(rand.NewPCG(30, 3))
	for n := range 4_000 {
		was := random(r)
		// The same again, in any order, doubled, with more and other ends: never asked.
		same := *was
		same.Tags = slices.Clone(was.Tags)
		for _, tag := range was.Tags {
			if r.IntN(3) == 0 {
				same.Tags = append(same.Tags, append(slices.Clone(tag), "more"))
			}
		}
		r.Shuffle(len(same.Tags), func(i, j int) { same.Tags[i], same.Tags[j] = same.Tags[j], same.Tags[i] })
		same.Tags = append(same.Tags, nostr.Tag{"x", "new"})
		// A tag that is named once there and twice here counts by its value, so values stay.
		d := Diff(was, &same)
		if d.Removed != 0 || d.Finding(1) != "" {
			t.Fatalf("%d: nothing was lost, and %q: %v -> %v", n, d.Finding(1), was, &same)
		}
		is := random(r)
		is.Kind = was.Kind
		d = Diff(was, is)
		if d.Before-d.Removed+d.Added != d.After || d.Changed > d.Before-d.Removed {
			t.Fatalf("%d: the numbers do not add up: %+v", n, d)
		}
		// A wider share asks less, never more; off asks nothing.
		for _, share := range []int{1, 20, 50, 99} {
			if d.Finding(share) == "" && d.Finding(share+1) != "" {
				t.Fatalf("%d: share %d is silent, %d asks", n, share, share+1)
			}
		}
		if d.Finding(Off) != "" {
			t.Fatalf("%d: off asks", n)
		}
		// Losing all of two or more is asked at any share.
		if d.Before >= MinLost && d.Removed == d.Before && d.Finding(MaxShare) == "" {
			t.Fatalf("%d: everything went unasked: %+v", n, d)
		}
		// Back and forth: what one removes, the other adds.
		if back := Diff(is, was); back.Removed != d.Added || back.Added != d.Removed || back.Changed != d.Changed {
			t.Fatalf("%d: %+v and back %+v", n, d, back)
		}
		checkBounds(t, &d)
	}
}

func checkBounds(t *testing.T, d *Changes) {
	t.Helper()
	b, err := json.Marshal(d)
	if err != nil || len(b) > 4*6*MaxListed*MaxListedText+4000 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if len(d.Fields) > MaxListed {
		t.Fatalf("%d fields are listed", len(d.Fields))
	}
	for _, f := range d.Fields {
		for _, s := range []string{f.Name, f.Was, f.Is} {
			if utf8.RuneCountInString(s) > MaxListedText || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
				t.Fatalf("%q is listed", s)
			}
		}
	}
	for _, l := range [][]string{d.RemovedList, d.AddedList, d.ChangedList} {
		if len(l) > MaxListed {
			t.Fatalf("%d are listed", len(l))
		}
		for _, s := range l {
			if utf8.RuneCountInString(s) > MaxListedText || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
				t.Fatalf("%q is listed", s)
			}
		}
	}
}

func FuzzDiff(f *testing.F) {
	for _, s := range []string{
		`{"kind":0,"created_at":1,"tags":[],"content":"{\"name\":\"a\"}"}`, `{"kind":3,"created_at":1,"tags":[["p","a","b"],["p","a"]],"content":"{}"}`,
		`{"kind":10000,"created_at":5,"tags":[["p"]],"content":"YQ==?iv=YQ=="}`, `{"kind":30023,"created_at":5,"tags":[["d","\u0000"],["title","x"]],"content":"text"}`,
	} {
		f.Add([]byte(s), []byte(s))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		was, err := nostr.ParseTemplate(a)
		if err != nil {
			return
		}
		is, err := nostr.ParseTemplate(b)
		if err != nil {
			return
		}
		is.Kind = was.Kind
		d := Diff(was, is)
		if d.Before-d.Removed+d.Added != d.After {
			t.Fatalf("the numbers do not add up: %+v", d)
		}
		checkBounds(t, &d)
		_ = d.Words()
		if self := Diff(was, was); self.Finding(1) != "" || self.Words() != "" {
			t.Fatalf("an event against itself: %q, %q", self.Finding(1), self.Words())
		}
	})
}

func BenchmarkDiff(b *testing.B) {
	was, is := event(3, ps(1, 500), ""), event(3, ps(2, 501), "")
	for b.Loop() {
		if d := Diff(was, is); d.Removed != 1 {
			b.Fatal(d)
		}
	}
}
