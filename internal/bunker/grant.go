package bunker

// Grant is rules given to one connection: by a token, an admin or an approval.
type Grant struct {
	Tenant     TenantID
	ID         GrantID
	Connection ConnectionID
	Effect     Effect // Allow, or Deny (an answer "never", or a cooling-off)
	// Permissions is what it matches, in NIP-46's form ("sign_event:1,ping",
	// "all"). Empty when OpDigest is set.
	Permissions string
	// Policy, when set, is what the grant puts its connection under: the rules of
	// that policy, as they are at each request, since CreatedAt. Effect is then
	// Allow, and Permissions and OpDigest are empty.
	Policy PolicyID
	// OpDigest, when not zero, matches one operation only: the answer "once".
	OpDigest [32]byte
	// Approval is the question that this grant answers; "" for tokens and
	// admins. Unique: a question makes at most one grant.
	Approval ApprovalID
	// Answers names what the grant answers, parts joined by commas: "default",
	// "care" (a row of the table of operations that need special care), "guard",
	// "rule POLICY/RULE@VERSION" (an ask rule; ids), "spent POLICY/RULE@VERSION" (a
	// budget that is used up).
	Answers   string
	MaxUses   int64 // 0: no limit
	ExpiresAt int64 // unix ms, 0: never
	GivenBy   string
	CreatedAt int64 // unix ms
	Ended     bool  // withdrawn before its time
	Version   int64

	// Uses is a budget's counter, spent by a guarded update; not in the MAC.
	Uses int64
}

// Live reports whether the grant counts at the time now (unix ms).
func (g *Grant) Live(now int64) bool {
	return !g.Ended && (g.ExpiresAt == 0 || now < g.ExpiresAt) && (g.MaxUses == 0 || g.Uses < g.MaxUses)
}

// AuthorityRow implements [Authority].
func (g *Grant) AuthorityRow() (TenantID, string, string, int64) {
	return g.Tenant, "connection_grant", string(g.ID), g.Version
}

// Canonical implements [Authority].
func (g *Grant) Canonical() []byte {
	var c canon
	c.str(string(g.Connection))
	c.num(int64(g.Effect))
	c.str(g.Permissions)
	c.bytes(g.OpDigest[:])
	c.str(string(g.Approval))
	c.str(g.Answers)
	c.num(g.MaxUses)
	c.num(g.ExpiresAt)
	c.str(g.GivenBy)
	c.num(g.CreatedAt)
	c.flag(g.Ended)
	if g.Policy != "" { // rows from before there were policies keep their MAC
		c.str(string(g.Policy))
	}
	return c.b
}
