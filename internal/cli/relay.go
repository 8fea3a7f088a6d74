package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// stateOwn is the use of the relay that the bunker itself runs.
const stateOwn = "own"

type relayView struct {
	URL        string       `json:"url"`
	State      string       `json:"state"`
	HeardUntil stamp        `json:"heard_until"`
	Waiting    int          `json:"waiting"`
	Health     *relayHealth `json:"health"`
}

func (a *app) relayCmd() *cobra.Command {
	c := &cobra.Command{Use: "relay", Short: "choose the relays that apps reach the bunker by"}
	c.AddCommand(a.relayListCmd(), a.relayAddCmd(), a.relayRemoveCmd())
	return c
}

func (a *app) relayListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the relays and how they do", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), a, "relay.list", "relays", nil, []string{"RELAY", "USE", "HEALTH"},
				"No relay is set: apps on this machine only. Add one: nsecbunker relay add wss://…",
				func(r relayView) []string {
					use := shown(r.State, 20)
					if r.HeardUntil.ms() != 0 {
						use = fmt.Sprintf("old: heard until %s; %s not switched yet", r.HeardUntil.Local().Format("2006-01-02"), count(r.Waiting, "app"))
					}
					health := "-"
					if r.State == stateOwn {
						use = "used: the bunker's own"
					}
					if r.Health != nil {
						health = r.Health.words()
					}
					return []string{shown(r.URL, 100), use, health}
				})
		},
	}
}

type urlParam struct {
	URL string `json:"url"`
}

type relayAnswer struct {
	Relay relayView `json:"relay"`
}

func (a *app) relayAddCmd() *cobra.Command {
	return &cobra.Command{
		Use: "add URL", Short: "add a relay for apps", Args: args("URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			urls, err := normalRelays(args)
			if err != nil {
				return usage("%s", words(err))
			}
			return show(cmd.Context(), a, "relay.add", urlParam{urls[0]}, func(r relayAnswer) error {
				a.say("New links name %s; apps that ask learn of it.", shown(r.Relay.URL, 100))
				return a.sayReached(cmd.Context(), urls[0])
			})
		},
	}
}

// sayReached tells whether a relay that was added can be reached from here, where
// that is the bunker's own machine: a mistyped address is found now, and not by an
// app that waits.
func (a *app) sayReached(ctx context.Context, url string) error {
	if a.remoteTarget() != "" {
		a.say("Whether it can be reached: nsecbunker relay list")
		return nil
	}
	a.say("Trying to reach it …")
	err := a.reaches(ctx, url)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		a.say("warning: it cannot be reached now: %s\nhint: nsecbunker relay remove %s, if its address is wrong; else nsecbunker doctor tests it again", relayWords(url, err), shown(url, 100))
	default:
		a.say("It answers. Whether it carries messages both ways: nsecbunker doctor")
	}
	return nil
}

func (a *app) relayRemoveCmd() *cobra.Command {
	return &cobra.Command{
		Use: "remove URL", Short: "remove a relay; it is heard until every app has switched, 90 days at most", Args: args("URL"),
		ValidArgsFunction: a.completeRelays,
		RunE: func(cmd *cobra.Command, args []string) error {
			urls, err := normalRelays(args)
			if err != nil {
				return usage("%s", words(err))
			}
			return show(cmd.Context(), a, "relay.remove", urlParam{urls[0]}, func(r relayAnswer) error {
				a.say("New links do not name %s any more. It is heard until every app has switched (%s not yet), 90 days at most.",
					shown(r.Relay.URL, 100), count(r.Relay.Waiting, "app"))
				return nil
			})
		},
	}
}
