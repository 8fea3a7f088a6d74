// Package driver runs a library's driver, a process that does with the library what it is told (js/drivers/protocol.mjs
// describes the protocol).
package driver

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/conformance/bunker"
)

// ErrLacks wraps what a library has no function for.
var ErrLacks = errors.New("the library lacks it")

// ErrSilent is the answer that did not come in time.
var ErrSilent = errors.New("no answer in time")

// maxLine bounds one line of the protocol in bytes.
const maxLine = 16 << 20

// Driver is a running driver.
type Driver struct {
	t     testing.TB
	stdin io.WriteCloser
	talk  *tailBuffer
	gone  chan struct{}
	end   func()

	mu     sync.Mutex
	serial int
	waits  map[int]chan answer
}

type answer struct {
	ID    int             `json:"id"`
	OK    json.RawMessage `json:"ok"`
	Error string          `json:"error"`
	Lacks string          `json:"lacks"`
}

// Start runs a driver; it ends with the test.
func Start(t testing.TB, dir string, argv ...string) *Driver {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = dir
	d := &Driver{t: t, talk: &tailBuffer{}, gone: make(chan struct{}), waits: map[int]chan answer{0: make(chan answer, 1)}}
	cmd.Stderr = d.talk
	cmd.Env = append(os.Environ(), "NODE_NO_WARNINGS=1")
	var err error
	if d.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	ready := d.waits[0]
	bunker.DieWithUs(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go d.read(out)
	d.end = sync.OnceFunc(func() {
		_ = d.stdin.Close()
		select {
		case <-d.gone:
		case <-time.After(3 * time.Second):
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed, or ended as it should
	})
	t.Cleanup(func() {
		d.end()
		if t.Failed() {
			t.Logf("what %s said:\n%s", strings.Join(argv, " "), d.talk.String())
		}
	})
	select {
	case <-ready:
	case <-d.gone:
		t.Fatalf("%s ended at its start:\n%s", strings.Join(argv, " "), d.talk.String())
	case <-time.After(time.Minute):
		t.Fatalf("%s does not start:\n%s", strings.Join(argv, " "), d.talk.String())
	}
	return d
}

// End ends the process, as a user closes an app.
func (d *Driver) End() { d.end() }

func (d *Driver) read(out io.Reader) {
	defer close(d.gone)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			fmt.Fprintf(d.talk, "no answer: %s\n", lines.Text())
			continue
		}
		d.mu.Lock()
		wait := d.waits[a.ID]
		delete(d.waits, a.ID)
		d.mu.Unlock()
		if wait != nil {
			wait <- a
		}
	}
}

// Args are an op's arguments.
type Args map[string]any

// Call has a session do something and reads what comes of it into v (nil: it is not looked at). Its errors are the
// library's own words, ErrLacks or ErrSilent.
func (d *Driver) Call(session, op string, a Args, patience time.Duration, v any) error {
	wait := make(chan answer, 1)
	d.mu.Lock()
	d.serial++
	id := d.serial
	d.waits[id] = wait
	line, err := json.Marshal(map[string]any{"id": id, "session": session, "op": op, "args": a})
	if err == nil {
		_, err = d.stdin.Write(append(line, '\n'))
	}
	d.mu.Unlock()
	if err != nil {
		return fmt.Errorf("talking with the driver: %w\n%s", err, d.talk.String())
	}
	select {
	case got := <-wait:
		switch {
		case got.Lacks != "":
			return fmt.Errorf("%w: %s", ErrLacks, got.Lacks)
		case got.Error != "":
			return errors.New(got.Error)
		case v == nil:
			return nil
		}
		return json.Unmarshal(got.OK, v)
	case <-d.gone:
		return fmt.Errorf("the driver ended:\n%s", d.talk.String())
	case <-time.After(patience):
		return fmt.Errorf("%s: %w", op, ErrSilent)
	}
}

// tailBuffer keeps the last of what was written.
type tailBuffer struct {
	mu sync.Mutex
	b  []byte
}

// tailSize is how much a tailBuffer keeps, in bytes.
const tailSize = 16 << 10

func (t *tailBuffer) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if len(t.b) > 2*tailSize {
		t.b = append([]byte("…"), t.b[len(t.b)-tailSize:]...)
	}
	return len(p), nil
}

func (t *tailBuffer) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
