package approval

import (
	"strconv"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr/nip46"
)

// Scope is how far an answer reaches. The zero value is the narrowest.
type Scope string

// The scopes of an answer: each reaches further than the ones before.
const (
	Once   Scope = "once"   // this very operation, one time
	Kind   Scope = "kind"   // this kind (or, for encrypt and decrypt, this method)
	Kinds  Scope = "kinds"  // signatures of every kind but what needs special care
	Method Scope = "method" // this method; of a signature: every kind
	All    Scope = "all"    // everything but what needs special care
)

// MaxUses is how often an answer can be for at most.
const MaxUses = 1_000_000

// Answer is what a person said to a question.
type Answer struct {
	Deny  bool
	Never bool // with Deny: refuse it from now on, as far as Scope says (Kind by default)
	Scope Scope
	// For is how long the answer lasts, Until (unix ms) when it ends; at most one of
	// the two. Neither: for ever.
	For   time.Duration
	Until int64
	// Uses is how often a yes is good for; 0: any number of times.
	Uses int64
	By   string
}

// State returns the state that the question gets.
func (a Answer) State() bunker.ApprovalState {
	if a.Deny {
		return bunker.ApprovalDenied
	}
	return bunker.ApprovalApproved
}

// End is when the answer ends (unix ms), 0 for never, or an error that says what
// is wrong with its times.
func (a Answer) End(now int64) (int64, error) {
	switch {
	case a.For != 0 && a.Until != 0:
		return 0, bunker.Errorf(bunker.CodeInvalid, "for and until exclude each other").In("until")
	case a.For < 0:
		return 0, bunker.Errorf(bunker.CodeInvalid, "a duration of %s is in the past; give one like 1h", a.For).In("for")
	case a.Until != 0 && a.Until <= now:
		return 0, bunker.Errorf(bunker.CodeInvalid, "until is in the past; give a later time").In("until")
	case a.For > 0:
		return now + a.For.Milliseconds(), nil
	}
	return a.Until, nil
}

// Counted is an error that says what is wrong with how often a yes is good for.
func (a Answer) Counted() error {
	if a.Uses < 0 || a.Uses > MaxUses {
		return bunker.Errorf(bunker.CodeInvalid, "a yes is good for 1 to %d times", MaxUses).In("uses")
	}
	return nil
}

// Grant turns an answer into the grant that it means, nil where it means none
// (a plain deny; a yes to a login).
func Grant(q *bunker.Approval, a Answer, now int64) (*bunker.Grant, error) {
	end, err := a.End(now)
	if err != nil {
		return nil, err
	}
	g := &bunker.Grant{
		Tenant:     q.Tenant,
		ID:         bunker.NewGrantID(),
		Connection: q.Connection,
		Effect:     bunker.Allow,
		Approval:   q.ID,
		Answers:    q.Answers,
		ExpiresAt:  end,
		GivenBy:    a.By,
		CreatedAt:  now,
		Version:    1,
	}
	if a.Deny {
		return denial(g, q, a)
	}
	return g, widen(g, q, a, now)
}

// Cooling is the refusal that three denies in a row bring.
func Cooling(q *bunker.Approval, now int64) *bunker.Grant {
	return &bunker.Grant{
		Tenant: q.Tenant, ID: bunker.NewGrantID(), Connection: q.Connection,
		Effect: bunker.Deny, Permissions: Permission(q), Approval: q.ID, Answers: q.Answers,
		GivenBy: "system", ExpiresAt: now + CoolingOff.Milliseconds(), CreatedAt: now, Version: 1,
	}
}

// Permission is the operation that a question is about, as a permission.
func Permission(q *bunker.Approval) string {
	if q.Method == string(nip46.SignEvent) {
		return q.Method + ":" + strconv.FormatInt(q.Kind, 10)
	}
	return q.Method
}

// OnceOnly reports that a yes to the question can be for one time only: must-ask
// operations, and what the guard asks (security.md section 2).
func OnceOnly(q *bunker.Approval) bool {
	return q.OnceOnly || policy.Answers(q.Answers, policy.AnswersGuard)
}

// reach is the permissions that a scope means for a question; "" for Once.
func reach(q *bunker.Approval, s Scope) (string, error) {
	switch s {
	case Once, "":
		return "", nil
	case Kind:
		return Permission(q), nil
	case Method:
		return q.Method, nil
	case Kinds:
		if q.Method != string(nip46.SignEvent) {
			return "", bunker.Errorf(bunker.CodeInvalid, "kinds is for signatures; this question is about %s", q.Method).In("scope").
				WithHint("take method, which is %s from now on", q.Method)
		}
		return string(nip46.SignEvent), nil
	case All:
		return string(nip46.All), nil
	}
	return "", bunker.Errorf(bunker.CodeInvalid, "scope is once, kind, kinds, method or all").In("scope")
}

func denial(g *bunker.Grant, q *bunker.Approval, a Answer) (*bunker.Grant, error) {
	if !a.Never {
		return nil, nil
	}
	if a.Scope == "" || a.Scope == Once {
		a.Scope = Kind
	}
	perms, err := reach(q, a.Scope)
	if err != nil {
		return nil, err
	}
	g.Effect, g.Permissions = bunker.Deny, perms
	return g, nil
}

func widen(g *bunker.Grant, q *bunker.Approval, a Answer, now int64) error {
	once := a.Scope == Once || a.Scope == ""
	if err := a.Counted(); err != nil {
		return err
	}
	perms, err := reach(q, a.Scope)
	switch {
	case err != nil:
		return err
	case OnceOnly(q) && !once:
		return bunker.Errorf(bunker.CodeRestricted, "%s needs a person each time; it can be approved once only", Permission(q)).
			WithHint("nsecbunker approve %s --once", q.ID).In("scope")
	case once && a.Uses > 1:
		return bunker.Errorf(bunker.CodeInvalid, "once is one time; several times go with kind, kinds, method or all").In("uses")
	case once:
		g.OpDigest, g.MaxUses = q.OpDigest, 1
		if g.ExpiresAt == 0 {
			g.ExpiresAt = now + OnceFor.Milliseconds()
		}
		return nil
	}
	g.Permissions, g.MaxUses = perms, a.Uses
	if perms != Permission(q) && policy.Answers(q.Answers, policy.AnswersCare) {
		// What needs special care is in no wider scope than its own kind: this one
		// operation is then answered beside it, by its digest.
		g.OpDigest = q.OpDigest
	}
	return nil
}
