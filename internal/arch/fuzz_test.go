package arch

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// reader is a parser of what strangers write.
type reader struct {
	what    string
	pkg     string // where it must be fuzzed
	pattern string // of the fuzz functions' names
	atLeast int
}

// parsers returns what must be fuzzed, by name.
func parsers() []reader {
	return []reader{
		{"event (JSON)", "nostr", `Event`, 1},
		{"NIP-04 payload", "nostr/nip04", `.`, 1},
		{"NIP-19 words", "nostr/nip19", `.`, 1},
		{"profile (kind 0)", "nostr/nip24", `Profile`, 1},
		{"NIP-44 payload", "nostr/nip44", `.`, 1},
		{"NIP-46 message", "nostr/nip46", `Request|Message|Reply`, 1},
		{"bunker:// URI", "nostr/nip46", `(?i)bunker`, 1},
		{"nostrconnect:// URI", "nostr/nip46", `(?i)connect`, 1},
		{"NIP-49 ncryptsec", "nostr/nip49", `.`, 1},
		{"relay list (NIP-65)", "nostr/nip65", `Relays`, 1},
		{"rumor in a gift wrap", "nostr/nip59", `Rumor`, 1},
		{"answer by direct message", "internal/notify", `Reply`, 1},
		{"picture of a profile", "internal/picture", `Small`, 1},
		{"relay's frame, as a client", "internal/relay", `.`, 1},
		{"client's frame, as a relay", "internal/signerrelay", `.`, 1},
		{"config", "internal/config", `.`, 1},
		{"requests of the page for orders", "internal/web", `Buy`, 1},
		{"policy (TOML)", "internal/policy/text", `.`, 1},
		{"packed rules", "internal/bunker", `Packed`, 1},
		{"packed rules, decided by", "internal/policy", `Packed`, 1},
		{"admin parameters", "internal/admin", `.`, 1},
		{"operation, for people", "internal/describe", `.`, 1},
		{"admin session's messages", "internal/adminwire", `Message|Order`, 1},
		{"wallet connection (NIP-47)", "nostr/nip47", `URI`, 1},
		{"wallet's message (NIP-47)", "nostr/nip47", `Message`, 1},
		{"wallet's answer over HTTP", "internal/wallet", `Answer`, 1},
		{"macaroon", "internal/wallet", `Macaroon`, 1},
		{"invoice (BOLT 11)", "internal/wallet/bolt11", `Invoice`, 2},
		{"row of a bunker that is taken in", "internal/store", `Parcel`, 1},
		{"file of a bunker that is taken in", "internal/daemon", `Parcel`, 1},
		{"hint of another instance", "internal/store", `Hint`, 1},
		{"connection string", "internal/adminwire", `ConnectionString`, 1},
		{"announcement of a copy", "internal/adminwire", `Message`, 1},
	}
}

// TestEveryParserIsFuzzed: each parser of untrusted text has a fuzz test, with
// seeds; scripts/fuzz finds and runs them all.
func TestEveryParserIsFuzzed(t *testing.T) {
	m, err := Load(root)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{}
	exists := map[string]bool{}
	for _, p := range m.Packages {
		for _, f := range p.Files {
			exists[p.Path] = exists[p.Path] || !f.Test
			for _, d := range f.Syntax.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if ok && f.Test && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Fuzz") {
					names[p.Path] = append(names[p.Path], fn.Name.Name)
				}
			}
		}
	}
	for _, want := range parsers() {
		if !exists[want.pkg] {
			continue // a package that is not built yet has no parser; the table above waits for it
		}
		n := 0
		for _, name := range names[want.pkg] {
			if regexp.MustCompile(want.pattern).MatchString(strings.TrimPrefix(name, "Fuzz")) {
				n++
			}
		}
		if n < want.atLeast {
			t.Errorf("%s: no fuzz test named Fuzz…%s… in %s (found %q)", want.what, want.pattern, want.pkg, names[want.pkg])
		}
	}
}
