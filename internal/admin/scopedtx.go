package admin

import (
	"slices"
	"strings"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// scopedTx is a transaction of an admin of some keys.
type scopedTx struct {
	Tx
	keys []bunker.KeyID
}

func (x scopedTx) has(id bunker.KeyID) bool { return slices.Contains(x.keys, id) }

func (x scopedTx) Key(idOrName string) (*bunker.UserKey, error) {
	k, err := x.Tx.Key(idOrName)
	return mine(x.keys, k, err, "key", keyID)
}

func (x scopedTx) Keys(p Page) ([]bunker.UserKey, error) {
	return pages(p, x.Tx.Keys, func(k *bunker.UserKey) string { return k.Name }, func(k *bunker.UserKey) bool { return x.has(k.ID) })
}

// PutKey: a new key is nobody's yet, so it is the whole bunker's to make one.
func (x scopedTx) PutKey(k *bunker.UserKey) error {
	if !x.has(k.ID) {
		return beyond()
	}
	return x.Tx.PutKey(k)
}

// ForgetSetupCode is the whole bunker's.
func (x scopedTx) ForgetSetupCode() error { return beyond() }

func (x scopedTx) DeleteKey(id bunker.KeyID) error {
	if !x.has(id) {
		return notYours("key")
	}
	return x.Tx.DeleteKey(id)
}

func (x scopedTx) Token(id bunker.TokenID) (*bunker.Token, error) {
	tok, err := x.Tx.Token(id)
	return mine(x.keys, tok, err, "token", keyOfToken)
}

func (x scopedTx) Tokens(p Page) ([]bunker.Token, error) {
	return pages(p, x.Tx.Tokens, func(tok *bunker.Token) string { return string(tok.ID) }, func(tok *bunker.Token) bool { return x.has(tok.Key) })
}

func (x scopedTx) Connections(key bunker.KeyID, p Page) ([]bunker.Connection, error) {
	return pages(p, func(p Page) ([]bunker.Connection, error) { return x.Tx.Connections(key, p) },
		func(c *bunker.Connection) string { return string(c.ID) }, func(c *bunker.Connection) bool { return x.has(c.Key) })
}

func (x scopedTx) LinkMade(k *bunker.UserKey, at int64) error {
	if !x.has(k.ID) {
		return notYours("key")
	}
	return x.Tx.LinkMade(k, at)
}

func (x scopedTx) PutToken(tok *bunker.Token) error {
	if !x.has(tok.Key) {
		return beyond()
	}
	return x.Tx.PutToken(tok)
}

func (x scopedTx) Connection(id bunker.ConnectionID) (*bunker.Connection, error) {
	c, err := x.Tx.Connection(id)
	return mine(x.keys, c, err, "connection", keyOfConn)
}

func (x scopedTx) PutConnection(c *bunker.Connection) error {
	if !x.has(c.Key) {
		return beyond()
	}
	return x.Tx.PutConnection(c)
}

func (x scopedTx) Grant(id bunker.GrantID) (*bunker.Grant, error) {
	g, err := x.Tx.Grant(id)
	if err == nil {
		_, err = x.Connection(g.Connection)
	}
	if err != nil && isNotFound(err) {
		return nil, notYours("grant")
	}
	return g, err
}

func (x scopedTx) Grants(c bunker.ConnectionID, p Page) ([]bunker.Grant, error) {
	if _, err := x.Connection(c); err != nil {
		return nil, err
	}
	return x.Tx.Grants(c, p)
}

func (x scopedTx) PutGrant(g *bunker.Grant) error {
	if _, err := x.Connection(g.Connection); err != nil {
		return err
	}
	return x.Tx.PutGrant(g)
}

func (x scopedTx) Approval(id bunker.ApprovalID) (*bunker.Approval, error) {
	a, err := x.Tx.Approval(id)
	return mine(x.keys, a, err, "question", keyOfQuestion)
}

func (x scopedTx) AnswerApproval(id bunker.ApprovalID, shown [32]byte, state bunker.ApprovalState, by string, grant *bunker.Grant) error {
	if _, err := x.Approval(id); err != nil {
		return err
	}
	return x.Tx.AnswerApproval(id, shown, state, by, grant)
}

func (x scopedTx) Denials(c bunker.ConnectionID, method string, kind, since int64) (int, error) {
	if _, err := x.Connection(c); err != nil {
		return 0, err
	}
	return x.Tx.Denials(c, method, kind, since)
}

func (x scopedTx) Motion(id bunker.MotionID) (*bunker.Motion, error) {
	m, err := x.Tx.Motion(id)
	return mine(x.keys, m, err, "motion", keyOfMotion)
}

func (x scopedTx) OpenMotion(digest [32]byte) (*bunker.Motion, error) {
	m, err := x.Tx.OpenMotion(digest)
	if m != nil && !x.has(m.Key) {
		return nil, beyond()
	}
	return m, err
}

func (x scopedTx) Motions(p Page) ([]bunker.Motion, error) {
	return pages(p, x.Tx.Motions, func(m *bunker.Motion) string { return string(m.ID) }, func(m *bunker.Motion) bool { return x.has(m.Key) })
}

func (x scopedTx) PutMotion(m *bunker.Motion) error {
	if !x.has(m.Key) {
		return beyond()
	}
	return x.Tx.PutMotion(m)
}

func (x scopedTx) Invite(bunker.InviteID) (*bunker.Invite, error) { return nil, beyond() }
func (x scopedTx) Invites(Page) ([]bunker.Invite, error)          { return nil, beyond() }
func (x scopedTx) PutInvite(*bunker.Invite) error                 { return beyond() }
func (x scopedTx) ForgetPerson(string) (bool, error)              { return false, beyond() }
func (x scopedTx) PutTenant(bunker.TenantState) error             { return beyond() }
func (x scopedTx) BeginLifeAbove(int64) error                     { return beyond() }
func (x scopedTx) StopEverything() error                          { return beyond() }
func (x scopedTx) Admins() ([]bunker.Admin, error)                { return nil, beyond() }
func (x scopedTx) PutAdmin(*bunker.Admin) error                   { return beyond() }
func (x scopedTx) DeleteAdmin(nostr.PubKey) error                 { return beyond() }
func (x scopedTx) Slots() ([]bunker.Slot, error)                  { return nil, beyond() }
func (x scopedTx) PutSlot(*bunker.Slot) error                     { return beyond() }
func (x scopedTx) DeleteSlot(bunker.SlotID) error                 { return beyond() }
func (x scopedTx) Relays() ([]Relay, error)                       { return nil, beyond() }
func (x scopedTx) PutRelay(Relay) error                           { return beyond() }
func (x scopedTx) DeleteRelay(string) error                       { return beyond() }

// keyWords names keys for a record, in order.
func keyWords(ids []bunker.KeyID) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = string(id)
	}
	return strings.Join(list, ", ")
}

// Policies are the whole bunker's: who has some keys hands them out, and makes none.
func (x scopedTx) PutPolicy(*bunker.Policy) error { return beyond() }
func (x scopedTx) PolicyUse(bunker.PolicyID) (PolicyUse, error) {
	return PolicyUse{}, beyond()
}
func (x scopedTx) CountPolicies() (int, error) { return 0, beyond() }

func (x scopedTx) LastVersion(k bunker.KeyID, kind nostr.Kind, at bunker.Address) (bunker.LastVersion, error) {
	if !x.has(k) {
		return bunker.LastVersion{}, notYours("key")
	}
	return x.Tx.LastVersion(k, kind, at)
}

func (x scopedTx) KeepVersion(v *bunker.KeptVersion) error {
	if !x.has(v.Key) {
		return notYours("key")
	}
	return x.Tx.KeepVersion(v)
}

func (x scopedTx) PutSetting(string, string) error { return beyond() }

func (x scopedTx) Channels() ([]bunker.Channel, error) { return nil, beyond() }
func (x scopedTx) PutChannel(*bunker.Channel) error    { return beyond() }
func (x scopedTx) DeleteChannel(string) error          { return beyond() }
