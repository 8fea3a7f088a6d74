package admin

import (
	"bytes"
	"fmt"
	"os"
	"slices"
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

// TestTheRolesInTheDocsAreThoseOfTheTable: the page is made from the table.
func TestTheRolesInTheDocsAreThoseOfTheTable(t *testing.T) {
	const path, begin, end = "../../docs/admins.md", "<!-- roles -->\n", "<!-- /roles -->"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the roles", path)
	}
	f := newFixture(t)
	var b strings.Builder
	b.WriteString("| Role | may also |\n|---|---|\n")
	for role := bunker.NoRole; role <= bunker.Owner; role++ {
		var list []string
		for _, c := range f.Commands() {
			if c.Role == role && !slices.Equal(c.Doors, []bunker.Door{bunker.DoorSystem}) {
				list = append(list, "`"+c.Name+"`"+mark(c.Dangerous, "**!**")+mark(!c.Scope.whole(), " *k*"))
			}
		}
		who := "**" + role.String() + "**"
		if role == bunker.NoRole {
			who = "somebody who was invited"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", who, strings.Join(list, ", "))
	}
	same(t, path, []byte(before+begin+b.String()+end+after))
}
