package store

import (
	"context"

	"nsecbunker/internal/bunker"
)

// Rows without authority: slots, relays, settings. They are read as they are,
// also while the tenant is sealed.

const slotColumns = `tenant, id, kind, name, params, wrapped, created_at`

func fillSlot(row scanner, s *bunker.Slot) error {
	return row.Scan((*string)(&s.Tenant), (*string)(&s.ID), (*string)(&s.Kind), &s.Name, &s.Params, &s.Wrapped, &s.CreatedAt)
}

const slotsAll = `SELECT ` + slotColumns + ` FROM slot WHERE tenant = $1 ORDER BY created_at, id LIMIT $2`

// Slots returns the ways to open the root key, in order of birth.
func (s *Store) Slots(ctx context.Context, t bunker.TenantID) ([]bunker.Slot, error) {
	out, err := scanAll(ctx, s.read, fillSlot, slotsAll, string(t), MaxPage)
	return out, s.explain("reading the key slots", err)
}

// Slots returns the ways to open the root key, in order of birth.
func (tx *Tx) Slots() ([]bunker.Slot, error) {
	return scanAll(tx.ctx, tx.q, fillSlot, slotsAll, string(tx.head.Tenant), MaxPage)
}

// PutSlot adds a slot, or changes the one with the id.
func (tx *Tx) PutSlot(s *bunker.Slot) error {
	err := tx.exec(`INSERT INTO slot (`+slotColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, id) DO UPDATE SET name = excluded.name, params = excluded.params, wrapped = excluded.wrapped`,
		string(s.Tenant), string(s.ID), string(s.Kind), s.Name, blob(s.Params), blob(s.Wrapped), s.CreatedAt)
	if troubleOf(err) == duplicate {
		return conflict("there is a slot with the name %q already", s.Name)
	}
	return err
}

// DeleteSlot removes a slot; the last one cannot go, or the root key would be
// lost.
func (tx *Tx) DeleteSlot(id bunker.SlotID) error {
	slots, err := tx.Slots()
	if err != nil {
		return err
	}
	if len(slots) == 1 && slots[0].ID == id {
		return conflict("%s is the last key slot; without it nobody could open the bunker again. Add another one first", id)
	}
	return tx.delete("slot", string(id), `DELETE FROM slot WHERE tenant = $1 AND id = $2`, string(tx.head.Tenant), string(id))
}

// RelayState says whether apps are told of a relay.
type RelayState string

const (
	// RelayUsed relays are given to apps.
	RelayUsed RelayState = "used"
	// RelayOld ones were removed and are still heard for apps that have not
	// switched.
	RelayOld RelayState = "old"
)

// Relay is a relay that apps are, or were, heard on.
type Relay struct {
	URL        string
	State      RelayState
	AddedAt    int64 // unix ms
	HeardUntil int64 // unix ms; of an old one
}

func fillRelay(row scanner, r *Relay) error {
	return row.Scan(&r.URL, (*string)(&r.State), &r.AddedAt, &r.HeardUntil)
}

const relaysAll = `SELECT url, state, added_at, heard_until FROM relay WHERE tenant = $1 ORDER BY state DESC, added_at, url LIMIT $2`

// Relays returns the tenant's relays: used ones first, each in order of birth.
func (s *Store) Relays(ctx context.Context, t bunker.TenantID) ([]Relay, error) {
	out, err := scanAll(ctx, s.read, fillRelay, relaysAll, string(t), MaxPage)
	return out, s.explain("reading the relays", err)
}

// Relays returns the tenant's relays: used ones first, each in order of birth.
func (tx *Tx) Relays() ([]Relay, error) {
	return scanAll(tx.ctx, tx.q, fillRelay, relaysAll, string(tx.head.Tenant), MaxPage)
}

// PutRelay adds a relay or changes its state.
func (tx *Tx) PutRelay(r Relay) error {
	return tx.exec(`INSERT INTO relay (tenant, url, state, added_at, heard_until) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant, url) DO UPDATE SET state = excluded.state, added_at = excluded.added_at, heard_until = excluded.heard_until`,
		string(tx.head.Tenant), r.URL, string(r.State), r.AddedAt, r.HeardUntil)
}

// DeleteRelay forgets a relay: it is not heard any more.
func (tx *Tx) DeleteRelay(url string) error {
	return tx.delete("relay", url, `DELETE FROM relay WHERE tenant = $1 AND url = $2`, string(tx.head.Tenant), url)
}

const settingPut = `INSERT INTO setting (tenant, name, value) VALUES ($1, $2, $3)
ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value`

const settingByName = `SELECT value FROM setting WHERE tenant = $1 AND name = $2`

// Setting returns a setting's value, "" where there is none.
func (s *Store) Setting(ctx context.Context, t bunker.TenantID, name string) (string, error) {
	v, err := setting(ctx, s.read, t, name)
	return v, s.explain("reading a setting", err)
}

// Setting returns a setting's value, "" where there is none.
func (tx *Tx) Setting(name string) (string, error) {
	return setting(tx.ctx, tx.q, tx.head.Tenant, name)
}

func setting(ctx context.Context, q querier, t bunker.TenantID, name string) (v string, err error) {
	err = q.QueryRowContext(ctx, settingByName, string(t), name).Scan(&v)
	if isNone(err) {
		return "", nil
	}
	return v, err
}

// PutSetting stores a setting; an empty value removes it.
func (tx *Tx) PutSetting(name, value string) error {
	if value == "" {
		return tx.exec(`DELETE FROM setting WHERE tenant = $1 AND name = $2`, string(tx.head.Tenant), name)
	}
	return tx.exec(settingPut, string(tx.head.Tenant), name, value)
}
