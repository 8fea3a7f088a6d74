package cli

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for what must happen; a loaded machine is
// slow.
const patience = 60 * time.Second

// TestScripts drive the real program, as people and scripts do. Each has a data
// folder, a configuration folder and a passphrase of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(binary)+":"+e.Getenv("PATH"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("NSECBUNKER_DATA", filepath.Join(e.WorkDir, "data"))
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"ready": waitReady, "keep": keepOutput, "question": waitQuestion, "exits": exits, "link": waitLink, "device": waitDevice,
		},
	})
}

// waitReady waits until the bunker runs and is in a state: ready STATE.
func waitReady(ts *testscript.TestScript, _ bool, args []string) {
	wait(ts, "the bunker to be "+args[0], func() bool {
		var st struct{ State string }
		return json.Unmarshal(run(ts, "status", "--json"), &st) == nil && st.State == args[0]
	})
}

// waitQuestion waits for a question and keeps its id: question NAME.
func waitQuestion(ts *testscript.TestScript, _ bool, args []string) {
	var qs []approvalView
	wait(ts, "a question", func() bool { return json.Unmarshal(run(ts, "approvals", "--json"), &qs) == nil && len(qs) > 0 })
	ts.Setenv(args[0], qs[0].ID)
}

func wait(ts *testscript.TestScript, what string, done func() bool) {
	for end := time.Now().Add(patience); !done(); {
		if time.Now().After(end) {
			ts.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// run runs the program beside the script and returns its stdout.
func run(ts *testscript.TestScript, args ...string) []byte {
	cmd := exec.Command(binary, args...)
	cmd.Env = []string{"NSECBUNKER_DATA=" + ts.Getenv("NSECBUNKER_DATA"), "HOME=" + ts.Getenv("HOME")}
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	return out
}

// keepOutput keeps the last stdout, or one field of it as JSON: keep NAME [FIELD].
func keepOutput(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.TrimSpace(ts.ReadFile("stdout"))
	if len(args) > 1 {
		var v any
		ts.Check(json.Unmarshal([]byte(text), &v))
		for _, step := range strings.Split(args[1], ".") {
			if n, err := strconv.Atoi(step); err == nil {
				v = v.([]any)[n]
			} else {
				v = v.(map[string]any)[step]
			}
		}
		text = v.(string)
	}
	ts.Setenv(args[0], text)
}

// exits runs a command and wants its exit code: exits CODE COMMAND….
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want, err := strconv.Atoi(args[0]); err != nil || got != want {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// waitDevice waits for a device that asks to be confirmed and keeps its code:
// device NAME.
func waitDevice(ts *testscript.TestScript, _ bool, args []string) {
	wait(ts, "a device", func() bool {
		var list []deviceView
		if json.Unmarshal(run(ts, "device", "list", "--json"), &list) != nil {
			return false
		}
		for _, d := range list {
			if d.State == "waiting" {
				ts.Setenv(args[0], d.Code)
				return true
			}
		}
		return false
	})
}

// waitLink waits until a file holds a whole line and keeps it: link NAME FILE.
func waitLink(ts *testscript.TestScript, _ bool, args []string) {
	wait(ts, "a line in "+args[1], func() bool {
		b, err := os.ReadFile(ts.MkAbs(args[1]))
		line, _, whole := strings.Cut(string(b), "\n")
		ts.Setenv(args[0], line)
		return err == nil && whole
	})
}
