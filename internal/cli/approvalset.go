package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

type approvalSettings struct {
	Reply    string `json:"reply"`
	Question string `json:"question"`
	Keys     []struct {
		Name     string `json:"name"`
		Reply    string `json:"reply"`
		Question string `json:"question"`
	} `json:"keys"`
	Expected []struct {
		Key   string `json:"key"`
		Until stamp  `json:"until"`
	} `json:"expected"`
}

func (a *app) approvalsSettingsCmd() *cobra.Command {
	p := struct {
		Key      string `json:"key,omitempty"`
		Reply    string `json:"reply,omitempty"`
		Question string `json:"question,omitempty"`
		Reset    bool   `json:"reset,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use: "settings", Short: "how long apps wait, and how long questions stay open", Args: args(),
		Long: `Shows, or sets, how long an app waits for its answer (5s to 60s, 30s by default), and how long a question can be answered
(1m to 30d, 24h by default). Questions about logins and uploads always end after 60 seconds.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.Reply == "" && p.Question == "" && !p.Reset {
				if p.Key != "" {
					return usageOf(cmd, "--key goes with --reply, --question or --reset")
				}
				return show(cmd.Context(), a, "approval.settings", nil, a.printSettings)
			}
			return show(cmd.Context(), a, "approval.set", p, a.printSettings)
		},
	}
	f := cmd.Flags()
	f.StringVar(&p.Reply, "reply", "", "how long an app waits for its answer, for example 45s")
	f.StringVar(&p.Question, "question", "", "how long a question can be answered, for example 3d")
	f.StringVar(&p.Key, "key", "", "for this `key` only")
	f.BoolVar(&p.Reset, "reset", false, "back to what holds for all keys, or to the built-in times")
	a.completeFlag(cmd, "key", a.completeKeys)
	return cmd
}

func (a *app) printSettings(s approvalSettings) error {
	rows := [][2]string{{"apps wait", spanText(s.Reply)}, {"questions stay open", spanText(s.Question)}}
	for _, k := range s.Keys {
		rows = append(rows, [2]string{"key " + shown(k.Name, 64), spanText(k.Reply) + ", " + spanText(k.Question)})
	}
	for _, e := range s.Expected {
		key := "any key"
		if e.Key != "" {
			key = "key " + shown(e.Key, 64)
		}
		rows = append(rows, [2]string{"login expected", key + ", " + ago(e.Until.ms(), a.now())})
	}
	return a.facts(rows)
}

func spanText(s string) string {
	d, err := time.ParseDuration(s)
	if err != nil {
		return shown(s, 20)
	}
	return span(d)
}

func (a *app) loginCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "login", Short: "let an app in that nobody named before"}
	cmd.AddCommand(a.loginExpectCmd(), a.loginCloseCmd())
	return cmd
}

func (a *app) loginExpectCmd() *cobra.Command {
	return &cobra.Command{
		Use: "expect [KEY]", Short: "for ten minutes, let an unknown app ask to log in", Args: args("[KEY]"), ValidArgsFunction: a.completeKeys,
		Long: `For ten minutes lets an app ask to log in that has no link of its own, and prints a link for it that holds no secret: it can be read aloud
or shown to everybody. Whoever comes with it waits for your answer (nsecbunker approvals). Without KEY, every key: for apps with an old link.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := map[string]any{}
			if len(args) == 1 {
				p["key"] = args[0]
			}
			return show(cmd.Context(), a, "login.expect", p, a.expecting)
		},
	}
}

func (a *app) expecting(r struct {
	Key   string `json:"key"`
	Until stamp  `json:"until"`
	URI   string `json:"uri"`
}) error {
	if r.URI == "" {
		a.say("Until %s unknown apps may ask to log in, at every key. Answer with: nsecbunker approvals -i", r.Until.Local().Format("15:04"))
		return nil
	}
	if err := a.line(shown(r.URI, 4000)); err != nil {
		return err
	}
	if a.interactive() {
		if err := a.qrCode(r.URI); err != nil {
			return err
		}
	}
	a.say("Until %s an app may ask with this link to log in as %s. Answer with: nsecbunker approvals -i", r.Until.Local().Format("15:04"), shown(r.Key, 64))
	return nil
}

func (a *app) loginCloseCmd() *cobra.Command {
	return &cobra.Command{
		Use: "close", Short: "expect no logins any more", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd.Context(), a, "login.close", nil, func(struct{}) error {
				a.say("No login of an unknown app is expected any more.")
				return nil
			})
		},
	}
}

// lookEvery is how often what waits is looked for while somebody watches.
const lookEvery = time.Second

// approvalsWatch shows what is asked from now on, and how it ends, until ctx does.
func (a *app) approvalsWatch(ctx context.Context, full bool) error {
	w := &watch{a: a, full: full, open: map[string]bool{}}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := w.look(ctx); err != nil {
			if ctx.Err() != nil {
				return nil // interrupted: that is how it ends
			}
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// watch is what was shown so far.
type watch struct {
	a     *app
	full  bool
	begun bool
	open  map[string]bool
}

// look shows what is new since the last time.
func (w *watch) look(ctx context.Context) error {
	raw, err := w.a.pages(ctx, "approval.list", "approvals", nil, maxRows)
	if err != nil {
		return err
	}
	qs, err := readQuestions(raw)
	if err != nil {
		return err
	}
	if !w.begun && len(qs) == 0 && !w.a.asJSON {
		w.a.say("Nothing is asked. Waiting; Ctrl-C ends it.")
	}
	w.begun = true
	now := map[string]bool{}
	for i, q := range qs {
		now[q.ID] = true
		if w.open[q.ID] {
			continue
		}
		w.open[q.ID] = true
		if err := w.asked(ctx, q, raw[i]); err != nil {
			return err
		}
	}
	for id := range w.open {
		if !now[id] {
			delete(w.open, id)
			if err := w.ended(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *watch) asked(ctx context.Context, q *approvalView, raw json.RawMessage) error {
	if w.a.asJSON {
		return w.event("asked", raw)
	}
	if err := w.a.showBatch(ctx, []*approvalView{q}, w.full); err != nil {
		return err
	}
	return w.a.line("")
}

func (w *watch) ended(ctx context.Context, id string) error {
	var r struct {
		Approval json.RawMessage `json:"approval"`
	}
	if err := w.a.call(ctx, "approval.show", map[string]any{"id": id}, &r); err != nil {
		return err
	}
	if w.a.asJSON {
		return w.event("ended", r.Approval)
	}
	var q approvalView
	if err := json.Unmarshal(r.Approval, &q); err != nil {
		return unreadable(err)
	}
	return w.a.line(endedWords(w.a, &q) + "\n")
}

// endedWords says what became of a question.
func endedWords(a *app, q *approvalView) string {
	switch q.State {
	case "approved", "denied":
		return fmt.Sprintf("%s  %s, by %s", shown(q.ID, 40), a.answerWords(q), answerer(q))
	case "expired":
		return shown(q.ID, 40) + "  nobody answered in time"
	}
	return shown(q.ID, 40) + "  " + shown(q.State, 20)
}

// event prints one line of JSON.
func (w *watch) event(what string, approval json.RawMessage) error {
	b, err := json.Marshal(map[string]any{"event": what, "approval": approval})
	if err != nil {
		return unreadable(err)
	}
	_, err = io.WriteString(w.a.Out, string(b)+"\n")
	return err
}
