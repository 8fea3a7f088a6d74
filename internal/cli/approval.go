package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/bunker"
)

const (
	// contentShown is how many characters of an event's content `approvals` shows;
	// `approvals --full` shows all that the bunker kept.
	contentShown = 600
	// tagsShown is how many tags `approvals` shows.
	tagsShown = 12
)

type approvalView struct {
	ID         string         `json:"id"`
	Digest     string         `json:"digest"`
	Sentence   string         `json:"sentence"`
	Caution    string         `json:"caution"`
	State      string         `json:"state"`
	Method     string         `json:"method"`
	Kind       *int64         `json:"kind"`
	Permission string         `json:"permission"`
	OnceOnly   bool           `json:"once_only"`
	Operation  *operationView `json:"operation"`
	ReplyBy    stamp          `json:"reply_by"`
	Until      stamp          `json:"question_until"`
	CreatedAt  stamp          `json:"created_at"`
}

type operationView struct {
	Content   string   `json:"content"`
	Tags      []string `json:"tags"`
	Peer      string   `json:"peer"`
	Size      int64    `json:"size"`
	Dated     stamp    `json:"dated"`
	Cut       bool     `json:"cut"`
	Requested string   `json:"requested"`
	AppURL    string   `json:"app_url"`
}

func (a *app) approvalsCmd() *cobra.Command {
	var state string
	var full bool
	cmd := &cobra.Command{
		Use: "approvals", Short: "show what apps ask for", Args: args(),
		Long: `Shows what apps ask for, oldest first. Answer with nsecbunker approve ID, or nsecbunker deny ID.

An app waits for 30 seconds; an answer that comes later counts for its next try.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.approvals(cmd.Context(), state, full) },
	}
	cmd.Flags().StringVar(&state, "state", "", "pending (the default), approved, denied, expired, withdrawn, or any")
	cmd.Flags().BoolVar(&full, "full", false, "show content and tags as far as the bunker kept them")
	return cmd
}

func (a *app) approvals(ctx context.Context, state string, full bool) error {
	p := map[string]any{}
	if state != "" {
		p["state"] = state
	}
	rows, err := a.pages(ctx, "approval.list", "approvals", p, maxRows)
	if err != nil {
		return err
	}
	if a.asJSON {
		return a.rows(rows)
	}
	if len(rows) == 0 {
		a.say("Nothing is asked.")
		return nil
	}
	for i, r := range rows {
		var q approvalView
		if err := json.Unmarshal(r, &q); err != nil {
			return unreadable(err)
		}
		if i > 0 {
			if err := a.line(""); err != nil {
				return err
			}
		}
		if err := a.line(a.question(&q, full)); err != nil {
			return err
		}
	}
	a.say("\nAnswer: nsecbunker approve ID [--once|--kind|--all|--for 1h], or nsecbunker deny ID [--never]")
	return nil
}

// question is a question as a person reads it.
func (a *app) question(q *approvalView, full bool) string {
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "\n  %-9s %s", name, text)
		}
	}
	fmt.Fprintf(&b, "%s  %s", shown(q.ID, 40), a.sentence(q))
	if q.Caution != "" {
		line("caution", shown(q.Caution, maxShownError))
	}
	if o := q.Operation; o != nil {
		line("content", content(o, full))
		line("with", shown(o.Peer, 100))
		for i, t := range o.Tags {
			if i == tagsShown && !full {
				line("tag", fmt.Sprintf("… and %d more (--full)", len(o.Tags)-i))
				break
			}
			line("tag", shown(t, 200))
		}
		line("wishes", shown(o.Requested, 300))
		line("page", shown(o.AppURL, 200))
		if d := o.Dated.ms(); d != 0 && a.now().Sub(time.UnixMilli(d)).Abs() > 15*time.Minute {
			line("dated", time.UnixMilli(d).UTC().Format(time.RFC3339)+" ("+ago(d, a.now())+")")
		}
	} else if q.State == "pending" {
		line("content", "(cannot be shown)")
	}
	line("asked", a.deadline(q))
	switch {
	case q.OnceOnly:
		line("answers", "once only")
	case q.Permission != "":
		line("--kind", "would allow "+shown(q.Permission, 100)+" from now on")
	}
	return b.String()
}

// sentence is who wants what, with the kind's name.
func (a *app) sentence(q *approvalView) string {
	s := shown(q.Sentence, 300)
	if q.Kind != nil {
		number := fmt.Sprintf("kind %d", *q.Kind)
		if n := kindName(*q.Kind); n != "" {
			s = strings.Replace(s, number, number+" ("+n+")", 1)
		}
	}
	return s
}

func content(o *operationView, full bool) string {
	limit := contentShown
	if full {
		limit = maxInput
	}
	text := bunker.DisplayLines(o.Content, limit)
	if text == "" {
		return ""
	}
	text = strings.Join(wrap(text, contentWidth), "\n            │ ")
	if o.Cut {
		text += fmt.Sprintf("\n            (cut; %d bytes in all)", o.Size)
	}
	return "│ " + text
}

// contentWidth is how many characters of content stand on one line: what an app
// sends is wrapped here, so that no part of it can begin a line of the terminal.
const contentWidth = 66

// wrap breaks text into lines of at most width characters, at spaces where there
// are any.
func wrap(text string, width int) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		r := []rune(line)
		for len(r) > width {
			cut := width
			for i := width; i > width/2; i-- {
				if r[i] == ' ' {
					cut = i
					break
				}
			}
			out = append(out, string(r[:cut]))
			r = r[cut:]
			if r[0] == ' ' {
				r = r[1:]
			}
		}
		out = append(out, string(r))
	}
	return out
}

func (a *app) deadline(q *approvalView) string {
	text := ago(q.CreatedAt.ms(), a.now())
	if q.State != "pending" {
		return text + "; " + shown(q.State, 20)
	}
	now := a.now()
	switch {
	case q.ReplyBy.After(now):
		text += fmt.Sprintf("; the app waits %d s more", int(q.ReplyBy.Sub(now).Seconds()))
	case q.Until.After(now):
		text += "; the app was told to try again; a yes counts then"
	}
	return text + "; open for " + span(q.Until.Sub(now)) + " more"
}

func (a *app) approveCmd() *cobra.Command {
	var once, kind, all bool
	p := answerParams{}
	cmd := &cobra.Command{
		Use: "approve ID", Short: "allow what an app asks for", Args: args("ID"), ValidArgsFunction: a.completeApprovals,
		Long: `Allows what an app asks for (nsecbunker approvals shows it):

  --once      this one operation (the default)
  --kind      this kind of operation from now on
  --all       everything but what needs special care from now on
  --for 1h    this kind, or with --all everything, for that time`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.ID = args[0]
			switch {
			case once && (kind || all), kind && all:
				return usageOf(cmd, "--once, --kind and --all exclude each other")
			case once && p.For != "":
				return usageOf(cmd, "--once and --for exclude each other")
			case all:
				p.Scope = "all"
			case kind, p.For != "":
				p.Scope = "kind"
			default:
				p.Scope = "once"
			}
			return a.answer(cmd.Context(), p)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&once, "once", false, "this one operation")
	f.BoolVar(&kind, "kind", false, "this kind of operation from now on")
	f.BoolVar(&all, "all", false, "everything but what needs special care from now on")
	f.StringVar(&p.For, "for", "", "for this `time`, such as 1h or 7d")
	f.StringVar(&p.Name, "name", "", "`name` of the connection from now on")
	f.StringVar(&p.Perms, "perms", "", "of a login: the `permissions` that it gets")
	f.StringVar(&p.Policy, "policy", "", "of a login: the `policy` that it is put under")
	a.completeFlag(cmd, "policy", a.completePolicies)
	return cmd
}

func (a *app) denyCmd() *cobra.Command {
	p := answerParams{Deny: true}
	cmd := &cobra.Command{
		Use: "deny ID", Short: "refuse what an app asks for", Args: args("ID"), ValidArgsFunction: a.completeApprovals,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.ID = args[0]
			return a.answer(cmd.Context(), p)
		},
	}
	cmd.Flags().BoolVar(&p.Never, "never", false, "refuse this kind of operation from now on")
	cmd.Flags().StringVar(&p.For, "for", "", "with --never: for this `time`, such as 1h or 7d")
	return cmd
}

type answerParams struct {
	ID     string `json:"id"`
	Digest string `json:"digest,omitempty"`
	Deny   bool   `json:"deny,omitempty"`
	Never  bool   `json:"never,omitempty"`
	Scope  string `json:"scope,omitempty"`
	For    string `json:"for,omitempty"`
	Name   string `json:"name,omitempty"`
	Perms  string `json:"perms,omitempty"`
	Policy string `json:"policy,omitempty"`
}

// answer shows the question once more, so that what is answered is what was seen,
// and sends its digest with the answer.
func (a *app) answer(ctx context.Context, p answerParams) error {
	rows, err := a.pages(ctx, "approval.list", "approvals", nil, maxRows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		var q approvalView
		if err := json.Unmarshal(r, &q); err != nil {
			return unreadable(err)
		}
		if q.ID == p.ID {
			p.Digest = q.Digest
			if !a.asJSON {
				a.say("%s", a.question(&q, false))
			}
		}
	}
	type answered struct {
		State string     `json:"state"`
		Grant *grantView `json:"grant"`
	}
	return show(ctx, a, "approval.answer", p, func(r answered) error {
		text := "Denied."
		if r.State == "approved" {
			text = "Approved."
		}
		if g := r.Grant; g != nil {
			until := "from now on"
			if g.ExpiresAt.ms() != 0 {
				until = "until " + g.ExpiresAt.Local().Format("2006-01-02 15:04")
			}
			switch {
			case g.Once != "":
				text += " Once."
			case g.Policy != "":
				text += fmt.Sprintf(" It is under the policy %s %s.", name(g.Policy), until)
			case g.Effect == "allow":
				text += fmt.Sprintf(" %s is allowed %s.", perms(g.Perms), until)
			default:
				text += fmt.Sprintf(" %s is refused %s.", perms(g.Perms), until)
			}
		}
		a.say("%s", text)
		return nil
	})
}
