package admin

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"

	"nsecbunker/internal/bunker"
)

// TestGoldenAuthority shows each change of who may do what in review: one line a
// command, in the order of the roles of security.md section 4.
func TestGoldenAuthority(t *testing.T) {
	f := newFixture(t)
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 1, 2, ' ', 0)
	for role := bunker.NoRole; role <= bunker.Owner; role++ {
		for _, c := range f.Commands() {
			if c.Role != role {
				continue
			}
			who := role.String()
			if c.Anyone {
				who = "anyone with an npub"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Name, who, doorList(c), scopeWords(c.Scope), extras(c))
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	same(t, "testdata/authority.golden", []byte(strings.Join(lines, "\n")))
}

func extras(c *Command) string {
	return strings.TrimSpace(mark(c.Dangerous, " dangerous") + mark(c.Writes, " writes") + mark(c.WhileSealed, " while-sealed") +
		[...]string{"", " quorum:export", " quorum:delete", " quorum:policy", " quorum:admins", " quorum:itself", " quorum:rule"}[c.Quorum])
}

func scopeWords(s Scope) string {
	words := []string{}
	for _, n := range s.Names {
		words = append(words, fmt.Sprintf("%s:%s", n.Param, [...]string{"", "key", "connection", "token", "question", "grant", "motion"}[n.Noun]))
	}
	switch {
	case s.whole():
		return "whole bunker"
	case s.Self:
		return "himself"
	case s.Lists:
		words = append(words, "his part")
	}
	return strings.Join(words, ", ")
}
