package bunker

import "nsecbunker/nostr"

// DeviceState says whether a device may still come.
type DeviceState string

// The states of a device. One that nobody confirmed has no row.
const (
	DeviceConfirmed DeviceState = "confirmed"
	DeviceRevoked   DeviceState = "revoked"
)

// Device is a browser or script that was confirmed, by its own key. It belongs to
// one person and adds none (security.md section 4).
type Device struct {
	Tenant TenantID
	ID     string // of its key, hexadecimal
	Pub    []byte // P-256, uncompressed
	// Person is whose device it is; zero: local, whoever has the machine.
	Person nostr.PubKey
	// Role is the most that it may do, whatever the person's role is.
	Role  Role
	Label string // its own words, for display
	State DeviceState
	// Paired: it came by a pairing link and needs no certificate of the person, until
	// ExpiresAt.
	Paired bool
	// LastLogin is when its person last signed a certificate for it (unix ms).
	LastLogin   int64
	ExpiresAt   int64 // unix ms; 0: never
	ConfirmedBy string
	CreatedAt   int64 // unix ms
	Version     int64
}

// AuthorityRow implements [Authority].
func (d *Device) AuthorityRow() (TenantID, string, string, int64) {
	return d.Tenant, "device", d.ID, d.Version
}

// Canonical implements [Authority].
func (d *Device) Canonical() []byte {
	var c canon
	c.bytes(d.Pub)
	c.bytes(d.Person[:])
	c.num(int64(d.Role))
	c.str(d.Label)
	c.str(string(d.State))
	c.flag(d.Paired)
	c.num(d.LastLogin)
	c.num(d.ExpiresAt)
	c.str(d.ConfirmedBy)
	c.num(d.CreatedAt)
	return c.b
}

// Live reports whether the device may come at a time (unix ms).
func (d *Device) Live(now int64) bool {
	return d.State == DeviceConfirmed && (d.ExpiresAt == 0 || d.ExpiresAt > now)
}

// MadeChange is a change that an admin ordered from afar, by an id of his own, and
// that was made: it is not made again.
type MadeChange struct {
	Person  string // whose it is: a principal's name
	Op      string
	Command string
	Digest  [32]byte // keyed, of command and parameters
	At      int64    // unix ms
	Result  []byte   // closed under the root key; nil: not stored
}
