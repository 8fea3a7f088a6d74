package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/describe"
	"nsecbunker/nostr/nip46"
)

type answerParams struct {
	ID        string          `json:"id,omitempty"`
	Digest    string          `json:"digest,omitempty"`
	Questions []shownQuestion `json:"questions,omitempty"`
	Deny      bool            `json:"deny,omitempty"`
	Never     bool            `json:"never,omitempty"`
	Scope     string          `json:"scope,omitempty"`
	For       string          `json:"for,omitempty"`
	Until     string          `json:"until,omitempty"`
	Uses      int64           `json:"uses,omitempty"`
	Name      string          `json:"name,omitempty"`
	Perms     string          `json:"perms,omitempty"`
	Policy    string          `json:"policy,omitempty"`
}

type shownQuestion struct {
	ID     string `json:"id"`
	Digest string `json:"digest"`
}

// answerFlags are what approve and deny have in common.
type answerFlags struct {
	answerParams
	once, kind, kinds, method, all bool
	today, together, requested     bool
	until                          string
}

func (f *answerFlags) common(cmd *cobra.Command, verb string) {
	fl := cmd.Flags()
	fl.BoolVar(&f.kind, "kind", false, verb+" this kind of operation from now on")
	fl.BoolVar(&f.kinds, "kinds", false, verb+" signatures of every kind from now on")
	fl.BoolVar(&f.method, "method", false, verb+" this method from now on; of a signature: every kind")
	fl.BoolVar(&f.all, "all", false, verb+" everything from now on (a yes leaves out what needs special care)")
	fl.StringVar(&f.For, "for", "", "for this `time`, such as 1h or 7d")
	fl.BoolVar(&f.today, "today", false, "until midnight, where you are")
	fl.StringVar(&f.until, "until", "", "until the end of this `date` (2026-12-24), or a time (2026-12-24 18:00)")
	fl.StringVar(&f.Name, "name", "", "`name` of the connection from now on")
	fl.BoolVar(&f.together, "all-of-them", false, "answer the whole burst that the question belongs to")
}

// read turns the flags into parameters.
func (f *answerFlags) read(cmd *cobra.Command, now time.Time) error {
	scopes := map[string]bool{"once": f.once, "kind": f.kind, "kinds": f.kinds, "method": f.method, "all": f.all}
	for _, s := range []string{"once", "kind", "kinds", "method", "all"} {
		if !scopes[s] {
			continue
		}
		if f.Scope != "" {
			return usageOf(cmd, "--%s and --%s exclude each other", f.Scope, s)
		}
		f.Scope = s
	}
	times := 0
	for _, set := range []bool{f.For != "", f.today, f.until != ""} {
		if set {
			times++
		}
	}
	switch {
	case times > 1:
		return usageOf(cmd, "--for, --today and --until exclude each other")
	case f.Scope == "once" && (times > 0 || f.Uses > 0):
		return usageOf(cmd, "--once goes with no time and no --times")
	case f.today:
		f.Until = midnight(now).Format(time.RFC3339)
	case f.until != "":
		at, err := readUntil(f.until, now)
		if err != nil {
			return usageOf(cmd, "%s", err)
		}
		f.Until = at.Format(time.RFC3339)
	}
	if f.Scope == "" && !f.Deny && (times > 0 || f.Uses > 0) && f.Perms == "" && f.Policy == "" && !f.requested {
		f.Scope = "kind"
	}
	return nil
}

// midnight is the end of now's day, where now is.
func midnight(now time.Time) time.Time {
	y, m, d := now.Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, now.Location())
}

// readUntil reads a date, whose end it is, or a time, in the zone of now.
func readUntil(s string, now time.Time) (time.Time, error) {
	if at, err := time.ParseInLocation("2006-01-02", s, now.Location()); err == nil {
		return midnight(at), nil
	}
	for _, form := range []string{"2006-01-02 15:04", "2006-01-02T15:04"} {
		if at, err := time.ParseInLocation(form, s, now.Location()); err == nil {
			return at, nil
		}
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, nil
	}
	return time.Time{}, fmt.Errorf("--until wants a date like 2026-12-24, or a time like '2026-12-24 18:00'; this is %q", shown(s, 40))
}

func (a *app) approveCmd() *cobra.Command {
	f := &answerFlags{}
	cmd := &cobra.Command{
		Use: "approve ID", Short: "allow what an app asks for", Args: args("ID"), ValidArgsFunction: a.completeApprovals,
		Long: `Allows what an app asks for (nsecbunker approvals shows it):

  --once        this one operation (the default)
  --kind        this kind of operation from now on
  --kinds       signatures of every kind but those that need special care
  --method      this method from now on; of a signature: every kind
  --all         everything but what needs special care from now on
  --for 1h      this kind, or as far as another option says, for that time
  --today       likewise, until midnight; --until 2026-12-24: until that day ends
  --times 5     likewise, five times
  --all-of-them the whole burst that the question belongs to

What is signed is what was shown: a request that changed meanwhile is asked anew.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := someOf(cmd, "times"); err != nil {
				return err
			}
			if err := f.read(cmd, a.now()); err != nil {
				return err
			}
			return a.answer(cmd.Context(), args[0], f)
		},
	}
	f.common(cmd, "allow")
	fl := cmd.Flags()
	fl.BoolVar(&f.once, "once", false, "this one operation")
	fl.Int64Var(&f.Uses, "times", 0, "this `number` of times")
	fl.StringVar(&f.Perms, "perms", "", "of a login: the `permissions` that it gets")
	fl.StringVar(&f.Policy, "policy", "", "of a login: the `policy` that it is put under")
	a.completeFlag(cmd, "policy", a.completePolicies)
	fl.BoolVar(&f.requested, "as-requested", false, "of a login: the permissions that the app asks for")
	return cmd
}

func (a *app) denyCmd() *cobra.Command {
	f := &answerFlags{answerParams: answerParams{Deny: true}}
	cmd := &cobra.Command{
		Use: "deny ID", Short: "refuse what an app asks for", Args: args("ID"), ValidArgsFunction: a.completeApprovals,
		Long: `Refuses what an app asks for, this time; with --never from now on: this kind, or with --method or --all more.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.read(cmd, a.now()); err != nil {
				return err
			}
			if !f.Never && (f.Scope != "" || f.For != "" || f.Until != "") {
				return usageOf(cmd, "--kind, --kinds, --method, --all and times go with --never")
			}
			return a.answer(cmd.Context(), args[0], f)
		},
	}
	f.common(cmd, "refuse")
	cmd.Flags().BoolVar(&f.Never, "never", false, "refuse it from now on")
	return cmd
}

// answer shows the question once more, so that what is answered is what was seen,
// and sends its digest with the answer.
func (a *app) answer(ctx context.Context, id string, f *answerFlags) error {
	raw, err := a.pages(ctx, "approval.list", "approvals", nil, maxRows)
	if err != nil {
		return err
	}
	qs, err := readQuestions(raw)
	if err != nil {
		return err
	}
	chosen := choose(qs, id, f.together)
	if f.together && len(chosen) == 0 {
		return fail("there is no open burst of questions %s", shown(id, 40)).withHint("nsecbunker approvals")
	}
	if !a.asJSON && len(chosen) > 1 {
		a.say("%s", a.list(chosen))
	} else if !a.asJSON && len(chosen) == 1 {
		a.say("%s", a.question(chosen[0]))
	}
	p := f.answerParams
	if f.requested && len(chosen) == 1 {
		if p.Perms = chosen[0].Requested; p.Perms == "" {
			return fail("the app asks for no permissions").withHint("name some with --perms, or leave --as-requested out: then everything is asked")
		}
	}
	if f.together {
		return a.answerTogether(ctx, chosen, p)
	}
	p.ID = id
	if len(chosen) == 1 {
		p.Digest = chosen[0].Digest
	} else if !p.Deny {
		// Answered by somebody else, or over: its digest is in no list, and the
		// refusal says which.
		q, err := a.fetchQuestion(ctx, id)
		if err != nil {
			return err
		}
		p.Digest = q.Digest
	}
	return show(ctx, a, "approval.answer", p, func(r answered) error {
		a.say("%s", a.answeredWords(r.State, r.Grant))
		return nil
	})
}

type answered struct {
	State string     `json:"state"`
	Grant *grantView `json:"grant"`
}

// choose are the questions that an id names: one, or with together its burst.
func choose(qs []*approvalView, id string, together bool) (out []*approvalView) {
	batch := ""
	for _, q := range qs {
		if q.ID == id || together && q.Batch == id {
			batch = q.Batch
			if !together {
				return []*approvalView{q}
			}
			break
		}
	}
	for _, q := range qs {
		if together && batch != "" && q.Batch == batch && q.State == "pending" {
			out = append(out, q)
		}
	}
	return out
}

func (a *app) answerTogether(ctx context.Context, qs []*approvalView, p answerParams) error {
	for _, q := range qs {
		p.Questions = append(p.Questions, shownQuestion{q.ID, q.Digest})
	}
	return show(ctx, a, "approval.batch", p, func(r struct {
		State    string      `json:"state"`
		Answered int         `json:"answered"`
		Grants   []grantView `json:"grants"`
	}) error {
		var g *grantView
		if len(r.Grants) > 0 {
			g = &r.Grants[0]
		}
		a.say("%d questions: %s", r.Answered, a.answeredWords(r.State, g))
		return nil
	})
}

// answeredWords says what an answer did.
func (a *app) answeredWords(state string, g *grantView) string {
	text := "Denied."
	if state == "approved" {
		text = "Approved."
	}
	if g == nil {
		return text
	}
	end := a.end(g)
	if end == "" {
		end = " from now on"
	}
	switch {
	case g.Perms == "" && g.Once != "":
		return text + " Once."
	case g.Policy != "":
		return text + " It is under the policy " + name(g.Policy) + end + "."
	case g.Effect == "allow":
		return text + " It may " + rights(g.Perms) + end + "."
	case g.Perms == string(nip46.All):
		return text + " It may do nothing" + end + "."
	case g.Perms == string(nip46.SignEvent):
		return text + " It may sign nothing" + end + "."
	}
	return text + " It may not " + rights(g.Perms) + end + "."
}

// rights is a permission string as people say it.
func rights(p string) string { return shown(strings.Join(describe.Rights(p), ", "), maxShownError) }
