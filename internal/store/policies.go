package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
)

const policyColumns = `p.tenant, p.id, p.name, p.description, p.zone, p.rules, p.ended, p.changed_by, p.changed_at, p.created_at, p.version, p.mac`

func fillPolicy(row scanner, p *bunker.Policy) (mac []byte, err error) {
	var stored bunker.PolicyText
	if mac, err = fillPolicyText(row, &stored); err != nil {
		return nil, err
	}
	*p = stored.Policy
	p.Rules, err = rulesOf(&stored)
	return mac, err
}

// fillPolicyText leaves the rules as they are stored.
func fillPolicyText(row scanner, p *bunker.PolicyText) (mac []byte, err error) {
	var rules string
	err = row.Scan((*string)(&p.Tenant), (*string)(&p.ID), &p.Name, &p.Description, &p.Zone, &rules, yesno{&p.Ended}, &p.ChangedBy,
		&p.ChangedAt, &p.CreatedAt, &p.Version, &mac)
	p.Text = []byte(rules)
	return mac, err
}

func rulesOf(p *bunker.PolicyText) (rules []bunker.Rule, err error) {
	if err := json.Unmarshal(p.Text, &rules); err != nil {
		// Rules that are no rules were not written here.
		return nil, fmt.Errorf("the rules of policy %s cannot be read: %w (%w)", p.ID, bunker.ErrTampered, err)
	}
	return rules, nil
}

func fillPolicyVersion(row scanner, p *bunker.PolicyVersion) (mac []byte, err error) {
	return fillPolicy(row, &p.Policy)
}

func policyArgs(p *bunker.Policy, mac []byte) []any {
	return []any{
		string(p.Tenant), string(p.ID), p.Name, p.Description, p.Zone, string(p.RulesText()), num(p.Ended), p.ChangedBy, p.ChangedAt,
		p.CreatedAt, p.Version, mac,
	}
}

const (
	policyByID   = `SELECT ` + policyColumns + ` FROM policy p WHERE p.tenant = $1 AND p.id = $2`
	policyByName = `SELECT ` + policyColumns + ` FROM policy p WHERE p.tenant = $1 AND (p.id = $2 OR p.name = $2 AND p.ended = 0)
ORDER BY p.id <> $2 LIMIT 1`
	policiesPage = `SELECT ` + policyColumns + ` FROM policy p WHERE p.tenant = $1 AND p.id > $2 ORDER BY p.id LIMIT $3`
	policyPast   = `SELECT ` + policyColumns + ` FROM policy_version p WHERE p.tenant = $1 AND p.id = $2 AND p.version = $3`
	// The last one of that name and version: names are free again after a deletion.
	policyPastNamed = `SELECT ` + policyColumns + ` FROM policy_version p WHERE p.tenant = $1 AND p.name = $2 AND p.version = $3
AND p.changed_at <= $4 ORDER BY p.changed_at DESC LIMIT 1`
	policyPasts = `SELECT ` + policyColumns + ` FROM policy_version p WHERE p.tenant = $1 AND p.id = $2 AND p.version > $3 ORDER BY p.version LIMIT $4`
)

// Policy returns a policy by its id, or by its name; deleted ones by id only.
func (s *Store) Policy(ctx context.Context, t bunker.TenantID, idOrName string) (*bunker.Policy, error) {
	p, err := one(s, s.read.QueryRowContext(ctx, policyByName, string(t), idOrName), fillPolicy)
	return p, s.explain("reading a policy", orNotFound(err, "policy", idOrName))
}

// Policies returns policies in order of id, deleted ones too.
func (s *Store) Policies(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Policy, error) {
	out, err := all(ctx, s, s.read, fillPolicy, policiesPage, string(t), p.After, p.limit())
	return out, s.explain("listing policies", err)
}

// PolicyVersion returns one version of a policy as it was.
func (s *Store) PolicyVersion(ctx context.Context, t bunker.TenantID, id bunker.PolicyID, version int64) (*bunker.Policy, error) {
	p, err := one(s, s.read.QueryRowContext(ctx, policyPast, string(t), string(id), version), fillPolicyVersion)
	return past(p), s.explain("reading a version of a policy", orNotFound(err, "policy version", fmt.Sprintf("%s@%d", id, version)))
}

// PolicyNamed returns the version of the policy that had a name at a time (unix
// ms): what a record of that time calls "policy name/rule@version".
func (s *Store) PolicyNamed(ctx context.Context, t bunker.TenantID, name string, version, at int64) (*bunker.Policy, error) {
	p, err := one(s, s.read.QueryRowContext(ctx, policyPastNamed, string(t), name, version, at), fillPolicyVersion)
	return past(p), s.explain("reading a version of a policy", orNotFound(err, "policy version", fmt.Sprintf("%s@%d", name, version)))
}

func past(p *bunker.PolicyVersion) *bunker.Policy {
	if p == nil {
		return nil
	}
	return &p.Policy
}

// PolicyVersions returns a policy's versions after a number, the oldest first, at
// most MaxPage.
func (s *Store) PolicyVersions(ctx context.Context, t bunker.TenantID, id bunker.PolicyID, after int64, limit int) ([]bunker.Policy, error) {
	rows, err := all(ctx, s, s.read, fillPolicyVersion, policyPasts, string(t), string(id), after, Page{Limit: limit}.limit())
	out := make([]bunker.Policy, len(rows))
	for i := range rows {
		out[i] = rows[i].Policy
	}
	return out, s.explain("listing a policy's versions", err)
}

// PolicyUse counts what is under a policy.
type PolicyUse struct {
	Connections int // that are, or can become, active again
	Tokens      int // open ones
}

const policyUse = `SELECT (SELECT count(DISTINCT g.connection) FROM connection_grant g JOIN connection c ON c.tenant = g.tenant AND c.id = g.connection
WHERE g.tenant = $1 AND g.policy = $2 AND g.policy <> '' AND g.ended = 0 AND c.state IN ('active', 'suspended', 'pending')
AND (g.expires_at = 0 OR g.expires_at > $3)),
(SELECT count(*) FROM token t WHERE t.tenant = $1 AND t.policy = $2 AND t.policy <> '' AND t.state = 'open' AND (t.expires_at = 0 OR t.expires_at > $3))`

// PolicyUse counts what is under a policy now. The rows are counted, not verified.
func (s *Store) PolicyUse(ctx context.Context, t bunker.TenantID, id bunker.PolicyID) (u PolicyUse, err error) {
	err = s.read.QueryRowContext(ctx, policyUse, string(t), string(id), s.clock.ledger()).Scan(&u.Connections, &u.Tokens)
	return u, s.explain("counting what is under a policy", err)
}

// PolicyUse counts what is under a policy.
func (tx *Tx) PolicyUse(id bunker.PolicyID) (u PolicyUse, err error) {
	err = tx.q.QueryRowContext(tx.ctx, policyUse, string(tx.head.Tenant), string(id), tx.now).Scan(&u.Connections, &u.Tokens)
	return u, err
}

// Policy returns a policy by its id, or by its name; deleted ones by id only.
func (tx *Tx) Policy(idOrName string) (*bunker.Policy, error) {
	p, err := one(tx.s, tx.q.QueryRowContext(tx.ctx, policyByName, string(tx.head.Tenant), idOrName), fillPolicy)
	return p, orNotFound(err, "policy", idOrName)
}

// CountPolicies counts the policies that are not deleted.
func (tx *Tx) CountPolicies() (n int, err error) {
	err = tx.q.QueryRowContext(tx.ctx, `SELECT count(*) FROM policy WHERE tenant = $1 AND ended = 0`, string(tx.head.Tenant)).Scan(&n)
	return n, err
}

// PutPolicy stores a policy under its next version, and that version for ever; for
// versions see PutKey. An edit gives the tenant a new version too, so that every
// decision in flight is made anew.
func (tx *Tx) PutPolicy(p *bunker.Policy) error {
	err := tx.put(p, &p.Version, "policy "+p.Name,
		`SELECT version FROM policy WHERE tenant = $1 AND id = $2`, []any{string(p.Tenant), string(p.ID)},
		`INSERT INTO policy (tenant, id, name, description, zone, rules, ended, changed_by, changed_at, created_at, version, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, description = excluded.description, zone = excluded.zone, rules = excluded.rules,
ended = excluded.ended, changed_by = excluded.changed_by, changed_at = excluded.changed_at, version = excluded.version, mac = excluded.mac`,
		func(mac []byte) []any { return policyArgs(p, mac) })
	if err != nil {
		return err
	}
	mac, err := tx.s.tag(&bunker.PolicyVersion{Policy: *p}, tx.head.SetUp)
	if err != nil {
		return err
	}
	err = tx.exec(`INSERT INTO policy_version (tenant, id, name, description, zone, rules, ended, changed_by, changed_at, created_at, version, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, policyArgs(p, mac)...)
	if err == nil && p.Version > 1 {
		tx.Bump()
	}
	return err
}

// errNoPolicy is a grant whose policy is not there: policies are never deleted, so
// somebody took the row away.
func errNoPolicy(g *bunker.Grant) error {
	return errors.Join(fmt.Errorf("the policy %s of grant %s is not there", g.Policy, g.ID), bunker.TamperedError(g))
}
