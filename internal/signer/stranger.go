package signer

import (
	"context"
	"crypto/subtle"
	"time"

	"nsecbunker/internal/approval"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/describe"
	"nsecbunker/internal/policy"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

// StrangerError is the one thing that a stranger may hear. It names a request and,
// to who holds a good link, why it lets nobody in now; it cannot carry a result.
type StrangerError struct {
	signer, client nostr.PubKey
	scheme         vault.Scheme
	requestID      string
	barred         barred
	full           string // beside barredFull: how full it is
}

// barred is why a good link lets nobody in now; zero: the link is not good, or that
// is not said. The link is not used up.
type barred uint8

const (
	barredStopped barred = iota + 1
	barredDeleted
	barredLocked
	barredFull
	barredHeld // by the provider, or unpaid
)

// words are those of a link's holder, who has proved that he holds it.
func (b barred) words() string {
	switch b {
	case barredStopped:
		return "this bunker was stopped by its administrator; ask them to start it again, then use this link"
	case barredDeleted:
		return "the key of this link is being deleted; ask the bunker's administrator"
	case barredHeld:
		return "this bunker lets nobody new in: it is suspended by its provider, or waits to be renewed; ask its owner"
	case barredLocked:
		return "the key of this link is locked; ask the bunker's administrator to unlock it, then use this link"
	}
	return ""
}

// bars is why nobody is let in to a key now; zero: nothing.
func bars(t *bunker.TenantState, k *bunker.UserKey) barred {
	switch {
	case t.Standing != bunker.StandingWorks:
		return barredHeld
	case t.Stopped:
		return barredStopped
	case k.State != bunker.KeyActive:
		return barredDeleted
	case k.Locked:
		return barredLocked
	}
	return 0
}

// strangerWords are the same for an unknown, a spent and a wrong secret: a
// stranger learns nothing from them.
const strangerWords = "restricted: this link is not valid, or was used"

// Envelope closes the error for the stranger.
func (s *Signer) Envelope(e *StrangerError, now time.Time) (*nostr.Event, error) {
	words := strangerWords
	switch {
	case e.barred == barredFull:
		words = "restricted: " + e.full
	case e.barred != 0:
		words = "restricted: " + e.barred.words()
	}
	msg := nip46.Failure(e.requestID, words).AppendJSON(nil)
	return s.Vault.CloseReply(s.Tenant, e.signer, e.client, e.scheme, false, msg, now)
}

// stranger judges a request of a key that has no connection at this signer key:
// only connect is heard.
func (s *Signer) stranger(ctx context.Context, c *call, parseErr error) (Judgement, error) {
	switch {
	case parseErr != nil:
		return Judgement{Drop: "stranger: no request"}, nil
	case c.req.Method == nip46.SwitchRelays:
		return Judgement{Hold: true}, nil
	case c.req.Method != nip46.Connect:
		return Judgement{Drop: "stranger: not connected"}, nil
	}
	refuse := Judgement{Stranger: &StrangerError{signer: c.signer, client: c.client, scheme: c.opened.Scheme, requestID: c.req.ID}}
	if c.view.Unverified {
		return refuse, nil // sealed: no token can be checked
	}
	p, err := nip46.ParseConnect(c.req)
	if err != nil {
		return refuse, nil
	}
	owner, err := s.Store.Owner(ctx, c.signer)
	if err != nil {
		return Judgement{}, err
	}
	if owner.Key == nil {
		return refuse, nil
	}
	c.view.Key = owner.Key
	tok, err := s.redeemable(ctx, c, owner, p.Secret)
	if err != nil {
		return Judgement{}, err
	}
	if tok != nil && addressed(p.Remote, c.signer, owner.Key) {
		if refuse.Stranger.barred = bars(&c.view.Tenant, owner.Key); refuse.Stranger.barred != 0 {
			return refuse, nil
		}
		full, err := s.noSeat(ctx, &c.view.Tenant, tok.Person, c.client)
		if err != nil {
			return Judgement{}, err
		}
		if full != "" {
			refuse.Stranger.barred, refuse.Stranger.full, refuse.Full = barredFull, full, true
			return refuse, nil
		}
		return s.redeem(c, tok, p, nil)
	}
	if p.Secret == "" {
		open, err := s.openTo(ctx, owner.Key, c.Now)
		if err != nil {
			return Judgement{}, err
		}
		if open && c.view.Tenant.Standing == bunker.StandingWorks && !c.view.Tenant.Stopped {
			return s.knock(ctx, c, owner.Key, p)
		}
	}
	if t := owner.Token; t != nil && t.State != bunker.TokenOpen && sameSecret(t, p.Secret) {
		refuse.Spent = t.ID
	}
	return refuse, nil
}

// sameSecret compares in constant time.
func sameSecret(t *bunker.Token, secret string) bool {
	hash := bunker.HashSecret(secret)
	return subtle.ConstantTimeCompare(t.SecretHash[:], hash[:]) == 1
}

// redeemable returns the token that the secret opens at this signer key now, or
// nil.
func (s *Signer) redeemable(ctx context.Context, c *call, owner bunker.SignerOwner, secret string) (*bunker.Token, error) {
	if secret == "" {
		return nil, nil
	}
	hash := bunker.HashSecret(secret)
	tok := owner.Token
	if owner.Npub { // npub#token: the user key itself was addressed
		t, err := s.Store.TokenBySecret(ctx, s.Tenant, hash)
		if err != nil {
			return nil, err
		}
		if t != nil && t.Key == owner.Key.ID {
			tok = t
		}
	}
	now := c.Now.UnixMilli()
	switch {
	case tok == nil, tok.State != bunker.TokenOpen, tok.Uses >= tok.MaxUses:
		return nil, nil
	case tok.ExpiresAt != 0 && now >= tok.ExpiresAt:
		return nil, nil
	case !sameSecret(tok, secret):
		return nil, nil
	}
	return tok, nil
}

// addressed reports whether connect's first parameter names us: nothing (NDK),
// the signer key or the user key.
func addressed(remote string, signer nostr.PubKey, key *bunker.UserKey) bool {
	return remote == "" || remote == signer.String() || remote == key.PubKey.String()
}

// redeem makes (or, with old, brings back) the connection that a token is for.
func (s *Signer) redeem(c *call, tok *bunker.Token, p nip46.ConnectParams, old *bunker.Connection) (Judgement, error) {
	now := c.Now.UnixMilli()
	conn := &bunker.Connection{
		Tenant: s.Tenant, ID: bunker.NewConnectionID(), Key: tok.Key, Signer: c.signer, Client: c.client,
		State: bunker.ConnActive, Token: tok.ID, Name: tok.Client, Person: tok.Person,
		CreatedAt: now, Version: 1, Metadata: metadata(p.Metadata),
	}
	spent := *tok
	spent.Uses++
	spent.Version++
	if spent.Uses >= spent.MaxUses {
		spent.State = bunker.TokenSpent
	}
	e := s.entry(c, conn)
	e.UpdateToken, e.Connection = &spent, conn.ID
	k := c.view.Key
	e.Basis = bunker.Basis{Tenant: c.view.Tenant.Version, Standing: c.view.Tenant.Standing, Key: k.ID, KeyVersion: k.Version, Token: tok.ID, TokenVersion: tok.Version}
	if old != nil {
		again := *old
		again.Person = holder(tok, old)
		if tok.ID != old.Token {
			again.Name = tok.Client
		}
		again.State, again.ResumeAt, again.Token, again.Version = bunker.ConnActive, 0, tok.ID, old.Version+1
		conn, e.UpdateConnection, e.Connection = &again, &again, old.ID
		e.Basis.Connection, e.Basis.ConnectionVersion = old.ID, old.Version
	} else {
		e.NewConnection = conn
	}
	e.Audit.Connection, e.Audit.Object = string(conn.ID), string(tok.ID)
	e.NewGrants = tokenGrants(tok, conn, now)
	e.Audit.Effect, e.Audit.Rule, e.Audit.Reason = bunker.Allow.String(), "token "+string(tok.ID), "the token's secret was shown"
	return s.finish(c, e, nip46.Success(c.req.ID, "ack"), false)
}

// tokenGrants are what the link gives: a policy and permissions are grants of their
// own, so that each can be taken back.
func tokenGrants(tok *bunker.Token, conn *bunker.Connection, now int64) (list []*bunker.Grant) {
	give := func(g bunker.Grant) {
		g.Tenant, g.ID, g.Connection, g.Effect = tok.Tenant, bunker.NewGrantID(), conn.ID, bunker.Allow
		g.GivenBy, g.CreatedAt, g.Version = tok.CreatedBy, now, 1
		if tok.GrantFor > 0 {
			g.ExpiresAt = now + tok.GrantFor
		}
		list = append(list, &g)
	}
	if tok.Policy != "" {
		give(bunker.Grant{Policy: tok.Policy})
	}
	if tok.Permissions != "" {
		give(bunker.Grant{Permissions: tok.Permissions})
	}
	return list
}

// MaxKnock is the largest event, in bytes, by which somebody without a connection
// may ask a person: it is kept until the answer. An honest one has some 1,000.
const MaxKnock = 16 << 10

// knock makes a question of a stranger's login at a key with npub login, within
// the bounds that keep strangers from filling the admins' screens.
func (s *Signer) knock(ctx context.Context, c *call, key *bunker.UserKey, p nip46.ConnectParams) (Judgement, error) {
	if !addressed(p.Remote, c.signer, key) {
		return Judgement{Drop: "stranger: another key was addressed"}, nil
	}
	if len(c.Raw) > MaxKnock {
		return Judgement{Drop: "stranger: too large"}, nil
	}
	q, err := s.Store.Questions(ctx, s.Tenant, "", key.ID, [32]byte{})
	if err != nil {
		return Judgement{}, err
	}
	if q.OfKey >= approval.MaxStrangersKey || q.OfTenant >= approval.MaxStrangers {
		return tooManyKnocks(), nil
	}
	asks, err := s.asksAlready(ctx, c.client)
	if err != nil || asks {
		return tooManyKnocks(), err
	}
	conn := &bunker.Connection{
		Tenant: s.Tenant, ID: bunker.NewConnectionID(), Key: key.ID, Signer: c.signer, Client: c.client,
		State: bunker.ConnPending, CreatedAt: c.Now.UnixMilli(), Version: 1, Metadata: metadata(p.Metadata),
	}
	e := s.entry(c, conn)
	e.NewConnection = conn
	e.MaxKnocksKey, e.MaxKnocks = approval.MaxStrangersKey, approval.MaxStrangers
	e.Basis = bunker.Basis{Tenant: c.view.Tenant.Version, Standing: c.view.Tenant.Standing, Key: key.ID, KeyVersion: key.Version}
	return s.askConnect(ctx, c, e, p)
}

// openTo reports whether a key hears strangers now: by npub login, or because an
// admin expects a login.
func (s *Signer) openTo(ctx context.Context, key *bunker.UserKey, now time.Time) (bool, error) {
	if key.NpubLogin {
		return true, nil
	}
	text, err := s.Store.Setting(ctx, s.Tenant, approval.ExpectedName)
	if err != nil {
		return false, err
	}
	e, err := approval.ParseExpected(text)
	return e.Open(key.ID, now.UnixMilli()), err
}

// asksAlready reports whether a stranger has an open question, at whatever key: one
// at a time is enough.
func (s *Signer) asksAlready(ctx context.Context, client nostr.PubKey) (bool, error) {
	conns, err := s.Store.Apps(ctx, s.Tenant, client)
	if err != nil {
		return false, err
	}
	for i := range conns {
		if conns[i].State != bunker.ConnPending {
			continue
		}
		q, err := s.Store.Questions(ctx, s.Tenant, conns[i].ID, conns[i].Key, [32]byte{})
		if err != nil || q.OfConnection > 0 {
			return true, err
		}
	}
	return false, nil
}

// tooManyKnocks ignores a stranger for whom there is no place; it is counted.
func tooManyKnocks() Judgement {
	return Judgement{Drop: "stranger: too many questions", Counted: true}
}

// askConnect parks a connect with its question: about the new connection, or the
// one that waited before.
func (s *Signer) askConnect(ctx context.Context, c *call, e *bunker.Entry, p nip46.ConnectParams) (Judgement, error) {
	app, conn := p.Metadata, c.view.Connection
	if e.NewConnection != nil {
		conn = e.NewConnection
	}
	e.NewApproval = approval.AskConnect(conn, c.Event.ID, c.Now.UnixMilli())
	within, err := s.deadlines(ctx, conn.Key)
	if err != nil {
		return Judgement{}, err
	}
	approval.Within(e.NewApproval, within)
	err = s.sealSummary(e.NewApproval, &describe.Summary{Method: string(nip46.Connect), Perms: p.Perms, App: &app})
	if err != nil {
		return Judgement{}, err
	}
	e.Audit.Rule, e.Audit.Reason = policy.AnswersDefault, "an app that nobody named wants to log in, so a person is asked"
	return s.park(c, e), nil
}

func metadata(m nip46.ClientMetadata) bunker.ClientMetadata {
	return bunker.ClientMetadata{Name: m.Name, URL: m.URL, Image: m.Image}
}
