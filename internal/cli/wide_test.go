package cli

import (
	"strings"
	"testing"

	"nsecbunker/internal/describe"
)

func TestSentencesAreBrokenBetweenWordsAndCommandsNowhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"short", "warning: it is so", "warning: it is so"},
		{"between words", "warning: this link works on this machine only, until there is a relay",
			"warning: this link works on this machine\nonly, until there is a relay"},
		{"a command whole", "hint: nothing is there yet, make it: nsecbunker relay add wss://relay.example.com, or read on",
			"hint: nothing is there yet, make it:\nnsecbunker relay add wss://relay.example.com,\nor read on"},
		{"a command in brackets", "the link carries no permissions: all is asked (nsecbunker approvals)",
			"the link carries no permissions: all is\nasked (nsecbunker approvals)"},
		{"a command before brackets", "none yet: nsecbunker policy create NAME (all: nsecbunker policy templates)",
			"none yet: nsecbunker policy create NAME\n(all: nsecbunker policy templates)"},
		{"what has no space", "warning: " + strings.Repeat("x", 50), "warning:\n" + strings.Repeat("x", 50)},
		{"an indent", "   one two three four five six seven eight nine", "   one two three four five six seven\n   eight nine"},
		{"lines of its own", "one\ntwo", "one\ntwo"},
	} {
		if got := fitted(c.text, 40); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
	if long := strings.Repeat("word ", 40); fitted(long, 0) != long {
		t.Error("what goes to no terminal is broken")
	}
}

func TestFactsThatAreTooWideStandBelowThemselves(t *testing.T) {
	t.Parallel()
	got := hung([][2]string{{"state", "unsealed"}, {"relay", "wss://relay.example: waiting (no such host; check its spelling)"}}, 60)
	want := "state:  unsealed\nrelay:  wss://relay.example: waiting (no such host; check\n        its spelling)"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestATableThatIsTooWideIsFoldedBelowItsRows(t *testing.T) {
	t.Parallel()
	rows := [][]string{
		{"NO", "WHO", "RULE", "REASON"},
		{"12", "coracle", "policy newsroom/notes@3", "the policy newsroom allows it, as an admin said"},
		{"7", "a", "-", "-"},
	}
	want := []string{
		"NO  WHO      RULE",
		"    REASON",
		"12  coracle  policy newsroom/notes@3",
		"    the policy newsroom allows it, as an",
		"    admin said",
		"7   a        -",
	}
	got := folded(rows, 40)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	for _, l := range got {
		if describe.Columns(l) > 40 {
			t.Errorf("%q is wider than the terminal", l)
		}
	}
}
