package admin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

func approvalCommands(t *Table) {
	add(t, Command{
		Name: "approval.list", Summary: "Lists the questions that wait for a person, oldest first.",
		Role: bunker.Viewer, Doors: local(),
	}, t.approvalList)
	add(t, Command{
		Name: "approval.answer", Summary: "Answers a question: yes once, for this kind, for everything; no, or never.",
		Role: bunker.Approver, Doors: local(), Writes: true,
	}, t.approvalAnswer)
}

type approvalListParams struct {
	Paging
	State string `json:"state,omitempty" doc:"pending (the default), approved, denied, expired, withdrawn, or any"`
}

type approvalListResult struct {
	Approvals []approvalView `json:"approvals"`
	Next      string         `json:"next,omitempty"`
}

type approvalView struct {
	ID         string       `json:"id"`
	Digest     string       `json:"digest" doc:"of the operation that is shown; send it back with the answer"`
	Sentence   string       `json:"sentence" doc:"who wants what, in words"`
	Caution    string       `json:"caution,omitempty" doc:"what is special about the operation"`
	State      string       `json:"state"`
	Key        string       `json:"key" doc:"id"`
	KeyName    string       `json:"key_name"`
	Connection string       `json:"connection" doc:"id"`
	App        string       `json:"app" doc:"its name here"`
	Unverified bool         `json:"unverified,omitempty" doc:"the name is the app's own word"`
	Method     string       `json:"method"`
	Kind       *int64       `json:"kind,omitempty"`
	Permission string       `json:"permission" doc:"what the answer \"kind\" would grant"`
	OnceOnly   bool         `json:"once_only" doc:"it can be approved one at a time only"`
	Operation  *summaryView `json:"operation,omitempty"`
	ReplyBy    Time         `json:"reply_by" doc:"until then the app waits"`
	Until      Time         `json:"question_until"`
	AnsweredBy string       `json:"answered_by,omitempty"`
	CreatedAt  Time         `json:"created_at"`
}

// summaryView is an operation as a person reads it; every text passed the one
// function for untrusted text.
type summaryView struct {
	Content   string   `json:"content,omitempty"`
	Tags      []string `json:"tags,omitempty"`
	Peer      string   `json:"peer,omitempty"`
	Size      int64    `json:"size"`
	Dated     Time     `json:"dated,omitzero" doc:"the event's created_at"`
	Cut       bool     `json:"cut,omitempty" doc:"too long to be shown whole"`
	Requested string   `json:"requested,omitempty" doc:"permissions that the app asks for"`
	AppURL    string   `json:"app_url,omitempty"`
}

func (t *Table) approvalList(ctx context.Context, _ *Call, p approvalListParams) (approvalListResult, error) {
	res := approvalListResult{Approvals: []approvalView{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	q := QuestionPage{State: bunker.ApprovalState(p.State), Limit: page.Limit}
	switch q.State {
	case "":
		q.State = bunker.ApprovalPending
	case "any":
		q.State = ""
	case bunker.ApprovalPending, bunker.ApprovalApproved, bunker.ApprovalDenied, bunker.ApprovalExpired, bunker.ApprovalWithdrawn:
	default:
		return res, bunker.Errorf(bunker.CodeInvalid, "state is pending, approved, denied, expired, withdrawn or any").In("state")
	}
	if p.After != "" {
		at, id, ok := strings.Cut(p.After, "-")
		if q.AfterTime, err = strconv.ParseInt(at, 10, 64); err != nil || !ok {
			return res, bunker.Errorf(bunker.CodeInvalid, "after is not from an answer of this list").In("after")
		}
		q.After = bunker.ApprovalID(id)
	}
	rows, err := t.Rows.Approvals(ctx, t.Tenant, q)
	if err != nil {
		return res, err
	}
	for i := range rows {
		v, err := t.viewApproval(ctx, &rows[i])
		if err != nil {
			return res, err
		}
		res.Approvals = append(res.Approvals, v)
	}
	res.Next = next(rows, page, func(a *bunker.Approval) string { return fmt.Sprintf("%d-%s", a.CreatedAt, a.ID) })
	return res, nil
}

func digestText(d [32]byte) string { return hex.EncodeToString(d[:]) }

// viewApproval shows a question with the names around it.
func (t *Table) viewApproval(ctx context.Context, a *bunker.Approval) (approvalView, error) {
	v := approvalView{
		ID: string(a.ID), Digest: digestText(a.OpDigest), State: string(a.State), Key: string(a.Key), Connection: string(a.Connection),
		Method: a.Method, Permission: approval.Permission(a), OnceOnly: a.OnceOnly, ReplyBy: Time(a.ReplyBy), Until: Time(a.QuestionUntil),
		AnsweredBy: a.AnsweredBy, CreatedAt: Time(a.CreatedAt),
	}
	if a.Kind >= 0 {
		kind := a.Kind
		v.Kind = &kind
		_, v.Caution = policy.CareOfKind(nostr.Kind(kind))
	}
	conn, err := t.Rows.Connection(ctx, t.Tenant, a.Connection)
	if err != nil && !isNotFound(err) {
		return v, err
	}
	if conn != nil {
		v.App, v.Unverified = appName(conn)
	}
	k, err := t.Rows.Key(ctx, t.Tenant, string(a.Key))
	if err != nil && !isNotFound(err) {
		return v, err
	}
	if k != nil {
		v.KeyName = k.Name
	}
	v.Operation = t.summary(a)
	v.Sentence = sentence(&v)
	return v, nil
}

func isNotFound(err error) bool { return bunker.AsError(err).Code == bunker.CodeNotFound }

// appName is what an app is called: by an admin, or else by its own word.
func appName(c *bunker.Connection) (label string, unverified bool) {
	if n := bunker.Display(c.Name, MaxName); n != "" {
		return n, false
	}
	if n := bunker.Display(c.Metadata.Name, MaxName); n != "" {
		return n, true
	}
	return "app " + c.Client.String()[:8], false
}

// sentence says who wants what.
func sentence(v *approvalView) string {
	app, key := v.App, v.KeyName
	if v.Unverified {
		app += " (name not verified)"
	}
	switch nip46.Method(v.Method) {
	case nip46.Connect:
		return fmt.Sprintf("%s wants to log in as %s", app, key)
	case nip46.SignEvent:
		return fmt.Sprintf("%s wants to sign an event of kind %d as %s", app, *v.Kind, key)
	case nip46.NIP04Encrypt, nip46.NIP44Encrypt:
		return fmt.Sprintf("%s wants to encrypt a text as %s", app, key)
	case nip46.NIP04Decrypt, nip46.NIP44Decrypt:
		return fmt.Sprintf("%s wants to read a text that was encrypted for %s", app, key)
	}
	return fmt.Sprintf("%s wants to do %s as %s", app, bunker.Display(v.Method, MaxName), key)
}

// summary opens what the question shows; nil when it cannot be opened: then the
// person is told that the content cannot be shown, and nothing else is.
func (t *Table) summary(a *bunker.Approval) *summaryView {
	b, err := t.Vault.OpenSummary(a)
	if err != nil {
		return nil
	}
	defer secret.Wipe(b)
	var s signer.Summary
	if json.Unmarshal(b, &s) != nil {
		return nil
	}
	v := &summaryView{
		Content: bunker.DisplayLines(s.Content, signer.MaxSummaryContent), Peer: bunker.Display(s.Peer, MaxShown), Size: s.Size, Cut: s.Cut,
		Dated: Time(s.CreatedAt * 1000), Requested: bunker.Display(s.Perms, MaxShown),
	}
	for _, tag := range s.Tags {
		v.Tags = append(v.Tags, bunker.Display(strings.Join(tag, " "), MaxShown))
	}
	if s.App != nil {
		v.AppURL = bunker.Display(s.App.URL, MaxShown)
	}
	return v
}

type approvalAnswerParams struct {
	ID     string `json:"id"`
	Digest string `json:"digest,omitempty" doc:"the digest that was shown with the question; the answer covers nothing else"`
	Deny   bool   `json:"deny,omitempty"`
	Never  bool   `json:"never,omitempty" doc:"with deny: refuse this kind from now on"`
	Scope  string `json:"scope,omitempty" doc:"once (the default), kind or all"`
	For    Span   `json:"for,omitzero" doc:"how long the answer lasts"`
	Name   string `json:"name,omitempty" doc:"what the connection is called from now on"`
	Perms  string `json:"perms,omitempty" doc:"of a login: what the app may do without asking; scope all is all"`
}

type approvalAnswerResult struct {
	State    string     `json:"state" doc:"approved or denied"`
	Grant    *grantView `json:"grant,omitempty"`
	Warnings []string   `json:"warnings,omitempty"`
}

// answer is a checked answer on its way into the transaction.
type answer struct {
	approval.Answer
	digest   *[32]byte
	name     string
	perms    string
	warnings []string
}

func (t *Table) approvalAnswer(ctx context.Context, c *Call, p approvalAnswerParams) (approvalAnswerResult, error) {
	var res approvalAnswerResult
	a, err := readAnswer(c, p)
	if err != nil {
		return res, err
	}
	var grant *bunker.Grant
	var login bool
	rec := &bunker.AuditRecord{Object: clip(p.ID)}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		q, err := tx.Approval(bunker.ApprovalID(p.ID))
		if err != nil {
			return inID(err, "nsecbunker approvals")
		}
		if a.digest == nil {
			a.digest = &q.OpDigest
		}
		if err := t.untouched(q); err != nil && !a.Deny {
			return err
		}
		login = q.Method == string(nip46.Connect)
		rec.Connection, rec.Reason = string(q.Connection), string(a.State())+": "+approval.Permission(q)
		if grant, err = t.answerGrant(tx, q, a); err != nil {
			return err
		}
		// The question before the connection: a connection that leaves "active" has
		// its open questions withdrawn.
		if err := tx.AnswerApproval(q.ID, *a.digest, a.State(), c.Principal.Name, grant); err != nil {
			return err
		}
		return answerConnection(tx, q, a)
	})
	if err != nil {
		return res, err
	}
	t.Around.Wake()
	if login {
		t.Around.Changed()
	}
	res = approvalAnswerResult{State: string(a.State()), Warnings: a.warnings}
	if grant != nil {
		v := viewGrant(grant, c.Now.UnixMilli())
		res.Grant = &v
		if grant.Effect == bunker.Deny && !a.Never {
			res.Warnings = append(res.Warnings, fmt.Sprintf("this was denied %d times in %s: it is refused without asking for %s", approval.DeniesBeforeCooling, approval.DenyWindow, approval.CoolingOff))
		}
	}
	return res, nil
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

func readAnswer(c *Call, p approvalAnswerParams) (*answer, error) {
	a := &answer{Answer: approval.Answer{Deny: p.Deny, Never: p.Never, Scope: approval.Scope(p.Scope), For: time.Duration(p.For), By: c.Principal.Name}}
	var err error
	switch {
	case p.Never && !p.Deny:
		return nil, bunker.Errorf(bunker.CodeInvalid, "never goes with deny").In("never")
	case p.Deny && (p.Scope != "" || p.Perms != ""):
		return nil, bunker.Errorf(bunker.CodeInvalid, "a refusal has no scope and no permissions").In("scope")
	case p.Deny && !p.Never && p.For != 0:
		return nil, bunker.Errorf(bunker.CodeInvalid, "a refusal lasts only with never").In("for")
	}
	switch a.Scope {
	case "":
		a.Scope = approval.Once
	case approval.Once, approval.Kind, approval.All:
	default:
		return nil, bunker.Errorf(bunker.CodeInvalid, "scope is once, kind or all").In("scope")
	}
	if a.name, err = text("name", p.Name, false); err != nil {
		return nil, err
	}
	if a.perms, a.warnings, err = permissions("perms", p.Perms); err != nil {
		return nil, err
	}
	if p.Digest != "" {
		b, err := hex.DecodeString(p.Digest)
		if err != nil || len(b) != 32 {
			return nil, bunker.Errorf(bunker.CodeInvalid, "digest is not the one that a question shows").In("digest")
		}
		a.digest = (*[32]byte)(b)
	}
	return a, nil
}

// answerGrant is the grant that goes with the answer; nil for none.
func (t *Table) answerGrant(tx Tx, q *bunker.Approval, a *answer) (*bunker.Grant, error) {
	if q.Method == string(nip46.Connect) {
		return loginGrant(q, a, tx.Now()), nil
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
func loginGrant(q *bunker.Approval, a *answer, now int64) *bunker.Grant {
	perms := a.perms
	if perms == "" && a.Scope == approval.All {
		perms = string(nip46.All)
	}
	if a.Deny || perms == "" {
		return nil
	}
	g := &bunker.Grant{
		Tenant: q.Tenant, ID: bunker.NewGrantID(), Connection: q.Connection, Effect: bunker.Allow, Permissions: perms,
		Approval: q.ID, Answers: q.Answers, GivenBy: a.By, CreatedAt: now, Version: 1,
	}
	if a.For > 0 {
		g.ExpiresAt = now + a.For.Milliseconds()
	}
	return g
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
			conn.State = bunker.ConnRevoked
		}
	}
	return tx.PutConnection(conn)
}
