package approval

import (
	"strconv"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr/nip46"
)

// Scope is how far a yes reaches. The zero value is the narrowest.
type Scope string

// The scopes of an answer.
const (
	Once Scope = "once" // this very operation, one time
	Kind Scope = "kind" // this kind (or, for encrypt and decrypt, this method)
	All  Scope = "all"  // everything but what needs special care
)

// Answer is what a person said to a question.
type Answer struct {
	Deny  bool
	Never bool // with Deny: refuse this kind from now on
	Scope Scope
	For   time.Duration // how long the grant lives; 0: for ever
	By    string
}

// State returns the state that the question gets.
func (a Answer) State() bunker.ApprovalState {
	if a.Deny {
		return bunker.ApprovalDenied
	}
	return bunker.ApprovalApproved
}

// Grant turns an answer into the grant that it means, nil where it means none
// (a plain deny; a yes to a login).
func Grant(q *bunker.Approval, a Answer, now int64) (*bunker.Grant, error) {
	g := &bunker.Grant{
		Tenant:     q.Tenant,
		ID:         bunker.NewGrantID(),
		Connection: q.Connection,
		Effect:     bunker.Allow,
		Approval:   q.ID,
		Answers:    q.Answers,
		GivenBy:    a.By,
		CreatedAt:  now,
		Version:    1,
	}
	if a.For < 0 {
		return nil, bunker.Errorf(bunker.CodeInvalid, "a duration of %s is in the past; give one like 1h", a.For).In("for")
	}
	if a.For > 0 {
		g.ExpiresAt = now + a.For.Milliseconds()
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

func denial(g *bunker.Grant, q *bunker.Approval, a Answer) (*bunker.Grant, error) {
	if !a.Never {
		return nil, nil
	}
	g.Effect, g.Permissions = bunker.Deny, Permission(q)
	return g, nil
}

func widen(g *bunker.Grant, q *bunker.Approval, a Answer, now int64) error {
	if q.OnceOnly && a.Scope != Once && a.Scope != "" {
		return bunker.Errorf(bunker.CodeRestricted, "%s needs a person each time; it can be approved once only", Permission(q)).
			WithHint("nsecbunker approve %s --once", q.ID).In("scope")
	}
	switch a.Scope {
	case Once, "":
		g.OpDigest, g.MaxUses = q.OpDigest, 1
		if a.For == 0 {
			g.ExpiresAt = now + OnceFor.Milliseconds()
		}
	case Kind:
		g.Permissions = Permission(q)
	case All:
		// What needs special care is not in "all": this one operation is then
		// answered beside it, by its digest.
		g.Permissions = string(nip46.All)
		if policy.Answers(q.Answers, policy.AnswersCare) {
			g.OpDigest = q.OpDigest
		}
	default:
		return bunker.Errorf(bunker.CodeInvalid, "scope %q is none of once, kind, all", a.Scope).In("scope")
	}
	return nil
}
