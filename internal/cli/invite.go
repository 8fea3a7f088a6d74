package cli

import (
	"encoding/json"

	"github.com/spf13/cobra"
)

type inviteView struct {
	ID         string   `json:"id"`
	Role       string   `json:"role"`
	Keys       []string `json:"keys"`
	Name       string   `json:"name"`
	For        string   `json:"for"`
	State      string   `json:"state"`
	InvitedBy  string   `json:"invited_by"`
	AcceptedBy string   `json:"accepted_by"`
	ExpiresAt  stamp    `json:"expires_at"`
}

type inviteParams struct {
	Role       string   `json:"role"`
	Keys       []string `json:"keys,omitempty"`
	Name       string   `json:"name,omitempty"`
	Npub       string   `json:"npub,omitempty"`
	Expires    string   `json:"expires,omitempty"`
	BreakGlass bool     `json:"break_glass,omitempty"`
}

func (a *app) adminInviteCmd() *cobra.Command {
	var p inviteParams
	cmd := &cobra.Command{
		Use: "invite --role ROLE", Short: "invite somebody to be an admin, by a link that is used once", Args: args(),
		Long: `Makes an invitation: whoever opens the link first, and proves an npub, becomes the admin that it names. With --npub nobody else can accept it, and the link holds no secret.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.Role == "" {
				return usageOf(cmd, "--role is missing: viewer, approver, operator or owner")
			}
			type answer struct {
				Invite inviteView `json:"invite"`
				Link   string     `json:"link"`
			}
			return show(cmd.Context(), a, "admin.invite", p, func(r answer) error {
				a.say("Give this to the person. It ends %s; take it back with: nsecbunker admin uninvite %s", a.when(r.Invite.ExpiresAt), r.Invite.ID)
				return a.line(r.Link)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&p.Role, "role", "", "viewer, approver, operator or owner")
	f.StringSliceVar(&p.Keys, "keys", nil, "`keys` that the role is for, with commas between them (default: all, and the whole bunker)")
	f.StringVar(&p.Name, "name", "", "`name` of the person")
	f.StringVar(&p.Npub, "npub", "", "`npub` that alone can accept it")
	f.StringVar(&p.Expires, "expires", "", "`time` in which it can be accepted, such as 24h (default 7d, at most 30d)")
	a.completeFlag(cmd, "role", completeRoles)
	return a.proofFlag(glassFlag(cmd, &p.BreakGlass))
}

func completeRoles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"viewer", "approver", "operator", "owner"}, cobra.ShellCompDirectiveNoFileComp
}

// glassFlag is for commands that may need several persons.
func glassFlag(cmd *cobra.Command, to *bool) *cobra.Command {
	cmd.Flags().BoolVar(to, "break-glass", false, "do it without the other persons that it needs; it is recorded, and every owner is told")
	return cmd
}

func (a *app) adminInvitesCmd() *cobra.Command {
	return &cobra.Command{
		Use: "invites", Short: "list the invitations: by whom, for what, and what became of them", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys := a.keyNames(cmd.Context())
			return list(cmd.Context(), a, "admin.invites", "invites", nil, []string{"ID", "ROLE", "KEYS", "NAME", "STATE", "INVITED BY", "FOR OR ACCEPTED BY", "UNTIL"},
				"Nobody was invited. Invite somebody: nsecbunker admin invite --role ROLE",
				func(v inviteView) []string {
					person := v.AcceptedBy
					if person == "" {
						person = v.For
					}
					return []string{v.ID, v.Role, a.shownKeys(v.Keys, keys), name(v.Name), v.State, who(v.InvitedBy), orDash(person), a.when(v.ExpiresAt)}
				})
		},
	}
}

func (a *app) adminUninviteCmd() *cobra.Command {
	return &cobra.Command{
		Use: "uninvite ID", Short: "take an invitation back that was not accepted yet", Args: args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), a, "admin.uninvite", idParam{args[0]}, func(json.RawMessage) error {
				a.say("The invitation is void.")
				return nil
			})
		},
	}
}

func (a *app) adminSelfCmd() *cobra.Command {
	return &cobra.Command{
		Use: "self", Short: "say who you are to the bunker", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			type answer struct {
				Name   string   `json:"name"`
				Role   string   `json:"role"`
				Keys   []string `json:"keys"`
				Device string   `json:"device"`
			}
			return show(cmd.Context(), a, "admin.self", nil, func(r answer) error {
				facts := [][2]string{{"name", shown(r.Name, 100)}, {"role", shown(r.Role, 20)}, {"keys", a.shownKeys(r.Keys, nil)}}
				if r.Device != "" {
					facts = append(facts, [2]string{"device", name(r.Device)})
				}
				return a.facts(facts)
			})
		},
	}
}
