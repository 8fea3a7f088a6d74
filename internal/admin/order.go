package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// RememberOps is how long the id of a change that was made is remembered.
const RememberOps = 24 * time.Hour

// Order is a command that comes from afar, where the answer can get lost: Op, when
// it is not empty, names the change, so that it is made once however often it is
// ordered, over a restart too.
type Order struct {
	Name   string
	Params []byte // a JSON object
	Op     string
	// IfVersion, when not 0, is the version of what is to be changed, as it was looked
	// at: a change of another one is refused.
	IfVersion int64
}

// Execute is Dispatch for an order, and returns the result as JSON; the caller
// wipes it. A change that was made already returns what it returned then, or says
// that it was made.
func (t *Table) Execute(ctx context.Context, p bunker.Principal, o Order) (json.RawMessage, error) {
	c := t.commands[o.Name]
	if p.Door == bunker.DoorHTTP && o.Op == "" && c != nil && c.Writes && slices.Contains(c.Doors, p.Door) {
		return nil, bunker.Errorf(bunker.CodeInvalid, "%s changes something, so it needs a name of its own: the header Idempotency-Key, the same when it is sent again", c.Name).In("Idempotency-Key")
	}
	if o.Op == "" || c == nil || !c.Writes {
		v, err := t.dispatch(ctx, p, &o, nil)
		if err != nil {
			return nil, err
		}
		return asJSON(v)
	}
	params := sha256.Sum256(o.Params) // keyed below: what it is of can be a passphrase
	made := bunker.MadeChange{Person: p.Name, Op: o.Op, Command: o.Name, Digest: t.Vault.Digest(t.Tenant, []byte(o.Name), params[:])}
	if before, ok, err := t.Rows.MadeChange(ctx, t.Tenant, p.Name, o.Op); err != nil {
		return nil, bunker.AsError(err)
	} else if ok {
		if err := t.mayHear(ctx, p, c, o.Params); err != nil {
			return nil, bunker.AsError(err)
		}
		return t.madeBefore(&before, &made)
	}
	noted := false
	v, err := t.dispatch(ctx, p, &o, func(tx Tx) error {
		noted = true
		return tx.PutMadeChange(&made, tx.Now()-RememberOps.Milliseconds())
	})
	if err != nil {
		return nil, err
	}
	b, err := asJSON(v)
	if err == nil && noted {
		t.keepResult(ctx, &made, b)
	}
	return b, err
}

// mayHear holds who asks for the answer to a change of before against what he may do
// now: an answer can hold a secret, and the same person comes with devices that may
// less, or has a smaller role or fewer keys since.
func (t *Table) mayHear(ctx context.Context, p bunker.Principal, c *Command, params []byte) error {
	if err := t.permit(ctx, p, c); err != nil {
		return err
	}
	if err := t.believed(ctx, p, c); err != nil || len(p.Keys) == 0 {
		return err
	}
	v, err := decode(c.params, params)
	if err != nil {
		return err
	}
	defer wipe(v.Elem())
	seen, _ := t.within(p)
	if seen.reach(ctx, p, c, v.Elem()) != nil { // not his, or another name by now
		return answerIsGone()
	}
	return nil
}

func answerIsGone() error {
	return bunker.Errorf(bunker.CodeConflict, "this change was made already, and its answer is not there any more; look at how things are now").In("op")
}

func (t *Table) opName(m *bunker.MadeChange) [32]byte {
	return sha256.Sum256([]byte(m.Person + "\x00" + m.Op))
}

// keepResult stores what a change returned, closed under the root key. Where that
// is not possible (the bunker is sealed now), the change is known as made all the
// same.
func (t *Table) keepResult(ctx context.Context, m *bunker.MadeChange, result []byte) {
	closed, err := t.Vault.SealOp(t.Tenant, t.opName(m), result)
	if err == nil {
		// A crash before this costs the answer, not the change: see madeBefore.
		_ = t.Rows.PutMadeResult(ctx, t.Tenant, m.Person, m.Op, closed)
	}
}

func (t *Table) madeBefore(before, now *bunker.MadeChange) (json.RawMessage, error) {
	if before.Command != now.Command || before.Digest != now.Digest && now.Digest != [32]byte{} && before.Digest != [32]byte{} {
		return nil, bunker.Errorf(bunker.CodeConflict, "this id of a change was used for another one (%s)", clip(before.Command)).In("op")
	}
	if len(before.Result) > 0 {
		if b, err := t.Vault.OpenOp(t.Tenant, t.opName(before), before.Result); err == nil {
			return b, nil
		}
	}
	return nil, answerIsGone()
}

// asJSON writes a result.
func asJSON(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, bunker.AsError(err)
	}
	out := bytes.Clone(bytes.TrimSpace(b.Bytes()))
	secret.Wipe(b.Bytes())
	return out, nil
}
