package daemon

import (
	"context"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
)

// rows is the store as the commands see it. The two packages do not know each
// other; what differs between them is a few small shapes, told over here.
type rows struct{ *store.Store }

// tx likewise.
type tx struct{ *store.Tx }

func page(p admin.Page) store.Page { return store.Page{After: p.After, Limit: p.Limit} }

func questions(p admin.QuestionPage) store.ApprovalPage {
	return store.ApprovalPage{State: p.State, AfterTime: p.AfterTime, After: p.After, Limit: p.Limit}
}

func relayRow(r store.Relay) admin.Relay {
	return admin.Relay{URL: r.URL, Old: r.State == store.RelayOld, AddedAt: r.AddedAt, HeardUntil: r.HeardUntil}
}

func relayRows(list []store.Relay, err error) ([]admin.Relay, error) {
	out := make([]admin.Relay, len(list))
	for i, r := range list {
		out[i] = relayRow(r)
	}
	return out, err
}

func (r rows) Change(ctx context.Context, t bunker.TenantID, by bunker.Principal, f func(admin.Tx) error) error {
	return r.Store.Change(ctx, t, by, func(x *store.Tx) error { return f(tx{x}) })
}

func (r rows) Clock() admin.Clock { return admin.Clock(r.Store.Clock()) }

func (r rows) Keys(ctx context.Context, t bunker.TenantID, p admin.Page) ([]bunker.UserKey, error) {
	return r.Store.Keys(ctx, t, page(p))
}

func (r rows) Tokens(ctx context.Context, t bunker.TenantID, p admin.Page) ([]bunker.Token, error) {
	return r.Store.Tokens(ctx, t, page(p))
}

func (r rows) Connections(ctx context.Context, t bunker.TenantID, key bunker.KeyID, p admin.Page) ([]bunker.Connection, error) {
	return r.Store.Connections(ctx, t, key, page(p))
}

func (r rows) Seated(ctx context.Context, t bunker.TenantID, p admin.Page) ([]bunker.Connection, error) {
	return r.Store.Seated(ctx, t, page(p))
}

func (r rows) Grants(ctx context.Context, t bunker.TenantID, c bunker.ConnectionID, p admin.Page) ([]bunker.Grant, error) {
	return r.Store.Grants(ctx, t, c, page(p))
}

func (r rows) Approvals(ctx context.Context, t bunker.TenantID, p admin.QuestionPage) ([]bunker.Approval, error) {
	return r.Store.Approvals(ctx, t, questions(p))
}

func (r rows) Versions(ctx context.Context, t bunker.TenantID, k bunker.KeyID, p admin.VersionPage) ([]bunker.KeptVersion, error) {
	return r.Store.Versions(ctx, t, k, store.VersionPage(p))
}

func (r rows) Relays(ctx context.Context, t bunker.TenantID) ([]admin.Relay, error) {
	return relayRows(r.Store.Relays(ctx, t))
}

func (r rows) RelayUsers(ctx context.Context, t bunker.TenantID, url string) (admin.RelayUse, error) {
	u, err := r.Store.RelayUsers(ctx, t, url)
	return admin.RelayUse(u), err
}

func (r rows) Counts(ctx context.Context, t bunker.TenantID) (admin.Counts, error) {
	c, err := r.Store.Counts(ctx, t)
	return admin.Counts(c), err
}

func (r rows) Records(ctx context.Context, t bunker.TenantID, f admin.RecordFilter) ([]bunker.AuditRecord, error) {
	return r.Store.Records(ctx, t, store.RecordFilter(f))
}

func (x tx) Keys(p admin.Page) ([]bunker.UserKey, error) { return x.Tx.Keys(page(p)) }

func (x tx) Relays() ([]admin.Relay, error) { return relayRows(x.Tx.Relays()) }

func (x tx) PutRelay(r admin.Relay) error {
	state := store.RelayUsed
	if r.Old {
		state = store.RelayOld
	}
	return x.Tx.PutRelay(store.Relay{URL: r.URL, State: state, AddedAt: r.AddedAt, HeardUntil: r.HeardUntil})
}

// openingRows is the store as those are opened by it who open with the house.
type openingRows struct{ *store.Store }

// Openings implements [admin.OpeningRows].
func (r openingRows) Openings(ctx context.Context, ids []bunker.TenantID) (map[bunker.TenantID]admin.Opening, error) {
	read, err := r.Store.Openings(ctx, ids)
	out := make(map[bunker.TenantID]admin.Opening, len(read))
	for id, o := range read {
		out[id] = admin.Opening(*o)
	}
	return out, err
}

// ChangeEach implements [admin.OpeningRows].
func (r openingRows) ChangeEach(ctx context.Context, ids []bunker.TenantID, by bunker.Principal, f func(bunker.TenantID, admin.OpeningTx) error) error {
	return r.Store.ChangeEach(ctx, ids, by, func(x *store.Tx) error { return f(x.Tenant().Tenant, x) })
}

// slotMaker is seal as the commands see it.
type slotMaker struct {
	*seal.Slots
	kdf   seal.KDF
	vault *vault.Vault
}

// Check refuses what must not become a passphrase.
func (s slotMaker) Check(passphrase []byte) error { return seal.CheckPassphrase(passphrase) }

// Open opens a slot that needs no person.
func (s slotMaker) Open(ctx context.Context, slot bunker.Slot) (*secret.Bytes, error) {
	if slot.Kind == bunker.SlotProvider {
		return s.vault.OpenFromHouse(bunker.SelfHosted, slot.Tenant, slot.ID, slot.Wrapped)
	}
	return s.Slots.Open(ctx, slot, seal.Input{})
}

func (s slotMaker) Wrap(ctx context.Context, t bunker.TenantID, kind bunker.SlotKind, in admin.SlotInput, root func(f func(key []byte) error) error) (bunker.Slot, error) {
	return s.Slots.Wrap(ctx, t, kind, seal.Input(in), root)
}

// tries keeps the count of wrong passphrases in the store: of the bunker's, or of a key's
// own.
type tries struct {
	s    *store.Store
	t    bunker.TenantID
	what string
}

// bunkersPassphrase is what the tries of the bunker's own passphrase are kept under.
const bunkersPassphrase = "passphrase"

// keyTries are those of a key's own passphrase.
func (t *tenant) keyTries(id bunker.KeyID) seal.Attempts {
	return tries{t.store, t.id, "passphrase of " + string(id)}
}

func (a tries) LoadTries(ctx context.Context) (seal.Tries, error) {
	n, at, err := a.s.Tries(ctx, a.t, a.what)
	return seal.Tries{Spent: n, At: at}, err
}

func (a tries) StoreTries(ctx context.Context, t seal.Tries) error {
	return a.s.PutTries(ctx, a.t, a.what, t.Spent, t.At)
}

func (a tries) SwapTries(ctx context.Context, was, t seal.Tries) (bool, error) {
	return a.s.SwapTries(ctx, a.t, a.what, was.Spent, was.At, t.Spent, t.At)
}

func (r rows) Check(ctx context.Context, t bunker.TenantID) (admin.Findings, error) {
	f, err := r.Store.Check(ctx, t)
	return admin.Findings(f), err
}

func (r rows) Undeliverable(ctx context.Context, t bunker.TenantID) ([]admin.Undelivered, error) {
	list, err := r.Store.Undeliverable(ctx, t)
	out := make([]admin.Undelivered, len(list))
	for i, u := range list {
		out[i] = admin.Undelivered(u)
	}
	return out, err
}

func (s slotMaker) KeyPassphrase(t bunker.TenantID, id bunker.KeyID, passphrase []byte) ([]byte, error) {
	return seal.KeyPassphrase(s.kdf, t, id, passphrase)
}

func (r rows) Policies(ctx context.Context, t bunker.TenantID, p admin.Page) ([]bunker.Policy, error) {
	return r.Store.Policies(ctx, t, page(p))
}

func (r rows) PolicyUse(ctx context.Context, t bunker.TenantID, id bunker.PolicyID) (admin.PolicyUse, error) {
	u, err := r.Store.PolicyUse(ctx, t, id)
	return admin.PolicyUse(u), err
}

func (x tx) PolicyUse(id bunker.PolicyID) (admin.PolicyUse, error) {
	u, err := x.Tx.PolicyUse(id)
	return admin.PolicyUse(u), err
}

func (r rows) Invites(ctx context.Context, t bunker.TenantID, p admin.Page) ([]bunker.Invite, error) {
	return r.Store.Invites(ctx, t, page(p))
}

func (r rows) Motions(ctx context.Context, t bunker.TenantID, p admin.Page) ([]bunker.Motion, error) {
	return r.Store.Motions(ctx, t, page(p))
}

func (x tx) Invites(p admin.Page) ([]bunker.Invite, error) { return x.Tx.Invites(page(p)) }

func (x tx) Motions(p admin.Page) ([]bunker.Motion, error) { return x.Tx.Motions(page(p)) }

func (x tx) Grants(c bunker.ConnectionID, p admin.Page) ([]bunker.Grant, error) {
	return x.Tx.Grants(c, page(p))
}

func (x tx) Tokens(p admin.Page) ([]bunker.Token, error) { return x.Tx.Tokens(page(p)) }

func (x tx) Connections(key bunker.KeyID, p admin.Page) ([]bunker.Connection, error) {
	return x.Tx.Connections(key, page(p))
}

func (r rows) KeyUses(ctx context.Context, t bunker.TenantID) ([]admin.KeyUse, error) {
	list, err := r.Store.KeyUses(ctx, t)
	out := make([]admin.KeyUse, len(list))
	for i, u := range list {
		out[i] = admin.KeyUse(u)
	}
	return out, err
}
