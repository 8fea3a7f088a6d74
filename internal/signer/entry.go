package signer

import (
	"context"
	"encoding/json"
	"errors"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/audit"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/describe"
	"nsecbunker/internal/policy"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr/nip46"
)

// entry begins the request's entry: who asked what, on which versions.
func (s *Signer) entry(c *call, conn *bunker.Connection) *bunker.Entry {
	e := &bunker.Entry{
		Tenant: s.Tenant, EventID: c.Event.ID, Signer: c.signer, Client: c.client,
		Connection: conn.ID, Method: string(c.req.Method), CreatedAt: c.Event.CreatedAt, ClockOff: c.ClockOff,
		To: bunker.RequestReady, Relays: conn.Relays,
	}
	if c.Parked != nil {
		e.From = bunker.RequestParked
	}
	e.Basis.Tenant, e.Basis.Standing, e.Basis.Moment = c.view.Tenant.Version, c.view.Tenant.Standing, c.view.Moment
	if v := c.view.Connection; v != nil {
		e.Basis.Connection, e.Basis.ConnectionVersion = v.ID, v.Version
	}
	if k := c.view.Key; k != nil {
		e.Basis.Key, e.Basis.KeyVersion = k.ID, k.Version
		e.Audit.Key = k.PubKey.String()
	}
	e.Audit.Principal = "client " + c.client.String()
	e.Audit.Door = string(bunker.DoorRelay)
	e.Audit.Action, e.Audit.Step = string(c.req.Method), string(bunker.PartFinal)
	if !c.req.Method.Known() {
		e.Method, e.Audit.Action = "unknown", "unknown"
	}
	e.Audit.Event = c.Event.ID.String()
	e.Audit.Connection = string(conn.ID)
	e.Audit.Person = s.Vault.PersonTag(s.Tenant, conn.Person)
	return e
}

// describe adds the operation's features to the record: never its content.
func (s *Signer) describe(e *bunker.Entry, op *policy.Operation, digest [32]byte, now int64) {
	a := &e.Audit
	a.Size = op.Size()
	if op.Template != nil {
		kind, skew := op.Kind(), op.Template.CreatedAt-now/1000
		a.Kind, a.Tags, a.Skew = &kind, audit.TagNames(op.Template.Tags), &skew
	} else {
		a.Peer = op.Peer.String()
	}
	a.Digest = s.Vault.DigestText(s.Tenant, digest[:])
}

// finish closes the reply and completes the entry.
func (s *Signer) finish(c *call, e *bunker.Entry, r nip46.Reply, decrypted bool) (Judgement, error) {
	msg := secret.Borrow(0)
	msg.B = r.AppendJSON(msg.B)
	ev, err := s.Vault.CloseReply(s.Tenant, c.signer, c.client, c.opened.Scheme, c.opened.Extended, msg.B, c.Now)
	msg.Return()
	if errors.Is(err, vault.ErrTooLarge) {
		unspend(e)
		return s.fail(c, e, bunker.CodeError, "size", "the result is too large for this app's encryption (65,535 bytes); ask for less at a time")
	}
	if err != nil {
		return Judgement{}, err
	}
	out := &bunker.Reply{Part: bunker.PartFinal, EventID: ev.ID, Bytes: ev.AppendJSON(nil), CreatedAt: ev.CreatedAt}
	if decrypted {
		if out.Bytes, err = s.Vault.SealReply(s.Tenant, c.Event.ID, out.Bytes); err != nil {
			return Judgement{}, err
		}
		out.Sealed = true
	}
	e.Reply = out
	return Judgement{Entry: e}, nil
}

// unspend takes back what an allow would have spent: nothing was done.
func unspend(e *bunker.Entry) {
	e.Spend, e.SpendAlso, e.Charges, e.Keep, e.Seat, e.Audit.SignedID = "", nil, nil, nil, false, ""
}

// fail answers with an error of NIP-01's form.
func (s *Signer) fail(c *call, e *bunker.Entry, code bunker.Code, rule, words string) (Judgement, error) {
	e.Audit.Effect, e.Audit.Rule, e.Audit.Reason = bunker.Deny.String(), rule, words
	return s.finish(c, e, nip46.Failure(c.req.ID, string(nip01(code))+": "+words), false)
}

func (s *Signer) refuse(c *call, e *bunker.Entry, rule, words string) (Judgement, error) {
	return s.fail(c, e, bunker.CodeRestricted, rule, words)
}

func (s *Signer) invalid(c *call, e *bunker.Entry, words string) (Judgement, error) {
	return s.fail(c, e, bunker.CodeInvalid, "request", words)
}

// nip01 keeps to the prefixes that NIP-01 knows.
func nip01(code bunker.Code) bunker.Code {
	switch code {
	case bunker.CodeRestricted, bunker.CodeRateLimited, bunker.CodeInvalid, bunker.CodeBlocked:
		return code
	case bunker.CodeSealed:
		return bunker.CodeRestricted
	}
	return bunker.CodeError
}

// malformed answers a known client's message that is no proper request but
// whose id could be read.
func (s *Signer) malformed(c *call, bad *nip46.MalformedError) (Judgement, error) {
	if bad.ID == "" {
		return Judgement{Drop: "no request id"}, nil
	}
	return s.invalid(c, s.entry(c, c.view.Connection), bad.Error())
}

// park completes an entry that waits for a person.
func (s *Signer) park(c *call, e *bunker.Entry) Judgement {
	e.To, e.Envelope, e.Link = bunker.RequestParked, []byte(c.Raw), c.Relay
	e.Audit.Effect, e.Audit.Step = bunker.Ask.String(), "ask"
	if e.NewApproval != nil {
		e.Audit.Object = string(e.NewApproval.ID)
	} else {
		e.Audit.Object = string(e.JoinApproval)
	}
	return Judgement{Entry: e}
}

// join makes the request the newest of an open question.
func (s *Signer) join(ctx context.Context, c *call, e *bunker.Entry, same *bunker.Approval) (Judgement, error) {
	d, err := s.deadlines(ctx, same.Key)
	if err != nil {
		return Judgement{}, err
	}
	e.JoinApproval = same.ID
	e.JoinReplyBy = min(c.Now.Add(d.Reply).UnixMilli(), same.QuestionUntil)
	e.Audit.Rule, e.Audit.Reason = "approval "+string(same.ID), "the same request is asked already"
	return s.park(c, e), nil
}

// deadlines are those of questions about a key.
func (s *Signer) deadlines(ctx context.Context, k bunker.KeyID) (approval.Deadlines, error) {
	text, err := s.Store.Setting(ctx, s.Tenant, approval.SettingsName)
	if err != nil {
		return approval.Deadlines{}, err
	}
	set, err := approval.ParseSettings(text)
	return set.Of(k), err
}

// openSummary is what a question shows.
func (s *Signer) openSummary(q *bunker.Approval) (v describe.Summary, err error) {
	b, err := s.Vault.OpenSummary(q)
	if err != nil {
		return v, err
	}
	defer secret.Wipe(b)
	return v, json.Unmarshal(b, &v)
}

// sealSummary puts what people will be shown into a question.
func (s *Signer) sealSummary(q *bunker.Approval, v *describe.Summary) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	defer secret.Wipe(b) // it may hold a text that is to be encrypted
	q.Summary, err = s.Vault.SealSummary(q, b)
	return err
}
