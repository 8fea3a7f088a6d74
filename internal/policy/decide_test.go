package policy

import (
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

const nowMS = 1_800_000_000_000

func input(perms ...string) Input {
	in := Input{
		Now:        nowMS,
		Tenant:     &bunker.TenantState{SetUp: true, Reviewed: true},
		Key:        &bunker.UserKey{ID: "k", State: bunker.KeyActive, Default: bunker.Ask, PubKey: nostr.PubKey{1}},
		Connection: &bunker.Connection{ID: "c", State: bunker.ConnActive},
	}
	for i, p := range perms {
		in.Grants = append(in.Grants, bunker.Grant{
			ID: bunker.GrantID(rune('a' + i)), Connection: "c", Effect: bunker.Allow, Permissions: p, GivenBy: "local",
		})
	}
	return in
}

func sign(kind nostr.Kind) *Operation {
	return &Operation{Method: nip46.SignEvent, Template: &nostr.Template{Kind: kind, CreatedAt: nowMS / 1000, Content: "x"}}
}

func with(in Input, op *Operation) Input { in.Operation = op; return in }

func TestZeroInputDenies(t *testing.T) {
	if d := Decide(Input{}); d.Effect != bunker.Deny {
		t.Fatalf("got %v", d.Effect)
	}
	if (Decision{}).Effect != bunker.Deny {
		t.Fatal("the zero decision does not deny")
	}
}

func TestPermissionStringsMeanWhatTheySay(t *testing.T) {
	peer := nostr.PubKey{9}
	crypt := func(m nip46.Method, peer nostr.PubKey) *Operation {
		return &Operation{Method: m, Peer: peer, Payload: []byte("x")}
	}
	old := sign(1)
	old.Template.CreatedAt -= Skew + 1
	seen := sign(13)
	seen.Seen = true
	for _, c := range []struct {
		name  string
		perms string
		op    *Operation
		want  bunker.Effect
	}{
		{"nothing granted", "", sign(1), bunker.Ask},
		{"the kind named", "sign_event:1", sign(1), bunker.Allow},
		{"another kind", "sign_event:1", sign(7), bunker.Ask},
		{"every kind", "sign_event", sign(7), bunker.Allow},
		{"every kind does not name deletion", "sign_event", sign(5), bunker.Ask},
		{"all", "all", sign(30023), bunker.Allow},
		{"all covers replaceable kinds until the guard exists", "all", sign(0), bunker.Allow},
		{"all does not cover deletion", "all", sign(5), bunker.Ask},
		{"named deletion", "all,sign_event:5", sign(5), bunker.Allow},
		{"all does not cover http auth", "all", sign(27235), bunker.Ask},
		{"named http auth", "sign_event:27235", sign(27235), bunker.Allow},
		{"named relay auth", "sign_event:22242", sign(22242), bunker.Allow},
		{"all does not cover relay lists", "all", sign(10002), bunker.Ask},
		{"all does not cover wallets", "all", sign(13194), bunker.Ask},
		{"all does not cover unknown ephemeral kinds", "all", sign(20001), bunker.Ask},
		{"vanish is asked even when named", "all,sign_event:62", sign(62), bunker.Ask},
		{"admin login is asked even when named", "sign_event:24134", sign(24134), bunker.Ask},
		{"back-dated under all", "all", old, bunker.Ask},
		{"back-dated under its own name", "sign_event:1", old, bunker.Allow},
		{"sealed message unseen", "all", sign(13), bunker.Ask},
		{"sealed message seen", "all", seen, bunker.Allow},
		{"sealed message named", "sign_event:13", sign(13), bunker.Allow},
		{"gift wrap by the account", "all", sign(1059), bunker.Ask},
		{"decrypt by all", "all", crypt(nip46.NIP44Decrypt, peer), bunker.Allow},
		{"decrypt of one's own by all", "all", crypt(nip46.NIP44Decrypt, nostr.PubKey{1}), bunker.Ask},
		{"decrypt of one's own by name", "nip44_decrypt", crypt(nip46.NIP44Decrypt, nostr.PubKey{1}), bunker.Allow},
		{"encrypt is not decrypt", "nip44_encrypt", crypt(nip46.NIP44Decrypt, peer), bunker.Ask},
		{"nip04 is not nip44", "nip04_decrypt", crypt(nip46.NIP44Decrypt, peer), bunker.Ask},
	} {
		if got := Decide(with(input(c.perms), c.op)); got.Effect != c.want {
			t.Errorf("%s: got %v (%s: %s), want %v", c.name, got.Effect, got.Rule, got.Reason, c.want)
		}
	}
}

func TestNpubLoginMakesNIP04DecryptAsk(t *testing.T) {
	in := with(input("all"), &Operation{Method: nip46.NIP04Decrypt, Peer: nostr.PubKey{9}})
	if d := Decide(in); d.Effect != bunker.Allow {
		t.Fatalf("without npub login: %v", d.Effect)
	}
	in.Key.NpubLogin = true
	if d := Decide(in); d.Effect != bunker.Ask {
		t.Fatalf("with npub login: %v", d.Effect)
	}
}

func TestDenyBeatsAllow(t *testing.T) {
	in := with(input("all", "sign_event:1"), sign(1))
	in.Grants[1].Effect = bunker.Deny
	if d := Decide(in); d.Effect != bunker.Deny || d.Reason == "" {
		t.Fatalf("got %v %q", d.Effect, d.Reason)
	}
}

func TestExpiredEqualsAbsent(t *testing.T) {
	for name, spoil := range map[string]func(*bunker.Grant){
		"expired":            func(g *bunker.Grant) { g.ExpiresAt = nowMS },
		"ended":              func(g *bunker.Grant) { g.Ended = true },
		"spent":              func(g *bunker.Grant) { g.MaxUses, g.Uses = 2, 2 },
		"another connection": func(g *bunker.Grant) { g.Connection = "other" },
	} {
		for _, effect := range []bunker.Effect{bunker.Allow, bunker.Deny} {
			in := with(input("sign_event:1"), sign(1))
			in.Grants[0].Effect = effect
			spoil(&in.Grants[0])
			if d := Decide(in); d.Effect != bunker.Ask {
				t.Errorf("%s %v grant: got %v, want the default", name, effect, d.Effect)
			}
		}
	}
}

func TestStandingIsJudgedBeforeGrants(t *testing.T) {
	for name, spoil := range map[string]func(*Input){
		"stopped":       func(in *Input) { in.Tenant.Stopped = true },
		"not reviewed":  func(in *Input) { in.Tenant.Reviewed = false },
		"key locked":    func(in *Input) { in.Key.Locked = true },
		"key deleting":  func(in *Input) { in.Key.State = bunker.KeyDeleting },
		"key no state":  func(in *Input) { in.Key.State = "" },
		"conn expired":  func(in *Input) { in.Connection.ExpiresAt = nowMS },
		"conn pending":  func(in *Input) { in.Connection.State = bunker.ConnPending },
		"conn ended":    func(in *Input) { in.Connection.State = bunker.ConnEnded },
		"conn revoked":  func(in *Input) { in.Connection.State = bunker.ConnRevoked },
		"conn no state": func(in *Input) { in.Connection.State = "" },
		"suspended":     func(in *Input) { in.Connection.State = bunker.ConnSuspended },
	} {
		in := with(input("all,sign_event:1"), sign(1))
		spoil(&in)
		if d := Decide(in); d.Effect != bunker.Deny || d.Reason == "" {
			t.Errorf("%s: got %v %q", name, d.Effect, d.Reason)
		}
	}
}

func TestDefaultIsNeverAllow(t *testing.T) {
	for _, def := range []bunker.Effect{bunker.Deny, bunker.Allow, 77} {
		in := with(input(), sign(1))
		in.Key.Default = def
		if d := Decide(in); d.Effect != bunker.Deny {
			t.Errorf("default %d: got %v", def, d.Effect)
		}
	}
}

func TestOnceAnswersOneOperationOnly(t *testing.T) {
	op := sign(62)
	in := with(input(), op)
	in.Grants = []bunker.Grant{{ID: "g", Connection: "c", Effect: bunker.Allow, OpDigest: op.Digest(), MaxUses: 1}}
	d := Decide(in)
	if d.Effect != bunker.Allow || d.Spend != "g" {
		t.Fatalf("the approved operation: %v, spend %q", d.Effect, d.Spend)
	}
	other := sign(62)
	other.Template.Content = "y"
	if d := Decide(with(in, other)); d.Effect != bunker.Ask {
		t.Errorf("another content: %v", d.Effect)
	}
	later := sign(62)
	later.Template.CreatedAt += 60 // the app's second try joins
	if d := Decide(with(in, later)); d.Effect != bunker.Allow {
		t.Errorf("the same a minute later: %v", d.Effect)
	}
	late := sign(62)
	late.Template.CreatedAt += Skew + 1
	if d := Decide(with(in, late)); d.Effect != bunker.Ask {
		t.Errorf("dated far from now: %v", d.Effect)
	}
	in.Grants[0].Uses = 1
	if d := Decide(in); d.Effect != bunker.Ask {
		t.Errorf("spent: %v", d.Effect)
	}
	// An event of another date can be approved once too, for that date alone.
	late.OffDate = true
	in.Grants[0].Uses, in.Grants[0].OpDigest = 0, late.Digest()
	if d := Decide(with(in, late)); d.Effect != bunker.Allow {
		t.Errorf("of another date, as approved: %v", d.Effect)
	}
	later = sign(62)
	later.Template.CreatedAt += Skew + 2
	later.OffDate = true
	if d := Decide(with(in, later)); d.Effect != bunker.Ask {
		t.Errorf("of yet another date: %v", d.Effect)
	}
}

func TestUncountedGrantsAreSpentFirst(t *testing.T) {
	in := with(input("sign_event:1", "all"), sign(1))
	in.Grants[0].MaxUses = 1
	if d := Decide(in); d.Effect != bunker.Allow || d.Spend != "" {
		t.Fatalf("got %v, spend %q", d.Effect, d.Spend)
	}
}

func TestQuestionsThatEndedRefuse(t *testing.T) {
	for state, want := range map[bunker.ApprovalState]bunker.Effect{
		bunker.ApprovalDenied: bunker.Deny, bunker.ApprovalExpired: bunker.Deny, bunker.ApprovalWithdrawn: bunker.Deny,
		bunker.ApprovalApproved: bunker.Deny, // without a grant: the yes no longer covers it
		"":                      bunker.Deny, bunker.ApprovalPending: bunker.Ask,
	} {
		in := with(input(), sign(1))
		in.Approval = &bunker.Approval{ID: "a", State: state, ReplyBy: nowMS + 1}
		if d := Decide(in); d.Effect != want {
			t.Errorf("%q: got %v, want %v", state, d.Effect, want)
		}
	}
	in := with(input(), sign(1))
	in.Approval = &bunker.Approval{ID: "a", State: bunker.ApprovalPending, ReplyBy: nowMS}
	if d := Decide(in); d.Effect != bunker.Deny || d.Reason != "not yet approved; if approved later, try again" {
		t.Errorf("at its deadline: %v %q", d.Effect, d.Reason)
	}
}

func TestDigestTellsOperationsApart(t *testing.T) {
	base := func() *nostr.Template {
		return &nostr.Template{Kind: 1, Content: "a", Tags: nostr.Tags{{"p", "x"}, {"e", "y"}}}
	}
	variants := []*Operation{
		{Method: nip46.SignEvent, Template: base()},
		{Method: nip46.NIP44Encrypt, Peer: nostr.PubKey{1}, Payload: []byte("a")},
		{Method: nip46.NIP44Decrypt, Peer: nostr.PubKey{1}, Payload: []byte("a")},
		{Method: nip46.NIP44Decrypt, Peer: nostr.PubKey{2}, Payload: []byte("a")},
		{Method: nip46.NIP44Decrypt, Peer: nostr.PubKey{2}, Payload: []byte("b")},
	}
	for _, alter := range []func(*nostr.Template){
		func(t *nostr.Template) { t.Kind = 2 },
		func(t *nostr.Template) { t.Content = "b" },
		func(t *nostr.Template) { t.Tags = nostr.Tags{{"p", "x", "e"}, {"y"}} },
		func(t *nostr.Template) { t.Tags = nostr.Tags{{"p", "x"}} },
		func(t *nostr.Template) { t.Tags = nostr.Tags{{"e", "y"}, {"p", "x"}} },
	} {
		tm := base()
		alter(tm)
		variants = append(variants, &Operation{Method: nip46.SignEvent, Template: tm})
	}
	seen := map[[32]byte]int{}
	for i, v := range variants {
		if j, ok := seen[v.Digest()]; ok {
			t.Errorf("operations %d and %d have one digest", i, j)
		}
		seen[v.Digest()] = i
	}
}

func TestWhatMustBeAskedIsAnsweredForOneTimeOnly(t *testing.T) {
	for uses, want := range map[int64]bunker.Effect{0: bunker.Ask, 1: bunker.Allow, 2: bunker.Ask} {
		op := sign(62)
		in := with(input("all"), op)
		in.Grants[0].OpDigest, in.Grants[0].MaxUses = op.Digest(), uses
		if d := Decide(in); d.Effect != want {
			t.Errorf("with an answer for %d uses: %v, want %v", uses, d.Effect, want)
		}
	}
}

// TestWhatIsHeldForATimeEndsByTheClock: nothing runs at that moment; deciding looks.
func TestWhatIsHeldForATimeEndsByTheClock(t *testing.T) {
	const now = 1_800_000_000_000
	for name, x := range map[string]struct {
		c    bunker.Connection
		k    bunker.UserKey
		rule string
		says string
	}{
		"suspended":            {c: bunker.Connection{State: bunker.ConnSuspended}, rule: "suspended", says: "ask the bunker's administrator"},
		"suspended until then": {c: bunker.Connection{State: bunker.ConnSuspended, ResumeAt: now + 1}, rule: "suspended", says: "until 2027-01-15 08:00 UTC"},
		"until now":            {c: bunker.Connection{State: bunker.ConnSuspended, ResumeAt: now}},
		"expired meanwhile":    {c: bunker.Connection{State: bunker.ConnSuspended, ResumeAt: now, ExpiresAt: now}, rule: "expired"},
		"revoked stays":        {c: bunker.Connection{State: bunker.ConnRevoked, ResumeAt: now}, rule: "revoked"},
		"paused":               {k: bunker.UserKey{Paused: true}, c: bunker.Connection{State: bunker.ConnActive}, rule: "paused", says: "ask"},
		"paused until then":    {k: bunker.UserKey{Paused: true, PausedUntil: now + 1}, c: bunker.Connection{State: bunker.ConnActive}, rule: "paused", says: "account is paused until"},
		"paused until now":     {k: bunker.UserKey{Paused: true, PausedUntil: now}, c: bunker.Connection{State: bunker.ConnActive}},
	} {
		x.k.State, x.k.Default = bunker.KeyActive, bunker.Ask
		in := Input{
			Now: now, Tenant: &bunker.TenantState{SetUp: true, Reviewed: true}, Key: &x.k, Connection: &x.c,
			Grants: []bunker.Grant{{Effect: bunker.Allow, Permissions: "all"}}, Operation: &Operation{Method: nip46.SignEvent, Template: &nostr.Template{Kind: 1, CreatedAt: now / 1000}},
		}
		d := Decide(in)
		if want := x.rule == ""; (d.Effect == bunker.Allow) != want || !want && (d.Rule != x.rule || !strings.Contains(d.Reason, x.says)) {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
