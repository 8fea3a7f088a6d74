//go:build linux

package bunkertest

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"nsecbunker/internal/config"
	"nsecbunker/internal/freeport"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/secret/secrettest"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip46"
)

// Promise 5, on the real program: a key is imported over the socket, signs,
// encrypts and decrypts; its number and the conversation key are in the memory of
// the process before `key lock` and not after it, and no text form of the key
// ever is; what is on the disk, a backup and the log hold it in no encoding.
func TestALockedKeyIsNotInTheMemoryOfTheProgram(t *testing.T) {
	t.Parallel()
	p := newRealProcess(t)
	p.makeReadable()
	arena := newArena(t)
	raw, user, peer := knownKey(t, arena)
	needles := memoryNeedles(t, raw, peer, user)
	p.call("key.import", Params{"name": "held", "secret": hex.EncodeToString(raw)}, []byte(Passphrase))
	imported := p.scan(needles) // before the memory that it came through is used for other things
	u, err := nip46.ParseBunkerURI(p.Admin("token.create", Params{"key": "held", "client": "app", "perms": "all"}).Text("uri"))
	if err != nil {
		t.Fatal(err)
	}
	a := NewApp(t, arena, new(Clock).Now, u.Remote, u.Secret, u.Relays)
	a.Connect().Want("ack")

	const rounds = 50
	letter44, letter04 := letters(t, peer, user, "a letter")
	for range rounds {
		if e := a.Sign(1, rand.Text()); e.PubKey != user {
			t.Fatalf("signed by %s", e.PubKey)
		}
		a.Ask(nip46.NIP44Decrypt, peer.PubKey().String(), letter44).Want("a letter")
		a.Ask(nip46.NIP04Decrypt, peer.PubKey().String(), letter04).Want("a letter")
		if g := a.Ask(nip46.NIP44Encrypt, peer.PubKey().String(), "hello").Answer(); g.Failed() {
			t.Fatal(g.Error)
		}
	}

	open := p.scan(needles)
	for _, want := range []string{"number/", "conversation/"} {
		if hits(open, want) == 0 {
			t.Errorf("%s is not found while the key is open: the search is blind", want)
		}
	}
	p.Admin("key.lock", Params{"key": "held"})
	locked := p.scan(needles)
	a.AskSign(1, "no").Fails("locked")
	p.Admin("key.unlock", Params{"key": "held"})
	a.Sign(1, "again")
	again := p.scan(needles)
	if hits(again, "number/") == 0 {
		t.Error("the key is not found after it was unlocked: the search is blind")
	}
	for when, found := range map[string]map[string]int{"imported": imported, "open": open, "unlocked": again} {
		if n := hits(found, "text/"); n != 0 {
			t.Errorf("%s: a text form of the key is in memory %d times: %v", when, n, found)
		}
	}
	p.Admin("seal", nil)
	sealed := p.scan(needles)
	for when, found := range map[string]map[string]int{"locked": locked, "sealed": sealed} {
		if n := hits(found, ""); n != 0 {
			t.Errorf("%s: %d hits in memory: %v", when, n, found)
		}
	}
	t.Logf("%d needles in the memory of the process: imported %d hits, open %d, locked %d, unlocked %d, sealed %d",
		len(needles), hits(imported, ""), hits(open, ""), hits(locked, ""), hits(again, ""), hits(sealed, ""))
	p.searchDisk(raw, user)
}

// newRealProcess is NewProcess with nothing done in this process: the program was
// set up over its socket, with scrypt as people have it, and then started anew,
// opened by a key file.
func newRealProcess(t *testing.T) *Process {
	t.Helper()
	p := &Process{t: t, Dir: t.TempDir(), Listen: freeport.Address(t)}
	c := config.Default()
	c.Listen, c.AllowSwap = p.Listen, true
	text, err := c.Print()
	if err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(p.Dir, "slot.key")
	for path, content := range map[string][]byte{filepath.Join(p.Dir, config.File): text, key: []byte(rand.Text() + rand.Text())} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.keepLog()
	p.Start()
	p.Admin("setup", Params{"passphrase": Passphrase})
	p.call("slot.add", Params{"kind": "file", "name": "unattended", "path": key}, []byte(Passphrase))
	p.Kill()
	p.Start()
	until(t, "the key file opened it", func() bool { return p.Admin("status", nil).Text("state") == "unsealed" })
	return p
}

// knownKey is a key whose number a test can look for, and a peer of it.
func knownKey(t *testing.T, arena *secret.Arena) (raw []byte, user nostr.PubKey, peer *nostr.SecretKey) {
	t.Helper()
	raw = make([]byte, 32)
	rand.Read(raw)
	raw[0] = 0x3f // below the order of the group
	key, err := nostr.NewSecretKey(arena, bytes.Clone(raw))
	if err != nil {
		t.Fatal(err)
	}
	if peer, err = nostr.GenerateKey(arena); err != nil {
		t.Fatal(err)
	}
	return raw, key.PubKey(), peer
}

// memoryNeedles are what must not be found: the number in every order of bytes
// and words that code keeps numbers in, its texts, the conversation key with peer.
func memoryNeedles(t *testing.T, raw []byte, peer *nostr.SecretKey, user nostr.PubKey) []secrettest.Needle {
	t.Helper()
	needles := whole("number", [32]byte(raw))
	for i, n := range needles { // these two are texts
		if form, _ := strings.CutPrefix(n.Name, "number/"); strings.EqualFold(form, "hex") {
			needles[i].Name = "text/" + form
		}
	}
	for _, form := range []string{"base64", "nsec", "hex reversed"} { // the rest of the encodings is there
		needles = append(needles, secrettest.Hide("text/"+form, bytes.Clone(encodings(raw)[form])))
	}
	var conversation [32]byte
	if err := nip44.ConversationKey(peer, user, &conversation); err != nil {
		t.Fatal(err)
	}
	return append(needles, whole("conversation", conversation)...)
}

// whole are the forms of a number without those of its single words: the kernel
// saves registers when a signal comes, and nothing in a program can wipe those.
// The tests of nostr/internal/secp look for words, without signals.
func whole(name string, number [32]byte) []secrettest.Needle {
	return slices.DeleteFunc(secrettest.Forms(name, number), func(n secrettest.Needle) bool {
		return strings.HasPrefix(n.Name, name+"/word")
	})
}

// letters are one text from peer to user in both encryptions.
func letters(t *testing.T, peer *nostr.SecretKey, user nostr.PubKey, text string) (in44, in04 string) {
	t.Helper()
	var key [32]byte
	err := nip44.ConversationKey(peer, user, &key)
	if err == nil {
		in44, err = nip44.Encrypt(&key, []byte(text))
	}
	if err == nil {
		err = nip04.SharedKey(peer, user, &key)
	}
	if err == nil {
		in04, err = nip04.Encrypt(&key, []byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	return in44, in04
}

func hits(found map[string]int, prefix string) (n int) {
	for name, c := range found {
		if strings.HasPrefix(name, prefix) {
			n += c
		}
	}
	return n
}

// scan searches the process while it stands still.
func (p *Process) scan(needles []secrettest.Needle) map[string]int {
	p.t.Helper()
	pid := p.cmd.Process.Pid
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		p.t.Fatal(err)
	}
	until(p.t, "the program stands still", func() bool {
		status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
		return err == nil && bytes.Contains(status, []byte("\nState:\tT"))
	})
	found, err := secrettest.ScanProcess(pid, needles)
	if err := errors.Join(err, p.cmd.Process.Signal(syscall.SIGCONT)); err != nil {
		p.t.Fatal(err)
	}
	return found
}

// makeReadable sees to it that the memory of the process can be searched. The
// program keeps others out (PR_SET_DUMPABLE); root is let in all the same. For
// whoever else runs this test, the same source is built without that one call: a
// build, not a switch, so that the real program has none.
func (p *Process) makeReadable() {
	p.t.Helper()
	mem := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "mem")
	f, err := os.Open(mem)
	if err == nil {
		if err := f.Close(); err != nil {
			p.t.Fatal(err)
		}
		return
	}
	if !errors.Is(err, os.ErrPermission) {
		p.t.Fatal(err)
	}
	dir := p.t.TempDir()
	hidden, open := filepath.Join(Root(), "internal", "secret", "dump_linux.go"), filepath.Join(dir, "dump_linux.go")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{hidden: open}})
	if err != nil {
		p.t.Fatal(err)
	}
	const source = "package secret\n\n// NoDumps does nothing.\nfunc NoDumps() error { return nil }\n"
	for path, content := range map[string][]byte{open: []byte(source), filepath.Join(dir, "overlay"): overlay} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	program := filepath.Join(dir, "nsecbunker")
	cmd := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay"), "-o", program, "./cmd/nsecbunker")
	cmd.Dir, cmd.Env = Root(), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
	p.Kill()
	p.program = program
	p.Start()
	p.t.Log("the program keeps us out, as it should: searched is a build of it without PR_SET_DUMPABLE")
}

// searchDisk has a backup made, ends the process and searches the data folder, as
// a running database left it, the backup, closed and opened, and the log.
func (p *Process) searchDisk(raw []byte, pub nostr.PubKey) {
	p.t.Helper()
	p.call("unseal", Params{"slot": "unattended"}, nil)
	lock, err := age.GenerateX25519Identity()
	if err != nil {
		p.t.Fatal(err)
	}
	backup := filepath.Join(p.t.TempDir(), "backup")
	p.call("backup.create", Params{"path": backup, "recipient": lock.Recipient().String()}, []byte(Passphrase))
	p.Kill()
	found := map[string][]byte{"the opened backup": openBackup(p.t, backup, lock)}
	paths := []string{backup, p.out.Name()}
	err = filepath.WalkDir(p.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, path := range paths {
		if found[path], err = os.ReadFile(path); err != nil {
			p.t.Fatal(err)
		}
	}
	needles, public, control := encodings(raw), encodings(pub[:]), map[string]int{}
	for where, content := range found {
		for name, n := range needles {
			if bytes.Contains(content, n) {
				p.t.Errorf("%s holds the key as %s", where, name)
			}
		}
		for _, n := range public {
			control[where] += bytes.Count(content, n)
		}
	}
	// The public key is no secret, and shows that the search is not blind.
	inFolder := 0
	for where, n := range control {
		if strings.HasPrefix(where, p.Dir) {
			inFolder += n
		}
	}
	if inFolder == 0 || control["the opened backup"] == 0 {
		p.t.Errorf("the public key is not found in the data folder and the backup: %v", control)
	}
	p.t.Logf("data folder, backup and log: %d files searched for %d encodings, 0 hits (the public key: %d in the folder, %d in the backup)",
		len(found), len(needles), inFolder, control["the opened backup"])
}
