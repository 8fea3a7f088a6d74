package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"
	"rsc.io/qr"

	"nsecbunker/internal/bunker"
)

// Streams are where a command reads and writes: stdout is data, stderr is talk.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// say writes a sentence for people.
func (s Streams) say(format string, args ...any) {
	fmt.Fprintln(s.Err, fitted(fmt.Sprintf(format, args...), widthOf(s.Err)))
}

// shown makes text of others (an app's name, an error from afar) fit for one line
// of the terminal.
func shown(s string, limit int) string { return bunker.Display(s, limit) }

// line writes one line of data.
func (s Streams) line(text string) error {
	_, err := fmt.Fprintln(s.Out, text)
	return err
}

// json writes a value for scripts: one JSON document and a line end.
func (s Streams) json(v any) error {
	e := json.NewEncoder(s.Out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// table writes rows with aligned columns, the head first. What a terminal has no columns
// for stands below its row.
func (s Streams) table(head []string, rows [][]string) error {
	all := append([][]string{head}, rows...)
	if width := widthOf(s.Out); width > 0 && widthBeside(all, len(head)) > width {
		return s.line(strings.Join(folded(all, width), "\n"))
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, gap, ' ', 0)
	for _, r := range all {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// facts writes names and values, one a line; where a terminal is too narrow, what
// follows of a value stands below it.
func (s Streams) facts(rows [][2]string) error {
	if width := widthOf(s.Out); width > 0 {
		return s.line(strings.Join(hung(rows, width), "\n"))
	}
	w := tabwriter.NewWriter(s.Out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(w, "%s:\t%s\n", r[0], r[1])
	}
	return w.Flush()
}

// qrCode writes text as a QR code of half blocks, for a phone to scan off the
// terminal. Dark modules are spaces on a light ground, with a quiet zone, so
// that it scans on dark terminals too.
func (s Streams) qrCode(text string) error {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return fmt.Errorf("drawing the QR code: %w", err)
	}
	const quiet = 2
	// A terminal gets its colours said, so that the code scans on light ones, too.
	begin, end := "", "\n"
	if f, ok := s.Err.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		begin, end = "\x1b[97;40m", "\x1b[0m\n"
	}
	light := func(x, y int) bool { return !code.Black(x, y) }
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString(begin)
		for x := -quiet; x < code.Size+quiet; x++ {
			switch top, bottom := light(x, y), light(x, y+1); {
			case top && bottom:
				b.WriteRune('█')
			case top:
				b.WriteRune('▀')
			case bottom:
				b.WriteRune('▄')
			default:
				b.WriteRune(' ')
			}
		}
		b.WriteString(end)
	}
	_, err = io.WriteString(s.Err, b.String())
	return err
}

// ago is a time in words; the exact one is in --json.
func ago(ms int64, now time.Time) string {
	if ms == 0 {
		return "never"
	}
	d := now.Sub(time.UnixMilli(ms))
	if d >= 0 {
		return span(d) + " ago"
	}
	return "in " + span(-d)
}

// span is a duration in words, rounded to what a person would say.
func span(d time.Duration) string {
	switch day := 24 * time.Hour; {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", int(d.Round(time.Second).Seconds()))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(d.Round(time.Hour).Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Round(day)/day))
	}
}

// count is a number of things, in words: "1 key", "2 keys".
func count[N int | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
