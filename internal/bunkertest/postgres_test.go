package bunkertest

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"nsecbunker/internal/daemon"
	"nsecbunker/internal/pgtest"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// connect makes an app of a link and connects it.
func connectApp(t *testing.T, uri string) *App {
	t.Helper()
	u, err := nip46.ParseBunkerURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	a := NewApp(t, newArena(t), new(Clock).Now, u.Remote, u.Secret, u.Relays)
	a.Connect().Want("ack")
	return a
}

// insist sends a request again until it is answered, as apps do.
func (q *Asked) insist() Got {
	q.app.t.Helper()
	end := time.Now().Add(patience)
	for time.Now().Before(end) {
		_ = q.app.Publish(q.Event) // nobody may take it yet
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		g, ok := q.TryAnswer(ctx)
		cancel()
		if ok {
			return g
		}
	}
	q.app.t.Fatalf("no answer in %s, though it was sent again and again", patience)
	return Got{}
}

// Killed at the moment when an app receives a signature, and with its server killed
// under it, the bunker has the record, and goes on.
func TestABunkerOnPostgreSQLSignsThroughKillsOfBoth(t *testing.T) {
	t.Parallel()
	s := pgtest.Own(t)
	var uri string
	p := NewProcessOn(t, s.Database(t), nil, func(b *Bunker) {
		b.AddKey("herald")
		uri = b.Token("herald", "all")
	})
	a := connectApp(t, uri)
	signatures := map[string]bool{}
	signed := func(g Got) {
		t.Helper()
		e, err := nostr.ParseEvent([]byte(g.Result))
		if err != nil || e.Verify() != nil {
			t.Fatalf("no signature: %+v", g)
		}
		signatures[e.ID.String()] = true
	}
	for n := range times(60) {
		signed(a.AskSign(1, fmt.Sprint("killed when it is answered ", n)).Answer())
		p.Kill()
		p.Start()
		a = a.again()
	}
	for n, end := range []func(){s.Kill, s.Stop} {
		signed(a.AskSign(1, fmt.Sprint("all is well ", n)).Answer())
		end()
		q := a.Prepare(nip46.SignEvent, a.Note(1, "asked while there is no server"))
		if err := a.Publish(q.Event); err == nil {
			t.Error("the embedded relay took a request that could not be stored")
		}
		if got := q.Got(); len(got) > 0 && !got[0].Failed() {
			t.Errorf("signed what could not be recorded: %+v", got)
		}
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		q = a.Prepare(nip46.SignEvent, a.Note(1, fmt.Sprint("asked again when it is back ", n)))
		signed(q.insist())
	}
	s.Stop() // with the bunker gone before it
	p.Kill()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	b := p.Inside()
	recorded := map[string]bool{}
	for _, r := range b.Records(Params{"action": "sign_event", "effect": "allow"}) {
		recorded[r.Text("signed")] = true
	}
	for id := range signatures {
		if !recorded[id] {
			t.Errorf("the signature %s was received and has no record", id)
		}
	}
	t.Logf("%d signatures received, %d records verified", len(signatures), b.VerifyOutside())
}

func TestABunkerMovesToPostgreSQLAndBack(t *testing.T) {
	t.Parallel()
	var uri string
	p := NewProcess(t, nil, func(b *Bunker) {
		b.AddKey("herald")
		uri = b.Token("herald", "all")
	})
	a := connectApp(t, uri)
	a.Sign(1, "in a file")
	database := pgtest.Shared(t).Database(t)
	refused := func(want string, args ...string) {
		t.Helper()
		if out, err := p.Command(args...); err == nil || !strings.Contains(out, want) {
			t.Errorf("%v: %v: %s; want %q", args, err, out, want)
		}
	}
	move := func(engine string) {
		t.Helper()
		out, err := p.Command("migrate-store", engine, "--database", database, "--yes")
		if err != nil || !strings.Contains(out, "the log is whole") || !strings.Contains(out, "audit ") {
			t.Fatalf("%v: %s", err, out)
		}
	}
	review := func() {
		t.Helper()
		a = a.again()
		a.AskSign(1, "not yet").Fails("restricted")
		p.Admin("key.unlock", Params{"key": "herald"})
		for _, c := range p.Admin("connection.list", Params{"state": "suspended"}).Each("connections") {
			p.Admin("connection.resume", Params{"id": c.Text("id")})
		}
		p.Admin("connection.review", nil)
		until(t, "the app's requests are of after the move", func() bool { // dates are whole seconds
			return !a.AskSign(1, "reviewed").Answer().Failed()
		})
	}

	refused("is running on the data folder", "migrate-store", "postgres", "--database", database, "--yes")
	p.Kill()
	refused("holds a password", "migrate-store", "postgres", "--database", "postgres://me:hush-hush@db.example/x", "--yes")
	refused("holds a password", "start", "--database", "postgres://me:hush-hush@db.example/x")
	refused("a store of its own", "start", "--allow-swap", "--database", database)
	move("postgres")
	refused("is in PostgreSQL", "start", "--allow-swap")
	p.Database = database
	p.Start()
	review()
	p.Kill()
	move("sqlite")
	refused("a store of its own", "start", "--allow-swap", "--database", database)
	p.Database = ""
	p.Start()
	review()
	b := p.Inside()
	if st := b.Admin("status", nil); st.Number("incarnation_no") != 3 {
		t.Errorf("incarnation %d", st.Number("incarnation_no"))
	}
	if n := len(b.Records(Params{"action": "sign_event", "effect": "allow"})); n != 3 {
		t.Errorf("%d records of 3 signatures", n)
	}
	b.VerifyOutside()
}

// A backup of a bunker on PostgreSQL is restored without a server.
func TestABackupOfABunkerOnPostgreSQLIsRestoredWithoutAServer(t *testing.T) {
	database := pgtest.Shared(t).Database(t)
	p := &Process{Database: database}
	b := Start(t, Options{Config: p.inDatabase})
	b.AddKey("herald")
	a := b.Connected(b.Token("herald", "all"))
	a.Sign(1, "x")
	file := filepath.Join(t.TempDir(), "bunker.backup")
	lock, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b.Admin("backup.create", Params{"path": file, "recipient": lock.Recipient().String()})
	b.Stop()
	key := daemon.BackupKey{Identity: lock.String()}
	if _, err := daemon.VerifyBackup(t.Context(), file, key, quiet()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := daemon.Restore(t.Context(), file, key, dir, quiet()); err != nil {
		t.Fatal(err)
	}
	b.Dir, b.config.Database = dir, ""
	b.Run()
	b.Unseal()
	a.AskSign(1, "not yet").Fails("restricted")
	if n := len(b.Records(Params{"action": "sign_event", "effect": "allow"})); n != 1 {
		t.Errorf("%d records of one signature", n)
	}
	b.VerifyOutside()
}
