package policy_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/oracle"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// oracleCases is how many random cases are compared.
const oracleCases = 100_000

const oracleNow = int64(1_780_000_000_000) // a Thursday

// dice makes random cases whose parts meet often: a few kinds, peers, texts.
type dice struct{ *rand.Rand }

func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }

func (d dice) oneIn(n int) bool { return d.IntN(n) == 0 }

func some[T any](d dice, list ...T) []T {
	out := slices.Clone(list)
	d.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:1+d.IntN(min(3, len(out)))]
}

func (d dice) kind() nostr.Kind {
	return pick(d, nostr.Kind(1), 1, 1, 7, 0, 3, 5, 62, 4, 13, 14, 1059, 10002, 22242, 27235, 24134, 20001, 23195, 9005, 30023)
}

func (d dice) ranges() []bunker.KindRange {
	var out []bunker.KindRange
	for range 1 + d.IntN(2) {
		k := d.kind()
		switch d.IntN(5) {
		case 0:
			out = append(out, bunker.KindRange{From: 0, To: 40000})
		case 1:
			out = append(out, bunker.KindRange{From: max(k, 1) - 1, To: k + 2})
		case 2:
			out = append(out, bunker.KindRange{From: 9000, To: 9010}, bunker.KindRange{From: 23194, To: 23196})
		default:
			out = append(out, bunker.KindRange{From: k, To: k})
		}
	}
	return out
}

var (
	oracleUser  = nostr.PubKey{1}
	oraclePeers = []nostr.PubKey{{2}, {3}, oracleUser}
	methods     = []string{"sign_event", "nip04_encrypt", "nip04_decrypt", "nip44_encrypt", "nip44_decrypt"}
	results     = []bunker.DecryptResult{bunker.ResultWrap, bunker.ResultDM, bunker.ResultSelf, bunker.ResultOther}
	days        = []bunker.Weekday{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
)

func (d dice) rule(id int) bunker.Rule {
	r := bunker.Rule{ID: fmt.Sprintf("r%d", id), Effect: pick(d, bunker.Deny, bunker.Ask, bunker.Allow, bunker.Allow, bunker.Allow)}
	switch d.IntN(4) {
	case 0:
		r.Methods = some(d, methods...)
	case 1:
		r.Rights = some(d, "everything", "direct-messages", "private-data")
	case 2:
		r.Methods = []string{"sign_event"}
		r.Kinds = d.ranges()
	}
	if d.oneIn(8) {
		r.Peers = some(d, oraclePeers...)
	}
	if d.oneIn(8) {
		r.Results = some(d, results...)
	}
	if d.oneIn(6) {
		m := bunker.TagMatch{Name: pick(d, "p", "relay")}
		switch d.IntN(4) {
		case 0:
			m.Absent = true
		case 1:
			m.Values = some(d, "a", "b", "a*")
		case 2:
			m.Values, m.Max = some(d, "a", "b*"), 1
		case 3:
			m.Max = d.IntN(2)
		}
		r.Tags = append(r.Tags, m)
	}
	if d.oneIn(6) {
		r.Content = &bunker.ContentMatch{}
		switch d.IntN(4) {
		case 0:
			r.Content.MaxLength = 5
		case 1:
			r.Content.MinLength = 3
		case 2:
			r.Content.Words = []string{"ferry"}
		case 3:
			r.Content.Pattern = "^[a-z ]*$"
		}
	}
	if d.oneIn(6) {
		r.MaxSkew = pick(d, int64(60), 3600, 90000)
	}
	if d.oneIn(5) {
		h := bunker.Hours{From: d.IntN(1440), To: d.IntN(1441)}
		if d.oneIn(2) {
			h.Days = some(d, days...)
		}
		r.Hours = append(r.Hours, h)
	}
	if d.oneIn(10) {
		r.Doors = []bunker.Door{pick(d, bunker.DoorRelay, bunker.DoorHTTP)}
	}
	if d.oneIn(10) {
		r.Relays = []string{pick(d, "wss://one.example", "wss://two.example")}
	}
	if r.Effect == bunker.Allow && d.oneIn(3) {
		r.Budget = &bunker.Budget{WhenSpent: pick(d, bunker.Deny, bunker.Ask), Per: pick(d, bunker.PerConnection, bunker.PerKey, bunker.PerPolicy)}
		for _, limit := range []*int64{&r.Budget.Total, &r.Budget.PerMinute, &r.Budget.PerHour, &r.Budget.PerDay} {
			if d.oneIn(2) {
				*limit = int64(1 + d.IntN(3))
			}
		}
	}
	if d.oneIn(6) {
		r.ExpiresAt = oracleNow + int64(d.IntN(3)-1)*1000
	}
	if d.oneIn(6) {
		r.For = int64(1+d.IntN(3)) * 1000
	}
	return r
}

func (d dice) policy(n int) *bunker.Policy {
	p := &bunker.Policy{
		Tenant: "t", ID: bunker.PolicyID(fmt.Sprintf("p%d", n)), Name: fmt.Sprintf("name%d", n), Version: int64(1 + d.IntN(2)),
		Zone: pick(d, "", "Europe/Oslo", "America/New_York"), Ended: d.oneIn(12),
	}
	for i := range d.IntN(5) {
		p.Rules = append(p.Rules, d.rule(i))
	}
	return p
}

func (d dice) permissions() string {
	var out []string
	for range 1 + d.IntN(3) {
		switch d.IntN(5) {
		case 0:
			out = append(out, "all")
		case 1:
			out = append(out, "sign_event")
		case 2:
			out = append(out, pick(d, methods[1:]...))
		default:
			out = append(out, fmt.Sprintf("sign_event:%d", d.kind()))
		}
	}
	return strings.Join(out, ",")
}

// answers are what a grant could name, most often something that is asked.
func (d dice) answers(ps []*bunker.Policy) string {
	list := []string{"default", "care", "guard"}
	for _, p := range ps {
		for _, r := range p.Rules {
			version := p.Version
			if d.oneIn(5) {
				version-- // an older one
			}
			list = append(list, fmt.Sprintf("%s %s/%s@%d", pick(d, "rule", "spent"), p.ID, r.ID, version))
		}
	}
	return strings.Join(some(d, list...), ",")
}

// one case, both as the oracle and as the engine take it.
func (d dice) oneCase(t *testing.T) (oracle.Case, policy.Input) {
	t.Helper()
	c := oracle.Case{
		Now:    oracleNow + int64(d.IntN(7*24*3600))*1000,
		Tenant: bunker.TenantState{SetUp: true, Reviewed: !d.oneIn(60), Stopped: d.oneIn(60)},
		Key: bunker.UserKey{
			ID: "k", PubKey: oracleUser, State: pick(d, bunker.KeyActive, bunker.KeyActive, bunker.KeyActive, bunker.KeyActive, bunker.KeyActive, bunker.KeyActive, bunker.KeyDeleting),
			Locked: d.oneIn(60), NpubLogin: d.oneIn(4), Default: pick(d, bunker.Ask, bunker.Ask, bunker.Deny),
		},
		Connection: bunker.Connection{ID: "c", State: bunker.ConnActive},
	}
	if d.oneIn(25) {
		c.Connection.State = pick(d, bunker.ConnSuspended, bunker.ConnEnded, bunker.ConnRevoked, bunker.ConnPending, bunker.ConnExpired, "")
	}
	if d.oneIn(25) {
		c.Connection.ExpiresAt = c.Now + int64(d.IntN(3)-1)*1000
	}
	if d.oneIn(8) {
		c.Guard = "it would lose 374 of 412 entries"
	}
	op := d.operation(&c)
	var ps []*bunker.Policy
	for i := range d.IntN(3) {
		ps = append(ps, d.policy(i))
	}
	shiftRules(ps, c.Now-oracleNow)
	for i := range 1 + d.IntN(5) {
		c.Given = append(c.Given, d.given(i, &c, ps, op))
	}
	in := policy.Input{
		Now: c.Now, Tenant: &c.Tenant, Key: &c.Key, Connection: &c.Connection, Guard: c.Guard, Operation: op, Door: c.Request.Door, Relay: c.Request.Relay,
		Used: map[bunker.Window]int64{},
	}
	for _, g := range c.Given {
		in.Grants = append(in.Grants, g.Grant)
	}
	for _, p := range ps {
		compile := policy.Compile
		if d.oneIn(2) {
			compile = policy.CompilePacked
		}
		compiled, err := compile(p)
		if err != nil {
			t.Fatalf("%+v: %v", p.Rules, err)
		}
		in.Policies = append(in.Policies, compiled)
	}
	for _, w := range policy.Needs(in).Used {
		if d.oneIn(2) {
			continue
		}
		n := int64(d.IntN(4))
		in.Used[w] = n
		limit, _, _ := strings.Cut(w.Name, " ")
		c.Used = append(c.Used, oracle.Used{Policy: w.Policy, Rule: w.Rule, Limit: oracle.Limit(limit), Count: n})
	}
	return c, in
}

// shiftRules moves the times of rules to where the case is.
func shiftRules(ps []*bunker.Policy, by int64) {
	for _, p := range ps {
		for i := range p.Rules {
			if p.Rules[i].ExpiresAt != 0 {
				p.Rules[i].ExpiresAt += by
			}
		}
	}
}

func (d dice) operation(c *oracle.Case) *policy.Operation {
	op := &policy.Operation{Method: nip46.Method(pick(d, "sign_event", "sign_event", "sign_event", methods[d.IntN(len(methods))]))}
	q := &c.Request
	q.Method, q.Door, q.Relay = string(op.Method), pick(d, bunker.DoorRelay, bunker.DoorRelay, bunker.DoorHTTP), pick(d, "wss://one.example", "wss://two.example", "")
	if op.Method != nip46.SignEvent {
		op.Peer, op.Payload = pick(d, oraclePeers...), []byte(pick(d, "x", "y"))
		q.Peer = op.Peer
		if strings.HasSuffix(q.Method, "decrypt") {
			op.Result = pick(d, results...)
			if op.Peer == oracleUser {
				op.Result = bunker.ResultSelf
			} else if op.Result == bunker.ResultSelf {
				op.Result = bunker.ResultOther
			}
			q.Result = op.Result
		}
		q.Once = op.Digest()
		return op
	}
	tmpl := &nostr.Template{Kind: d.kind(), Content: pick(d, "", "x", "the ferry sails", "Ferryman 12", "a\nb"), CreatedAt: c.Now/1000 + pick(d, int64(0), 0, 0, 30, -899, -901, 901, -3601, 86400)}
	for range d.IntN(3) {
		tmpl.Tags = append(tmpl.Tags, nostr.Tag{pick(d, "p", "relay", "t"), pick(d, "a", "b", "ab")})
	}
	op.Template, op.OffDate = tmpl, policy.OffDate(tmpl.CreatedAt, c.Now)
	op.Seen = (tmpl.Kind == 4 || tmpl.Kind == 13) && d.oneIn(2)
	q.Kind, q.Content, q.CreatedAt, q.Seen, q.Once = tmpl.Kind, tmpl.Content, tmpl.CreatedAt, op.Seen, op.Digest()
	for _, tag := range tmpl.Tags {
		q.Tags = append(q.Tags, tag)
	}
	return op
}

func (d dice) given(i int, c *oracle.Case, ps []*bunker.Policy, op *policy.Operation) oracle.Given {
	g := oracle.Given{Grant: bunker.Grant{
		ID: bunker.GrantID(fmt.Sprintf("g%d", i)), Connection: "c", Effect: bunker.Allow, GivenBy: "local", CreatedAt: c.Now - int64(d.IntN(4))*1000,
	}}
	if d.oneIn(15) {
		g.Grant.Connection = "other"
	}
	if d.oneIn(10) {
		g.Grant.Ended = true
	}
	if d.oneIn(6) {
		g.Grant.ExpiresAt = c.Now + int64(d.IntN(3)-1)*1000
	}
	if len(ps) > 0 && d.oneIn(2) {
		g.Policy = pick(d, ps...)
		g.Grant.Policy = g.Policy.ID
		return g
	}
	if d.oneIn(4) {
		g.Grant.Effect = bunker.Deny
	}
	switch d.IntN(3) {
	case 0:
		g.Grant.OpDigest, g.Grant.MaxUses = op.Digest(), 1
		if d.oneIn(6) {
			g.Grant.OpDigest = [32]byte{9}
		}
		if d.oneIn(6) {
			g.Grant.MaxUses, g.Grant.Permissions = 0, "all"
		}
	case 1:
		g.Grant.MaxUses = int64(d.IntN(3))
		fallthrough
	default:
		g.Grant.Permissions = d.permissions()
	}
	if g.Grant.MaxUses > 0 {
		g.Grant.Uses = int64(d.IntN(int(g.Grant.MaxUses) + 1))
	}
	if d.oneIn(2) {
		g.Grant.Answers = d.answers(ps)
	}
	return g
}

// TestTheEngineDecidesAsTheOracle compares Decide with an oracle that another hand
// wrote from the security design.
func TestTheEngineDecidesAsTheOracle(t *testing.T) {
	counts := map[bunker.Effect]int{}
	bad := 0
	for seed := range uint64(oracleCases) {
		c, in := dice{rand.New(rand.NewPCG(seed, 1))}.oneCase(t)
		want, got := oracle.Decide(c), policy.Decide(in)
		counts[want.Effect]++
		if got.Effect != want.Effect {
			t.Errorf("seed %d: the engine says %v (%s: %s), the oracle %v (%s)\n%s", seed, got.Effect, got.Rule, got.Reason, want.Effect, want.Why, tell(c))
			if bad++; bad == 5 {
				t.FailNow()
			}
		}
		if got.Effect != bunker.Allow && (got.Spend != "" || len(got.Charges) > 0) {
			t.Fatalf("seed %d: %v spends", seed, got.Effect)
		}
		if got.Effect != bunker.Allow && got.Reason == "" {
			t.Fatalf("seed %d: a refusal or question without a reason", seed)
		}
	}
	t.Logf("%d cases: %d allowed, %d asked, %d denied", oracleCases, counts[bunker.Allow], counts[bunker.Ask], counts[bunker.Deny])
	for _, e := range []bunker.Effect{bunker.Allow, bunker.Ask, bunker.Deny} {
		if counts[e] < oracleCases/20 {
			t.Errorf("only %d cases of %d are %v: the cases do not meet enough", counts[e], oracleCases, e)
		}
	}
}

func tell(c oracle.Case) string {
	var b strings.Builder
	fmt.Fprintf(&b, "request %+v default %v npub %t guard %q\n", c.Request, c.Key.Default, c.Key.NpubLogin, c.Guard)
	for _, g := range c.Given {
		fmt.Fprintf(&b, "  grant %+v\n", g.Grant)
		if g.Policy != nil {
			for _, r := range g.Policy.Rules {
				fmt.Fprintf(&b, "    %s@%d zone %q: %+v budget %+v content %+v\n", g.Policy.ID, g.Policy.Version, g.Policy.Zone, r, r.Budget, r.Content)
			}
		}
	}
	fmt.Fprintf(&b, "  used %+v now %d", c.Used, c.Now)
	return b.String()
}
