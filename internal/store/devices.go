package store

import (
	"context"

	"nsecbunker/internal/bunker"
)

const deviceColumns = `d.tenant, d.id, d.pub, d.person, d.role, d.label, d.state, d.paired, d.last_login, d.expires_at, d.confirmed_by,
d.created_at, d.version, d.mac`

func fillDevice(row scanner, d *bunker.Device) (mac []byte, err error) {
	err = row.Scan((*string)(&d.Tenant), &d.ID, &d.Pub, b32{(*[32]byte)(&d.Person)}, small{(*uint8)(&d.Role)}, &d.Label, (*string)(&d.State),
		yesno{&d.Paired}, &d.LastLogin, &d.ExpiresAt, &d.ConfirmedBy, &d.CreatedAt, &d.Version, &mac)
	return mac, err
}

const (
	deviceByID = `SELECT ` + deviceColumns + ` FROM device d WHERE d.tenant = $1 AND d.id = $2`
	devicesAll = `SELECT ` + deviceColumns + ` FROM device d WHERE d.tenant = $1 ORDER BY d.created_at, d.id LIMIT $2`
)

// Device returns a device by the id of its key.
func (s *Store) Device(ctx context.Context, t bunker.TenantID, id string) (*bunker.Device, error) {
	d, err := one(s, s.read.QueryRowContext(ctx, deviceByID, string(t), id), fillDevice)
	return d, s.explain("reading a device", orNotFound(err, "device", id))
}

// Devices returns the tenant's devices, at most MaxPage, in order of birth.
func (s *Store) Devices(ctx context.Context, t bunker.TenantID) ([]bunker.Device, error) {
	out, err := all(ctx, s, s.read, fillDevice, devicesAll, string(t), MaxPage)
	return out, s.explain("listing devices", err)
}

// UnverifiedDevice is for the admin handshake while the tenant is sealed.
func (s *Store) UnverifiedDevice(ctx context.Context, t bunker.TenantID, id string) (Unverified[bunker.Device], error) {
	rows, err := unchecked(ctx, s.read, fillDevice, deviceByID, string(t), id)
	return Unverified[bunker.Device]{rows}, s.explain("reading a device", err)
}

// SeemsConfirmed reports whether a device seems to be a person's that may come:
// good for letting him try to unseal, for nothing else. login is whether it also
// needs no new certificate: one after that time (unix ms), or a pairing.
func SeemsConfirmed(u Unverified[bunker.Device], person [32]byte, now, loginAfter int64) (live, login bool) {
	for i := range u.rows {
		d := &u.rows[i]
		if d.Live(now) && d.Person == person {
			return true, d.Paired || d.LastLogin > loginAfter
		}
	}
	return false, false
}

// PersonOf returns whose device it seems to be; ok is false when there is none.
func PersonOf(u Unverified[bunker.Device]) (person [32]byte, ok bool) {
	if len(u.rows) == 0 {
		return person, false
	}
	return u.rows[0].Person, true
}

// Device returns a device by the id of its key.
func (tx *Tx) Device(id string) (*bunker.Device, error) {
	d, err := one(tx.s, tx.q.QueryRowContext(tx.ctx, deviceByID, string(tx.head.Tenant), id), fillDevice)
	return d, orNotFound(err, "device", id)
}

// Devices returns the tenant's devices.
func (tx *Tx) Devices() ([]bunker.Device, error) {
	return all(tx.ctx, tx.s, tx.q, fillDevice, devicesAll, string(tx.head.Tenant), MaxPage)
}

// PutDevice stores a device; for versions see PutKey.
func (tx *Tx) PutDevice(d *bunker.Device) error {
	return tx.put(d, &d.Version, "device "+d.ID,
		`SELECT version FROM device WHERE tenant = $1 AND id = $2`, []any{string(d.Tenant), d.ID},
		`INSERT INTO device (tenant, id, pub, person, role, label, state, paired, last_login, expires_at, confirmed_by, created_at, version, mac)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (tenant, id) DO UPDATE SET person = excluded.person, role = excluded.role, label = excluded.label, state = excluded.state,
paired = excluded.paired, last_login = excluded.last_login, expires_at = excluded.expires_at, confirmed_by = excluded.confirmed_by,
version = excluded.version, mac = excluded.mac`,
		func(mac []byte) []any {
			return []any{
				string(d.Tenant), d.ID, blob(d.Pub), d.Person[:], int64(d.Role), d.Label, string(d.State), num(d.Paired), d.LastLogin,
				d.ExpiresAt, d.ConfirmedBy, d.CreatedAt, d.Version, mac,
			}
		})
}

// DeleteDevice forgets a device: it has to be confirmed anew.
func (tx *Tx) DeleteDevice(id string) error {
	return tx.delete("device", id, `DELETE FROM device WHERE tenant = $1 AND id = $2`, string(tx.head.Tenant), id)
}
