package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// paint colours text for a terminal. The zero value leaves it as it is.
type paint struct{ on bool }

// painter colours where there is a terminal that can, and nobody objects
// (no-color.org).
func painter(out io.Writer, getenv func(string) string) paint {
	f, isFile := out.(*os.File)
	return paint{isFile && term.IsTerminal(int(f.Fd())) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
}

func (p paint) with(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p paint) bold(s string) string { return p.with("1", s) }
func (p paint) dim(s string) string  { return p.with("2", s) }
func (p paint) warn(s string) string { return p.with("33", s) }

// good is green for a yes, plain for a no.
func (p paint) good(s string, yes bool) string {
	if !yes {
		return s
	}
	return p.with("32", s)
}
