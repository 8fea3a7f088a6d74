package bunkertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Records lists the audit records that a filter of audit.list finds, newest
// first.
func (b *Bunker) Records(filter Params) []Answer {
	b.t.Helper()
	var out []Answer
	p := Params{}
	for k, v := range filter {
		p[k] = v
	}
	for {
		page := b.Admin("audit.list", p)
		out = append(out, page.Each("records")...)
		if p["after"] = page.Text("next"); p["after"] == "" {
			return out
		}
	}
}

// Export is the audit chain as it is handed out.
func (b *Bunker) Export() []byte {
	b.t.Helper()
	var lines strings.Builder
	for after := ""; ; {
		page := b.Admin("audit.export", Params{"after": after})
		for _, l := range page.List("lines") {
			lines.WriteString(l.(string) + "\n")
		}
		if after = page.Text("next"); after == "" {
			return []byte(lines.String())
		}
	}
}

// Verify has the chain and the whole store verified by the bunker, against a
// fresh checkpoint. It returns the number of records.
func (b *Bunker) Verify() int {
	b.t.Helper()
	b.verify()
	return b.Admin("status", nil).Number("audit.seq")
}

// verify returns the checkpoint.
func (b *Bunker) verify() string {
	b.t.Helper()
	held := b.Admin("audit.checkpoint", nil).Text("checkpoint")
	if rep := b.Admin("audit.verify", Params{"held": []string{held}}); !rep.Is("whole") {
		b.t.Fatalf("the chain is not whole: %v", rep)
	}
	if b.as != "" { // the machine's own command
		return held
	}
	if found := b.Admin("instance.check", nil); !found.Is("sound") {
		b.t.Fatalf("the store is not sound: %v", found)
	}
	return held
}

// VerifyOutside is Verify, and has the export verified by the independent program
// of docs.
func (b *Bunker) VerifyOutside() int {
	b.t.Helper()
	held := b.verify()
	dir := b.t.TempDir()
	export, checkpoint := filepath.Join(dir, "export.jsonl"), filepath.Join(dir, "held.jsonl")
	all := b.Export()
	for path, content := range map[string][]byte{export: all, checkpoint: []byte(held + "\n")} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	out, err := exec.Command("python3", filepath.Join(Root(), "docs", "verify_audit.py"), export, "--held", checkpoint).CombinedOutput()
	if err != nil {
		b.t.Fatalf("docs/verify_audit.py: %v\n%s", err, out)
	}
	return b.Admin("status", nil).Number("audit.seq")
}

// Root is the folder of the repository.
func Root() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..")
}
