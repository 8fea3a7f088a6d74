package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

type orderView struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	State     string `json:"state"`
	Case      bool   `json:"case"`
	Bunker    string `json:"bunker"`
	People    int64  `json:"people"`
	Sats      int64  `json:"sats"`
	OwedMsat  int64  `json:"owed_msat"`
	Trouble   string `json:"trouble"`
	CreatedAt stamp  `json:"created_at"`
	Payments  []struct {
		Hash     string `json:"hash"`
		State    string `json:"state"`
		Sats     int64  `json:"sats"`
		PaidMsat int64  `json:"paid_msat"`
		OwedMsat int64  `json:"owed_msat"`
		Why      string `json:"why"`
		Refund   string `json:"refund"`
	} `json:"payments"`
}

type orderAnswer struct {
	Order orderView `json:"order"`
}

func (a *app) orderCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "order", Short: "look after what a hosted instance sells",
		Long: `Shows what was ordered at /buy/, and what became of each payment. The bunker only receives: what is owed you give back with your wallet,
and note it here.`,
	}
	c.AddCommand(a.orderListCmd(), a.orderShowCmd(), a.orderRefundCmd(), a.orderRetryCmd(), a.orderPlansCmd())
	return c
}

func (a *app) orderListCmd() *cobra.Command {
	var state string
	var cases bool
	cmd := &cobra.Command{
		Use: "list", Short: "list orders, the newest first", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p := map[string]any{}
			if state != "" {
				p["state"] = state
			}
			if cases {
				p["cases"] = true
			}
			none := "No orders yet. Who wants a bunker orders it on the page /buy/ of this instance; whether it can be paid says: nsecbunker wallet check"
			if len(p) > 0 {
				none = "No order is so. All of them: nsecbunker order list"
			}
			return list(cmd.Context(), a, "order.list", "orders", p, []string{"ORDER", "WHAT", "PEOPLE", "SATS", "STATE", "OWED", "ORDERED"},
				none,
				func(v orderView) []string {
					return []string{shown(v.ID, 40), shown(v.Kind, 20), fmt.Sprint(v.People), fmt.Sprint(v.Sats), orderState(v), owedSats(v.OwedMsat), a.when(v.CreatedAt)}
				})
		},
	}
	cmd.Flags().StringVar(&state, "state", "", "those of one `state`: new, invoiced, lapsed, paid, made, held, closed")
	cmd.Flags().BoolVar(&cases, "cases", false, "those alone that you have to look at")
	return cmd
}

func orderState(v orderView) string {
	s := shown(v.State, 20)
	if v.Case {
		s += ", a case"
	}
	return s
}

func owedSats(msat int64) string {
	if msat == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%03d", msat/1000, msat%1000)
}

func (a *app) orderShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show ORDER", Short: "show one order with every payment for it", Args: args("ORDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.orderDone(cmd, "order.show", map[string]any{"id": args[0]})
		},
	}
}

// orderDone runs a command whose answer is one order, and shows it.
func (a *app) orderDone(cmd *cobra.Command, name string, params map[string]any) error {
	return show(cmd.Context(), a, name, params, func(r orderAnswer) error {
		v := r.Order
		a.say("Order %s: %s for %d people, %d sats, %s.", shown(v.ID, 40), shown(v.Kind, 20), v.People, v.Sats, orderState(v))
		if v.Bunker != "" {
			a.say("Its bunker is %s.", shown(v.Bunker, 40))
		}
		if v.Trouble != "" {
			a.say("The last try failed: %s.", shown(v.Trouble, 240))
		}
		if len(v.Payments) == 0 {
			return nil
		}
		rows := make([][]string, 0, len(v.Payments))
		for _, p := range v.Payments {
			why := p.Why
			if p.Refund != "" {
				why += "; given back: " + p.Refund
			}
			rows = append(rows, []string{shown(p.Hash, 64), shown(p.State, 20), fmt.Sprint(p.Sats), owedSats(p.PaidMsat), owedSats(p.OwedMsat), shown(why, 240)})
		}
		return a.table([]string{"PAYMENT", "STATE", "ASKED", "CAME", "OWED", "WHY"}, rows)
	})
}

func (a *app) orderRefundCmd() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "refund ORDER PAYMENT", Short: "note that you gave back what is owed of a payment", Args: args("ORDER", "PAYMENT"),
		Long: `Notes that you gave back, with your wallet, what is owed of a payment: the bunker itself cannot pay. An order that was paid and not made
yet is not made then.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if note == "" {
				return usageOf(cmd, "--note is missing: say how you gave it back, for who asks later")
			}
			return a.orderDone(cmd, "order.refund", map[string]any{"id": args[0], "payment": args[1], "note": note})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "how you gave it back, a few `words`")
	return cmd
}

func (a *app) orderRetryCmd() *cobra.Command {
	return &cobra.Command{
		Use: "retry ORDER", Short: "try an order again now; what came late or in part counts then", Args: args("ORDER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.orderDone(cmd, "order.retry", map[string]any{"id": args[0]})
		},
	}
}

type planView struct {
	Bunker   string `json:"bunker"`
	People   int64  `json:"people"`
	Until    stamp  `json:"until"`
	Trial    bool   `json:"trial"`
	Stage    string `json:"stage"`
	DeleteAt stamp  `json:"delete_at"`
	Untold   bool   `json:"untold"`
}

func (a *app) orderPlansCmd() *cobra.Command {
	return &cobra.Command{
		Use: "plans", Short: "list what bunkers are paid for, and until when", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), a, "plan.list", "plans", nil, []string{"BUNKER", "PEOPLE", "PAID UNTIL", "STAGE"},
				"No bunker here was bought yet. What was ordered: nsecbunker order list",
				func(v planView) []string {
					stage := shown(v.Stage, 20)
					if v.Trial {
						stage += ", a trial"
					}
					if v.Untold {
						stage += ", its owners could not be told"
					}
					return []string{shown(v.Bunker, 40), fmt.Sprint(v.People), v.Until.Local().Format("2006-01-02 15:04"), stage}
				})
		},
	}
}
