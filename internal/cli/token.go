package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

type tokenView struct {
	ID        string `json:"id"`
	Key       string `json:"key"`
	Client    string `json:"client"`
	Person    string `json:"person"`
	Perms     string `json:"perms"`
	Policy    string `json:"policy"`
	State     string `json:"state"`
	Uses      int64  `json:"uses"`
	MaxUses   int64  `json:"max_uses"`
	ExpiresAt stamp  `json:"expires_at"`
	CreatedAt stamp  `json:"created_at"`
}

type tokenCreateParams struct {
	Key      string `json:"key"`
	Client   string `json:"client"`
	Person   string `json:"person,omitempty"`
	Perms    string `json:"perms,omitempty"`
	Policy   string `json:"policy,omitempty"`
	Uses     int64  `json:"uses,omitempty"`
	Expires  string `json:"expires,omitempty"`
	GrantFor string `json:"grant_for,omitempty"`
}

func (a *app) tokenCmd() *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "make and revoke bunker:// links for apps"}
	c.AddCommand(a.tokenCreateCmd(), a.tokenListCmd(), a.tokenShowCmd(), a.tokenRevokeCmd())
	return c
}

func (a *app) tokenCreateCmd() *cobra.Command {
	var p tokenCreateParams
	cmd := &cobra.Command{
		Use: "create KEY --client NAME --perms P", Short: "make a bunker:// link that lets an app in", ValidArgsFunction: a.completeKeys,
		Long: `Makes a bunker:// link, to be pasted into an app, or scanned. The link is a secret until it is used; it is shown once.

--perms says what the app may do without asking:
  all                                  everything but what needs special care (deleting, relay lists, follow lists, …)
  sign_event:1,nip44_encrypt,…         these methods, and kinds of events
  none                                 nothing: everything is asked (nsecbunker approvals), or refused if the key's default is deny

--policy puts the app under a policy instead (nsecbunker policy); with --perms, both hold.`,
		Args: args("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Key = args[0]
			if p.Client == "" {
				return usageOf(cmd, "--client is missing: the name that you know the app by")
			}
			if !cmd.Flags().Changed("perms") && p.Policy == "" {
				return usageOf(cmd, "--perms is missing: what the app may do without asking, such as all or sign_event:1; or --policy")
			}
			if err := someOf(cmd, "uses"); err != nil {
				return err
			}
			p.Perms = noneIsNothing(p.Perms)
			return a.tokenCreate(cmd, p)
		},
	}
	f := cmd.Flags()
	f.StringVar(&p.Client, "client", "", "`name` that you know the app by")
	f.StringVar(&p.Perms, "perms", "", "`permissions`: all, none, or a list such as sign_event:1,nip44_decrypt")
	f.StringVar(&p.Policy, "policy", "", "`policy` to put the app under")
	a.completeFlag(cmd, "policy", a.completePolicies)
	f.StringVar(&p.Person, "person", "", "`name` of whom it is for")
	f.Int64Var(&p.Uses, "uses", 1, "how many apps may log in with it")
	f.StringVar(&p.Expires, "expires", "", "`time` in which it must be used, such as 24h or 7d (default: no limit)")
	f.StringVar(&p.GrantFor, "grant-for", "", "how long the app may use what it got, such as 30d (default: no limit)")
	return cmd
}

type tokenCreated struct {
	ID     string   `json:"id"`
	URI    string   `json:"uri"`
	Relays []string `json:"relays"`
	Npub   string   `json:"npub_token"`
}

func (a *app) tokenCreate(cmd *cobra.Command, p tokenCreateParams) error {
	return show(cmd.Context(), a, "token.create", p, func(t tokenCreated) error {
		a.say("Paste this link into the app, or scan the code. It is shown once.")
		if err := a.line(t.URI); err != nil {
			return err
		}
		if err := a.qrCode(t.URI); err != nil {
			a.say("(%s)", err)
		}
		if t.Npub != "" {
			a.say("For old apps: %s", t.Npub)
		}
		if len(t.Relays) > 0 {
			a.say("The app will reach the bunker by %s.", shown(strings.Join(t.Relays, ", "), 500))
		}
		return nil
	})
}

func (a *app) tokenListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the links that were made", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys := a.keyNames(cmd.Context())
			return list(cmd.Context(), a, "token.list", "tokens", nil, []string{"ID", "KEY", "CLIENT", "PERSON", "PERMISSIONS", "STATE", "USED", "EXPIRES"},
				"There are no links. Make one: nsecbunker token create KEY --client NAME --perms all",
				func(t tokenView) []string {
					return []string{t.ID, keys.name(t.Key), name(t.Client), name(t.Person), given(t.Perms, t.Policy), t.State, fmt.Sprintf("%d of %d", t.Uses, t.MaxUses), a.when(t.ExpiresAt)}
				})
		},
	}
}

// nothingPermitted says what no permissions mean.
const nothingPermitted = "The app may do nothing unasked: everything is asked (nsecbunker approvals), or refused if the key's default is deny."

// perms is a permission string in a table.
func perms(s string) string {
	if s == "" {
		return "(asks)"
	}
	return shown(s, 60)
}

// given is what a link or a grant gives, in a table.
func given(permissions, policy string) string {
	switch {
	case policy == "":
		return perms(permissions)
	case permissions == "":
		return "policy " + name(policy)
	}
	return "policy " + name(policy) + ", and " + perms(permissions)
}

func (a *app) tokenRevokeCmd() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "take a link back that was not used up", Args: args("ID"), ValidArgsFunction: a.completeTokens,
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), a, "token.revoke", idParam{args[0]}, func(json.RawMessage) error {
				a.say("The link is void. Apps that logged in with it stay: see nsecbunker connections.")
				return nil
			})
		},
	}
}
