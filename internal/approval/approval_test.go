package approval

import (
	"errors"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

const now = int64(1_800_000_000_000)

func signing(kind nostr.Kind) *policy.Operation {
	return &policy.Operation{Method: nip46.SignEvent, Template: &nostr.Template{Kind: kind, CreatedAt: now / 1000, Content: "x"}}
}

func asked(op *policy.Operation, d policy.Decision) *bunker.Approval {
	return Ask(policy.Input{
		Now: now, Key: &bunker.UserKey{ID: "k"}, Connection: &bunker.Connection{Tenant: "t", ID: "c"}, Operation: op,
	}, d, nostr.ID{7})
}

func TestAQuestionHoldsWhatItIsAboutAndEndsInTime(t *testing.T) {
	day, minute := (24 * time.Hour).Milliseconds(), time.Minute.Milliseconds()
	for name, c := range map[string]struct {
		op    *policy.Operation
		kind  int64
		until int64
	}{
		"a note":          {signing(1), 1, day},
		"an encryption":   {&policy.Operation{Method: nip46.NIP44Encrypt, Payload: []byte("x")}, -1, day},
		"a relay login":   {signing(22242), 22242, minute},
		"an upload":       {signing(24242), 24242, minute},
		"a website login": {signing(27235), 27235, minute},
		"beside a login":  {signing(27234), 27234, day},
	} {
		q := asked(c.op, policy.Decision{Answers: policy.AnswersCare, OnceOnly: true})
		if q.ReplyBy != now+30_000 || q.QuestionUntil != now+c.until || q.CreatedAt != now {
			t.Errorf("%s: made at %d, reply by %d, open until %d", name, q.CreatedAt, q.ReplyBy, q.QuestionUntil)
		}
		if q.Tenant != "t" || q.Connection != "c" || q.Key != "k" || q.EventID != (nostr.ID{7}) || q.ID == "" || q.State != bunker.ApprovalPending {
			t.Errorf("%s: %+v", name, q)
		}
		if q.Method != string(c.op.Method) || q.Kind != c.kind || q.OpDigest != c.op.Digest() || q.Answers != policy.AnswersCare || !q.OnceOnly {
			t.Errorf("%s: the operation became %+v", name, q)
		}
	}
}

func TestAQuestionOfALoginIsOpenForADay(t *testing.T) {
	q := AskConnect(&bunker.Connection{Tenant: "t", ID: "c", Key: "k"}, nostr.ID{7}, now)
	if q.Method != string(nip46.Connect) || q.Kind != -1 || q.OpDigest != ([32]byte{}) || q.Key != "k" || q.Connection != "c" || q.EventID != (nostr.ID{7}) {
		t.Errorf("%+v", q)
	}
	if q.ReplyBy != now+30_000 || q.QuestionUntil != now+QuestionFor.Milliseconds() || q.State != bunker.ApprovalPending {
		t.Errorf("reply by %d, open until %d, %s", q.ReplyBy, q.QuestionUntil, q.State)
	}
}

func TestAPermissionNamesTheMethodAndTheKindOfASignature(t *testing.T) {
	for want, q := range map[string]bunker.Approval{
		"sign_event:1":     {Method: "sign_event", Kind: 1},
		"sign_event:0":     {Method: "sign_event", Kind: 0},
		"sign_event:30023": {Method: "sign_event", Kind: 30023},
		"nip44_decrypt":    {Method: "nip44_decrypt", Kind: -1},
		"connect":          {Method: "connect", Kind: -1},
	} {
		if got := Permission(&q); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestAnAnswerBecomesNoWiderGrantThanItSays(t *testing.T) {
	hour := time.Hour.Milliseconds()
	plain := asked(signing(1), policy.Decision{Answers: policy.AnswersDefault})
	care := asked(signing(10002), policy.Decision{Answers: policy.AnswersCare})
	read := asked(&policy.Operation{Method: nip46.NIP44Decrypt, Payload: []byte("x")}, policy.Decision{Answers: policy.AnswersDefault})
	rule := asked(signing(1), policy.Decision{Answers: "rule basic/notes@3"})
	const allow, deny = bunker.Allow, bunker.Deny
	type grant struct {
		effect      bunker.Effect
		permissions string
		digest      bool
		uses        int64
		expires     int64
	}
	for name, c := range map[string]struct {
		q    *bunker.Approval
		a    Answer
		want grant
	}{
		"nothing said is once":       {plain, Answer{}, grant{allow, "", true, 1, now + OnceFor.Milliseconds()}},
		"once":                       {plain, Answer{Scope: Once}, grant{allow, "", true, 1, now + OnceFor.Milliseconds()}},
		"once, for an hour":          {plain, Answer{Scope: Once, For: time.Hour}, grant{allow, "", true, 1, now + hour}},
		"this kind":                  {plain, Answer{Scope: Kind}, grant{allow, "sign_event:1", false, 0, 0}},
		"this kind, for an hour":     {plain, Answer{Scope: Kind, For: time.Hour}, grant{allow, "sign_event:1", false, 0, now + hour}},
		"all":                        {plain, Answer{Scope: All}, grant{allow, "all", false, 0, 0}},
		"all, where care is needed":  {care, Answer{Scope: All}, grant{allow, "all", true, 0, 0}},
		"kind, where care is needed": {care, Answer{Scope: Kind}, grant{allow, "sign_event:10002", false, 0, 0}},
		"never":                      {plain, Answer{Deny: true, Never: true}, grant{deny, "sign_event:1", false, 0, 0}},
		"never for an hour":          {plain, Answer{Deny: true, Never: true, For: time.Hour}, grant{deny, "sign_event:1", false, 0, now + hour}},
		"never anything":             {plain, Answer{Deny: true, Never: true, Scope: All}, grant{deny, "all", false, 0, 0}},
		"never any kind":             {plain, Answer{Deny: true, Never: true, Scope: Kinds}, grant{deny, "sign_event", false, 0, 0}},
		"every kind":                 {plain, Answer{Scope: Kinds}, grant{allow, "sign_event", false, 0, 0}},
		"this method":                {plain, Answer{Scope: Method}, grant{allow, "sign_event", false, 0, 0}},
		"this method, of a reading":  {read, Answer{Scope: Method}, grant{allow, "nip44_decrypt", false, 0, 0}},
		"every kind, with care":      {care, Answer{Scope: Kinds}, grant{allow, "sign_event", true, 0, 0}},
		"this kind, five times":      {plain, Answer{Scope: Kind, Uses: 5}, grant{allow, "sign_event:1", false, 5, 0}},
		"this kind, until a time":    {plain, Answer{Scope: Kind, Until: now + 5}, grant{allow, "sign_event:1", false, 0, now + 5}},
		"once, until a time":         {plain, Answer{Scope: Once, Until: now + 5}, grant{allow, "", true, 1, now + 5}},
		"of a rule":                  {rule, Answer{Scope: Kind}, grant{allow, "sign_event:1", false, 0, 0}},
	} {
		c.a.By = "ann"
		g, err := Grant(c.q, c.a, now)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := grant{g.Effect, g.Permissions, g.OpDigest == c.q.OpDigest, int64(g.MaxUses), g.ExpiresAt}
		if got != c.want || !got.digest && g.OpDigest != ([32]byte{}) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
		if g.Tenant != "t" || g.Connection != "c" || g.Approval != c.q.ID || g.Answers != c.q.Answers || g.GivenBy != "ann" || g.CreatedAt != now || g.Version != 1 || g.ID == "" {
			t.Errorf("%s: %+v", name, g)
		}
	}
	if g, err := Grant(plain, Answer{Deny: true}, now); g != nil || err != nil {
		t.Errorf("a plain no became %+v, %v", g, err)
	}
}

func TestAnswersThatWouldReachTooFarAreRefused(t *testing.T) {
	plain := asked(signing(1), policy.Decision{Answers: policy.AnswersDefault})
	once := asked(signing(24134), policy.Decision{Answers: policy.AnswersCare, OnceOnly: true})
	guarded := asked(signing(3), policy.Decision{Answers: policy.AnswersGuard})
	read := asked(&policy.Operation{Method: nip46.NIP44Decrypt, Payload: []byte("x")}, policy.Decision{Answers: policy.AnswersDefault})
	for name, c := range map[string]struct {
		q     *bunker.Approval
		a     Answer
		code  bunker.Code
		field string
	}{
		"a kind that is asked each time": {once, Answer{Scope: Kind}, bunker.CodeRestricted, "scope"},
		"all of it":                      {once, Answer{Scope: All}, bunker.CodeRestricted, "scope"},
		"every kind of no signature":     {read, Answer{Scope: Kinds}, bunker.CodeInvalid, "scope"},
		"what the guard asks":            {guarded, Answer{Scope: Kind}, bunker.CodeRestricted, "scope"},
		"once, several times":            {plain, Answer{Uses: 2}, bunker.CodeInvalid, "uses"},
		"less than no times":             {plain, Answer{Scope: Kind, Uses: -1}, bunker.CodeInvalid, "uses"},
		"too many times":                 {plain, Answer{Scope: Kind, Uses: MaxUses + 1}, bunker.CodeInvalid, "uses"},
		"two ends":                       {plain, Answer{Scope: Kind, For: 1, Until: now + 1}, bunker.CodeInvalid, "until"},
		"an end in the past":             {plain, Answer{Scope: Kind, Until: now}, bunker.CodeInvalid, "until"},
		"an unknown scope":               {plain, Answer{Scope: "ever"}, bunker.CodeInvalid, "scope"},
		"a time in the past":             {plain, Answer{Scope: Kind, For: -time.Second}, bunker.CodeInvalid, "for"},
	} {
		_, err := Grant(c.q, c.a, now)
		var e *bunker.Error
		if !errors.As(err, &e) || e.Code != c.code || e.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, scope := range []Scope{Once, ""} {
		if g, err := Grant(once, Answer{Scope: scope}, now); err != nil || g.MaxUses != 1 || g.OpDigest != once.OpDigest {
			t.Errorf("once was refused, or is more than once: %+v, %v", g, err)
		}
	}
}

func TestCoolingOffRefusesThatOperationForAnHour(t *testing.T) {
	q := asked(signing(1), policy.Decision{Answers: policy.AnswersDefault})
	g := Cooling(q, now)
	if g.Effect != bunker.Deny || g.Permissions != "sign_event:1" || g.ExpiresAt != now+time.Hour.Milliseconds() {
		t.Errorf("%+v", g)
	}
	if g.Tenant != "t" || g.Connection != "c" || g.Approval != q.ID || g.GivenBy != "system" || g.CreatedAt != now || g.Version != 1 || g.MaxUses != 0 {
		t.Errorf("%+v", g)
	}
}

func TestAnAnswerSetsTheStateOfItsQuestion(t *testing.T) {
	for want, a := range map[bunker.ApprovalState]Answer{
		bunker.ApprovalApproved: {Scope: All}, bunker.ApprovalDenied: {Deny: true, Scope: All},
	} {
		if got := a.State(); got != want {
			t.Errorf("%+v: got %s, want %s", a, got, want)
		}
	}
}

func TestDeadlinesAreTheKeysThenTheBunkersThenTheBuiltInOnesAlwaysWithinBounds(t *testing.T) {
	s := Settings{Deadlines: Deadlines{Question: 72 * time.Hour}, Keys: map[bunker.KeyID]Deadlines{"k": {Reply: 45 * time.Second}, "wild": {Reply: time.Hour, Question: 1}}}
	again, err := ParseSettings(s.Text())
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range map[bunker.KeyID]Deadlines{
		"":      {ReplyWithin, 72 * time.Hour},
		"other": {ReplyWithin, 72 * time.Hour},
		"k":     {45 * time.Second, 72 * time.Hour},
		"wild":  {MaxReply, MinQuestion},
	} {
		if got := again.Of(k); got != want {
			t.Errorf("%q: %+v, want %+v", k, got, want)
		}
	}
	q := asked(signing(1), policy.Decision{})
	Within(q, again.Of("k"))
	if q.ReplyBy != now+45_000 || q.QuestionUntil != now+(72*time.Hour).Milliseconds() {
		t.Errorf("%+v", q)
	}
	for _, kind := range []nostr.Kind{22242, 24242, 27235} {
		if q = asked(signing(kind), policy.Decision{}); q.QuestionUntil != now+60_000 {
			t.Errorf("kind %d: %+v", kind, q)
		}
		if Within(q, again.Of("k")); q.QuestionUntil != now+60_000 {
			t.Errorf("kind %d with other deadlines: %+v", kind, q)
		}
	}
	if (Settings{}).Text() != "" {
		t.Error("nothing set is stored as something")
	}
	if _, err := ParseSettings("{"); err == nil {
		t.Error("what cannot be read was read")
	}
}

func TestAnExpectedLoginEndsByItselfAndIsOfItsKeyAlone(t *testing.T) {
	until := now + ExpectFor.Milliseconds()
	e, err := ParseExpected(Expected{"k": until, "old": now - 1}.Text(now))
	if err != nil || len(e) != 1 {
		t.Fatalf("%v %v", e, err)
	}
	for _, c := range []struct {
		key  bunker.KeyID
		at   int64
		open bool
	}{{"k", now, true}, {"k", until - 1, true}, {"k", until, false}, {"other", now, false}, {"", now, false}} {
		if e.Open(c.key, c.at) != c.open {
			t.Errorf("%q at %d: open %t", c.key, c.at-now, !c.open)
		}
	}
	if every := (Expected{"": until}); !every.Open("other", now) || every.Open("other", until) {
		t.Error("a login at every key")
	}
	if (Expected{"k": until + 1}).Open("k", now) {
		t.Error("a time that nobody can have set counts")
	}
}
