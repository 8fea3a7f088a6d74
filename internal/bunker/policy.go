package bunker

import "encoding/json"

// PolicyID names a policy; it never changes, its name may.
type PolicyID string

// NewPolicyID returns a fresh random id.
func NewPolicyID() PolicyID { return PolicyID("p" + randomID(idBytes)) }

// Policy is a named, versioned list of rules. Connections are under it by a grant
// that names it; an edit holds for the next request of every one of them.
type Policy struct {
	Tenant      TenantID
	ID          PolicyID
	Name        string // unique in the tenant
	Description string
	// Zone is the IANA name of the time zone of hours and budgets' windows.
	Zone  string
	Rules []Rule
	// Ended: it was deleted; its versions stay readable, its grants grant nothing.
	Ended     bool
	ChangedBy string
	ChangedAt int64 // unix ms
	CreatedAt int64 // unix ms
	// Version is the row's, and the version that people see: the first is 1.
	Version int64
}

// AuthorityRow implements [Authority].
func (p *Policy) AuthorityRow() (TenantID, string, string, int64) {
	return p.Tenant, "policy", string(p.ID), p.Version
}

// Canonical implements [Authority].
func (p *Policy) Canonical() []byte { return p.canonical(p.RulesText()) }

func (p *Policy) canonical(rules []byte) []byte {
	var c canon
	c.str(p.Name)
	c.str(p.Description)
	c.str(p.Zone)
	c.bytes(rules)
	c.flag(p.Ended)
	c.str(p.ChangedBy)
	c.num(p.ChangedAt)
	c.num(p.CreatedAt)
	return c.b
}

// RulesText is the rules as they are stored: JSON in the order of the fields of
// [Rule], the same bytes for the same rules.
func (p *Policy) RulesText() []byte {
	b, err := json.Marshal(p.Rules)
	if err != nil {
		panic("bunker: rules that cannot be written: " + err.Error()) // every field can
	}
	return b
}

// PolicyText is a policy whose rules are still their text, as it was stored; its MAC is
// the policy's. Where that is right the text is what RulesText wrote, and nobody need
// read the rules and write them again to know it.
type PolicyText struct {
	Policy
	Text []byte
}

// Canonical implements [Authority].
func (p *PolicyText) Canonical() []byte { return p.canonical(p.Text) }

// PolicyHead is what deciding goes by of a policy, its rules aside.
type PolicyHead struct {
	Tenant  TenantID
	ID      PolicyID
	Name    string
	Zone    string
	Ended   bool
	Version int64
}

// Head is the policy's.
func (p *Policy) Head() *PolicyHead {
	return &PolicyHead{Tenant: p.Tenant, ID: p.ID, Name: p.Name, Zone: p.Zone, Ended: p.Ended, Version: p.Version}
}

// PolicyAt is a verified version of a policy, with the MAC that it was verified
// by: a compiled policy may be kept under id, version and MAC. What it points at is
// shared, and never changes.
type PolicyAt struct {
	*PolicyHead
	Rules PackedRules
	MAC   [32]byte
}

// PolicyVersion is a version of a policy that stays readable for ever: what
// records of its time speak of. It grants nothing, and its MAC is not good for a
// row of policy, so an old version cannot be put back by copying it.
type PolicyVersion struct{ Policy }

// AuthorityRow implements [Authority].
func (p *PolicyVersion) AuthorityRow() (TenantID, string, string, int64) {
	return p.Tenant, "policy_version", string(p.ID), p.Version
}
