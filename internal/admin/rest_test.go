package admin

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

func TestANewOwnerWaitsWhenThereIsAnother(t *testing.T) {
	f := setUp(t)
	res := f.do("admin.add", m{"npub": npubOf(2), "role": "owner", "name": "Bob"})
	if str(res, "admin", "active_at") != "2026-11-23T12:00:00.000Z" || get(res, "warnings") == nil {
		t.Errorf("added: %v", res)
	}
	// Saying it again does not shorten the wait.
	f.passTime(time.Hour)
	res = f.do("admin.add", m{"npub": npubOf(2), "role": "owner"})
	if str(res, "admin", "active_at") != "2026-11-23T12:00:00.000Z" || str(res, "admin", "name") != "Bob" {
		t.Errorf("again: %v", res)
	}
	res = f.do("admin.add", m{"npub": npubOf(3), "role": "operator"})
	if str(res, "admin", "active_at") != "2026-11-22T13:00:00.000Z" {
		t.Errorf("an operator: %v", res)
	}
	if r := f.last(); r.Action != "admin.add" || r.Object != pubOf(3).String() || r.Reason != "as operator" {
		t.Errorf("record: %+v", r)
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	f := setUp(t)
	f.refused(bunker.CodeConflict, "last owner", "admin.remove", m{"npub": npubOf(1)})
	f.refused(bunker.CodeConflict, "last owner", "admin.add", m{"npub": npubOf(1), "role": "viewer"})
	f.do("admin.add", m{"npub": npubOf(2), "role": "owner"})
	if w := fmt.Sprint(get(f.do("status", nil), "warnings")); !strings.Contains(w, "named "+npubOf(2)+" an owner") {
		t.Errorf("whoever looks is not told of the new owner: %s", w)
	}
	// An owner who still waits does not count: else the wait could be cut short by
	// removing everybody who might notice.
	f.refused(bunker.CodeConflict, "last owner", "admin.remove", m{"npub": npubOf(1)})
	f.refused(bunker.CodeConflict, "last owner", "admin.add", m{"npub": npubOf(1), "role": "viewer"})
	f.passTime(OwnerWait)
	f.do("admin.add", m{"npub": npubOf(1), "role": "viewer"})
	f.refused(bunker.CodeConflict, "last owner", "admin.remove", m{"npub": npubOf(2)})
	f.do("admin.remove", m{"npub": npubOf(1)})
	f.refused(bunker.CodeNotFound, "no admin", "admin.remove", m{"npub": npubOf(1)})
	if list := get(f.do("admin.list", nil), "admins").([]any); len(list) != 1 {
		t.Errorf("list: %v", list)
	}
}

func TestAnAdminIsAPersonNotOneOfOurKeys(t *testing.T) {
	f := setUp(t)
	keys, err := f.store.ServiceKeys(t.Context(), bunker.SelfHosted, bunker.RoleAudit)
	if err != nil {
		t.Fatal(err)
	}
	f.refused(bunker.CodeInvalid, "own keys", "admin.add", m{"npub": keys[0].PubKey.String(), "role": "viewer"})
	f.refused(bunker.CodeInvalid, "role", "admin.add", m{"npub": npubOf(2), "role": "king"})
	f.refused(bunker.CodeInvalid, "npub", "admin.add", m{"npub": "x", "role": "viewer"})
}

func TestThePublishedRelayOfTheBunkerIsListed(t *testing.T) {
	f := setUp(t)
	f.world.own = []string{"ws://127.0.0.1:4848", "wss://bunker.example.com"}
	f.world.relays = []string{"wss://bunker.example.com", "wss://relay.example.com"}
	res := f.do("relay.list", nil)
	var got []string
	for _, r := range get(res, "relays").([]any) {
		got = append(got, str(r, "url")+" "+str(r, "state"))
	}
	if want := []string{"wss://relay.example.com used", "wss://bunker.example.com own"}; !slices.Equal(got, want) || get(res, "warnings") != nil {
		t.Errorf("got %q, want %q; %v", got, want, get(res, "warnings"))
	}
	f.refused(bunker.CodeNotFound, "the bunker itself runs", "relay.remove", m{"url": "wss://bunker.example.com"})
}

func TestRelaysAreAddedRemovedAndHeardForAWhile(t *testing.T) {
	f := setUp(t)
	f.do("relay.add", m{"url": "WSS://Two.example.com:443/"})
	f.refused(bunker.CodeConflict, "already", "relay.add", m{"url": "wss://two.example.com"})
	f.refused(bunker.CodeRestricted, "private", "relay.add", m{"url": "ws://10.0.0.1"})
	f.refused(bunker.CodeInvalid, "", "relay.add", m{"url": "https://x.example.com"})
	f.do("key.add", m{"name": "herald"})
	f.do("connect", m{"uri": newApp(t).uri("wss://two.example.com"), "key": "herald"})
	res := f.do("relay.remove", m{"url": "wss://two.example.com/"})
	if get(res, "relay", "waiting") != 1.0 || str(res, "relay", "state") != "old" {
		t.Errorf("removed: %v", res)
	}
	f.refused(bunker.CodeNotFound, "do not use", "relay.remove", m{"url": "wss://two.example.com"})
	f.do("relay.remove", m{"url": "wss://relay.example.com"}) // nobody is on it
	list := get(f.do("relay.list", nil), "relays").([]any)
	if len(list) != 2 {
		t.Fatalf("list: %v", list)
	}
	if got := fmt.Sprint(get(f.system("relay.purge"), "removed")); got != "[wss://relay.example.com]" {
		t.Errorf("purged: %s", got)
	}
	if got := fmt.Sprint(get(f.system("relay.purge"), "removed")); got != "[]" {
		t.Errorf("purged: %s", got)
	}
	f.do("relay.add", m{"url": "wss://two.example.com"}) // an old one comes back
	f.do("relay.remove", m{"url": "wss://two.example.com"})
	f.passTime(OldRelayFor + time.Hour)
	if got := fmt.Sprint(get(f.system("relay.purge"), "removed")); got != "[wss://two.example.com]" {
		t.Errorf("purged when the time was over: %s", got)
	}
}

func TestRelaysAreBounded(t *testing.T) {
	f := setUp(t)
	for i := range MaxRelays - 1 {
		f.do("relay.add", m{"url": fmt.Sprintf("wss://r%d.example.com", i)})
	}
	f.refused(bunker.CodeConflict, "most", "relay.add", m{"url": "wss://more.example.com"})
}

func TestTheLogIsListedWithFilters(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	f.do("key.add", m{"name": "other"})
	f.passTime(time.Hour)
	f.do("key.lock", m{"key": "herald"})
	id := f.connected("")
	count := func(p m) int { t.Helper(); return len(get(f.do("audit.list", p), "records").([]any)) }
	pub := str(f.do("key.show", m{"key": "herald"}), "key", "pubkey")
	for _, c := range []struct {
		filter m
		want   int
	}{
		{m{"action": "key.add"}, 2},
		{m{"key": "herald", "action": "key.add"}, 1},
		{m{"key": pub, "action": "key.lock"}, 1},
		{m{"since": "2026-11-22T13:00:00Z", "action": "key.lock"}, 1},
		{m{"until": "2026-11-22T13:00:00Z", "action": "key.lock"}, 0},
		{m{"connection": string(id)}, 1},
		{m{"principal": "system"}, 1},
		{m{"effect": "deny"}, 0},
		{m{"client": npubOf(4)}, 0},
		{m{"limit": 2}, 2},
	} {
		if got := count(c.filter); got != c.want {
			t.Errorf("%v: %d records, want %d", c.filter, got, c.want)
		}
	}
	all := count(nil)
	seen := 0
	for after := ""; ; {
		p := m{"limit": 2}
		if after != "" {
			p["after"] = after
		}
		page := f.do("audit.list", p)
		seen += len(get(page, "records").([]any))
		if after = str(page, "next"); after == "" {
			break
		}
	}
	if seen != all {
		t.Errorf("%d records by pages, %d at once", seen, all)
	}
	for field, bad := range map[string]m{
		"after": {"after": "x"}, "effect": {"effect": "odd"}, "client": {"client": "x"}, "key": {"key": "nobody"},
		"since": {"since": "yesterday"}, "limit": {"limit": MaxPage + 1},
	} {
		_, err := f.call("audit.list", bad)
		if e := bunker.AsError(err); err == nil || e.Field != field {
			t.Errorf("%v: %v in %q", bad, err, e.Field)
		}
	}
}

func TestAnExportedLogVerifiesAnywhere(t *testing.T) {
	f := setUp(t)
	for i := range 5 {
		f.do("key.add", m{"name": fmt.Sprint("k", i)})
	}
	cp := str(f.do("audit.checkpoint", nil), "checkpoint")
	f.do("key.lock", m{"key": "k1"})
	f.do("audit.checkpoint", nil)
	var export bytes.Buffer
	for after := ""; ; {
		p := m{}
		if after != "" {
			p["after"] = after
		}
		page := f.do("audit.export", p)
		for _, l := range get(page, "lines").([]any) {
			export.WriteString(l.(string) + "\n")
		}
		if after = str(page, "next"); after == "" {
			break
		}
	}
	rep, err := audit.VerifyExport(&export, nostr.PubKey{}, nil)
	if err != nil || !rep.Whole() || rep.Checkpoints != 2 || rep.UpTo != f.seq() || rep.Records != f.seq() {
		t.Errorf("report: %+v %v", rep, err)
	}
	res := f.do("audit.verify", m{"held": []string{cp}})
	if get(res, "whole") != true || get(res, "records") != float64(f.seq()) {
		t.Errorf("verify: %v", res)
	}
	f.refused(bunker.CodeInvalid, "cannot be read", "audit.verify", m{"held": []string{"{}x"}})
	forged := strings.Replace(cp, `"seq":`, `"seq":1`, 1)
	if res := f.do("audit.verify", m{"held": []string{forged}}); get(res, "whole") != false || get(res, "faults") == nil {
		t.Errorf("a forged checkpoint: %v", res)
	}
}

func TestALongLogIsExportedPageByPage(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "k"})
	for range 3 * MaxPage / 2 {
		f.do("key.lock", m{"key": "k"})
	}
	page := f.do("audit.export", nil)
	if n := len(get(page, "lines").([]any)); int64(n) != f.seq()+1 { // a header before them
		t.Errorf("%d lines for %d records", n, f.seq())
	}
	rest := f.do("audit.export", m{"after": fmt.Sprint(f.seq() - 3)})
	if n := len(get(rest, "lines").([]any)); n != 3 {
		t.Errorf("%d lines", n)
	}
}

func TestCheckpointsAreSignedWhenSomethingIsNew(t *testing.T) {
	f := setUp(t)
	one := str(f.do("audit.checkpoint", nil), "checkpoint")
	two := str(f.do("audit.checkpoint", nil), "checkpoint")
	if one == "" || one != two {
		t.Errorf("nothing was new: %s, %s", one, two)
	}
	f.do("key.add", m{"name": "k"})
	if three := str(f.do("audit.checkpoint", nil), "checkpoint"); three == one {
		t.Error("something was new")
	}
	f.do("seal", nil) // signs, then wipes
	f.refused(bunker.CodeSealed, "sealed", "audit.checkpoint", nil)
	f.do("unseal", m{"passphrase": passphrase})
	if s := f.do("status", nil); get(s, "audit", "checkpoint") != float64(f.seq()) {
		t.Errorf("status: %v, %d records", get(s, "audit"), f.seq())
	}
}

func TestBackupsAreRecordedBeforeTheyAreWritten(t *testing.T) {
	f := setUp(t)
	res := f.do("backup.create", m{"path": "/var/backups/b.age", "passphrase": "a backup passphrase"})
	if str(res, "file", "path") != "/var/backups/b.age" || string(f.world.backups[0].Passphrase) != "a backup passphrase" {
		t.Errorf("backup: %v %+v", res, f.world.backups)
	}
	if r := f.last(); r.Action != "backup.create" || r.Object != "/var/backups/b.age" {
		t.Errorf("record: %+v", r)
	}
	f.do("backup.create", m{"path": "/b", "recipient": "age1xyz"})
	for field, bad := range map[string]m{
		"path":       {"path": "relative", "recipient": "age1xyz"},
		"passphrase": {"path": "/b"},
		"recipient":  {"path": "/b", "recipient": "ssh-rsa"},
	} {
		_, err := f.call("backup.create", bad)
		if e := bunker.AsError(err); err == nil || e.Field != field {
			t.Errorf("%v: %v in %q", bad, err, e.Field)
		}
	}
	f.refused(bunker.CodeInvalid, "12", "backup.create", m{"path": "/b", "passphrase": "short"})
	if len(f.world.backups) != 2 {
		t.Error("a refused backup was written")
	}
	f.world.backupErr = bunker.Errorf(bunker.CodeError, "the disk is full")
	f.refused(bunker.CodeError, "disk is full", "backup.create", m{"path": "/b", "recipient": "age1xyz"})
}

func TestTheClockIsAcceptedOnlyWhenSuspect(t *testing.T) {
	f := setUp(t)
	f.refused(bunker.CodeConflict, "not suspect", "clock.accept", nil)
	f.do("key.add", m{"name": "k"})
	f.passTime(-time.Hour) // the machine's clock was set back
	s := f.do("status", nil)
	if get(s, "clock", "behind") != true || get(s, "warnings") == nil {
		t.Fatalf("status: %v", s)
	}
	f.do("key.delete", m{"key": "k"})
	if res := f.system("key.purge"); len(get(res, "deleted").([]any)) != 0 {
		t.Errorf("something was deleted under a suspect clock: %v", res)
	}
	if res := f.system("relay.purge"); len(get(res, "removed").([]any)) != 0 {
		t.Errorf("something was removed under a suspect clock: %v", res)
	}
	f.do("clock.accept", nil)
	if s := f.do("status", nil); get(s, "clock", "suspect") != false {
		t.Errorf("accepted: %v", get(s, "clock"))
	}
}

func TestStatusWarnsOfWhatMatters(t *testing.T) {
	f := setUp(t)
	f.world.relays = []string{"ws://127.0.0.1:4848"}
	f.world.last = start
	s := f.do("status", nil)
	if !strings.Contains(fmt.Sprint(get(s, "warnings")), "this machine only") || str(s, "last_backup") != "2026-11-22T12:00:00.000Z" {
		t.Errorf("status: %v", s)
	}
	if !strings.HasSuffix(str(s, "connection_string"), "?relay=ws%3A%2F%2F127.0.0.1%3A4848") {
		t.Errorf("connection string: %s", str(s, "connection_string"))
	}
}

func TestTheCheckFindsWhatIsWrong(t *testing.T) {
	f := setUp(t)
	f.do("key.add", m{"name": "herald"})
	f.do("key.add", m{"name": "own", "passphrase": "a second passphrase"})
	f.do("slot.add", m{"kind": "file", "name": "auto", "path": f.keyFile()})
	f.do("seal", nil)
	f.do("unseal", m{"passphrase": passphrase})
	res := f.do("instance.check", nil)
	if get(res, "sound") != true || fmt.Sprint(get(res, "not_in_memory"), get(res, "unattended")) != "[own] [auto]" {
		t.Errorf("check: %v", res)
	}
	f.tamper(`UPDATE user_key SET npub_login = 1 WHERE name = 'herald'`)
	res = f.do("instance.check", nil)
	if get(res, "sound") != false || len(get(res, "tampered").([]any)) != 1 {
		t.Errorf("after a row was changed: %v", res)
	}
}

func TestLoopbackIsToldFromTheRest(t *testing.T) {
	for list, want := range map[string]bool{
		"": true, "ws://127.0.0.1:4848": true, "ws://127.3.2.1": true, "ws://[::1]:1": true, "ws://localhost.": true, "ws://a.localhost": true,
		"ws://[::ffff:127.0.0.1]": true, "wss://relay.example.com": false, "ws://127.0.0.1 wss://relay.example.com": false, "ws://10.0.0.1": false,
		"wss://127.0.0.1.example.com": false,
	} {
		if got := loopbackOnly(strings.Fields(list)); got != want {
			t.Errorf("%q: %v", list, got)
		}
	}
}
