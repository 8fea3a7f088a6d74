package bunker

// Window is one stretch of time in which a budget counts the uses of a rule. It is
// the policy's and the rule's by id, not by version: editing a policy refills
// nothing.
type Window struct {
	Policy PolicyID
	Rule   string // the rule's id
	// Scope says whose uses are counted together: "connection c…", "key k…" or
	// "policy".
	Scope string
	// Name is "total", or the calendar window: "day 2026-11-29", "hour …",
	// "minute …" (its beginning, unix ms).
	Name string
}

// Charge is one use of a window, spent with the commit that it allowed.
type Charge struct {
	Window
	Limit int64
	// From and Until bound the window by ledger time (unix ms; Until is exclusive,
	// 0: it never ends). A commit outside is of another window and is decided anew.
	From, Until int64
}

// Covers reports whether a time (unix ms) lies in the charge's window.
func (c *Charge) Covers(now int64) bool { return now >= c.From && (c.Until == 0 || now < c.Until) }
