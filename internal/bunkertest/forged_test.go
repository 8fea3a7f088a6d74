package bunkertest

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
)

// thief is somebody who has read the data folder: he has the service key and the admin key,
// and not what opens the bunker.
type thief struct {
	*vault.Vault
	t     *testing.T
	b     *Bunker
	admin nostr.PubKey
}

func robbed(t *testing.T, b *Bunker) *thief {
	t.Helper()
	service, err := seal.ReadServiceKey(b.Dir, "")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.Dir, daemon.DatabaseFile)+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	k := bunker.ServiceKey{Tenant: bunker.SelfHosted, Role: bunker.RoleAdmin}
	var pub []byte
	if err := db.QueryRow(`SELECT pubkey, ciphertext FROM service_key WHERE role = 'admin'`).Scan(&pub, &k.Ciphertext); err != nil {
		t.Fatal(err)
	}
	copy(k.PubKey[:], pub)
	v, err := vault.New(vault.Config{Arena: newArena(t), Now: b.Clock.Now, ConversationKeys: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	if err := v.OpenService(bunker.SelfHosted, service); err != nil {
		t.Fatal(err)
	}
	if err := v.LoadServiceKey(k); err != nil {
		t.Fatal(err)
	}
	return &thief{v, t, b, k.PubKey}
}

// says sends a message from the admin key to itself, and returns why the bunker did not take
// it; "" where it did.
func (x *thief) says(kind nostr.Kind, plain string) string {
	x.t.Helper()
	ev, err := x.Announce(bunker.SelfHosted, x.admin, kind, []byte(plain), x.b.Clock.Now())
	if err != nil {
		x.t.Fatal(err)
	}
	return x.sends(ev)
}

func (x *thief) sends(ev *nostr.Event) string { return x.b.hears(ev) }

// hears is why the bunker does not take an event that a relay brings; "" where it does.
func (b *Bunker) hears(ev *nostr.Event) string {
	ok, reason := b.Hear(b.t.Context(), "ws://thief.example", string(ev.AppendJSON(nil)))
	if ok != (reason == "") {
		b.t.Errorf("%t %q", ok, reason)
	}
	return reason
}

// reads opens what the bunker said to itself.
func (x *thief) reads(ev *nostr.Event) string {
	x.t.Helper()
	plain, err := x.OpenAdmin(bunker.SelfHosted, x.admin, ev.PubKey, ev.Content)
	if err != nil {
		x.t.Fatal(err)
	}
	return string(plain)
}

// forged is an announcement whose MAC is of another one, or none.
func forged(at time.Time, life int64, mac [32]byte) string {
	m := adminwire.Announcement{Said: adminwire.SessionID{1}, Life: life, Incarnation: "i", Instance: "x", At: at.UnixMilli(), MAC: mac}
	return string(m.Append())
}

func want(t *testing.T, what, got, words string) {
	t.Helper()
	if words == "" && got != "" || !strings.Contains(got, words) {
		t.Errorf("%s: %q, want %q", what, got, words)
	}
}

// TestWhoHasTheDataFolderAloneStopsNothing: announcements are believed by a MAC under the
// root key, which the admin key's holder does not have; neither the highest life nor rubbish
// of any size stops a bunker or is recorded.
func TestWhoHasTheDataFolderAloneStopsNothing(t *testing.T) {
	t.Parallel()
	r, b, a := onRelay(t)
	heard := b.heard(r)[0]
	x := robbed(t, b)
	said := x.reads(heard)
	m, err := adminwire.ParseAnnouncement([]byte(said))
	if err != nil {
		t.Fatal(err)
	}
	newer := m
	newer.Life = adminwire.MaxLife
	now := b.Clock.Now()
	for _, kind := range []nostr.Kind{adminwire.Kind, adminwire.KindOld} {
		want(t, "no MAC", x.says(kind, forged(now, 1, [32]byte{})), "not of this bunker")
		want(t, "the highest life", x.says(kind, forged(now, adminwire.MaxLife, m.MAC)), "not of this bunker")
		want(t, "a true one with another life", x.says(kind, string(newer.Append())), "not of this bunker")
		want(t, "more than the highest life", x.says(kind, forged(now, adminwire.MaxLife+1, m.MAC)), "not an announcement")
		want(t, "rubbish", x.says(kind, `{"v":1,"type":"announce"`), "not an announcement")
		want(t, "another message", x.says(kind, `{"v":1,"type":"hello"}`), "not an announcement")
		want(t, "its own, in another envelope", x.says(kind, said), "")
	}
	if _, err := x.Announce(bunker.SelfHosted, x.admin, adminwire.Kind, make([]byte, 1<<16), now); err == nil {
		t.Error("more than an envelope holds was closed")
	}
	want(t, "a huge one", x.says(adminwire.Kind, `{"more":"`+strings.Repeat("x", 60_000)+`"}`), "too large")
	want(t, "longer than a message", x.says(adminwire.Kind, `{"more":"`+strings.Repeat("x", adminwire.MaxPlaintext)+`"}`), "not an announcement")
	a.Sign(1, "after")
	b.silent()
}

// TestAnOldAnnouncementIsNoCopy: what a bunker said itself is forgotten after a while, and
// until then, and afterwards, whoever repeats it stops nothing; nor who repeats what a true
// copy said, which was stopped long ago.
func TestAnOldAnnouncementIsNoCopy(t *testing.T) {
	t.Parallel()
	r, b, a := onRelay(t)
	ev := b.heard(r)[0]
	x := robbed(t, b)
	said := x.reads(ev)
	b.Clock.Pass(time.Unix(ev.CreatedAt, 0).Add(adminwire.MaxSkew - time.Minute).Sub(b.Clock.Now()))
	want(t, "the same event", x.sends(ev), "")
	want(t, "its words", x.says(adminwire.Kind, said), "")
	for range 3 { // beyond the time for which it is kept
		b.Clock.Pass(adminwire.MaxSkew)
		want(t, "the same event", x.sends(ev), "created_at is too far from now")
		want(t, "its words", x.says(adminwire.Kind, said), "too far from now; check the clock")
		b.Announce(t.Context())
	}
	a.again().Sign(1, "after")
	b.silent()
}
