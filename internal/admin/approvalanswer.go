package admin

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr/nip46"
)

// MaxBatch is how many questions are answered together at most.
const MaxBatch = 100

// answerParams is what a person said, about one question or several.
type answerParams struct {
	Deny  bool   `json:"deny,omitempty"`
	Never bool   `json:"never,omitempty" doc:"with deny: refuse it from now on, as far as scope says (kind by default)"`
	Scope string `json:"scope,omitempty" doc:"once (the default), kind, kinds (signatures of every kind), method, or all"`
	For   Span   `json:"for,omitzero" doc:"how long the answer lasts"`
	Until Time   `json:"until,omitzero" doc:"when the answer ends, instead of for"`
	Uses  int64  `json:"uses,omitempty" doc:"how often a yes is good for; none: any number of times"`
	Name  string `json:"name,omitempty" doc:"what the connection is called from now on"`
	Perms string `json:"perms,omitempty" doc:"of a login: what the app may do without asking; scope all is all"`
	// Policy, of a login, instead of perms.
	Policy string `json:"policy,omitempty" doc:"of a login: name or id of a policy to put the app under, instead of perms"`
}

type approvalAnswerParams struct {
	ID     string `json:"id"`
	Digest string `json:"digest,omitempty" doc:"the digest that was shown with the question; a yes needs it and covers nothing else"`
	answerParams
}

type approvalAnswerResult struct {
	State    string     `json:"state" doc:"approved or denied"`
	Grant    *grantView `json:"grant,omitempty"`
	Warnings []string   `json:"warnings,omitempty"`
}

// answer is a checked answer on its way into the transaction.
type answer struct {
	approval.Answer
	name     string
	perms    string
	policy   string // as it was named
	under    *bunker.Policy
	warnings []string
	login    bool // it was about one
	// given are the grants of the questions before, in a batch: one is enough for
	// all questions that it covers.
	given []*bunker.Grant
}

func (t *Table) approvalAnswer(ctx context.Context, c *Call, p approvalAnswerParams) (approvalAnswerResult, error) {
	var res approvalAnswerResult
	if err := onlyOnce(c, p); err != nil {
		return res, err
	}
	if err := onlyOldAnswers(c, p); err != nil {
		return res, err
	}
	a, err := readAnswer(c, p.answerParams)
	if err != nil {
		return res, err
	}
	var grant *bunker.Grant
	rec := &bunker.AuditRecord{Object: clip(p.ID)}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		shown := shownQuestion{p.ID, p.Digest}
		if q, err := tx.Approval(bunker.ApprovalID(p.ID)); err == nil {
			if err := noLoginByDM(c, q.Method == string(nip46.Connect), a.Deny); err != nil {
				return err
			}
		}
		enough, err := t.enough(c, tx, shown, a)
		if err != nil || !enough {
			return err
		}
		grant, err = t.answerOne(tx, shown, a, rec)
		return err
	})
	if err != nil {
		return res, err
	}
	t.answered(a)
	res.State, res.Warnings = string(a.State()), a.warnings
	res.Grant, res.Warnings = viewGiven(grant, a.policies(), c.Now, res.Warnings)
	return res, nil
}

// answered has the parts around look: requests wait, and a login that was let in
// is a client from now on.
func (t *Table) answered(a *answer) {
	t.Around.Wake()
	if a.login {
		t.Around.Changed()
	}
}

func viewGiven(g *bunker.Grant, policies map[string]string, now time.Time, warnings []string) (*grantView, []string) {
	if g == nil {
		return nil, warnings
	}
	v := viewGrant(g, policies, now.UnixMilli())
	if g.GivenBy == System().Name {
		warnings = append(warnings, fmt.Sprintf("this was denied %d times in %s: it is refused without asking for %s",
			approval.DeniesBeforeCooling, approval.DenyWindow, approval.CoolingOff))
	}
	return &v, warnings
}

// shownQuestion is a question as it was shown to whoever answers.
type shownQuestion struct {
	ID     string `json:"id"`
	Digest string `json:"digest,omitempty" doc:"the digest that was shown with it"`
}

// answerOne answers one question in a transaction and returns the grant that came
// of it, nil for none. rec gets what the question was about.
func (t *Table) answerOne(tx Tx, shown shownQuestion, a *answer, rec *bunker.AuditRecord) (*bunker.Grant, error) {
	q, err := tx.Approval(bunker.ApprovalID(shown.ID))
	if err != nil {
		return nil, inID(err, "nsecbunker approvals")
	}
	digest, err := t.seen(q, shown.Digest, a.Deny)
	if err != nil {
		return nil, err
	}
	rec.Connection, rec.Reason = string(q.Connection), string(a.State())+": "+approval.Permission(q)
	a.login = a.login || q.Method == string(nip46.Connect)
	grant, err := t.answerGrant(tx, q, a)
	if err != nil {
		return nil, err
	}
	put := a.share(grant)
	// The question before the connection: a connection that leaves "active" has
	// its open questions withdrawn.
	if err := tx.AnswerApproval(q.ID, digest, a.State(), a.By, put); err != nil {
		return nil, err
	}
	return grant, answerConnection(tx, q, a)
}

// seen is the digest that the answer covers: the one that was shown. A yes must
// name it, and the row must be what its summary was sealed with; a no does no harm
// to what nobody looked at.
func (t *Table) seen(q *bunker.Approval, text string, deny bool) ([32]byte, error) {
	if text == "" && deny {
		return q.OpDigest, nil
	}
	b, err := hex.DecodeString(text)
	switch {
	case text == "":
		return [32]byte{}, bunker.Errorf(bunker.CodeInvalid, "a yes needs the digest that was shown with the question").In("digest").
			WithHint("approval.list and approval.show give it")
	case err != nil || len(b) != 32:
		return [32]byte{}, bunker.Errorf(bunker.CodeInvalid, "digest is not the one that a question shows").In("digest")
	}
	if err := t.untouched(q); err != nil && !deny {
		return [32]byte{}, err
	}
	return [32]byte(b), nil
}

// untouched refuses a question whose row was changed from outside: the row has no
// MAC, but what it shows is bound to all that an answer is made of.
func (t *Table) untouched(q *bunker.Approval) error {
	shown, err := t.Vault.OpenSummary(q)
	secret.Wipe(shown)
	if errors.Is(err, bunker.ErrTampered) {
		return bunker.Errorf(bunker.CodeBlocked, "the question %s was changed from outside, so it cannot be approved; deny it, and find out who writes to the data folder", q.ID).
			In("id").WithHint("nsecbunker deny %s", q.ID).WithCause(err)
	}
	return err
}

// share returns the grant to store, nil where one of the same answer covers it
// already.
func (a *answer) share(g *bunker.Grant) *bunker.Grant {
	if g == nil {
		return nil
	}
	for _, old := range a.given {
		if old.Connection == g.Connection && old.Effect == g.Effect && old.Permissions == g.Permissions && old.OpDigest == g.OpDigest && old.Answers == g.Answers && old.Policy == g.Policy {
			return nil
		}
	}
	a.given = append(a.given, g)
	return g
}

func readAnswer(c *Call, p answerParams) (*answer, error) {
	a := &answer{Answer: approval.Answer{
		Deny: p.Deny, Never: p.Never, Scope: approval.Scope(p.Scope), For: time.Duration(p.For), Until: int64(p.Until), Uses: p.Uses, By: c.Principal.Name,
	}}
	end, err := a.End(c.Now.UnixMilli())
	switch {
	case err != nil:
		return nil, err
	case end > c.Now.Add(MaxSpan).UnixMilli():
		return nil, bunker.Errorf(bunker.CodeInvalid, "until is more than ten years away; leave it out for an answer without an end").In("until")
	case p.Never && !p.Deny:
		return nil, bunker.Errorf(bunker.CodeInvalid, "never goes with deny").In("never")
	case p.Policy != "" && (p.Perms != "" || p.Scope == string(approval.All)):
		return nil, bunker.Errorf(bunker.CodeInvalid, "a login is answered by a policy or by permissions; grant the others afterwards").In("policy").
			WithHint("nsecbunker connections grant APP PERMS")
	case p.Deny && (p.Scope != "" && !p.Never || p.Perms != "" || p.Policy != ""):
		return nil, bunker.Errorf(bunker.CodeInvalid, "a refusal has no permissions, and no scope without never").In("scope")
	case p.Deny && !p.Never && end != 0:
		return nil, bunker.Errorf(bunker.CodeInvalid, "a refusal lasts only with never").In("for")
	case p.Deny && p.Uses != 0:
		return nil, bunker.Errorf(bunker.CodeInvalid, "a refusal is not counted").In("uses")
	}
	switch a.Scope {
	case "":
		a.Scope = approval.Once
	case approval.Once, approval.Kind, approval.Kinds, approval.Method, approval.All:
	default:
		return nil, bunker.Errorf(bunker.CodeInvalid, "scope is once, kind, kinds, method or all").In("scope")
	}
	a.policy = p.Policy
	if a.name, err = text("name", p.Name, false); err != nil {
		return nil, err
	}
	a.perms, a.warnings, err = permissions("perms", p.Perms)
	return a, err
}

// answerGrant is the grant that goes with the answer; nil for none.
func (t *Table) answerGrant(tx Tx, q *bunker.Approval, a *answer) (*bunker.Grant, error) {
	if q.Method == string(nip46.Connect) {
		if a.policy != "" {
			var err error
			if a.under, err = livePolicy(tx, a.policy); err != nil {
				return nil, err
			}
		}
		return loginGrant(q, a, tx.Now())
	}
	if a.policy != "" {
		return nil, bunker.Errorf(bunker.CodeInvalid, "a policy answers a login; this question is about one operation").In("policy")
	}
	if a.perms != "" {
		return nil, bunker.Errorf(bunker.CodeInvalid, "perms answer a login; this question is about one operation").In("perms")
	}
	g, err := approval.Grant(q, a.Answer, tx.Now())
	if err != nil || g != nil || !a.Deny {
		return g, err
	}
	before, err := tx.Denials(q.Connection, q.Method, q.Kind, tx.Now()-approval.DenyWindow.Milliseconds())
	if err != nil || before+1 < approval.DeniesBeforeCooling {
		return nil, err
	}
	return approval.Cooling(q, tx.Now()), nil
}

// loginGrant is what a new connection may do besides being connected.
func loginGrant(q *bunker.Approval, a *answer, now int64) (*bunker.Grant, error) {
	perms := a.perms
	switch {
	case a.Deny:
		return nil, nil // the connection is revoked: nothing is left to refuse
	case perms != "" && a.Scope == approval.All:
		return nil, bunker.Errorf(bunker.CodeInvalid, "perms and scope all exclude each other").In("scope")
	case a.Scope == approval.All:
		perms = string(nip46.All)
	case a.Scope != approval.Once:
		return nil, bunker.Errorf(bunker.CodeInvalid, "a login is answered with perms, with scope all, or with neither: then everything is asked").In("scope")
	}
	if err := a.Counted(); err != nil {
		return nil, err
	}
	end, err := a.End(now)
	if err != nil {
		return nil, err
	}
	if a.under != nil && a.Uses != 0 {
		return nil, bunker.Errorf(bunker.CodeInvalid, "uses limit permissions; a policy has budgets of its own").In("uses")
	}
	if perms == "" && a.under == nil {
		if end != 0 || a.Uses != 0 {
			return nil, bunker.Errorf(bunker.CodeInvalid, "for, until and uses limit permissions; this answer gives none").In("for")
		}
		return nil, nil
	}
	g := &bunker.Grant{
		Tenant: q.Tenant, ID: bunker.NewGrantID(), Connection: q.Connection, Effect: bunker.Allow, Permissions: perms, MaxUses: a.Uses,
		ExpiresAt: end, Approval: q.ID, Answers: policy.AnswersDefault, GivenBy: a.By, CreatedAt: now, Version: 1,
	}
	if a.under != nil {
		g.Policy = a.under.ID
	}
	return g, nil
}

// policies is the name of the policy that the answer gives, by its id.
func (a *answer) policies() map[string]string {
	if a.under == nil {
		return nil
	}
	return map[string]string{string(a.under.ID): a.under.Name}
}

// answerConnection names the connection, and lets a login in or turns it away.
func answerConnection(tx Tx, q *bunker.Approval, a *answer) error {
	login := q.Method == string(nip46.Connect)
	if !login && a.name == "" {
		return nil
	}
	conn, err := tx.Connection(q.Connection)
	if err != nil {
		return err
	}
	if a.name != "" {
		conn.Name = a.name
	}
	if login && conn.State == bunker.ConnPending {
		conn.State = bunker.ConnActive
		if a.Deny {
			conn.Revoke(tx.Now())
		}
	}
	return tx.PutConnection(conn)
}
