package cli

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const (
	// completeRows is how many names a completion offers at most.
	completeRows = 200
	// completeTimeout is how long a shell waits for the bunker.
	completeTimeout = 2 * time.Second
)

// completeKeys offers the names of keys for the first argument.
func (a *app) completeKeys(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.complete(cmd, "key.list", "keys", prefix, func(raw json.RawMessage) (string, string) {
		var k keyView
		if json.Unmarshal(raw, &k) != nil {
			return "", ""
		}
		return k.Name, short(k.Npub)
	})
}

// complete offers what a list of the bunker holds; a bunker that is not there, or
// sealed, offers nothing.
func (a *app) complete(cmd *cobra.Command, command, field, prefix string, pick func(json.RawMessage) (value, about string)) ([]string, cobra.ShellCompDirective) {
	if a.remoteTarget() != "" { // a shell's Tab logs nobody in
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completeTimeout)
	defer cancel()
	rows, err := a.pages(ctx, command, field, nil, completeRows)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, r := range rows {
		value, about := pick(r)
		if value == "" || !strings.HasPrefix(value, prefix) {
			continue
		}
		if about != "" {
			value += "\t" + about
		}
		out = append(out, value)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeTokens offers the ids of tokens.
func (a *app) completeTokens(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.complete(cmd, "token.list", "tokens", prefix, func(raw json.RawMessage) (string, string) {
		var t tokenView
		if json.Unmarshal(raw, &t) != nil {
			return "", ""
		}
		return t.ID, shown(t.Client, bunkerName)
	})
}

// completeConnections offers the ids of connections.
func (a *app) completeConnections(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.complete(cmd, "connection.list", "connections", prefix, func(raw json.RawMessage) (string, string) {
		var c connectionView
		if json.Unmarshal(raw, &c) != nil {
			return "", ""
		}
		return c.ID, name(c.Name) + ", " + c.State
	})
}

// completeApprovals offers the ids of open questions.
func (a *app) completeApprovals(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.complete(cmd, "approval.list", "approvals", prefix, func(raw json.RawMessage) (string, string) {
		var q approvalView
		if json.Unmarshal(raw, &q) != nil {
			return "", ""
		}
		return q.ID, shown(q.Sentence, 120)
	})
}

// completeFlag offers values for a flag.
func (a *app) completeFlag(cmd *cobra.Command, flag string, offer func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)) {
	err := cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
		return offer(cmd, nil, prefix)
	})
	if err != nil {
		panic("cli: " + err.Error()) // the flag is not there: a bug
	}
}

// completeSlots offers the names of key slots.
func (a *app) completeSlots(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.complete(cmd, "slot.list", "slots", prefix, func(raw json.RawMessage) (string, string) {
		var s slotView
		if json.Unmarshal(raw, &s) != nil {
			return "", ""
		}
		return s.Name, s.Kind
	})
}

// completeAdmins offers the npubs of admins.
func (a *app) completeAdmins(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.complete(cmd, "admin.list", "admins", prefix, func(raw json.RawMessage) (string, string) {
		var v adminView
		if json.Unmarshal(raw, &v) != nil {
			return "", ""
		}
		return v.Npub, v.Role + " " + name(v.Name)
	})
}

// completeRelays offers the relays that are set.
func (a *app) completeRelays(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.complete(cmd, "relay.list", "relays", prefix, func(raw json.RawMessage) (string, string) {
		var r relayView
		if json.Unmarshal(raw, &r) != nil || r.State == stateOwn {
			return "", ""
		}
		return r.URL, r.State
	})
}
