package text

import (
	"math"
	"strings"
	"time"

	"pgregory.net/rapid"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// now is the tests' time: Sunday, 29 November 2026, 12:00 UTC.
const now = 1795953600000

// alice and bob are points of the curve.
var alice, bob, carol = mustKey("3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d"),
	mustKey("82341f882b6eabcd2ba7f1ef90aad961cf074af15b9ef44a09f9d2a8fbfbe6a2"),
	mustKey("e88a691e98d9987c964521dff60025f60700378a4879180dcbbb4a5027850411")

func mustKey(s string) nostr.PubKey {
	p, err := nip19.ParsePublicKey(s)
	if err != nil {
		panic(err)
	}
	return p
}

// sometimes draws from g or leaves the zero value, which is more frequent.
func sometimes[T any](t *rapid.T, g *rapid.Generator[T], name string) (out T) {
	if rapid.IntRange(0, 3).Draw(t, name+"?") == 0 {
		return g.Draw(t, name)
	}
	return out
}

func oneOf[T any](values ...T) *rapid.Generator[T] { return rapid.SampledFrom(values) }

func someOf[T comparable](values ...T) *rapid.Generator[[]T] {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(values), 1, min(3, len(values)), func(v T) T { return v })
}

// words are texts as people write them, some of them nasty to quote.
func words(most int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := rapid.StringOfN(rapid.OneOf(rapid.RuneFrom([]rune(`ab Z0'"\#=[]{},.é日🙂`)), rapid.Rune()), 1, most, -1).Draw(t, "text")
		s = bunker.Display(s, most)
		if s == "" {
			return "x"
		}
		return s
	})
}

func kindRanges() *rapid.Generator[[]bunker.KindRange] {
	one := rapid.Custom(func(t *rapid.T) bunker.KindRange {
		from := rapid.OneOf(oneOf(0, 1, 3, 5, 6, 7, 13, 14, 1059, 9000, 22242, 27235, 30023), rapid.IntRange(0, math.MaxUint16)).Draw(t, "from")
		to := from
		if rapid.IntRange(0, 3).Draw(t, "range") == 0 {
			to = rapid.IntRange(from, math.MaxUint16).Draw(t, "to")
		}
		return bunker.KindRange{From: nostr.Kind(from), To: nostr.Kind(to)}
	})
	return rapid.SliceOfNDistinct(one, 1, 4, func(k bunker.KindRange) nostr.Kind { return k.From })
}

func tagMatches() *rapid.Generator[[]bunker.TagMatch] {
	one := rapid.Custom(func(t *rapid.T) bunker.TagMatch {
		m := bunker.TagMatch{Name: rapid.OneOf(oneOf("p", "d", "h", "u", "relay", "relays", "hours"), rapid.StringMatching(`[a-z.]{1,8}`)).Draw(t, "tag")}
		switch rapid.IntRange(0, 3).Draw(t, "demand") {
		case 0:
			m.Absent = true
		case 1:
			m.Max = rapid.IntRange(1, MaxTagCount).Draw(t, "max")
		case 2:
			m.Max = rapid.IntRange(1, 9).Draw(t, "max")
			fallthrough
		default:
			m.Values = rapid.SliceOfNDistinct(words(20), 1, 4, rapid.ID).Draw(t, "values")
		}
		return m
	})
	return rapid.SliceOfNDistinct(one, 1, 3, func(m bunker.TagMatch) string { return m.Name })
}

func contents() *rapid.Generator[*bunker.ContentMatch] {
	return rapid.Custom(func(t *rapid.T) *bunker.ContentMatch {
		c := &bunker.ContentMatch{MaxLength: rapid.IntRange(20, 5000).Draw(t, "max")}
		c.MinLength = sometimes(t, rapid.IntRange(1, c.MaxLength), "min")
		c.Words = sometimes(t, rapid.SliceOfNDistinct(words(20), 1, 4, strings.ToLower), "words")
		c.Pattern = sometimes(t, oneOf(`^\d+$`, `(?i)hello|"world"`, `it's \bfine\b`, "\u200bx", `a{1,20}`, `#[a-z]+`), "pattern")
		return c
	})
}

// hours draws windows that do not overlap: each has a day of its own and stays in it.
func hours() *rapid.Generator[[]bunker.Hours] {
	return rapid.Custom(func(t *rapid.T) []bunker.Hours {
		days := rapid.Permutation(weekdays[:]).Draw(t, "days")
		var out []bunker.Hours
		for len(days) > 0 && len(out) < 3 {
			n := rapid.IntRange(1, len(days)).Draw(t, "n")
			h := bunker.Hours{Days: days[:n], From: rapid.IntRange(0, minutesADay-1).Draw(t, "from")}
			days = days[n:]
			if rapid.Bool().Draw(t, "whole day") {
				h.From = 0
				h.To = rapid.SampledFrom([]int{0, minutesADay}).Draw(t, "end")
			} else {
				h.To = rapid.IntRange(h.From+1, minutesADay).Draw(t, "to")
			}
			out = append(out, h)
		}
		if rapid.IntRange(0, 4).Draw(t, "daily") == 0 {
			return []bunker.Hours{{From: rapid.IntRange(601, minutesADay-1).Draw(t, "from"), To: rapid.IntRange(0, 600).Draw(t, "to")}}
		}
		return out
	})
}

func budgets() *rapid.Generator[*bunker.Budget] {
	return rapid.Custom(func(t *rapid.T) *bunker.Budget {
		b := &bunker.Budget{
			PerMinute: sometimes(t, rapid.Int64Range(1, 5), "minute"), PerHour: sometimes(t, rapid.Int64Range(5, 20), "hour"),
			PerDay: sometimes(t, rapid.Int64Range(20, 100), "day"), Total: rapid.Int64Range(100, MaxUses).Draw(t, "total"),
			Per:       sometimes(t, oneOf(bunker.PerConnection, bunker.PerKey, bunker.PerPolicy), "per"),
			WhenSpent: sometimes(t, oneOf(bunker.Ask), "when spent"),
		}
		return b
	})
}

// rules draws rules that the check lets pass.
func rules() *rapid.Generator[bunker.Rule] {
	return rapid.Custom(func(t *rapid.T) bunker.Rule {
		r := bunker.Rule{
			ID:     rapid.StringMatching(`[a-z0-9]{1,6}(-[a-z0-9]{1,6}){0,3}`).Draw(t, "id"),
			Note:   sometimes(t, words(40), "note"),
			Effect: oneOf(bunker.Deny, bunker.Ask, bunker.Allow).Draw(t, "effect"),
		}
		drawWhat(t, &r)
		r.Hours = sometimes(t, hours(), "hours")
		r.Doors = sometimes(t, someOf(bunker.DoorRelay, bunker.DoorHTTP), "doors")
		r.Relays = sometimes(t, someOf("wss://relay.example.com", "ws://127.0.0.1:7777", "wss://a.example/x?y=z"), "relays")
		if len(r.Doors) == 1 && r.Doors[0] == bunker.DoorHTTP {
			r.Relays = nil
		}
		r.ExpiresAt = sometimes(t, rapid.OneOf(
			rapid.Custom(func(t *rapid.T) int64 {
				return time.Date(2027, 1, rapid.IntRange(1, 700).Draw(t, "day"), 0, 0, 0, 0, time.UTC).UnixMilli()
			}),
			rapid.Int64Range(now+14*24*3600*1000, time.Date(MaxYear, 12, 31, 0, 0, 0, 0, time.UTC).UnixMilli())), "expires")
		r.For = 1000 * sometimes(t, rapid.Int64Range(1, MaxPeriod), "for")
		switch r.Effect {
		case bunker.Allow:
			r.Budget = sometimes(t, budgets(), "budget")
		case bunker.Ask:
			r.Quorum = sometimes(t, rapid.IntRange(1, 9), "quorum")
		}
		return r
	})
}

// drawWhat draws what a rule speaks of: signing, messages, right sets or all.
func drawWhat(t *rapid.T, r *bunker.Rule) {
	switch rapid.IntRange(0, 4).Draw(t, "what") {
	case 0:
		r.Methods = sometimes(t, oneOf([]string{"sign_event"}), "methods")
		r.Kinds = sometimes(t, kindRanges(), "kinds")
		r.Tags = sometimes(t, tagMatches(), "tags")
		r.Content = sometimes(t, contents(), "content")
		r.MaxSkew = sometimes(t, rapid.Int64Range(1, MaxPeriod), "skew")
	case 1:
		r.Methods = someOf("nip04_encrypt", "nip04_decrypt", "nip44_encrypt", "nip44_decrypt").Draw(t, "methods")
		r.Peers = sometimes(t, someOf(alice, bob, carol), "peers")
	case 2:
		r.Methods = sometimes(t, someOf("nip04_decrypt", "nip44_decrypt"), "methods")
		r.Results = someOf(bunker.ResultWrap, bunker.ResultDM, bunker.ResultSelf, bunker.ResultOther).Draw(t, "results")
	case 3:
		r.Rights = someOf("post", "react").Draw(t, "rights")
		r.Content = sometimes(t, contents(), "content")
	}
}

// policies draws whole policies.
func policies() *rapid.Generator[*bunker.Policy] {
	return rapid.Custom(func(t *rapid.T) *bunker.Policy {
		return &bunker.Policy{
			Name: rapid.StringMatching(`[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}`).Draw(t, "name"), Description: sometimes(t, oneOf("what it is for", "two\nlines", "“quoted” \\\"twice\\\""), "description"),
			Zone:  rapid.SampledFrom([]string{"", "UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"}).Draw(t, "zone"),
			Rules: rapid.SliceOfNDistinct(rules(), 1, 6, func(r bunker.Rule) string { return r.ID }).Draw(t, "rules"),
		}
	})
}
