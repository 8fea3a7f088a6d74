package seal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/vault"
)

const goodPassphrase = "correct horse battery"

func TestAPassphraseOpensItsSlotThroughARealChild(t *testing.T) {
	f := newFixture(t, realChild(t))
	in := Input{Name: "mine", Passphrase: []byte(goodPassphrase)}
	s := f.wrap(t, bunker.SlotPassphrase, in)
	if string(in.Passphrase) != goodPassphrase {
		t.Fatal("the passphrase was changed")
	}
	if s.Name != "mine" || s.Tenant != bunker.SelfHosted || s.CreatedAt != testNow.UnixMilli() || bytes.Contains(s.Wrapped, f.root) {
		t.Fatalf("slot %+v", s)
	}
	f.opens(t, s, pass(goodPassphrase))
	wantErr(t, f.refuses(t, s, pass(goodPassphrase+"!")), ErrWrong)
	if used, _ := f.cfg.Arena.Used(); used != 0 {
		t.Fatalf("%d bytes of the arena are still taken", used)
	}
}

func TestTheSameCharactersFromAnotherKeyboardOpen(t *testing.T) {
	f := newFixture(t)
	s := f.wrap(t, bunker.SlotPassphrase, pass("Ångström-ﬁne-words")) // Å, ö as one rune, the ligature fi
	f.opens(t, s, pass("Ångström-fine-words"))
}

func TestAWrongPassphraseIsRefused(t *testing.T) {
	f := newFixture(t)
	s := f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))
	for _, p := range []string{"correct horse batter", "Correct horse battery", goodPassphrase + " "} {
		err := f.refuses(t, s, pass(p))
		wantErr(t, err, ErrWrong)
		wantCode(t, err, bunker.CodeNeedsProof)
	}
	for _, p := range []string{"", "\xff\xfe", strings.Repeat("x", MaxPassphrase+1)} {
		f.refuses(t, s, pass(p))
	}
	if f.tries.tries.Spent != 3 {
		t.Fatalf("%d tries were counted, want those three that were made", f.tries.tries.Spent)
	}
}

// edit changes one parameter of a slot's row.
func edit(t testing.TB, s bunker.Slot, key string, value any) bunker.Slot {
	t.Helper()
	m := map[string]any{}
	must(t, json.Unmarshal(s.Params, &m))
	m[key] = value
	var err error
	s.Params, err = json.Marshal(m)
	must(t, err)
	return s
}

func TestTamperedParametersAreRefused(t *testing.T) {
	f := newFixture(t)
	s := f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))
	calls := 0
	count := newFixture(t, func(c *Config) {
		c.KDF = func(p, salt []byte, n uint8) ([]byte, error) { calls++; return nil, errors.New("called") }
	})
	before := map[string]bunker.Slot{
		"log_n too low":     edit(t, s, "log_n", MinLogN-1),
		"log_n too high":    edit(t, s, "log_n", MaxLogN+1),
		"log_n 300":         edit(t, s, "log_n", 300),
		"r":                 edit(t, s, "r", 16),
		"p":                 edit(t, s, "p", 0),
		"kdf":               edit(t, s, "kdf", "pbkdf2"),
		"salt short":        edit(t, s, "salt", "00"),
		"salt no hex":       edit(t, s, "salt", strings.Repeat("z", 32)),
		"unknown field":     edit(t, s, "q", 1),
		"field of another":  edit(t, s, "path", "/etc/passwd"),
		"empty":             {Kind: s.Kind, Wrapped: s.Wrapped},
		"two documents":     {Kind: s.Kind, Wrapped: s.Wrapped, Params: append(bytes.Clone(s.Params), s.Params...)},
		"cut off":           {Kind: s.Kind, Wrapped: s.Wrapped, Params: s.Params[:len(s.Params)-2]},
		"too long":          {Kind: s.Kind, Wrapped: s.Wrapped, Params: append(bytes.Repeat([]byte(" "), MaxParams), s.Params...)},
		"wrapped cut off":   {Kind: s.Kind, Params: s.Params, Wrapped: s.Wrapped[:len(s.Wrapped)-1]},
		"wrapped empty":     {Kind: s.Kind, Params: s.Params},
		"wrapped too long":  {Kind: s.Kind, Params: s.Params, Wrapped: append(bytes.Clone(s.Wrapped), 0)},
		"kind without rule": {Kind: "kms", Params: s.Params, Wrapped: s.Wrapped},
	}
	for name, bad := range before {
		err := count.refuses(t, bad, pass(goodPassphrase))
		if errors.Is(err, ErrWrong) {
			t.Errorf("%s: it was tried: %v", name, err)
		}
	}
	if calls != 0 {
		t.Fatalf("the KDF ran %d times on parameters that are out of bounds", calls)
	}
	after := map[string]bunker.Slot{
		"log_n raised": edit(t, s, "log_n", MinLogN+1),
		"salt":         edit(t, s, "salt", strings.Repeat("ab", 16)),
		"same, spaced": {Tenant: s.Tenant, ID: s.ID, Kind: s.Kind, Wrapped: s.Wrapped, Params: append(bytes.Clone(s.Params), ' ')},
		"another id":   {Tenant: s.Tenant, ID: "sx", Kind: s.Kind, Wrapped: s.Wrapped, Params: s.Params},
		"another tenant": {
			Tenant: "other", ID: s.ID, Kind: s.Kind, Wrapped: s.Wrapped, Params: s.Params,
		},
	}
	higher := newFixture(t, func(c *Config) { c.LogN = MinLogN + 1 })
	lowered := edit(t, higher.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase)), "log_n", MinLogN)
	after["log_n lowered"] = lowered
	for i := range s.Wrapped {
		b := s
		b.Wrapped = bytes.Clone(s.Wrapped)
		b.Wrapped[i] ^= 1
		after[fmt.Sprintf("byte %d", i)] = b
	}
	for name, bad := range after {
		f.tries.tries = Tries{}
		if err := f.refuses(t, bad, pass(goodPassphrase)); !errors.Is(err, ErrWrong) && !errors.Is(err, vault.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASlotsCiphertextOpensInNoOtherSlot(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	must(t, CreateKeyFile(a))
	must(t, CreateKeyFile(b))
	f := newFixture(t)
	one := f.wrap(t, bunker.SlotFile, Input{Path: a})
	two := f.wrap(t, bunker.SlotFile, Input{Path: a})
	three := f.wrap(t, bunker.SlotFile, Input{Path: b})
	slots := []bunker.Slot{one, two, three}
	for i, s := range slots {
		f.opens(t, s, Input{})
		for j, other := range slots {
			if i == j {
				continue
			}
			s.Wrapped = other.Wrapped
			wantErr(t, f.refuses(t, s, Input{}), ErrWrong)
		}
	}
}

func TestAKeyFileOpensWhileItIsOursAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	must(t, CreateKeyFile(path))
	f := newFixture(t)
	s := f.wrap(t, bunker.SlotFile, Input{Path: path})
	f.opens(t, s, Input{})
	if err := CreateKeyFile(path); !errors.Is(err, os.ErrExist) {
		t.Fatalf("a key file was replaced: %v", err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o660, 0o777, 0o610, 0o601} {
		must(t, os.Chmod(path, mode))
		wantCode(t, f.refuses(t, s, Input{}), bunker.CodeInvalid)
	}
	for _, mode := range []os.FileMode{0o600, 0o400} {
		must(t, os.Chmod(path, mode))
		f.opens(t, s, Input{})
	}
	must(t, os.Chmod(path, 0o600))
	must(t, os.WriteFile(path, bytes.Repeat([]byte{1}, 32), 0o600))
	wantErr(t, f.refuses(t, s, Input{}), ErrWrong)
	for name, content := range map[string][]byte{
		"short": bytes.Repeat([]byte{1}, MinKeyMaterial-1), "empty": nil, "long": bytes.Repeat([]byte{1}, MaxKeyMaterial+1),
	} {
		must(t, os.WriteFile(path, content, 0o600))
		if err := f.refuses(t, s, Input{}); errors.Is(err, ErrWrong) {
			t.Errorf("%s: it was tried", name)
		}
	}
	must(t, os.WriteFile(path, bytes.Repeat([]byte{1}, MaxKeyMaterial), 0o600))
	f.opens(t, f.wrap(t, bunker.SlotFile, Input{Path: path}), Input{})
	must(t, os.Remove(path))
	wantErr(t, f.refuses(t, s, Input{}), os.ErrNotExist)
}

func TestWhatIsNoKeyFileIsRefused(t *testing.T) {
	f := newFixture(t)
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	must(t, mkfifo(fifo))
	for _, path := range []string{dir, fifo, "/dev/zero", "relative.key", ""} {
		_, err := f.Wrap(context.Background(), bunker.SelfHosted, bunker.SlotFile, Input{Path: path}, f.lend)
		if err == nil {
			t.Errorf("%q became a slot", path)
		}
	}
	if os.Geteuid() != 0 {
		return // only root can give a file away
	}
	path := filepath.Join(dir, "others")
	must(t, CreateKeyFile(path))
	must(t, os.Chown(path, 12345, -1))
	_, err := f.Wrap(context.Background(), bunker.SelfHosted, bunker.SlotFile, Input{Path: path}, f.lend)
	wantCode(t, err, bunker.CodeInvalid)
}

func TestACredentialOpensItsSlot(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "root"), bytes.Repeat([]byte{5}, 40), 0o440))
	f := newFixture(t, func(c *Config) { c.CredentialsDir = dir })
	s := f.wrap(t, bunker.SlotCredential, Input{Credential: "root"})
	f.opens(t, s, Input{})

	must(t, os.Chmod(filepath.Join(dir, "root"), 0o444))
	wantCode(t, f.refuses(t, s, Input{}), bunker.CodeInvalid)
	none := newFixture(t)
	wantCode(t, none.refuses(t, s, Input{}), bunker.CodeInvalid)
	for _, name := range []string{"", "..", "../root", "a/b", ".hidden", "a b", strings.Repeat("x", MaxCredentialName+1), "missing"} {
		_, err := f.Wrap(context.Background(), bunker.SelfHosted, bunker.SlotCredential, Input{Credential: name}, f.lend)
		wantCode(t, err, bunker.CodeInvalid)
	}
}

func TestTheFirstSlotThatNeedsNobodyOpensUnattended(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "root.key")
	must(t, CreateKeyFile(path))
	f := newFixture(t)
	p := f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))
	good := f.wrap(t, bunker.SlotFile, Input{Path: path})
	gone := good
	gone.Params = bytes.ReplaceAll(good.Params, []byte("root.key"), []byte("gone.key"))

	root, by, err := f.OpenUnattended(context.Background(), []bunker.Slot{p, gone, good})
	must(t, err)
	root.Destroy()
	if by.ID != good.ID {
		t.Fatalf("opened by %s", by.ID)
	}
	_, _, err = f.OpenUnattended(context.Background(), []bunker.Slot{p, gone})
	if err == nil || errors.Is(err, ErrNoSlot) || !strings.Contains(err.Error(), "gone.key") {
		t.Fatalf("it is not said what is wrong: %v", err)
	}
	_, _, err = f.OpenUnattended(context.Background(), []bunker.Slot{p})
	wantErr(t, err, ErrNoSlot)
	if f.tries.tries != (Tries{}) {
		t.Fatal("tries were counted")
	}
}

func TestChangingThePassphraseRewrapsOneRow(t *testing.T) {
	f := newFixture(t)
	old := f.wrap(t, bunker.SlotPassphrase, Input{Name: "mine", Passphrase: []byte(goodPassphrase)})
	const next = "another good passphrase"
	s, err := f.ChangePassphrase(context.Background(), old, []byte(goodPassphrase), []byte(next))
	must(t, err)
	if s.ID != old.ID || s.Name != old.Name || bytes.Equal(s.Params, old.Params) {
		t.Fatalf("slot %+v", s)
	}
	f.opens(t, s, pass(next))
	wantErr(t, f.refuses(t, s, pass(goodPassphrase)), ErrWrong)

	_, err = f.ChangePassphrase(context.Background(), s, []byte(goodPassphrase), []byte(next))
	wantErr(t, err, ErrWrong)
	_, err = f.ChangePassphrase(context.Background(), s, []byte(next), []byte("short"))
	wantCode(t, err, bunker.CodeInvalid)
	file := s
	file.Kind = bunker.SlotFile
	_, err = f.ChangePassphrase(context.Background(), file, []byte(next), []byte(next))
	wantCode(t, err, bunker.CodeInvalid)
}

func TestVerifyIsAProofOfThePassphrase(t *testing.T) {
	f := newFixture(t)
	slots := []bunker.Slot{f.wrap(t, bunker.SlotPassphrase, pass("the first passphrase")), f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))}
	ours, others := func([]byte) bool { return true }, func([]byte) bool { return false }
	if err := f.Verify(context.Background(), slots, []byte(goodPassphrase), others); bunker.AsError(err).Code != bunker.CodeNeedsProof {
		t.Errorf("a slot of another root key proves: %v", err)
	}
	must(t, f.Verify(context.Background(), slots, []byte(goodPassphrase), ours))
	wantErr(t, f.Verify(context.Background(), slots, []byte("neither of the two"), ours), ErrWrong)
	wantErr(t, f.Verify(context.Background(), nil, []byte(goodPassphrase), ours), ErrNoSlot)
	if f.tries.tries.Spent != 1 {
		t.Fatalf("%d tries for one passphrase over two slots", f.tries.tries.Spent)
	}
}

func TestASlotIsNotMadeFromWhatCannotBeReadAgain(t *testing.T) {
	f := newFixture(t)
	for name, c := range map[string]struct {
		kind bunker.SlotKind
		in   Input
	}{
		"no kind":       {"", Input{}},
		"unknown kind":  {"kms", Input{}},
		"short":         {bunker.SlotPassphrase, pass("12345678901")},
		"no command":    {bunker.SlotCommand, Input{}},
		"long command":  {bunker.SlotCommand, Input{Command: strings.Repeat("x", MaxCommandName+1)}},
		"long path":     {bunker.SlotFile, Input{Path: "/" + strings.Repeat("x", MaxParams)}},
		"no credential": {bunker.SlotCredential, Input{}},
	} {
		if _, err := f.Wrap(context.Background(), bunker.SelfHosted, c.kind, c.in, f.lend); err == nil {
			t.Errorf("%s: a slot was made", name)
		}
	}
	boom := errors.New("sealed")
	_, err := f.Wrap(context.Background(), bunker.SelfHosted, bunker.SlotPassphrase, pass(goodPassphrase), func(func([]byte) error) error { return boom })
	wantErr(t, err, boom)
	_, err = f.Wrap(context.Background(), bunker.SelfHosted, bunker.SlotPassphrase, pass(goodPassphrase), func(use func([]byte) error) error { return use(make([]byte, 31)) })
	if err == nil {
		t.Fatal("a root key of 31 bytes was wrapped")
	}
}

func TestSlotsOpenTheVault(t *testing.T) {
	f := newFixture(t)
	v, err := vault.New(vault.Config{Arena: f.cfg.Arena, Now: f.cfg.Now, ConversationKeys: 4})
	must(t, err)
	defer v.Close()
	must(t, v.OpenService(bunker.SelfHosted, bytes.Repeat([]byte{1}, 32)))
	must(t, v.NewRootKey(bunker.SelfHosted))
	before := v.Digest(bunker.SelfHosted, []byte("x"))
	s, err := f.Wrap(context.Background(), bunker.SelfHosted, bunker.SlotPassphrase, pass(goodPassphrase), func(use func([]byte) error) error {
		return v.WithRootKey(bunker.SelfHosted, use)
	})
	must(t, err)
	must(t, v.Seal(bunker.SelfHosted))
	root, err := f.Open(context.Background(), s, pass(goodPassphrase))
	must(t, err)
	defer root.Destroy()
	must(t, root.Use(func(b []byte) { err = v.Unseal(bunker.SelfHosted, b) }))
	must(t, err)
	if v.Digest(bunker.SelfHosted, []byte("x")) != before {
		t.Fatal("another root key")
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := newFixture(t).cfg
	for name, change := range map[string]func(*Config){
		"arena": func(c *Config) { c.Arena = nil }, "kdf": func(c *Config) { c.KDF = nil },
		"attempts": func(c *Config) { c.Attempts = nil }, "now": func(c *Config) { c.Now = nil },
		"low": func(c *Config) { c.LogN = MinLogN - 1 }, "high": func(c *Config) { c.LogN = MaxLogN + 1 },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	c := good
	c.LogN = 0
	s, err := New(c)
	must(t, err)
	if s.cfg.LogN != DefaultLogN || DefaultLogN != 18 {
		t.Fatalf("new slots cost 2^%d", s.cfg.LogN)
	}
}

func FuzzSlotParams(f *testing.F) {
	f.Add("passphrase", []byte(`{"kdf":"scrypt","log_n":18,"r":8,"p":1,"salt":"000102030405060708090a0b0c0d0e0f"}`))
	f.Add("passphrase", []byte(`{"kdf":"scrypt","log_n":99}`))
	f.Add("file", []byte(`{"path":"/etc/root.key"}`))
	f.Add("credential", []byte(`{"credential":"x"}`))
	f.Add("command", []byte(`{"command":"kms"} {}`))
	f.Add("", []byte(`null`))
	f.Fuzz(func(t *testing.T, kind string, b []byte) {
		p, err := parseParams(bunker.SlotKind(kind), b)
		if err != nil {
			if p != (params{}) {
				t.Fatal("an error with parameters")
			}
			return
		}
		again, err := p.json()
		must(t, err)
		if q, err := parseParams(bunker.SlotKind(kind), again); err != nil || q != p {
			t.Fatalf("%s does not come back: %v", again, err)
		}
		if bunker.SlotKind(kind) == bunker.SlotPassphrase && (p.LogN < MinLogN || p.LogN > MaxLogN || len(p.salt()) != saltSize) {
			t.Fatalf("out of bounds: %+v", p)
		}
	})
}
