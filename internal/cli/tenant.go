package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// tenantView is a bunker that is hosted here, as its provider sees it.
type tenantView struct {
	ID               string `json:"id"`
	Label            string `json:"label"`
	State            string `json:"state"`
	Order            string `json:"order"`
	Why              string `json:"why"`
	CreatedAt        stamp  `json:"created_at"`
	HeldAt           stamp  `json:"held_at"`
	EndedAt          stamp  `json:"ended_at"`
	ConnectionString string `json:"connection_string"`
	Open             bool   `json:"open"`
	Unlimited        bool   `json:"unlimited"`
	People           int64  `json:"people"`
	Keys             int64  `json:"keys"`
	Rate             int64  `json:"rate"`
	ByHand           bool   `json:"by_hand"`
}

// bounds are what it may use, in words.
func (v *tenantView) bounds() string {
	words := "no bound"
	if !v.Unlimited {
		words = fmt.Sprintf("%d people, %d keys, %d requests a second", v.People, v.Keys, v.Rate)
	}
	if v.ByHand {
		words += " (set by hand)"
	}
	return words
}

type tenantAnswer struct {
	Tenant tenantView `json:"tenant"`
}

func (a *app) tenantCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "tenant", Short: "host bunkers for others (start --hosted)",
		Long: `Hosts bunkers for others beside your own, in an instance that was started with --hosted. Nothing here shows or changes the keys,
apps, policies or people of another bunker: those are its owner's.`,
	}
	c.AddCommand(a.tenantAddCmd(), a.tenantListCmd(), a.tenantShowCmd(), a.tenantSuspendCmd(), a.tenantResumeCmd(), a.tenantQuotaCmd(), a.tenantCodeCmd(), a.tenantBackupCmd(), a.tenantRestoreCmd(), a.tenantEndCmd())
	return c
}

func (a *app) tenantAddCmd() *cobra.Command {
	var label, order string
	var admins []string
	var q quotaFlags
	cmd := &cobra.Command{
		Use: "add", Short: "make a bunker for somebody else", Args: args(),
		Long: `Makes a bunker for somebody else, and shows its connection string and its setup code: give both to its owner, who sets it up in the
admin app or with nsecbunker setup --remote. The code is shown once; nsecbunker tenant code makes another one.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := q.check(cmd); err != nil {
				return err
			}
			for _, n := range admins {
				if err := checkNpub("--admin", n); err != nil {
					return err
				}
			}
			p := map[string]any{}
			for k, v := range map[string]string{"label": label, "order": order} {
				if v != "" {
					p[k] = v
				}
			}
			if len(admins) > 0 {
				p["admins"] = admins
			}
			q.into(p)
			type added struct {
				tenantAnswer
				SetupCode string `json:"setup_code"`
				Again     bool   `json:"again"`
			}
			return show(cmd.Context(), a, "tenant.add", p, func(r added) error {
				if r.Again {
					a.say("The bunker %s was made for this order before.", shown(r.Tenant.ID, 40))
				} else {
					a.say("The bunker %s is made. For its owner:", shown(r.Tenant.ID, 40))
				}
				return a.sayReach(r.Tenant.ConnectionString, r.SetupCode)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&label, "label", "", "your `word` for it")
	f.StringArrayVar(&admins, "admin", nil, "`npub` of somebody who may set it up (repeatable; none: whoever has the code)")
	q.flags(f)
	f.StringVar(&order, "order", "", "`name` of what it is made for: for one there is one bunker, however often this is called")
	return cmd
}

// sayReach prints where a bunker is found, and the code that sets it up.
func (a *app) sayReach(where, code string) error {
	if code == "" {
		return a.line(where)
	}
	return a.table([]string{"CONNECTION STRING", "SETUP CODE"}, [][]string{{shown(where, 2000), shown(code, 100)}})
}

func (a *app) tenantListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the bunkers that are hosted here", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), a, "tenant.list", "tenants", nil, []string{"BUNKER", "LABEL", "STATE", "OPEN", "MADE", "ORDER"},
				"No bunker is hosted here. In an instance that was started with --hosted, this makes one: nsecbunker tenant add",
				func(v tenantView) []string {
					open := "no"
					if v.Open {
						open = "yes"
					}
					return []string{shown(v.ID, 40), shown(v.Label, 60), shown(v.State, 20), open, v.CreatedAt.Local().Format("2006-01-02"), shown(v.Order, 60)}
				})
		},
	}
}

func (a *app) tenantShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "show one bunker that is hosted here", Args: args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.tenantDone(cmd, "tenant.show", map[string]any{"id": args[0]})
		},
	}
}

// tenantDone runs a command whose answer is one bunker, and shows it.
func (a *app) tenantDone(cmd *cobra.Command, name string, params map[string]any) error {
	return show(cmd.Context(), a, name, params, func(r tenantAnswer) error {
		v := r.Tenant
		state := v.State
		if v.Why != "" {
			state += ": " + v.Why
		}
		return a.table([]string{"BUNKER", "LABEL", "STATE", "MAY USE", "CONNECTION STRING"},
			[][]string{{shown(v.ID, 40), shown(v.Label, 60), shown(state, 240), v.bounds(), shown(v.ConnectionString, 2000)}})
	})
}

func (a *app) tenantSuspendCmd() *cobra.Command {
	var why string
	var readOnly bool
	cmd := &cobra.Command{
		Use: "suspend ID", Short: "suspend a bunker: nothing is signed, its people can look, export and revoke", Args: args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if why == "" {
				return usageOf(cmd, "--why is missing: its people are told the reason")
			}
			p := map[string]any{"id": args[0], "why": why}
			if readOnly {
				p["read_only"] = true
			}
			return a.tenantDone(cmd, "tenant.suspend", p)
		},
	}
	cmd.Flags().StringVar(&why, "why", "", "the `reason`, which its people are told")
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "say that it waits to be renewed, not that you suspended it")
	return cmd
}

func (a *app) tenantResumeCmd() *cobra.Command {
	return &cobra.Command{
		Use: "resume ID", Short: "let a bunker work again", Args: args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.tenantDone(cmd, "tenant.resume", map[string]any{"id": args[0]})
		},
	}
}

// quotaFlags are what a bunker may use.
type quotaFlags struct{ people, keys, rate int64 }

func (q *quotaFlags) flags(f *pflag.FlagSet) {
	f.Int64Var(&q.people, "people", 0, "how `many` may sign (none of the three: no bound)")
	f.Int64Var(&q.keys, "keys", 0, "how `many` keys there may be (10)")
	f.Int64Var(&q.rate, "rate", 0, "`requests` a second, in the long run (50)")
}

func (q *quotaFlags) check(cmd *cobra.Command) error { return someOf(cmd, "people", "keys", "rate") }

func (q *quotaFlags) into(p map[string]any) {
	for name, n := range map[string]int64{"people": q.people, "keys": q.keys, "rate": q.rate} {
		if n != 0 {
			p[name] = n
		}
	}
}

func (a *app) tenantQuotaCmd() *cobra.Command {
	var q quotaFlags
	var asBought bool
	cmd := &cobra.Command{
		Use: "quota ID", Short: "say what a bunker may use", Args: args("ID"),
		Long: `Says what a bunker may use. Of one that was bought it stands, also when it is renewed, until its people buy it for another number of
people, or --as-bought gives them what they bought.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := q.check(cmd); err != nil {
				return err
			}
			p := map[string]any{"id": args[0]}
			q.into(p)
			if asBought {
				p["as_bought"] = true
			}
			return a.tenantDone(cmd, "tenant.quota", p)
		},
	}
	q.flags(cmd.Flags())
	cmd.Flags().BoolVar(&asBought, "as-bought", false, "undo what was set by hand: what its people bought counts")
	return cmd
}

func (a *app) tenantCodeCmd() *cobra.Command {
	return &cobra.Command{
		Use: "code ID", Short: "make the setup code of a bunker anew that nobody has set up", Args: args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			type coded struct {
				SetupCode        string `json:"setup_code"`
				ConnectionString string `json:"connection_string"`
			}
			return show(cmd.Context(), a, "tenant.code", map[string]any{"id": args[0]}, func(r coded) error {
				return a.sayReach(r.ConnectionString, r.SetupCode)
			})
		},
	}
}

func (a *app) tenantEndCmd() *cobra.Command {
	return a.proofFlag(a.yesFlag(&cobra.Command{
		Use: "end ID", Short: "end a bunker and erase it", Args: args("ID"),
		Long: `Ends a bunker and erases it: its keys, its log, everything. It must have been suspended or read-only for 24 hours, so that its people
heard of it and could export, or never set up.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			what := "The bunker " + shown(args[0], 40) + " is erased, with keys that may exist nowhere else. Nobody can bring them back."
			if err := a.confirmOf(cmd.Context(), "tenant.show", idParam{args[0]}, what, "erase"); err != nil {
				return err
			}
			type ended struct {
				Stays string `json:"stays"`
			}
			return show(cmd.Context(), a, "tenant.end", map[string]any{"id": args[0]}, func(r ended) error {
				a.say("It is erased. What stays: %s.", shown(r.Stays, 400))
				return nil
			})
		},
	}))
}
