package admin

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/seal"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip49"
)

func TestKeysAreMadeListedAndRenamed(t *testing.T) {
	f := setUp(t)
	res := f.do("key.add", m{"name": "herald", "default": "deny"})
	if get(res, "key", "unlocked") != true || str(res, "key", "default") != "deny" || !strings.HasPrefix(str(res, "key", "npub"), "npub1") {
		t.Errorf("added: %v", res)
	}
	if r := f.last(); r.Action != "key.add" || r.Key != str(res, "key", "pubkey") || r.Object != str(res, "key", "id") || r.Step != "admin" {
		t.Errorf("record: %+v", r)
	}
	f.refused(bunker.CodeConflict, "already", "key.add", m{"name": "herald"})
	f.do("key.add", m{"name": "other"})
	f.refused(bunker.CodeConflict, "already", "key.rename", m{"key": "other", "name": "herald"})
	f.do("key.rename", m{"key": str(res, "key", "id"), "name": "town-crier"})
	f.refused(bunker.CodeNotFound, "herald", "key.show", m{"key": "herald"})
	list := f.do("key.list", m{"limit": 1})
	if len(get(list, "keys").([]any)) != 1 || str(list, "next") != "other" {
		t.Errorf("list: %v", list)
	}
	list = f.do("key.list", m{"limit": 1, "after": str(list, "next")})
	if str(get(list, "keys").([]any)[0], "name") != "town-crier" {
		t.Errorf("list: %v", list)
	}
}

func TestKeyNamesAreWhatPeopleCanType(t *testing.T) {
	f := setUp(t)
	for _, bad := range []string{
		"", " ", "two words", "né", "-x", ".x", "npub1abc", "NSEC1abc", strings.Repeat("a", MaxName+1), "a/b", "a\u200bb",
		string(bunker.NewKeyID()), string(bunker.NewSlotID()),
	} {
		f.refused(bunker.CodeInvalid, "name", "key.add", m{"name": bad})
	}
	for _, good := range []string{"a", "A.b_c-9", strings.Repeat("z", MaxName), "knight"} {
		f.do("key.add", m{"name": good})
	}
}

func TestKeysAreImportedInEveryForm(t *testing.T) {
	f := setUp(t)
	raw := secretOf(7)
	closed, err := nip49.Encrypt(raw, []byte("pass word"), 16, nip49.Secure, quickKDF)
	if err != nil {
		t.Fatal(err)
	}
	// NIP-06's first vector.
	const words = "leader monkey parrot ring guide accident before fence cannon height naive bean"
	const wordsKey = "7f7ff03d123792d6ac594bfa67bf6d0c0ab55b6b1fdb6249303fe861f1ccba9a"
	for name, p := range map[string]m{
		"nsec":  {"secret": string(nip19.EncodeNsec(secretOf(5)))},
		"hex":   {"secret": fmt.Sprintf("%064x", 6)},
		"ncry":  {"secret": " " + string(closed) + "\n", "password": "pass word"},
		"words": {"secret": "  " + strings.ToUpper(words) + "\n"},
	} {
		p["name"] = name
		res := f.do("key.import", p)
		want := map[string]string{"nsec": npubOf(5), "hex": npubOf(6), "ncry": npubOf(7)}[name]
		if name == "words" {
			var b []byte
			if _, err := fmt.Sscanf(wordsKey, "%x", &b); err != nil {
				t.Fatal(err)
			}
			pub, err := pubKeyOf(b)
			if err != nil {
				t.Fatal(err)
			}
			want = nip19.EncodeNpub(pub)
		}
		if got := str(res, "key", "npub"); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		if warned := strings.Contains(fmt.Sprint(get(res, "warnings")), "clipboard"); warned != (name != "ncry") {
			t.Errorf("%s: warnings %v", name, get(res, "warnings"))
		}
	}
}

func TestAKeyThatIsHereIsRefusedWithItsName(t *testing.T) {
	f := setUp(t)
	f.do("key.import", m{"name": "first", "secret": fmt.Sprintf("%064x", 9)})
	f.refused(bunker.CodeConflict, "as first", "key.import", m{"name": "second", "secret": fmt.Sprintf("%064x", 9)})
	f.do("key.lock", m{"key": "first"})
	f.do("seal", nil)
	f.do("unseal", m{"passphrase": passphrase}) // the vault does not know it now
	f.refused(bunker.CodeConflict, "as first", "key.import", m{"name": "second", "secret": fmt.Sprintf("%064x", 9)})
}

func TestBadSecretsAreRefusedWithoutRepeatingThem(t *testing.T) {
	f := setUp(t)
	closed, err := nip49.Encrypt(secretOf(7), []byte("right"), 16, nip49.Secure, quickKDF)
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]m{
		"empty":          {"secret": ""},
		"zero":           {"secret": strings.Repeat("0", 64)},
		"not hex":        {"secret": strings.Repeat("q", 64)},
		"npub":           {"secret": npubOf(3)},
		"bad nsec":       {"secret": "nsec1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"},
		"bad words":      {"secret": "zebra zebra zebra zebra zebra zebra zebra zebra zebra zebra zebra zebra"},
		"wrong password": {"secret": string(closed), "password": "wrong"},
		"no password":    {"secret": string(closed)},
		"bad ncryptsec":  {"secret": "ncryptsec1qqqq", "password": "x"},
		"account":        {"secret": "leader monkey parrot ring guide accident before fence cannon height naive bean", "account": 4294967295},
	} {
		p["name"] = "x"
		_, err := f.call("key.import", p)
		e := bunker.AsError(err)
		if err == nil || e.Code != bunker.CodeInvalid || (e.Field != "secret" && e.Field != "password") {
			t.Errorf("%s: %v (%s)", name, err, e.Field)
		}
		if s, _ := p["secret"].(string); len(s) > 0 && strings.Contains(e.Error(), s) {
			t.Errorf("%s: the error repeats the secret", name)
		}
	}
	if _, err := f.store.Key(t.Context(), bunker.SelfHosted, "x"); err == nil {
		t.Error("something was stored")
	}
}

// Locking wipes before it returns, holds over a restart, and both ways give the
// row a new version, so that decisions in flight are made anew.
func TestLockAndUnlockRaiseTheVersionAndReachTheVault(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	k := f.keyRow("herald")
	f.do("key.lock", m{"key": "herald"})
	locked := f.keyRow("herald")
	if !locked.Locked || locked.Version <= k.Version || f.Vault.Unlocked(bunker.SelfHosted, k.ID) {
		t.Errorf("locked: %+v", locked)
	}
	f.do("key.unlock", m{"key": "herald"})
	unlocked := f.keyRow("herald")
	if unlocked.Locked || unlocked.Version <= locked.Version || !f.Vault.Unlocked(bunker.SelfHosted, k.ID) {
		t.Errorf("unlocked: %+v", unlocked)
	}
	if f.world.changes < 3 {
		t.Error("the bunker around was not told")
	}
}

// Each guess costs the machine a quarter of a gigabyte for a second, and whoever may
// unlock a key could guess for ever.
func TestTriesOfAKeysOwnPassphraseAreLimited(t *testing.T) {
	f := setUp(t)
	const right = "a second passphrase"
	f.do("key.add", m{"name": "own", "passphrase": right})
	f.do("key.add", m{"name": "other", "passphrase": right})
	f.do("key.lock", m{"key": "own"})
	for range seal.MaxTries {
		f.refused(bunker.CodeNeedsProof, "wrong", "key.unlock", m{"key": "own", "passphrase": "a wrong passphrase"})
	}
	before := f.kdfs
	for _, name := range []string{"key.unlock", "key.passphrase.remove", "key.no_export"} {
		f.refused(bunker.CodeRateLimited, "try again", name, m{"key": "own", "passphrase": right})
	}
	if f.kdfs != before {
		t.Errorf("%d more were worked on", f.kdfs-before)
	}
	f.do("key.passphrase.remove", m{"key": "other", "passphrase": right})
	f.clock.add(seal.TryEvery)
	f.do("key.unlock", m{"key": "own", "passphrase": right})
	if left := *f.spent[f.keyRow("own").ID]; left.Spent != 0 {
		t.Errorf("the right one left %+v", left)
	}
}

func TestAKeysOwnPassphraseIsAskedForAndCanBeChanged(t *testing.T) {
	f := setUp(t)
	f.refused(bunker.CodeInvalid, "12", "key.add", m{"name": "own", "passphrase": "short"})
	f.do("key.add", m{"name": "own", "passphrase": "a second passphrase"})
	id := f.keyRow("own").ID
	f.do("key.lock", m{"key": "own"})
	f.refused(bunker.CodeNeedsProof, "passphrase of its own", "key.unlock", m{"key": "own"})
	f.refused(bunker.CodeNeedsProof, "wrong", "key.unlock", m{"key": "own", "passphrase": "a wrong passphrase"})
	if f.Vault.Unlocked(bunker.SelfHosted, id) || !f.keyRow("own").Locked {
		t.Error("a wrong passphrase unlocked")
	}
	f.do("key.unlock", m{"key": "own", "passphrase": "a second passphrase"})
	f.refused(bunker.CodeNeedsProof, "wrong", "key.passphrase.set", m{"key": "own", "passphrase": "a wrong passphrase", "new": "a third passphrase"})
	f.do("key.passphrase.set", m{"key": "own", "passphrase": "a second passphrase", "new": "a third passphrase"})
	f.do("key.lock", m{"key": "own"})
	f.refused(bunker.CodeNeedsProof, "wrong", "key.unlock", m{"key": "own", "passphrase": "a second passphrase"})
	f.do("key.unlock", m{"key": "own", "passphrase": "a third passphrase"})
	f.do("key.passphrase.remove", m{"key": "own", "passphrase": "a third passphrase"})
	f.refused(bunker.CodeConflict, "no passphrase of its own", "key.passphrase.remove", m{"key": "own"})
	f.do("key.lock", m{"key": "own"})
	f.do("key.unlock", m{"key": "own"})
	if f.keyRow("own").OwnPassphrase {
		t.Error("the row still says that it has one")
	}
}

func TestExportsAreClosedAndRecorded(t *testing.T) {
	f := setUp(t)
	f.do("key.import", m{"name": "herald", "secret": fmt.Sprintf("%064x", 9)})
	f.refused(bunker.CodeInvalid, "12", "key.export", m{"key": "herald", "password": "short"})
	res := f.do("key.export", m{"key": "herald", "password": "an export's password"})
	raw, _, err := nip49.Decrypt([]byte(str(res, "ncryptsec")), []byte("an export's password"), quickKDF)
	if err != nil || !bytes.Equal(raw, secretOf(9)) {
		t.Errorf("the export opens to something else: %v", err)
	}
	if r := f.last(); r.Action != "key.export" || r.Key == "" {
		t.Errorf("record: %+v", r)
	}
}

func TestANonExportableKeyNeverLeaves(t *testing.T) {
	f := setUp(t)
	f.do("key.import", m{"name": "born", "secret": fmt.Sprintf("%064x", 9), "no_export": true})
	f.do("key.add", m{"name": "made"})
	f.do("key.no_export", m{"key": "made"})
	f.refused(bunker.CodeConflict, "already", "key.no_export", m{"key": "made"})
	for _, k := range []string{"born", "made"} {
		before := f.seq()
		f.refused(bunker.CodeBlocked, "never be exported", "key.export", m{"key": k, "password": "an export's password"})
		if f.seq() != before {
			t.Error("a refused export was recorded as one")
		}
	}
	res := f.do("leave", m{"password": "an export's password"})
	for _, k := range get(res, "keys").([]any) {
		if get(k, "ncryptsec") != nil || str(k, "reason") == "" {
			t.Errorf("leave: %v", k)
		}
	}
	// It works all the same.
	f.do("key.lock", m{"key": "made"})
	f.do("key.unlock", m{"key": "made"})
}

func TestLeaveExportsWhatMayGoAndNamesTheRest(t *testing.T) {
	f := setUp(t)
	for i := range MaxLeave {
		f.do("key.add", m{"name": fmt.Sprintf("k%02d", i)})
	}
	f.do("key.add", m{"name": "x-own", "passphrase": "a second passphrase"})
	f.do("key.import", m{"name": "z", "secret": fmt.Sprintf("%064x", 9)})
	first := f.do("leave", m{"password": "an export's password"})
	if len(get(first, "keys").([]any)) != MaxLeave || str(first, "next") == "" {
		t.Fatalf("first page: %v", first)
	}
	second := f.do("leave", m{"password": "an export's password", "after": str(first, "next")})
	keys := get(second, "keys").([]any)
	if len(keys) != 2 || str(second, "next") != "" || !strings.Contains(str(keys[0], "reason"), "key export") {
		t.Fatalf("second page: %v", second)
	}
	raw, _, err := nip49.Decrypt([]byte(str(keys[1], "ncryptsec")), []byte("an export's password"), quickKDF)
	if err != nil || !bytes.Equal(raw, secretOf(9)) {
		t.Errorf("the export opens to something else: %v", err)
	}
}

func TestDeletionWaitsAndCanBeTakenBack(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	id := f.keyRow("herald").ID
	res := f.do("key.delete", m{"key": "herald"})
	if str(res, "key", "state") != "deleting" || f.Vault.Unlocked(bunker.SelfHosted, id) {
		t.Errorf("deleted: %v", res)
	}
	f.refused(bunker.CodeConflict, "being deleted", "key.delete", m{"key": "herald"})
	f.refused(bunker.CodeConflict, "being deleted", "key.unlock", m{"key": "herald"})
	f.refused(bunker.CodeConflict, "being deleted", "token.create", m{"key": "herald", "client": "x"})
	f.do("key.restore", m{"key": "herald"})
	f.refused(bunker.CodeConflict, "not being deleted", "key.restore", m{"key": "herald"})
	if !f.Vault.Unlocked(bunker.SelfHosted, id) {
		t.Error("brought back, and not in memory")
	}
	f.do("key.lock", m{"key": "herald"})
	f.do("key.delete", m{"key": "herald"})
	f.do("key.restore", m{"key": "herald"})
	if f.Vault.Unlocked(bunker.SelfHosted, id) {
		t.Error("a locked key came back unlocked")
	}
	f.do("key.delete", m{"key": "herald"})
	if res := f.system("key.purge"); len(get(res, "deleted").([]any)) != 0 {
		t.Errorf("purged early: %v", res)
	}
	f.passTime(7*24*time.Hour + time.Minute)
	if res := f.system("key.purge"); get(res, "deleted").([]any)[0] != "herald" {
		t.Errorf("purged: %v", res)
	}
	f.refused(bunker.CodeNotFound, "herald", "key.show", m{"key": "herald"})
	f.do("key.add", m{"name": "herald"})
}

func TestNpubLoginAndDefaultCanBeSet(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	f.refused(bunker.CodeInvalid, "nothing", "key.set", m{"key": "herald"})
	f.refused(bunker.CodeInvalid, "ask or deny", "key.set", m{"key": "herald", "default": "allow"})
	res := f.do("key.set", m{"key": "herald", "npub_login": true})
	if get(res, "key", "npub_login") != true || get(res, "warnings") == nil {
		t.Errorf("set: %v", res)
	}
	res = f.do("key.set", m{"key": "herald", "npub_login": false, "default": "deny"})
	if get(res, "key", "npub_login") != false || str(res, "key", "default") != "deny" || get(res, "warnings") != nil {
		t.Errorf("set: %v", res)
	}
}

func TestAnAdminsOwnKeyIsFlagged(t *testing.T) {
	f := setUp(t)
	res := f.do("key.import", m{"name": "mine", "secret": fmt.Sprintf("%064x", 1)}) // the owner's npub
	if get(res, "key", "admin_here") != true {
		t.Errorf("imported: %v", res)
	}
	f.do("key.import", m{"name": "hers", "secret": fmt.Sprintf("%064x", 2)})
	f.do("admin.add", m{"npub": npubOf(2), "role": "viewer"})
	if !f.keyRow("hers").AdminHere {
		t.Error("not flagged by admin.add")
	}
	f.do("admin.remove", m{"npub": npubOf(2)})
	if f.keyRow("hers").AdminHere {
		t.Error("still flagged after admin.remove")
	}
}

// A row that changed while scrypt worked is not overwritten.
func TestWorkOnAnOldRowIsRefused(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "own", "passphrase": "a second passphrase"})
	stale := *f.keyRow("own")
	f.do("key.rename", m{"key": "own", "name": "renamed"})
	if err := unchanged(f.keyRow("renamed"), stale.Version); err == nil || bunker.AsError(err).Code != bunker.CodeConflict {
		t.Errorf("got %v", err)
	}
}

// Whatever happens at the same time, what the row says of a key and what the
// vault holds are the same afterwards: a locked key is never in memory.
func TestLockingAndUnlockingAtOnceAgreeInTheEnd(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	id := f.keyRow("herald").ID
	calls := []struct {
		name   string
		params string
	}{{"key.lock", `{"key":"herald"}`}, {"key.unlock", `{"key":"herald"}`}, {"key.delete", `{"key":"herald"}`}, {"key.restore", `{"key":"herald"}`}, {"stop", ``}}
	for trial := range 40 {
		var wg sync.WaitGroup
		for i := range 6 {
			c := calls[(trial+i)%len(calls)]
			wg.Go(func() {
				_, err := f.Dispatch(context.Background(), owner(), c.name, []byte(c.params))
				if e := bunker.AsError(err); err != nil && e.Code != bunker.CodeConflict {
					t.Errorf("%s: %v", c.name, err)
				}
			})
		}
		wg.Wait()
		k := f.keyRow("herald")
		if mayBe := !k.Locked && k.State == bunker.KeyActive; f.Vault.Unlocked(bunker.SelfHosted, id) && !mayBe {
			t.Fatalf("trial %d: the key is in memory, and its row says locked %t, %s", trial, k.Locked, k.State)
		}
	}
}
