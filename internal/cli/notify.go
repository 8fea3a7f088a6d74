package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nsecbunker/internal/secret"
)

// maxSubscription is the longest push subscription that is read, in bytes.
const maxSubscription = 16 << 10

func (a *app) notifyCmd() *cobra.Command {
	c := &cobra.Command{Use: "notify", Short: "who is told of questions and alarms, and how"}
	c.AddCommand(a.notifyListCmd(), a.notifyAddCmd(), a.notifySetCmd(), a.notifyRemoveCmd(), a.notifyTestCmd(), a.notifyKeyCmd())
	return c
}

type channelView struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Target  string   `json:"target"`
	Classes []string `json:"classes"`
	Details bool     `json:"details"`
	After   string   `json:"after"`
	Quiet   string   `json:"quiet"`
	Zone    string   `json:"zone"`
	Answers bool     `json:"answers"`
}

func (c *channelView) when() string {
	var parts []string
	if c.After != "" {
		if d, err := time.ParseDuration(c.After); err == nil {
			parts = append(parts, "after "+strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m"))
		}
	}
	if c.Quiet != "" {
		zone := c.Zone
		if zone == "" {
			zone = "UTC"
		}
		parts = append(parts, "quiet "+shown(c.Quiet, 20)+" "+shown(zone, 40))
	}
	if len(parts) == 0 {
		return "at once"
	}
	return strings.Join(parts, ", ")
}

func (a *app) notifyListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the channels, and notices that could not be sent", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.channels(cmd.Context())
		},
	}
}

type channelsAnswer struct {
	Channels []channelView `json:"channels"`
	Failed   []failedView  `json:"failed"`
}

type failedView struct {
	Channel string `json:"channel"`
	Kind    string `json:"kind"`
	At      stamp  `json:"at"`
	Tries   int    `json:"tries"`
	Error   string `json:"error"`
}

// channels lists the channels; in JSON each with the notices that could not be sent to it.
func (a *app) channels(ctx context.Context) error {
	var raw json.RawMessage
	if err := a.call(ctx, "notify.list", nil, &raw); err != nil {
		return err
	}
	if !a.asJSON {
		return showRaw(a, raw, a.printChannels)
	}
	if err := a.warn(raw); err != nil {
		return err
	}
	var r struct {
		Channels []map[string]any `json:"channels"`
		Failed   []map[string]any `json:"failed"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return unreadable(err)
	}
	for _, c := range r.Channels {
		failed := []map[string]any{}
		for _, f := range r.Failed {
			if f["channel"] == c["name"] {
				failed = append(failed, f)
			}
		}
		c["failed"] = failed
	}
	return a.json(append([]map[string]any{}, r.Channels...))
}

func (a *app) printChannels(r channelsAnswer) error {
	if len(r.Channels) == 0 {
		a.say("Nobody is told of anything. Add a channel: nsecbunker notify add --help")
	} else {
		rows := make([][]string, len(r.Channels))
		for i, c := range r.Channels {
			hears := strings.Join(c.Classes, ", ")
			if c.Details {
				hears += "; with details"
			}
			if c.Answers {
				hears += "; can be answered"
			}
			rows[i] = []string{name(c.Name), shown(c.Kind, 20), shown(c.Target, 100), shown(hears, 100), c.when()}
		}
		if err := a.table([]string{"NAME", "KIND", "TO", "HEARS OF", "WHEN"}, rows); err != nil {
			return err
		}
	}
	for _, f := range r.Failed {
		a.say("not told: %s to %s, %s, after %s: %s", shown(f.Kind, 20), name(f.Channel), a.when(f.At), count(f.Tries, "try"), shown(f.Error, maxShownError))
	}
	return nil
}

// channelFlags are the flags that add and set share. What is not given is not sent.
type channelFlags struct {
	classes                       []string
	details, quietAlarms, answers bool
	after, quiet, zone            string
	secret                        bool
}

func (c *channelFlags) on(f *pflag.FlagSet) {
	f.StringSliceVar(&c.classes, "hears", nil, "of `questions`, answers, alarms, with commas between (questions,alarms when new)")
	f.BoolVar(&c.details, "details", false, "name the app and the key; never the content")
	f.StringVar(&c.after, "after", "", "questions only that nobody has answered for so `long`: the on-call order")
	f.StringVar(&c.quiet, "quiet", "", "`hours` like 22:00-07:00 in which questions wait")
	f.StringVar(&c.zone, "zone", "", "time `zone` of --quiet, like Europe/Berlin (UTC)")
	f.BoolVar(&c.quietAlarms, "quiet-alarms", false, "alarms wait for the end of the quiet hours, too")
	f.BoolVar(&c.answers, "answers", false, "of nostr: messages carry codes, and a reply can refuse, or allow once")
	f.BoolVar(&c.secret, "secret", false, "ask for the secret, or take it from stdin: ntfy's access token, mail's password, what a webhook signs with")
}

// params are what was given.
func (c *channelFlags) params(f *pflag.FlagSet) map[string]any {
	p := map[string]any{}
	for _, o := range []struct {
		flag, param string
		value       any
	}{
		{"hears", "classes", c.classes}, {"details", "details", c.details}, {"after", "after", c.after}, {"quiet", "quiet", c.quiet},
		{"zone", "zone", c.zone}, {"quiet-alarms", "quiet_alarms", c.quietAlarms}, {"answers", "answers", c.answers},
	} {
		if f.Changed(o.flag) {
			p[o.param] = o.value
		}
	}
	return p
}

type channelAnswer struct {
	Channel channelView `json:"channel"`
	Signing string      `json:"signing_secret"`
	Npub    string      `json:"npub"`
}

func (a *app) notifyAddCmd() *cobra.Command {
	var c channelFlags
	var relays []string
	var legacy bool
	var server, tls, from, user string
	cmd := &cobra.Command{
		Use: "add NAME KIND TARGET", Short: "add a channel by which people are told", Args: args("NAME", "KIND", "TARGET"),
		Long: `Adds a channel by which people are told of questions and alarms. Messages name neither key, app nor content, unless --details.

  nostr NPUB            a direct message (NIP-17; --legacy: kind 4). With --answers, a reply can refuse, or allow once
  ntfy URL              a topic of an ntfy server: https://ntfy.sh/TOPIC, which should be long and random; --secret: its access token
  webhook URL           a signed POST; what signs is shown once
  mail ADDRESS          e-mail by --server HOST:PORT; with --user the password is asked for
  push FILE             web push: the browser's subscription as JSON (nsecbunker notify key shows what it subscribes with), - for stdin`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := c.params(cmd.Flags())
			p["name"], p["kind"], p["target"] = args[0], args[1], args[2]
			for k, v := range map[string]string{"server": server, "tls": tls, "from": from, "user": user} {
				if v != "" {
					p[k] = v
				}
			}
			if len(relays) > 0 {
				urls, err := normalRelays(relays)
				if err != nil {
					return usage("--relay: %s", words(err))
				}
				p["relays"] = urls
			}
			if legacy {
				p["legacy"] = true
			}
			return a.notifyAdd(cmd.Context(), p, c.secret || user != "")
		},
	}
	f := cmd.Flags()
	c.on(f)
	f.StringArrayVar(&relays, "relay", nil, "`URL` of a relay for direct messages (repeatable; the bunker's own when none)")
	f.BoolVar(&legacy, "legacy", false, "of nostr: kind 4, for apps that do not know NIP-17")
	f.StringVar(&server, "server", "", "`host:port` of the mail server")
	f.StringVar(&tls, "tls", "", "of mail: `starttls` (the default) or tls")
	f.StringVar(&from, "from", "", "sender's `address` of mail (TARGET when none)")
	f.StringVar(&user, "user", "", "`name` to log in as at the mail server")
	return cmd
}

func (a *app) notifyAdd(ctx context.Context, p map[string]any, ask bool) error {
	if p["kind"] == "push" {
		if err := a.subscription(ctx, p); err != nil {
			return err
		}
	} else if ask {
		s, err := a.nextSecret(ctx, "Secret of the channel:")
		if err != nil {
			return err
		}
		p["secret"] = s
	}
	if s, ok := p["secret"].(secret.Param); ok {
		defer s.Wipe()
	}
	return show(ctx, a, "notify.add", p, func(r channelAnswer) error {
		a.say("%s is added. Try it: nsecbunker notify test %s", name(r.Channel.Name), name(r.Channel.Name))
		if r.Npub != "" {
			a.say("Messages come from %s", shown(r.Npub, 100))
		}
		if r.Signing != "" {
			a.say("Its messages are signed with this; it is not shown again:")
			return a.line(shown(r.Signing, 100))
		}
		return nil
	})
}

// subscription puts a browser's push subscription into parameters.
func (a *app) subscription(ctx context.Context, p map[string]any) error {
	var b []byte
	var err error
	path, _ := p["target"].(string)
	if path == "-" {
		b, err = readAll(ctx, a.In, maxSubscription)
	} else if b, err = os.ReadFile(path); err == nil && len(b) > maxSubscription {
		err = fmt.Errorf("it is longer than %d bytes", maxSubscription)
	}
	if err != nil {
		return fail("the subscription cannot be read: %s", err)
	}
	defer secret.Wipe(b)
	var s struct {
		Endpoint string `json:"endpoint"`
		Keys     struct {
			P256dh string       `json:"p256dh"`
			Auth   secret.Param `json:"auth"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(b, &s); err != nil || s.Endpoint == "" {
		return fail("this is no push subscription: it is JSON with endpoint and keys, as PushSubscription.toJSON() gives it")
	}
	p["target"], p["p256dh"], p["secret"] = s.Endpoint, s.Keys.P256dh, s.Keys.Auth
	return nil
}

func (a *app) notifySetCmd() *cobra.Command {
	var c channelFlags
	cmd := &cobra.Command{
		Use: "set NAME", Short: "change what a channel hears, and when", Args: args("NAME"),
		Long: `Changes what is given; the rest stays. --details=false takes details back, --quiet "" ends quiet hours, --after 0 tells at once.
Where a channel leads cannot be changed: add another one, and remove the old one.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := c.params(cmd.Flags())
			if len(p) == 0 && !c.secret {
				return usageOf(cmd, "nothing is to be changed")
			}
			p["name"] = args[0]
			if c.secret {
				s, err := a.nextSecret(cmd.Context(), "Secret of the channel:")
				if err != nil {
					return err
				}
				defer s.Wipe()
				p["secret"] = s
			}
			return show(cmd.Context(), a, "notify.set", p, func(r channelAnswer) error {
				a.say("%s hears of %s, %s.", name(r.Channel.Name), shown(strings.Join(r.Channel.Classes, ", "), 60), r.Channel.when())
				return nil
			})
		},
	}
	c.on(cmd.Flags())
	return cmd
}

type nameParam struct {
	Name string `json:"name"`
}

func (a *app) notifyRemoveCmd() *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "remove a channel", Args: args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), a, "notify.remove", nameParam{args[0]}, func(json.RawMessage) error {
				a.say("%s is removed; what it was still to be told is gone.", shown(args[0], 64))
				return nil
			})
		},
	}
}

func (a *app) notifyTestCmd() *cobra.Command {
	return &cobra.Command{
		Use: "test NAME", Short: "send a test message now, and show what the other side said", Args: args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			type tested struct {
				Said string `json:"said"`
			}
			return show(cmd.Context(), a, "notify.test", nameParam{args[0]}, func(r tested) error {
				a.say("It works: %s", shown(r.Said, maxShownError))
				return nil
			})
		},
	}
}

func (a *app) notifyKeyCmd() *cobra.Command {
	return &cobra.Command{
		Use: "key", Short: "show the npub that messages come from, and the key for web push", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			type keys struct {
				Npub  string `json:"npub"`
				Vapid string `json:"vapid"`
			}
			return show(cmd.Context(), a, "notify.key", nil, func(r keys) error {
				npub := "none before the first channel of kind nostr"
				if r.Npub != "" {
					npub = shown(r.Npub, 100)
				}
				return a.facts([][2]string{{"messages come from", npub}, {"web push (applicationServerKey)", shown(r.Vapid, 100)}})
			})
		},
	}
}
