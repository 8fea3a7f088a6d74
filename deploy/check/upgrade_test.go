package check

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"nsecbunker/internal/bunkertest"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/pgtest"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/socket"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

const (
	// olderCommit is the version that instances of this one must be able to run beside: it
	// knows schema 110. When a migration raises schema_rule.minimum, name a commit that knows
	// that schema here.
	olderCommit = "e7a74a75ce07c08ba6337890b0e8464875adb37c"
	// sendAgain is how long an app waits before it sends its request once more.
	sendAgain = time.Second
	// budget is what all apps together may sign.
	budget = 24
)

// buildOlder makes the program of an earlier version from the history of this checkout. A
// copy of old SQL would prove less: what runs is what ran.
func buildOlder(t *testing.T) string {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) *exec.Cmd {
		return exec.Command("git", append([]string{"-C", top, "-c", "safe.directory=" + top}, args...)...)
	}
	if out, err := git("cat-file", "-e", olderCommit+"^{commit}").CombinedOutput(); err != nil {
		t.Skipf("NOT RUN: this checkout has no history with %s in it (git fetch --unshallow brings it): %v %s", olderCommit[:12], err, out)
	}
	dir := t.TempDir()
	archive := filepath.Join(dir, "source.tar")
	if out, err := git("archive", "-o", archive, olderCommit).CombinedOutput(); err != nil {
		t.Fatalf("git archive: %v\n%s", err, out)
	}
	source := filepath.Join(dir, "source")
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("tar", "-xf", archive, "-C", source).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	return buildIn(t, source)
}

// setUp waits until an instance that sets its bunker up by itself has stored the passphrase.
func (in *instance) setUp(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if slots, _ := in.call(t, "slot.list", nil, nil)["slots"].([]any); len(slots) > 0 {
			return
		}
	}
	t.Fatal("the bunker was not set up")
}

// do calls a command over an instance's socket, with the passphrase as its proof.
func (in *instance) do(t *testing.T, command string, params bunkertest.Params) map[string]any {
	t.Helper()
	return in.call(t, command, params, []byte("correct horse battery staple"))
}

func (in *instance) call(t *testing.T, command string, params bunkertest.Params, proof []byte) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := socket.Dial(ctx, filepath.Join(in.data, daemon.SocketFile))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	var result map[string]any
	if err := c.Call(ctx, command, body, proof, &result); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return result
}

// kill ends an instance as a lost machine does.
func (in *instance) kill() {
	_ = in.cmd.Process.Kill()
	in.ended <- <-in.ended
}

// user is one app that asks all the time, until it is told to stop.
type user struct {
	*bunkertest.App
	asked []*bunkertest.Asked
}

// ask has an app ask for n signatures one after another, each sent again until it is
// answered.
func (u *user) ask(t *testing.T, n int) {
	for range n {
		q := u.Prepare(nip46.SignEvent, u.Note(1, fmt.Sprint("note ", len(u.asked))))
		u.asked = append(u.asked, q)
		for end := time.Now().Add(patience); ; {
			_ = u.Publish(q.Event) // nobody may take it
			ctx, cancel := context.WithTimeout(context.Background(), sendAgain)
			_, ok := q.TryAnswer(ctx)
			cancel()
			if ok {
				break
			}
			if time.Now().After(end) {
				t.Error("a request was not answered, though it was sent again and again")
				return
			}
		}
	}
}

// TestAnOlderVersionServesBesideThisOne is a rolling upgrade with two real programs on one
// PostgreSQL under requests: the older one goes on while the newer one brings the schema up
// to date, is killed, started again on the newer schema, and taken away. Every request has
// one reply and at most one signature, and the budget of all is spent exactly.
func TestAnOlderVersionServesBesideThisOne(t *testing.T) {
	older, newer := buildOlder(t), build(t)
	database, credentials := pgtest.Own(t).Database(t), secrets(t)
	a := launch(t, older, database, credentials)
	a.until(t, a.metrics, "/metrics", `nsecbunker_tenants{state="unsealed"} 1`)
	a.until(t, a.listen, "/readyz", "ok")
	a.setUp(t)
	a.do(t, "key.add", bunkertest.Params{"name": "herald"})
	a.do(t, "policy.create", bunkertest.Params{"name": "counted", "rules": []bunkertest.Params{{
		"id": "notes", "effect": "allow", "kinds": []bunkertest.Params{{"from": 1, "to": 1}}, "budget": bunkertest.Params{"total": budget, "per": "policy"},
	}}})
	arena, err := secret.NewArena(1<<20, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	connect := func(through ...*instance) *user {
		t.Helper()
		uri := a.do(t, "token.create", bunkertest.Params{"key": "herald", "client": "app", "policy": "counted"})["uri"].(string)
		link, err := nip46.ParseBunkerURI(uri)
		if err != nil {
			t.Fatal(err)
		}
		var relays []string
		for _, in := range through {
			relays = append(relays, "ws://"+in.listen)
		}
		u := &user{App: bunkertest.NewApp(t, arena, time.Now, link.Remote, link.Secret, relays)}
		u.Connect().Want("ack")
		return u
	}
	users := []*user{connect(a)}
	everybody := users
	// all has every app ask while something else is done.
	all := func(each int, meanwhile func()) {
		var asking sync.WaitGroup
		for _, u := range users {
			asking.Go(func() { u.ask(t, each) })
		}
		meanwhile()
		asking.Wait()
	}

	var b *instance
	all(6, func() {
		b = launch(t, newer, database, credentials)
		b.until(t, b.listen, "/readyz", "ok")
	})
	b.until(t, b.metrics, "/metrics", `nsecbunker_tenants{state="unsealed"} 1`)
	users = append(users, connect(b), connect(a, b))
	everybody = users
	all(2, func() {})
	for _, in := range []*instance{a, b} {
		if found := in.do(t, "instance.check", nil); found["sound"] != true {
			t.Errorf("side by side: %v", found)
		}
	}
	users = users[1:] // what only the older one's relay reaches has nobody to ask
	all(2, a.kill)
	older2 := launch(t, older, database, credentials) // on the schema of the newer one
	older2.until(t, older2.listen, "/readyz", "ok")
	all(2, func() {
		if err := older2.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		older2.ended <- <-older2.ended
	})
	a = b
	last := connect(b)
	last.ask(t, budget)

	records := map[string]int{} // by request event
	after := ""
	for {
		page := b.do(t, "audit.list", bunkertest.Params{"action": "sign_event", "effect": "allow", "limit": 100, "after": after})
		for _, r := range page["records"].([]any) {
			records[r.(map[string]any)["event"].(string)]++
		}
		if after, _ = page["next"].(string); after == "" {
			break
		}
	}
	if len(records) != budget {
		t.Errorf("%d requests were allowed of a budget of %d", len(records), budget)
	}
	signed, refused := 0, 0
	for _, u := range append(everybody, last) {
		for _, q := range u.asked {
			got := q.Got()
			if len(got) != 1 {
				t.Errorf("a request has %d replies", len(got))
				continue
			}
			n := records[q.Event.ID.String()]
			if got[0].Failed() {
				refused++
				if n != 0 {
					t.Errorf("a request was answered %q and has %d signatures", got[0].Error, n)
				}
				continue
			}
			signed++
			if e, err := nostr.ParseEvent([]byte(got[0].Result)); err != nil || e.Verify() != nil || n != 1 {
				t.Errorf("a signature that does not verify or has %d records: %v", n, err)
			}
		}
	}
	if found := b.do(t, "instance.check", nil); found["sound"] != true {
		t.Errorf("after the upgrade: %v", found)
	}
	t.Logf("%d signed of a budget of %d, %d refused", signed, budget, refused)
}
