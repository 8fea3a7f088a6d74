package bunkertest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nsecbunker/internal/config"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/pgtest"
	"nsecbunker/internal/seal"
)

// slotKey opens a bunker without a person.
const slotKey = "0123456789abcdef0123456789abcdef0123456789abcdef"

// instancesOf starts a number of instances of one bunker in this process, on one
// database. Each has a slot that needs no person.
func instancesOf(t *testing.T, n int, o Options) []*Bunker {
	t.Helper()
	database := pgtest.Shared(t).Database(t)
	key := filepath.Join(t.TempDir(), "slot.key")
	if err := os.WriteFile(key, []byte(slotKey), 0o600); err != nil {
		t.Fatal(err)
	}
	with := o.Config
	o.Config = func(c *config.Config) {
		c.Database, c.Shared = database, true
		if with != nil {
			with(c)
		}
	}
	out := []*Bunker{Start(t, o)}
	out[0].Admin("slot.add", Params{"kind": "file", "name": "unattended", "path": key})
	for range n - 1 {
		o.Dir = t.TempDir()
		copyFile(t, filepath.Join(out[0].Dir, seal.ServiceKeyFile), filepath.Join(o.Dir, seal.ServiceKeyFile))
		b := Start(t, o)
		if b.State() != daemon.Unsealed {
			t.Fatal("the slot did not open the second instance")
		}
		out = append(out, b)
	}
	for _, b := range out {
		b.among = true
	}
	out[0].Until("every instance has its share", func() bool {
		list := out[0].Admin("instance.list", nil).Each("instances")
		shares := 0
		for _, i := range list {
			if i.Number("keys") >= 128/len(out)-1 {
				shares++
			}
		}
		return len(list) == n && shares == n
	})
	return out
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// at is an app that talks through another instance's embedded relay.
func (a *App) at(b *Bunker) *App {
	m := a.moved(b.ListenURL())
	m.Among = true
	return m
}

func TestTwoInstancesServeOneBunker(t *testing.T) {
	t.Parallel()
	all := instancesOf(t, 2, Options{})
	one, two := all[0], all[1]
	if one.ConnectionString() == "" || strings.Split(one.ConnectionString(), "?")[0] != strings.Split(two.ConnectionString(), "?")[0] {
		t.Errorf("%s and %s", one.ConnectionString(), two.ConnectionString())
	}
	// What one made, the other one knows when the command returns.
	one.AddKey("herald")
	a := one.Connected(one.Token("herald", "all"))
	a.Sign(1, "here")
	a = a.at(two)
	a.Sign(1, "there")
	b := two.Connected(two.Token("herald", "sign_event:1"))
	there := b.at(one)
	there.Sign(1, "the other way")
	there.pool.Close() // else what is answered there is heard there, by this same app

	// A question that is asked on one instance and answered on the other reaches the app.
	q := b.at(two).AskSign(7, "may I")
	one.Until("the question is there", func() bool { return len(one.Admin("approval.list", Params{"state": "pending"}).Each("approvals")) == 1 })
	one.Reply(nil)
	q.Answer()

	// A lock wipes the key on both.
	one.Admin("key.lock", Params{"key": "herald"})
	a.AskSign(1, "locked").Fails("locked")
	if in := two.Admin("instance.check", nil); !in.Is("sound") {
		t.Errorf("%v", in)
	}
	one.Admin("key.unlock", Params{"key": "herald"})
	a.Sign(1, "unlocked")

	one.VerifyOutside()

	// So does a seal.
	two.Admin("seal", nil)
	if one.State() != daemon.Sealed {
		t.Error("the other instance is not sealed")
	}
}

// Promise 4 on two instances: an act on one of them holds on the other, where requests
// are in flight, from the moment that it returned.
func TestNothingIsAllowedOnAnotherInstanceAfterTheRecordOfAnAct(t *testing.T) {
	trials := times(1000)
	if raceDetector {
		trials /= 5
	}
	for _, c := range acts() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			all := instancesOf(t, 2, Options{})
			one, two := all[0], all[1]
			one.AddKey("herald")
			one.Admin("policy.create", Params{"name": "newsroom", "rules": []Params{kind("notes", "allow", 1)}})
			hasTeeth(t, tryAct(t, c, trials, one, two, one.Connected(one.Token("herald", "", Params{"policy": "newsroom"})).at(two)))
		})
	}
}

// The same for the people: an admin with a session on one instance, removed on the other.
func TestNoCommandOnAnotherInstanceFollowsTheRecordOfTheRemoval(t *testing.T) {
	t.Parallel()
	all := instancesOf(t, 2, Options{})
	tryRemoval(t, times(200), all[0], all[1])
}
