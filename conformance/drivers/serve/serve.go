// Package serve is the Go drivers' side of the harness's protocol; js/drivers/protocol.mjs is the other one and describes it.
package serve

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
)

// ErrLacks wraps what a library has no function for.
var ErrLacks = errors.New("lacks")

// Lacks says that the library has no function for what.
func Lacks(what string) error { return fmt.Errorf("%w: %s", ErrLacks, what) }

// Args are the arguments of every op; each op uses some.
type Args struct {
	URI      string          `json:"uri"`
	Key      string          `json:"key"`
	Perms    []string        `json:"perms"`
	Metadata json.RawMessage `json:"metadata"`
	Envelope string          `json:"envelope"`
	Relay    string          `json:"relay"`
	Name     string          `json:"name"`
	Event    json.RawMessage `json:"event"`
	Peer     string          `json:"peer"`
	Text     string          `json:"text"`
	Method   string          `json:"method"`
	Params   []string        `json:"params"`
}

// Session is one client of one bunker.
type Session interface {
	// Do runs an op and returns what JSON can hold.
	Do(op string, a Args) (any, error)
}

type call struct {
	ID      int    `json:"id"`
	Session string `json:"session"`
	Op      string `json:"op"`
	Args    Args   `json:"args"`
}

type answer struct {
	ID    int    `json:"id"`
	OK    any    `json:"ok"`
	Error string `json:"error,omitempty"`
	Lacks string `json:"lacks,omitempty"`
}

// maxLine bounds one line of the protocol in bytes.
const maxLine = 16 << 20

// Run serves until stdin ends; begin makes a session.
func Run(begin func() Session) {
	var mu sync.Mutex
	sessions := map[string]Session{}
	out := json.NewEncoder(os.Stdout)
	say := func(a answer) {
		mu.Lock()
		defer mu.Unlock()
		if err := out.Encode(a); err != nil {
			os.Exit(1)
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, maxLine)
	say(answer{OK: "ready"})
	for lines.Scan() {
		var c call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		s := sessions[c.Session]
		if s == nil || c.Op == "connect" || c.Op == "nostrconnect" {
			s = begin()
			sessions[c.Session] = s
		}
		go func() {
			got, err := s.Do(c.Op, c.Args)
			switch {
			case errors.Is(err, ErrLacks):
				say(answer{ID: c.ID, Lacks: err.Error()})
			case err != nil:
				say(answer{ID: c.ID, Error: err.Error()})
			default:
				say(answer{ID: c.ID, OK: got})
			}
		}()
	}
}
