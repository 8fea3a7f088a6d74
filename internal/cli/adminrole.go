package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip19"
)

type adminView struct {
	Npub     string   `json:"npub"`
	Role     string   `json:"role"`
	Name     string   `json:"name"`
	Keys     []string `json:"keys"`
	AddedBy  string   `json:"added_by"`
	ActiveAt stamp    `json:"active_at"`
	Legacy   stamp    `json:"legacy_until"`
	Script   bool     `json:"script"`
}

// words is an admin in one line.
func (v *adminView) words(a *app) string {
	text := fmt.Sprintf("%s, %s", v.Npub, shown(v.Role, 20))
	if len(v.Keys) > 0 {
		text += fmt.Sprintf(" of %s", a.shownKeys(v.Keys, nil))
	}
	if v.Name != "" {
		text = name(v.Name) + " " + text
	}
	if v.ActiveAt.After(a.now()) {
		text += ", counts " + a.when(v.ActiveAt)
	}
	if v.Script {
		text += ", by scripts over HTTP, too"
	}
	if v.Legacy.After(a.now()) {
		text += ", by the old admin protocol, too, until " + a.when(v.Legacy)
	}
	return text
}

// shownKeys are the keys of a role, by their names where those are known.
func (a *app) shownKeys(ids []string, names keyNames) string {
	if len(ids) == 0 {
		return "all"
	}
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = names.name(id)
	}
	return shown(strings.Join(list, ", "), 300)
}

func (a *app) adminCmd() *cobra.Command {
	c := &cobra.Command{Use: "admin", Short: "name who administers the bunker from afar"}
	c.AddCommand(a.adminListCmd(), a.adminAddCmd(), a.adminRemoveCmd(), a.adminInviteCmd(), a.adminInvitesCmd(), a.adminUninviteCmd(), a.adminAcceptCmd(), a.adminSelfCmd(), a.adminLegacyCmd(), a.adminScriptCmd(), a.adminHeaderCmd())
	return c
}

func (a *app) adminListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the admins", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys := a.keyNames(cmd.Context())
			return list(cmd.Context(), a, "admin.list", "admins", nil, []string{"NPUB", "ROLE", "KEYS", "NAME", "SINCE", "NAMED BY"},
				"No admin is named; this machine's commands administer the bunker. To name one for other machines: nsecbunker admin add NPUB --role owner",
				func(v adminView) []string {
					return []string{v.Npub, v.Role, a.shownKeys(v.Keys, keys), name(v.Name), a.when(v.ActiveAt), name(v.AddedBy)}
				})
		},
	}
}

func (a *app) adminAddCmd() *cobra.Command {
	p := struct {
		Npub string   `json:"npub"`
		Role string   `json:"role"`
		Name string   `json:"name,omitempty"`
		Keys []string `json:"keys,omitempty"`

		BreakGlass bool `json:"break_glass,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use: "add NPUB --role ROLE", Short: "name an admin, or give one another role", Args: args("NPUB"),
		Long: `Names an admin, or gives one another role:

  viewer     sees everything but secrets
  approver   also answers what apps ask for, suspends, stops everything
  operator   also adds and locks keys, makes links, edits connections
  owner      everything

A further owner counts after 24 hours, and every admin is told.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.Role == "" {
				return usageOf(cmd, "--role is missing: viewer, approver, operator or owner")
			}
			// Before the passphrase is asked for.
			if _, err := bunker.ParseRole(p.Role); err != nil {
				return usageOf(cmd, "--role: %s", err)
			}
			if err := checkNpub("that is no npub", args[0]); err != nil {
				return err
			}
			p.Npub = args[0]
			type answer struct {
				Admin adminView `json:"admin"`
			}
			return show(cmd.Context(), a, "admin.add", p, func(r answer) error {
				a.say("Named: %s.", r.Admin.words(a))
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&p.Role, "role", "", "viewer, approver, operator or owner")
	cmd.Flags().StringVar(&p.Name, "name", "", "`name` of the person")
	cmd.Flags().StringSliceVar(&p.Keys, "keys", nil, "`keys` that the role is for, with commas between them (default: all, and the whole bunker)")
	a.completeFlag(cmd, "role", completeRoles)
	return a.proofFlag(glassFlag(cmd, &p.BreakGlass))
}

func (a *app) adminRemoveCmd() *cobra.Command {
	var breakGlass bool
	return glassFlag(a.proofFlag(a.yesFlag(&cobra.Command{
		Use: "remove NPUB", Short: "take an admin's role away", Args: args("NPUB"), ValidArgsFunction: a.completeAdmins,
		RunE: func(cmd *cobra.Command, args []string) error {
			pub, err := publicKey("that is no npub", args[0])
			if err != nil {
				return err
			}
			is := func(raw json.RawMessage) bool {
				var v adminView
				return json.Unmarshal(raw, &v) == nil && v.Npub == nip19.EncodeNpub(pub)
			}
			none := fail("this npub is no admin here").withHint("nsecbunker admin list")
			what := shown(args[0], 80) + " may then do nothing here any more."
			if err := a.confirmAmong(cmd.Context(), "admin.list", "admins", is, none, what, "remove"); err != nil {
				return err
			}
			return show(cmd.Context(), a, "admin.remove", struct {
				Npub       string `json:"npub"`
				BreakGlass bool   `json:"break_glass,omitempty"`
			}{args[0], breakGlass}, func(json.RawMessage) error {
				a.say("The admin is removed.")
				return nil
			})
		},
	})), &breakGlass)
}

func (a *app) clockCmd() *cobra.Command {
	c := &cobra.Command{Use: "clock", Short: "after the machine's clock jumped: say that it is right"}
	c.AddCommand(a.proofFlag(a.yesFlag(&cobra.Command{
		Use: "accept", Short: "accept the machine's clock as right after it jumped", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			what := "This machine's clock says " + a.now().Format("2006-01-02 15:04:05 MST") + ". Waiting periods and expiries count by it from now on."
			if err := a.confirm(cmd.Context(), what, "right"); err != nil {
				return err
			}
			return show(cmd.Context(), a, "clock.accept", nil, func(json.RawMessage) error {
				a.say("The clock is accepted.")
				return nil
			})
		},
	})))
	return c
}
