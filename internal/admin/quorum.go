package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr/nip19"
)

func quorumCommands(t *Table) {
	add(t, Command{
		Name: "quorum.show", Summary: "Shows how many persons must want what.",
		Role: bunker.Viewer, Doors: local(),
	}, t.quorumShow)
	add(t, Command{
		Name: "quorum.set", Summary: "Says how many persons must want exports, deletions, wider policies, and changes of admins. Changing it needs as many as before.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Quorum: QuorumItself,
	}, t.quorumSet)
	add(t, Command{
		Name: "quorum.list", Summary: "Lists what waits for more persons.",
		Role: bunker.Viewer, Doors: local(), Scope: lists(),
	}, t.quorumList)
	add(t, Command{
		Name: "quorum.approve", Summary: "Says yes to what waits for more persons; the last yes does it.",
		Role: bunker.Approver, Doors: local(), Dangerous: true, Writes: true, Scope: ofMotion(),
	}, t.quorumApprove)
	add(t, Command{
		Name: "quorum.withdraw", Summary: "Takes your yes back; what you asked for yourself is withdrawn.",
		Role: bunker.Approver, Doors: local(), Writes: true, Scope: ofMotion(),
	}, t.quorumWithdraw)
}

type quorumView struct {
	Export int `json:"export,omitempty" doc:"persons that must want an export"`
	Delete int `json:"delete,omitempty" doc:"persons that must want a key deleted"`
	Policy int `json:"policy,omitempty" doc:"persons that must want a policy widened"`
	Admins int `json:"admins,omitempty" doc:"persons that must want an admin named, invited or removed"`
}

type quorumShowResult struct {
	Quorum quorumView `json:"quorum" doc:"what is not there needs one person"`
	Owners int        `json:"owners" doc:"that count now"`
}

func (t *Table) quorumShow(ctx context.Context, c *Call, _ Empty) (quorumShowResult, error) {
	st, _, err := t.Rows.Tenant(ctx, t.Tenant)
	if err != nil {
		return quorumShowResult{}, err
	}
	admins, err := t.Rows.Admins(ctx, t.Tenant)
	return quorumShowResult{quorumView(st.Quorum), countOwners(admins, c.Now.UnixMilli())}, err
}

func countOwners(admins []bunker.Admin, now int64) (n int) {
	for i := range admins {
		if activeOwner(&admins[i], now) {
			n++
		}
	}
	return n
}

type quorumSetParams struct {
	Export *int `json:"export,omitempty" doc:"persons that must want an export; 1: one"`
	Delete *int `json:"delete,omitempty" doc:"persons that must want a key deleted; 1: one"`
	Policy *int `json:"policy,omitempty" doc:"persons that must want a policy widened; 1: one"`
	Admins *int `json:"admins,omitempty" doc:"persons that must want an admin named, invited or removed; 1: one"`
	glass
}

type quorumSetResult struct {
	Quorum   quorumView `json:"quorum"`
	Warnings []string   `json:"warnings,omitempty"`
}

func (t *Table) quorumSet(ctx context.Context, c *Call, p quorumSetParams) (quorumSetResult, error) {
	var q bunker.Quorum
	given := 0
	rec := &bunker.AuditRecord{}
	err := c.Commit(ctx, rec, func(tx Tx) error {
		st := tx.Tenant()
		admins, err := tx.Admins()
		if err != nil {
			return err
		}
		owners := countOwners(admins, tx.Now())
		q = st.Quorum
		for _, f := range []struct {
			field string
			to    *int
			k     *int
		}{{"export", &q.Export, p.Export}, {"delete", &q.Delete, p.Delete}, {"policy", &q.Policy, p.Policy}, {"admins", &q.Admins, p.Admins}} {
			if f.k == nil {
				continue
			}
			given++
			switch {
			case *f.k < 1 || *f.k > MaxAdmins:
				return bunker.Errorf(bunker.CodeInvalid, "%s is 1 to %d persons", f.field, MaxAdmins).In(f.field)
			case *f.k > 1 && *f.k > owners:
				return bunker.Errorf(bunker.CodeConflict, "%d persons can never agree here: of owners with an npub whose role has begun there is %d (this machine is none)", *f.k, owners).
					In(f.field).WithHint("nsecbunker admin add NPUB --role owner")
			}
			if *f.to = *f.k; *f.k == 1 {
				*f.to = 0
			}
		}
		if given == 0 {
			return bunker.Errorf(bunker.CodeInvalid, "nothing is to be changed; give export, delete, policy or admins")
		}
		st.Quorum = q
		rec.Reason = "persons that must agree: " + quorumWords(q)
		return tx.PutTenant(st)
	})
	if err != nil {
		return quorumSetResult{}, err
	}
	res := quorumSetResult{Quorum: quorumView(q)}
	if q.Most() > 1 && q.Admins < q.Most() {
		res.Warnings = append(res.Warnings, "one owner alone can still name further owners, who then count: set admins, too")
	}
	return res, nil
}

func quorumWords(q bunker.Quorum) string {
	one := func(n int) int { return max(n, 1) }
	return fmt.Sprintf("export %d, delete %d, policy %d, admins %d", one(q.Export), one(q.Delete), one(q.Policy), one(q.Admins))
}

type motionView struct {
	ID        string     `json:"id"`
	Command   string     `json:"command"`
	Params    string     `json:"params" doc:"what it would be called with, as JSON, without secrets"`
	Key       string     `json:"key,omitempty" doc:"id"`
	MovedBy   string     `json:"moved_by"`
	Votes     []voteView `json:"votes"`
	Have      int        `json:"have" doc:"votes that count"`
	Need      int        `json:"need,omitempty" doc:"votes that it takes now; none: what the rule of the question says"`
	ExpiresAt Time       `json:"expires_at"`
	CreatedAt Time       `json:"created_at"`
}

type voteView struct {
	Npub   string `json:"npub"`
	Name   string `json:"name,omitempty"`
	At     Time   `json:"at"`
	Counts bool   `json:"counts" doc:"no: the person has another role now, or none"`
}

// viewMotion shows a motion; who voted is shown to whoever may see it.
func (t *Table) viewMotion(m *bunker.Motion, admins []bunker.Admin, q bunker.Quorum, now int64) motionView {
	v := motionView{
		ID: string(m.ID), Command: m.Command, Params: string(m.Params), Key: string(m.Key), MovedBy: m.MovedBy, Votes: []voteView{},
		ExpiresAt: Time(m.ExpiresAt), CreatedAt: Time(m.CreatedAt),
	}
	c := t.commands[m.Command]
	if c != nil {
		v.Need = c.Quorum.of(q)
	}
	for _, vote := range m.Votes {
		row := voteView{Npub: nip19.EncodeNpub(vote.By), At: Time(vote.At)}
		if a := adminNamed(admins, vote.By); a != nil {
			row.Name = bunker.Display(a.Name, MaxName)
		}
		if row.Counts = c != nil && counts(vote, admins, c, m.Key, now); row.Counts {
			v.Have++
		}
		v.Votes = append(v.Votes, row)
	}
	return v
}

type quorumListParams struct{ Paging }

type quorumListResult struct {
	Motions []motionView `json:"motions"`
	Next    string       `json:"next,omitempty"`
}

func (t *Table) quorumList(ctx context.Context, c *Call, p quorumListParams) (quorumListResult, error) {
	res := quorumListResult{Motions: []motionView{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	// The votes of others on what is the caller's own are no secret of other keys.
	whole := t.wholeTable()
	admins, err := whole.Rows.Admins(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	st, _, err := whole.Rows.Tenant(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	rows, err := t.Rows.Motions(ctx, t.Tenant, page)
	for i := range rows {
		if rows[i].ExpiresAt > c.Now.UnixMilli() {
			res.Motions = append(res.Motions, t.viewMotion(&rows[i], admins, st.Quorum, c.Now.UnixMilli()))
		}
	}
	res.Next = next(rows, page, func(m *bunker.Motion) string { return string(m.ID) })
	return res, err
}

type motionParams struct {
	ID string `json:"id"`
}

type quorumApproveResult struct {
	State  string `json:"state" doc:"done, waits, or enough: the command itself is to be called now, with the secrets that it takes"`
	Words  string `json:"words,omitempty" doc:"what it waits for"`
	Result string `json:"result,omitempty" doc:"of the command that was done, as JSON"`
}

// quorumApprove calls the command with what was moved: the same checks, the same
// transaction for the vote and the act. A command that takes secrets gets the vote
// alone: the secrets are with who calls it.
func (t *Table) quorumApprove(ctx context.Context, c *Call, p motionParams) (quorumApproveResult, error) {
	m, err := t.Rows.Motion(ctx, t.Tenant, bunker.MotionID(p.ID))
	if err != nil {
		return quorumApproveResult{}, inMotion(err)
	}
	if err := openNow(m, c.Now.UnixMilli()); err != nil {
		return quorumApproveResult{}, err
	}
	whole := t.wholeTable()
	command, ok := whole.commands[m.Command]
	if !ok {
		return quorumApproveResult{}, bunker.Errorf(bunker.CodeConflict, "there is no command %s any more", clip(m.Command)).In("id")
	}
	if err := whole.permit(ctx, c.Principal, command); err != nil {
		return quorumApproveResult{}, err
	}
	if c.Principal.PubKey.IsZero() {
		return quorumApproveResult{}, bunker.Errorf(bunker.CodeRestricted, "who says yes is a person with an npub; this machine is none").
			WithHint("nsecbunker quorum list")
	}
	if takesSecrets(command.params) {
		return t.approveAlone(ctx, c, command, m)
	}
	result, err := whole.Dispatch(ctx, c.Principal, m.Command, m.Params)
	switch e := bunker.AsError(err); {
	case err != nil && e.Code == bunker.CodeWaits:
		return quorumApproveResult{State: "waits", Words: e.Words}, c.Recorded(nil)
	case err != nil:
		return quorumApproveResult{}, err
	}
	b, err := json.Marshal(result)
	return quorumApproveResult{State: "done", Result: string(b)}, c.Recorded(err)
}

// approveAlone adds the vote to a motion whose command takes secrets.
func (t *Table) approveAlone(ctx context.Context, c *Call, command *Command, m *bunker.Motion) (quorumApproveResult, error) {
	inner := &Call{Principal: c.Principal, Command: command, Now: c.Now, change: c.change, motion: &motion{params: m.Params, digest: m.Digest, key: m.Key}}
	var have, need int
	err := c.Commit(ctx, &bunker.AuditRecord{Object: string(m.ID)}, func(tx Tx) (err error) {
		inner.all = c.all
		need = command.Quorum.of(tx.Tenant().Quorum)
		have, err = inner.cast(need, false)
		c.waits = inner.waits // the record is that of the vote
		return err
	})
	switch e := bunker.AsError(err); {
	case err != nil && e.Code == bunker.CodeWaits && have < need:
		return quorumApproveResult{State: "waits", Words: e.Words}, c.Recorded(nil)
	case err != nil && e.Code != bunker.CodeWaits:
		return quorumApproveResult{}, err
	}
	return quorumApproveResult{State: "enough", Words: fmt.Sprintf("enough persons want it: one of them calls %s now", m.Command)}, c.Recorded(nil)
}

// takesSecrets reports whether a command cannot be called without a secret.
func takesSecrets(t reflect.Type) bool {
	for _, f := range orderedFields(t) {
		if f.of == reflect.TypeFor[secret.Param]() && !f.optional {
			return true
		}
	}
	return false
}

type quorumWithdrawResult struct {
	State string `json:"state" doc:"open, or withdrawn"`
}

func (t *Table) quorumWithdraw(ctx context.Context, c *Call, p motionParams) (quorumWithdrawResult, error) {
	var m *bunker.Motion
	rec := &bunker.AuditRecord{Object: clip(p.ID)}
	err := c.Commit(ctx, rec, func(tx Tx) (err error) {
		if m, err = tx.Motion(bunker.MotionID(p.ID)); err != nil {
			return inMotion(err)
		}
		if err := openNow(m, tx.Now()); err != nil {
			return err
		}
		mine := m.MovedBy == c.Principal.Name
		before := len(m.Votes)
		m.Votes = without(m.Votes, c.Principal.PubKey)
		if !mine && len(m.Votes) == before {
			return bunker.Errorf(bunker.CodeConflict, "you have said no yes to %s", m.ID).In("id")
		}
		if mine || len(m.Votes) == 0 {
			m.State = bunker.MotionWithdrawn
		}
		rec.Reason = m.Command + " is " + string(m.State)
		return tx.PutMotion(m)
	})
	if err != nil {
		return quorumWithdrawResult{}, err
	}
	return quorumWithdrawResult{string(m.State)}, nil
}

func inMotion(err error) error { return inID(err, "nsecbunker quorum list") }

func openNow(m *bunker.Motion, now int64) error {
	switch {
	case m.State != bunker.MotionOpen:
		return bunker.Errorf(bunker.CodeConflict, "%s is %s already", m.ID, m.State).In("id")
	case now >= m.ExpiresAt:
		return bunker.Errorf(bunker.CodeConflict, "%s is past its time; call %s anew", m.ID, m.Command).In("id")
	}
	return nil
}

// glass is the parameter by which the machine's own administrator does alone what
// several persons should want.
type glass struct {
	BreakGlass bool `json:"break_glass,omitempty" doc:"at the machine only: do it without the persons that it needs; every owner is told"`
}

// brokenGlass reads it from the parameters of a command that has it.
func brokenGlass(params reflect.Value) bool {
	f, ok := fieldsOf(params.Type())["break_glass"]
	return ok && params.FieldByIndex(f.index).Bool()
}

// warnOfBrokenGlass says for GlassTold what was done without the persons that it
// needs, to whoever looks at the status.
func (t *Table) warnOfBrokenGlass(ctx context.Context, res *statusResult) error {
	recs, err := t.Rows.Records(ctx, t.Tenant, RecordFilter{Action: BreakGlass, Since: t.Now().Add(-GlassTold).UnixMilli(), Limit: maxNamed})
	for i := range recs {
		res.Warnings = append(res.Warnings, fmt.Sprintf("%s: %s", Time(recs[i].Time).text(), strings.TrimSuffix(recs[i].Reason, ".")))
	}
	return err
}
