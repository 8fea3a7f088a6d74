package signer

import (
	"context"
	"errors"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/describe"
	"nsecbunker/internal/policy"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// operate judges a method that works with the user key: decide first, act only
// on allow.
func (s *Signer) operate(ctx context.Context, c *call, e *bunker.Entry) (Judgement, error) {
	if !c.req.Method.Known() {
		return s.invalid(c, e, "this bunker knows no method of that name; it knows those of NIP-46")
	}
	if c.Halted != "" {
		return s.fail(c, e, bunker.CodeError, "clock", c.Halted)
	}
	op, err := s.operation(c)
	if err != nil {
		return s.invalid(c, e, err.Error())
	}
	digest := op.Digest()
	e.OpDigest = digest
	s.describe(e, op, digest, c.Now.UnixMilli())
	in := policy.Input{
		Now: c.Now.UnixMilli(), Tenant: &c.view.Tenant, Key: c.view.Key,
		Connection: c.view.Connection, Grants: c.view.Grants, Operation: op,
		Door: bunker.DoorRelay, Relay: c.Relay,
	}
	if c.Parked != nil {
		in.Approval, in.Relay = &c.Parked.Approval, c.Parked.Link
	}
	e.Audit.Relay = in.Relay
	refused, err := s.underPolicies(ctx, c, &in)
	e.Audit.Result = string(op.Result)
	if err != nil {
		return Judgement{}, err
	}
	if refused != nil {
		return s.floored(c, e, refused)
	}
	g, err := s.guard(ctx, c.view.Key, op, c.Now)
	if errors.Is(err, vault.ErrSealed) {
		return s.refuse(c, e, "sealed", "this bunker is sealed; ask its administrator to unseal it")
	}
	if err != nil {
		return Judgement{}, err
	}
	if g != nil && g.finding != "" {
		in.Guard = g.finding
		if err := s.shown(ctx, g, &in); err != nil {
			return Judgement{}, err
		}
	}
	d := policy.Decide(in)
	if d.Effect != bunker.Deny {
		// Nobody is asked about what there is no seat for.
		if full, err := s.seat(ctx, c, e); err != nil || full != "" {
			return s.unseated(c, e, full, err)
		}
	}
	e.Audit.Effect, e.Audit.Rule, e.Audit.Reason, e.Audit.Needed = d.Effect.String(), d.Rule, d.Reason, d.Needed
	switch d.Effect {
	case bunker.Allow:
		e.Spend, e.SpendAlso, e.Charges = d.Spend, d.SpendAlso, d.Charges
		return s.act(c, e, op, g)
	case bunker.Ask:
		e.Seat = false // taken when it is allowed
		return s.ask(ctx, c, e, in, d, g)
	}
	return s.fail(c, e, d.Code, d.Rule, d.Reason)
}

// operation parses the parameters of a method that works with the user key.
func (s *Signer) operation(c *call) (*policy.Operation, error) {
	op := &policy.Operation{Method: c.req.Method}
	if c.req.Method == nip46.SignEvent {
		t, err := nostr.ParseTemplate([]byte(c.req.Param(0)))
		if err != nil {
			return nil, err
		}
		if t.HasPubKey && t.PubKey != c.view.Key.PubKey {
			return nil, errors.New("the event's pubkey is another account's; this connection signs as " + c.view.Key.PubKey.String())
		}
		op.Template = t
		op.OffDate = policy.OffDate(t.CreatedAt, c.Now.UnixMilli())
		op.Seen = (t.Kind == 4 || t.Kind == 13) && s.Vault.MadeCiphertext(c.view.Connection.ID, t.Content)
		return op, nil
	}
	if len(c.req.Params) != 2 {
		return nil, errors.New(string(c.req.Method) + " takes two parameters: the other party's pubkey and the text")
	}
	peer, err := nostr.ParsePubKey(c.req.Param(0))
	if err != nil {
		return nil, errors.New("the first parameter of " + string(c.req.Method) + " must be a pubkey of 64 hex digits")
	}
	op.Peer, op.Payload = peer, []byte(c.req.Param(1))
	return op, nil
}

// act does what was allowed, in memory. What the vault refuses is below every
// policy and is told as a refusal.
func (s *Signer) act(c *call, e *bunker.Entry, op *policy.Operation, g *guarded) (Judgement, error) {
	result, err := s.result(c, e, op, g)
	if err != nil {
		return s.floored(c, e, err)
	}
	decrypted := op.Method == nip46.NIP04Decrypt || op.Method == nip46.NIP44Decrypt
	return s.finish(c, e, nip46.Success(c.req.ID, result), decrypted)
}

// floored refuses what the vault refused; nothing is spent.
func (s *Signer) floored(c *call, e *bunker.Entry, err error) (Judgement, error) {
	pub := bunker.AsError(err)
	unspend(e)
	e.Audit.Needed = "nothing that a rule could say: it is refused below every policy"
	return s.fail(c, e, pub.Code, "floor", pub.Words)
}

func (s *Signer) result(c *call, e *bunker.Entry, op *policy.Operation, g *guarded) (string, error) {
	f, key := s.floor(c), c.view.Key.ID
	switch op.Method {
	case nip46.SignEvent:
		ev, err := s.Vault.SignEvent(f, key, op.Template)
		if err != nil {
			return "", err
		}
		e.Audit.SignedID = ev.ID.String()
		room := secret.Borrow(0)
		defer room.Return()
		room.B = ev.AppendJSON(room.B)
		return string(room.B), s.keep(c, e, g, ev.ID, op.Template, room.B)
	case nip46.NIP44Encrypt:
		return s.Vault.Encrypt44(f, key, op.Peer, op.Payload)
	case nip46.NIP04Encrypt:
		return s.Vault.Encrypt04(f, key, op.Peer, op.Payload)
	case nip46.NIP44Decrypt:
		b, err := s.Vault.Decrypt44(f, key, op.Peer, string(op.Payload))
		return string(b), err
	case nip46.NIP04Decrypt:
		b, err := s.Vault.Decrypt04(f, key, op.Peer, string(op.Payload))
		return string(b), err
	}
	return "", bunker.Errorf(bunker.CodeInvalid, "this bunker knows no method of that name")
}

func (s *Signer) floor(c *call) vault.Floor {
	return vault.Floor{
		Tenant: s.Tenant, Connection: c.view.Connection.ID, Client: c.client,
		NpubLogin: c.view.Key.NpubLogin, AdminHere: c.view.Key.AdminHere,
		Ours: s.Around.Ours, Clients: s.Around.Clients, OurHosts: s.Around.Hosts, OurRelays: s.Around.Relays,
		Now: c.Now,
	}
}

// ask parks the request with its question, or joins the one that is open.
func (s *Signer) ask(ctx context.Context, c *call, e *bunker.Entry, in policy.Input, d policy.Decision, g *guarded) (Judgement, error) {
	if err := s.Vault.Check(s.floor(c), in.Key, in.Operation.Template, in.Operation.Peer); err != nil {
		// What is never allowed is not asked either.
		return s.floored(c, e, err)
	}
	q, err := s.Store.Questions(ctx, s.Tenant, in.Connection.ID, in.Key.ID, e.OpDigest)
	if err != nil {
		return Judgement{}, err
	}
	if q.Same != nil && q.Same.EventID != c.Event.ID {
		return s.join(ctx, c, e, q.Same)
	}
	if q.OfConnection >= approval.MaxOfConnection {
		return s.fail(c, e, bunker.CodeRateLimited, "questions", "too many questions of this app are open; wait until the administrator has answered them")
	}
	e.NewApproval, e.MaxQuestions, e.Burst = approval.Ask(in, d, c.Event.ID), approval.MaxOfConnection, approval.Burst.Milliseconds()
	within, err := s.deadlines(ctx, in.Key.ID)
	if err != nil {
		return Judgement{}, err
	}
	approval.Within(e.NewApproval, within)
	shown := describe.Keep(in.Operation)
	if g != nil {
		shown.Changes, shown.Guard = &g.changes, g.finding
	}
	if err := s.sealSummary(e.NewApproval, &shown); err != nil {
		return Judgement{}, err
	}
	return s.park(c, e), nil
}
