package bunker

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"nsecbunker/nostr/nip19"
)

func TestAnAppWithoutANameIsCalledByTheEndsOfItsNpub(t *testing.T) {
	p, err := nip19.DecodeNpub("npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg")
	if err != nil {
		t.Fatal(err)
	}
	if got := ShortNpub(p); got != "npub10elf…vjptg" {
		t.Errorf("it is called %q", got)
	}
}

func TestDisplayLeavesOrdinaryTextAlone(t *testing.T) {
	for _, s := range []string{
		"", "a", "Coracle", "Ünïcödé", "日本語", "हिन्दी", "שלום", "مرحبا", "tiếng Việt", "🎉 party", "a-b_c.d (e) [f] \"g\" 'h' <i>", "x²",
	} {
		if got := Display(s, 100); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestDisplayTakesOutWhatDeceives(t *testing.T) {
	for in, want := range map[string]string{
		"a\x1b[2Jb":                          "a[2Jb",
		"a\x00b\x07\x7f\u0085c":              "ab c", // U+0085 is a line end
		"evil\u202etxt.exe":                  "eviltxt.exe",
		"\u2066a\u2069\u200e":                "a",
		"pay\u200bpal\ufeff":                 "paypal",
		"a\u00adb\u2060c\u180ed":             "abcd",
		"soft\u034fjoin":                     "softjoin",
		"\u3164\u115fx\u2800":                "x",
		"tag\U000e0041\U000e007f":            "tag",
		"v\ufe0fs\U000e0101":                 "vs",
		"\ue000private":                      "private",
		"\ufffe\ufdd0x\U0001ffff":            "x",
		" \t a \r\n\n b\u2028c\u3000 \u00a0": "a b c",
		"\xff\xfea":                          "\ufffda",
		"e\u0301":                            "é",
		"\u0301a":                            "a",
		"q" + strings.Repeat("\u0301", 50):   "q" + strings.Repeat("\u0301", MaxMarks),
	} {
		if got := Display(in, 100); got != norm.NFC.String(want) {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestDisplayIsBounded(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"abcdef", 6, "abcdef"}, {"abcdefg", 6, "abcde…"}, {"ab  def ghi", 4, "ab…"}, {"日本語日本語", 4, "日本語…"}, {"a", 0, ""}, {"ab", 1, "…"},
		{strings.Repeat("a", 1<<20), 3, "aa…"}, {strings.Repeat("\u200b", 1<<20) + "a", 3, "…"},
	} {
		if got := Display(c.in, c.limit); got != c.want {
			t.Errorf("%.20q at %d: %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestDisplayLinesKeepsLines(t *testing.T) {
	for in, want := range map[string]string{
		"a\nb": "a\nb", "a \r\n b": "a\nb", "\n\na\n\n\n\nb\n": "a\n\nb", "a\x1b\nb": "a\nb", "a\u2028b": "a b",
	} {
		if got := DisplayLines(in, 100); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// FuzzDisplay: whatever comes in, what goes out is valid, bounded, harmless, in
// NFC, and stays as it is.
func FuzzDisplay(f *testing.F) {
	for _, s := range []string{"a", "e\u0301\u0301", "\u202e", "a\nb", "\u1100\u1161\u11a8", "\u0344", "\u0958", strings.Repeat("\u0f73", 9), "x…", "\U0001d15e"} {
		f.Add(s, 5)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit %= 300
		for _, show := range []func(string, int) string{Display, DisplayLines} {
			got := show(s, limit)
			if !utf8.ValidString(got) || utf8.RuneCountInString(got) > max(limit, 0) || !norm.NFC.IsNormalString(got) {
				t.Fatalf("%q at %d became %q", s, limit, got)
			}
			for _, r := range got {
				if invisible(r) && r != '\n' {
					t.Fatalf("%q shows %U", s, r)
				}
			}
			if again := show(got, limit); again != got {
				t.Fatalf("%q became %q and then %q", s, got, again)
			}
		}
		if strings.ContainsAny(Display(s, limit), "\n\t\r") {
			t.Fatalf("%q is not one line", s)
		}
	})
}
