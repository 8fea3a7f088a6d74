package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip46"
)

// MaxConnectionRelays is how many relays one app can be told to use.
const MaxConnectionRelays = 10

type connectionRegrantParams struct {
	connectionParams
	Perms    *string `json:"perms,omitempty" doc:"all, or a list such as sign_event:1,nip44_encrypt; \"\": none, everything is asked"`
	Policy   string  `json:"policy,omitempty" doc:"name or id of a policy to put the connection under"`
	Token    string  `json:"token,omitempty" doc:"id: what this link gives, in place of perms and policy"`
	For      Span    `json:"for,omitzero" doc:"how long it lasts (as the link says)"`
	Refusals bool    `json:"refusals,omitempty" doc:"what was refused for good ends, too"`
}

type connectionRegrantResult struct {
	Ended    int         `json:"ended" doc:"permissions that it had before"`
	Grants   []grantView `json:"grants"`
	Warnings []string    `json:"warnings,omitempty"`
}

// connectionRegrant ends every permission of a connection and gives it others, whole
// or not at all: the next request is judged by the new ones.
func (t *Table) connectionRegrant(ctx context.Context, c *Call, p connectionRegrantParams) (connectionRegrantResult, error) {
	res := connectionRegrantResult{Grants: []grantView{}}
	if (p.Perms == nil && p.Policy == "") == (p.Token == "") {
		return res, bunker.Errorf(bunker.CodeInvalid, "give perms, a policy, or both; or a token: what it has from now on").In("perms")
	}
	var given rights
	var err error
	if p.Perms != nil {
		if given.perms, res.Warnings, err = permissions("perms", *p.Perms); err != nil {
			return res, err
		}
	}
	id, err := t.connectionID(ctx, p.ID)
	if err != nil {
		return res, err
	}
	var made []*bunker.Grant
	rec := &bunker.AuditRecord{}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		conn, err := tx.Connection(id)
		if err != nil {
			return inConnection(err)
		}
		switch conn.StateAt(tx.Now()) {
		case bunker.ConnActive, bunker.ConnSuspended, bunker.ConnPending:
		default:
			return bunker.Errorf(bunker.CodeConflict, "the connection %s is %s; permissions would do nothing", conn.ID, conn.State).In("id")
		}
		like := bunker.Grant{Tenant: t.Tenant, Connection: id, GivenBy: c.Principal.Name, CreatedAt: tx.Now(), Version: 1}
		switch {
		case p.Token != "":
			given, like.ExpiresAt, err = asToken(tx, conn, p.Token)
		case p.Policy != "":
			given.policy, err = livePolicy(tx, p.Policy)
		}
		if err != nil {
			return err
		}
		if p.For > 0 {
			like.ExpiresAt = tx.Now() + time.Duration(p.For).Milliseconds()
		}
		if res.Ended, err = endGrants(tx, id, p.Refusals); err != nil {
			return err
		}
		rec.Object, rec.Connection, rec.Person = string(id), string(id), t.Vault.PersonTag(t.Tenant, conn.Person)
		rec.Reason = fmt.Sprintf("connection %s has now: %s (%d permissions ended)", conn.Name, given.words(), res.Ended)
		made = given.grants(like)
		for _, g := range made {
			if err := tx.PutGrant(g); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return connectionRegrantResult{}, err
	}
	names := map[string]string{}
	if given.policy != nil {
		names[string(given.policy.ID)] = given.policy.Name
	}
	for _, g := range made {
		res.Grants = append(res.Grants, viewGrant(g, names, c.Now.UnixMilli()))
	}
	return res, nil
}

// asToken is what a link of the same key gives, and until when (unix ms; 0: for
// ever).
func asToken(tx Tx, conn *bunker.Connection, id string) (given rights, until int64, err error) {
	tok, err := tx.Token(bunker.TokenID(id))
	if err != nil {
		return given, 0, bunker.AsError(inID(err, "nsecbunker token list")).In("token")
	}
	if tok.Key != conn.Key {
		return given, 0, bunker.Errorf(bunker.CodeConflict, "the link %s is for another key than the connection %s", tok.ID, conn.ID).In("token")
	}
	given.perms = tok.Permissions
	if tok.Policy != "" {
		if given.policy, err = livePolicy(tx, string(tok.Policy)); err != nil {
			return given, 0, err
		}
	}
	if tok.GrantFor > 0 {
		until = tx.Now() + tok.GrantFor
	}
	return given, until, nil
}

// endGrants ends what a connection may do, and with refusals what it may not.
func endGrants(tx Tx, id bunker.ConnectionID, refusals bool) (ended int, err error) {
	for page := (Page{Limit: MaxPage}); ; {
		grants, err := tx.Grants(id, page)
		if err != nil {
			return ended, err
		}
		for i := range grants {
			g := &grants[i]
			if g.Ended || g.Effect != bunker.Allow && !refusals {
				continue
			}
			g.Ended = true
			if err := tx.PutGrant(g); err != nil {
				return ended, err
			}
			ended++
		}
		if len(grants) < page.Limit {
			return ended, nil
		}
		page.After = string(grants[len(grants)-1].ID)
	}
}

type connectionRelaysParams struct {
	connectionParams
	Relays []string `json:"relays,omitempty" doc:"wss:// addresses; none: the bunker's own list again"`
}

// connectionRelays is told to the app when it asks; until then it is heard where it is.
func (t *Table) connectionRelays(ctx context.Context, c *Call, p connectionRelaysParams) (connectionResult, error) {
	if len(p.Relays) > MaxConnectionRelays {
		return connectionResult{}, bunker.Errorf(bunker.CodeInvalid, "an app can be told %d relays at most", MaxConnectionRelays).In("relays")
	}
	own := t.Around.AppRelays()
	var list []string
	for _, r := range p.Relays {
		u, err := nip46.NormalizeRelayURL(r)
		if err != nil {
			return connectionResult{}, bunker.Errorf(bunker.CodeInvalid, "%s", clip(err.Error())).In("relays")
		}
		// Not as one that an owner named for the whole bunker: it may not lead into a
		// private network.
		if err := t.Around.CheckRelay(u, false); err != nil && !contains(own, u) {
			return connectionResult{}, bunker.AsError(err).In("relays")
		}
		if !slices.Contains(list, u) {
			list = append(list, u)
		}
	}
	res, err := t.changeConnection(ctx, c, p.ID, func(_ Tx, conn *bunker.Connection, rec *bunker.AuditRecord) error {
		conn.SwitchTo = list
		if rec.Reason += " is told the bunker's relays"; len(list) > 0 {
			rec.Reason = "connection " + conn.Name + " is told to use " + clip(strings.Join(list, ", "))
		}
		return nil
	})
	if err != nil {
		return res, err
	}
	t.Around.Changed() // it is heard there before it gets there
	return res, nil
}

type connectionPersonParams struct {
	connectionParams
	Person string `json:"person" doc:"whom it is for; \"\" for nobody"`
}

func (t *Table) connectionPerson(ctx context.Context, c *Call, p connectionPersonParams) (connectionResult, error) {
	person, err := text("person", p.Person, false)
	if err != nil {
		return connectionResult{}, err
	}
	return t.changeConnection(ctx, c, p.ID, func(_ Tx, conn *bunker.Connection, rec *bunker.AuditRecord) error {
		conn.Person = person
		// The name itself stays out of the chain.
		rec.Person, rec.Reason = t.Vault.PersonTag(t.Tenant, person), "connection "+conn.Name+" is for somebody else now"
		if person == "" {
			rec.Reason = "connection " + conn.Name + " is for nobody by name now"
		}
		return nil
	})
}
