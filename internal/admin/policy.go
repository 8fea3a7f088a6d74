package admin

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	policytext "nsecbunker/internal/policy/text"
)

const (
	// MaxDescription is the longest description of a policy, in characters.
	MaxDescription = 1000
	// MaxPolicies is how many policies a tenant can have, deleted ones apart.
	MaxPolicies = 1000
)

const editPolicy = "policy.edit"

func policyCommands(t *Table) {
	row := func(name, summary string, role bunker.Role, writes bool) Command {
		return Command{Name: name, Summary: summary, Role: role, Doors: local(), Writes: writes}
	}
	widening := func(c Command) Command {
		c.Quorum = QuorumAsked
		return c
	}
	add(t, row("policy.list", "Lists the policies, and how many connections and links are under each.", bunker.Viewer, false), t.policyList)
	add(t, row("policy.show", "Shows a policy with its rules, as it is or as it was in one of its versions.", bunker.Viewer, false), t.policyShow)
	add(t, row("policy.versions", "Lists the versions of a policy, the oldest first; they stay readable for ever.", bunker.Viewer, false), t.policyVersions)
	add(t, row("policy.create", "Makes a policy of rules.", bunker.Operator, true), t.policyCreate)
	add(t, widening(row(editPolicy, "Changes a policy: what is given is replaced. It holds for the next request of everything under it. Giving more to what is under it needs a fresh proof.", bunker.Operator, true)), t.policyEdit)
	add(t, widening(row("policy.delete", "Deletes a policy that nothing is under; with force, what is under it has nothing of it any more.", bunker.Operator, true)), t.policyDelete)
}

// ruleList is the rules of one policy, of which there may be more than of other
// things in parameters.
type ruleList []bunker.Rule

// Most is the bound of the list.
func (ruleList) Most() int { return policy.MaxRules }

type policyView struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Zone        string   `json:"zone" doc:"time zone of its hours and budgets"`
	Version     int64    `json:"version"`
	Count       int      `json:"count" doc:"of its rules"`
	Rules       ruleList `json:"rules,omitempty"`
	Summary     string   `json:"summary,omitempty" doc:"what it means, in one sentence"`
	Sentences   []string `json:"sentences,omitempty" doc:"what each rule means for an app under it, in the order of the rules"`
	Deleted     bool     `json:"deleted,omitempty"`
	Connections int      `json:"connections" doc:"that are under it"`
	Tokens      int      `json:"tokens" doc:"open links that put under it"`
	ChangedBy   string   `json:"changed_by"`
	ChangedAt   Time     `json:"changed_at"`
	CreatedAt   Time     `json:"created_at"`
}

func viewPolicy(p *bunker.Policy, use PolicyUse, whole bool) policyView {
	v := policyView{
		ID: string(p.ID), Name: p.Name, Description: bunker.DisplayLines(p.Description, MaxDescription), Zone: zoneName(p.Zone), Version: p.Version,
		Count: len(p.Rules), Deleted: p.Ended, Connections: use.Connections, Tokens: use.Tokens, ChangedBy: p.ChangedBy,
		ChangedAt: Time(p.ChangedAt), CreatedAt: Time(p.CreatedAt),
	}
	if whole {
		v.Rules, v.Summary = p.Rules, policytext.Summary(p)
		for i := range p.Rules {
			v.Sentences = append(v.Sentences, policytext.Sentence(&p.Rules[i], p.Zone))
		}
	}
	return v
}

func zoneName(z string) string {
	if z == "" {
		return "UTC"
	}
	return z
}

type policyListParams struct {
	Paging
	Deleted bool `json:"deleted,omitempty" doc:"deleted ones, too"`
}

type policyListResult struct {
	Policies []policyView `json:"policies" doc:"without their rules"`
	Next     string       `json:"next,omitempty"`
}

func (t *Table) policyList(ctx context.Context, _ *Call, p policyListParams) (policyListResult, error) {
	res := policyListResult{Policies: []policyView{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	rows, err := t.Rows.Policies(ctx, t.Tenant, page)
	if err != nil {
		return res, err
	}
	for i := range rows {
		if rows[i].Ended && !p.Deleted {
			continue
		}
		use, err := t.Rows.PolicyUse(ctx, t.Tenant, rows[i].ID)
		if err != nil {
			return res, err
		}
		res.Policies = append(res.Policies, viewPolicy(&rows[i], use, false))
	}
	res.Next = next(rows, page, func(p *bunker.Policy) string { return string(p.ID) })
	return res, nil
}

type policyParams struct {
	Policy string `json:"policy" doc:"name or id"`
}

type policyShowParams struct {
	policyParams
	Version int64 `json:"version,omitempty" doc:"as it was then (the newest)"`
}

type policyResult struct {
	Policy   policyView `json:"policy"`
	Warnings []string   `json:"warnings,omitempty"`
}

func (t *Table) policyShow(ctx context.Context, _ *Call, p policyShowParams) (policyResult, error) {
	got, err := t.Rows.Policy(ctx, t.Tenant, p.Policy)
	if err != nil {
		return policyResult{}, inPolicy(err)
	}
	use, err := t.Rows.PolicyUse(ctx, t.Tenant, got.ID)
	if err != nil {
		return policyResult{}, err
	}
	if p.Version != 0 {
		if got, err = t.Rows.PolicyVersion(ctx, t.Tenant, got.ID, p.Version); err != nil {
			if isNotFound(err) {
				return policyResult{}, bunker.Errorf(bunker.CodeNotFound, "the policy %s has no version %d", clip(p.Policy), p.Version).
					In("version").WithHint("nsecbunker policy versions %s", clip(p.Policy))
			}
			return policyResult{}, err
		}
	}
	return policyResult{Policy: viewPolicy(got, use, true)}, nil
}

// inPolicy names the parameter in the error about a policy that is not there.
func inPolicy(err error) error {
	if e := bunker.AsError(err); err != nil && e.Code == bunker.CodeNotFound {
		return e.In("policy").WithHint("nsecbunker policy list")
	}
	return err
}

type policyVersionsParams struct {
	policyParams
	Paging
}

type policyVersionsResult struct {
	Versions []policyView `json:"versions" doc:"without their rules"`
	Next     string       `json:"next,omitempty"`
}

func (t *Table) policyVersions(ctx context.Context, _ *Call, p policyVersionsParams) (policyVersionsResult, error) {
	res := policyVersionsResult{Versions: []policyView{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	after, err := seq("after", page.After)
	if err != nil {
		return res, err
	}
	got, err := t.Rows.Policy(ctx, t.Tenant, p.Policy)
	if err != nil {
		return res, inPolicy(err)
	}
	rows, err := t.Rows.PolicyVersions(ctx, t.Tenant, got.ID, after, page.Limit)
	for i := range rows {
		res.Versions = append(res.Versions, viewPolicy(&rows[i], PolicyUse{}, false))
	}
	res.Next = next(rows, page, func(p *bunker.Policy) string { return strconv.FormatInt(p.Version, 10) })
	return res, err
}

type policyCreateParams struct {
	Name        string   `json:"name" doc:"letters, digits, dots, hyphens and underscores"`
	Description string   `json:"description,omitempty" doc:"what it is for"`
	Zone        string   `json:"zone,omitempty" doc:"time zone of its hours and budgets, such as Europe/Paris (UTC)"`
	Rules       ruleList `json:"rules"`
}

func (t *Table) policyCreate(ctx context.Context, c *Call, p policyCreateParams) (policyResult, error) {
	now := c.Now.UnixMilli()
	made := &bunker.Policy{
		Tenant: t.Tenant, ID: bunker.NewPolicyID(), Zone: p.Zone, Rules: p.Rules, ChangedBy: c.Principal.Name, ChangedAt: now, CreatedAt: now,
	}
	warnings, err := describePolicy(made, p.Name, p.Description, now)
	if err != nil {
		return policyResult{}, err
	}
	rec := &bunker.AuditRecord{Object: string(made.ID), Reason: policyWords(made, 1)}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		if n, err := tx.CountPolicies(); err != nil || n >= MaxPolicies {
			if err == nil {
				err = bunker.Errorf(bunker.CodeConflict, "there are %d policies already; delete some", n)
			}
			return err
		}
		return policyTaken(tx.PutPolicy(made), made.Name)
	})
	if err != nil {
		return policyResult{}, err
	}
	return policyResult{viewPolicy(made, PolicyUse{}, true), warnings}, nil
}

// describePolicy checks and sets the words, and checks the rules.
func describePolicy(p *bunker.Policy, label, description string, now int64) (warnings []string, err error) {
	if p.Name, err = policyName(label); err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(description) > MaxDescription || bunker.DisplayLines(description, MaxDescription) != description {
		return nil, bunker.Errorf(bunker.CodeInvalid, "description is longer than %d characters, or holds control, invisible or direction-changing characters", MaxDescription).In("description")
	}
	p.Description = description
	return checkPolicy(p, now)
}

// policyName checks a policy's name, which must not be taken for an id.
func policyName(s string) (string, error) {
	s, err := name("name", s)
	if err == nil && len(s) == len(bunker.NewPolicyID()) && s[0] == 'p' && !strings.ContainsAny(s, "-._ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		err = bunker.Errorf(bunker.CodeInvalid, "name looks like an id of a row; choose another").In("name")
	}
	return s, err
}

func policyTaken(err error, name string) error {
	if e := bunker.AsError(err); err != nil && e.Code == bunker.CodeConflict && e.Cause != nil {
		return bunker.Errorf(bunker.CodeConflict, "there is a policy %s already", name).In("name").WithHint("nsecbunker policy show %s", name)
	}
	return err
}

func policyWords(p *bunker.Policy, version int64) string {
	return fmt.Sprintf("the policy %s is version %d now, of %s", p.Name, version, plural(len(p.Rules), "rule"))
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

type policyEditParams struct {
	policyParams
	Name        *string   `json:"name,omitempty" doc:"its new name"`
	Description *string   `json:"description,omitempty"`
	Zone        *string   `json:"zone,omitempty"`
	Rules       *ruleList `json:"rules,omitempty" doc:"all of them; those that are not given any more are gone"`
	IfVersion   int64     `json:"if_version,omitempty" doc:"only if this is the newest version"`
	glass
}

func (t *Table) policyEdit(ctx context.Context, c *Call, p policyEditParams) (policyResult, error) {
	var res policyResult
	rec := &bunker.AuditRecord{Object: clip(p.Policy)}
	err := c.Commit(ctx, rec, func(tx Tx) error {
		old, err := livePolicy(tx, p.Policy)
		if err != nil {
			return err
		}
		if p.IfVersion != 0 && p.IfVersion != old.Version {
			return otherVersion(old, p.IfVersion)
		}
		edited := *old
		edited.ChangedBy, edited.ChangedAt = c.Principal.Name, tx.Now()
		if res.Warnings, err = p.apply(&edited, tx.Now()); err != nil {
			return err
		}
		use, err := tx.PolicyUse(old.ID)
		if err != nil {
			return err
		}
		if enough, err := provenWidening(c, old, &edited, use); err != nil || !enough {
			return err
		}
		rec.Object, rec.Reason = string(old.ID), policyWords(&edited, edited.Version+1)
		if err := policyTaken(tx.PutPolicy(&edited), edited.Name); err != nil {
			return err
		}
		res.Policy = viewPolicy(&edited, use, true)
		return nil
	})
	return res, err
}

// apply makes the changes that were given.
func (p *policyEditParams) apply(edited *bunker.Policy, now int64) ([]string, error) {
	label, description := edited.Name, edited.Description
	if p.Name != nil {
		label = *p.Name
	}
	if p.Description != nil {
		description = *p.Description
	}
	if p.Zone != nil {
		edited.Zone = *p.Zone
	}
	if p.Rules != nil {
		edited.Rules = *p.Rules
	}
	return describePolicy(edited, label, description, now)
}

// livePolicy is a policy that is not deleted.
func livePolicy(tx Tx, idOrName string) (*bunker.Policy, error) {
	p, err := tx.Policy(idOrName)
	if err != nil {
		return nil, inPolicy(err)
	}
	if p.Ended {
		return nil, bunker.Errorf(bunker.CodeConflict, "the policy %s was deleted", p.ID).In("policy").WithHint("nsecbunker policy list")
	}
	return p, nil
}

// provenWidening demands a fresh proof of who gives more to what is under a policy
// already (security.md section 4, dangerous commands), and as many persons as the
// quorum says; enough is false while others must still say yes.
func provenWidening(c *Call, old, next *bunker.Policy, use PolicyUse) (enough bool, err error) {
	switch {
	case use == (PolicyUse{}) || !widensPolicy(old, next):
		return true, nil
	case !c.Principal.Fresh:
		return false, bunker.Errorf(bunker.CodeNeedsProof, "this may give more to %s under the policy %s; it needs the bunker's passphrase", useWords(use), old.Name)
	}
	if QuorumPolicy.of(c.all.Tenant().Quorum) > 1 && !c.glass && c.Command.Name == editPolicy && c.motion.policy != old.Version {
		return false, otherVersion(old, c.motion.policy) // of which nobody said yes
	}
	return c.wants(QuorumPolicy)
}

// otherVersion is the refusal to change another version than the one that is meant.
func otherVersion(p *bunker.Policy, meant int64) error {
	return bunker.Errorf(bunker.CodeConflict, "the policy %s is version %d by now, not %d; look again", p.Name, p.Version, meant).
		In("if_version").WithHint("nsecbunker policy show %s", p.Name)
}

func useWords(u PolicyUse) string {
	return plural(u.Connections, "connection") + " and " + plural(u.Tokens, "open link")
}

type policyDeleteParams struct {
	policyParams
	Force     bool  `json:"force,omitempty" doc:"even if connections or open links are under it"`
	IfVersion int64 `json:"if_version,omitempty" doc:"only if this is the newest version"`
	glass
}

func (t *Table) policyDelete(ctx context.Context, c *Call, p policyDeleteParams) (policyResult, error) {
	var res policyResult
	rec := &bunker.AuditRecord{Object: clip(p.Policy)}
	err := c.Commit(ctx, rec, func(tx Tx) error {
		old, err := livePolicy(tx, p.Policy)
		if err != nil {
			return err
		}
		if p.IfVersion != 0 && p.IfVersion != old.Version {
			return otherVersion(old, p.IfVersion)
		}
		use, err := tx.PolicyUse(old.ID)
		if err != nil {
			return err
		}
		if use != (PolicyUse{}) && !p.Force {
			return bunker.Errorf(bunker.CodeConflict, "%s are under the policy %s; they would be left with nothing of it", useWords(use), old.Name).
				In("policy").WithHint("nsecbunker policy delete %s --force", old.Name)
		}
		gone := *old
		gone.Rules = nil
		if enough, err := provenWidening(c, old, &gone, use); err != nil || !enough {
			return err // its denies and asks go, too
		}
		gone = *old
		gone.Ended, gone.ChangedBy, gone.ChangedAt = true, c.Principal.Name, tx.Now()
		rec.Object, rec.Reason = string(old.ID), "the policy "+old.Name+" is deleted; under it were "+useWords(use)
		if err := tx.PutPolicy(&gone); err != nil {
			return err
		}
		res.Policy = viewPolicy(&gone, use, false)
		return nil
	})
	return res, err
}

// policyNames are the names of policies by their ids, for showing.
func (t *Table) policyNames(ctx context.Context) (map[string]string, error) {
	names := map[string]string{}
	for page := (Page{Limit: MaxPage}); ; {
		rows, err := t.Rows.Policies(ctx, t.Tenant, page)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			names[string(rows[i].ID)] = rows[i].Name
			if rows[i].Ended {
				names[string(rows[i].ID)] += " (deleted)"
			}
		}
		if page.After = next(rows, page, func(p *bunker.Policy) string { return string(p.ID) }); page.After == "" {
			return names, nil
		}
	}
}
