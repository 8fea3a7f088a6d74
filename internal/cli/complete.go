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
