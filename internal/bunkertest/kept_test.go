package bunkertest

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/freeport"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

func TestAKeyThatWasBroughtAlongIsAskedOnceForEachList(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	r := b.Admin("key.import", Params{"name": "herald", "secret": hex.EncodeToString(planted)})
	if r.Text("key.baseline") != "unknown" || r.Is("baseline.known") || len(r.List("warnings")) == 0 {
		t.Errorf("imported: %v", r)
	}
	a := b.Connected(b.Token("herald", "all,sign_event:10002"))
	for _, kind := range []nostr.Kind{0, 3, 10000, 10002, 11111} {
		q := a.Ask(nip46.SignEvent, listEvent(a, kind, followed(1, 5), "{}"))
		if got := q.asked(b).Text("card.guard"); !strings.Contains(got, "does not know the version before") {
			t.Errorf("kind %d: %q", kind, got)
		}
		b.Reply(nil)
		q.Signed()
		a.Ask(nip46.SignEvent, listEvent(a, kind, followed(1, 6), "{}")).Signed()
	}
	a.Ask(nip46.SignEvent, listEvent(a, 30023, nostr.Tags{{"d", "x"}}, "an article")).Signed()
	b.VerifyOutside()
}

func TestAnImportFetchesWhatTheAccountHas(t *testing.T) {
	t.Parallel()
	home, app, hints := NewRelay(t), NewRelay(t), NewRelay(t)
	b := Start(t, Options{Relays: []string{app.URL}, Config: allow(home, hints)})
	self, err := nostr.GenerateKey(b.Arena)
	if err != nil {
		t.Fatal(err)
	}
	hand := func(r *Relay, kind nostr.Kind, age int64, tags nostr.Tags, content string, spoil bool) *nostr.Event {
		e := &nostr.Event{Kind: kind, CreatedAt: b.Clock.Now().Unix() - age, Tags: tags, Content: content}
		if err := self.Sign(e); err != nil {
			t.Fatal(err)
		}
		if spoil {
			e.Sig[3] ^= 1
		}
		r.Hand(e)
		return e
	}
	// The relay that is named has the list of relays alone; that names the home.
	hand(hints, 10002, 900, nostr.Tags{{"r", home.URL, "write"}, {"r", "ws://127.0.0.1:1", "read"}}, "", false)
	hand(home, 3, 1000, followed(1, 10), "", false)
	newest := hand(home, 3, 500, followed(1, 200), "", false)
	hand(home, 3, 10, followed(1, 1), "", true) // forged
	hand(home, 0, 500, nil, `{"name":"n","about":"b","picture":"p"}`, false)
	hand(home, 1, 500, nil, "a note", false)

	var secret []byte
	if err := self.Use(func(raw []byte) { secret = []byte(hex.EncodeToString(raw)) }); err != nil {
		t.Fatal(err)
	}
	r := b.Admin("key.import", Params{"name": "herald", "secret": string(secret), "relays": []string{hints.URL}})
	if r.Text("key.baseline") != "fetched" || !r.Is("baseline.known") || fmt.Sprint(r.List("baseline.kinds")) != "[0 3 10002]" || len(r.List("warnings")) != 1 {
		t.Errorf("imported: %v", r)
	}
	list := b.Admin("key.versions", Params{"key": "herald", "kind": 3}).Each("versions")
	if len(list) != 1 || list[0].Text("event") != newest.ID.String() || !list[0].Is("fetched") || list[0].Number("entries") != 200 {
		t.Errorf("kept: %v", list)
	}
	a := b.Connected(b.Token("herald", "all"))
	a.Ask(nip46.SignEvent, listEvent(a, 3, followed(1, 201), "")).Signed()
	a.Ask(nip46.SignEvent, listEvent(a, 10000, followed(1, 2), "")).Signed() // asked for, and there was none
	wipe := a.Ask(nip46.SignEvent, listEvent(a, 0, nil, `{"name":"n"}`))
	if got := wipe.asked(b).Text("card.guard"); got != "2 of 3 fields would be lost" {
		t.Errorf("the question says %q", got)
	}
	b.Reply(Params{"deny": true})
	a.Ask(nip46.SignEvent, listEvent(a, 11111, followed(1, 2), "")).asked(b) // not asked for
	b.Reply(Params{"deny": true})

	// Later something newer is there, by another app.
	hand(home, 3, -5, followed(1, 300), "", false)
	again := b.Admin("key.baseline", Params{"key": "herald"})
	if again.Number("baseline.kept") != 1 {
		t.Errorf("fetched again: %v", again)
	}
	b.VerifyOutside()
}

func TestAnImportSucceedsWhenNoRelayAnswers(t *testing.T) {
	t.Parallel()
	dead := "ws://" + freeport.Address(t)
	b := Start(t, Options{Relays: []string{dead}})
	r := b.Admin("key.import", Params{"name": "herald", "secret": hex.EncodeToString(planted)})
	if r.Text("key.state") != "active" || r.Text("key.baseline") != "unknown" || r.Is("baseline.relays.0.ok") || r.Text("baseline.relays.0.words") == "" {
		t.Errorf("imported: %v", r)
	}
	if !strings.Contains(fmt.Sprint(r.List("warnings")), "no relay answered") {
		t.Errorf("warned: %v", r.List("warnings"))
	}
	quiet := b.Admin("key.import", Params{"name": "quiet", "secret": strings.Repeat("11", 32), "no_baseline": true})
	if len(quiet.List("baseline.relays")) != 0 {
		t.Errorf("asked all the same: %v", quiet)
	}
}

func TestKeptVersionsAreReadByNobodyWhileSealedAndStandNowhereInTheOpen(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	const marker, slug = "marker of content that is kept", "marker-of-a-d-tag"
	follow := fmt.Sprintf("%064x", 0xfeedc0de)
	a.Ask(nip46.SignEvent, listEvent(a, 30078, nostr.Tags{{"d", slug}, {"x", follow}}, strings.Repeat(marker, 20))).Signed()
	q := a.Ask(nip46.SignEvent, listEvent(a, 30078, nostr.Tags{{"d", slug}}, "short"))
	q.asked(b)
	id := b.Admin("key.versions", Params{"key": "herald"}).Text("versions.0.event")
	if d := b.Admin("key.versions", Params{"key": "herald"}).Text("versions.0.d"); d != slug {
		t.Errorf("d is %q", d)
	}
	b.Admin("seal", nil)
	for _, command := range []string{"key.versions", "key.version.show", "key.version.restore", "key.baseline", "key.guard"} {
		p := Params{"key": "herald", "event": id, "share": "off"}
		switch command {
		case "key.versions", "key.baseline":
			p = Params{"key": "herald"}
		case "key.guard":
			delete(p, "event")
		default:
			delete(p, "share")
		}
		if e := b.Refused(command, p); e.Code != bunker.CodeSealed {
			t.Errorf("%s while sealed: %v", command, e)
		}
	}
	a.Ask(nip46.SignEvent, listEvent(a, 3, nil, "")).Fails("sealed")
	b.Stop()
	searched := 0
	err := filepath.WalkDir(b.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		in, err := os.ReadFile(path)
		searched += len(in)
		for _, needle := range []string{marker, slug, follow[32:]} {
			if bytes.Contains(in, []byte(needle)) {
				t.Errorf("%s holds %q", filepath.Base(path), needle)
			}
		}
		return err
	})
	if err != nil || searched < 10_000 {
		t.Errorf("searched %d bytes: %v", searched, err)
	}
}

func TestVersionsAreErasedWithTheirKey(t *testing.T) {
	t.Parallel()
	b, a := signing(t)
	a.Ask(nip46.SignEvent, follows(a, 5)).Signed()
	b.Admin("key.delete", Params{"key": "herald"})
	if n := len(b.Admin("key.versions", Params{"key": "herald"}).List("versions")); n != 1 {
		t.Errorf("%d versions while the key can be brought back", n)
	}
	b.Pass(8 * 24 * time.Hour)
	b.Chores()
	b.Stop()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.Dir, daemon.DatabaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRow("SELECT count(*) FROM kept_version").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d versions outlive their key: %v", n, err)
	}
}

// Killed at the moment when the app has its list signed, the bunker has kept it: what
// comes after the restart is compared with it.
func TestWhoHasASignedListFindsItKeptAfterSIGKILL(t *testing.T) {
	t.Parallel()
	kills := times(100)
	var uri string
	p := NewProcess(t, nil, func(b *Bunker) {
		b.AddKey("herald")
		uri = b.Token("herald", "all")
	})
	a := connectApp(t, uri)
	for kill := range kills {
		full := a.Prepare(nip46.SignEvent, listEvent(a, 3, followed(1, 50+kill%5), fmt.Sprint("list ", kill)))
		go func() { _ = a.Publish(full.Event) }() // the kill may come before its OK
		e := full.Signed()
		p.Kill()
		p.Start()
		list := p.Admin("key.versions", Params{"key": "herald", "limit": 1}).Each("versions")
		if len(list) != 1 || list[0].Text("event") != e.ID.String() {
			t.Fatalf("kill %d: the last version is %v, want %s", kill, list, e.ID)
		}
		a = a.again()
	}
	wipe := a.Ask(nip46.SignEvent, listEvent(a, 3, followed(1, 2), ""))
	a.Fence()
	wipe.Quiet()
	q := p.Admin("approval.list", nil).Each("approvals")
	if len(q) != 1 || !strings.HasSuffix(q[0].Text("card.guard"), "entries would be lost") {
		t.Errorf("asked: %v", q)
	}
}
