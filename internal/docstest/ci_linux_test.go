package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nsecbunker/nostr"
)

// TestTheExampleSignsFromCI does what examples/README.md says: a link, a session
// in a secret, and the script with nothing but that; then the connection is
// revoked, and the script fails.
func TestTheExampleSignsFromCI(t *testing.T) {
	bin := built(t)
	home := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	env := []string{"HOME=" + home, "PATH=" + filepath.Dir(bin) + ":" + os.Getenv("PATH"), "TERM=dumb"}
	sh := func(line string) *program { return run(t, root, env, "bash", "--norc", "-c", line) }
	ok := func(line string) string {
		t.Helper()
		p := sh(line)
		if err := p.wait(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, p)
		}
		return p.String()
	}
	pass := file("pass", "correct horse battery staple\n")
	bunker := sh("nsecbunker start --listen 127.0.0.1:0 --passphrase-file " + pass)
	bunker.await(t, 0, `Next, in another terminal`)

	steps := blocks(t, "examples/README.md")[0].commands()
	ok("nsecbunker key add herald")
	uri := link.FindString(ok(steps[0]))
	ok(strings.Replace(strings.Replace(steps[1], "bunker://…", uri, 1), "ci.session", filepath.Join(home, "ci.session"), 1))
	session, err := os.ReadFile(filepath.Join(home, "ci.session"))
	if err != nil {
		t.Fatal(err)
	}
	// Nothing else of that machine is in CI.
	env = append([]string{"HOME=" + t.TempDir(), "BUNKER_SESSION=" + string(session)}, env[1:]...)
	ev, err := nostr.ParseEvent([]byte(strings.TrimSpace(ok("examples/sign-from-ci.sh 'Version 1.2 is out'"))))
	if err == nil {
		err = ev.Verify()
	}
	if err != nil || ev.Content != "Version 1.2 is out" {
		t.Fatalf("%v: %v", err, ev)
	}

	env = append([]string{"HOME=" + home}, env[2:]...)
	id := regexp.MustCompile(`(?m)^(c[a-z0-9]{10,}) `).FindStringSubmatch(ok("nsecbunker connections"))
	if id == nil {
		t.Fatal("no connection is listed")
	}
	ok("nsecbunker connections revoke " + id[1] + " --yes")
	env = append(env, "BUNKER_SESSION="+string(session))
	if p := sh("examples/sign-from-ci.sh again"); p.wait() == nil || !strings.Contains(p.String(), "revoked") {
		t.Errorf("after the revocation: %s", p)
	}
}
