package describe

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"nsecbunker/internal/bunker"
)

// label is how many columns the names of facts have.
const label = 12

// Lines is the card as text for a terminal of so many columns, without its first
// sentence. What an app wrote never begins a line.
func (c *Card) Lines(columns int) []string {
	l := layout{columns: max(columns, 40)}
	l.text(c)
	if ch := c.Changes; ch != nil {
		l.row("changes", ch.Words)
		for _, f := range ch.Fields {
			l.field(f)
		}
		if len(ch.Fields) == 0 {
			l.entries("- ", ch.RemovedList, ch.Removed-len(ch.RemovedList))
		}
		if !ch.First && len(ch.Fields) == 0 {
			l.entries("+ ", ch.AddedList, ch.Added-len(ch.AddedList))
		}
	}
	for _, f := range c.Facts {
		l.row(f.Name, f.Value)
	}
	if c.FactsLeft > 0 {
		l.row("", "… and "+strconv.Itoa(c.FactsLeft)+" more")
	}
	l.people(c)
	for _, w := range c.Warnings {
		l.row("!", w)
	}
	return l.out
}

type layout struct {
	columns int
	out     []string
	last    string
}

// row adds a name and its value, wrapped; the name is left out where it is that of
// the row before.
func (l *layout) row(name, value string) {
	name, value = bunker.Display(name, MaxValue), bunker.Display(value, 2*MaxValue) // also of a card from afar
	shown := name
	if name == l.last && name != "!" {
		shown = ""
	}
	if name != "" {
		l.last = name
	}
	for i, part := range Wrap(value, l.columns-label) {
		if i > 0 {
			shown = ""
		}
		l.out = append(l.out, strings.TrimRight(pad(shown, label)+part, " "))
	}
}

// entries adds what is removed or added.
func (l *layout) entries(sign string, list []string, left int) {
	for _, v := range list {
		if strings.HasPrefix(v, "npub1") || strings.HasPrefix(v, "note1") {
			v = Short(v)
		}
		l.row("", sign+v)
	}
	if left > 0 {
		l.row("", sign+"… and "+strconv.Itoa(left)+" more")
	}
}

// field adds what becomes of a field of a profile.
func (l *layout) field(f Field) {
	name, was, is := bunker.Display(f.Name, MaxValue), bunker.Display(f.Was, MaxValue), bunker.Display(f.Is, MaxValue)
	if was != "" {
		l.row("", "- "+name+": "+was)
	}
	if is != "" {
		l.row("", "+ "+name+": "+is)
	}
}

func (l *layout) text(c *Card) {
	if c.Text == "" {
		return
	}
	if c.TextIs != "text" && c.TextIs != "content" {
		l.out = append(l.out, bunker.Display(c.TextIs, l.columns-1)+":")
	}
	for _, part := range Wrap(bunker.DisplayLines(c.Text, MaxContent), l.columns-2) {
		l.out = append(l.out, strings.TrimRight("│ "+part, " "))
	}
	if c.TextCut {
		l.out = append(l.out, "  … "+Bytes(c.Size)+" in all")
	}
}

func (l *layout) people(c *Card) {
	for _, p := range c.People {
		as := p.As
		if as == "" {
			as = "mentioned"
		}
		switch {
		case p.Is == "key" && p.Name == "":
			l.row(as, "the account itself")
		case p.Is == "key":
			l.row(as, p.Name+", a key here")
		case p.Name != "":
			l.row(as, p.Name+", "+article(p.Is)+" here  "+Short(p.Npub))
		default:
			l.row(as, p.Npub)
			if p.As == "recipient" || p.As == "other party" {
				l.row("", "nobody who is known here")
			}
		}
	}
	if c.PeopleLeft > 0 {
		l.row("", "… and "+strconv.Itoa(c.PeopleLeft)+" more")
	}
}

func pad(s string, columns int) string {
	n := columns - Columns(s)
	if n < 1 {
		n = 1
	}
	return s + strings.Repeat(" ", n)
}

// Columns is how many columns of a terminal a text takes.
func Columns(s string) int {
	n := 0
	for _, r := range s {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	if unicode.Is(unicode.M, r) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Wrap breaks text into lines of at most so many columns, at spaces where there
// are any in the second half of a line.
func Wrap(text string, columns int) []string {
	columns = max(columns, 2)
	var out []string
	for _, line := range strings.Split(text, "\n") {
		for Columns(line) > columns {
			head, rest := broken(line, columns)
			out, line = append(out, head), rest
		}
		out = append(out, line)
	}
	return out
}

// broken takes one line's worth off the beginning of a longer one.
func broken(line string, columns int) (head, rest string) {
	at, space, n := len(line), -1, 0
	for i, r := range line {
		w := columnsOf(r)
		if n+w > columns {
			at = i
			if r == ' ' {
				space = i
			}
			break
		}
		if r == ' ' && n > columns/2 {
			space = i
		}
		n += w
	}
	if space > 0 {
		return line[:space], line[space+1:]
	}
	return line[:at], line[at:]
}
