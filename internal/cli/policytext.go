package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy/text"
)

// policyTextCmds are the commands about policies as text.
func (a *app) policyTextCmds() []*cobra.Command {
	return []*cobra.Command{a.policyImportCmd(), a.policyExportCmd(), a.policyDiffCmd(), a.policyCheckCmd(), a.policySimulateCmd(), a.policyTemplatesCmd()}
}

// readText reads a policy from a file, or from stdin with "-", and checks it.
func (a *app) readText(ctx context.Context, path string) (*text.Text, []text.Problem, error) {
	b, err := a.inputFile(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	t, problems := text.Parse(b)
	if t != nil {
		problems = t.Check(a.now().UnixMilli())
	}
	return t, problems, nil
}

// goodText is readText for those who go on with it: refusals are the error. The
// warnings are told by policy check, and by the bunker when it takes the policy in.
func (a *app) goodText(ctx context.Context, path string) (*text.Text, error) {
	t, problems, err := a.readText(ctx, path)
	if err != nil {
		return nil, err
	}
	refusals, _ := text.Split(problems)
	if n := len(refusals); n > 0 {
		a.tell(refusals[:n-1], "refused")
		last := refusals[n-1]
		return nil, fail("%s", shown(last.String(), maxShownError)).withHint("%s", hintOf(&last))
	}
	return t, nil
}

func hintOf(p *text.Problem) string {
	if p.Hint == "" {
		return "docs/policies-text.md has every key with an example"
	}
	return shown(p.Hint, maxShownError)
}

// tell lists problems, each with its next step.
func (a *app) tell(list []text.Problem, word string) {
	for _, p := range list {
		a.say("%s: %s", word, shown(p.String(), maxShownError))
		if p.Hint != "" {
			a.say("  %s", shown(p.Hint, maxShownError))
		}
	}
}

// checkedView is the answer of policy check for scripts.
type checkedView struct {
	Name     string         `json:"name"`
	Summary  string         `json:"summary"`
	Rules    []ruleView     `json:"rules"`
	Refused  bool           `json:"refused"`
	Problems []text.Problem `json:"problems"`
}

type ruleView struct {
	ID       string `json:"id"`
	Sentence string `json:"sentence"`
}

func (a *app) policyCheckCmd() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE", Short: "check a policy in its text form, without a running bunker", Args: args("FILE"),
		Long: `Reads a policy in its text form and says what is wrong with it, what its author may not have meant, and what it means in plain
words. FILE is - for stdin. Nothing is changed, and no bunker needs to run.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.policyCheck(cmd.Context(), args[0]) },
	}
}

func (a *app) policyCheck(ctx context.Context, path string) error {
	t, problems, err := a.readText(ctx, path)
	if err != nil {
		return err
	}
	refusals, warnings := text.Split(problems)
	if a.asJSON {
		v := checkedView{Rules: []ruleView{}, Refused: len(refusals) > 0, Problems: append([]text.Problem{}, problems...)}
		if t != nil {
			v.Name, v.Summary = t.Policy.Name, text.Summary(&t.Policy)
			for _, r := range t.Policy.Rules {
				v.Rules = append(v.Rules, ruleView{r.ID, text.Sentence(&r, t.Policy.Zone)})
			}
		}
		if err := a.json(v); err != nil {
			return err
		}
	} else {
		a.tell(refusals, "refused")
		a.tell(warnings, "warning")
	}
	if n := len(refusals); n > 0 {
		return fail("the policy is not good: %d refused", n).withHint("docs/policies-text.md has every key with an example")
	}
	if a.asJSON {
		return nil
	}
	a.say("The policy %s is good. An app under it", t.Policy.Name)
	return a.sentences(&t.Policy)
}

// sentences writes what each rule means, one a line.
func (a *app) sentences(p *bunker.Policy) error {
	for i := range p.Rules {
		if err := a.line(text.Sentence(&p.Rules[i], p.Zone)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) policyExportCmd() *cobra.Command {
	var version int64
	cmd := &cobra.Command{
		Use: "export NAME", Short: "print a policy in its text form", Args: args("NAME"), ValidArgsFunction: a.completePolicies,
		Long: `Prints a policy as text (TOML), to be kept, edited and taken in again with policy import. --version prints it as it was then.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.storedPolicy(cmd.Context(), args[0], version)
			if err != nil {
				return err
			}
			b := text.Print(&p.Policy)
			if a.asJSON {
				return a.json(map[string]any{"name": p.Name, "version": p.Version, "text": string(b)})
			}
			_, err = a.Out.Write(b)
			return err
		},
	}
	cmd.Flags().Int64Var(&version, "version", 0, "as it was in this `version` (default: the newest)")
	return cmd
}

// storedPolicy is a policy as the bunker has it.
type storedPolicy struct {
	bunker.Policy
	uses int // connections and open links under it
}

// storedView is what policy.show answers, as far as it is needed here.
type storedView struct {
	Policy struct {
		Name        string        `json:"name"`
		Description string        `json:"description"`
		Zone        string        `json:"zone"`
		Version     int64         `json:"version"`
		Rules       []bunker.Rule `json:"rules"`
		Connections int           `json:"connections"`
		Tokens      int           `json:"tokens"`
	} `json:"policy"`
}

func (a *app) storedPolicy(ctx context.Context, name string, version int64) (*storedPolicy, error) {
	var v storedView
	params := map[string]any{"policy": name}
	if version != 0 {
		params["version"] = version
	}
	if err := a.call(ctx, "policy.show", params, &v); err != nil {
		return nil, err
	}
	p := v.Policy
	return &storedPolicy{
		Policy: bunker.Policy{Name: p.Name, Description: p.Description, Zone: p.Zone, Version: p.Version, Rules: p.Rules},
		uses:   p.Connections + p.Tokens,
	}, nil
}

func (a *app) policyImportCmd() *cobra.Command {
	var name string
	var breakGlass bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: "take in a policy in its text form: a new one, or an edit", Args: args("FILE"),
		Long: `Takes in a policy as text (TOML), as policy export prints it. FILE is - for stdin. If there is no policy of its name, it is made; else
the policy is edited: what changes is shown, and where somebody may be allowed more than before it asks, and wants the passphrase if apps
are under it. An edit holds for the next request of every app under the policy.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := a.goodText(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if name != "" {
				t.Policy.Name = name
			}
			return a.policyImport(cmd.Context(), &t.Policy, breakGlass)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "`name` of the policy, instead of the one in the text")
	return a.proofFlag(a.yesFlag(glassFlag(cmd, &breakGlass)))
}

type policyPutParams struct {
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Zone        string        `json:"zone,omitempty"`
	Rules       []bunker.Rule `json:"rules"`
}

type policySetParams struct {
	Policy      string        `json:"policy"`
	Description string        `json:"description"`
	Zone        string        `json:"zone"`
	Rules       []bunker.Rule `json:"rules"`
	IfVersion   int64         `json:"if_version"`
	BreakGlass  bool          `json:"break_glass,omitempty"`
}

// policyImport makes the policy, or edits the one of its name.
func (a *app) policyImport(ctx context.Context, p *bunker.Policy, breakGlass bool) error {
	rules := append([]bunker.Rule{}, p.Rules...)
	old, err := a.storedPolicy(ctx, p.Name, 0)
	var refused *bunker.Error
	if errors.As(err, &refused) && refused.Code == bunker.CodeNotFound {
		return show(ctx, a, "policy.create", policyPutParams{p.Name, p.Description, p.Zone, rules}, func(v storedView) error {
			a.say("The policy %s is made. An app under it", p.Name)
			return a.sentences(p)
		})
	}
	if err != nil {
		return err
	}
	diff := a.compare(&old.Policy, p)
	if diff.Empty() {
		a.say("The policy %s is so already; nothing was changed.", p.Name)
		if a.asJSON {
			return a.json(map[string]any{"policy": map[string]any{"name": old.Name, "version": old.Version}})
		}
		return nil
	}
	a.sayLines(diff.Lines())
	if old.uses > 0 {
		a.preview(ctx, simulateParams{Policy: old.Name, Zone: &p.Zone, Rules: rulesText(p)})
	}
	if len(diff.Widens) > 0 {
		if err := a.confirm(ctx, wideningWords(p.Name, old.uses, diff.Widens), p.Name); err != nil {
			return err
		}
	}
	return show(ctx, a, "policy.edit", policySetParams{old.Name, p.Description, p.Zone, rules, old.Version, breakGlass}, func(v storedView) error {
		a.say("The policy %s is version %d now. It holds for the next request of everything under it.", v.Policy.Name, v.Policy.Version)
		return nil
	})
}

// compare is the difference of two policies now. The bunker calls a zone that was
// not named UTC.
func (a *app) compare(before, after *bunker.Policy) text.Difference {
	x, y := *before, *after
	for _, p := range []*bunker.Policy{&x, &y} {
		if p.Zone == "" {
			p.Zone = "UTC"
		}
	}
	return text.Compare(&x, &y, a.now().UnixMilli())
}

func (a *app) sayLines(lines []string) {
	for _, l := range lines {
		a.say("%s", indented(l))
	}
}

// indented is a line of a difference, fit for the terminal, its indent kept.
func indented(l string) string {
	body := strings.TrimLeft(l, " ")
	return l[:len(l)-len(body)] + shown(body, maxShownError)
}

// wideningWords say what an edit gives, and to how many.
func wideningWords(name string, uses int, why []string) string {
	const most = 10
	s := fmt.Sprintf("This widens the policy %s (apps and open links under it: %d):", name, uses)
	for i, w := range why {
		if i == most {
			return s + fmt.Sprintf("\n  and %d reasons more", len(why)-i)
		}
		s += "\n  " + shown(w, maxShownError)
	}
	return s
}

func (a *app) policyDiffCmd() *cobra.Command {
	return &cobra.Command{
		Use: "diff A B", Short: "say in words what differs between two policies", Args: args("A", "B"), ValidArgsFunction: a.completePolicies,
		Long: `Says in words what differs from A to B: rules added, removed and changed, and whether B widens A, that is: whether somebody may be
allowed more, or asked or denied less. A and B are names of policies, NAME@VERSION, or files (with a slash or .toml in the name; - is
stdin). Two files need no running bunker.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			before, err := a.policyOf(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			after, err := a.policyOf(cmd.Context(), args[1])
			if err != nil {
				return err
			}
			return a.policyDiff(before, after)
		},
	}
}

// policyOf finds what an argument of diff names.
func (a *app) policyOf(ctx context.Context, arg string) (*bunker.Policy, error) {
	if textFile(arg) {
		t, err := a.goodText(ctx, arg)
		if err != nil {
			return nil, err
		}
		return &t.Policy, nil
	}
	name, number, versioned := strings.Cut(arg, "@")
	var version int64
	if versioned {
		if n, err := fmt.Sscanf(number, "%d", &version); n != 1 || err != nil || version < 1 || fmt.Sprint(version) != number {
			return nil, usage("%q is no version of a policy: write NAME@3", shown(arg, 100))
		}
	}
	p, err := a.storedPolicy(ctx, name, version)
	if err != nil {
		return nil, err
	}
	return &p.Policy, nil
}

func (a *app) policyDiff(before, after *bunker.Policy) error {
	d := a.compare(before, after)
	if a.asJSON {
		return a.json(d)
	}
	if d.Empty() {
		a.say("They say the same.")
		return nil
	}
	for _, l := range d.Lines() {
		if err := a.line(indented(l)); err != nil {
			return err
		}
	}
	if len(d.Widens) == 0 {
		a.say("It widens nothing.")
		return nil
	}
	a.say("It widens what apps may do:")
	for _, w := range d.Widens {
		a.say("  %s", shown(w, maxShownError))
	}
	return nil
}

func (a *app) policyTemplatesCmd() *cobra.Command {
	return &cobra.Command{
		Use: "templates [NAME]", Short: "list the ready-made policies, or print one as text", Args: args("[NAME]"),
		Long: `Lists the ready-made policies; with NAME it prints one of them in its text form, to be edited and taken in:

  nsecbunker policy templates basic-social > mine.toml
  nsecbunker policy import mine.toml --name mine

policy create NAME --template basic-social makes one as it is.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				t, err := text.TemplateOf(args[0])
				if err != nil {
					return err
				}
				if a.asJSON {
					return a.json(map[string]any{"name": t.ID, "text": t.Text})
				}
				_, err = io.WriteString(a.Out, t.Text)
				return err
			}
			return a.listTemplates()
		},
	}
}

func (a *app) listTemplates() error {
	type view struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Summary     string `json:"summary"`
	}
	var all []view
	var rows [][]string
	for _, t := range text.Templates() {
		all = append(all, view{t.ID, t.Policy.Description, text.Summary(&t.Policy)})
		rows = append(rows, []string{t.ID, t.Policy.Description})
	}
	if a.asJSON {
		return a.json(all)
	}
	return a.table([]string{"NAME", "DESCRIPTION"}, rows)
}

// createFromTemplate makes a policy of a ready-made one.
func (a *app) createFromTemplate(cmd *cobra.Command, name, template, description, zone string) error {
	t, err := text.TemplateOf(template)
	if err != nil {
		return err
	}
	if description == "" {
		description = t.Policy.Description
	}
	if zone == "" {
		zone = t.Policy.Zone
	}
	return show(cmd.Context(), a, "policy.create", policyPutParams{name, description, zone, t.Policy.Rules}, func(v storedView) error {
		a.say("The policy %s is made. An app under it", shown(v.Policy.Name, bunkerName))
		return a.sentences(&t.Policy)
	})
}
