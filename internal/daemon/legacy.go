package daemon

import (
	"context"
	"encoding/json"
	"errors"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/describe"
	"nsecbunker/internal/legacy"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/store"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// doors are what messages to a tenant's admin key may be for: a session, or the old
// protocol, which is for events that an admin's own key signed. Nothing that is part
// of a session is signed by it.
type doors struct{ t *tenant }

// Of implements inbox.Door.
func (x doors) Of() bunker.TenantID { return x.t.id }

// Known implements inbox.Door.
func (x doors) Known(client nostr.PubKey) bool {
	k := x.t.desk.peek()
	return k != nil && k.door.Known(client)
}

// Take implements inbox.Door.
func (x doors) Take(ctx context.Context, link string, ev *nostr.Event) (bool, string) {
	if ev.PubKey == x.t.adminKey { // nobody but a copy of this bunker, or itself
		return x.t.hearCopy(ctx, ev)
	}
	k, err := x.t.theDesk()
	if err != nil {
		x.t.Log.Error("an admin's message cannot be worked on", "tenant", x.t.id, "error", err)
		return false, "error: the bunker could not work on it; send it again"
	}
	if !k.door.Known(ev.PubKey) && k.legacy.Lets(ctx, ev.PubKey) {
		return k.legacy.Take(ctx, link, ev)
	}
	return k.door.Take(ctx, link, ev)
}

// legacyRows is the store as the old protocol's door sees it.
type legacyRows struct{ t *tenant }

// Legacy implements [legacy.Rows]. While the bunker is sealed or not set up no row
// can be verified, and nobody may.
func (r legacyRows) Legacy(ctx context.Context, person nostr.PubKey) (legacy.Standing, bool, error) {
	t := r.t
	if !t.vault.Unsealed(t.id) {
		return legacy.Standing{}, false, nil
	}
	a, err := t.store.Admin(ctx, t.id, person)
	if isNotFound(err) {
		return legacy.Standing{}, false, nil
	}
	now := t.store.LedgerTime().UnixMilli()
	if err != nil || !a.Legacy(now) || a.ActiveAt > now {
		return legacy.Standing{}, false, err
	}
	if own, err := t.isUserKey(ctx, person); err != nil || own {
		return legacy.Standing{}, false, err // whoever the key signs for could speak so
	}
	return legacy.Standing{Role: a.Role, Keys: a.Keys}, true, nil
}

// isUserKey reports a pubkey that is a key here.
func (t *tenant) isUserKey(ctx context.Context, pub nostr.PubKey) (bool, error) {
	for after := ""; ; {
		keys, err := t.store.Keys(ctx, t.id, store.Page{After: after})
		if err != nil {
			return false, err
		}
		for i := range keys {
			if keys[i].PubKey == pub {
				return true, nil
			}
		}
		if len(keys) < store.MaxPage {
			return false, nil
		}
		after = keys[len(keys)-1].Name
	}
}

var errNotForOldApps = errors.New("an old app cannot show or answer it")

// Question implements [legacy.Rows]. What cannot be shown whole, or allowed once only,
// is not asked there: its answers are "always" and "never".
func (r legacyRows) Question(ctx context.Context, id bunker.ApprovalID) (legacy.Question, error) {
	t := r.t
	q, err := t.store.Approval(ctx, t.id, id)
	if err != nil {
		return legacy.Question{}, err
	}
	plain, err := t.vault.OpenSummary(q)
	if err != nil {
		return legacy.Question{}, err
	}
	defer secret.Wipe(plain)
	var s describe.Summary
	if err := json.Unmarshal(plain, &s); err != nil {
		return legacy.Question{}, err
	}
	if q.State != bunker.ApprovalPending || s.Cut || approval.OnceOnly(q) {
		return legacy.Question{}, errNotForOldApps
	}
	c, err := t.store.Connection(ctx, t.id, q.Connection)
	if err != nil {
		return legacy.Question{}, err
	}
	k, err := t.store.Key(ctx, t.id, string(q.Key))
	if err != nil {
		return legacy.Question{}, err
	}
	out := legacy.Question{
		ID: q.ID, Key: q.Key, Name: k.Name, Client: c.Client, App: c.Name, Method: q.Method, Kind: q.Kind, Digest: q.OpDigest, Param: s.Peer, Until: q.QuestionUntil,
	}
	if q.Method == string(nip46.SignEvent) {
		param, err := json.Marshal(map[string]any{
			"kind": q.Kind, "pubkey": k.PubKey.String(), "created_at": s.CreatedAt, "content": s.Content, "tags": append([][]string{}, s.Tags...),
		})
		if err != nil {
			return legacy.Question{}, err
		}
		out.Param = string(param)
	}
	return out, nil
}
