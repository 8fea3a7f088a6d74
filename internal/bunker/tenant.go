package bunker

// TenantState is a tenant's authority: its head row.
type TenantState struct {
	Tenant TenantID
	// SetUp: a root key exists. Until then there is a service key and a setup
	// code only.
	SetUp bool
	// Stopped: "stop everything" holds; undone by an owner only.
	Stopped bool
	// Default effect for new keys.
	Default Effect
	// Reviewed is false after a restore, until an owner has looked at the list
	// of connections.
	Reviewed bool
	// RefuseBefore (unix ms): requests made before a restore are refused.
	RefuseBefore  int64
	Incarnation   string
	IncarnationNo int64
	// Quorum is how many persons must want what.
	Quorum  Quorum
	Version int64

	// Not in the MAC; the chain protects itself, and a standing is the provider's:

	Standing TenantStanding

	ChainSeq   int64
	ChainHead  [32]byte
	LedgerTime int64 // unix ms
	// Quota is the provider's, see there.
	Quota Quota
}

// AuthorityRow implements [Authority].
func (t *TenantState) AuthorityRow() (TenantID, string, string, int64) {
	return t.Tenant, "tenant_head", string(t.Tenant), t.Version
}

// Canonical implements [Authority].
func (t *TenantState) Canonical() []byte {
	var c canon
	c.flag(t.SetUp)
	c.flag(t.Stopped)
	c.num(int64(t.Default))
	c.flag(t.Reviewed)
	c.num(t.RefuseBefore)
	c.str(t.Incarnation)
	c.num(t.IncarnationNo)
	if q := t.Quorum; q != (Quorum{}) { // rows older than quorums keep their MAC
		c.num(int64(q.Export))
		c.num(int64(q.Delete))
		c.num(int64(q.Policy))
		c.num(int64(q.Admins))
	}
	return c.b
}

// Slot is one way to open the root key.
type Slot struct {
	Tenant TenantID
	ID     SlotID
	Kind   SlotKind
	Name   string
	// Params is the kind's own, as JSON (salt and log_n; path; command); no secret.
	Params []byte
	// Wrapped is the root key, closed by what the slot yields.
	Wrapped   []byte
	CreatedAt int64 // unix ms
}

// SlotKind says where a slot's key comes from.
type SlotKind string

// The kinds of slots.
const (
	SlotPassphrase SlotKind = "passphrase"
	SlotFile       SlotKind = "file"
	SlotCredential SlotKind = "credential"
	SlotCommand    SlotKind = "command"
	// SlotProvider is opened by the house's root key: whenever the provider's own
	// bunker is open, so is this one.
	SlotProvider SlotKind = "provider"
)

// NeedsPerson reports whether a slot can be opened without anybody there.
func (k SlotKind) NeedsPerson() bool { return k == SlotPassphrase }
