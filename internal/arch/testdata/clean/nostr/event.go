package nostr

import (
	_ "example/internal/secret"
	_ "log/slog"
	"time"
)

type clock struct{}

func (clock) Now() int { return 0 }

func at(time clock) int { return time.Now() } // a parameter, not the package

var _ time.Time
