package bunkertest

import (
	"log/slog"
	"strings"

	"nsecbunker/internal/config"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// allow lets a bunker dial test relays, which are on this machine.
func allow(relays ...*Relay) func(*config.Config) {
	return func(c *config.Config) {
		for _, r := range relays {
			c.Allow = append(c.Allow, strings.TrimPrefix(r.URL, "ws://"))
		}
	}
}
