package bunkertest

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/host"
	"nsecbunker/internal/pgtest"
)

// parcelPassword opens the files of these tests.
const parcelPassword = "another good passphrase"

// abroad is a hosted instance on an engine, with the relay that the one before was on.
func abroad(t *testing.T, r *Relay, database string) *Bunker {
	t.Helper()
	return Start(t, Options{Relays: []string{r.URL}, Config: func(c *config.Config) {
		allow(r)(c)
		c.Hosted, c.Database, c.Relays = true, database, []string{r.URL}
	}})
}

// lived is a guest with a key, a policy, a question's answer, apps and a link that nobody used.
func lived(b *Bunker) (g *Guest, app *App, link string) {
	b.t.Helper()
	g = b.Host("moves")
	g.Do("key.add", Params{"name": "herald"})
	g.Do("policy.create", Params{"name": "p", "rules": []Params{kind("r", "allow", 1, nil)}})
	app = b.Connected(g.Link("herald", "sign_event:1"))
	app.Sign(1, "before")
	return g, app, g.Link("herald", "sign_event:1")
}

// back opens a bunker that was restored, as its owner does.
func (g *Guest) back() {
	g.b.t.Helper()
	g.Again()
	g.Do("unseal", Params{"passphrase": Passphrase})
}

// looks ends the review, as an owner does who has looked, and lets key and app work.
func (g *Guest) looks() {
	g.b.t.Helper()
	g.Do("connection.review", nil)
	g.Do("key.unlock", Params{"key": "herald"})
	g.Do("connection.resume", Params{"id": g.Do("connection.list", Params{"state": "suspended"}).Text("connections.0.id")})
	g.b.Clock.Pass(2 * time.Second) // requests of the second of the restore are refused
}

// TestAGuestMovesToAnotherProviderWithItsApps: exported from afar by its owner, or backed up by
// the provider, and taken in on the other engine: the same keys, links and log; nothing is signed
// before the owner has looked.
func TestAGuestMovesToAnotherProviderWithItsApps(t *testing.T) {
	t.Parallel()
	t.Run("by its owner", func(t *testing.T) {
		t.Parallel()
		moves(t, "", pgtest.Shared(t).Database(t), func(g *Guest, path string) Params {
			got := g.Do("backup.export", Params{"password": parcelPassword})
			file, err := base64.StdEncoding.DecodeString(got.Text("file"))
			if err == nil {
				err = os.WriteFile(path, file, 0o600)
			}
			if err != nil || len(file) != got.Number("size") {
				t.Fatalf("%d bytes, %v", len(file), err)
			}
			return Params{"passphrase": parcelPassword}
		})
	})
	t.Run("by its provider", func(t *testing.T) {
		t.Parallel()
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		moves(t, pgtest.Shared(t).Database(t), "", func(g *Guest, path string) Params {
			g.b.Admin("tenant.backup", Params{"id": g.ID, "path": path, "recipient": id.Recipient().String()})
			return Params{"identity": id.String()}
		})
	})
}

func moves(t *testing.T, from, to string, pack func(g *Guest, path string) Params) {
	relay := NewRelay(t)
	old := abroad(t, relay, from)
	g, app, unused := lived(old)
	pub := g.Do("key.show", Params{"key": "herald"}).Text("key.pubkey")
	seq := g.Do("status", nil).Number("audit.seq")
	path := filepath.Join(t.TempDir(), "moved.age")
	restore := pack(g, path)
	restore["path"], restore["label"], restore["people"] = path, "moved", 3
	old.Stop()

	there := abroad(t, relay, to)
	made := there.Admin("tenant.restore", restore)
	if made.Text("tenant.id") != g.ID || made.Text("tenant.state") != "active" || made.Is("tenant.open") || made.Number("tenant.people") != 3 || made.Text("tenant.label") != "moved" {
		t.Errorf("taken in: %v", made)
	}
	if e := there.Refused("tenant.restore", restore); e.Code != bunker.CodeConflict {
		t.Errorf("a second time: %v", e)
	}
	g.Session.b, g.Owner.b, g.Where = there, there, made.Text("tenant.connection_string")
	there.Clock.Pass(2 * time.Second)
	old.Clock.Pass(4 * time.Second) // the app's
	app = app.again()
	app.AskSign(1, "sealed").Fails("sealed")
	g.back()
	if st := g.Do("status", nil); st.Number("audit.seq") <= seq {
		t.Errorf("its log has %d records, it had %d", st.Number("audit.seq"), seq)
	}
	app.AskSign(1, "not looked at").Fails("restricted: ")
	if got := there.App(unused).Connect().Answer(); !got.Failed() {
		t.Errorf("a link that nobody used is good in the new life: %v", got)
	}
	g.looks()
	if ev := app.Sign(1, "after"); ev.PubKey.String() != pub {
		t.Error("signed by another key")
	}
	if found := g.Do("audit.verify", nil); !found.Is("whole") {
		t.Errorf("its log: %v", found)
	}
	if n := len(g.Do("policy.list", nil).Each("policies")); n != 1 {
		t.Errorf("%d policies", n)
	}
	there.Restart()
	g.back()
	app = app.again()
	app.Sign(1, "after a restart")
}

// TestAProviderBringsOneGuestBack that has ended, out of its backup, and touches no other.
func TestAProviderBringsOneGuestBack(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	onEngines(t, func(t *testing.T, b *Bunker) {
		g, app, _ := lived(b)
		other, otherApp, _ := lived(b)
		path := filepath.Join(t.TempDir(), "guest.age")
		backup := Params{"id": g.ID, "path": path, "recipient": id.Recipient().String()}
		if file := b.Admin("tenant.backup", backup); file.Number("file.size") == 0 {
			t.Errorf("%v", file)
		}
		if e := b.Refused("tenant.backup", backup); e.Field != "path" {
			t.Errorf("over a file that is there: %v", e)
		}
		restore := Params{"path": path, "identity": id.String()}
		if e := b.Refused("tenant.restore", restore); e.Code != bunker.CodeConflict {
			t.Errorf("while it runs: %v", e)
		}
		b.Admin("tenant.suspend", Params{"id": g.ID, "why": "a mistake"})
		b.Clock.Pass(host.EndNotice)
		b.Admin("tenant.end", Params{"id": g.ID})
		b.Admin("tenant.restore", restore)
		g.back()
		g.looks()
		app = app.again()
		app.Sign(1, "back")
		otherApp = otherApp.again()
		otherApp.Sign(1, "untouched")
		other.Again()
		for _, who := range []*Guest{g, other} {
			if found := who.Do("audit.verify", nil); !found.Is("whole") {
				t.Errorf("a log: %v", found)
			}
		}
		b.Restart()
		if n := len(b.Admin("tenant.list", nil).Each("tenants")); n != 2 {
			t.Errorf("%d bunkers", n)
		}
	})
}

// TestABunkerWithAKeyThatNeverLeavesIsNotExported from afar, nor is one of one's own, and a whole
// store is no single bunker.
func TestABunkerWithAKeyThatNeverLeavesIsNotExported(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{Config: Hosted})
	g := b.Host("g")
	g.Do("key.add", Params{"name": "jewel", "no_export": true})
	if e := g.Refused("backup.export", Params{"password": parcelPassword}); e.Code != bunker.CodeRestricted || !strings.Contains(e.Words, "jewel") {
		t.Errorf("%v", e)
	}
	if e := g.Refused("tenant.backup", Params{"id": g.ID, "path": "/tmp/x", "passphrase": parcelPassword}); e.Code != bunker.CodeRestricted {
		t.Errorf("a guest's own: %v", e)
	}
	path := filepath.Join(t.TempDir(), "all.age")
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b.Admin("backup.create", Params{"path": path, "recipient": id.Recipient().String()})
	if e := b.Refused("tenant.restore", Params{"path": path, "identity": id.String()}); !strings.Contains(e.Words, "no whole bunker") {
		t.Errorf("a whole store: %v", e)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"cut": whole[:len(whole)/2], "empty": nil, "text": []byte("hello")} {
		bad := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(bad, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if e := b.Refused("tenant.restore", Params{"path": bad, "identity": id.String()}); e.Code != bunker.CodeInvalid {
			t.Errorf("%s: %v", name, e)
		}
	}
	if e := b.Refused("tenant.restore", Params{"path": "/nowhere/x", "passphrase": parcelPassword}); e.Field != "path" {
		t.Errorf("no file: %v", e)
	}
	if left, err := filepath.Glob(filepath.Join(b.Dir, ".parcel-*")); err != nil || len(left) != 0 {
		t.Errorf("left in the folder: %v %v", left, err)
	}
}
