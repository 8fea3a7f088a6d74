package admin

import (
	"context"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/store"
	"nsecbunker/nostr/nip19"
)

// rows, tx and slotMaker fit the real store and seal to the table, as the daemon
// does.
type rows struct{ *store.Store }

type tx struct{ *store.Tx }

type storeTx = store.Tx

func page(p Page) store.Page { return store.Page(p) }

func relayRows(list []store.Relay, err error) ([]Relay, error) {
	var out []Relay
	for _, r := range list {
		out = append(out, Relay{URL: r.URL, Old: r.State == store.RelayOld, AddedAt: r.AddedAt, HeardUntil: r.HeardUntil})
	}
	return out, err
}

func (r rows) Change(ctx context.Context, t bunker.TenantID, by bunker.Principal, f func(Tx) error) error {
	return r.Store.Change(ctx, t, by, func(x *store.Tx) error { return f(tx{x}) })
}

func (r rows) Clock() Clock { return Clock(r.Store.Clock()) }

func (r rows) Keys(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.UserKey, error) {
	return r.Store.Keys(ctx, t, page(p))
}

func (r rows) Tokens(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Token, error) {
	return r.Store.Tokens(ctx, t, page(p))
}

func (r rows) Connections(ctx context.Context, t bunker.TenantID, key bunker.KeyID, p Page) ([]bunker.Connection, error) {
	return r.Store.Connections(ctx, t, key, page(p))
}

func (r rows) Seated(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Connection, error) {
	return r.Store.Seated(ctx, t, store.Page(p))
}

func (r rows) Grants(ctx context.Context, t bunker.TenantID, c bunker.ConnectionID, p Page) ([]bunker.Grant, error) {
	return r.Store.Grants(ctx, t, c, page(p))
}

func (r rows) Approvals(ctx context.Context, t bunker.TenantID, p QuestionPage) ([]bunker.Approval, error) {
	return r.Store.Approvals(ctx, t, store.ApprovalPage(p))
}

func (r rows) Versions(ctx context.Context, t bunker.TenantID, k bunker.KeyID, p VersionPage) ([]bunker.KeptVersion, error) {
	return r.Store.Versions(ctx, t, k, store.VersionPage(p))
}

func (r rows) Relays(ctx context.Context, t bunker.TenantID) ([]Relay, error) {
	return relayRows(r.Store.Relays(ctx, t))
}

func (r rows) RelayUsers(ctx context.Context, t bunker.TenantID, url string) (RelayUse, error) {
	u, err := r.Store.RelayUsers(ctx, t, url)
	return RelayUse(u), err
}

func (r rows) Counts(ctx context.Context, t bunker.TenantID) (Counts, error) {
	c, err := r.Store.Counts(ctx, t)
	return Counts(c), err
}

func (r rows) Records(ctx context.Context, t bunker.TenantID, f RecordFilter) ([]bunker.AuditRecord, error) {
	return r.Store.Records(ctx, t, store.RecordFilter(f))
}

func (r rows) Check(ctx context.Context, t bunker.TenantID) (Findings, error) {
	f, err := r.Store.Check(ctx, t)
	return Findings(f), err
}

func (r rows) Undeliverable(ctx context.Context, t bunker.TenantID) ([]Undelivered, error) {
	list, err := r.Store.Undeliverable(ctx, t)
	var out []Undelivered
	for _, u := range list {
		out = append(out, Undelivered(u))
	}
	return out, err
}

func (x tx) Keys(p Page) ([]bunker.UserKey, error) { return x.Tx.Keys(page(p)) }

func (x tx) Relays() ([]Relay, error) { return relayRows(x.Tx.Relays()) }

func (x tx) PutRelay(r Relay) error {
	state := store.RelayUsed
	if r.Old {
		state = store.RelayOld
	}
	return x.Tx.PutRelay(store.Relay{URL: r.URL, State: state, AddedAt: r.AddedAt, HeardUntil: r.HeardUntil})
}

type slotMaker struct {
	*seal.Slots
	kdf seal.KDF
}

func (s slotMaker) Check(p []byte) error { return seal.CheckPassphrase(p) }

func (s slotMaker) Open(ctx context.Context, slot bunker.Slot) (*secret.Bytes, error) {
	return s.Slots.Open(ctx, slot, seal.Input{})
}

func (s slotMaker) Wrap(ctx context.Context, t bunker.TenantID, kind bunker.SlotKind, in SlotInput, root func(f func(key []byte) error) error) (bunker.Slot, error) {
	return s.Slots.Wrap(ctx, t, kind, seal.Input(in), root)
}

func (s slotMaker) KeyPassphrase(t bunker.TenantID, id bunker.KeyID, passphrase []byte) ([]byte, error) {
	return seal.KeyPassphrase(s.kdf, t, id, passphrase)
}

func npubOf(n byte) string { return nip19.EncodeNpub(pubOf(n)) }

func (r rows) Policies(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Policy, error) {
	return r.Store.Policies(ctx, t, page(p))
}

func (r rows) PolicyUse(ctx context.Context, t bunker.TenantID, id bunker.PolicyID) (PolicyUse, error) {
	u, err := r.Store.PolicyUse(ctx, t, id)
	return PolicyUse(u), err
}

func (x tx) PolicyUse(id bunker.PolicyID) (PolicyUse, error) {
	u, err := x.Tx.PolicyUse(id)
	return PolicyUse(u), err
}

func (r rows) Invites(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Invite, error) {
	return r.Store.Invites(ctx, t, page(p))
}

func (r rows) Motions(ctx context.Context, t bunker.TenantID, p Page) ([]bunker.Motion, error) {
	return r.Store.Motions(ctx, t, page(p))
}

func (x tx) Invites(p Page) ([]bunker.Invite, error) { return x.Tx.Invites(page(p)) }

func (x tx) Motions(p Page) ([]bunker.Motion, error) { return x.Tx.Motions(page(p)) }

func (x tx) Grants(c bunker.ConnectionID, p Page) ([]bunker.Grant, error) {
	return x.Tx.Grants(c, page(p))
}

func (x tx) Tokens(p Page) ([]bunker.Token, error) { return x.Tx.Tokens(page(p)) }

func (x tx) Connections(key bunker.KeyID, p Page) ([]bunker.Connection, error) {
	return x.Tx.Connections(key, page(p))
}

func (r rows) KeyUses(ctx context.Context, t bunker.TenantID) ([]KeyUse, error) {
	list, err := r.Store.KeyUses(ctx, t)
	out := make([]KeyUse, len(list))
	for i, u := range list {
		out[i] = KeyUse(u)
	}
	return out, err
}
