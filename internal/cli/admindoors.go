package cli

import (
	"net/url"

	"github.com/spf13/cobra"

	"nsecbunker/internal/web"
	"nsecbunker/nostr/nip98"
)

func (a *app) adminLegacyCmd() *cobra.Command {
	p := struct {
		Npub string `json:"npub"`
		For  string `json:"for,omitempty"`
		Off  bool   `json:"off,omitempty"`

		BreakGlass bool `json:"break_glass,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use: "legacy NPUB --for TIME", Short: "let an admin use an app for the first nsecBunker, for a time", Args: args("NPUB"), ValidArgsFunction: a.completeAdmins,
		Long: `Lets an admin use an app that was made for the first nsecBunker (nsecbunkerd), until a
time: it shows keys, users, tokens and policies, revokes users, and answers what apps
ask for, by the role of the npub. It makes nothing and is told no secret.

Such an app needs nothing but the npub: no device is confirmed, and what is said can be
read by who gets the key later. Give it an end, and take it back with --off.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Npub = args[0]
			type answer struct {
				Admin adminView `json:"admin"`
			}
			return show(cmd.Context(), a, "admin.legacy", p, func(r answer) error {
				a.say("Now: %s.", r.Admin.words(a))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&p.For, "for", "", "for this `time`, such as 30d (at most 90d)")
	cmd.Flags().BoolVar(&p.Off, "off", false, "not any more")
	cmd.MarkFlagsMutuallyExclusive("for", "off")
	cmd.MarkFlagsOneRequired("for", "off")
	return a.proofFlag(glassFlag(cmd, &p.BreakGlass))
}

func (a *app) adminScriptCmd() *cobra.Command {
	p := struct {
		Npub string `json:"npub"`
		Off  bool   `json:"off,omitempty"`

		BreakGlass bool `json:"break_glass,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use: "script NPUB", Short: "let an admin's scripts send commands over HTTP", Args: args("NPUB"), ValidArgsFunction: a.completeAdmins,
		Long: `Lets an admin's scripts send commands over HTTP (docs/scripts.md), each signed by the
npub (NIP-98), by its role; never dangerous ones. Give scripts an npub of their own, with
the least role that they need. --off ends it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Npub = args[0]
			type answer struct {
				Admin adminView `json:"admin"`
			}
			return show(cmd.Context(), a, "admin.script", p, func(r answer) error {
				a.say("Now: %s.", r.Admin.words(a))
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&p.Off, "off", false, "not any more")
	return a.proofFlag(glassFlag(cmd, &p.BreakGlass))
}

func (a *app) adminHeaderCmd() *cobra.Command {
	return &cobra.Command{
		Use: "header URL --admin-key FILE", Short: "sign one request of a script and print its Authorization header", Args: args("URL"),
		Long: `Signs one request (POST) of a script with the admin's key and prints the value of its
Authorization header. The body is read from stdin, byte for byte as it will be sent. It is
good once, for a minute:

  body='{"key":"herald"}'
  url=https://bunker.example/api/v1/key.show
  curl -H "Authorization: $(printf %s "$body" | nsecbunker admin header $url --admin-key script.nsec)" -d "$body" $url`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if u, err := url.Parse(args[0]); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
				return usage("%s is no address of a command: https://…%skey.list", shown(args[0], 200), web.ScriptPath)
			}
			arena, err := newClientArena()
			if err != nil {
				return err
			}
			defer arena.Close()
			key, err := a.openAdminKey(arena)
			if err != nil {
				return err
			}
			defer key.close()
			if key == nil {
				return usage("the key of the script is missing").withHint("add --admin-key FILE")
			}
			var body []byte
			if !a.interactive() {
				if body, err = readAll(cmd.Context(), a.In, web.MaxScriptBody); err != nil {
					return err
				}
			}
			ev, err := key.Sign(cmd.Context(), nip98.Template("POST", args[0], body, a.now()))
			if err != nil {
				return err
			}
			return a.line(nip98.Header(ev))
		},
	}
}
