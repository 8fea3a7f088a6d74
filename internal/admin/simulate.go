package admin

import (
	"context"
	"slices"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr/nip46"
)

const (
	// MaxSimulated is how many of the newest records a simulation looks at.
	MaxSimulated = 100_000
	// MaxSimulatedDays is how far back a simulation can look.
	MaxSimulatedDays = 365
	// MaxSimulatedOpened is how many kept events a simulation opens: each costs a
	// lookup and a decryption.
	MaxSimulatedOpened = 5_000
	// MaxExamples is how many examples of each change a simulation tells.
	MaxExamples = 50
	// simulatedDays is how far back one looks when nobody says.
	simulatedDays = 30
)

func policySimulateCommands(t *Table) {
	add(t, Command{
		Name: "policy.simulate", Summary: "Says what an edit of a policy would have changed in the last days: the requests of the log are decided anew, as the policy is and as it would be. What hangs on what the log does not hold is counted as unknown, never guessed. Nothing is changed.",
		Role: bunker.Viewer, Doors: local(),
	}, t.policySimulate)
}

type policySimulateParams struct {
	policyParams
	Zone       *string   `json:"zone,omitempty"`
	Rules      *ruleList `json:"rules,omitempty" doc:"all of them, as in policy.edit"`
	Days       int       `json:"days,omitempty" doc:"how many days back (30, at most 365)"`
	Key        string    `json:"key,omitempty" doc:"only requests of apps of this key: its name or id"`
	Connection string    `json:"connection,omitempty" doc:"only requests of this app: its id, or name when no other connection has it"`
}

type policySimulateResult struct {
	Policy   string `json:"policy"`
	Version  int64  `json:"version" doc:"what it is compared with"`
	Since    Time   `json:"since"`
	Days     int    `json:"days"`
	Looked   int    `json:"looked" doc:"records of the log that were looked at"`
	Cut      bool   `json:"cut,omitempty" doc:"there are more; only the last ones were looked at, those since since"`
	Requests int    `json:"requests" doc:"of the apps under the policy"`

	Same     int         `json:"same"`
	Allowed  int         `json:"now_allowed" doc:"that were asked about or refused"`
	Asked    int         `json:"now_asked" doc:"that were allowed or refused"`
	Refused  int         `json:"now_refused" doc:"that were allowed or asked about"`
	Unknown  int         `json:"unknown" doc:"it cannot be told: it hangs on what the log does not hold"`
	Changes  []shiftView `json:"changes" doc:"by app and kind, the most frequent first"`
	Unlisted int         `json:"unlisted,omitempty" doc:"further groups of changes"`
	Warnings []string    `json:"warnings,omitempty"`
}

type shiftView struct {
	Change     string        `json:"change" doc:"allow, ask or deny: what it comes out as; or unknown"`
	Connection string        `json:"connection" doc:"id"`
	Name       string        `json:"name,omitempty" doc:"of the app"`
	Method     string        `json:"method"`
	Kind       *int64        `json:"kind,omitempty"`
	Count      int           `json:"count"`
	Missing    []string      `json:"missing,omitempty" doc:"what is not known that it may hang on"`
	Examples   []exampleView `json:"examples,omitempty" doc:"the last ones"`
}

type exampleView struct {
	Record     int64  `json:"record"`
	Time       Time   `json:"time"`
	Recorded   string `json:"recorded" doc:"what came out then: allow, ask or deny"`
	Before     string `json:"before,omitempty" doc:"what the policy makes of it as it is; missing where it cannot be told"`
	BeforeRule string `json:"before_rule,omitempty"`
	After      string `json:"after,omitempty" doc:"what it would make of it"`
	AfterRule  string `json:"after_rule,omitempty"`
	Reason     string `json:"reason,omitempty" doc:"of the latter"`
}

// simulation is one run.
type simulation struct {
	t       *Table
	now     int64
	old     *bunker.Policy
	edited  *bunker.Policy
	both    [2]*policy.Compiled
	apps    map[bunker.ConnectionID]*simulatedApp // nil: not under the policy
	then    map[int64]*policy.Compiled            // versions of the policy; nil: there is none
	opened  int
	key     bunker.KeyID
	conn    bunker.ConnectionID
	past    []simulated
	shifts  map[shift]*shiftView
	res     policySimulateResult
	shown   map[string]int // examples, by change
	order   []shift
	replays *policy.Replay
}

// simulatedApp is a connection under the policy.
type simulatedApp struct {
	setting *policy.Setting
	key     *bunker.UserKey
	name    string
}

// simulated is one request of the log.
type simulated struct {
	policy.Past
	seq    int64
	event  string
	signed string
	app    bunker.ConnectionID
	asked  bool
}

// shift is what changes are grouped by.
type shift struct {
	change string
	app    bunker.ConnectionID
	method nip46.Method
	kind   int64
}

func (t *Table) policySimulate(ctx context.Context, c *Call, p policySimulateParams) (policySimulateResult, error) {
	s := &simulation{
		t: t, now: c.Now.UnixMilli(), apps: map[bunker.ConnectionID]*simulatedApp{}, then: map[int64]*policy.Compiled{},
		shifts: map[shift]*shiftView{}, shown: map[string]int{}, replays: policy.NewReplay(),
	}
	if err := s.begin(ctx, c, &p); err != nil {
		return policySimulateResult{}, err
	}
	select {
	case t.simulating <- struct{}{}:
		defer func() { <-t.simulating }()
	default:
		return policySimulateResult{}, bunker.Errorf(bunker.CodeConflict, "another simulation runs; one at a time, since each reads much of the log").
			WithHint("try again in some seconds")
	}
	if err := s.read(ctx); err != nil {
		return policySimulateResult{}, err
	}
	if err := s.run(ctx); err != nil {
		return policySimulateResult{}, err
	}
	s.list()
	return s.res, nil
}

// begin reads the parameters and makes both versions ready.
func (s *simulation) begin(ctx context.Context, c *Call, p *policySimulateParams) (err error) {
	if p.Days == 0 {
		p.Days = simulatedDays
	}
	if p.Days < 1 || p.Days > MaxSimulatedDays {
		return bunker.Errorf(bunker.CodeInvalid, "days is 1 to %d", MaxSimulatedDays).In("days")
	}
	if p.Rules == nil && p.Zone == nil {
		return bunker.Errorf(bunker.CodeInvalid, "nothing to change is given; give rules or zone").In("rules")
	}
	if s.old, err = s.t.Rows.Policy(ctx, s.t.Tenant, p.Policy); err != nil {
		return inPolicy(err)
	}
	if s.old.Ended {
		return bunker.Errorf(bunker.CodeConflict, "the policy %s was deleted", s.old.ID).In("policy").WithHint("nsecbunker policy list")
	}
	if p.Key != "" {
		k, err := s.t.key(ctx, p.Key)
		if err != nil {
			return err
		}
		s.key = k.ID
	}
	if p.Connection != "" {
		if s.conn, err = s.t.connectionID(ctx, p.Connection); err != nil {
			return bunker.AsError(err).In("connection")
		}
	}
	edited := *s.old
	edited.ChangedBy, edited.ChangedAt = c.Principal.Name, s.now
	edit := policyEditParams{Zone: p.Zone, Rules: p.Rules}
	if s.res.Warnings, err = edit.apply(&edited, s.now); err != nil {
		return err
	}
	edited.Version++
	s.edited = &edited
	for i, v := range []*bunker.Policy{s.old, s.edited} {
		if s.both[i], err = policy.Compile(v); err != nil {
			return bunker.Errorf(bunker.CodeInvalid, "%s", clip(err.Error())).In("rules")
		}
	}
	s.res.Policy, s.res.Version, s.res.Days = s.old.Name, s.old.Version, p.Days
	s.res.Since = Time(s.now - int64(p.Days)*24*time.Hour.Milliseconds())
	s.res.Changes = []shiftView{}
	return nil
}

// count takes down what came out of one request.
func (s *simulation) count(q *simulated, o *policy.Outcome) {
	s.res.Requests++
	change := "unknown"
	switch {
	case !o.Known:
		s.res.Unknown++
	case !o.Changed:
		s.res.Same++
		return
	default:
		change = o.After.Effect.String()
		switch o.After.Effect {
		case bunker.Allow:
			s.res.Allowed++
		case bunker.Ask:
			s.res.Asked++
		default:
			s.res.Refused++
		}
	}
	at := shift{change, q.app, q.Method, -1}
	if q.Method == nip46.SignEvent {
		at.kind = int64(q.Kind)
	}
	v := s.shifts[at]
	if v == nil {
		v = &shiftView{Change: change, Connection: string(q.app), Name: s.apps[q.app].name, Method: string(q.Method)}
		if at.kind >= 0 {
			v.Kind = &at.kind
		}
		s.shifts[at], s.order = v, append(s.order, at)
	}
	v.Count++
	for _, m := range o.Missing {
		if !slices.Contains(v.Missing, m) {
			v.Missing = append(v.Missing, m)
		}
	}
	v.Examples = append(v.Examples, viewExample(q, o))
	if len(v.Examples) > MaxExamples { // the last ones are of use
		v.Examples = v.Examples[1:]
	}
}

func viewExample(q *simulated, o *policy.Outcome) exampleView {
	v := exampleView{Record: q.seq, Time: Time(q.Time), Recorded: q.Effect.String()}
	if o.BeforeKnown {
		v.Before, v.BeforeRule = o.Before.Effect.String(), o.Before.Rule
	}
	if o.Known {
		v.After, v.AfterRule, v.Reason = o.After.Effect.String(), o.After.Rule, o.After.Reason
	}
	return v
}

// list puts the groups in order, the largest first, and keeps as many examples of
// each change as may be told, some of every group.
func (s *simulation) list() {
	slices.SortStableFunc(s.order, func(a, b shift) int { return s.shifts[b].Count - s.shifts[a].Count })
	groups := map[string]int{}
	for _, at := range s.order {
		groups[at.change]++
	}
	for _, at := range s.order {
		if len(s.res.Changes) == MaxPage {
			s.res.Unlisted++
			continue
		}
		v := s.shifts[at]
		left := MaxExamples - s.shown[at.change]
		share := max(1, MaxExamples/groups[at.change])
		if keep := min(left, share); len(v.Examples) > keep {
			v.Examples = v.Examples[len(v.Examples)-keep:]
		}
		s.shown[at.change] += len(v.Examples)
		s.res.Changes = append(s.res.Changes, *v)
	}
}
