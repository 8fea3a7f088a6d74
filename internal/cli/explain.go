package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

type explainView struct {
	Effect  string `json:"effect"`
	Rule    string `json:"rule"`
	Reason  string `json:"reason"`
	Needed  string `json:"needed"`
	Care    string `json:"care"`
	Unknown bool   `json:"unknown"`

	Rules   []saidView     `json:"rules"`
	Grants  []saidView     `json:"grants"`
	Budgets []budgetView   `json:"budgets"`
	Record  *recordView    `json:"record"`
	Decided *decidedByView `json:"decided_by"`
}

type saidView struct {
	Name   string `json:"name"`
	Effect string `json:"effect"`
	Fits   bool   `json:"fits"`
	Why    string `json:"why"`
}

type budgetView struct {
	Rule    string `json:"rule"`
	Per     string `json:"per"`
	Window  string `json:"window"`
	Used    int64  `json:"used"`
	Limit   int64  `json:"limit"`
	Refills stamp  `json:"refills_at"`
}

type recordView struct {
	Seq       int64  `json:"seq"`
	Time      stamp  `json:"time"`
	Principal string `json:"principal"`
	Action    string `json:"action"`
}

type decidedByView struct {
	Policy  string          `json:"policy"`
	Version int64           `json:"version"`
	Rule    json.RawMessage `json:"rule"`
}

func (a *app) policyExplainCmd() *cobra.Command {
	p := struct {
		Record     int64      `json:"record,omitempty"`
		Connection string     `json:"connection,omitempty"`
		Method     string     `json:"method,omitempty"`
		Kind       *int64     `json:"kind,omitempty"`
		Content    string     `json:"content,omitempty"`
		Tags       [][]string `json:"tags,omitempty"`
		Event      string     `json:"event,omitempty"`
		Peer       string     `json:"peer,omitempty"`
		Result     string     `json:"result,omitempty"`
		At         string     `json:"at,omitempty"`
		Relay      string     `json:"relay,omitempty"`
	}{}
	var kind int64
	var tags []string
	var event string
	cmd := &cobra.Command{
		Use: "explain [APP]", Short: "say what would be decided about a request of an app, and why; or what decided a record", Args: args("[APP]"),
		ValidArgsFunction: a.completeConnections,
		Long: `Says what would be decided now about a request of an app, what every rule and permission says to it, and what would be needed:

  nsecbunker policy explain APP --kind 1 --content 'Hello'
  nsecbunker policy explain APP --event event.json
  nsecbunker policy explain APP --method nip44_decrypt --peer NPUB --result dm

or what decided a record of the log, by the rule as it was then:

  nsecbunker policy explain --record 4711`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (p.Record != 0) {
				return usageOf(cmd, "give an APP with its request, or --record NUMBER")
			}
			if len(args) == 1 {
				p.Connection = args[0]
			}
			if cmd.Flags().Changed("kind") {
				p.Kind = &kind
			}
			for _, t := range tags {
				p.Tags = append(p.Tags, strings.Split(t, "="))
			}
			if event != "" {
				b, err := a.inputFile(cmd.Context(), event)
				if err != nil {
					return err
				}
				p.Event = string(b)
			}
			return show(cmd.Context(), a, "policy.explain", p, a.explained)
		},
	}
	f := cmd.Flags()
	f.Int64Var(&p.Record, "record", 0, "`number` of a record of the log, instead of a request")
	f.StringVar(&p.Method, "method", "", "`method` of the request (default: sign_event)")
	f.Int64Var(&kind, "kind", 0, "`kind` of the event to be signed")
	f.StringVar(&p.Content, "content", "", "`text` of the event")
	f.StringArrayVar(&tags, "tag", nil, "a tag of the event, its `parts` joined by =, such as p=HEX; repeatable")
	f.StringVar(&event, "event", "", "`file` with the event as JSON instead; - for stdin")
	f.StringVar(&p.Peer, "peer", "", "`npub` of the other party of encrypt and decrypt")
	f.StringVar(&p.Result, "result", "", "`what` the decryption brings to light: wrap, dm, self or other")
	f.StringVar(&p.At, "at", "", "as if it were that `time`, such as 2026-11-29T08:00:00Z")
	f.StringVar(&p.Relay, "relay", "", "`address` of the relay that brings it; embedded for the bunker's own")
	return cmd
}

func (a *app) explained(x explainView) error {
	facts := [][2]string{}
	if r := x.Record; r != nil {
		facts = append(facts, [2]string{"record", fmt.Sprintf("%d, %s: %s by %s", r.Seq, a.when(r.Time), shown(r.Action, 60), who(r.Principal))})
	}
	facts = append(facts, [2]string{"decision", orDash(shown(x.Effect, 10))}, [2]string{"by", orDash(shown(x.Rule, 100))}, [2]string{"reason", orDash(shown(x.Reason, maxShownError))})
	for _, f := range [][2]string{{"needed", x.Needed}, {"care", x.Care}} {
		if f[1] != "" {
			facts = append(facts, [2]string{f[0], shown(f[1], maxShownError)})
		}
	}
	if d := x.Decided; d != nil && len(d.Rule) > 0 {
		facts = append(facts, [2]string{"rule then", shown(string(d.Rule), 1000)})
	}
	for _, b := range x.Budgets {
		text := fmt.Sprintf("%s: %d of %d used in this %s, per %s", shown(b.Rule, 100), b.Used, b.Limit, shown(b.Window, 10), shown(b.Per, 20))
		if b.Window == "total" {
			text = fmt.Sprintf("%s: %d of %d used in all, per %s", shown(b.Rule, 100), b.Used, b.Limit, shown(b.Per, 20))
		}
		facts = append(facts, [2]string{"budget", text})
	}
	if err := a.facts(facts); err != nil {
		return err
	}
	if x.Unknown {
		a.say("It hangs on what the decryption brings to light: add --result wrap, dm, self or other.")
	}
	if len(x.Rules)+len(x.Grants) == 0 {
		return nil
	}
	if err := a.line(""); err != nil {
		return err
	}
	var rows [][]string
	for _, s := range append(x.Rules, x.Grants...) {
		speaks := "-"
		if s.Fits {
			speaks = "yes"
		}
		rows = append(rows, []string{shown(s.Name, 100), shown(s.Effect, 10), speaks, shown(s.Why, 300)})
	}
	return a.table([]string{"RULE OR GRANT", "EFFECT", "SPEAKS OF IT", "WHY"}, rows)
}
