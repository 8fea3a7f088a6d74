package session

import (
	"context"
	"crypto/rand"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// pairing is a link that was handed out.
type pairing struct {
	admin.Pairing
	id     string
	secret *secret.Bytes // nil once it was used
	made   time.Time
	came   chan struct{} // closed when somebody used the link, or its time is over
	with   *live
}

// Pair implements [admin.Sessions].
func (d *Door) Pair(p admin.Pairing) (link, id string, err error) {
	raw := make([]byte, adminwire.PairingSize)
	rand.Read(raw)
	link = adminwire.ConnectionString{Bunker: d.Admin, Relays: d.Relays(), Pairing: raw}.String()
	sec, err := d.Arena.From(raw)
	if err != nil {
		return "", "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.pairings) >= MaxPairings {
		sec.Destroy()
		return "", "", bunker.Errorf(bunker.CodeRateLimited, "%d pairing links are open; use one, or wait for ten minutes", MaxPairings)
	}
	id = rand.Text()
	d.pairings[id] = &pairing{Pairing: p, id: id, secret: sec, made: d.Now(), came: make(chan struct{})}
	return link, id, nil
}

// usePairing finds the link whose secret made the proof, and spends it.
func (d *Door) usePairing(proof, h adminwire.Hash, now time.Time) *pairing {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found *pairing
	for _, p := range d.pairings {
		if p.secret == nil || gone(now, p.made, adminwire.PairingLife) {
			continue
		}
		_ = p.secret.Use(func(b []byte) { // ours alone, under mu
			if adminwire.SameHash(adminwire.Pairing(b, h), proof) {
				found = p
			}
		})
	}
	if found != nil {
		found.secret.Destroy()
		found.secret = nil
	}
	return found
}

// used notes who used the link. d.mu is held.
func (p *pairing) used(s *live) {
	if p.with == nil {
		p.with = s
		close(p.came)
	}
}

// dropPairing forgets a link. d.mu is held.
func (d *Door) dropPairing(id string) {
	p := d.pairings[id]
	delete(d.pairings, id)
	if p.secret != nil {
		p.secret.Destroy()
	}
	if p.with == nil {
		close(p.came)
	}
}

// Paired implements [admin.Sessions].
func (d *Door) Paired(ctx context.Context, id string) (admin.Waiting, error) {
	d.mu.Lock()
	p := d.pairings[id]
	d.mu.Unlock()
	if p == nil {
		return admin.Waiting{}, noLink()
	}
	select {
	case <-ctx.Done():
		return admin.Waiting{}, ctx.Err()
	case <-p.came:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if p.with == nil || d.live[p.with.client] != p.with {
		return admin.Waiting{}, noLink()
	}
	return p.with.waiting(), nil
}

func noLink() error {
	return bunker.Errorf(bunker.CodeNotFound, "the pairing link is not good any more; make another one").In("id").WithHint("nsecbunker device pair")
}
