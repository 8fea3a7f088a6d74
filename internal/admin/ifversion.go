package admin

import (
	"context"
	"reflect"
	"strings"

	"nsecbunker/internal/bunker"
)

// subject is what a command changes, where that is one row with a version: the first
// thing that it names, or the policy or admin. ok is false for every other command.
func (c *Command) subject() (n Named, ok bool) {
	if !c.Writes {
		return Named{}, false
	}
	if len(c.Scope.Names) > 0 {
		n = c.Scope.Names[0]
		return n, n.Noun == NounKey || n.Noun == NounConnection || n.Noun == NounToken
	}
	noun, _, _ := strings.Cut(c.Name, ".")
	for _, has := range fieldsOf(c.params) {
		if noun == "policy" && has.name == "policy" || noun == "admin" && has.name == "npub" && !has.optional {
			return Named{has.name, 0}, true
		}
	}
	return Named{}, false
}

// sameVersion refuses a change of a row that is another than the one that was looked
// at (security.md section 4, point 3): of two people who edit the same thing, the
// second one looks again.
func (t *Table) sameVersion(ctx context.Context, c *Command, params reflect.Value, want int64) (func(Tx) error, error) {
	if want == 0 {
		return func(Tx) error { return nil }, nil
	}
	n, ok := c.subject()
	if !ok {
		return nil, bunker.Errorf(bunker.CodeInvalid, "%s changes nothing that has a version", c.Name).In("if_version")
	}
	ref := ""
	if list := texts(params, n.Param); len(list) == 1 {
		ref = list[0]
	}
	if n.Noun == NounConnection {
		id, err := t.connectionID(ctx, ref)
		if err != nil {
			return nil, bunker.AsError(err).In(n.Param)
		}
		ref = string(id)
	}
	return func(tx Tx) error {
		what, got, err := versionOf(tx, n, ref)
		switch {
		case err != nil:
			return err
		case got != want:
			return bunker.Errorf(bunker.CodeConflict, "%s is version %d by now, not %d: somebody changed it meanwhile; look again", what, got, want).In("if_version")
		}
		return nil
	}, nil
}

// versionOf is the version of a row now, and what to call it.
func versionOf(tx Tx, n Named, ref string) (what string, version int64, err error) {
	switch {
	case n.Noun == NounKey:
		k, err := tx.Key(ref)
		if err != nil {
			return "", 0, bunker.AsError(inKey(err)).In(n.Param)
		}
		return "the key " + k.Name, k.Version, nil
	case n.Noun == NounConnection:
		conn, err := tx.Connection(bunker.ConnectionID(ref))
		if err != nil {
			return "", 0, bunker.AsError(inConnection(err)).In(n.Param)
		}
		return "the connection", conn.Version, nil
	case n.Noun == NounToken:
		tok, err := tx.Token(bunker.TokenID(ref))
		if err != nil {
			return "", 0, bunker.AsError(inID(err, "nsecbunker token list")).In(n.Param)
		}
		return "the link", tok.Version, nil
	case n.Param == "policy":
		p, err := livePolicy(tx, ref)
		if err != nil {
			return "", 0, err
		}
		return "the policy " + p.Name, p.Version, nil
	}
	pub, err := npub(n.Param, ref)
	if err != nil {
		return "", 0, err
	}
	admins, err := tx.Admins()
	for i := range admins {
		if admins[i].PubKey == pub {
			return "the admin", admins[i].Version, err
		}
	}
	return "the admin", 0, err // no admin yet, or not any more
}
