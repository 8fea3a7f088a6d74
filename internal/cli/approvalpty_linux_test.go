package cli

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// presses is one key.
func (s *sitting) presses(key string) {
	s.t.Helper()
	if _, err := io.WriteString(s.keyboard, key); err != nil {
		s.t.Fatal(err)
	}
}

// asking is a bunker with the bundled client as an app that may do nothing.
type asking struct {
	t    *testing.T
	dir  string
	link string
}

func newAsking(t *testing.T) *asking {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "passphrase")
	if err := os.WriteFile(file, []byte("a passphrase of a test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := sit(t, dir, "start", "--listen", "127.0.0.1:0", "--passphrase-file", file)
	b.sees("makes your first key")
	t.Cleanup(func() { b.interrupts(); b.leaves() })
	beside(t, dir, "", "key", "add", "herald")
	a := &asking{t: t, dir: dir}
	for line := range strings.Lines(beside(t, dir, "", "token", "create", "herald", "--client", "careful", "--perms", "")) {
		if strings.HasPrefix(line, "bunker://") {
			a.link = strings.TrimSpace(line)
		}
	}
	beside(t, dir, "", "client", "connect", a.link)
	return a
}

// signs asks for a signature in the background; the channel gives what came.
func (a *asking) signs(args ...string) <-chan string {
	a.t.Helper()
	cmd := exec.Command(binary, append([]string{"client", "sign"}, args...)...)
	cmd.Env = []string{"HOME=" + a.dir, "NSECBUNKER_DATA=" + filepath.Join(a.dir, "data")}
	done := make(chan string, 1)
	go func() {
		out, _ := cmd.CombinedOutput() // a refusal is an answer, too
		done <- string(out)
	}()
	return done
}

// asked waits until so many questions are open.
func (a *asking) asked(n int) []approvalView {
	a.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var qs []approvalView
		if err := json.Unmarshal([]byte(beside(a.t, a.dir, "", "approvals", "--json")), &qs); err != nil {
			a.t.Fatal(err)
		}
		if len(qs) == n {
			return qs
		}
	}
	a.t.Fatalf("there never were %d questions", n)
	return nil
}

func TestQuestionsAreAnsweredByOneKey(t *testing.T) {
	a := newAsking(t)
	note := a.signs("-c", "may I?")
	a.asked(1)
	s := sitTyping(t, "d", a.dir, "approvals", "-i") // typed before the question is there: it must not answer it
	s.sees("careful wants to post a short note as herald")
	s.sees("│ may I?")
	s.sees("s more) > ")
	s.presses("z") // no answer
	s.sees("s more) > ")
	s.presses("x") // everything: asked once more
	s.sees("Always everything? y/n")
	s.presses("n")
	s.sees("> ")
	s.presses("k")
	s.sees("Approved.")
	s.sees("It may sign short notes (kind 1) from now on.")
	if out := <-note; !strings.Contains(out, `"content":"may I?"`) {
		t.Errorf("the app got %s", out)
	}
	s.sees("Nothing is asked. Waiting; q quits.")

	// A burst: several at once, and somebody else answers one of them meanwhile.
	var reactions []<-chan string
	likes := func(e string) {
		reactions = append(reactions, a.signs("-k", "7", "-c", "+", "-t", "e="+strings.Repeat(e, 32)))
	}
	likes("aa")
	s.sees("careful wants to like note1") // the first one: what comes in the same moment has no order
	likes("bb")
	likes("cc")
	qs := a.asked(3)
	beside(t, a.dir, "", "deny", qs[0].ID)
	s.sees("no, by local") // seen on the screen, and the next one comes
	s.sees("careful wants to like note1")
	s.sees("all 2 of the burst, once")
	s.sees("> ")
	s.presses("b")
	s.sees("2 reactions (kind 7): careful wants them as herald")
	s.sees("y/n")
	s.presses("y")
	s.sees("Approved. Once.")
	signed := 0
	for _, r := range reactions {
		if strings.Contains(<-r, `"kind":7`) {
			signed++
		}
	}
	if signed != 2 {
		t.Errorf("%d reactions were signed, want 2", signed)
	}
	s.sees("Nothing is asked.")
	s.presses("q")
	code, text := s.leaves()
	if code != 0 || !strings.Contains(text, "3 questions answered.") {
		t.Errorf("exit code %d after\n%s", code, text)
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "\x1b[") { // drawn with colours: counted without
			continue
		}
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %q", n, line)
		}
	}

	t.Run("WatchingShowsWhatComesAndHowItEnds", func(t *testing.T) {
		w := sit(t, a.dir, "approvals", "--watch")
		w.sees("Nothing is asked. Waiting")
		gone := a.signs("-k", "5", "-c", "typo", "-t", "e="+strings.Repeat("aa", 32))
		w.sees("careful wants to delete 1 event as herald")
		w.sees("it deletes events")
		beside(t, a.dir, "", "deny", a.asked(1)[0].ID)
		w.sees("no, by local")
		w.interrupts()
		if code, text := w.leaves(); code != 0 {
			t.Errorf("exit code %d after\n%s", code, text)
		}
		<-gone
	})
	t.Run("WithoutATerminalItSaysSo", func(t *testing.T) {
		cmd := exec.Command(binary, "approvals", "-i")
		cmd.Env = []string{"HOME=" + a.dir, "NSECBUNKER_DATA=" + filepath.Join(a.dir, "data")}
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "needs a terminal") {
			t.Errorf("%v: %s", err, out)
		}
	})
}
