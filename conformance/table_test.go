package conformance

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write docs/compatibility.md anew")

const tablePath = "../docs/compatibility.md"

// table collects what each library did.
type table struct {
	mu   sync.Mutex
	done map[string]map[string]*lack // by title and step; nil: it works
}

func newTable() *table { return &table{done: map[string]map[string]*lack{}} }

func (t *table) works(l library, step string)          { t.set(l, step, nil) }
func (t *table) lacks(l library, step string, k *lack) { t.set(l, step, k) }

func (t *table) set(l library, step string, k *lack) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done[l.title()] == nil {
		t.done[l.title()] = map[string]*lack{}
	}
	t.done[l.title()][step] = k
}

// complete names the first cell that no run filled.
func (t *table) complete() (missing string) {
	for _, l := range libraries() {
		for _, s := range steps {
			if _, ok := t.done[l.title()][s.name]; !ok {
				return l.title() + ": " + s.name
			}
		}
	}
	return ""
}

// check holds docs/compatibility.md to what happened.
func (t *table) check(test *testing.T) {
	if missing := t.complete(); missing != "" {
		if !test.Failed() && flag.Lookup("test.run").Value.String() == "" {
			test.Errorf("the table is not complete: %s", missing)
		}
		return // a part of the libraries was run, or one failed: it says so itself
	}
	want := t.render()
	if *update {
		if err := os.WriteFile(filepath.FromSlash(tablePath), []byte(want), 0o644); err != nil {
			test.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(filepath.FromSlash(tablePath))
	if err != nil {
		test.Fatal(err)
	}
	if string(have) != want {
		test.Errorf("docs/compatibility.md is not what was seen; make it anew: cd conformance && go test -run TestLibraries . -update")
	}
}

func (t *table) render() string {
	var b strings.Builder
	b.WriteString("# Client libraries that were tried\n\n")
	b.WriteString("Made by `conformance/run`: the real binary as a process, the real libraries over real sockets, every result checked with\n")
	b.WriteString("cryptography of another origin. Do not edit; make it anew with `cd conformance && go test -run TestLibraries . -update`.\n\n")
	b.WriteString("✓ works. A number is what the library itself lacks, with the place in its source that shows it; the raw part of the\n")
	b.WriteString("suite covers the bunker's side of it. A library that takes the signer key for the user key (C) logs in by npub and token;\n")
	b.WriteString("while that key is locked or the bunker sealed nothing can be heard there, and the words are those of the relay.\n\n")
	b.WriteString("| |")
	for i := range libraries() {
		fmt.Fprintf(&b, " %c |", 'A'+i)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(libraries())) + "\n")
	var notes []*lack
	number := map[*lack]int{}
	for _, s := range steps {
		fmt.Fprintf(&b, "| %s |", s.title)
		for _, l := range libraries() {
			k := t.done[l.title()][s.name]
			if k == nil {
				b.WriteString(" ✓ |")
				continue
			}
			if number[k] == 0 {
				notes = append(notes, k)
				number[k] = len(notes)
			}
			fmt.Fprintf(&b, " %d |", number[k])
		}
		b.WriteString("\n")
	}
	b.WriteString("\n| | library | version | envelope |\n|---|---|---|---|\n")
	for i, l := range libraries() {
		fmt.Fprintf(&b, "| %c | %s | %s | %s |\n", 'A'+i, l.name, l.version, strings.ToUpper(l.envelope[:3])+"-"+l.envelope[3:])
	}
	b.WriteString("\n")
	for i, k := range notes {
		fmt.Fprintf(&b, "%d. %s: %s (`%s`, line %d)\n", i+1, k.Library, k.Reason, k.File, k.Line)
	}
	return b.String()
}
