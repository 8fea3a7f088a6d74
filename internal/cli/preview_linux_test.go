package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestAnImportAtATerminalTellsWhatItWouldHaveChangedBeforeItAsks(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	b := sit(t, dir, "start", "--listen", "127.0.0.1:0", "--passphrase-file", write("passphrase", "a passphrase of a test\n"))
	b.sees("makes your first key")
	beside(t, dir, "", "key", "add", "herald", "--deny")
	const notes = "name = \"newsroom\"\n[[rule]]\nid = \"notes\"\neffect = \"allow\"\nkinds = [1]\n"
	beside(t, dir, "", "policy", "import", write("newsroom.toml", notes))
	link := regexp.MustCompile(`bunker://\S+`).FindString(beside(t, dir, "", "token", "create", "herald", "--client", "desk", "--policy", "newsroom"))
	beside(t, dir, "", "client", "sign", "--bunker", link, "-c", "one")

	s := sit(t, dir, "policy", "import", write("wider.toml", strings.Replace(notes, "[1]", "[7]", 1)))
	s.sees("1 request of the last 30 days: 0 the same, 1 now refused")
	s.sees("1 now refused: desk, kind 1 (short note); before: allow by policy newsroom/notes@1; then: by default")
	s.sees("Type newsroom to go on:")
	s.types("no")
	if code, text := s.leaves(); code != 1 || !strings.Contains(text, "nothing was done") {
		t.Errorf("exit code %d after\n%s", code, text)
	}
	// A script is told nothing that it did not ask for.
	if out := beside(t, dir, "", "policy", "import", write("same.toml", notes+"note = \"for all\"\n")); strings.Contains(out, "of the last 30 days") {
		t.Errorf("without a terminal:\n%s", out)
	}
	b.interrupts()
	b.leaves()
}
