package adminwire

import (
	"errors"
	"fmt"
	"slices"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// The types of messages.
const (
	TypeHello     = "hello"
	TypeChallenge = "challenge"
	TypeProof     = "proof"
	TypeReady     = "ready"
	TypeRefused   = "refused" // in the place of ready
)

// header reads version and type.
func (o *object) header(kind string) {
	if v := o.num("v"); v != Version {
		o.fail("v", fmt.Sprintf("is %d; this program speaks version %d", v, Version))
	}
	if got := o.str("type", 32); got != kind && o.err == nil {
		o.err = fmt.Errorf("the message is no %s", kind)
	}
}

// Hello (M1, E_c → B) asks for a challenge. It holds no secret.
type Hello struct {
	NC       Nonce
	Versions []int64
}

// Append writes the message.
func (m *Hello) Append() []byte {
	w := write(TypeHello)
	w.hex("nc", m.NC[:])
	w.nums("versions", m.Versions)
	return w.end()
}

// ParseHello reads M1.
func ParseHello(b []byte) (m Hello, err error) {
	o := parse(b)
	o.header(TypeHello)
	o.bytes("nc", m.NC[:], false)
	m.Versions = o.nums("versions", MaxVersions)
	if err := o.end(); err != nil {
		return m, err
	}
	if !slices.Contains(m.Versions, Version) {
		return m, fmt.Errorf("the hello offers no version that is spoken here (%d)", Version)
	}
	return m, nil
}

// Challenge (M2, B → E_c) holds no secret either.
type Challenge struct {
	NC    Nonce // of the hello
	NB    Nonce
	Epoch nostr.PubKey // E_b
	Now   int64        // the bunker's clock, Unix time in seconds
	// Relays are where the bunker is heard now.
	Relays []string
}

// Append writes the message.
func (m *Challenge) Append() []byte {
	w := write(TypeChallenge)
	w.hex("nc", m.NC[:])
	w.hex("nb", m.NB[:])
	w.hex("eb", m.Epoch[:])
	w.num("now", m.Now)
	w.texts("relays", m.Relays[:min(len(m.Relays), MaxRelays)])
	return w.end()
}

// ParseChallenge reads M2.
func ParseChallenge(b []byte) (m Challenge, err error) {
	o := parse(b)
	o.header(TypeChallenge)
	o.bytes("nc", m.NC[:], false)
	o.bytes("nb", m.NB[:], false)
	o.bytes("eb", m.Epoch[:], false)
	m.Now = o.num("now")
	m.Relays = o.texts("relays", MaxRelays, nip46.MaxRelayURL)
	return m, o.end()
}

// Proof (M3, E_c → B, to E_b) says who comes: by a certificate of A, by a paired
// secret, or by a device that was here.
type Proof struct {
	NC, NB   Nonce
	Epoch    nostr.PubKey
	Versions []int64 // as the hello offered them
	Cert     *nostr.Event
	Device   DevicePub
	Sig      DeviceSig // of the device, over h
	Pair     *Hash
	Label    string // what the device calls itself
	// Invite is the code of an invitation, of somebody who is to become an admin; ""
	// for none.
	Invite string
}

// Append writes the message.
func (m *Proof) Append() []byte {
	w := write(TypeProof)
	w.hex("nc", m.NC[:])
	w.hex("nb", m.NB[:])
	w.hex("eb", m.Epoch[:])
	w.nums("versions", m.Versions)
	var cert []byte
	if m.Cert != nil {
		cert = m.Cert.AppendJSON(nil)
	}
	w.raw("cert", cert)
	d := writer{b: []byte{'{'}}
	id := m.Device.ID()
	d.hex("id", id[:])
	d.hex("pub", m.Device[:])
	d.hex("sig", m.Sig[:])
	w.raw("dev", d.end())
	if m.Pair == nil {
		w.raw("pair", nil)
	} else {
		w.hex("pair", m.Pair[:])
	}
	w.text("label", m.Label)
	w.some("invite", m.Invite)
	return w.end()
}

// ParseProof reads M3. The certificate's signature is not checked here: see
// CheckCertificate.
func ParseProof(b []byte) (m Proof, err error) {
	o := parse(b)
	o.header(TypeProof)
	o.bytes("nc", m.NC[:], false)
	o.bytes("nb", m.NB[:], false)
	o.bytes("eb", m.Epoch[:], false)
	m.Versions = o.nums("versions", MaxVersions)
	if raw := o.raw("cert"); raw != nil {
		if m.Cert, err = nostr.ParseEvent(raw); err != nil {
			return m, err
		}
	}
	raw := o.raw("dev")
	if raw == nil {
		o.fail("dev", "is missing")
	} else {
		d := parseObject(raw)
		var id DeviceID
		d.bytes("id", id[:], false)
		d.bytes("pub", m.Device[:], false)
		d.bytes("sig", m.Sig[:], false)
		if err := d.end(); err != nil {
			return m, err
		}
		if id != m.Device.ID() {
			return m, errors.New("the device's id is not that of its key")
		}
	}
	var pair Hash
	if o.bytes("pair", pair[:], true) {
		m.Pair = &pair
	}
	m.Label = o.str("label", 4*MaxLabel)
	if !validText(m.Label, MaxLabel) {
		o.fail("label", "is too long")
	}
	m.Invite = o.str("invite", MaxInvite)
	if m.Cert != nil && m.Pair != nil {
		o.fail("pair", "and cert exclude each other")
	}
	return m, o.end()
}

// NotAnAdmin are the words of the refusal for whoever proved an npub that is no
// administrator's.
const NotAnAdmin = "not an admin here"

// Ready (M4, B → E_c, from E_b) opens the session, or refuses it: Refusal is set
// then, and nothing else.
type Ready struct {
	SID     SessionID
	Session nostr.PubKey // E_s
	H2      Hash
	Role    string // viewer, approver, operator, owner, or none
	State   string // of the bunker: not set up, sealed, unsealed, stopped
	// Confirmed is false for a device that nobody knows yet: it may do nothing but
	// ask to be confirmed. Code is what it shows for that.
	Confirmed bool
	Code      string
	Idle      int64 // seconds after which a silent session ends
	Until     int64 // when it ends at the latest, Unix time in seconds
	// Checkpoint is the last signed head of the audit log, as JSON; nil for none.
	Checkpoint []byte
	Refusal    *Refusal
}

// Refusal is an error on the wire.
type Refusal struct{ Code, Words, Hint, Field string }

func (r *Refusal) append() []byte {
	w := writer{b: []byte{'{'}}
	w.text("code", r.Code)
	w.text("words", r.Words)
	w.some("hint", r.Hint)
	w.some("field", r.Field)
	return w.end()
}

// maxWords bounds the parts of a refusal, in bytes.
const maxWords = 8 << 10

func parseRefusal(b []byte) (*Refusal, error) {
	o := parseObject(b)
	r := &Refusal{o.str("code", 64), o.str("words", maxWords), o.str("hint", maxWords), o.str("field", maxWords)}
	return r, o.end()
}

// Append writes the message.
func (m *Ready) Append() []byte {
	if m.Refusal != nil {
		w := write(TypeRefused)
		w.raw("error", m.Refusal.append())
		return w.end()
	}
	w := write(TypeReady)
	w.hex("sid", m.SID[:])
	w.hex("es", m.Session[:])
	w.hex("h2", m.H2[:])
	w.text("role", m.Role)
	w.text("state", m.State)
	w.flag("confirmed", m.Confirmed)
	w.text("code", m.Code)
	w.num("idle", m.Idle)
	w.num("until", m.Until)
	w.raw("checkpoint", m.Checkpoint)
	return w.end()
}

// ParseReady reads M4, or the refusal in its place.
func ParseReady(b []byte) (m Ready, err error) {
	o := parse(b)
	if raw := o.members["type"]; string(raw) == `"`+TypeRefused+`"` {
		o.header(TypeRefused)
		e := o.raw("error")
		if e == nil {
			o.fail("error", "is missing")
		}
		if err := o.end(); err != nil {
			return m, err
		}
		m.Refusal, err = parseRefusal(e)
		return m, err
	}
	o.header(TypeReady)
	o.bytes("sid", m.SID[:], false)
	o.bytes("es", m.Session[:], false)
	o.bytes("h2", m.H2[:], false)
	m.Role, m.State = o.str("role", 32), o.str("state", 32)
	m.Confirmed, m.Code = o.flag("confirmed"), o.str("code", 6)
	m.Idle, m.Until = o.num("idle"), o.num("until")
	m.Checkpoint = o.raw("checkpoint")
	return m, o.end()
}
