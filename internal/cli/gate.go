package cli

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/lmittmann/tint"
)

// maxHeld is how many bytes of log wait while a question is on the terminal.
const maxHeld = 256 << 10

// gate is where the log goes: on a terminal it waits while a question is open, so
// that no line is written into what somebody types.
type gate struct {
	w       io.Writer
	mu      sync.Mutex
	closed  bool
	held    bytes.Buffer
	dropped int
}

// Write implements io.Writer; one call is one record.
func (g *gate) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !g.closed:
		return g.w.Write(b)
	case g.held.Len()+len(b) > maxHeld:
		g.dropped++
		return len(b), nil
	}
	return g.held.Write(b)
}

// hold lets records wait.
func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// release writes what has waited.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
	_, _ = g.held.WriteTo(g.w)
	if g.dropped > 0 {
		fmt.Fprintf(g.w, "(%s of the log left out while the question was open)\n", count(g.dropped, "line"))
		g.dropped = 0
	}
}

// newLog is the log of `start`: coloured on a terminal, text or JSON elsewhere.
func newLog(w io.Writer, level, format string, terminal bool) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	switch {
	case format == "json":
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
	case format == "auto" && terminal:
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: l, TimeFormat: time.TimeOnly}))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}
