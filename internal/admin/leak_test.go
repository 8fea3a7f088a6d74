package admin

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip49"
)

// A key to look for: not one that hides among zeroes.
const lostKey = "7f7ff03d123792d6ac594bfa67bf6d0c0ab55b6b1fdb6249303fe861f1ccba9a"

// shapes are the ways in which a private key can be written.
func shapes(raw []byte) map[string]string {
	return map[string]string{
		"raw": string(raw), "hex": hex.EncodeToString(raw), "HEX": strings.ToUpper(hex.EncodeToString(raw)), "nsec": string(nip19.EncodeNsec(bytes.Clone(raw))),
		"base64": base64.RawStdEncoding.EncodeToString(raw), "base64url": base64.RawURLEncoding.EncodeToString(raw),
		"decimal": new(big.Int).SetBytes(raw).String(), "bytes": strings.Trim(fmt.Sprint(raw), "[]"),
	}
}

// TestNoCommandGivesANonExportableKeyAway calls every command of the table, later
// ones too, with what it takes as far as that can be guessed from the names of its
// parameters, as a freshly proven owner and as the bunker itself, and searches
// what comes back: results, refusals, records. (security.md section 6, promise 10)
func TestNoCommandGivesANonExportableKeyAway(t *testing.T) {
	f := setUp(t)
	raw, err := hex.DecodeString(lostKey)
	if err != nil {
		t.Fatal(err)
	}
	f.do("key.import", m{"name": "guarded", "secret": lostKey, "no_export": true})
	f.do("key.add", m{"name": "herald"})
	conn := f.connected("all")
	question := f.ask(conn, 1, "x")
	guesses := m{
		"key": "guarded", "password": passphrase, "passphrase": passphrase, "new": passphrase, "client": "c", "perms": "all", "npub": npubOf(9),
		"role": "viewer", "path": "/backup.age", "url": "wss://three.example.com", "kind": "passphrase", "name": "other-name", "slot": "passphrase",
		"uri": newApp(t).uri("wss://app.example.com"), "secret": strings.Repeat("1", 64), "id": string(question.ID), "grant": "g0",
	}
	looked, found := 0, regexp.MustCompile(`ncryptsec1[a-z0-9]+`)
	search := func(c *Command, out []byte) {
		t.Helper()
		looked++
		for shape, s := range shapes(raw) {
			if bytes.Contains(out, []byte(s)) {
				t.Errorf("%s gives the key away as %s", c.Name, shape)
			}
		}
		for _, n := range found.FindAll(out, -1) {
			if got, _, err := nip49.Decrypt(n, []byte(passphrase), quickKDF); err == nil && bytes.Equal(got, raw) {
				t.Errorf("%s gives the key away as ncryptsec", c.Name)
			}
		}
	}
	for _, c := range f.Commands() {
		if c.Name == "seal" || c.Name == "stop" || c.Name == "setup" || c.Name == "unseal" || c.Name == "key.delete" {
			defer f.probe(c, m{"passphrase": passphrase, "key": "guarded"}, search) // after the others
			continue
		}
		f.probe(c, guesses, search)
	}
	// And the files: nothing of the key is on disk as it is.
	recs := f.do("audit.list", nil)
	b, err := json.Marshal(recs)
	if err != nil {
		t.Fatal(err)
	}
	search(&Command{Name: "the log"}, b)
	if looked < len(f.Commands()) {
		t.Errorf("only %d answers were searched", looked)
	}
}

// probe calls a command with those of the guesses that it has parameters for.
func (f *fixture) probe(c *Command, guesses m, search func(*Command, []byte)) {
	f.t.Helper()
	params := m{}
	for _, p := range c.Params() {
		if v, ok := guesses[p.Name]; ok {
			params[p.Name] = v
		}
	}
	b, err := json.Marshal(params)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, p := range []bunker.Principal{owner(), System()} {
		res, err := f.Dispatch(context.Background(), p, c.Name, b)
		out := fmt.Appendf(nil, "%+v %#v %v", res, res, err)
		if j, err := json.Marshal(res); err == nil {
			out = append(out, j...)
		}
		search(c, out)
	}
}
