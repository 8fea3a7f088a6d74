package session

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// hello answers M1 with M2. Nothing is kept of it.
func (d *Door) hello(link string, ev *nostr.Event, plain []byte, now time.Time) (bool, string) {
	m, err := adminwire.ParseHello(plain)
	if err != nil {
		return false, "invalid: " + err.Error()
	}
	if !d.allow(d.hellos, link, now) {
		return false, "rate-limited: too many logins; try again later"
	}
	d.mu.Lock()
	e, err := d.epoch(now)
	d.mu.Unlock()
	if err != nil {
		return false, "error: the bunker has no room for a login now"
	}
	nb, err := e.nb(ev.PubKey, m.NC)
	if err != nil {
		return false, "error: try again"
	}
	c := adminwire.Challenge{NC: m.NC, NB: nb, Epoch: e.key.PubKey(), Now: now.Unix(), Relays: d.Relays()}
	out, err := d.Keys.CloseAdmin(d.Tenant, d.Admin, ev.PubKey, ev.Kind, c.Append(), now)
	if err != nil {
		return false, "error: try again"
	}
	d.Out.Send(out, link)
	return true, ""
}

// silence is for whoever has proved nothing.
const silence = "blocked: not for this bunker"

// proven is who came, after the proof was checked.
type proven struct {
	m       *adminwire.Proof
	h       adminwire.Hash
	client  nostr.PubKey
	person  nostr.PubKey // zero: local
	cert    nostr.ID     // zero: none
	pairing *pairing
	st      Standing
}

// who is A, or the device's id where there is no certificate.
func (p *proven) who() []byte {
	if p.m.Cert != nil {
		return p.person[:]
	}
	id := p.m.Device.ID()
	return id[:]
}

// proof answers M3 with M4. What proves nothing is not answered.
func (d *Door) proof(ctx context.Context, e *epoch, key *secret.Bytes, a arrival, plain []byte) (bool, string) {
	ev, now := a.ev, a.now
	m, err := adminwire.ParseProof(plain)
	if err != nil {
		return false, silence
	}
	nb, err := e.nb(ev.PubKey, m.NC)
	if err != nil || nb != m.NB || m.Epoch != e.key.PubKey() {
		return false, silence
	}
	hs := adminwire.Handshake{Bunker: d.Admin, Client: ev.PubKey, Epoch: m.Epoch, NC: m.NC, NB: m.NB, Versions: m.Versions}
	p := &proven{m: &m, h: hs.H(), client: ev.PubKey}
	if !m.Device.Verify(p.h, m.Sig) || !d.begin(ev.PubKey) {
		return false, silence
	}
	defer d.done(ev.PubKey)
	refusal, known := d.identify(ctx, &hs, p, now)
	if !known {
		return false, silence
	}
	ready := adminwire.Ready{Refusal: refusal}
	var s *live
	if refusal == nil {
		if s, err = d.open(ctx, p, &ready, a, sha256.Sum256(plain)); err != nil {
			e := bunker.AsError(err)
			ready = adminwire.Ready{Refusal: &adminwire.Refusal{Code: string(e.Code), Words: e.Words, Hint: e.Hint}}
		}
	}
	out, err := d.closeReady(key, ev, &ready, now)
	if err != nil {
		d.drop(s, now)
		return false, "error: try again"
	}
	if s != nil {
		s.begun(out)
	}
	d.Out.Send(out, a.link)
	return true, ""
}

// closeReady encrypts M4 with the epoch key and signs it with the admin key.
func (d *Door) closeReady(key *secret.Bytes, ev *nostr.Event, m *adminwire.Ready, now time.Time) (*nostr.Event, error) {
	content, err := encrypt(key, m.Append())
	if err != nil {
		return nil, err
	}
	return d.Keys.SignAdmin(d.Tenant, d.Admin, ev.PubKey, ev.Kind, content, now)
}

// begin lets one proof of a client be worked on at a time.
func (d *Door) begin(client nostr.PubKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.proving[client] || d.live[client] != nil {
		return false
	}
	d.proving[client] = true
	return true
}

func (d *Door) done(client nostr.PubKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.proving, client)
}

// identify finds out who came, by certificate, by pairing secret, or by a device
// that was here. known is false for whoever has proved nothing and hears nothing.
func (d *Door) identify(ctx context.Context, hs *adminwire.Handshake, p *proven, now time.Time) (refusal *adminwire.Refusal, known bool) {
	var err error
	device := p.m.Device.ID().String()
	switch {
	case p.m.Cert != nil:
		if p.person, err = adminwire.CheckCertificate(hs, p.m.Cert); err != nil {
			return nil, false
		}
		p.cert = p.m.Cert.ID
	case p.m.Pair != nil:
		if p.pairing = d.usePairing(*p.m.Pair, p.h, now); p.pairing == nil {
			return nil, false
		}
		p.person = p.pairing.Person
	default:
		if p.person, known, err = d.Rows.Whose(ctx, device); err != nil || !known {
			return nil, false
		}
	}
	if p.st, err = d.Rows.Standing(ctx, p.person, device); err != nil {
		return failed(), true
	}
	switch {
	case p.st.Role == bunker.NoRole && p.m.Cert == nil:
		return nil, false
	case p.st.Role == bunker.NoRole:
		if !d.tell(now) {
			return nil, false
		}
		switch accepted := d.accept(ctx, p); {
		case accepted && p.st.Role != bunker.NoRole:
			return nil, true
		case accepted:
			return &adminwire.Refusal{Code: string(bunker.CodeWaits), Words: "accepted; a new owner's role begins after 24 hours, so that the other owners can notice"}, true
		}
		return &adminwire.Refusal{Code: string(bunker.CodeRestricted), Words: adminwire.NotAnAdmin}, true
	case p.m.Cert == nil && p.pairing == nil && !(p.st.Device == DeviceConfirmed && p.st.Remembered):
		// The device has proved that it was here. It hears that its person must sign.
		return &adminwire.Refusal{Code: string(bunker.CodeNeedsProof), Words: "log in again with your key", Field: "cert"}, true
	}
	return nil, true
}

// accept makes an admin of somebody who was invited: by the code that he brings, or
// by his npub. Who logs in as an administrator accepts. The table judges it. A new
// owner has accepted, and has no role yet.
func (d *Door) accept(ctx context.Context, p *proven) bool {
	if p.st.State != Unsealed {
		return false
	}
	by := bunker.Principal{Name: personName(p.person), Door: bunker.DoorRelay, PubKey: p.person, Device: p.m.Device.ID().String()}
	params, err := json.Marshal(map[string]string{"invite": p.m.Invite})
	if err != nil {
		return false
	}
	if _, err := d.Table.Execute(ctx, by, admin.Order{Name: "admin.accept", Params: params}); err != nil {
		return false
	}
	p.st, err = d.Rows.Standing(ctx, p.person, by.Device)
	return err == nil
}

func failed() *adminwire.Refusal {
	return &adminwire.Refusal{Code: string(bunker.CodeError), Words: "the bunker could not read its store; try again"}
}

func (d *Door) tell(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told.allow(now)
}
