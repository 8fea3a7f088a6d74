package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/secret/secrettest"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip44"
)

// TestMain lets the test's program play the process that is searched: it is told
// the secrets masked only (see secrettest).
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "searched" {
		if err := beSearched(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// searchJob is what the child is told: rows as in the store, secrets masked.
type searchJob struct {
	Root, Service, Pass string // needles; what opens the rows
	Needles             []string
	Key, Own            bunker.UserKey
	Peer                nostr.PubKey
	C44, C04            string // letters from Peer to Key
}

// searchResult is what was found, by the name of the needle, at each stage.
type searchResult struct{ Unlocked, Locked, Sealed map[string]int }

// TestLockedMeansNotInMemory is promise 5 of security.md section 6, in a process
// of its own: sign, encrypt, decrypt, export, rewrap; then nothing of the key may
// be in the memory after lock, and nothing of the root key after seal.
func TestLockedMeansNotInMemory(t *testing.T) {
	job := newSearchJob(t)
	in, err := json.Marshal(job)
	must(t, err)
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe, "searched")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	must(t, err)
	var found searchResult
	must(t, json.Unmarshal(out, &found))

	for _, want := range []string{"key/", "own/", "conversation44/", "conversation04/", "root/", "sub"} {
		if count(found.Unlocked, want) == 0 {
			t.Errorf("%s is not found while unlocked: the search is blind", want)
		}
	}
	for _, stage := range []map[string]int{found.Unlocked, found.Locked, found.Sealed} {
		for _, never := range []string{"pass/", "nsec"} {
			if n := count(stage, never); n != 0 {
				t.Errorf("%s is in memory %d times", never, n)
			}
		}
	}
	// The shared key of NIP-04 is not in this list: crypto/aes keeps it as the
	// beginning of its key schedule, on the heap, and nostr/nip04 leaves that to the
	// collector. The vault's own copy is gone: TestDroppedConversationsAreWiped.
	for _, gone := range []string{"key/", "own/", "conversation44/"} {
		if n := count(found.Locked, gone); n != 0 {
			t.Errorf("%s is in memory %d times after lock: %v", gone, n, found.Locked)
		}
	}
	for _, gone := range []string{"key/", "own/", "conversation44/", "root/", "sub"} {
		if n := count(found.Sealed, gone); n != 0 {
			t.Errorf("%s is in memory %d times after seal: %v", gone, n, found.Sealed)
		}
	}
	t.Logf("%d needles; unlocked %d hits, locked %d, sealed %d", len(job.Needles), count(found.Unlocked, ""), count(found.Locked, ""), count(found.Sealed, ""))
}

func count(found map[string]int, prefix string) (n int) {
	for name, c := range found {
		if strings.HasPrefix(name, prefix) {
			n += c
		}
	}
	return n
}

func newSearchJob(t *testing.T) searchJob {
	t.Helper()
	v := sealedVault(t)
	var root, service, pass, raw, own [32]byte
	for _, b := range [][]byte{root[:], service[:], pass[:], raw[:], own[:]} {
		rand.Read(b)
	}
	raw[0], own[0] = 0x3f, 0x3f // below the order of the group
	const tenant = bunker.TenantID("searched")
	must(t, v.OpenService(tenant, bytes.Clone(service[:])))
	must(t, v.Unseal(tenant, root[:]))
	job := searchJob{Peer: stranger(t, v).PubKey()}
	job.Key = bunker.UserKey{Tenant: tenant, ID: "k1", State: bunker.KeyActive}
	job.Own = bunker.UserKey{Tenant: tenant, ID: "k2", State: bunker.KeyActive, OwnPassphrase: true}
	var err error
	job.Key.PubKey, job.Key.Ciphertext, err = v.NewUserKey(tenant, "k1", false, bytes.Clone(raw[:]), nil)
	must(t, err)
	job.Own.PubKey, job.Own.Ciphertext, err = v.NewUserKey(tenant, "k2", false, bytes.Clone(own[:]), pass[:])
	must(t, err)

	peer := stranger(t, v)
	job.Peer = peer.PubKey()
	job.C44, job.C04 = closed(t, peer, job.Key.PubKey, "a letter")
	var c44, c04 [32]byte
	must(t, nip44.ConversationKey(peer, job.Key.PubKey, &c44))
	must(t, nip04.SharedKey(peer, job.Key.PubKey, &c04))

	nsec := nip19.EncodeNsec(raw[:])
	needles := []secrettest.Needle{secrettest.Hide("nsec", nsec)}
	for name, number := range map[string][32]byte{
		"key": raw, "own": own, "pass": pass, "root": root, "conversation44": c44, "conversation04": c04,
	} {
		needles = append(needles, secrettest.Forms(name, number)...)
	}
	for i, s := range v.tenants[tenant].root.sub {
		must(t, s.Use(func(b []byte) {
			needles = append(needles, secrettest.Forms(fmt.Sprintf("sub%d", i), [32]byte(b))...)
		}))
	}
	for _, n := range needles {
		job.Needles = append(job.Needles, n.String())
	}
	hide := func(b [32]byte) string { return secrettest.Hide("x", b[:]).String() }
	job.Root, job.Service, job.Pass = hide(root), hide(service), hide(pass)
	return job
}

// beSearched is the child.
func beSearched() error {
	var job searchJob
	if err := json.NewDecoder(os.Stdin).Decode(&job); err != nil {
		return err
	}
	var needles []secrettest.Needle
	for _, s := range job.Needles {
		n, err := secrettest.Parse(s)
		if err != nil {
			return err
		}
		needles = append(needles, n)
	}
	a, err := secret.NewArena(1<<20, secret.Options{AllowSwap: true})
	if err != nil {
		return err
	}
	v, err := New(Config{Arena: a, Now: time.Now, ConversationKeys: 64})
	if err != nil {
		return err
	}
	if err := job.work(a, v); err != nil {
		return err
	}
	var found searchResult
	if found.Unlocked, err = secrettest.Scan(needles); err != nil {
		return err
	}
	if err := v.LockAll(job.Key.Tenant); err != nil {
		return err
	}
	if found.Locked, err = secrettest.Scan(needles); err != nil {
		return err
	}
	if err := v.Seal(job.Key.Tenant); err != nil {
		return err
	}
	if found.Sealed, err = secrettest.Scan(needles); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

// revealed lends a masked secret in the arena.
func revealed(a *secret.Arena, needle string, f func(b []byte) error) error {
	n, err := secrettest.Parse(needle)
	if err != nil {
		return err
	}
	room, err := a.New(32)
	if err != nil {
		return err
	}
	defer room.Destroy()
	var inner error
	if err := room.Use(func(b []byte) { inner = f(n.Reveal(b[:0])) }); err != nil {
		return err
	}
	return inner
}

// work does everything that can be done with keys, many times, from several
// goroutines, so that stacks grow and the collector runs.
func (j *searchJob) work(a *secret.Arena, v *Vault) error {
	t := j.Key.Tenant
	if err := revealed(a, j.Service, func(b []byte) error { return v.OpenService(t, b) }); err != nil {
		return err
	}
	if err := revealed(a, j.Root, func(b []byte) error { return v.Unseal(t, b) }); err != nil {
		return err
	}
	errs := make(chan error)
	const workers = 4
	for range workers {
		go func() { errs <- j.shift(a, v) }()
	}
	var failed error
	for range workers {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	return failed
}

func (j *searchJob) shift(a *secret.Arena, v *Vault) error {
	f := floorOf()
	f.Tenant = j.Key.Tenant
	for i := range 8 {
		err := revealed(a, j.Pass, func(pass []byte) error {
			if err := v.UnlockUserKey(j.Own, pass); err != nil {
				return err
			}
			_, err := v.RewrapUserKey(j.Own, pass, nil, false)
			return err
		})
		if err == nil {
			err = v.UnlockUserKey(j.Key, nil)
		}
		if err == nil {
			err = j.use(v, f)
		}
		if err == nil && i < 4 { // the last ones leave it unlocked
			err = v.LockUserKey(j.Own.Tenant, j.Own.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *searchJob) use(v *Vault, f Floor) error {
	ev, err := v.SignEvent(f, j.Key.ID, note("hello"))
	if err != nil {
		return err
	}
	if err := ev.Verify(); err != nil {
		return err
	}
	if _, err = v.Encrypt44(f, j.Key.ID, j.Peer, []byte("hello")); err != nil {
		return err
	}
	if _, err = v.Encrypt04(f, j.Key.ID, j.Peer, []byte("hello")); err != nil {
		return err
	}
	if _, err = v.Decrypt44(f, j.Key.ID, j.Peer, j.C44); err != nil {
		return err
	}
	if _, err = v.Decrypt04(f, j.Key.ID, j.Peer, j.C04); err != nil {
		return err
	}
	if _, err = v.Tag(&j.Key); err != nil {
		return err
	}
	if _, err = v.SealReply(f.Tenant, ev.ID, []byte("reply")); err != nil {
		return err
	}
	return v.ExportUserKey(j.Key, nil, func([]byte) error { return nil })
}
