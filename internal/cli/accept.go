package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/remote"
)

func (a *app) adminAcceptCmd() *cobra.Command {
	return &cobra.Command{
		Use: "accept LINK --admin-key FILE", Short: "accept an invitation: become an admin of another machine's bunker", Args: args("LINK"),
		Long: `Accepts an invitation with your key, and prints what --remote takes from then on. LINK is what admin invite printed, or its code alone beside
--remote. Who was invited by npub gives the connection string. This device is new to the bunker, so somebody confirms it once.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			target, err := a.invitation(args[0])
			if err != nil {
				return err
			}
			return a.accept(cmd.Context(), target)
		},
	}
}

// invitation reads a link, or a code (ID.SECRET) beside --remote.
func (a *app) invitation(text string) (adminwire.ConnectionString, error) {
	if strings.Contains(text, ":") || !strings.Contains(text, ".") {
		target, err := adminwire.ParseConnectionString(text)
		if err != nil {
			return target, usage("LINK: %s", err)
		}
		return target, nil
	}
	where := a.remoteTarget()
	if where == "" {
		return adminwire.ConnectionString{}, usage("a code alone does not say which bunker it is for").withHint("give the whole link; or --remote and the bunker's connection string")
	}
	target, err := adminwire.ParseConnectionString(where)
	if err != nil {
		return target, usage("--remote: %s", err)
	}
	target.Invite = text
	return target, nil
}

// accept logs in with the invitation, which is what accepts it.
func (a *app) accept(ctx context.Context, target adminwire.ConnectionString) error {
	a.remote.accepting = true
	l, err := a.dialRemote(ctx, target.String())
	if err != nil {
		var refused *remote.RefusedError
		if errors.As(err, &refused) && refused.Why.Words == adminwire.NotAnAdmin {
			return fail("the invitation is not valid for your key: it was used, taken back, has ended, or the bunker is sealed").withHint("ask who invited you for a new one")
		}
		return err
	}
	a.afar = l
	defer a.hangUp()
	target.Invite = ""
	type answer struct {
		Name string   `json:"name"`
		Role string   `json:"role"`
		Keys []string `json:"keys"`
	}
	var self answer
	if err := a.callOn(ctx, keptLine{l}, "admin.self", nil, &self); err != nil {
		return err
	}
	if a.asJSON {
		return a.json(map[string]any{"name": self.Name, "role": self.Role, "keys": self.Keys, "remote": target.String()})
	}
	a.say("Your role: %s. Your keys: %s.", shown(self.Role, 20), a.shownKeys(self.Keys, nil))
	a.say("From now on, with the same --admin-key: nsecbunker approvals --remote and this connection string")
	return a.line(target.String())
}
