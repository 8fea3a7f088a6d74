package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy/text"
)

type policyView struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Zone        string            `json:"zone"`
	Version     int64             `json:"version"`
	Count       int               `json:"count"`
	Rules       []json.RawMessage `json:"rules"`
	Deleted     bool              `json:"deleted"`
	Connections int               `json:"connections"`
	Tokens      int               `json:"tokens"`
	ChangedBy   string            `json:"changed_by"`
	ChangedAt   stamp             `json:"changed_at"`
}

type policyAnswer struct {
	Policy policyView `json:"policy"`
}

func (a *app) policyCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "policy", Short: "make rules of what apps may do, and ask why something was decided",
		Long: `A policy is a named list of rules. Links and connections are put under it (--policy); an edit holds for the next request of
everything under it. docs/policies.md says what rules can say.`,
	}
	c.AddCommand(a.policyListCmd(), a.policyShowCmd(), a.policyVersionsCmd(), a.policyCreateCmd(), a.policyEditCmd(), a.policyDeleteCmd(), a.policyExplainCmd())
	c.AddCommand(a.policyTextCmds()...)
	return c
}

func (a *app) policyListCmd() *cobra.Command {
	var deleted bool
	cmd := &cobra.Command{
		Use: "list", Short: "list the policies", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := map[string]any{}
			if deleted {
				p["deleted"] = true
			}
			return list(cmd.Context(), a, "policy.list", "policies", p, []string{"NAME", "VERSION", "RULES", "APPS", "OPEN LINKS", "CHANGED", "FOR"},
				"There is no policy yet. Make one of a ready-made one: nsecbunker policy create NAME --template basic-social (all of them: nsecbunker policy templates)",
				func(p policyView) []string {
					label := name(p.Name)
					if p.Deleted {
						label += " (deleted)"
					}
					return []string{label, strconv.FormatInt(p.Version, 10), strconv.Itoa(p.Count), strconv.Itoa(p.Connections), strconv.Itoa(p.Tokens), a.when(p.ChangedAt), name(p.Description)}
				})
		},
	}
	cmd.Flags().BoolVar(&deleted, "deleted", false, "deleted ones, too")
	return cmd
}

func (a *app) policyShowCmd() *cobra.Command {
	p := struct {
		Policy  string `json:"policy"`
		Version int64  `json:"version,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use: "show POLICY", Short: "show a policy with its rules, as it is or as it was", Args: args("POLICY"), ValidArgsFunction: a.completePolicies,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Policy = args[0]
			return show(cmd.Context(), a, "policy.show", p, func(r policyAnswer) error { return a.showPolicy(r.Policy) })
		},
	}
	cmd.Flags().Int64Var(&p.Version, "version", 0, "as it was in this version `number`")
	return cmd
}

func (a *app) showPolicy(p policyView) error {
	facts := [][2]string{
		{"policy", name(p.Name)}, {"for", orDash(shown(p.Description, 300))}, {"version", fmt.Sprintf("%d, %s, by %s", p.Version, a.when(p.ChangedAt), name(p.ChangedBy))},
		{"zone", shown(p.Zone, 64)}, {"under it", count(p.Connections, "app") + ", " + count(p.Tokens, "open link")},
	}
	if err := a.facts(facts); err != nil {
		return err
	}
	if len(p.Rules) == 0 {
		a.say("It has no rules: everything under it follows the key's default.")
		return nil
	}
	if err := a.line(""); err != nil {
		return err
	}
	rows := make([][]string, 0, len(p.Rules))
	for _, raw := range p.Rules {
		var r bunker.Rule
		if err := json.Unmarshal(raw, &r); err != nil {
			return unreadable(err)
		}
		rows = append(rows, []string{shown(r.ID, 64), shown(text.Sentence(&r, p.Zone), text.MaxSentence)})
	}
	return a.table([]string{"RULE", "AN APP UNDER IT"}, rows)
}

func (a *app) policyVersionsCmd() *cobra.Command {
	return &cobra.Command{
		Use: "versions POLICY", Short: "list the versions of a policy", Args: args("POLICY"), ValidArgsFunction: a.completePolicies,
		RunE: func(cmd *cobra.Command, args []string) error {
			return list(cmd.Context(), a, "policy.versions", "versions", map[string]any{"policy": args[0]}, []string{"VERSION", "NAME", "RULES", "BY", "CHANGED"},
				"There are no versions.", func(p policyView) []string {
					return []string{strconv.FormatInt(p.Version, 10), name(p.Name), strconv.Itoa(p.Count), name(p.ChangedBy), a.when(p.ChangedAt)}
				})
		},
	}
}

func (a *app) policyCreateCmd() *cobra.Command {
	p := struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Zone        string          `json:"zone,omitempty"`
		Rules       json.RawMessage `json:"rules"`
	}{}
	var file, template string
	cmd := &cobra.Command{
		Use: "create NAME --rules FILE | --template TEMPLATE", Short: "make a policy", Args: args("NAME"),
		Long: `Makes a policy of the rules in a file, a JSON array (- is stdin):

  [{"id": "notes", "effect": "allow", "rights": ["post"], "budget": {"per_day": 20}},
   {"id": "no-deletes", "effect": "deny", "kinds": [{"from": 5, "to": 5}]}]

or, with --template, of a ready-made one (policy templates). As text that people write: policy import.`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			p.Name = args[0]
			if p.Zone == "" {
				p.Zone = a.localZone()
			}
			switch {
			case file == "" && template == "":
				return usageOf(cmd, "--rules is missing: the file with the rules; or --template: a ready-made policy")
			case file != "" && template != "":
				return usageOf(cmd, "either --rules or --template, not both")
			case template != "":
				return a.createFromTemplate(cmd, p.Name, template, p.Description, p.Zone)
			}
			if p.Rules, err = a.rulesFile(cmd.Context(), file); err != nil {
				return err
			}
			return show(cmd.Context(), a, "policy.create", p, func(r policyAnswer) error {
				a.say("Its hours and budgets are in the time zone %s.", shown(r.Policy.Zone, 64))
				a.say("The policy %s has %d rules. Hand it out: nsecbunker token create KEY --client NAME --policy %s", name(r.Policy.Name), r.Policy.Count, name(r.Policy.Name))
				return a.line(r.Policy.ID)
			})
		},
	}
	cmd.Flags().StringVar(&file, "rules", "", "`file` with the rules, a JSON array; - for stdin")
	cmd.Flags().StringVar(&template, "template", "", "ready-made `policy` to begin from, such as basic-social")
	cmd.Flags().StringVar(&p.Description, "description", "", "what it is for, in `words`")
	cmd.Flags().StringVar(&p.Zone, "zone", "", "time `zone` of its hours and budgets, such as Europe/Paris (default: this machine's)")
	return cmd
}

// localZone is the name of this machine's time zone, "" where it has none that
// others know.
func (a *app) localZone() string {
	zone := strings.TrimPrefix(a.getenv("TZ"), ":")
	if zone == "" {
		target, err := os.Readlink("/etc/localtime")
		if err != nil {
			return ""
		}
		_, zone, _ = strings.Cut(target, "zoneinfo/")
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		return ""
	}
	return zone
}

// rulesFile reads rules, which must be JSON; the bunker says what is wrong with
// them.
func (a *app) rulesFile(ctx context.Context, path string) (json.RawMessage, error) {
	b, err := a.inputFile(ctx, path)
	if err != nil {
		return nil, err
	}
	if b = bytes.TrimSpace(b); !json.Valid(b) || len(b) == 0 || b[0] != '[' {
		return nil, fail("the rules in %s are no JSON array", shown(path, 200)).withHint("nsecbunker policy create --help")
	}
	return b, nil
}

// inputFile reads a file that a person named; - is stdin.
func (a *app) inputFile(ctx context.Context, path string) ([]byte, error) {
	if path == "-" {
		return a.stdin(ctx)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a file: %w", err)
	}
	defer f.Close()
	b, err := readAll(ctx, f, maxInput)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return b, nil
}

func (a *app) policyEditCmd() *cobra.Command {
	var file, label, description, zone string
	var version int64
	var breakGlass bool
	cmd := &cobra.Command{
		Use: "edit POLICY", Short: "change a policy, for everything under it from its next request on", Args: args("POLICY"), ValidArgsFunction: a.completePolicies,
		Long: `Changes a policy: what is given is replaced, the rules as a whole. It holds for the next request of everything under it.
Where that may give more to what is under it, the bunker's passphrase is asked for.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := map[string]any{"policy": args[0]}
			for flag, v := range map[string]string{"name": label, "description": description, "zone": zone} {
				if cmd.Flags().Changed(flag) {
					p[flag] = v
				}
			}
			if file != "" {
				rules, err := a.rulesFile(cmd.Context(), file)
				if err != nil {
					return err
				}
				p["rules"] = rules
				a.preview(cmd.Context(), simulateParams{Policy: args[0], Rules: rules})
			}
			if len(p) == 1 {
				return usageOf(cmd, "nothing to change is given")
			}
			if version != 0 {
				p["if_version"] = version
			}
			if breakGlass {
				p["break_glass"] = true
			}
			return show(cmd.Context(), a, "policy.edit", p, func(r policyAnswer) error {
				a.say("The policy %s is version %d now; it holds for %d apps and %d open links.", name(r.Policy.Name), r.Policy.Version, r.Policy.Connections, r.Policy.Tokens)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "rules", "", "`file` with all its rules, a JSON array; - for stdin")
	f.StringVar(&label, "name", "", "its new `name`")
	f.StringVar(&description, "description", "", "what it is for, in `words`")
	f.StringVar(&zone, "zone", "", "time `zone` of its hours and budgets, such as Europe/Paris")
	f.Int64Var(&version, "if-version", 0, "only if the newest version has this `number`")
	return a.proofFlag(glassFlag(cmd, &breakGlass))
}

func (a *app) policyDeleteCmd() *cobra.Command {
	p := struct {
		Policy string `json:"policy"`
		Force  bool   `json:"force,omitempty"`

		IfVersion int64 `json:"if_version,omitempty"`

		BreakGlass bool `json:"break_glass,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use: "delete POLICY", Short: "delete a policy that nothing is under", Args: args("POLICY"), ValidArgsFunction: a.completePolicies,
		Long: `Deletes a policy. Its versions stay readable. Where apps or open links are under it, --force is needed: they have nothing of it
any more then, and its refusals are gone, too.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Policy = args[0]
			if p.Force {
				what := "What is under the policy has nothing of it any more, neither what it allows nor what it refuses."
				if err := a.confirmOf(cmd.Context(), "policy.show", map[string]any{"policy": p.Policy}, what, "delete"); err != nil {
					return err
				}
			}
			return show(cmd.Context(), a, "policy.delete", p, func(r policyAnswer) error {
				a.say("The policy %s is deleted.", name(r.Policy.Name))
				return nil
			})
		},
	}
	cmd.Flags().Int64Var(&p.IfVersion, "if-version", 0, "only if the newest version has this `number`")
	cmd.Flags().BoolVar(&p.Force, "force", false, "even if apps or open links are under it")
	return glassFlag(a.proofFlag(a.yesFlag(cmd)), &p.BreakGlass)
}

// completePolicies offers the names of policies.
func (a *app) completePolicies(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.complete(cmd, "policy.list", "policies", prefix, func(raw json.RawMessage) (string, string) {
		var p policyView
		if json.Unmarshal(raw, &p) != nil {
			return "", ""
		}
		return p.Name, name(p.Description)
	})
}
