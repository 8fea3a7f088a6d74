package signer

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

var testNow = time.Unix(1_800_000_000, 0)

// somebody returns a public key that is on the curve.
func somebody(t *testing.T, n byte) nostr.PubKey {
	t.Helper()
	a, err := secret.NewArena(4096, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	key, err := nostr.NewSecretKey(a, bytes.Repeat([]byte{n}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return key.PubKey()
}

func TestAnEnvelopeHasExactlyOneRecipient(t *testing.T) {
	one, two := somebody(t, 1), somebody(t, 2)
	p := func(values ...string) (tags nostr.Tags) {
		for _, v := range values {
			tags = append(tags, nostr.Tag{"p", v})
		}
		return tags
	}
	for name, c := range map[string]struct {
		tags nostr.Tags
		ok   bool
	}{
		"one":                   {p(one.String()), true},
		"one with a relay":      {nostr.Tags{{"p", one.String(), "wss://relay.example.com"}}, true},
		"one among others":      {nostr.Tags{{"e", two.String()}, {"p", one.String()}, {"P", two.String()}}, true},
		"a p without a value":   {nostr.Tags{{"p"}, {"p", one.String()}}, true},
		"an empty tag":          {nostr.Tags{{}, {"p", one.String()}}, true},
		"none":                  {nil, false},
		"only a p without":      {nostr.Tags{{"p"}}, false},
		"two":                   {p(one.String(), two.String()), false},
		"the same twice":        {p(one.String(), one.String()), false},
		"no key":                {p("npub1"), false},
		"too short":             {p(one.String()[:62]), false},
		"one, and then garbage": {p(one.String(), "garbage"), false},
		"garbage, and then one": {p("garbage", one.String()), false},
	} {
		got, ok := Recipient(&nostr.Event{Tags: c.tags})
		if ok != c.ok || ok && got != one {
			t.Errorf("%s: got %s, %t", name, got, ok)
		}
	}
}

func TestAClientHearsHowFarItsClockIsOff(t *testing.T) {
	for want, off := range map[string]time.Duration{
		"this request is 11m0s old;":                    -11 * time.Minute,
		"this request is 1h0m0s old;":                   -time.Hour,
		"this request is dated 11m0s in the future;":    11 * time.Minute,
		"this request is dated 8760h0m0s in the future": 365 * 24 * time.Hour,
	} {
		c := &call{Arrival: Arrival{Event: &nostr.Event{CreatedAt: testNow.Add(off).Unix()}, Now: testNow}}
		if got := clockWords(c); !strings.HasPrefix(got, want) || !strings.Contains(got, "set the clock of the device") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestOnlyPrefixesOfNIP01GoOut(t *testing.T) {
	for code, want := range map[bunker.Code]bunker.Code{
		bunker.CodeRestricted: "restricted", bunker.CodeRateLimited: "rate-limited", bunker.CodeInvalid: "invalid", bunker.CodeBlocked: "blocked",
		bunker.CodeError: "error", bunker.CodeSealed: "restricted", bunker.CodeNotFound: "error", bunker.CodeConflict: "error",
		bunker.CodeNeedsProof: "error", "": "error", "a new one": "error",
	} {
		if got := nip01(code); got != want {
			t.Errorf("%q: got %q, want %q", code, got, want)
		}
	}
}

func TestARequestOfBeforeARestoreIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		before, created int64 // unix ms, unix s
		want            bool
	}{
		"never restored":                 {0, 100, false},
		"before":                         {200_000, 199, true},
		"in the same second":             {200_999, 200, true},
		"in the second after it":         {200_999, 201, false},
		"never restored, of a date of 0": {0, 0, false},
	} {
		got := refused(&call{
			Arrival: Arrival{Event: &nostr.Event{CreatedAt: c.created}},
			view:    bunker.View{Tenant: bunker.TenantState{RefuseBefore: c.before}},
		})
		if got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAConnectionThatIsNotActiveIsToldWhy(t *testing.T) {
	ms := testNow.UnixMilli()
	for name, c := range map[string]struct {
		conn   bunker.Connection
		parked *bunker.Parked
		stop   bool
		want   string
	}{
		"active":             {conn: bunker.Connection{State: bunker.ConnActive}},
		"not expired yet":    {conn: bunker.Connection{State: bunker.ConnActive, ExpiresAt: ms + 1}},
		"expires now":        {conn: bunker.Connection{State: bunker.ConnActive, ExpiresAt: ms}, want: "has expired"},
		"expired":            {conn: bunker.Connection{State: bunker.ConnExpired}, want: "has expired"},
		"suspended":          {conn: bunker.Connection{State: bunker.ConnSuspended}, want: "suspended"},
		"revoked":            {conn: bunker.Connection{State: bunker.ConnRevoked}, want: "was revoked"},
		"turned away":        {conn: bunker.Connection{State: bunker.ConnRevoked}, parked: &bunker.Parked{Approval: bunker.Approval{State: bunker.ApprovalDenied}}, want: "refused this request"},
		"logged out":         {conn: bunker.Connection{State: bunker.ConnEnded}, want: "logged out"},
		"pending":            {conn: bunker.Connection{State: bunker.ConnPending}, want: "not approved yet"},
		"an unknown state":   {conn: bunker.Connection{State: "x"}, want: "expired"},
		"active, but a stop": {conn: bunker.Connection{State: bunker.ConnActive}, stop: true, want: "was stopped"},
	} {
		got := notActive(&call{
			Arrival: Arrival{Now: testNow, Parked: c.parked},
			view:    bunker.View{Tenant: bunker.TenantState{Stopped: c.stop}, Connection: &c.conn},
		})
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestConnectNamesUsOrNobody(t *testing.T) {
	us, user, other := somebody(t, 1), somebody(t, 2), somebody(t, 3)
	key := &bunker.UserKey{PubKey: user}
	for remote, want := range map[string]bool{
		"": true, us.String(): true, user.String(): true, other.String(): false, "x": false, strings.ToUpper(us.String()): false,
	} {
		if got := addressed(remote, us, key); got != want {
			t.Errorf("%q: %t", remote, got)
		}
	}
}

func TestATokensPermissionsEndWhenItSays(t *testing.T) {
	conn := &bunker.Connection{ID: "c"}
	tok := &bunker.Token{Tenant: "t", Permissions: "sign_event:1", CreatedBy: "ann"}
	if g := tokenGrants(tok, conn, 1000)[0]; g.ExpiresAt != 0 || g.Permissions != "sign_event:1" || g.Effect != bunker.Allow ||
		g.Connection != "c" || g.Tenant != "t" || g.GivenBy != "ann" || g.CreatedAt != 1000 || g.Version != 1 || g.MaxUses != 0 {
		t.Errorf("%+v", g)
	}
	tok.GrantFor = 500
	if g := tokenGrants(tok, conn, 1000)[0]; g.ExpiresAt != 1500 {
		t.Errorf("ends at %d", g.ExpiresAt)
	}
	tok.Policy = "p"
	list := tokenGrants(tok, conn, 1000)
	if len(list) != 2 || list[0].Policy != "p" || list[0].Permissions != "" || list[0].ExpiresAt != 1500 || list[1].Policy != "" || list[0].ID == list[1].ID {
		t.Errorf("a policy beside permissions: %+v", list)
	}
	tok.Policy, tok.Permissions = "", ""
	if list := tokenGrants(tok, conn, 1000); len(list) != 0 {
		t.Errorf("nothing given: %+v", list)
	}
}

// aSigner has a vault of one tenant, unsealed with fixed keys.
func aSigner(t *testing.T) *Signer {
	t.Helper()
	a, err := secret.NewArena(1<<20, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	v, err := vault.New(vault.Config{Arena: a, Now: func() time.Time { return testNow }, ConversationKeys: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	if err := v.OpenService(bunker.SelfHosted, bytes.Repeat([]byte{1}, 32)); err != nil {
		t.Fatal(err)
	}
	if err := v.Unseal(bunker.SelfHosted, bytes.Repeat([]byte{2}, 32)); err != nil {
		t.Fatal(err)
	}
	return &Signer{Config: Config{Tenant: bunker.SelfHosted, Vault: v}}
}

func aCall(t *testing.T, method nip46.Method) *call {
	t.Helper()
	conn := bunker.Connection{ID: "c", Version: 3, Relays: []string{"wss://relay.example.com"}}
	return &call{
		Arrival: Arrival{Event: &nostr.Event{ID: nostr.ID{7}, CreatedAt: testNow.Unix()}, Now: testNow, ClockOff: true},
		signer:  somebody(t, 1), client: somebody(t, 2), req: nip46.Request{ID: "r", Method: method},
		view: bunker.View{
			Tenant: bunker.TenantState{Version: 5}, Connection: &conn, Key: &bunker.UserKey{ID: "k", Version: 4, PubKey: somebody(t, 3)},
		},
	}
}

func TestAnEntrySaysWhoAskedWhatOnWhichVersions(t *testing.T) {
	s, c := aSigner(t), aCall(t, nip46.SignEvent)
	e := s.entry(c, c.view.Connection)
	if e.Tenant != bunker.SelfHosted || e.EventID != (nostr.ID{7}) || e.Signer != c.signer || e.Client != c.client || e.Connection != "c" ||
		e.Method != "sign_event" || e.CreatedAt != testNow.Unix() || !e.ClockOff || !slices.Equal(e.Relays, c.view.Connection.Relays) {
		t.Errorf("%+v", e)
	}
	if e.From != "" || e.To != bunker.RequestReady {
		t.Errorf("goes from %q to %q", e.From, e.To)
	}
	want := bunker.Basis{Tenant: 5, Connection: "c", ConnectionVersion: 3, Key: "k", KeyVersion: 4}
	if e.Basis != want {
		t.Errorf("rests on %+v, want %+v", e.Basis, want)
	}
	a := e.Audit
	if a.Principal != "client "+c.client.String() || a.Door != "relay" || a.Action != "sign_event" || a.Step != string(bunker.PartFinal) ||
		a.Event != c.Event.ID.String() || a.Connection != "c" || a.Key != c.view.Key.PubKey.String() {
		t.Errorf("the record is %+v", a)
	}

	c.Parked = &bunker.Parked{}
	if e := s.entry(c, c.view.Connection); e.From != bunker.RequestParked {
		t.Errorf("taken up again from %q", e.From)
	}
	c.view.Connection, c.view.Key = nil, nil
	if e := s.entry(c, &bunker.Connection{ID: "new"}); e.Basis != (bunker.Basis{Tenant: 5}) || e.Connection != "new" || e.Audit.Key != "" {
		t.Errorf("a stranger's entry is %+v", e)
	}
}

// What a client calls its method is the client's text: not for the log.
func TestAnUnknownMethodIsNotWrittenDown(t *testing.T) {
	s, c := aSigner(t), aCall(t, "drop_table")
	if e := s.entry(c, c.view.Connection); e.Method != "unknown" || e.Audit.Action != "unknown" {
		t.Errorf("%q, %q", e.Method, e.Audit.Action)
	}
}

func TestARecordHoldsFeaturesAndNeverContent(t *testing.T) {
	s, peer := aSigner(t), somebody(t, 9)
	const content = "nobody else shall read this"
	for name, c := range map[string]struct {
		op   *policy.Operation
		kind *int64
		tags []string
		peer string
	}{
		"a signature": {
			&policy.Operation{Method: nip46.SignEvent, Template: &nostr.Template{Kind: 0, Content: content, Tags: nostr.Tags{{"p", content}, {"e", content}, {"p", content}}}},
			new(int64), []string{"e:1", "p:2"}, "",
		},
		"an encryption": {&policy.Operation{Method: nip46.NIP44Encrypt, Peer: peer, Payload: []byte(content)}, nil, nil, peer.String()},
	} {
		e, digest := new(bunker.Entry), c.op.Digest()
		s.describe(e, c.op, digest, 0)
		a := e.Audit
		if (a.Kind == nil) != (c.kind == nil) || a.Kind != nil && *a.Kind != *c.kind || !slices.Equal(a.Tags, c.tags) || a.Peer != c.peer || a.Size != int64(len(content)) {
			t.Errorf("%s: %+v", name, a)
		}
		// Keyed: who guesses a content cannot check the guess against the log.
		if len(a.Digest) != 64 || a.Digest == hex.EncodeToString(digest[:]) || a.Digest != s.Vault.DigestText(bunker.SelfHosted, digest[:]) {
			t.Errorf("%s: the digest is %q", name, a.Digest)
		}
		for _, text := range append([]string{a.Reason, a.Peer, a.Digest, a.Object, a.Rule}, a.Tags...) {
			if strings.Contains(text, content) {
				t.Errorf("%s: the record holds the content: %q", name, text)
			}
		}
	}
}
