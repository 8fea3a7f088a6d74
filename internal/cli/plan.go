package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

type paidView struct {
	People   int64  `json:"people"`
	Until    stamp  `json:"until"`
	Trial    bool   `json:"trial"`
	Next     stamp  `json:"next"`
	DeleteAt stamp  `json:"delete_at"`
	Stage    string `json:"stage"`
}

type planAnswer struct {
	Plan  paidView `json:"plan"`
	Years []int64  `json:"years"`
}

type planOrderView struct {
	State   string `json:"state"`
	Sats    int64  `json:"sats"`
	Owed    int64  `json:"owed_sats"`
	Trouble string `json:"trouble"`
	Invoice string `json:"invoice"`
}

type planOrderAnswer struct {
	Order planOrderView `json:"order"`
}

func (a *app) planCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "plan", Short: "see what a hosted bunker is paid for, and renew it",
		Long: "Shows until when a bunker that was bought is paid, and buys more. A bunker of your own needs no renewal.",
	}
	c.AddCommand(a.planShowCmd(), a.planRenewCmd())
	return c
}

func (a *app) planShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "show for how many people it is, until when, and what comes then", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return show(cmd.Context(), a, "plan.show", nil, a.printPlan)
		},
	}
}

func (a *app) printPlan(v planAnswer) error {
	p := v.Plan
	rows := [][2]string{{"People", fmt.Sprint(p.People)}, {"Paid until", localTime(p.Until)}, {"Now", planStage(p)}}
	if p.DeleteAt.ms() != 0 {
		rows = append(rows, [2]string{"Deleted", "on " + localTime(p.DeleteAt) + " at the earliest"})
	}
	if n := p.People; n >= 1 && n <= int64(len(v.Years)) {
		rows = append(rows, [2]string{"A year more", fmt.Sprintf("%d sats", v.Years[n-1])})
	}
	return a.facts(rows)
}

func planStage(p paidView) string {
	switch p.Stage {
	case "paid":
		if p.Trial {
			return "a trial; everything works"
		}
		return "everything works"
	case "grace":
		return "not paid any more; everything works until " + localTime(p.Next)
	case "read-only":
		return "not paid any more: it can be read and exported, and signs nothing"
	}
	return "not paid any more: it can be read and exported, and will be deleted"
}

func localTime(s stamp) string { return s.Local().Format("2006-01-02 15:04") }

func (a *app) planRenewCmd() *cobra.Command {
	var people int64
	var rest, wait bool
	cmd := &cobra.Command{
		Use: "renew", Short: "buy a year more, or more people for the rest of the time", Args: args(),
		Long: `Has an invoice made for a year more, prints it, and waits until it is paid. What is left of the time that was paid counts. Interrupting it loses
nothing: an invoice that is paid counts all the same.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := someOf(cmd, "people"); err != nil {
				return err
			}
			if rest && people == 0 {
				return usageOf(cmd, "--rest needs --people: for how many people it shall be")
			}
			return a.planRenew(cmd.Context(), people, !rest, wait)
		},
	}
	cmd.Flags().Int64Var(&people, "people", 0, "for so many `people`; as many as now if it is not given")
	cmd.Flags().BoolVar(&rest, "rest", false, "no year more: another number of people for the rest of the time")
	cmd.Flags().BoolVar(&wait, "wait", true, "wait until it is paid")
	return cmd
}

func (a *app) planRenew(ctx context.Context, people int64, year, wait bool) error {
	if people == 0 {
		var now planAnswer
		if err := a.call(ctx, "plan.show", nil, &now); err != nil {
			return err
		}
		people = now.Plan.People
	}
	wanted := map[string]any{"people": people, "year": year}
	var quote struct {
		Sats  int64 `json:"sats"`
		Until stamp `json:"until"`
	}
	if err := a.call(ctx, "plan.quote", wanted, &quote); err != nil {
		return err
	}
	a.say("%d sats for %s; then it is paid until %s.", quote.Sats, count(int(people), "seat"), localTime(quote.Until))
	name := strings.ToLower(rand.Text())
	wanted["order"] = name
	var raw json.RawMessage
	if err := a.call(ctx, "plan.renew", wanted, &raw); err != nil {
		return err
	}
	return a.planWait(ctx, name, raw, wait)
}

// planWait prints the invoice once, and follows the order to its end.
func (a *app) planWait(ctx context.Context, name string, raw json.RawMessage, wait bool) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	printed, troubled := false, ""
	for first := true; ; first = false {
		var v planOrderAnswer
		if err := json.Unmarshal(raw, &v); err != nil {
			return unreadable(err)
		}
		o := v.Order
		if o.Invoice != "" && !printed {
			printed = true
			if err := a.invoice(o.Invoice, raw); err != nil || !wait {
				return err
			}
		}
		if o.Trouble != troubled {
			troubled = o.Trouble
			if troubled != "" {
				a.say("It is tried again: %s.", shown(troubled, 240))
			}
		}
		if !planMoves(o.State) {
			return planEnd(a, o)
		}
		if !first { // the invoice is mostly there at once
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		raw = nil
		if err := a.call(ctx, "plan.order", map[string]any{"order": name}, &raw); err != nil {
			return err
		}
	}
}

// invoice prints an invoice: the text is data, its picture is for a phone.
func (a *app) invoice(text string, raw json.RawMessage) error {
	if a.asJSON {
		return a.rawJSON(raw)
	}
	if err := a.qrCode(strings.ToUpper(shown(text, 4000))); err != nil {
		return err
	}
	a.say("Pay this with a Lightning wallet:")
	fmt.Fprintln(a.Out, shown(text, 4000))
	return nil
}

func planMoves(state string) bool { return state == "new" || state == "invoiced" || state == "paid" }

func planEnd(a *app, o planOrderView) error {
	switch o.State {
	case "made":
		a.say("It is paid. See: nsecbunker plan show")
		if o.Owed > 0 {
			a.say("%d sats more came than was asked for; your provider sees it.", o.Owed)
		}
		return nil
	case "lapsed":
		return fail("the invoice was not paid in time; nothing was changed").withHint("nsecbunker plan renew")
	}
	return fail("what came does not buy it: it was too little, or too late (%s); your provider sees it", shown(o.State, 20)).withHint("nsecbunker plan show")
}
