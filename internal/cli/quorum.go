package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

type quorumView struct {
	Export int `json:"export"`
	Delete int `json:"delete"`
	Policy int `json:"policy"`
	Admins int `json:"admins"`
}

type motionView struct {
	ID      string `json:"id"`
	Command string `json:"command"`
	Params  string `json:"params"`
	MovedBy string `json:"moved_by"`
	Votes   []struct {
		Npub   string `json:"npub"`
		Name   string `json:"name"`
		Counts bool   `json:"counts"`
	} `json:"votes"`
	Have      int   `json:"have"`
	Need      int   `json:"need"`
	ExpiresAt stamp `json:"expires_at"`
}

func (a *app) quorumCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "quorum", Short: "say how many persons must want something, and agree to what waits for more",
		Long: `Shows how many persons must want what. Persons are owners with an npub; neither their devices nor this machine are counted. What needs several waits until enough of them have called the same command, or said yes with nsecbunker quorum approve.`,
		Args: args(), RunE: func(cmd *cobra.Command, _ []string) error { return a.quorumShow(cmd.Context()) },
	}
	c.AddCommand(
		&cobra.Command{
			Use: "show", Short: "show how many persons must want what", Args: args(),
			RunE: func(cmd *cobra.Command, _ []string) error { return a.quorumShow(cmd.Context()) },
		},
		a.quorumSetCmd(), a.quorumListCmd(), a.quorumApproveCmd(), a.quorumWithdrawCmd(),
	)
	return c
}

func (a *app) quorumFacts(q quorumView) [][2]string {
	persons := func(n int) string {
		if n < 2 {
			return "one person"
		}
		return fmt.Sprintf("%d persons", n)
	}
	return [][2]string{
		{"export a key", persons(q.Export)}, {"delete a key", persons(q.Delete)}, {"widen a policy", persons(q.Policy)},
		{"name, invite or remove an admin", persons(q.Admins)},
	}
}

func (a *app) quorumShow(ctx context.Context) error {
	type answer struct {
		Quorum quorumView `json:"quorum"`
		Owners int        `json:"owners"`
	}
	return show(ctx, a, "quorum.show", nil, func(r answer) error {
		return a.facts(append(a.quorumFacts(r.Quorum), [2]string{"owners that count", fmt.Sprint(r.Owners)}))
	})
}

func (a *app) quorumSetCmd() *cobra.Command {
	numbers := map[string]*int{}
	var breakGlass bool
	cmd := &cobra.Command{
		Use: "set", Short: "say how many persons must want what; to change it takes as many as before", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := map[string]any{}
			for n, v := range numbers {
				if cmd.Flags().Changed(n) {
					p[n] = *v
				}
			}
			if len(p) == 0 {
				return usageOf(cmd, "nothing is to be changed; give --export, --delete, --policy or --admins")
			}
			if breakGlass {
				p["break_glass"] = true
			}
			type answer struct {
				Quorum quorumView `json:"quorum"`
			}
			return show(cmd.Context(), a, "quorum.set", p, func(r answer) error { return a.facts(a.quorumFacts(r.Quorum)) })
		},
	}
	for _, n := range [][2]string{
		{"export", "`persons` that must want a key exported"}, {"delete", "`persons` that must want a key deleted"},
		{"policy", "`persons` that must want a policy widened"}, {"admins", "`persons` that must want an admin named, invited or removed"},
	} {
		numbers[n[0]] = cmd.Flags().Int(n[0], 1, n[1])
	}
	return a.proofFlag(glassFlag(cmd, &breakGlass))
}

func (a *app) quorumListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list what waits for more persons", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), a, "quorum.list", "motions", nil, []string{"ID", "WHAT", "WITH", "ASKED BY", "YES", "BY", "UNTIL"},
				"Nothing waits for more persons. What needs several: nsecbunker quorum show",
				func(v motionView) []string {
					var by []string
					for _, vote := range v.Votes {
						n := short(vote.Npub)
						if vote.Name != "" {
							n = name(vote.Name)
						}
						if !vote.Counts {
							n += " (does not count)"
						}
						by = append(by, n)
					}
					yes := fmt.Sprint(v.Have)
					if v.Need > 0 {
						yes = fmt.Sprintf("%d of %d", v.Have, v.Need)
					}
					return []string{v.ID, shown(v.Command, 40), shown(v.Params, 120), who(v.MovedBy), yes, orDash(strings.Join(by, ", ")), a.when(v.ExpiresAt)}
				})
		},
	}
}

func (a *app) quorumApproveCmd() *cobra.Command {
	return a.proofFlag(&cobra.Command{
		Use: "approve ID", Short: "say yes to what waits for more persons; the last yes does it", Args: args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			type answer struct {
				State string `json:"state"`
				Words string `json:"words"`
			}
			return show(cmd.Context(), a, "quorum.approve", idParam{args[0]}, func(r answer) error {
				if r.State == "done" {
					a.say("It is done.")
					return nil
				}
				a.say("%s.", shown(r.Words, 300))
				return nil
			})
		},
	})
}

func (a *app) quorumWithdrawCmd() *cobra.Command {
	return &cobra.Command{
		Use: "withdraw ID", Short: "take your yes back, or what you asked for", Args: args("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), a, "quorum.withdraw", idParam{args[0]}, func(json.RawMessage) error {
				a.say("It is taken back.")
				return nil
			})
		},
	}
}
