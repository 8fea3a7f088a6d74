package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/describe"
)

type approvalView struct {
	ID         string         `json:"id"`
	Batch      string         `json:"batch"`
	Digest     string         `json:"digest"`
	Sentence   string         `json:"sentence"`
	State      string         `json:"state"`
	KeyName    string         `json:"key_name"`
	App        string         `json:"app"`
	Unverified bool           `json:"unverified"`
	Asker      *askerView     `json:"asker"`
	Method     string         `json:"method"`
	Kind       *int64         `json:"kind"`
	Permission string         `json:"permission"`
	Reach      string         `json:"reach"`
	Why        string         `json:"why"`
	OnceOnly   bool           `json:"once_only"`
	Requested  string         `json:"requested"`
	Card       *describe.Card `json:"card"`
	ReplyBy    stamp          `json:"reply_by"`
	Until      stamp          `json:"question_until"`
	AnsweredBy string         `json:"answered_by"`
	Answerer   string         `json:"answerer"`
	AnsweredAt stamp          `json:"answered_at"`
	Grant      *grantView     `json:"grant"`
	CreatedAt  stamp          `json:"created_at"`
}

type askerView struct {
	Npub      string `json:"npub"`
	Claims    string `json:"claims"`
	URL       string `json:"url"`
	FirstSeen stamp  `json:"first_seen"`
	Uses      int64  `json:"uses"`
	Alike     string `json:"alike"`
}

func (a *app) approvalsCmd() *cobra.Command {
	o := approvalsFlags{}
	cmd := &cobra.Command{
		Use: "approvals", Short: "show what apps ask for", Args: args(),
		Long: `Shows what apps ask for, oldest first; questions of one burst stand together.

  nsecbunker approvals -i           shows one at a time, and answers by one key
  nsecbunker approvals --watch      goes on showing what comes
  nsecbunker approvals --answered   shows who answered what, the latest first

Or answer with nsecbunker approve ID, or nsecbunker deny ID. An app waits for 30 seconds; an answer that comes later counts for its next try.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.interactive && (o.watch || o.answered || o.state != ""), o.watch && (o.answered || o.state != ""), o.answered && o.state != "":
				return usageOf(cmd, "--interactive, --watch, --answered and --state exclude each other")
			case o.interactive:
				return a.approvalsAsk(cmd.Context())
			case o.watch:
				return a.approvalsWatch(cmd.Context(), o.full)
			case o.answered:
				return a.approvalsAnswered(cmd.Context())
			}
			return a.approvals(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.state, "state", "", "pending (the default), approved, denied, expired, withdrawn, or any")
	f.BoolVar(&o.full, "full", false, "show everything that would be signed")
	f.BoolVar(&o.answered, "answered", false, "show what was answered, by whom")
	f.BoolVar(&o.watch, "watch", false, "go on showing what is asked, until you interrupt it")
	f.BoolVarP(&o.interactive, "interactive", "i", false, "show one question at a time, and answer by one key")
	cmd.AddCommand(a.approvalsShowCmd(), a.approvalsSettingsCmd())
	return cmd
}

type approvalsFlags struct {
	state                              string
	full, answered, watch, interactive bool
}

func (a *app) approvals(ctx context.Context, o approvalsFlags) error {
	p := map[string]any{}
	if o.state != "" {
		p["state"] = o.state
	}
	raw, err := a.pages(ctx, "approval.list", "approvals", p, maxRows)
	if err != nil {
		return err
	}
	if a.asJSON {
		return a.rows(raw)
	}
	qs, err := readQuestions(raw)
	if err != nil {
		return err
	}
	if len(qs) == 0 {
		a.say("Nothing is asked.")
		return nil
	}
	for i, batch := range batches(qs) {
		if i > 0 {
			if err := a.line(""); err != nil {
				return err
			}
		}
		if err := a.showBatch(ctx, batch, o.full); err != nil {
			return err
		}
	}
	a.say("\nAnswer: nsecbunker approve ID [--once|--kind|--all|--for 1h]\n        nsecbunker deny ID [--never]\nOr one after the other, by single keys: nsecbunker approvals -i")
	return nil
}

func readQuestions(raw []json.RawMessage) ([]*approvalView, error) {
	out := make([]*approvalView, len(raw))
	for i, r := range raw {
		if err := json.Unmarshal(r, &out[i]); err != nil {
			return nil, unreadable(err)
		}
	}
	return out, nil
}

// batches puts the questions of one burst together, in order of the first of each.
// What is answered already stands alone.
func batches(qs []*approvalView) [][]*approvalView {
	var out [][]*approvalView
	at := map[string]int{}
	for _, q := range qs {
		i, known := at[q.Batch]
		if known && q.State == "pending" && q.Batch != "" {
			out[i] = append(out[i], q)
			continue
		}
		if q.State == "pending" {
			at[q.Batch] = len(out)
		}
		out = append(out, []*approvalView{q})
	}
	return out
}

// showBatch draws the questions of one burst: one as a picture, several as a list.
func (a *app) showBatch(ctx context.Context, batch []*approvalView, full bool) error {
	if len(batch) > 1 && !full {
		return a.line(a.list(batch) + "\n  together: nsecbunker approve " + shown(batch[0].Batch, 40) + " --all-of-them")
	}
	for i, q := range batch {
		if i > 0 {
			if err := a.line(""); err != nil {
				return err
			}
		}
		if full && q.Card != nil && (q.Card.TextCut || q.Card.PeopleLeft > 0 || q.Card.FactsLeft > 0) {
			whole, err := a.fetchQuestion(ctx, q.ID)
			if err != nil {
				return err
			}
			q = whole
		}
		if err := a.line(a.question(q)); err != nil {
			return err
		}
	}
	return nil
}

// fetchQuestion reads one question with everything that would be signed.
func (a *app) fetchQuestion(ctx context.Context, id string) (*approvalView, error) {
	var r struct {
		Approval approvalView `json:"approval"`
	}
	err := a.call(ctx, "approval.show", map[string]any{"id": id}, &r)
	return &r.Approval, err
}

func (a *app) approvalsShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "show one question with everything that would be signed", Args: args("ID"), ValidArgsFunction: a.completeApprovals,
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), a, "approval.show", map[string]any{"id": args[0]}, func(r struct {
				Approval approvalView `json:"approval"`
			}) error {
				return a.line(a.question(&r.Approval))
			})
		},
	}
}

func (a *app) approvalsAnswered(ctx context.Context) error {
	raw, err := a.pages(ctx, "approval.answered", "approvals", nil, maxAnswered)
	if err != nil {
		return err
	}
	if a.asJSON {
		return a.rows(raw)
	}
	qs, err := readQuestions(raw)
	if err != nil {
		return err
	}
	if len(qs) == 0 {
		a.say("Nothing was answered yet.")
		return nil
	}
	rows := make([][]string, len(qs))
	for i, q := range qs {
		rows[i] = []string{shown(q.ID, 40), ago(q.AnsweredAt.ms(), a.now()), a.answerWords(q), answerer(q), shown(q.Sentence, 120)}
	}
	return a.table([]string{"ID", "ANSWERED", "ANSWER", "BY", "QUESTION"}, rows)
}

// maxAnswered is how many answers the history shows.
const maxAnswered = 1000

func answerer(q *approvalView) string {
	if q.Answerer != "" {
		return shown(q.Answerer, bunkerName)
	}
	return short(q.AnsweredBy)
}

// answerWords is an answer in words: "yes, once", "no, never sign_event:7".
func (a *app) answerWords(q *approvalView) string {
	g := q.Grant
	switch {
	case q.State == "denied" && g == nil:
		return "no"
	case q.State == "denied":
		return "no, never " + perms(g.Perms) + a.end(g)
	case q.State != "approved":
		return shown(q.State, 20)
	case g == nil, g.Perms == "" && g.Once == "":
		return "yes"
	case g.Perms == "":
		return "yes, once"
	}
	return "yes, " + perms(g.Perms) + a.end(g)
}

// end is when a grant ends, in words.
func (a *app) end(g *grantView) string {
	text := ""
	if g.MaxUses > 0 {
		text = fmt.Sprintf(" %d times", g.MaxUses)
	}
	if g.ExpiresAt.ms() != 0 {
		return text + " until " + g.ExpiresAt.Local().Format("2006-01-02 15:04")
	}
	return text
}

// waits is how long the app waits still, in words; "" when it was told to try
// again.
func (a *app) waits(q *approvalView) string {
	if left := q.ReplyBy.Sub(a.now()); left > 0 {
		return fmt.Sprintf("the app waits %d s more", int(left/time.Second)+1)
	}
	return ""
}
