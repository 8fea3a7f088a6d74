package cli

import "github.com/spf13/cobra"

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
