package text

import (
	"flag"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares what was made with a file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is no longer right (-update writes it anew):\n%s", file, got)
	}
}

func TestSentencesSayWhatTheRulesMean(t *testing.T) {
	b, err := os.ReadFile("testdata/sentences.toml")
	if err != nil {
		t.Fatal(err)
	}
	p := parsed(t, b)
	if no, _ := Split(Check(p, now)); len(no) > 0 {
		t.Fatal(no)
	}
	var out strings.Builder
	for i := range p.Rules {
		out.WriteString(p.Rules[i].ID + ": " + Sentence(&p.Rules[i], p.Zone) + "\n")
	}
	golden(t, "testdata/sentences.golden", out.String())
}

func TestEveryRightHasItsWords(t *testing.T) {
	for _, r := range policy.Rights() {
		if len(rightPhrases[r.Name]) == 0 {
			t.Errorf("the right %s has no words in a sentence", r.Name)
		}
	}
	if n := len(policy.Rights()); n != len(rightPhrases) {
		t.Errorf("there are words for %d rights, and %d rights", len(rightPhrases), n)
	}
}

func TestSentencesAreBoundedAndFitForDisplay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies().Draw(t, "policy")
		for i := range p.Rules {
			s := Sentence(&p.Rules[i], p.Zone)
			if !strings.HasPrefix(s, "may ") || utf8.RuneCountInString(s) > MaxSentence || bunker.Display(s, MaxSentence) != s {
				t.Fatal(s)
			}
		}
		if s := Summary(p); utf8.RuneCountInString(s) > MaxSummary || strings.ContainsAny(s, "\n\t") {
			t.Fatal(s)
		}
	})
}

func TestSummaryTellsAllowsThenAsksThenDenies(t *testing.T) {
	p := parsed(t, []byte("name = \"x\"\n[[rule]]\neffect = \"deny\"\nkinds = 4\n[[rule]]\neffect = \"ask\"\nkinds = 3\n[[rule]]\neffect = \"allow\"\nrights = \"post\"\n"))
	const want = "may post; may change the follow list only if a person agrees; may not send direct messages of the old form; everything else is asked, or refused if the key's default is deny"
	if got := Summary(p); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
