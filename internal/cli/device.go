package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

type deviceView struct {
	ID        string `json:"id"`
	Label     string `json:"label"`
	Person    string `json:"person"`
	State     string `json:"state"`
	Role      string `json:"role"`
	Paired    bool   `json:"paired"`
	Code      string `json:"code"`
	LastLogin stamp  `json:"last_login"`
	ExpiresAt stamp  `json:"expires_at"`
}

type deviceAnswer struct {
	Device deviceView `json:"device"`
}

func (a *app) deviceCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "device", Short: "confirm and revoke the browsers and machines that administer from afar",
		Long: `A browser or machine that logs in with an admin's key for the first time may do nothing until it is confirmed: it shows a code of
six digits, which is typed here, or where somebody is logged in already.`,
	}
	c.AddCommand(a.deviceListCmd(), a.deviceConfirmCmd(), a.deviceRefuseCmd(), a.deviceRevokeCmd(), a.devicePairCmd())
	return c
}

func (a *app) deviceListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "list the devices, those that wait to be confirmed with them", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), a, "device.list", "devices", nil, []string{"DEVICE", "LABEL", "OF", "AT MOST", "STATE", "LAST LOGIN", "CODE"},
				"No device administers this bunker from afar. Let a browser in: nsecbunker device pair",
				func(v deviceView) []string {
					return []string{shown(v.ID, 40), name(v.Label), shown(v.Person, 70), shown(v.Role, 20), shown(v.State, 20), a.when(v.LastLogin), shown(v.Code, 6)}
				})
		},
	}
}

func (a *app) deviceConfirmCmd() *cobra.Command {
	return &cobra.Command{
		Use: "confirm CODE", Short: "let the device in that shows a code", Args: args("CODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), a, "device.confirm", codeParams{args[0]}, func(r deviceAnswer) error {
				a.say("Confirmed: %s of %s.", name(r.Device.Label), shown(r.Device.Person, 70))
				return nil
			})
		},
	}
}

type codeParams struct {
	Digits string `json:"digits"`
}

func (a *app) deviceRefuseCmd() *cobra.Command {
	return &cobra.Command{
		Use: "refuse CODE", Short: "turn the device away that shows a code", Args: args("CODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), a, "device.refuse", codeParams{args[0]}, func(r deviceAnswer) error {
				a.say("Turned away: %s of %s.", name(r.Device.Label), shown(r.Device.Person, 70))
				return nil
			})
		},
	}
}

func (a *app) deviceRevokeCmd() *cobra.Command {
	return &cobra.Command{
		Use: "revoke DEVICE", Short: "do not let a device in any more; its sessions end", Args: args("DEVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), a, "device.revoke", struct {
				Device string `json:"device"`
			}{args[0]}, func(r deviceAnswer) error {
				a.say("Revoked: %s of %s.", name(r.Device.Label), shown(r.Device.Person, 70))
				return nil
			})
		},
	}
}

type pairAnswer struct {
	ID    string `json:"id"`
	Link  string `json:"link"`
	Page  string `json:"page,omitempty"` // the same, as a link that opens the admin app
	Until stamp  `json:"until"`
}

func (a *app) devicePairCmd() *cobra.Command {
	p := struct {
		Role    string `json:"role"`
		Label   string `json:"label"`
		Npub    string `json:"npub,omitempty"`
		Expires string `json:"expires,omitempty"`
	}{}
	cmd := &cobra.Command{
		Use: "pair --role ROLE --label LABEL", Short: "print a one-time link for a device without a Nostr extension, and wait for it", Args: args(),
		Long: `Prints a link to the admin app that is good once and for ten minutes, as text, and as a QR code where a phone can open it, and waits until a device uses it. Both then show six digits: compare them, and
answer. The device may do at most what the role may, until it expires (90 days), and nothing that needs an owner's signature.

  nsecbunker device pair --role approver --label phone`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.Role == "" || p.Label == "" {
				return usageOf(cmd, "--role and --label are needed")
			}
			return a.pair(cmd.Context(), p)
		},
	}
	f := cmd.Flags()
	f.StringVar(&p.Role, "role", "", "the most that the device may do: viewer, approver, operator or owner")
	f.StringVar(&p.Label, "label", "", "what the device is called")
	f.StringVar(&p.Npub, "npub", "", "the admin (`npub`) whose device it is; none: this machine's")
	f.StringVar(&p.Expires, "expires", "", "how long the device may come, such as 30d (90d)")
	a.completeFlag(cmd, "role", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"viewer", "approver", "operator", "owner"}, cobra.ShellCompDirectiveNoFileComp
	})
	return a.proofFlag(a.yesFlag(cmd))
}

// pair makes a link, waits for the device, and asks whether it is the right one.
func (a *app) pair(ctx context.Context, params any) error {
	c, err := a.dial(ctx, a)
	if err != nil {
		return err
	}
	defer c.Close()
	var made pairAnswer
	if err := a.callOn(ctx, c, "device.pair", params, &made); err != nil {
		return err
	}
	if err := a.showLink(ctx, c, &made); err != nil {
		return err
	}
	a.say("Waiting for the device …")
	var came struct {
		Device *deviceView `json:"device"`
	}
	for came.Device == nil {
		if err := a.callOn(ctx, c, "device.wait", map[string]any{"id": made.ID}, &came); err != nil {
			return err
		}
	}
	return a.settlePair(ctx, c, came.Device)
}

// showLink shows the link as one to the admin app, where it is served, and else as
// what is pasted into an app that is served elsewhere.
func (a *app) showLink(ctx context.Context, c Caller, made *pairAnswer) error {
	page, err := a.adminPage(ctx, c)
	if err != nil {
		return err
	}
	link, how := made.Link, "Paste this into the admin app on the device"
	if page != "" {
		made.Page = loginLink(page, made.Link)
		link, how = made.Page, "Open this on the device"
	}
	if a.asJSON {
		return a.json(made)
	}
	a.say("%s; it is good once, %s:\n", how, a.when(made.Until))
	if err := a.line(link); err != nil {
		return err
	}
	if page != "" && !isPublic(page) { // a phone that scanned it would look for the page in itself
		a.say("\nIt opens in browsers of this machine. For a phone, serve the app under a name\n(docs/admin-app.md, On a phone).")
		return nil
	}
	if err := a.qrCode(link); err != nil {
		a.say("(%s)", err)
	}
	return nil
}

func (a *app) settlePair(ctx context.Context, c Caller, d *deviceView) error {
	yes := a.yes
	if !yes {
		var err error
		yes, err = a.yesNo(ctx, fmt.Sprintf("A device calls itself %s. Does it show %s?", name(d.Label), shown(d.Code, 6)))
		if errors.Is(err, errNoTerminal) {
			return fail("this needs a yes, and there is no terminal to type it on").withHint("nsecbunker device confirm %s, if the device shows it", shown(d.Code, 6))
		}
		if err != nil {
			return err
		}
	}
	command := map[bool]string{true: "device.confirm", false: "device.refuse"}[yes]
	var raw json.RawMessage
	if err := a.callOn(ctx, c, command, codeParams{d.Code}, &raw); err != nil {
		return err
	}
	if !yes {
		return fail("nothing was paired: the device was turned away").withHint("if a link fell into other hands, make a new one")
	}
	return showRaw(a, raw, func(r deviceAnswer) error {
		a.say("Paired: %s, at most %s, until %s.", name(r.Device.Label), shown(r.Device.Role, 20), a.when(r.Device.ExpiresAt))
		return nil
	})
}

type sessionView struct {
	ID        string `json:"id"`
	Label     string `json:"label"`
	Person    string `json:"person"`
	Confirmed bool   `json:"confirmed"`
	OpenedAt  stamp  `json:"opened_at"`
	LastAt    stamp  `json:"last_at"`
}

func (a *app) sessionCmd() *cobra.Command {
	c := &cobra.Command{Use: "session", Short: "see and end who is logged in from afar"}
	c.AddCommand(&cobra.Command{
		Use: "list", Short: "list who is logged in from afar", Args: args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), a, "session.list", "sessions", nil, []string{"SESSION", "DEVICE", "OF", "SINCE", "LAST HEARD", "CONFIRMED"},
				"Nobody is logged in from afar.", func(v sessionView) []string {
					return []string{shown(v.ID, 40), name(v.Label), shown(v.Person, 70), a.when(v.OpenedAt), a.when(v.LastAt), map[bool]string{true: "yes", false: "no"}[v.Confirmed]}
				})
		},
	}, &cobra.Command{
		Use: "end SESSION", Short: "end a session", Args: args("SESSION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(cmd.Context(), a, "session.end", struct {
				Session string `json:"session"`
			}{args[0]}, func(json.RawMessage) error {
				a.say("The session is over.")
				return nil
			})
		},
	})
	return c
}
