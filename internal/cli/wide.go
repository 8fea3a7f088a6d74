package cli

import (
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"nsecbunker/internal/describe"
)

// What is written for people is broken between words where it goes to a terminal; a
// terminal itself breaks anywhere. Pipes and files get whole lines.

// widthOf is how many columns a terminal has; 0: it is none, or does not say.
func widthOf(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil || n < narrowest {
		return 0
	}
	return n
}

// narrowest is the fewest columns that lines are fitted to: below, breaking them helps nobody.
const narrowest = 40

// fitted breaks lines that are wider than the terminal between words. A command to be
// copied is never broken: it goes on a line of its own as it is.
func fitted(text string, width int) string {
	if width == 0 {
		return text
	}
	var out []string
	for _, line := range strings.Split(text, "\n") {
		if describe.Columns(line) <= width {
			out = append(out, line)
			continue
		}
		out = append(out, brokenUp(line, width)...)
	}
	return strings.Join(out, "\n")
}

// gap is the space between columns of a table.
const gap = 2

// widestOf is how wide a column of a table is.
func widestOf(rows [][]string, column int) int {
	n := 0
	for _, r := range rows {
		n = max(n, describe.Columns(r[column]))
	}
	return n
}

// widthBeside is how wide the first columns of a table are together.
func widthBeside(rows [][]string, columns int) int {
	n := -gap
	for i := range columns {
		n += widestOf(rows, i) + gap
	}
	return n
}

// folded is a table that is wider than the terminal: as many columns as there is room for
// stand beside each other, the others below their row.
func folded(rows [][]string, width int) []string {
	beside := len(rows[0]) - 1
	for beside > 1 && widthBeside(rows, beside) > width {
		beside--
	}
	wide := make([]int, beside)
	for i := range wide {
		wide[i] = widestOf(rows, i)
	}
	var out []string
	for _, r := range rows {
		var b strings.Builder
		for i, cell := range r[:beside] {
			b.WriteString(cell)
			if i < beside-1 {
				b.WriteString(strings.Repeat(" ", wide[i]-describe.Columns(cell)+gap))
			}
		}
		out = append(out, b.String())
		if under := slices.DeleteFunc(slices.Clone(r[beside:]), func(cell string) bool { return cell == "" || cell == "-" }); len(under) > 0 {
			out = append(out, brokenUp("    "+strings.Join(under, " · "), width)...)
		}
	}
	return out
}

// hung is names and values, each value broken below itself where it is too wide.
func hung(rows [][2]string, width int) []string {
	names := 0
	for _, r := range rows {
		names = max(names, describe.Columns(r[0])+len(":")+gap)
	}
	var out []string
	for _, r := range rows {
		head := r[0] + ":" + strings.Repeat(" ", names-describe.Columns(r[0])-len(":"))
		for _, l := range brokenUp(r[1], max(width-names, narrowest)) {
			out = append(out, head+l)
			head = strings.Repeat(" ", names)
		}
	}
	return out
}

// brokenUp is fitted for one line.
func brokenUp(line string, width int) []string {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	var out []string
	now := ""
	for _, piece := range pieces(strings.TrimLeft(line, " ")) {
		switch {
		case now == "":
			now = indent + piece
		case describe.Columns(now)+1+describe.Columns(piece) <= width:
			now += " " + piece
		default:
			out = append(out, now)
			now = indent + piece
		}
	}
	return append(out, now)
}

// program begins what a reader may copy.
const program = "nsecbunker "

// pieces are the words of a line; a command is one piece, up to the sentence's next mark.
func pieces(line string) []string {
	var out []string
	for line != "" {
		start := strings.TrimLeft(line, "(")
		end := strings.IndexByte(line, ' ')
		if strings.HasPrefix(start, program) {
			if end = commandEnd(line); end < len(line) && line[end] != ' ' {
				if more := strings.IndexByte(line[end:], ' '); more >= 0 {
					end += more
				} else {
					end = len(line)
				}
			}
		}
		if end < 0 || end >= len(line) {
			return append(out, line)
		}
		out, line = append(out, line[:end]), strings.TrimLeft(line[end:], " ")
	}
	return out
}

// commandEnd is where a command in a sentence ends: at a mark that ends a part of it.
func commandEnd(line string) int {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ')', ';':
			return i
		case ' ':
			if strings.HasPrefix(line[i:], " (") {
				return i
			}
		case ',', '.', ':':
			if i+1 == len(line) || line[i+1] == ' ' {
				return i
			}
		}
	}
	return len(line)
}
