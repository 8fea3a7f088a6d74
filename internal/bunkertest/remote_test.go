package bunkertest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/remote"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// brief is how long a test waits for an answer that must not come.
const brief = 4 * time.Second

// TestAnAdminAdministersFromAfar: over the embedded relay, from a new device to a

// signature for an app.

func TestAnAdminAdministersFromAfar(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	ann := b.Person("owner")
	s := ann.Dial()
	if s.Confirmed() || len(s.Code()) != 6 {
		t.Fatal("a device that nobody knows was let in")
	}
	if e := s.Refused("key.list", nil); !strings.Contains(e.Words, s.Code()) {
		t.Errorf("refused with %q", e.Words)
	}
	if v := b.Admin("device.list", nil); v.Text("devices.0.state") != "waiting" || v.Text("devices.0.code") != s.Code() || v.Text("devices.0.person") != ann.Npub() {
		t.Errorf("the machine sees %v", v)
	}
	b.Admin("device.confirm", Params{"digits": s.Code()})
	s.Await()
	s.Do("key.add", Params{"name": "herald"})
	uri := s.Do("token.create", Params{"key": "herald", "client": "app", "perms": "all"}).Text("uri")
	b.Connected(uri).Sign(1, "from afar")
	if v := s.Do("status", nil); v.Text("state") != "unsealed" || v.Number("keys.unlocked") != 1 {
		t.Errorf("status says %v", v)
	}
	// The log says who, from which device, by which door.
	v := b.Admin("audit.list", Params{"action": "key.add"})
	if v.Text("records.0.principal") != ann.Npub() || v.Text("records.0.door") != "relay" || !strings.HasPrefix(v.Text("records.0.rule"), "device ") {
		t.Errorf("the log says %v", v)
	}
	b.VerifyOutside()
	// What lies on the machine stays there.
	for _, command := range []string{"backup.create", "leave", "key.purge"} {
		if e := s.Refused(command, nil); e.Code != bunker.CodeRestricted {
			t.Errorf("%s from afar: %v", command, e)
		}
	}
	if e := s.Refused("slot.add", Params{"kind": "file", "name": "f", "path": "/etc/passwd"}); e.Field != "kind" {
		t.Errorf("a key file from afar: %v", e)
	}
}

// TestDangerousCommandsFromAfarNeedTheKey: what the admin's key signs, not a device

// alone.

func TestDangerousCommandsFromAfarNeedTheKey(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	ann := b.Person("owner")
	s := ann.In()
	p := Params{"key": "herald", "password": "a long password"}
	if got := s.Do("key.export", p).Text("ncryptsec"); !strings.HasPrefix(got, "ncryptsec1") {
		t.Errorf("got %q", got)
	}
	ann.Mute = true
	back, err := ann.TryDial(b.ConnectionString(), true)
	if err != nil || !back.Confirmed() {
		t.Fatalf("the device was forgotten: %v", err)
	}
	back.Do("key.list", nil)
	if e := back.Refused("key.export", p); !strings.Contains(e.Words, "terminal") {
		t.Errorf("refused with %v", e)
	}
}

// relays makes n relays of the same manners.

// TestOrdersOverRudeRelaysAreExecutedOnce: relays of others that lose, double,

// forge, delay, refuse and cut.

// TestEveryMessageDoubledOverFiveRelaysCountsOnce: five relays, each passing

// everything on twice.

// TestARelayThatRefusesTheKindIsUsedWithTheOther: 24133 where 24134 is refused.

func TestStrangersHearThatTheyAreNoAdminOrNothing(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	_, err := b.Person("").TryDial(b.ConnectionString(), false)
	var refused *remote.RefusedError
	if !errors.As(err, &refused) || refused.Why.Words != "not an admin here" {
		t.Errorf("got %v", err)
	}
	mute := b.Person("")
	mute.Mute, mute.Patience = true, brief
	if _, err := mute.TryDial(b.ConnectionString(), true); !errors.Is(err, remote.ErrSilent) {
		t.Errorf("a stranger's device got %v", err)
	}
	if v := b.Admin("audit.list", Params{"action": "session.open"}); len(v.At("records").([]any)) != 0 {
		t.Errorf("strangers write into the log: %v", v)
	}
}

func TestARemovedAdminIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	ann := b.Person("owner")
	bob := b.Person("operator")
	s := bob.In()
	s.Do("key.add", Params{"name": "herald"})
	ann.In().Do("admin.remove", Params{"npub": bob.Npub()})
	if e := s.Refused("key.add", Params{"name": "late"}); e.Code != bunker.CodeRestricted {
		t.Errorf("got %v", e)
	}
	if _, err := bob.TryDial(b.ConnectionString(), false); err == nil {
		t.Error("let in again")
	}
}

func TestARevokedDeviceIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	ann := b.Person("owner")
	s := ann.In()
	id := b.Admin("device.list", nil).Text("devices.0.id")
	b.Admin("device.revoke", Params{"device": id})
	s.Hears("ended")
	if _, err := ann.TryDial(b.ConnectionString(), false); err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("the device came back: %v", err)
	}
	ann.NewDevice()
	if s := ann.Dial(); s.Confirmed() {
		t.Error("another device was let in by itself")
	}
}

// TestDevicesAndSessionsAreMindedByTheirPerson: one's own, and for an owner

// everybody's.

func TestDevicesAndSessionsAreMindedByTheirPerson(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	ann, bob := b.Person("owner"), b.Person("viewer")
	as, bs := ann.In(), bob.In()
	if n := len(bs.Do("device.list", nil).At("devices").([]any)); n != 1 {
		t.Errorf("a viewer sees %d devices", n)
	}
	if n := len(as.Do("session.list", nil).At("sessions").([]any)); n != 2 {
		t.Errorf("an owner sees %d sessions", n)
	}
	annsSession := ""
	for i := range 2 {
		v := as.Do("session.list", nil)
		if n := "sessions." + string(rune('0'+i)); v.Text(n+".person") == ann.Npub() {
			annsSession = v.Text(n + ".id")
		}
	}
	annsDevice := b.Admin("device.list", nil).Text("devices.0.id")
	bs.Refused("device.revoke", Params{"device": annsDevice})
	bs.Refused("session.end", Params{"session": annsSession})
	second := *ann
	second.NewDevice()
	waits := second.Dial()
	bs.Refused("device.confirm", Params{"digits": waits.Code()})
	bs.Refused("device.refuse", Params{"digits": waits.Code()})
	as.Do("device.confirm", Params{"digits": waits.Code()})
	waits.Await()
	// One's own second device, from a confirmed session of a viewer.
	third := *bob
	third.NewDevice()
	other := third.Dial()
	bs.Do("device.confirm", Params{"digits": other.Code()})
	other.Await()
	if e := bs.Refused("device.pair", Params{"role": "viewer", "label": "x"}); e.Code != bunker.CodeRestricted {
		t.Errorf("got %v", e)
	}
	as.Do("session.end", Params{"session": bs.Ready().SID.String()})
	bs.Hears("ended")
}

func TestASessionComesBackAfterARestartWithoutAPrompt(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	ann := b.Person("owner")
	ann.In().Do("key.add", Params{"name": "herald"})
	b.CrashAndRestart()
	ann.Mute = true
	back, err := ann.TryDial(b.ConnectionString(), true)
	if err != nil || !back.Confirmed() {
		t.Fatalf("got %v", err)
	}
	back.Do("key.list", nil)
	b.Clock.Pass(13 * time.Hour)
	if _, err := ann.TryDial(b.ConnectionString(), true); err == nil {
		t.Error("the login did not end after twelve hours")
	}
	ann.Mute = false
	again, err := ann.TryDial(b.ConnectionString(), true)
	if err != nil || !again.Confirmed() || !again.Signed() {
		t.Errorf("with the key: %v", err)
	}
}

func TestASealedBunkerIsUnsealedFromAfar(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{Sealed: true})
	if b.State() == daemon.NotSetUp {
		b.SetUp()
	}
	ann := b.Person("owner")
	ann.In()
	fresh := b.Person("owner") // waits for 24 hours: no admin yet
	b.AddKey("herald")
	b.Restart()
	if b.State() != daemon.Sealed {
		t.Fatal("not sealed")
	}
	s := ann.Dial()
	if !s.Confirmed() || s.Ready().State != "sealed" {
		t.Fatalf("got %+v", s.Ready())
	}
	if v := s.Do("status", nil); v.Text("state") != "sealed" {
		t.Errorf("status says %v", v)
	}
	if e := s.Refused("key.list", nil); e.Code != bunker.CodeSealed {
		t.Errorf("got %v", e)
	}
	s.Refused("unseal", Params{"passphrase": "not the passphrase"})
	s.Do("unseal", Params{"passphrase": Passphrase})
	s.Do("key.list", nil)
	if _, err := fresh.TryDial(b.ConnectionString(), false); err == nil {
		t.Error("an owner who still waits was let in")
	}
	// A new device at a sealed bunker: the passphrase does both.
	b.Restart()
	ann.NewDevice()
	s = ann.Dial()
	if s.Confirmed() {
		t.Fatal("an unknown device was let in")
	}
	s.Refused("unseal", Params{"passphrase": Passphrase})
	s.Do("device.confirm", Params{"passphrase": Passphrase})
	s.Await()
	s.Do("key.list", nil)
}

func TestABunkerIsSetUpFromAfarWithTheCodeOfItsLog(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{NotSetUp: true})
	ann := b.Person("")
	s := ann.Dial()
	if s.Confirmed() || s.Ready().State != "not set up" {
		t.Fatalf("got %+v", s.Ready())
	}
	s.Refused("status", nil)
	if e := s.Refused("setup", Params{"passphrase": Passphrase, "code": "guess"}); e.Field != "code" {
		t.Errorf("got %v", e)
	}
	s.Do("setup", Params{"passphrase": Passphrase, "code": b.SetupCode()})
	s.Await()
	s.Do("key.add", Params{"name": "herald"})
	if v := b.Admin("admin.list", nil); v.Text("admins.0.npub") != ann.Npub() || v.Text("admins.0.role") != "owner" {
		t.Errorf("the admins are %v", v)
	}
}

// TestAPhoneIsPaired: without an extension, by a link that is good once.

func TestAPhoneIsPaired(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	made := b.Admin("device.pair", Params{"role": "approver", "label": "phone"})
	phone := b.Person("")
	phone.Mute = true
	s, err := phone.TryDial(made.Text("link"), false)
	if err != nil {
		t.Fatal(err)
	}
	v := b.Admin("device.wait", Params{"id": made.Text("id")})
	if v.Text("device.code") != s.Code() || v.Text("device.role") != "approver" {
		t.Fatalf("the terminal shows %v, the phone %s", v, s.Code())
	}
	s.Refused("approval.list", nil)
	b.Admin("device.confirm", Params{"digits": s.Code()})
	s.Await()
	s.Do("approval.list", nil)
	if e := s.Refused("key.add", Params{"name": "herald"}); e.Code != bunker.CodeRestricted {
		t.Errorf("an approver's phone may add keys: %v", e)
	}
	back, err := phone.TryDial(b.ConnectionString(), true)
	if err != nil || !back.Confirmed() {
		t.Errorf("it does not come back: %v", err)
	}
	other := b.Person("")
	other.Mute, other.Patience = true, brief
	if _, err := other.TryDial(made.Text("link"), false); !errors.Is(err, remote.ErrSilent) {
		t.Errorf("the link was good twice: %v", err)
	}
}

// TestAQuestionReachesAnAdminAndItsAnswerTheApp: the notice, the answer, the

// signature.

func TestAQuestionReachesAnAdminAndItsAnswerTheApp(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	s := b.Person("approver").In()
	app := b.Connected(b.Token("herald", ""))
	q := app.AskSign(1, "please")
	id := s.Hears("question")["id"]
	v := s.Do("approval.list", nil)
	if v.Text("approvals.0.id") != id {
		t.Fatalf("the notice names %q, the list %v", id, v)
	}
	s.Do("approval.answer", Params{"id": id, "digest": v.Text("approvals.0.digest")})
	q.Signed()
	s.Hears("answered")
	b.AddKey("other")
	if n := s.Hears("changed"); n["noun"] != "key" || n["by"] != "local" {
		t.Errorf("heard %v", n)
	}
}

// TestAListLongerThanAMessageComesWhole: answers in parts, over a rude relay.

// TestStaleMessagesToTheAdminKeyAreRefused: dated too far from now.

// TestAFloodOfHellosLeavesAppsAndSessionsAlone: strangers at the admin key have a

// budget of their own.

// TestAlarmsAndEndedQuestionsAreTold: a spent link that somebody else shows, a

// question whose time is over.

func TestAlarmsAndEndedQuestionsAreTold(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	s := b.Person("viewer").In()
	uri := b.Token("herald", "")
	app := b.Connected(uri)
	b.App(uri).Connect().Fails("not valid")
	for !strings.Contains(s.Hears("alarm")["words"], "used up") {
		// that the device was confirmed is an alarm, too
	}
	login := nostr.Template{Kind: 22242, CreatedAt: b.Clock.Now().Unix(), Tags: nostr.Tags{{"relay", "wss://relay.example.com"}, {"challenge", "x"}}}
	app.Ask(nip46.SignEvent, string(login.AppendJSON(nil)))
	s.Hears("question")
	b.Pass(2 * time.Minute) // the question of a login is good for one
	if n := s.Hears("answered"); n["noun"] != "approval" || n["by"] != "system" {
		t.Errorf("heard %v", n)
	}
}

// TestARelayThatRepeatsWhatItHeardSpendsNothing: recorded messages of a session,

// handed to the bunker again and again.
