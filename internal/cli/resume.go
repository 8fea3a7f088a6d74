package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const resumed = "%s may sign again, as far as it is permitted."

// connectionResumeCmd is connectionActCmd with a way to resume every app, as a
// stop and a restore leave them.
func (a *app) connectionResumeCmd() *cobra.Command {
	cmd := a.connectionActCmd("resume", "end a suspension", resumed, false)
	one, all := cmd.RunE, false
	cmd.Use = "resume APP | --all"
	cmd.Long = `Ends the suspension of an app, or with --all of every app: a stop and a restore suspend them all.

--all also resumes those that were suspended one by one before; it shows them and asks. Keys that are locked stay so.`
	cmd.Args = args("[APP]")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case all && len(args) > 0:
			return usageOf(cmd, "either APP or --all, not both")
		case all:
			return a.resumeAll(cmd.Context())
		case len(args) == 0:
			return usageOf(cmd, "APP is missing; --all is for every app")
		}
		return one(cmd, args)
	}
	cmd.Flags().BoolVar(&all, "all", false, "every app that is suspended")
	return a.yesFlag(cmd)
}

// resumeAll resumes one after the other, each with its own record in the log.
func (a *app) resumeAll(ctx context.Context) error {
	raw, err := a.pages(ctx, "connection.list", "connections", map[string]any{"state": "suspended"}, maxRows)
	if err != nil {
		return err
	}
	if len(raw) == 0 {
		a.say("No app is suspended.")
		if a.asJSON {
			return a.rows(raw)
		}
		return nil
	}
	apps := make([]connectionView, len(raw))
	for i := range raw {
		if err := json.Unmarshal(raw[i], &apps[i]); err != nil {
			return unreadable(err)
		}
	}
	if err := a.confirmResume(ctx, apps); err != nil {
		return err
	}
	c, err := a.dial(ctx, a)
	if err != nil {
		return err
	}
	defer c.Close()
	var done []json.RawMessage
	for _, app := range apps {
		var answer struct {
			Connection json.RawMessage `json:"connection"`
		}
		if err := a.callOn(ctx, c, "connection.resume", idParam{app.ID}, &answer); err != nil {
			f := explain(err)
			f.words = fmt.Sprintf("%s of %d resumed; then %s: %s", count(len(done), "app"), len(apps), app.ID, f.words)
			return f
		}
		done = append(done, answer.Connection)
		if !a.asJSON {
			a.say(resumed, name(app.Name))
		}
	}
	if a.asJSON {
		return a.rows(done)
	}
	return nil
}

// confirmResume shows who would sign again.
func (a *app) confirmResume(ctx context.Context, apps []connectionView) error {
	keys := a.keyNames(ctx)
	var b strings.Builder
	fmt.Fprintf(&b, "May sign again, as far as permitted: %s", count(len(apps), "app"))
	for _, c := range apps {
		fmt.Fprintf(&b, "\n  %s  %s, for the key %s, last used %s", shown(c.ID, bunkerName), name(c.Name), keys.name(c.Key), ago(c.LastUsed.ms(), a.now()))
	}
	return a.confirm(ctx, b.String(), "resume")
}
