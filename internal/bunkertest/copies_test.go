package bunkertest

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/seal"
	"nsecbunker/nostr"
)

// onRelay is a bunker on a relay that others can use, too, with an app that signs.
func onRelay(t *testing.T) (r *Relay, b *Bunker, a *App) {
	t.Helper()
	r = NewRelay(t)
	b = Start(t, Options{Relays: []string{r.URL}, Config: allow(r)})
	b.AddKey("herald")
	a = b.Connected(b.Token("herald", "all"))
	a.Sign(1, "before")
	return r, b, a
}

// twin starts another bunker on a folder.
func twin(t *testing.T, r *Relay, dir string) *Bunker {
	t.Helper()
	return Start(t, Options{Dir: dir, Relays: []string{r.URL}, Config: allow(r)})
}

// announced are the events on a relay from a bunker's admin key to itself.
func announced(r *Relay, b *Bunker) (out []*nostr.Event) {
	target, err := adminwire.ParseConnectionString(b.ConnectionString())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range r.Seen() {
		if e.PubKey == target.Bunker && e.Tags.Find("p").Value() == target.Bunker.String() {
			out = append(out, e)
		}
	}
	return out
}

// announces makes a bunker announce itself now: two minutes later, on a relay that hears it.
func (b *Bunker) announces(r *Relay) {
	b.t.Helper()
	b.Until("the relay is up", func() bool {
		for _, at := range b.Admin("status", nil).Each("relays") {
			if at.Text("url") == r.URL {
				return at.Text("state") == "up"
			}
		}
		return false
	})
	b.Clock.Pass(2 * time.Minute)
	b.Announce(b.t.Context())
}

// heard makes a bunker announce itself once, and returns what a relay has of it.
func (b *Bunker) heard(r *Relay) (all []*nostr.Event) {
	b.t.Helper()
	b.announces(r)
	b.Until("the relay has heard it", func() bool { all = announced(r, b); return len(all) > 0 })
	return all
}

// life is the state of the bunker, and life the number of its incarnation.
func (b *Bunker) life() (state string, life int) {
	b.t.Helper()
	st := b.Admin("status", nil)
	return st.Text("state"), st.Number("incarnation_no")
}

func (b *Bunker) untilState(want string) {
	b.t.Helper()
	b.Until("the bunker is "+want, func() bool { state, _ := b.life(); return state == want })
}

// silent fails where the bunker heard of a copy.
func (b *Bunker) silent() {
	b.t.Helper()
	for _, action := range []string{"copy.stop", "copy.older"} {
		if n := len(b.Records(Params{"action": action})); n != 0 {
			b.t.Errorf("%d records of %s", n, action)
		}
	}
	if state, _ := b.life(); state != "unsealed" {
		b.t.Errorf("it is %s", state)
	}
}

// copied stops a bunker, copies its folder, and starts it again.
func (b *Bunker) copied() (dir string) {
	b.t.Helper()
	b.Stop()
	dir = b.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(b.Dir)); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, seal.ServiceKeyFile), 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.again()
	return dir
}

// TestACopiedFolderStopsBothUntilAnOwnerSaysWhichIsRight: no instance can know which one is
// meant, so neither signs; the one that an owner chooses goes on, and stays the right one
// after restarts of both.
func TestACopiedFolderStopsBothUntilAnOwnerSaysWhichIsRight(t *testing.T) {
	t.Parallel()
	r, b, a := onRelay(t)
	dir := b.copied()
	b.announces(r)
	other := twin(t, r, dir) // less than a minute after what it knows of: it waits with its own
	other.announces(r)
	b.untilState("stopped")
	other.untilState("stopped")
	a.again().AskSign(1, "x").Fails("stopped")
	st := b.Admin("status", nil)
	if st.Number("copy.life") != 1 || st.Text("copy.instance") == "" {
		t.Errorf("what is told of the copy: %v", st.At("copy"))
	}
	other.Restart()
	if state, _ := other.life(); state != "stopped" {
		t.Errorf("a restart ended the stop: %s", state)
	}

	b.Admin("stop.end", nil)
	b.announces(r)
	other.Until("the copy hears that the other one outlives it", func() bool { return other.Admin("status", nil).Number("copy.life") == 2 })
	if state, life := b.life(); state != "unsealed" || life != 2 {
		t.Errorf("the right one is %s in life %d", state, life)
	}
	b.Admin("key.unlock", Params{"key": "herald"})
	b.Admin("connection.resume", Params{"id": connectionOf(b, a)})
	b.Clock.Pass(2 * time.Second) // dates are whole seconds
	other.Stop()                  // it would answer, too
	a.again().Sign(1, "after")
	b.Verify()
}

// TestARestoredBackupStopsTheOldOneThatStillRuns, and goes on itself.
func TestARestoredBackupStopsTheOldOneThatStillRuns(t *testing.T) {
	t.Parallel()
	r, b, a := onRelay(t)
	file := filepath.Join(t.TempDir(), "bunker.backup")
	lock, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b.Admin("backup.create", Params{"path": file, "recipient": lock.Recipient().String()})
	dir := t.TempDir()
	if _, err := daemon.Restore(t.Context(), file, daemon.BackupKey{Identity: lock.String()}, dir, quiet()); err != nil {
		t.Fatal(err)
	}
	restored := twin(t, r, dir)
	restored.announces(r)
	b.untilState("stopped")
	if b.Admin("status", nil).Number("copy.life") != 2 {
		t.Errorf("%v", b.Admin("status", nil).At("copy"))
	}
	restored.Until("the older one's last word is recorded", func() bool { return len(restored.Records(Params{"action": "copy.older"})) > 0 })
	if state, life := restored.life(); state != "unsealed" || life != 2 {
		t.Errorf("the restored one is %s in life %d", state, life)
	}
	restored.Stop() // it would answer, too
	b.Restart()
	a.again().AskSign(1, "x").Fails("stopped")
}

// TestARestartIsNoCopy: a bunker hears what it said before it was stopped or killed, from a
// relay that keeps it, and goes on.
func TestARestartIsNoCopy(t *testing.T) {
	t.Parallel()
	r, b, a := onRelay(t)
	for i, again := range []func(){b.Restart, b.CrashAndRestart, b.Restart} {
		again()
		b.announces(r)
		b.Until("it has announced itself", func() bool { return len(announced(r, b)) > i })
	}
	for _, e := range announced(r, b) { // in every order, and again
		if err := a.Publish(e); err != nil {
			t.Fatal(err)
		}
	}
	a.again().Sign(1, "after")
	b.silent()
}

// TestInstancesOfOneBunkerAreNoCopies: they share a store, and so what they say.
func TestInstancesOfOneBunkerAreNoCopies(t *testing.T) {
	t.Parallel()
	r := NewRelay(t)
	all := instancesOf(t, 2, Options{Relays: []string{r.URL}, Config: allow(r)})
	all[0].Until("one of them has announced it", func() bool {
		for _, b := range all {
			b.Announce(t.Context())
		}
		return len(announced(r, all[0])) > 0
	})
	all[0].AddKey("herald")
	a := all[0].Connected(all[0].Token("herald", "all"))
	for _, e := range announced(r, all[0]) {
		if err := a.Publish(e); err != nil {
			t.Fatal(err)
		}
	}
	a.Sign(1, "x")
	all[1].silent()
}

// TestWhatIsSentToTheAdminKeyByOthersIsNoCopy: only what the admin key itself signed counts.
func TestWhatIsSentToTheAdminKeyByOthersIsNoCopy(t *testing.T) {
	t.Parallel()
	r, b, a := onRelay(t)
	heard := b.heard(r)[0]
	forged := *heard
	forged.Content += "A"
	forged.ID = forged.ComputeID()
	mine := *heard
	if err := a.Key.Sign(&mine); err != nil {
		t.Fatal(err)
	}
	for _, e := range []*nostr.Event{&forged, &mine} {
		if err := a.Publish(e); err != nil {
			t.Fatal(err)
		}
	}
	a.Sign(1, "after")
	b.silent()
}

// TestAGuestThatWasTakenElsewhereStopsWhereItStillRuns, and no other guest does.
func TestAGuestThatWasTakenElsewhereStopsWhereItStillRuns(t *testing.T) {
	t.Parallel()
	r := NewRelay(t)
	old := abroad(t, r, "")
	g, _, _ := lived(old)
	other, _, _ := lived(old)
	got := g.Do("backup.export", Params{"password": parcelPassword})
	file, err := base64.StdEncoding.DecodeString(got.Text("file"))
	path := filepath.Join(t.TempDir(), "moved.age")
	if err == nil {
		err = os.WriteFile(path, file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	there := abroad(t, r, "")
	there.Admin("tenant.restore", Params{"path": path, "passphrase": parcelPassword, "label": "moved", "people": 3})
	moved := there.As(g)
	moved.Unseal()
	there.announces(r)
	here := old.As(g)
	here.untilState("stopped")
	if state, life := moved.life(); state != "unsealed" || life != 2 {
		t.Errorf("where it went it is %s in life %d", state, life)
	}
	old.As(other).silent()
	old.silent()
}

// TestACopyIsHeardOnARelayThatRefusesTheKindOfAdmins, by the other kind.
func TestACopyIsHeardOnARelayThatRefusesTheKindOfAdmins(t *testing.T) {
	t.Parallel()
	r, b, _ := onRelay(t)
	r.Behave(Manners{NoKind: adminwire.Kind})
	dir := b.copied()
	b.announces(r)
	other := twin(t, r, dir)
	other.announces(r)
	b.untilState("stopped")
	other.untilState("stopped")
}

// TestACopyWhoseClockIsOffIsHeardWhenItIsRightAgain: what is said out of its time could be
// said by anybody who repeats it, so it counts for nothing; a clock that is off by less is heard.
func TestACopyWhoseClockIsOffIsHeardWhenItIsRightAgain(t *testing.T) {
	t.Parallel()
	r, b, _ := onRelay(t)
	other := twin(t, r, b.copied())
	other.Clock.Pass(time.Hour)
	other.announces(r)
	other.Until("the copy has announced itself", func() bool { return len(aheadOf(announced(r, other), b.Clock.Now())) > 0 })
	for _, e := range aheadOf(announced(r, b), b.Clock.Now()) {
		want(t, "an announcement of an hour ahead", b.hears(e), "created_at is too far from now")
	}
	b.silent()
	other.silent() // it answers apps, too, meanwhile

	b.Clock.Pass(time.Hour - adminwire.MaxSkew/3)
	b.announces(r)
	other.announces(r)
	b.untilState("stopped")
	other.untilState("stopped")
}

// aheadOf are those of more than the time that messages to the admin key may be off.
func aheadOf(list []*nostr.Event, now time.Time) (out []*nostr.Event) {
	for _, e := range list {
		if time.Unix(e.CreatedAt, 0).Sub(now) > adminwire.MaxSkew {
			out = append(out, e)
		}
	}
	return out
}
