package notify

import (
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

func TestRepliesAreAWordAndACode(t *testing.T) {
	const code = "abcdefghjkmn2345"
	for text, want := range map[string]Reply{
		"yes " + code:                            {true, code},
		"no abcd-efgh-jkmn-2345":                 {false, code},
		"  YES\n ABCD-EFGH-JKMN-2345  ":          {true, code},
		"yes":                                    {},
		"yes " + code + " please":                {},
		"maybe " + code:                          {},
		"yes " + code[1:]:                        {},
		"yes " + code + "x":                      {},
		"yes äbcdefghjkmn234":                    {},
		"yes " + code + strings.Repeat(" ", 300): {},
	} {
		got, ok := ParseReply(text)
		if ok != (want != Reply{}) || got != want {
			t.Errorf("%q: %+v, %t", text, got, ok)
		}
	}
	if FormatCode(code) != "abcd-efgh-jkmn-2345" {
		t.Errorf("it is written %q", FormatCode(code))
	}
}

func FuzzParseReply(f *testing.F) {
	f.Add("yes abcd-efgh-jkmn-2345")
	f.Add("no")
	f.Fuzz(func(t *testing.T, text string) {
		r, ok := ParseReply(text)
		if !ok {
			return
		}
		word := "no "
		if r.Yes {
			word = "yes "
		}
		if again, ok := ParseReply(word + FormatCode(r.Code)); !ok || again != r {
			t.Errorf("%q: %+v, then %+v", text, r, again)
		}
	})
}

func TestBackoffIsBounded(t *testing.T) {
	var all time.Duration
	for i := range maxTries {
		if d := backoff(i); d > lastBackoff || d < firstBackoff {
			t.Errorf("after %d tries %s", i, d)
		}
		all += backoff(i)
	}
	if all > 6*time.Hour || all < 2*time.Hour {
		t.Errorf("it is given up after %s", all)
	}
}

func TestEveryKindHasWordsWithoutNames(t *testing.T) {
	for _, k := range kindOrder() {
		if k.Class() == "" || words(k, 1) == "" || words(k, 2) == "" || strings.Contains(words(k, 1)+words(k, 2), "%!") {
			t.Errorf("%s: %q, %q", k, words(k, 1), words(k, 2))
		}
	}
	if words(bunker.NoticeQuestion, 50) != "50 questions wait for you." {
		t.Errorf("%q", words(bunker.NoticeQuestion, 50))
	}
}
