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
	Token    string  `json:"token,omitempty" doc:"id: what this link gives, in place of perms"`
	For      Span    `json:"for,omitzero" doc:"how long it lasts (as the link says)"`
	Refusals bool    `json:"refusals,omitempty" doc:"what was refused for good ends, too"`
}

type connectionRegrantResult struct {
	Ended    int        `json:"ended" doc:"permissions that it had before"`
	Grant    *grantView `json:"grant,omitempty"`
	Warnings []string   `json:"warnings,omitempty"`
}

// connectionRegrant ends every permission of a connection and gives it others, whole
// or not at all: the next request is judged by the new ones.
func (t *Table) connectionRegrant(ctx context.Context, c *Call, p connectionRegrantParams) (connectionRegrantResult, error) {
	var res connectionRegrantResult
	if (p.Perms == nil) == (p.Token == "") {
		return res, bunker.Errorf(bunker.CodeInvalid, "give either perms or token: what it has from now on").In("perms")
	}
	g := &bunker.Grant{Tenant: t.Tenant, ID: bunker.NewGrantID(), Effect: bunker.Allow, GivenBy: c.Principal.Name, CreatedAt: c.Now.UnixMilli(), Version: 1}
	var err error
	if p.Perms != nil {
		if g.Permissions, res.Warnings, err = permissions("perms", *p.Perms); err != nil {
			return res, err
		}
	}
	id, err := t.connectionID(ctx, p.ID)
	if err != nil {
		return res, err
	}
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
		if p.Token != "" {
			if err := asToken(tx, g, conn, p.Token); err != nil {
				return err
			}
		}
		if p.For > 0 {
			g.ExpiresAt = tx.Now() + time.Duration(p.For).Milliseconds()
		}
		if res.Ended, err = endGrants(tx, id, p.Refusals); err != nil {
			return err
		}
		g.Connection = id
		rec.Object, rec.Connection, rec.Person = string(id), string(id), t.Vault.PersonTag(t.Tenant, conn.Person)
		rec.Reason = fmt.Sprintf("connection %s has now: %s (%d permissions ended)", conn.Name, orNothing(g.Permissions), res.Ended)
		if g.Permissions == "" {
			return nil
		}
		return tx.PutGrant(g)
	})
	if err != nil {
		return connectionRegrantResult{}, err
	}
	if g.Permissions != "" {
		v := viewGrant(g, c.Now.UnixMilli())
		res.Grant = &v
	}
	return res, nil
}

// asToken takes over what a link of the same key gives.
func asToken(tx Tx, g *bunker.Grant, conn *bunker.Connection, id string) error {
	tok, err := tx.Token(bunker.TokenID(id))
	if err != nil {
		return bunker.AsError(inID(err, "nsecbunker token list")).In("token")
	}
	if tok.Key != conn.Key {
		return bunker.Errorf(bunker.CodeConflict, "the link %s is for another key than the connection %s", tok.ID, conn.ID).In("token")
	}
	if g.Permissions = tok.Permissions; tok.GrantFor > 0 {
		g.ExpiresAt = tx.Now() + tok.GrantFor
	}
	return nil
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
