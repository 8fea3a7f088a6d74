package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

type adminView struct {
	Npub     string `json:"npub"`
	Role     string `json:"role"`
	Name     string `json:"name"`
	AddedBy  string `json:"added_by"`
	ActiveAt stamp  `json:"active_at"`
}

// words is an admin in one line.
func (v *adminView) words(a *app) string {
	text := fmt.Sprintf("%s, %s", v.Npub, shown(v.Role, 20))
	if v.Name != "" {
		text = name(v.Name) + " " + text
	}
	if v.ActiveAt.After(a.now()) {
		text += ", counts " + a.when(v.ActiveAt)
	}
	return text
}

func (a *app) adminCmd() *cobra.Command {
	c := &cobra.Command{Use: "admin", Short: "name who administers the bunker from afar"}
	c.AddCommand(a.adminListCmd(), a.adminAddCmd(), a.adminRemoveCmd())
	return c
}

func (a *app) adminListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the admins", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), a, "admin.list", "admins", nil, []string{"NPUB", "ROLE", "NAME", "SINCE", "NAMED BY"},
				"No admin is named; this machine's commands administer the bunker. To name one for other machines: nsecbunker admin add NPUB --role owner",
				func(v adminView) []string {
					return []string{v.Npub, v.Role, name(v.Name), a.when(v.ActiveAt), name(v.AddedBy)}
				})
		},
	}
}

func (a *app) adminAddCmd() *cobra.Command {
	p := struct {
		Npub string `json:"npub"`
		Role string `json:"role"`
		Name string `json:"name,omitempty"`
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
	a.completeFlag(cmd, "role", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"viewer", "approver", "operator", "owner"}, cobra.ShellCompDirectiveNoFileComp
	})
	return a.proofFlag(cmd)
}

func (a *app) adminRemoveCmd() *cobra.Command {
	return a.proofFlag(a.yesFlag(&cobra.Command{
		Use: "remove NPUB", Short: "take an admin's role away", Args: args("NPUB"), ValidArgsFunction: a.completeAdmins,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.confirm(cmd.Context(), shown(args[0], 80)+" may then do nothing here any more.", "remove"); err != nil {
				return err
			}
			return show(cmd.Context(), a, "admin.remove", struct {
				Npub string `json:"npub"`
			}{args[0]}, func(json.RawMessage) error {
				a.say("The admin is removed.")
				return nil
			})
		},
	}))
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
