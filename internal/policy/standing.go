package policy

import (
	"time"

	"nsecbunker/internal/bunker"
)

// SuspendedWords is what the app of a suspended connection is told.
func SuspendedWords(c *bunker.Connection) string {
	if c.ResumeAt == 0 {
		return "this connection is suspended; ask the bunker's administrator"
	}
	return "this connection is suspended until " + untilText(c.ResumeAt) + "; try again then"
}

// PausedWords is what the apps of a paused key are told.
func PausedWords(k *bunker.UserKey) string {
	if k.PausedUntil == 0 {
		return "this account is paused; ask the bunker's administrator"
	}
	return "this account is paused until " + untilText(k.PausedUntil) + "; try again then"
}

func untilText(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04 UTC") }
