package docstest

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nsecbunker/nostr"
)

// TestTheReadmesFirstFiveMinutesWorkAsWritten types what the README says, in the
// order in which it says so, in pseudo-terminals, on a machine that has never
// seen the product (an empty home folder). Blocks are marked by a comment:
//
//	<!-- test terminal=1 holds -->   the last line goes on running: the bunker
//	<!-- test terminal=2 -->         every line must succeed
//	<!-- test terminal=2 refused --> what runs beside must be refused by the bunker
//	<!-- test terminal=2 pairs -->   the line asks for the passphrase and lets a browser in
//	<!-- prints -->                  the block before printed these lines; … is anything
//
// A line that ends in & runs beside the next ones and must succeed in the end.
// What a person pastes is pasted: 'bunker://…' is the newest link on the screen,
// 'nostrconnect://…' comes from an app, ID is the open question's.
func TestTheReadmesFirstFiveMinutesWorkAsWritten(t *testing.T) {
	r := newReader(t)
	var last *block
	n := 0
	for _, b := range blocks(t, "README.md") {
		if _, ok := b.notes["prints"]; ok {
			r.expect(&b, last)
			continue
		}
		if _, ok := b.notes["test"]; ok {
			r.typeIn(&b)
			last, n = &b, n+1
		}
	}
	r.finish()
	if n < 4 || r.bunker == nil {
		t.Errorf("%d blocks of the README are marked to be run; its first five minutes have more", n)
	}
}

// reader follows the README.
type reader struct {
	t       *testing.T
	home    string
	env     []string
	bunker  *program   // what terminal 1 holds
	beside  []*program // lines that ended in &
	refused []*program // those that a person says no to
	seen    string     // what the lines of terminal 2 wrote, all of it
	block   string     // what the lines of the last block wrote
	words   string     // the passphrase that was made
	started int
}

func newReader(t *testing.T) *reader {
	home := t.TempDir()
	r := &reader{t: t, home: home, env: []string{"HOME=" + home, "TERM=xterm", "LANG=C.UTF-8", "PATH=" + os.Getenv("PATH")}}
	// Go's own folders stay where they are: nothing is fetched or compiled twice.
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOFLAGS", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOTOOLCHAIN"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatalf("go env %s: %v", name, err)
		}
		r.env = append(r.env, name+"="+strings.TrimSpace(string(out)))
	}
	// The one thing that is not as a reader has it: a port of its own, because a
	// bunker may be running on this machine.
	data := filepath.Join(home, ".local", "share", "nsecbunker")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "config.toml"), []byte("listen = \"127.0.0.1:0\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// typeIn runs the lines of a block.
func (r *reader) typeIn(b *block) {
	r.t.Helper()
	r.block = ""
	lines := b.commands()
	_, holds := b.notes["holds"]
	_, refuse := b.notes["refused"]
	_, pairs := b.notes["pairs"]
	for i, line := range lines {
		r.t.Logf("%s: terminal %s: %s", b, b.notes["terminal"], line)
		switch line, beside := strings.CutSuffix(r.paste(line), "&"); {
		case holds && i == len(lines)-1:
			r.bunker = r.start(line)
			r.firstStart()
		case pairs:
			r.pair(line)
		case beside && refuse:
			r.refused = append(r.refused, r.start(line))
		case beside:
			r.beside = append(r.beside, r.start(line))
		default:
			p := r.start(line)
			err := p.wait()
			r.seen += p.String()
			r.block += p.String()
			if err != nil {
				r.t.Fatalf("%s: %s: %v\n%s\n--- the bunker's terminal:\n%s", b, line, err, p, r.bunker)
			}
		}
	}
}

// start types one line into a shell that has what earlier lines exported.
func (r *reader) start(line string) *program {
	r.t.Helper()
	state := filepath.Join(r.home, "exported")
	script := "if [ -f " + state + " ]; then . " + state + "; fi; " + line
	if strings.HasPrefix(line, "export ") {
		script += "; export -p >" + state
	}
	dir, err := filepath.Abs(root)
	if err != nil {
		r.t.Fatal(err)
	}
	r.started++
	return run(r.t, dir, r.env, "bash", "--norc", "-c", script)
}

// firstStart answers the questions of the first start as the README says: Enter,
// the passphrase that was made, Enter, Enter.
func (r *reader) firstStart() {
	r.t.Helper()
	p := r.bunker
	m, at := p.await(r.t, 0, `In the other terminal:\s+(export PATH=\S+)`)
	r.offered(m[1])
	_, at = p.await(r.t, at, `Press Enter to have one made.*: $`)
	p.send(r.t, "\n")
	m, at = p.await(r.t, at, `\n\s+([a-z]+(?:[- ][a-z]+)+)\s*\n[^\n]*Write it down`)
	_, at = p.await(r.t, at, `Type it here.*: $`)
	r.words = m[1]
	p.send(r.t, m[1]+"\n")
	_, at = p.await(r.t, at, `Addresses, .*: $`)
	p.send(r.t, "\n")
	_, at = p.await(r.t, at, `npub .*: $`)
	p.send(r.t, "\n")
	m, _ = p.await(r.t, at, `It works on this machine only[\s\S]*The admin app:  (http://\S+/admin/)\n[\s\S]*Next, in another terminal: .*\n`)
	r.served(m[1])
}

// served opens the address that the terminal shows.
func (r *reader) served(page string) {
	r.t.Helper()
	resp, err := http.Get(page)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(b), `<div id="app">`) {
		r.t.Errorf("%s: %s, %v\n%.300s", page, resp.Status, err, b)
	}
}

// pair lets a browser in. Another device of ours plays it, by the same link: it
// shows the same digits, and is let in once a person said that they agree. (e2e/
// does the same with a real browser.)
func (r *reader) pair(line string) {
	r.t.Helper()
	p := r.start(line)
	_, at := p.await(r.t, 0, `Passphrase of the bunker: $`)
	p.send(r.t, r.words+"\n")
	m, at := p.await(r.t, at, `(http://\S+/admin/#/login\?at=\S+)\n`)
	page, _, _ := strings.Cut(m[1], "#")
	r.served(page)
	device := r.start("nsecbunker --remote '" + m[1] + "' key list")
	shown, after := device.await(r.t, 0, `([0-9]{6})\n`)
	device.await(r.t, after, `Enter: wait\): $`)
	device.send(r.t, "\n")
	p.await(r.t, at, `Does it show `+shown[1]+`\?.* $`)
	p.send(r.t, "y\n")
	for _, end := range []*program{p, device} {
		if err := end.wait(); err != nil {
			r.t.Fatalf("%s: %v\n%s", line, err, end)
		}
	}
	r.block, r.seen = p.String(), r.seen+p.String()
	if !strings.Contains(device.String(), "herald") {
		r.t.Errorf("the paired device sees no key:\n%s", device)
	}
}

// offered holds the line that make run prints to what it promises: that the
// other terminal finds the program.
func (r *reader) offered(line string) {
	r.t.Helper()
	p := r.start("PATH=/usr/bin:/bin; " + line + "; command -v nsecbunker")
	want, err := filepath.Abs(filepath.Join(root, "bin", "nsecbunker"))
	if err != nil {
		r.t.Fatal(err)
	}
	if err := p.wait(); err != nil || strings.TrimSpace(p.String()) != want {
		r.t.Errorf("with the line that make run prints, nsecbunker is %q (%v), not %s", p, err, want)
	}
}

var (
	link     = regexp.MustCompile(`bunker://[0-9a-f]{64}\?\S+`)
	question = regexp.MustCompile(`(?m)^([a-z0-9]{6,})  \S.* wants to `)
)

// paste puts what a person would paste where the README has an ellipsis.
func (r *reader) paste(line string) string {
	r.t.Helper()
	if strings.Contains(line, "'bunker://…'") {
		all := link.FindAllString(r.seen, -1)
		if len(all) == 0 {
			r.t.Fatalf("%s: no link was printed before", line)
		}
		line = strings.ReplaceAll(line, "bunker://…", all[len(all)-1])
	}
	if strings.Contains(line, "'nostrconnect://…'") {
		line = strings.ReplaceAll(line, "nostrconnect://…", r.app())
	}
	if words := strings.Fields(line); len(words) > 2 && words[2] == "ID" {
		all := question.FindAllStringSubmatch(r.seen, -1)
		if len(all) == 0 {
			r.t.Fatalf("%s: no question was shown before:\n%s", line, r.seen)
		}
		line = strings.Replace(line, "ID", all[len(all)-1][1], 1)
	}
	if line = strings.TrimSpace(line); strings.Contains(line, "…") {
		r.t.Fatalf("%s: nothing is known to be pasted there", line)
	}
	if line == "nsecbunker approvals" {
		r.asked()
	}
	return line
}

// asked waits until the line in the background has asked: a person takes a
// moment to type, too.
func (r *reader) asked() {
	r.t.Helper()
	p := r.start(`until nsecbunker approvals --json | grep -q '"id"'; do :; done`)
	if err := p.wait(); err != nil {
		r.t.Fatalf("no question came: %v\n%s", err, p)
	}
}

// app is an app that shows a link of its own: the bundled client, with a session
// of its own.
func (r *reader) app() string {
	r.t.Helper()
	relay := regexp.MustCompile(`relay=(\S+?)(?:&|\s)`).FindStringSubmatch(r.seen)
	if relay == nil {
		r.t.Fatal("no relay was printed before")
	}
	url := strings.NewReplacer("%3A", ":", "%2F", "/").Replace(relay[1])
	p := r.start("nsecbunker client connect --nostrconnect --name app --key-file " + filepath.Join(r.home, "app.json") + " --relay " + url)
	r.beside = append(r.beside, p)
	m, at := p.await(r.t, 0, `(nostrconnect://[0-9a-f]{64}\?\S+)\n`)
	p.await(r.t, at, `Waiting for the bunker`)
	return m[1]
}

// expect holds what a block printed to what the README says that it prints.
func (r *reader) expect(b, of *block) {
	r.t.Helper()
	if of == nil {
		r.t.Fatalf("%s says what was printed, but nothing was run before", b)
	}
	text := r.block
	for _, line := range b.lines {
		parts := strings.Split(strings.TrimSpace(line), "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		at := regexp.MustCompile(`(?m)^\s*` + strings.Join(parts, ".*") + `\s*$`).FindStringIndex(text)
		if at == nil {
			r.t.Fatalf("%s: the line %q was not printed (in this order) by %s:\n%s", b, line, of, r.block)
		}
		text = text[at[1]:]
	}
}

// finish waits for the lines in the background, checks what was signed and stops
// the bunker as a person does.
func (r *reader) finish() {
	r.t.Helper()
	for _, p := range r.beside {
		if err := p.wait(); err != nil {
			r.t.Errorf("a line in the background failed: %v\n%s", err, p)
		}
		r.seen += p.String()
	}
	for _, p := range r.refused {
		if err := p.wait(); err == nil || !strings.Contains(p.String(), "an administrator refused this request") {
			r.t.Errorf("a line that was denied ended with %v\n%s", err, p)
		}
	}
	signed := 0
	for _, line := range strings.Split(r.seen, "\n") {
		if !json.Valid([]byte(line)) || !strings.HasPrefix(line, "{") {
			continue
		}
		ev, err := nostr.ParseEvent([]byte(line))
		if err == nil {
			err = ev.Verify()
		}
		if err != nil {
			r.t.Errorf("not a signed event: %v: %s", err, line)
		}
		signed++
	}
	if signed < 2 {
		r.t.Errorf("%d signed events were printed, want one for each sign", signed)
	}
	if r.bunker == nil {
		return
	}
	at := len(r.bunker.String())
	r.bunker.send(r.t, "\x03")
	r.bunker.await(r.t, min(at, len(r.bunker.String())), `Stopped\.`)
	_ = r.bunker.wait() // make says that it was interrupted
}
