package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

type connectionView struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Person    string   `json:"person"`
	Key       string   `json:"key"`
	State     string   `json:"state"`
	ClientIs  string   `json:"client_npub"`
	Relays    []string `json:"relays"`
	SwitchTo  []string `json:"switch_to"`
	ResumeAt  stamp    `json:"resume_at"`
	App       *appView `json:"app"`
	ExpiresAt stamp    `json:"expires_at"`
	CreatedAt stamp    `json:"created_at"`
	LastUsed  stamp    `json:"last_used"`
	Uses      int64    `json:"uses"`
}

type appView struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

type grantView struct {
	ID        string `json:"id"`
	Effect    string `json:"effect"`
	Perms     string `json:"perms"`
	Policy    string `json:"policy"`
	Once      string `json:"once"`
	Uses      int64  `json:"uses"`
	MaxUses   int64  `json:"max_uses"`
	Live      bool   `json:"live"`
	ExpiresAt stamp  `json:"expires_at"`
	GivenBy   string `json:"given_by"`
}

type connectionAnswer struct {
	Connection connectionView `json:"connection"`
}

func (a *app) connectCmd() *cobra.Command {
	p := struct {
		URI    string `json:"uri"`
		Key    string `json:"key"`
		Perms  string `json:"perms,omitempty"`
		Policy string `json:"policy,omitempty"`
		Name   string `json:"name,omitempty"`
		Person string `json:"person,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use: "connect 'nostrconnect://…' --key KEY --perms P", Short: "let an app in that shows a nostrconnect:// link",
		Long: `Lets an app in that asks by a link of its own (nostrconnect://…). Put the link in quotes: it holds characters that shells act on.

--perms is as in nsecbunker token create: all, none (everything is asked), or a list. What the app itself asks for in its link gives it nothing.`,
		Args: args("LINK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.URI = args[0]
			if p.Key == "" {
				return usageOf(cmd, "--key is missing: the key that the app shall use")
			}
			if !cmd.Flags().Changed("perms") && p.Policy == "" {
				return usageOf(cmd, "--perms is missing: what the app may do without asking, such as all or sign_event:1; or --policy")
			}
			p.Perms = noneIsNothing(p.Perms)
			type answer struct {
				Connection connectionView `json:"connection"`
				Requested  string         `json:"requested"`
				Relays     []string       `json:"relays"`
			}
			return show(cmd.Context(), a, "connect", p, func(r answer) error {
				a.say("%s is let in, and is told so on %s.", name(r.Connection.Name), shown(strings.Join(r.Relays, ", "), 300))
				if r.Requested != "" {
					got := "It got: " + given(p.Perms, p.Policy) + "."
					if p.Perms == "" && p.Policy == "" {
						got = "It got none of it."
					}
					a.say("It asked for: %s. %s", shown(r.Requested, 300), got)
				}
				if p.Perms == "" && p.Policy == "" {
					a.say("%s", nothingPermitted)
				}
				return a.line(r.Connection.ID)
			})
		},
	}
	cmd.Flags().StringVar(&p.Key, "key", "", "`key` that the app shall use")
	cmd.Flags().StringVar(&p.Perms, "perms", "", "`permissions`: all, none, or a list such as sign_event:1,nip44_decrypt")
	cmd.Flags().StringVar(&p.Policy, "policy", "", "`policy` to put the app under (nsecbunker policy)")
	a.completeFlag(cmd, "policy", a.completePolicies)
	cmd.Flags().StringVar(&p.Name, "name", "", "`name` for the app (default: what it calls itself)")
	cmd.Flags().StringVar(&p.Person, "person", "", "`name` of whom it is for")
	a.completeFlag(cmd, "key", a.completeKeys)
	return cmd
}

// noneIsNothing turns the word none into no permissions.
func noneIsNothing(perms string) string {
	if perms == "none" {
		return ""
	}
	return perms
}

func (a *app) connectionCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "connections", Aliases: []string{"connection"}, Short: "list, suspend, revoke and grant to the apps that are connected",
		Long: `Lists the apps that are connected; the commands below change what they may do.

APP is a connection's id, or its name when no other one has it.`,
		Args: args(), RunE: func(cmd *cobra.Command, _ []string) error { return a.connectionList(cmd.Context(), "", "") },
	}
	c.AddCommand(
		a.connectionListCmd(), a.connectionShowCmd(), a.connectionRenameCmd(),
		a.connectionSuspendCmd(), a.connectionResumeCmd(),
		a.connectionActCmd("revoke", "shut an app out for good; it needs a new link", "%s is shut out for good.", true),
		a.connectionGrantCmd(), a.connectionUngrantCmd(), a.connectionRegrantCmd(), a.connectionRelaysCmd(), a.connectionPersonCmd(),
		a.connectionReviewCmd(),
	)
	return c
}

func (a *app) connectionListCmd() *cobra.Command {
	var key, state string
	cmd := &cobra.Command{
		Use: "list", Short: "list the apps that are connected", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.connectionList(cmd.Context(), key, state) },
	}
	cmd.Flags().StringVar(&key, "key", "", "of this `key` only")
	cmd.Flags().StringVar(&state, "state", "", "in this `state` only: pending, active, suspended, ended, revoked, expired")
	a.completeFlag(cmd, "key", a.completeKeys)
	return cmd
}

func (a *app) connectionList(ctx context.Context, key, state string) error {
	p := map[string]any{}
	if key != "" {
		p["key"] = key
	}
	if state != "" {
		p["state"] = state
	}
	none := "No app is connected yet. Let one in: nsecbunker token create KEY --client NAME --perms all"
	if len(p) > 0 {
		none = "No app is so. All of them: nsecbunker connections"
	}
	keys := a.keyNames(ctx)
	return list(ctx, a, "connection.list", "connections", p, []string{"ID", "APP", "PERSON", "KEY", "STATE", "LAST USED", "REQUESTS"}, none,
		func(c connectionView) []string {
			return []string{c.ID, name(c.Name), name(c.Person), keys.name(c.Key), c.State, ago(c.LastUsed.ms(), a.now()), strconv.FormatInt(c.Uses, 10)}
		})
}

// keyNames are the names of keys by their ids, for tables.
type keyNames map[string]string

func (k keyNames) name(id string) string {
	if n, ok := k[id]; ok {
		return name(n)
	}
	return name(id)
}

// keyNames asks for them; without an answer ids are shown.
func (a *app) keyNames(ctx context.Context) keyNames {
	names := keyNames{}
	if a.asJSON {
		return names
	}
	rows, err := a.pages(ctx, "key.list", "keys", nil, maxRows)
	if err != nil {
		return names
	}
	for _, r := range rows {
		var k keyView
		if json.Unmarshal(r, &k) == nil {
			names[k.ID] = k.Name
		}
	}
	return names
}

type idParam struct {
	ID string `json:"id"`
}

func (a *app) connectionShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show APP", Short: "show one connection with its permissions", Args: args("APP"), ValidArgsFunction: a.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			type answer struct {
				Connection connectionView `json:"connection"`
				Grants     []grantView    `json:"grants"`
			}
			return show(cmd.Context(), a, "connection.show", idParam{args[0]}, func(r answer) error {
				return a.showConnection(a.keyNames(cmd.Context()), r.Connection, r.Grants)
			})
		},
	}
}

func (a *app) showConnection(keys keyNames, c connectionView, grants []grantView) error {
	facts := [][2]string{
		{"app", name(c.Name)}, {"key", keys.name(c.Key)}, {"state", c.State}, {"connected", a.when(c.CreatedAt)},
		{"last used", fmt.Sprintf("%s (%d requests)", ago(c.LastUsed.ms(), a.now()), c.Uses)}, {"client", c.ClientIs},
	}
	if c.Person != "" {
		facts = append(facts, [2]string{"person", name(c.Person)})
	}
	if c.App != nil && (c.App.Name != "" || c.App.URL != "") {
		facts = append(facts, [2]string{"calls itself", fmt.Sprintf("%s %s (not verified)", name(c.App.Name), shown(c.App.URL, 200))})
	}
	if len(c.Relays) > 0 {
		facts = append(facts, [2]string{"its relays", shown(strings.Join(c.Relays, ", "), 500)})
	}
	if len(c.SwitchTo) > 0 {
		facts = append(facts, [2]string{"told to use", shown(strings.Join(c.SwitchTo, ", "), 500)})
	}
	if c.ResumeAt.ms() != 0 {
		facts = append(facts, [2]string{"resumes", a.when(c.ResumeAt)})
	}
	if c.ExpiresAt.ms() != 0 {
		facts = append(facts, [2]string{"expires", a.when(c.ExpiresAt)})
	}
	if err := a.facts(facts); err != nil {
		return err
	}
	if len(grants) == 0 {
		a.say("It has no permissions: what happens is the key's default.")
		return nil
	}
	if _, err := fmt.Fprintln(a.Out); err != nil {
		return err
	}
	rows := make([][]string, 0, len(grants))
	for _, g := range grants {
		what := given(g.Perms, g.Policy)
		if g.Once != "" {
			what = "one operation, once"
		}
		used := strconv.FormatInt(g.Uses, 10)
		if g.MaxUses > 0 {
			used += fmt.Sprintf(" of %d", g.MaxUses)
		}
		state := "in force"
		if !g.Live {
			state = "over"
		}
		rows = append(rows, []string{g.ID, g.Effect, what, state, used, a.when(g.ExpiresAt), name(g.GivenBy)})
	}
	return a.table([]string{"GRANT", "EFFECT", "WHAT", "STATE", "USED", "EXPIRES", "GIVEN BY"}, rows)
}

func (a *app) connectionRenameCmd() *cobra.Command {
	var person string
	cmd := &cobra.Command{
		Use: "rename APP NAME", Short: "give a connection another name", Args: args("APP", "NAME"), ValidArgsFunction: a.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := map[string]any{"id": args[0], "name": args[1]}
			if cmd.Flags().Changed("person") {
				p["person"] = person
			}
			return show(cmd.Context(), a, "connection.rename", p, func(r connectionAnswer) error {
				a.say("It is named %s now.", name(r.Connection.Name))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&person, "person", "", "`name` of whom it is for")
	return cmd
}

// connectionActCmd is a command that changes a connection's state.
func (a *app) connectionActCmd(act, short, done string, final bool) *cobra.Command {
	cmd := &cobra.Command{
		Use: act + " APP", Short: short, Args: args("APP"), ValidArgsFunction: a.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			if final {
				what := shown(args[0], bunkerName) + " is shut out for good; it can only come back with a new link."
				if err := a.confirmOf(cmd.Context(), "connection.show", idParam{args[0]}, what, act); err != nil {
					return err
				}
			}
			return show(cmd.Context(), a, "connection."+act, idParam{args[0]}, func(r connectionAnswer) error {
				a.say(done, name(r.Connection.Name))
				return nil
			})
		},
	}
	if final {
		a.yesFlag(cmd)
	}
	return cmd
}

func (a *app) connectionGrantCmd() *cobra.Command {
	p := struct {
		ID     string `json:"id"`
		Perms  string `json:"perms,omitempty"`
		Policy string `json:"policy,omitempty"`
		Deny   bool   `json:"deny,omitempty"`
		For    string `json:"for,omitempty"`
		Uses   int64  `json:"uses,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use: "grant APP PERMS | --policy POLICY", Short: "give a connection permissions, or refuse it some, or put it under a policy", Args: args("APP", "[PERMS]"),
		ValidArgsFunction: a.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			p.ID = args[0]
			if (len(args) == 2) == (p.Policy != "") {
				return usageOf(cmd, "give PERMS, such as sign_event:1, or --policy POLICY")
			}
			if err := someOf(cmd, "uses"); err != nil {
				return err
			}
			if len(args) == 2 {
				p.Perms = args[1]
			}
			type answer struct {
				Grant grantView `json:"grant"`
			}
			return show(cmd.Context(), a, "connection.grant", p, func(r answer) error {
				a.say("From now on: %s %s.", r.Grant.Effect, given(r.Grant.Perms, r.Grant.Policy))
				return a.line(r.Grant.ID)
			})
		},
	}
	cmd.Flags().StringVar(&p.Policy, "policy", "", "`policy` to put it under, instead of permissions")
	a.completeFlag(cmd, "policy", a.completePolicies)
	cmd.Flags().BoolVar(&p.Deny, "deny", false, "refuse these, whatever else is permitted")
	cmd.Flags().StringVar(&p.For, "for", "", "for this `time` only, such as 1h or 7d")
	cmd.Flags().Int64Var(&p.Uses, "uses", 0, "for this many requests only")
	return cmd
}

func (a *app) connectionUngrantCmd() *cobra.Command {
	return &cobra.Command{
		Use: "ungrant APP GRANT", Short: "take a permission back (its id: connection show)", Args: args("APP", "GRANT"),
		ValidArgsFunction: a.completeConnections,
		RunE: func(cmd *cobra.Command, args []string) error {
			p := struct {
				ID    string `json:"id"`
				Grant string `json:"grant"`
			}{args[0], args[1]}
			return show(cmd.Context(), a, "connection.ungrant", p, func(json.RawMessage) error {
				a.say("The permission is taken back.")
				return nil
			})
		},
	}
}

func (a *app) connectionReviewCmd() *cobra.Command {
	return a.yesFlag(&cobra.Command{
		Use: "review", Short: "after a restore: say that you have looked at the list of connections", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			what := "After this, connections that you resumed may sign again. Look at the list first: nsecbunker connections"
			if err := a.confirm(cmd.Context(), what, "reviewed"); err != nil {
				return err
			}
			return show(cmd.Context(), a, "connection.review", nil, func(json.RawMessage) error {
				a.say("The review is over. Resume what shall sign: nsecbunker connections resume APP, or --all")
				return nil
			})
		},
	})
}
