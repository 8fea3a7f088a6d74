package signer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr/nip46"
)

// known judges a request of a client that has, or had, a connection: it always
// gets an answer.
func (s *Signer) known(ctx context.Context, c *call) (Judgement, error) {
	conn := c.view.Connection
	e := s.entry(c, conn)
	if c.view.Unverified {
		return s.refuse(c, e, "sealed", "this bunker is sealed; ask its administrator to unseal it")
	}
	if c.ClockOff {
		return s.invalid(c, e, clockWords(c))
	}
	if refused(c) {
		return s.refuse(c, e, "restored", "this request was made before the bunker was restored or its clock was set; ask the app to try again")
	}
	if c.Parked != nil && c.Parked.Approval.EventID != c.Event.ID {
		return s.fail(c, e, bunker.CodeError, "approval "+string(c.Parked.Approval.ID), "replaced by a newer request")
	}
	if c.view.Key == nil {
		return s.refuse(c, e, "key", "the key of this connection was deleted; ask the bunker's administrator")
	}
	if words := c.view.Tenant.Standing.Words(); words != "" && c.req.Method != nip46.Logout {
		return s.refuse(c, e, "standing", words)
	}
	if c.req.Method == nip46.Connect {
		return s.connectAgain(ctx, c, e)
	}
	if c.req.Method.NeedsGrant() {
		return s.operate(ctx, c, e)
	}
	if words := notActive(c); words != "" {
		return s.refuse(c, e, standing(c), words)
	}
	e.Audit.Effect, e.Audit.Rule = bunker.Allow.String(), "connected"
	switch c.req.Method {
	case nip46.Ping:
		return s.finish(c, e, nip46.Success(c.req.ID, "pong"), false)
	case nip46.GetPublicKey:
		return s.finish(c, e, nip46.Success(c.req.ID, c.view.Key.PubKey.String()), false)
	case nip46.SwitchRelays:
		return s.switchRelays(c, e)
	case nip46.Logout:
		gone := *conn
		gone.State, gone.Version = bunker.ConnEnded, conn.Version+1
		e.UpdateConnection, e.Withdraw = &gone, conn.ID
		return s.finish(c, e, nip46.Success(c.req.ID, "ack"), false)
	}
	return s.refuse(c, e, "method", "this bunker knows no such method")
}

// refused reports a request that may have been answered by a life of this store
// that the store does not remember: it was made before a restore, or before the
// clock was accepted (security.md section 3). Events are dated in whole seconds.
func refused(c *call) bool {
	before := c.view.Tenant.RefuseBefore
	return before > 0 && c.Event.CreatedAt <= before/1000
}

// clockWords tells a client how far its clock is from ours.
func clockWords(c *call) string {
	age := c.Now.Sub(time.Unix(c.Event.CreatedAt, 0)).Round(time.Second)
	if age > 0 {
		return fmt.Sprintf("this request is %s old; set the clock of the device that runs the app, and send it again", age)
	}
	return fmt.Sprintf("this request is dated %s in the future; set the clock of the device that runs the app, and send it again", -age)
}

// standing is the rule of a refusal by notActive.
func standing(c *call) string {
	state := c.view.Connection.StateAt(c.Now.UnixMilli())
	if state == bunker.ConnActive {
		return "paused"
	}
	return string(state)
}

// notActive returns what a client of a connection that is not active is told;
// "" when it is active.
func notActive(c *call) string {
	conn, now := c.view.Connection, c.Now.UnixMilli()
	state := conn.StateAt(now)
	switch {
	case c.view.Tenant.Stopped:
		return "this bunker was stopped by its administrator; ask them to start it again"
	case state == bunker.ConnActive && c.view.Key.PausedAt(now):
		return policy.PausedWords(c.view.Key)
	case state == bunker.ConnActive:
		return ""
	case state == bunker.ConnSuspended:
		return policy.SuspendedWords(conn)
	case conn.State == bunker.ConnRevoked && c.Parked != nil && c.Parked.Approval.State == bunker.ApprovalDenied:
		return "an administrator refused this request"
	case conn.State == bunker.ConnRevoked:
		return "this connection was revoked; ask the bunker's administrator"
	case conn.State == bunker.ConnEnded:
		return "this app logged out; connect it again with a new bunker:// string"
	case conn.State == bunker.ConnPending:
		return "this connection is not approved yet"
	}
	return "this connection has expired; ask the bunker's administrator for a new one"
}

// connectAgain answers a known client's connect: many send it at every start,
// with the spent secret or none. Its grants stay as they are (interop.md 3).
func (s *Signer) connectAgain(ctx context.Context, c *call, e *bunker.Entry) (Judgement, error) {
	conn := c.view.Connection
	p, err := nip46.ParseConnect(c.req)
	if err != nil {
		return s.invalid(c, e, err.Error())
	}
	if !addressed(p.Remote, c.signer, c.view.Key) {
		return s.invalid(c, e, "the first parameter of connect is another key than this bunker's; use the pubkey of the bunker:// string")
	}
	if m := metadata(p.Metadata); m != (bunker.ClientMetadata{}) {
		e.Metadata = &m
	}
	words := notActive(c)
	switch {
	case words == "":
		e.Audit.Effect, e.Audit.Rule = bunker.Allow.String(), "connected"
		return s.finish(c, e, nip46.Success(c.req.ID, "ack"), false)
	case conn.State == bunker.ConnPending && !c.view.Tenant.Stopped:
		return s.knockAgain(ctx, c, e, p)
	case conn.State == bunker.ConnEnded || conn.State == bunker.ConnExpired || conn.State == bunker.ConnRevoked:
		owner, err := s.Store.Owner(ctx, c.signer)
		if err != nil {
			return Judgement{}, err
		}
		tok, err := s.redeemable(ctx, c, owner, p.Secret)
		if err != nil {
			return Judgement{}, err
		}
		if tok != nil && conn.Reopens(tok) {
			if why := bars(&c.view.Tenant, c.view.Key); why != 0 {
				return s.refuse(c, e, "link", why.words())
			}
			if full, err := s.noSeat(ctx, &c.view.Tenant, holder(tok, conn), c.client); err != nil || full != "" {
				return s.unseated(c, e, full, err)
			}
			return s.redeem(c, tok, p, conn)
		}
	}
	return s.refuse(c, e, standing(c), words)
}

// holder is the person of a connection that is over and that a link brings back.
func holder(tok *bunker.Token, conn *bunker.Connection) string {
	if tok.ID != conn.Token {
		return tok.Person
	}
	return conn.Person
}

// knockAgain handles connect on a connection that waits for a person: the
// request joins the open question, or makes a new one when the last one passed.
func (s *Signer) knockAgain(ctx context.Context, c *call, e *bunker.Entry, p nip46.ConnectParams) (Judgement, error) {
	if c.Parked != nil {
		return s.refuse(c, e, "approval "+string(c.Parked.Approval.ID), "not yet approved; if approved later, try again")
	}
	if len(c.Raw) > MaxKnock {
		return s.invalid(c, e, "this connect request is too large")
	}
	q, err := s.Store.Questions(ctx, s.Tenant, c.view.Connection.ID, c.view.Key.ID, [32]byte{})
	if err != nil {
		return Judgement{}, err
	}
	if q.Same != nil {
		return s.join(ctx, c, e, q.Same)
	}
	if q.OfKey >= approval.MaxStrangersKey || q.OfTenant >= approval.MaxStrangers {
		return tooManyKnocks(), nil
	}
	asks, err := s.asksAlready(ctx, c.client)
	if err != nil || asks {
		return tooManyKnocks(), err
	}
	open, err := s.openTo(ctx, c.view.Key, c.Now)
	if err != nil {
		return Judgement{}, err
	}
	if !open {
		return s.refuse(c, e, "pending", "this connection is not approved, and no login is expected now; ask the bunker's administrator")
	}
	return s.askConnect(ctx, c, e, p)
}

// switchRelays tells the client where to talk from now on, "null" when that is
// where it talks already (NIP-46, Switching relays). A connection without a list
// of its own talks where its bunker:// string said: which relays those were then
// is not known, so it is told.
func (s *Signer) switchRelays(c *call, e *bunker.Entry) (Judgement, error) {
	conn, want := c.view.Connection, s.Around.AppRelays()
	if len(conn.SwitchTo) > 0 {
		want = conn.SwitchTo
	}
	if len(want) == 0 || slices.Equal(conn.Relays, want) {
		return s.finish(c, e, nip46.Success(c.req.ID, "null"), false)
	}
	list, err := json.Marshal(want)
	if err != nil {
		return Judgement{}, err
	}
	moved := *conn
	moved.Relays, moved.Version = want, conn.Version+1
	e.UpdateConnection = &moved
	// The answer still goes where the client listens now, and to the new ones.
	e.Relays = append(slices.Clone(conn.Relays), want...)
	if len(conn.Relays) == 0 {
		e.Relays = nil
	}
	return s.finish(c, e, nip46.Success(c.req.ID, string(list)), false)
}
