package bunkertest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip19"
)

// planted is the secret of a key that must never leave.
var planted = []byte("planted secret of thirty-two by!")

// encodings are the forms in which a secret could slip out.
func encodings(b []byte) map[string][]byte {
	reversed := bytes.Clone(b)
	slices.Reverse(reversed)
	return map[string][]byte{
		"raw": b, "reversed": reversed, "hex": []byte(hex.EncodeToString(b)), "HEX": []byte(strings.ToUpper(hex.EncodeToString(b))),
		"base64": []byte(strings.TrimRight(base64.StdEncoding.EncodeToString(b), "=")), "base64url": []byte(base64.RawURLEncoding.EncodeToString(b)),
		"nsec": nip19.EncodeNsec(b), "hex reversed": []byte(hex.EncodeToString(reversed)),
	}
}

// Promise 10, for this instance's door: every command of the table, each role,
// with and without fresh proof, with a key that must not leave: no output, no
// file, no record, no backup holds its secret in any encoding.
func TestNoCommandLetsAKeyOutThatMustNotLeave(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.Admin("key.import", Params{"name": "held", "secret": hex.EncodeToString(planted), "no_export": true})
	a := b.Connected(b.Token("held", "all"))
	a.Sign(1, "x")
	needles := encodings(planted)
	search := func(where string, in []byte) {
		for name, n := range needles {
			if bytes.Contains(in, n) {
				t.Errorf("%s holds the secret as %s", where, name)
			}
		}
	}
	calls, done := 0, 0
	key, conn := "held", b.Connection("active")
	// No path: a backup with a passphrase takes scrypt; one without is made below.
	p := Params{
		"key": key, "id": conn, "uri": "bunker://x", "name": "again", "perms": "all", "client": "x", "password": "another good password",
		"passphrase": Passphrase, "kind": "passphrase", "url": "wss://relay.example.com",
	}
	// What would make others refuse for another reason comes last.
	last := []string{"key.delete", "key.lock", "stop", "connection.revoke", "connection.suspend"}
	commands := b.Commands()
	slices.SortStableFunc(commands, func(x, y *admin.Command) int {
		return slices.Index(last, x.Name) - slices.Index(last, y.Name)
	})
	for _, cmd := range commands {
		fields := Params{}
		for _, f := range cmd.Params() {
			if v, ok := p[f.Name]; ok {
				fields[f.Name] = v
			}
		}
		if cmd.Name == "seal" {
			continue // nothing could be asked after it; done last
		}
		for _, role := range []bunker.Role{bunker.NoRole, bunker.Viewer, bunker.Approver, bunker.Operator, bunker.Owner} {
			for _, fresh := range []bool{false, true} {
				body, err := json.Marshal(fields)
				if err != nil {
					t.Fatal(err)
				}
				by := bunker.Principal{Name: "local", Role: role, Door: bunker.DoorSocket, Fresh: fresh}
				v, err := b.Dispatch(t.Context(), by, cmd.Name, body)
				calls++
				if err == nil {
					done++
					out, err := json.Marshal(v)
					if err != nil {
						t.Fatal(err)
					}
					search(cmd.Name, out)
				} else {
					search(cmd.Name+"'s error", []byte(err.Error()))
				}
				if err == nil && (role < cmd.Role || cmd.Dangerous && !fresh) {
					t.Errorf("%s was done for role %s, fresh %t", cmd.Name, role, fresh)
				}
			}
		}
	}
	search("the audit export", b.Export())
	lock, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "backup")
	b.Admin("backup.create", Params{"path": file, "recipient": lock.Recipient().String()})
	search("the opened backup", openBackup(t, file, lock))
	search("seal", fmt.Append(nil, b.Admin("seal", nil)))
	b.Stop()
	files := 0
	err = filepath.WalkDir(b.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		files++
		search(path, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d calls of %d commands, %d of them done; %d files, a backup and the log searched for %d encodings: nothing",
		calls, len(b.Commands()), done, files, len(needles))
}

func openBackup(t testing.TB, file string, with age.Identity) []byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := age.Decrypt(f, with)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
