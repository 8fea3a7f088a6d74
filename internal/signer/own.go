package signer

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/guard"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// ThisBunker is the built-in connection of every key: what an admin lets the key
// sign is a request of it (ledger.md). It has no row, no signer key and no client;
// what it may do, it may for one command of one admin.
const ThisBunker bunker.ConnectionID = "this-bunker"

// OwnRequest is an event that an admin lets a key sign.
type OwnRequest struct {
	Now    time.Time
	Tenant *bunker.TenantState // as read, verified
	Key    *bunker.UserKey     // likewise
	By     bunker.Principal
	Action string // the command's name
	Object string // what the record names
	Reason string // one sentence
	// Halted, when not empty, is why nothing is signed now.
	Halted   string
	Template *nostr.Template
	// Relays are where the event itself is published: the stored bytes that leave
	// are those of the event, for there is nobody to answer.
	Relays []string
	// Shown, when not nil, is what the admin saw of the version before: the guard's
	// finding refuses what he has not accepted, and another version what he has not seen.
	Shown *Shown
}

// Shown is what an admin saw before he ordered a new version.
type Shown struct {
	Base   string // id of the event that it was compared with, hex; "" for none
	Accept bool   // he was told what the guard finds
}

// Own judges such a request as any other is judged, but that the admin's command
// takes the place of a grant: a bunker that is stopped, a key that is locked, and the
// vault's floor refuse it. The guard asks no other, since the admin is whom it would
// ask: it refuses what he was not Shown. What is signed is kept like every version. The entry is to be committed; on
// Moved, judge anew. Errors are *bunker.Error for the admin.
func (s *Signer) Own(ctx context.Context, r OwnRequest) (*bunker.Entry, *nostr.Event, error) {
	if r.Halted != "" {
		return nil, nil, bunker.Errorf(bunker.CodeError, "%s", r.Halted)
	}
	if err := ownComplete(&r); err != nil {
		return nil, nil, err
	}
	op := &policy.Operation{Method: nip46.SignEvent, Template: r.Template, OffDate: policy.OffDate(r.Template.CreatedAt, r.Now.UnixMilli())}
	conn := &bunker.Connection{Tenant: s.Tenant, ID: ThisBunker, Key: r.Key.ID, State: bunker.ConnActive, Name: "this bunker"}
	d := policy.Decide(policy.Input{
		Now: r.Now.UnixMilli(), Tenant: r.Tenant, Key: r.Key, Connection: conn, Operation: op,
		Grants: []bunker.Grant{{
			Tenant: s.Tenant, ID: bunker.GrantID(ThisBunker), Connection: ThisBunker, Effect: bunker.Allow, OpDigest: op.Digest(),
			Answers: policy.AnswersDefault, MaxUses: 1, GivenBy: r.By.Name,
		}},
	})
	if d.Effect != bunker.Allow {
		return nil, nil, bunker.Errorf(d.Code, "%s", d.Reason)
	}
	c := &call{Arrival: Arrival{Now: r.Now}, view: bunker.View{Tenant: *r.Tenant, Connection: conn, Key: r.Key}}
	g, err := s.guard(ctx, r.Key, op, r.Now)
	if err != nil {
		return nil, nil, err
	}
	if err := r.Shown.covers(g); err != nil {
		return nil, nil, err
	}
	ev, err := s.Vault.SignEvent(s.floor(c), r.Key.ID, r.Template)
	if err != nil {
		return nil, nil, err
	}
	e := s.ownEntry(&r, op, ev)
	e.Audit.Rule, e.Audit.Reason = "admin", r.Reason
	return e, ev, s.keep(c, e, g, ev.ID, r.Template, e.Reply.Bytes)
}

// covers refuses what the admin has not seen, or not accepted.
func (s *Shown) covers(g *guarded) error {
	switch {
	case s == nil || g == nil:
		return nil
	case s.Base != g.changes.Base:
		return bunker.Errorf(bunker.CodeConflict, "another version was signed meanwhile; look at it, and change that one").In("base")
	case g.finding != "" && !s.Accept:
		return bunker.Errorf(bunker.CodeConflict, "%s; if that is meant, say so", g.finding).In("accept")
	}
	return nil
}

// Examine says what an event would do to the version before, and what the guard finds
// about it; "" for nothing.
func (s *Signer) Examine(ctx context.Context, k *bunker.UserKey, t *nostr.Template, now time.Time) (guard.Changes, string, error) {
	g, err := s.guard(ctx, k, &policy.Operation{Method: nip46.SignEvent, Template: t}, now)
	if err != nil || g == nil {
		return guard.Changes{}, "", err
	}
	return g.changes, g.finding, nil
}

func ownComplete(r *OwnRequest) error {
	if r.Tenant == nil || r.Key == nil || r.Template == nil || r.By.Name == "" || r.Action == "" || len(r.Relays) == 0 {
		return errors.New("signer: an admin's request names tenant, key, event, relays, and who asks for what")
	}
	return nil
}

// ownEntry is the entry of an admin's request. No event asked for it, so its row
// stands under an id that is made of the signed event's.
func (s *Signer) ownEntry(r *OwnRequest, op *policy.Operation, ev *nostr.Event) *bunker.Entry {
	id := nostr.ID(sha256.Sum256(append([]byte(ThisBunker), ev.ID[:]...)))
	digest, kind := op.Digest(), op.Kind()
	return &bunker.Entry{
		Tenant: s.Tenant, EventID: id, Signer: r.Key.PubKey, Client: r.Key.PubKey, Method: string(nip46.SignEvent), OpDigest: digest,
		CreatedAt: r.Now.Unix(), To: bunker.RequestReady, Relays: r.Relays,
		Basis: bunker.Basis{Tenant: r.Tenant.Version, Standing: r.Tenant.Standing, Key: r.Key.ID, KeyVersion: r.Key.Version},
		Reply: &bunker.Reply{Part: bunker.PartFinal, EventID: ev.ID, Bytes: ev.AppendJSON(nil)},
		Audit: bunker.AuditRecord{
			Principal: r.By.Name, Door: string(r.By.Door), Action: r.Action, Step: string(bunker.PartFinal), Event: id.String(),
			Key: r.Key.PubKey.String(), Connection: string(ThisBunker), Object: r.Object, Effect: bunker.Allow.String(), Kind: &kind, Size: op.Size(),
			Tags: audit.TagNames(r.Template.Tags), Digest: s.Vault.DigestText(s.Tenant, digest[:]), SignedID: ev.ID.String(),
		},
	}
}
