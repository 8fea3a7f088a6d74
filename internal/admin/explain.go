package admin

import (
	"context"
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	policytext "nsecbunker/internal/policy/text"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

func explainCommands(t *Table) {
	add(t, Command{
		Name: "policy.explain", Summary: "Says why: what would be decided about an operation of an app now, what every rule says to it, and what would be needed; or what decided a record of the log.",
		Role: bunker.Viewer, Doors: local(), Scope: Scope{Names: []Named{{"connection", NounConnection}}},
	}, t.explain)
}

type explainParams struct {
	Record     int64      `json:"record,omitempty" doc:"number of a record of the log; instead of everything else"`
	Connection string     `json:"connection,omitempty" doc:"id, or name when no other connection has it"`
	Method     string     `json:"method,omitempty" doc:"sign_event (where a kind is given), nip44_encrypt, …"`
	Kind       *int64     `json:"kind,omitempty" doc:"of sign_event"`
	Content    string     `json:"content,omitempty"`
	Tags       [][]string `json:"tags,omitempty"`
	Event      string     `json:"event,omitempty" doc:"an event as JSON, instead of kind, content and tags"`
	Peer       string     `json:"peer,omitempty" doc:"npub or pubkey of the other party of encrypt and decrypt"`
	Result     string     `json:"result,omitempty" doc:"what the decryption brings to light: wrap, dm, self or other"`
	At         Time       `json:"at,omitzero" doc:"as if it were that time (now)"`
	Relay      string     `json:"relay,omitempty" doc:"the relay that brings it; embedded for the bunker's own"`
}

type explainResult struct {
	Effect   string         `json:"effect" doc:"allow, ask or deny"`
	Rule     string         `json:"rule" doc:"what decides"`
	Reason   string         `json:"reason"`
	Needed   string         `json:"needed,omitempty" doc:"what would have allowed it"`
	Care     string         `json:"care,omitempty" doc:"what is special about the operation"`
	OnceOnly bool           `json:"once_only,omitempty" doc:"a person can allow it one at a time only"`
	Unknown  bool           `json:"unknown,omitempty" doc:"it hangs on what the decryption brings to light, and that was not said"`
	Rules    []saidView     `json:"rules,omitempty" doc:"of the policies that the app is under"`
	Grants   []saidView     `json:"grants,omitempty"`
	Budgets  []budgetView   `json:"budgets,omitempty" doc:"of the rules that allow it"`
	Record   *recordView    `json:"record,omitempty"`
	Decided  *decidedByView `json:"decided_by,omitempty" doc:"the rule that decided the record, as it was then"`
}

type saidView struct {
	Name   string `json:"name" doc:"policy/rule@version, or a grant's id"`
	Effect string `json:"effect"`
	Fits   bool   `json:"fits"`
	Why    string `json:"why"`
}

type budgetView struct {
	Rule    string `json:"rule"`
	Per     string `json:"per" doc:"connection, key or policy: whose uses are counted together"`
	Window  string `json:"window" doc:"total, day, hour or minute"`
	Used    int64  `json:"used"`
	Limit   int64  `json:"limit"`
	Refills Time   `json:"refills_at,omitzero"`
}

type recordView struct {
	Seq        int64  `json:"seq"`
	Time       Time   `json:"time"`
	Principal  string `json:"principal"`
	Action     string `json:"action"`
	Connection string `json:"connection,omitempty" doc:"id"`
	Kind       *int64 `json:"kind,omitempty"`
}

type decidedByView struct {
	Policy   string       `json:"policy"`
	ID       string       `json:"id" doc:"of the policy; its name may be another by now"`
	Version  int64        `json:"version"`
	Newest   int64        `json:"newest,omitempty" doc:"version that is in force now; missing where the policy was deleted"`
	Zone     string       `json:"zone"`
	Rule     *bunker.Rule `json:"rule,omitempty"`
	Sentence string       `json:"sentence,omitempty" doc:"what the rule means for an app under it"`
}

func (t *Table) explain(ctx context.Context, c *Call, p explainParams) (explainResult, error) {
	if p.Record != 0 {
		return t.explainRecord(ctx, p)
	}
	in, err := t.explainInput(ctx, c, p)
	if err != nil {
		return explainResult{}, err
	}
	need := policy.Needs(in)
	used, err := t.Rows.Used(ctx, t.Tenant, need.Used)
	if err != nil {
		return explainResult{}, err
	}
	in.Used = make(map[bunker.Window]int64, len(used))
	for i, w := range need.Used {
		in.Used[w] = used[i]
	}
	return viewExplanation(policy.Explain(in)), nil
}

func viewExplanation(x policy.Explanation) explainResult {
	d := &x.Decision
	res := explainResult{
		Effect: d.Effect.String(), Rule: d.Rule, Reason: d.Reason, Needed: d.Needed, Care: x.Care, OnceOnly: d.OnceOnly, Unknown: x.Unknown,
		Rules: viewSaid(x.Rules), Grants: viewSaid(x.Grants),
	}
	for _, b := range x.Budgets {
		per, _, _ := strings.Cut(b.Charge.Scope, " ")
		window, _, _ := strings.Cut(b.Charge.Name, " ")
		res.Budgets = append(res.Budgets, budgetView{Rule: b.Rule, Per: per, Window: window, Used: b.Used, Limit: b.Charge.Limit, Refills: Time(b.Charge.Until)})
	}
	return res
}

func viewSaid(list []policy.Said) (out []saidView) {
	for _, s := range list {
		out = append(out, saidView{s.Name, s.Effect.String(), s.Fits, s.Why})
	}
	return out
}

// explainInput is what deciding the operation would read now.
func (t *Table) explainInput(ctx context.Context, c *Call, p explainParams) (in policy.Input, err error) {
	if p.Connection == "" {
		return in, bunker.Errorf(bunker.CodeInvalid, "connection is missing: whose operation it is").In("connection")
	}
	id, err := t.connectionID(ctx, p.Connection)
	if err != nil {
		return in, bunker.AsError(err).In("connection")
	}
	conn, err := t.Rows.Connection(ctx, t.Tenant, id)
	if err != nil {
		return in, bunker.AsError(err).In("connection")
	}
	view, err := t.Rows.View(ctx, t.Tenant, conn.Signer, conn.Client)
	if err != nil {
		return in, err
	}
	if view.Connection == nil || view.Key == nil {
		return in, bunker.Errorf(bunker.CodeConflict, "the key of this connection was deleted: everything is refused").In("connection")
	}
	in = policy.Input{
		Now: c.Now.UnixMilli(), Tenant: &view.Tenant, Key: view.Key, Connection: view.Connection, Grants: view.Grants, Door: bunker.DoorRelay,
	}
	if p.At != 0 {
		in.Now = int64(p.At)
	}
	if in.Relay, err = explainRelay(p.Relay); err != nil {
		return in, err
	}
	if in.Operation, err = p.operation(&in); err != nil {
		return in, err
	}
	for _, at := range view.Policies {
		made, err := policy.CompileAt(at)
		if err != nil {
			return in, bunker.Errorf(bunker.CodeConflict, "the policy %s cannot be read any more, so everything is refused: %s", at.Name, clip(err.Error()))
		}
		in.Policies = append(in.Policies, made)
	}
	return in, nil
}

func explainRelay(s string) (string, error) {
	if s == "" || s == policy.Embedded {
		return s, nil
	}
	u, err := nip46.NormalizeRelayURL(s)
	if err != nil {
		return "", bunker.Errorf(bunker.CodeInvalid, "%s", clip(err.Error())).In("relay")
	}
	return u, nil
}

// operation is the one that is described.
func (p *explainParams) operation(in *policy.Input) (*policy.Operation, error) {
	method := nip46.Method(p.Method)
	if method == "" && (p.Kind != nil || p.Event != "") {
		method = nip46.SignEvent
	}
	switch {
	case method == nip46.SignEvent:
		return p.signing(in)
	case !method.HasPeer():
		return nil, bunker.Errorf(bunker.CodeInvalid, "method is sign_event, nip04_encrypt, nip04_decrypt, nip44_encrypt or nip44_decrypt; the others need no permission").In("method")
	case p.Peer == "":
		return nil, bunker.Errorf(bunker.CodeInvalid, "peer is missing: the other party of %s", method).In("peer")
	}
	o := &policy.Operation{Method: method, Result: bunker.DecryptResult(p.Result)}
	var err error
	if o.Peer, err = npub("peer", p.Peer); err != nil {
		return nil, err
	}
	switch o.Result {
	case "":
		o.Result = policy.Certain(o, in.Key)
	case bunker.ResultWrap, bunker.ResultDM, bunker.ResultSelf, bunker.ResultOther:
	default:
		return nil, bunker.Errorf(bunker.CodeInvalid, "result is wrap, dm, self or other").In("result")
	}
	return o, nil
}

func (p *explainParams) signing(in *policy.Input) (*policy.Operation, error) {
	t := &nostr.Template{CreatedAt: in.Now / 1000, Content: p.Content}
	for _, tag := range p.Tags {
		t.Tags = append(t.Tags, nostr.Tag(tag))
	}
	switch {
	case p.Event != "" && (p.Kind != nil || p.Content != "" || len(p.Tags) > 0):
		return nil, bunker.Errorf(bunker.CodeInvalid, "event holds its kind, content and tags; give one or the other").In("event")
	case p.Event != "":
		read, err := nostr.ParseTemplate([]byte(p.Event))
		if err != nil {
			return nil, bunker.Errorf(bunker.CodeInvalid, "event: %s", clip(err.Error())).In("event")
		}
		t = read
	case p.Kind == nil:
		return nil, bunker.Errorf(bunker.CodeInvalid, "kind is missing: of the event to be signed").In("kind")
	default:
		kind, ok := nostr.ParseKind(strconv.FormatInt(*p.Kind, 10))
		if !ok {
			return nil, bunker.Errorf(bunker.CodeInvalid, "a kind is a number from 0 to 65535").In("kind")
		}
		t.Kind = kind
	}
	return &policy.Operation{Method: nip46.SignEvent, Template: t, OffDate: policy.OffDate(t.CreatedAt, in.Now)}, nil
}

// explainRecord says what decided a record. Nothing is decided anew: the log holds
// features, and rules can hang on more.
func (t *Table) explainRecord(ctx context.Context, p explainParams) (explainResult, error) {
	recs, err := t.Rows.Records(ctx, t.Tenant, RecordFilter{Before: p.Record + 1, Limit: 1})
	if err != nil {
		return explainResult{}, err
	}
	if len(recs) == 0 || recs[0].Seq != p.Record {
		return explainResult{}, bunker.Errorf(bunker.CodeNotFound, "there is no record %d", p.Record).In("record").WithHint("nsecbunker audit list")
	}
	r := &recs[0]
	res := explainResult{
		Effect: r.Effect, Rule: r.Rule, Reason: r.Reason, Needed: r.Needed,
		Record: &recordView{Seq: r.Seq, Time: Time(r.Time), Principal: r.Principal, Action: r.Action, Connection: r.Connection, Kind: r.Kind},
	}
	if r.Kind != nil && *r.Kind >= 0 {
		if kind, ok := nostr.ParseKind(strconv.FormatInt(*r.Kind, 10)); ok {
			_, res.Care = policy.CareOfKind(kind)
		}
	}
	res.Decided, err = t.decidedBy(ctx, r)
	return res, err
}

// decidedBy is the rule that a record names, as it was then; nil where none decided.
func (t *Table) decidedBy(ctx context.Context, r *bunker.AuditRecord) (*decidedByView, error) {
	name, rule, version, ok := policy.ParseRuleName(r.Rule)
	if !ok {
		return nil, nil
	}
	p, err := t.Rows.PolicyNamed(ctx, t.Tenant, name, version, r.Time)
	if err != nil && isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	v := &decidedByView{Policy: p.Name, ID: string(p.ID), Version: p.Version, Zone: zoneName(p.Zone)}
	for i := range p.Rules {
		if p.Rules[i].ID == rule {
			v.Rule, v.Sentence = &p.Rules[i], policytext.Sentence(&p.Rules[i], p.Zone)
		}
	}
	newest, err := t.Rows.Policy(ctx, t.Tenant, string(p.ID))
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	if err == nil && !newest.Ended {
		v.Newest = newest.Version
	}
	return v, nil
}
