package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) connectionSuspendCmd() *cobra.Command {
	p := struct {
		ID  string `json:"id"`
		For string `json:"for,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use: "suspend APP", Short: "let nothing be signed for an app, for a time or until it is resumed", Args: args("APP"), ValidArgsFunction: a.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.ID = args[0]
			return show(cmd.Context(), a, "connection.suspend", p, func(r connectionAnswer) error {
				until := "nothing is signed for it until `nsecbunker connections resume`"
				if r.Connection.ResumeAt.ms() != 0 {
					until = "it goes on by itself " + a.when(r.Connection.ResumeAt)
				}
				a.say("%s is suspended: %s.", name(r.Connection.Name), until)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&p.For, "for", "", "`time` after which it is active again by itself, such as 2h or 7d")
	return cmd
}

func (a *app) connectionRegrantCmd() *cobra.Command {
	var perms, policy, token, how string
	var refusals bool
	cmd := &cobra.Command{
		Use: "regrant APP", Short: "give a connection other permissions in place of those that it has", Args: args("APP"), ValidArgsFunction: a.completeConnections,
		Long: `Ends every permission that the connection has, and gives it others, in one step: --perms, a --policy, or both; or what a link gives (--token). What was refused for good stays refused, unless --refusals is given.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := map[string]any{"id": args[0]}
			if cmd.Flags().Changed("perms") {
				p["perms"] = noneIsNothing(perms)
			}
			if policy != "" {
				p["policy"] = policy
			}
			if (len(p) > 1) == (token != "") {
				return usageOf(cmd, "give --perms, --policy or both, or else --token: what it may do from now on")
			}
			if token != "" {
				p["token"] = token
			}
			if how != "" {
				p["for"] = how
			}
			if refusals {
				p["refusals"] = true
			}
			return a.connectionRegrant(cmd.Context(), p)
		},
	}
	f := cmd.Flags()
	f.StringVar(&perms, "perms", "", "`permissions`: all, none, or a list such as sign_event:1,nip44_decrypt")
	f.StringVar(&policy, "policy", "", "`policy` to put it under")
	f.StringVar(&token, "token", "", "`id` of a link: what it gives")
	f.StringVar(&how, "for", "", "for this `time` only, such as 1h or 7d")
	f.BoolVar(&refusals, "refusals", false, "what was refused for good ends, too")
	a.completeFlag(cmd, "token", a.completeTokens)
	a.completeFlag(cmd, "policy", a.completePolicies)
	return cmd
}

func (a *app) connectionRegrant(ctx context.Context, p map[string]any) error {
	type answer struct {
		Ended  int         `json:"ended"`
		Grants []grantView `json:"grants"`
	}
	return show(ctx, a, "connection.regrant", p, func(r answer) error {
		if len(r.Grants) == 0 {
			a.say("%s ended. %s", count(r.Ended, "permission"), nothingPermitted)
			return nil
		}
		for _, g := range r.Grants {
			what := perms(g.Perms)
			if g.Policy != "" {
				what = "what the policy " + name(g.Policy) + " says"
			}
			a.say("%s ended. From now on: %s %s.", count(r.Ended, "permission"), g.Effect, what)
			if err := a.line(g.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *app) connectionRelaysCmd() *cobra.Command {
	return &cobra.Command{
		Use: "relays APP [wss://…,wss://…]", Short: "say which relays an app is told to use when it asks; none: the bunker's", Args: args("APP", "[RELAYS]"),
		ValidArgsFunction: a.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := struct {
				ID     string   `json:"id"`
				Relays []string `json:"relays,omitempty"`
			}{ID: args[0]}
			if len(args) > 1 {
				p.Relays = strings.Split(args[1], ",")
			}
			return show(cmd.Context(), a, "connection.relays", p, func(r connectionAnswer) error {
				list := "the bunker's relays"
				if len(r.Connection.SwitchTo) > 0 {
					list = shown(strings.Join(r.Connection.SwitchTo, ", "), 500)
				}
				a.say("%s is told to use %s when it asks (most apps ask when they start); until then it is heard where it is.", name(r.Connection.Name), list)
				return nil
			})
		},
	}
}

func (a *app) connectionPersonCmd() *cobra.Command {
	return &cobra.Command{
		Use: "person APP NAME", Short: "say whom a connection is for; \"\" for nobody", Args: args("APP", "NAME"), ValidArgsFunction: a.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := struct {
				ID     string `json:"id"`
				Person string `json:"person"`
			}{args[0], args[1]}
			return show(cmd.Context(), a, "connection.person", p, func(r connectionAnswer) error {
				a.say("%s is for %s now; the log says so from here on.", name(r.Connection.Name), name(r.Connection.Person))
				return nil
			})
		},
	}
}

func (a *app) keyPauseCmd() *cobra.Command {
	p := struct {
		Key string `json:"key"`
		For string `json:"for,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use: "pause KEY", Short: "let nothing be done for a key's apps, for a time or until it is resumed", Args: args("KEY"), ValidArgsFunction: a.completeKeys,
		Long: "Pauses a key: all its apps are refused, and told so. Unlike a locked key it stays in memory, and needs no passphrase to go on.",
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Key = args[0]
			return show(cmd.Context(), a, "key.pause", p, func(r keyAnswer) error {
				until := "nothing is done for its apps until `nsecbunker key resume`"
				if r.Key.PausedUntil.ms() != 0 {
					until = "it goes on by itself " + a.when(r.Key.PausedUntil)
				}
				a.say("%s is paused: %s.", name(r.Key.Name), until)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&p.For, "for", "", "`time` after which it goes on by itself, such as 2h or 7d")
	return cmd
}

func (a *app) keyResumeCmd() *cobra.Command {
	return &cobra.Command{
		Use: "resume KEY", Short: "end the pause of a key", Args: args("KEY"), ValidArgsFunction: a.completeKeys,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.keyDone(cmd.Context(), "key.resume", keyParam{args[0]}, func(k *keyView) string { return name(k.Name) + " goes on." })
		},
	}
}

func (a *app) tokenShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "show a link, and who used it", Args: args("ID"), ValidArgsFunction: a.completeTokens,
		RunE: func(cmd *cobra.Command, args []string) error {
			type answer struct {
				Token       tokenView        `json:"token"`
				Connections []connectionView `json:"connections"`
			}
			keys := a.keyNames(cmd.Context())
			return show(cmd.Context(), a, "token.show", idParam{args[0]}, func(r answer) error {
				t := r.Token
				err := a.facts([][2]string{
					{"client", name(t.Client)}, {"person", name(t.Person)}, {"key", keys.name(t.Key)}, {"permissions", given(t.Perms, t.Policy)}, {"state", t.State}, {"used", fmt.Sprintf("%d of %d", t.Uses, t.MaxUses)},
					{"made", a.when(t.CreatedAt)}, {"expires", a.when(t.ExpiresAt)},
				})
				if err != nil || len(r.Connections) == 0 {
					a.say("Nobody has used it yet.")
					return err
				}
				rows := make([][]string, 0, len(r.Connections))
				for _, c := range r.Connections {
					rows = append(rows, []string{c.ID, short(c.ClientIs), c.State, a.when(c.CreatedAt), ago(c.LastUsed.ms(), a.now())})
				}
				return a.table([]string{"CONNECTION", "APP'S KEY", "STATE", "CONNECTED", "LAST USED"}, rows)
			})
		},
	}
}

func (a *app) auditForgetCmd() *cobra.Command {
	return a.yesFlag(&cobra.Command{
		Use: "forget PERSON", Short: "erase a person's name: the log keeps a digest that says nothing by itself", Args: args("PERSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.confirm(cmd.Context(), "Nobody can tell from the log then whom these records are about.", "forget"); err != nil {
				return err
			}
			type answer struct {
				Connections int `json:"connections"`
				Tokens      int `json:"tokens"`
			}
			p := struct {
				Person string `json:"person"`
			}{args[0]}
			return show(cmd.Context(), a, "person.forget", p, func(r answer) error {
				a.say("The name is erased, also from %d connections and %d links.", r.Connections, r.Tokens)
				return nil
			})
		},
	})
}
