package cli

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/remote"
)

// stayEvery is how often a watcher asks how its session stands: a silent one ends.
const stayEvery = adminwire.Idle / 3

func (a *app) watchCmd() *cobra.Command {
	return &cobra.Command{
		Use: "watch", Short: "with --remote: print what happens as it happens: questions, answers, changes, alarms", Args: args(),
		Long: `Prints questions, answers, changes and alarms as they happen, one a line (with --json one JSON object a line), until it is interrupted.
It works over relays, with --remote.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.watch(cmd.Context()) },
	}
}

// watch logs in again when the bunker was restarted, or the session ran out.
func (a *app) watch(ctx context.Context) error {
	for {
		c, err := a.dial(ctx, a)
		if err != nil {
			return err
		}
		kept, ok := c.(keptLine)
		if !ok {
			return errors.Join(usage("watch works over relays").withHint("add --remote with the connection string that nsecbunker status prints, and --admin-key"), c.Close())
		}
		err = a.follow(ctx, kept.remoteLine)
		a.hangUp()
		switch {
		case ctx.Err() != nil:
			return nil
		case !errors.Is(err, remote.ErrSilent):
			return err
		}
		a.say("The bunker does not answer any more; logging in again …")
	}
}

// follow prints notices until the session ends.
func (a *app) follow(ctx context.Context, c *remoteLine) error {
	now, err := c.Sync(ctx)
	if err != nil {
		return err
	}
	last := now.Notice
	a.say("Watching. Ctrl-C ends it.")
	for {
		short, cancel := context.WithTimeout(ctx, stayEvery)
		n, err := c.Notice(short)
		cancel()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			if _, err := c.Sync(ctx); err != nil {
				return err
			}
			continue
		case n.Type == "ended":
			return fail("the session was ended by somebody else")
		case n.N <= last: // it came before the first look
			continue
		}
		if n.N > last+1 {
			a.say("(%d more happened; look at nsecbunker approvals and nsecbunker audit list)", n.N-last-1)
		}
		last = n.N
		if n.Type == "more" { // the gap was told
			continue
		}
		if err := a.notice(ctx, c, &n); err != nil {
			return err
		}
	}
}

type notice struct {
	Type  string `json:"type"`
	Time  string `json:"time"`
	Noun  string `json:"noun,omitempty"`
	ID    string `json:"id,omitempty"`
	Key   string `json:"key,omitempty"`
	By    string `json:"by,omitempty"`
	Words string `json:"words,omitempty"`
}

// notice prints a notice: of a question what is asked, as it is now.
func (a *app) notice(ctx context.Context, c Caller, n *adminwire.Notice) error {
	v := notice{Type: shown(n.Type, 40), Time: a.now().UTC().Format(time.RFC3339)}
	if err := json.Unmarshal(n.Data, &v); err != nil {
		return unreadable(err)
	}
	if v.Type == "question" {
		v.Words = a.questionWords(ctx, c, v.ID)
	}
	if a.asJSON {
		e := json.NewEncoder(a.Out)
		e.SetEscapeHTML(false)
		return e.Encode(v)
	}
	clock := a.now().Format(time.TimeOnly)
	switch v.Type {
	case "question":
		return a.line(clock + "  question  " + shown(v.ID, 40) + "  " + v.Words)
	case "alarm":
		return a.line(clock + "  ALARM     " + shown(v.Words, maxShownError))
	}
	return a.line(clock + "  " + v.Type + "  " + shown(v.Noun, 40) + ", by " + shown(v.By, 80))
}

// questionWords is what is asked; "" when it was answered meanwhile.
func (a *app) questionWords(ctx context.Context, c Caller, id string) string {
	var open struct {
		Approvals []approvalView `json:"approvals"`
	}
	if err := a.callOn(ctx, c, "approval.list", nil, &open); err != nil {
		return words(err)
	}
	for i := range open.Approvals {
		if open.Approvals[i].ID == id {
			return shown(open.Approvals[i].Sentence, 300)
		}
	}
	return ""
}
