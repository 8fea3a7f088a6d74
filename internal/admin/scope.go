package admin

import (
	"context"
	"reflect"
	"slices"

	"nsecbunker/internal/bunker"
)

// Noun is what a parameter names.
type Noun uint8

// The nouns that belong to one user key.
const (
	NounKey        Noun = iota + 1 // a user key, by name or id
	NounConnection                 // by id, or by name
	NounToken                      // by id
	NounQuestion                   // by id
	NounGrant                      // by id
	NounMotion                     // by id
)

// Named is a parameter that names a user key, or what belongs to one.
type Named struct {
	Param string // its name in JSON; a text or a list of texts
	Noun  Noun
}

// Scope says whose data a command works on. The zero value is the whole bunker's: it
// is refused to an admin of some keys only (security.md section 4, Roles).
type Scope struct {
	// Names are the parameters that say which key: those that are there must be the
	// caller's.
	Names []Named
	// Lists: it lists, of what belongs to keys, the caller's part.
	Lists bool
	// Self: it is about the caller himself and nobody's key.
	Self bool
}

// whole reports a command of the whole bunker.
func (s Scope) whole() bool { return len(s.Names) == 0 && !s.Lists && !s.Self }

// How most commands name what they are about.
func ofKey() Scope        { return Scope{Names: []Named{{"key", NounKey}}} }
func ofConnection() Scope { return Scope{Names: []Named{{"id", NounConnection}}} }
func ofToken() Scope      { return Scope{Names: []Named{{"id", NounToken}}} }
func ofQuestion() Scope   { return Scope{Names: []Named{{"id", NounQuestion}}} }
func ofMotion() Scope     { return Scope{Names: []Named{{"id", NounMotion}}} }
func lists() Scope        { return Scope{Lists: true} }
func listsOfKey() Scope   { return Scope{Names: []Named{{"key", NounKey}}, Lists: true} }

// within is the table as a principal may see it. For who has some keys only it is
// one whose rows are of those keys alone: nothing else can be read, listed or
// changed through it, whatever a command does. tx does the same to a transaction.
func (t *Table) within(p bunker.Principal) (seen *Table, tx func(Tx) Tx) {
	if len(p.Keys) == 0 {
		return t, func(tx Tx) Tx { return tx }
	}
	keys := slices.Clone(p.Keys)
	sub := *t
	sub.whole = t
	sub.Rows = scopedRows{t.Rows, keys}
	sub.commands = map[string]*Command{}
	for _, register := range registers() {
		register(&sub)
	}
	return &sub, func(tx Tx) Tx { return scopedTx{tx, keys} }
}

// wholeTable is the table without the caller's scope: for running a command anew, which
// scopes itself, and for counting votes.
func (t *Table) wholeTable() *Table {
	if t.whole != nil {
		return t.whole
	}
	return t
}

// reach refuses parameters that name what is not there for the caller. One that he
// may not see is refused in the same words as one that does not exist.
func (t *Table) reach(ctx context.Context, p bunker.Principal, c *Command, params reflect.Value) error {
	if len(p.Keys) == 0 {
		return nil
	}
	for _, n := range c.Scope.Names {
		for _, ref := range texts(params, n.Param) {
			if ref == "" {
				continue
			}
			if _, _, err := t.identify(ctx, n, ref); err != nil {
				return err
			}
		}
	}
	return nil
}

// identify returns the id of a named thing, and of the user key that it belongs to. A
// grant is found in the transaction only, by who changes it.
func (t *Table) identify(ctx context.Context, n Named, ref string) (id string, key bunker.KeyID, err error) {
	switch n.Noun {
	case NounKey:
		k, err := t.Rows.Key(ctx, t.Tenant, ref)
		if err != nil {
			return "", "", bunker.AsError(inKey(err)).In(n.Param)
		}
		return string(k.ID), k.ID, nil
	case NounConnection:
		id, err := t.connectionID(ctx, ref)
		if err != nil {
			return "", "", bunker.AsError(err).In(n.Param)
		}
		conn, err := t.Rows.Connection(ctx, t.Tenant, id)
		if err != nil {
			return "", "", bunker.AsError(inConnection(err)).In(n.Param)
		}
		return string(id), conn.Key, nil
	case NounToken:
		tok, err := t.Rows.Token(ctx, t.Tenant, bunker.TokenID(ref))
		if err != nil {
			return "", "", bunker.AsError(inID(err, "nsecbunker token list")).In(n.Param)
		}
		return ref, tok.Key, nil
	case NounQuestion:
		q, err := t.Rows.Approval(ctx, t.Tenant, bunker.ApprovalID(ref))
		if err != nil {
			return "", "", bunker.AsError(inID(err, "nsecbunker approvals")).In(n.Param)
		}
		return ref, q.Key, nil
	case NounMotion:
		m, err := t.Rows.Motion(ctx, t.Tenant, bunker.MotionID(ref))
		if err != nil {
			return "", "", bunker.AsError(inMotion(err)).In(n.Param)
		}
		return ref, m.Key, nil
	}
	return "", "", nil
}

// texts are the values of a parameter that names something: one, several, or none.
func texts(params reflect.Value, name string) []string {
	f, ok := fieldsOf(params.Type())[name]
	if !ok {
		return nil
	}
	v := params.FieldByIndex(f.index)
	switch {
	case v.Kind() == reflect.String:
		return []string{v.String()}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String:
		out := make([]string, v.Len())
		for i := range out {
			out[i] = v.Index(i).String()
		}
		return out
	}
	return nil
}

// stillMay holds a change against the caller's row as it is in the transaction: who
// was removed, or has a smaller role or fewer keys since his command came in, changes
// nothing. Who is no person with a row (the machine, the bunker itself) passes, and
// whoever sets a bunker up that has no rows yet.
func stillMay(tx Tx, p bunker.Principal, c *Command) error {
	if p.PubKey.IsZero() || c.Anyone || !tx.Tenant().SetUp {
		return nil
	}
	admins, err := tx.Admins()
	if err != nil {
		return err
	}
	return holds(admins, p, c, tx.Now())
}

// believed is stillMay for what is only read: whatever a door says of a person, his row
// says it, too. While sealed no row can be verified; what works then is the whole
// bunker's, and says little.
func (t *Table) believed(ctx context.Context, p bunker.Principal, c *Command) error {
	if p.PubKey.IsZero() || c.Anyone || !t.Vault.Unsealed(t.Tenant) {
		return nil
	}
	if st, _, err := t.Rows.Tenant(ctx, t.Tenant); err != nil || !st.SetUp {
		return err
	}
	admins, err := t.Rows.Admins(ctx, t.Tenant)
	if err != nil {
		return err
	}
	return holds(admins, p, c, t.Now().UnixMilli())
}

// holds reports, as an error, what a principal claims beyond the row of his person. A
// device may have less than its person.
func holds(admins []bunker.Admin, p bunker.Principal, c *Command, now int64) error {
	a := adminOf(admins, p)
	switch {
	case a == nil:
		return bunker.Errorf(bunker.CodeRestricted, "you are no admin here any more")
	case a.ActiveAt > now || a.Role < c.Role || a.Role < p.Role || reachesBeyond(p.Keys, a.Keys):
		return bunker.Errorf(bunker.CodeRestricted, "your role was changed meanwhile; look at it, and try again")
	case p.Door == bunker.DoorHTTP && !a.Script, p.Door == bunker.DoorLegacy && !a.Legacy(now):
		return bunker.Errorf(bunker.CodeRestricted, "this way in was closed for you")
	}
	return nil
}

// reachesBeyond reports keys that the row does not have; none are every key.
func reachesBeyond(keys, row []bunker.KeyID) bool {
	if len(row) == 0 {
		return false
	}
	return len(keys) == 0 || slices.ContainsFunc(keys, func(id bunker.KeyID) bool { return !slices.Contains(row, id) })
}

// adminOf is the row of the person who calls; nil for none.
func adminOf(admins []bunker.Admin, p bunker.Principal) *bunker.Admin {
	for i := range admins {
		if admins[i].PubKey == p.PubKey {
			return &admins[i]
		}
	}
	return nil
}
