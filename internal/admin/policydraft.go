package admin

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	policytext "nsecbunker/internal/policy/text"
)

func policyCheckCommands(t *Table) {
	add(t, Command{
		Name: "policy.check", Summary: "Says what a policy would mean, without keeping it: from its text form or its rules. Names all that is wrong with it, with the lines; and against a policy that is there, what differs and what it may give more.",
		Role: bunker.Viewer, // the command line does it by itself: policy check and policy diff
	}, t.policyCheck)
}

type policyCheckParams struct {
	Text        string    `json:"text,omitempty" doc:"the policy in its text form, instead of name, description, zone and rules"`
	Name        string    `json:"name,omitempty"`
	Description string    `json:"description,omitempty"`
	Zone        string    `json:"zone,omitempty"`
	Rules       *ruleList `json:"rules,omitempty"`
	Against     string    `json:"against,omitempty" doc:"name or id of a policy to compare it with"`
	Version     int64     `json:"version,omitempty" doc:"of that policy (the newest)"`
}

type policyCheckResult struct {
	Policy   *draftView    `json:"policy,omitempty" doc:"missing where the text cannot be read"`
	Good     bool          `json:"good" doc:"it could be kept as it is"`
	Problems []problemView `json:"problems"`
	Changes  []string      `json:"changes,omitempty" doc:"what differs from the policy that it is compared with"`
	Widens   []string      `json:"widens,omitempty" doc:"why it may give more than that one"`
}

// draftView is a policy that nobody keeps yet.
type draftView struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Zone        string   `json:"zone,omitempty"`
	Rules       ruleList `json:"rules"`
	Summary     string   `json:"summary" doc:"what it means, in one sentence"`
	Sentences   []string `json:"sentences" doc:"what each rule means, in the order of the rules"`
	Text        string   `json:"text,omitempty" doc:"its text form; missing while something is wrong with it"`
}

type problemView struct {
	Warning bool   `json:"warning,omitempty" doc:"it can be kept all the same"`
	Rule    string `json:"rule,omitempty"`
	Field   string `json:"field,omitempty" doc:"key of the text form"`
	Words   string `json:"words"`
	Hint    string `json:"hint,omitempty" doc:"the next step"`
	Line    int    `json:"line,omitempty" doc:"of the text"`
}

func (t *Table) policyCheck(ctx context.Context, c *Call, p policyCheckParams) (policyCheckResult, error) {
	res := policyCheckResult{Problems: []problemView{}}
	if p.Text != "" && (p.Name != "" || p.Description != "" || p.Zone != "" || p.Rules != nil) {
		return res, bunker.Errorf(bunker.CodeInvalid, "text says the name, description, zone and rules; give one or the other").In("text")
	}
	now := c.Now.UnixMilli()
	draft, problems := p.draft(now)
	refusals, _ := policytext.Split(problems)
	res.Good = draft != nil && len(refusals) == 0
	for _, x := range problems {
		res.Problems = append(res.Problems, problemView{x.Warning, x.Rule, x.Field, x.Words, x.Hint, x.Line})
	}
	if draft == nil {
		return res, nil
	}
	res.Policy = viewDraft(draft, res.Good)
	if p.Against == "" {
		return res, nil
	}
	old, err := t.Rows.Policy(ctx, t.Tenant, p.Against)
	if err == nil && p.Version != 0 {
		old, err = t.Rows.PolicyVersion(ctx, t.Tenant, old.ID, p.Version)
	}
	if err != nil {
		return res, bunker.AsError(err).In("against")
	}
	// No zone is UTC, and shown so: who sends back what was shown changes nothing.
	before, after := *old, *draft
	before.Zone, after.Zone = zoneName(before.Zone), zoneName(after.Zone)
	changed := policytext.Compare(&before, &after, now)
	res.Changes, res.Widens = changed.Lines(), policytext.Widens(&before, &after, now)
	return res, nil
}

// draft is the policy that was given, nil if it cannot be read, and what is wrong
// with it.
func (p *policyCheckParams) draft(now int64) (*bunker.Policy, []policytext.Problem) {
	if p.Text != "" {
		read, problems := policytext.Parse([]byte(p.Text))
		if read == nil {
			return nil, problems
		}
		return &read.Policy, read.Check(now)
	}
	draft := &bunker.Policy{Name: p.Name, Description: p.Description, Zone: p.Zone}
	if p.Rules != nil {
		draft.Rules = *p.Rules
	}
	return draft, policytext.Check(draft, now)
}

func viewDraft(p *bunker.Policy, good bool) *draftView {
	v := &draftView{
		Name: clip(p.Name), Description: bunker.DisplayLines(p.Description, MaxDescription), Zone: clip(p.Zone), Rules: append(ruleList{}, p.Rules...),
		Summary: policytext.Summary(p), Sentences: []string{},
	}
	for i := range p.Rules {
		v.Sentences = append(v.Sentences, policytext.Sentence(&p.Rules[i], p.Zone))
	}
	if good && policy.Check(p.Rules) == nil { // the engine's last word, as when it is kept
		v.Text = string(policytext.Print(p))
	}
	return v
}
