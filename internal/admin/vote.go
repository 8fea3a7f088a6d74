package admin

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// Several persons for one act (security.md section 5, Quorum). Whoever calls a command
// that needs several says yes to it; the call of the last one does it, in the same
// transaction as his yes. Persons are npubs with the role, for the key: devices add
// nobody, and the machine's own administrator, who may be any of them, is none.

// QuorumOf is which quorum a command needs.
type QuorumOf uint8

// The quorums. The zero value is one person.
const (
	QuorumNone   QuorumOf = iota
	QuorumExport          // keys leave
	QuorumDelete          // keys are deleted
	QuorumPolicy          // a policy is widened
	QuorumAdmins          // who is an admin
	QuorumItself          // the quorums themselves: as many as the largest of them
	// QuorumAsked: the command itself asks for the votes, where it turns out that it
	// needs them: Call.wants for an act that only sometimes needs several persons
	// (an edit that widens a policy), Call.vote for the rule of a question.
	QuorumAsked
)

// of is how many persons it takes.
func (k QuorumOf) of(q bunker.Quorum) int {
	return map[QuorumOf]int{
		QuorumExport: q.Export, QuorumDelete: q.Delete, QuorumPolicy: q.Policy, QuorumAdmins: q.Admins, QuorumItself: q.Most(),
	}[k]
}

const (
	// MotionLife is how long a yes waits for others.
	MotionLife = 72 * time.Hour
	// MaxMotions is how many can wait at once.
	MaxMotions = 100
	// GlassTold is how long the status says that something was done without the
	// persons that it needs.
	GlassTold = 30 * 24 * time.Hour
	// BreakGlass is the action of the record that says so.
	BreakGlass = "break_glass"
)

// motion is what the votes of a call are for.
type motion struct {
	params []byte
	digest [32]byte
	key    bunker.KeyID
	// policy is the version of the policy that it is about; 0 for none.
	policy int64
}

// motionOf is what a call's votes are bound to: the command and its parameters in one
// spelling, keys and what belongs to them by id. Secrets are no part of it: nobody
// else can know them, and they decide nothing.
func (t *Table) motionOf(ctx context.Context, c *Command, params reflect.Value) (*motion, error) {
	m := &motion{}
	fields := map[string]json.RawMessage{}
	for _, f := range orderedFields(c.params) {
		v := params.FieldByIndex(f.index)
		if f.of == reflect.TypeFor[secret.Param]() || f.name == "break_glass" || v.IsZero() {
			continue
		}
		b, err := json.Marshal(v.Interface())
		if err != nil {
			return nil, fmt.Errorf("writing %s of %s: %w", f.name, c.Name, err)
		}
		fields[f.name] = b
	}
	for _, n := range c.Scope.Names {
		refs := texts(params, n.Param)
		if len(refs) != 1 || refs[0] == "" {
			continue
		}
		id, key, err := t.identify(ctx, n, refs[0])
		if err != nil {
			return nil, err
		}
		if m.key = key; id != "" {
			fields[n.Param], _ = json.Marshal(id) // a text always marshals
		}
	}
	var err error
	if m.policy, err = t.bindNames(ctx, c, params, fields); err != nil {
		return nil, err
	}
	if m.params, err = json.Marshal(fields); err != nil { // in order of the names
		return nil, err
	}
	m.digest = motionDigest(t.Tenant, c.Name, m.params)
	return m, nil
}

// bindNames puts ids in the place of other names that can come to mean something else
// before the last yes: the keys that a role is for, and policies. What is not given in an
// edit of a policy stays as it was, so that is bound to the version, which it returns. An
// npub has one spelling.
func (t *Table) bindNames(ctx context.Context, c *Command, params reflect.Value, fields map[string]json.RawMessage) (version int64, err error) {
	if refs := texts(params, "keys"); len(refs) > 0 {
		ids := make([]string, 0, len(refs))
		for _, ref := range refs {
			id, _, err := t.identify(ctx, Named{"keys", NounKey}, ref)
			if err != nil {
				return 0, err
			}
			ids = append(ids, id)
		}
		slices.Sort(ids)
		fields["keys"], _ = json.Marshal(slices.Compact(ids)) // texts always marshal
	}
	if refs := texts(params, "policy"); len(refs) == 1 && refs[0] != "" {
		p, err := t.Rows.Policy(ctx, t.Tenant, refs[0])
		if err != nil {
			return 0, inPolicy(err)
		}
		fields["policy"], _ = json.Marshal(string(p.ID))
		if c.Name == editPolicy {
			version = p.Version
			if fields["if_version"] == nil {
				fields["if_version"], _ = json.Marshal(version)
			}
		}
	}
	if refs := texts(params, "npub"); len(refs) == 1 && refs[0] != "" {
		pub, err := npub("npub", refs[0])
		if err != nil {
			return 0, err
		}
		fields["npub"], _ = json.Marshal(nip19.EncodeNpub(pub))
	}
	return version, nil
}

func motionDigest(t bunker.TenantID, command string, params []byte) (d [32]byte) {
	h := sha256.New()
	for _, part := range [][]byte{[]byte("nsecbunker/motion/1"), []byte(t), []byte(command), params} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	h.Sum(d[:0])
	return d
}

// wants reports whether the act may be done now: one person suffices, enough have said
// yes with this call, or the glass was broken. Otherwise the yes alone is stored, and
// the command returns nil from its change, having stored nothing: its caller is told
// what it waits for.
func (c *Call) wants(k QuorumOf) (enough bool, err error) {
	need := k.of(c.all.Tenant().Quorum)
	switch {
	case need <= 1 || c.Principal.Door == bunker.DoorSystem:
		return true, nil
	case c.motion == nil:
		return false, fmt.Errorf("admin: %s asks for votes and has no quorum", c.Command.Name)
	case c.glass:
		c.broke = fmt.Sprintf("%s was done at the machine without the %d persons that it needs", c.Command.Name, need)
		return true, c.all.Audit(bunker.AuditRecord{Action: BreakGlass, Step: "admin", Effect: bunker.Allow.String(), Object: c.Command.Name, Reason: c.broke})
	}
	have, err := c.cast(need, true)
	return have >= need, err
}

// vote is what an answer to a question calls whose rule wants several persons: enough
// says that the answer counts now, with this one; otherwise the command returns nil
// from its change, and its caller is told what it waits for. Votes are bound to the
// question's operation and to the answer, in its one spelling.
func (c *Call) vote(q *bunker.Approval, answer []byte, need int) (enough bool, err error) {
	if need <= 1 {
		return true, nil
	}
	if c.motion == nil {
		return false, fmt.Errorf("admin: %s asks for votes and has no quorum", c.Command.Name)
	}
	m := *c.motion
	m.key, m.params = q.Key, answer
	m.digest = motionDigest(q.Tenant, c.Command.Name, slices.Concat(m.params, q.OpDigest[:], []byte(q.ID)))
	c.motion = &m
	have, err := c.cast(need, true)
	return have >= need, err
}

// cast adds the caller's yes to the open motion, or opens one, and counts. act: with
// enough the motion is done. Where they are not enough, c.waits says so.
func (c *Call) cast(need int, act bool) (have int, err error) {
	now := c.all.Now()
	m, err := c.openMotion(now)
	if err != nil {
		return 0, err
	}
	admins, err := c.all.Admins()
	if err != nil {
		return 0, err
	}
	voted := c.addVote(m, admins, now)
	for _, v := range m.Votes {
		if counts(v, admins, c.Command, m.Key, now) {
			have++
		}
	}
	switch {
	case have >= need && act:
		m.State = bunker.MotionDone
		return have, c.all.PutMotion(m)
	case have >= need:
		c.waits = bunker.Errorf(bunker.CodeWaits, "%s has the %d yes that it needs", m.ID, need)
	default:
		none := ""
		if c.Principal.PubKey.IsZero() {
			none = "this call is no yes, since neither this machine's administrator nor a device that was paired without an npub is a person: "
		}
		c.waits = bunker.Errorf(bunker.CodeWaits, "%s%s waits for %d more of %d (%s)", none, c.Command.Name, need-have, need, m.ID).
			WithHint("another person says yes with: nsecbunker quorum approve %s", m.ID)
	}
	if !voted && m.Version > 1 {
		return have, nil // nothing new
	}
	if err := c.all.PutMotion(m); err != nil {
		return have, err
	}
	rec := bunker.AuditRecord{
		Action: "quorum.vote", Step: "admin", Effect: bunker.Ask.String(), Object: string(m.ID),
		Reason: fmt.Sprintf("%s: %d of %d", c.Command.Name, have, need),
	}
	if k, err := c.all.Key(string(m.Key)); err == nil { // who has this key only sees it in his part of the log
		rec.Key = k.PubKey.String()
	}
	return have, c.all.Audit(rec)
}

// openMotion is the one about this call; a new one has version 1 and is not stored.
func (c *Call) openMotion(now int64) (*bunker.Motion, error) {
	m, err := c.all.OpenMotion(c.motion.digest)
	if err != nil {
		return nil, err
	}
	if m != nil && now < m.ExpiresAt {
		return m, nil
	}
	if m != nil {
		m.State = bunker.MotionWithdrawn
		if err := c.all.PutMotion(m); err != nil {
			return nil, err
		}
	}
	if err := c.roomForMotion(now); err != nil {
		return nil, err
	}
	st := c.all.Tenant()
	return &bunker.Motion{
		Tenant: st.Tenant, ID: bunker.NewMotionID(), Command: c.Command.Name, Params: c.motion.params, Digest: c.motion.digest, Key: c.motion.key,
		MovedBy: c.Principal.Name, State: bunker.MotionOpen, ExpiresAt: now + MotionLife.Milliseconds(), CreatedAt: now, Version: 1,
	}, nil
}

// roomForMotion bounds what waits; what is past its time makes room.
func (c *Call) roomForMotion(now int64) error {
	open, err := c.all.Motions(Page{Limit: MaxPage})
	if err != nil {
		return err
	}
	waiting := 0
	for i := range open {
		if now < open[i].ExpiresAt {
			waiting++
			continue
		}
		open[i].State = bunker.MotionWithdrawn
		if err := c.all.PutMotion(&open[i]); err != nil {
			return err
		}
	}
	if waiting >= MaxMotions {
		return bunker.Errorf(bunker.CodeRateLimited, "%d things wait for more persons, the most that can; settle some first", MaxMotions).WithHint("nsecbunker quorum list")
	}
	return nil
}

// addVote adds the caller's yes, once, bound to his row as it is.
func (c *Call) addVote(m *bunker.Motion, admins []bunker.Admin, now int64) bool {
	a := adminOf(admins, c.Principal)
	if a == nil || c.Principal.PubKey.IsZero() {
		return false
	}
	v := bunker.Vote{By: a.PubKey, Version: a.Version, At: now}
	for _, had := range m.Votes {
		if had.By == v.By && had.Version == v.Version {
			return false
		}
	}
	m.Votes = append(without(m.Votes, v.By), v)
	return true
}

func without(votes []bunker.Vote, by nostr.PubKey) []bunker.Vote {
	return slices.DeleteFunc(slices.Clone(votes), func(v bunker.Vote) bool { return v.By == by })
}

// counts reports whether a vote counts now: it lapses with its voter, with his role,
// with his keys; who comes back has to say it again.
func counts(v bunker.Vote, admins []bunker.Admin, c *Command, key bunker.KeyID, now int64) bool {
	a := adminNamed(admins, v.By)
	return a != nil && a.Version == v.Version && a.CreatedAt <= v.At && a.Role >= c.Role && a.ActiveAt <= now &&
		(len(a.Keys) == 0 || key != "" && slices.Contains(a.Keys, key))
}

func adminNamed(admins []bunker.Admin, pub nostr.PubKey) *bunker.Admin {
	return adminOf(admins, bunker.Principal{PubKey: pub})
}
