package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// simulateParams are those of policy.simulate; a nil zone is left as it is.
type simulateParams struct {
	Policy     string          `json:"policy"`
	Zone       *string         `json:"zone,omitempty"`
	Rules      json.RawMessage `json:"rules,omitempty"`
	Days       int             `json:"days,omitempty"`
	Key        string          `json:"key,omitempty"`
	Connection string          `json:"connection,omitempty"`
}

type simulateView struct {
	Policy   string      `json:"policy"`
	Version  int64       `json:"version"`
	Since    stamp       `json:"since"`
	Days     int         `json:"days"`
	Looked   int         `json:"looked"`
	Cut      bool        `json:"cut"`
	Requests int         `json:"requests"`
	Same     int         `json:"same"`
	Allowed  int         `json:"now_allowed"`
	Asked    int         `json:"now_asked"`
	Refused  int         `json:"now_refused"`
	Unknown  int         `json:"unknown"`
	Changes  []shiftView `json:"changes"`
	Unlisted int         `json:"unlisted"`
}

type shiftView struct {
	Change     string   `json:"change"`
	Connection string   `json:"connection"`
	Name       string   `json:"name"`
	Method     string   `json:"method"`
	Kind       *int64   `json:"kind"`
	Count      int      `json:"count"`
	Missing    []string `json:"missing"`
	Examples   []struct {
		Record     int64  `json:"record"`
		Before     string `json:"before"`
		BeforeRule string `json:"before_rule"`
		AfterRule  string `json:"after_rule"`
		Reason     string `json:"reason"`
	} `json:"examples"`
}

func (a *app) policySimulateCmd() *cobra.Command {
	var p simulateParams
	var file, label, zone string
	cmd := &cobra.Command{
		Use: "simulate FILE | POLICY --rules FILE", Short: "say what an edit of a policy would have changed in the last days", Args: args("FILE|POLICY"),
		ValidArgsFunction: a.completePolicies,
		Long: `Decides the requests of the last days anew, by a policy as it is and as it would be, and says what would have come out differently:

  nsecbunker policy simulate newsroom.toml --days 30
  nsecbunker policy simulate newsroom --rules rules.json

FILE is a policy in its text form (with a slash or .toml in the name; - is stdin) whose name the bunker has. The log holds no content: what
hangs on words or tags that it does not hold is counted as "cannot tell", never guessed. Nothing is changed.`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if cmd.Flags().Changed("zone") {
				p.Zone = &zone
			}
			if err := a.simulated(cmd, &p, args[0], file); err != nil {
				return err
			}
			if label != "" {
				p.Policy = label
			}
			return show(cmd.Context(), a, "policy.simulate", p, a.showSimulation)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "rules", "", "`file` with all its rules, a JSON array; - for stdin")
	f.StringVar(&zone, "zone", "", "time `zone` of its hours and budgets, such as Europe/Paris")
	f.StringVar(&label, "name", "", "`name` of the policy, instead of the one in the text")
	f.IntVar(&p.Days, "days", 30, "how many `days` back, at most 365")
	f.StringVar(&p.Key, "key", "", "only requests of apps of this `key`")
	f.StringVar(&p.Connection, "connection", "", "only requests of this `app`")
	return cmd
}

// simulated fills in what the argument and --rules name.
func (a *app) simulated(cmd *cobra.Command, p *simulateParams, arg, file string) (err error) {
	if !textFile(arg) {
		p.Policy = arg
		switch {
		case file != "":
			p.Rules, err = a.rulesFile(cmd.Context(), file)
		case p.Zone == nil:
			return usageOf(cmd, "nothing to change is given: --rules FILE, or the policy as text instead of its name")
		}
		return err
	}
	if file != "" {
		return usageOf(cmd, "%s holds the rules; leave out --rules", shown(arg, 200))
	}
	t, err := a.goodText(cmd.Context(), arg)
	if err != nil {
		return err
	}
	p.Policy = t.Policy.Name
	if p.Zone == nil {
		p.Zone = &t.Policy.Zone
	}
	p.Rules = rulesText(&t.Policy)
	return nil
}

// rulesText are the rules as parameters carry them; none are an empty list.
func rulesText(p *bunker.Policy) json.RawMessage {
	return (&bunker.Policy{Rules: append([]bunker.Rule{}, p.Rules...)}).RulesText()
}

// textFile reports whether an argument is a file and not the name of a policy.
func textFile(arg string) bool {
	return arg == "-" || strings.ContainsAny(arg, `/\`) || strings.HasSuffix(arg, ".toml")
}

func (a *app) showSimulation(v simulateView) error {
	if err := a.line(simulationWords(&v)); err != nil {
		return err
	}
	if v.Cut {
		a.say("Only the last %s records of the log were looked at, those since %s.", thousands(v.Looked), a.when(v.Since))
	}
	for _, s := range v.Changes {
		if err := a.line("  " + shiftWords(&s)); err != nil {
			return err
		}
	}
	if v.Unlisted > 0 {
		a.say("%d more of such lines are not shown; narrow it with --key or --connection.", v.Unlisted)
	}
	return nil
}

// simulationWords are the counts in one sentence.
func simulationWords(v *simulateView) string {
	days := "the last " + count(v.Days, "day")
	if v.Days == 1 {
		days = "the last day"
	}
	if v.Requests == 0 {
		return fmt.Sprintf("No request of %s was under the policy %s.", days, name(v.Policy))
	}
	requests := "request"
	if v.Requests != 1 {
		requests += "s"
	}
	s := fmt.Sprintf("%s %s of %s: %s the same", thousands(v.Requests), requests, days, thousands(v.Same))
	for _, n := range []struct {
		n    int
		what string
	}{{v.Allowed, "now allowed"}, {v.Asked, "now asked"}, {v.Refused, "now refused"}, {v.Unknown, "cannot tell"}} {
		if n.n > 0 {
			s += fmt.Sprintf(", %s %s", thousands(n.n), n.what)
		}
	}
	return s
}

// shiftWords are one app's requests of one kind, with the newest as the example.
func shiftWords(s *shiftView) string {
	app := name(s.Name)
	if s.Name == "" {
		app = shown(s.Connection, 40)
	}
	what := shown(s.Method, 40)
	if s.Kind != nil {
		what = fmt.Sprintf("kind %d", *s.Kind)
		if n := nostr.Kind(*s.Kind).Name(); n != "" {
			what += " (" + n + ")"
		}
	}
	change := map[string]string{"allow": "now allowed", "ask": "now asked", "deny": "now refused", "unknown": "cannot tell"}[s.Change]
	line := fmt.Sprintf("%s %s: %s, %s", thousands(s.Count), orDash(change), app, what)
	if s.Change == "unknown" {
		if len(s.Missing) == 0 {
			return line
		}
		var missing []string
		for _, m := range s.Missing {
			missing = append(missing, shown(m, 100))
		}
		return line + "; the log does not hold " + strings.Join(missing, ", ")
	}
	if len(s.Examples) == 0 {
		return line
	}
	x := s.Examples[len(s.Examples)-1]
	if x.BeforeRule != "" {
		line += fmt.Sprintf("; before: %s by %s", shown(x.Before, 10), shown(x.BeforeRule, 100))
	}
	return line + fmt.Sprintf("; then: by %s (record %d)", shown(x.AfterRule, 100), x.Record)
}

// thousands is a number as people read it: 1,284.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// preview tells a person at the terminal what an edit would have changed, before he
// is asked. Where it cannot be told, the edit goes on without.
func (a *app) preview(ctx context.Context, p simulateParams) {
	if a.asJSON || a.yes || !a.interactive() {
		return
	}
	var v simulateView
	if err := a.call(ctx, "policy.simulate", p, &v); err != nil || v.Requests == 0 {
		return
	}
	a.say("%s", simulationWords(&v))
	const most = 5
	for i := range v.Changes {
		if i == most {
			a.say("  … all of it: nsecbunker policy simulate")
			break
		}
		a.say("  %s", shiftWords(&v.Changes[i]))
	}
}
