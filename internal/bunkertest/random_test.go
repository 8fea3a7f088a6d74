package bunkertest

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"nsecbunker/nostr/nip46"
)

// randomText is what clients send and serialisers get wrong.
func randomText(rng *rand.Rand, most int) string {
	parts := []string{
		"\x00", "\x01", "\x08", "\x0b", "\x0c", "\x1f", "\x7f", "\n", "\r", "\t", `"`, `\`, "/", "<", ">", "&", "'", "\u2028", "\u2029",
		"é", "e\u0301", "ß", "漢字", "🤙🏽", "👩‍👩‍👧", "\u202e", "\ufeff", "\ufffd", "__proto__", "constructor", "null", "0", "a", " ", `\u0041`, "\U0010ffff",
	}
	var b strings.Builder
	for range rng.IntN(most + 1) {
		b.WriteString(parts[rng.IntN(len(parts))])
	}
	return b.String()
}

// randomEvent is a template as JavaScript's JSON.stringify or Go could write it.
func randomEvent(rng *rand.Rand, now int64) map[string]any {
	e := map[string]any{"kind": []int64{1, 7, 11, 1111, 9802, 30023, 10015}[rng.IntN(7)], "created_at": now, "content": randomText(rng, 60)}
	tags := [][]string{}
	count, size := rng.IntN(8), 8
	switch rng.IntN(50) {
	case 0:
		e["content"] = strings.Repeat("x", 58_000) + randomText(rng, 2000)
	case 1:
		count, size = 2000, 1
	}
	for range count {
		tag := []string{}
		for range 1 + rng.IntN(4) {
			tag = append(tag, randomText(rng, size))
		}
		tags = append(tags, tag)
	}
	e["tags"] = tags
	return e
}

// Promise 9: the event that comes back is the one that was sent, and its id,
// pubkey and signature; nothing is added, reordered or rewritten.
func TestRandomEventsComeBackAsTheyWereSent(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	pub := b.AddKey("herald")
	b.Admin("key.guard", Params{"key": "herald", "share": "off"}) // random lists lose what others had
	a := b.Connected(b.Token("herald", "all"))
	rng := rand.New(rand.NewPCG(9, 9))
	n, large := times(1000), 0
	for i := range n {
		want := randomEvent(rng, a.Now().Unix())
		sent, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		a.NIP04 = i%5 == 4
		g := a.Ask(nip46.SignEvent, string(sent)).Answer()
		if g.Failed() && strings.Contains(g.Error, "too large") && len(sent) > 10_000 {
			large++ // NIP-44 in its old form; said clearly
			continue
		}
		var got, template map[string]any
		if err := json.Unmarshal([]byte(g.Result), &got); err != nil {
			t.Fatalf("event %d: %+v: %v", i, g, err)
		}
		if err := json.Unmarshal(sent, &template); err != nil {
			t.Fatal(err)
		}
		if got["pubkey"] != pub {
			t.Fatalf("event %d is by %v", i, got["pubkey"])
		}
		delete(got, "id")
		delete(got, "pubkey")
		delete(got, "sig")
		if !reflect.DeepEqual(got, template) {
			t.Fatalf("event %d: sent %s, got %v", i, sent, got)
		}
	}
	t.Logf("%d events, %d of them too large for their envelope and refused", n, large)
	b.Verify()
}
