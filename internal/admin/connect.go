package admin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

func connectCommands(t *Table) {
	add(t, Command{
		Name: "connect", Summary: "Accepts an app's own request, a nostrconnect:// link, and answers it on the app's relays.",
		Role: bunker.Operator, Doors: local(), Writes: true, Scope: ofKey(),
	}, t.connect)
}

type connectParams struct {
	URI    string `json:"uri" doc:"nostrconnect://…"`
	Key    string `json:"key" doc:"name or id"`
	Perms  string `json:"perms,omitempty" doc:"all, or a list such as sign_event:1,nip44_encrypt; none: everything is asked"`
	Policy string `json:"policy,omitempty" doc:"name or id of a policy to put the app under; perms are beside it"`
	Name   string `json:"name,omitempty" doc:"what the connection is called (what the app calls itself)"`
	Person string `json:"person,omitempty" doc:"whom it is for"`
}

type connectResult struct {
	Connection connectionView `json:"connection"`
	Requested  string         `json:"requested,omitempty" doc:"what the app asked for; it got only perms"`
	Relays     []string       `json:"relays" doc:"where the app is answered"`
	Warnings   []string       `json:"warnings,omitempty"`
}

// connectTries is how often the acceptance is decided anew when what it read was
// changed meanwhile.
const connectTries = 3

func (t *Table) connect(ctx context.Context, c *Call, p connectParams) (connectResult, error) {
	var res connectResult
	app, warnings, err := t.readApp(p.URI)
	if err != nil {
		return res, err
	}
	perms, more, err := permissions("perms", p.Perms)
	if err != nil {
		return res, err
	}
	conn, err := t.newConnection(c, app, p)
	if err != nil {
		return res, err
	}
	k, err := t.activeKey(ctx, p.Key)
	if err != nil {
		return res, err
	}
	conn.Key = k.ID
	given := rights{perms: perms}
	if p.Policy != "" {
		if given.policy, err = t.activePolicy(ctx, p.Policy); err != nil {
			return res, err
		}
	}
	// The signer key has a record of its own; the connection, its permissions and
	// the answer to the app then are one entry of the ledger.
	signer, err := t.newServiceKey(bunker.RoleSigner, c)
	if err != nil {
		return res, err
	}
	rec := &bunker.AuditRecord{Object: string(conn.ID), Key: k.PubKey.String(), Reason: "a signer key for " + conn.Name}
	if err := c.Commit(ctx, rec, func(tx Tx) error { return tx.AddServiceKey(&signer) }); err != nil {
		return res, err
	}
	if err := t.Vault.LoadServiceKey(signer); err != nil {
		return res, err
	}
	conn.Signer = signer.PubKey
	t.Around.Changed() // the new signer key is heard before the app knows of it
	if err := t.acceptApp(ctx, c, conn, p.Key, given, app.Secret); err != nil {
		return res, errors.Join(err, t.Vault.UnloadServiceKey(t.Tenant, signer.PubKey))
	}
	t.Around.Changed()
	t.Around.Wake()
	res = connectResult{Connection: viewConnection(conn, c.Now.UnixMilli()), Relays: conn.Relays, Warnings: append(warnings, more...)}
	if wanted, ignored := nip46.RequestedPermissions(app.Perms); len(wanted)+len(ignored) > 0 {
		res.Requested = bunker.Display(nip46.FormatPermissions(wanted), MaxShown)
	}
	if perms == "" && given.policy == nil {
		res.Warnings = append(res.Warnings, fmt.Sprintf("the app has no permissions: everything follows the key's default, %s", k.Default))
	}
	return res, nil
}

// readApp reads the link and keeps the relays that may be dialled: they were
// written by a stranger.
func (t *Table) readApp(uri string) (nip46.NostrConnectURI, []string, error) {
	app, err := nip46.ParseNostrConnectURI(uri)
	if err != nil {
		return app, nil, bunker.Errorf(bunker.CodeInvalid, "%s", clip(err.Error())).In("uri").WithHint("copy the nostrconnect:// link of the app again, in quotes")
	}
	var usable, warnings []string
	own := t.Around.AppRelays()
	for _, r := range app.Relays {
		if err := t.Around.CheckRelay(r, false); err != nil && !contains(own, r) {
			warnings = append(warnings, fmt.Sprintf("the app's relay %s is not used: %s", clip(r), clip(bunker.AsError(err).Words)))
			continue
		}
		usable = append(usable, r)
	}
	if len(usable) == 0 {
		e := bunker.Errorf(bunker.CodeRestricted, "none of the app's relays may be used").In("uri")
		if len(warnings) > 0 {
			e.Words = warnings[0]
		}
		return app, nil, e
	}
	app.Relays = usable
	return app, warnings, nil
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func (t *Table) newConnection(c *Call, app nip46.NostrConnectURI, p connectParams) (*bunker.Connection, error) {
	label, err := text("name", p.Name, false)
	if err != nil {
		return nil, err
	}
	person, err := text("person", p.Person, false)
	if err != nil {
		return nil, err
	}
	if label == "" {
		label = bunker.Display(app.Metadata.Name, MaxName)
	}
	if label == "" {
		label = bunker.ShortNpub(app.Client)
	}
	return &bunker.Connection{
		Tenant: t.Tenant, ID: bunker.NewConnectionID(), Client: app.Client, State: bunker.ConnActive, Name: label, Person: person,
		Relays: app.Relays, CreatedAt: c.Now.UnixMilli(), Version: 1,
		Metadata: bunker.ClientMetadata{Name: app.Metadata.Name, URL: app.Metadata.URL, Image: app.Metadata.Image},
	}, nil
}

// rights are what a new connection is given.
type rights struct {
	perms  string
	policy *bunker.Policy // nil for none
}

func (r rights) words() string {
	if r.policy == nil {
		return rightsWords(r.perms, "")
	}
	return rightsWords(r.perms, r.policy.Name)
}

// grants are one for the policy and one for the permissions, made like a grant.
func (r rights) grants(like bunker.Grant) (list []*bunker.Grant) {
	like.Effect = bunker.Allow
	if r.policy != nil {
		g := like
		g.ID, g.Policy = bunker.NewGrantID(), r.policy.ID
		list = append(list, &g)
	}
	if r.perms != "" {
		g := like
		g.ID, g.Permissions = bunker.NewGrantID(), r.perms
		list = append(list, &g)
	}
	return list
}

// activePolicy is a policy that is not deleted, read outside of a change.
func (t *Table) activePolicy(ctx context.Context, idOrName string) (*bunker.Policy, error) {
	p, err := t.Rows.Policy(ctx, t.Tenant, idOrName)
	if err != nil {
		return nil, inPolicy(err)
	}
	if p.Ended {
		return nil, bunker.Errorf(bunker.CodeConflict, "the policy %s was deleted", p.ID).In("policy").WithHint("nsecbunker policy list")
	}
	return p, nil
}

// acceptApp commits the connection with its grant and the answer that the app
// waits for: connect's result is the link's secret (NIP-46, Direct connection
// initiated by the client). The answer is sent until a relay takes it.
func (t *Table) acceptApp(ctx context.Context, c *Call, conn *bunker.Connection, key string, given rights, secret string) error {
	for range connectTries {
		if err := t.wholeTable().believed(ctx, c.Principal, c.Command); err != nil { // what moved may be the caller's role
			return err
		}
		now := t.Now()
		st, _, err := t.Rows.Tenant(ctx, t.Tenant)
		if err != nil {
			return err
		}
		k, err := t.activeKey(ctx, key)
		if err != nil {
			return err
		}
		e, err := t.acceptance(c, conn, k, given, secret, now)
		if err != nil {
			return err
		}
		e.Basis = bunker.Basis{Tenant: st.Version, Standing: st.Standing, Key: k.ID, KeyVersion: k.Version}
		r, err := t.Rows.Commit(ctx, e)
		switch {
		case r.Outcome == bunker.Committed:
			return nil
		case r.Outcome != bunker.Moved:
			return errors.Join(fmt.Errorf("accepting the app: outcome %d", r.Outcome), err)
		}
	}
	return bunker.Errorf(bunker.CodeConflict, "too much was changed meanwhile; try again")
}

func (t *Table) acceptance(c *Call, conn *bunker.Connection, k *bunker.UserKey, given rights, secret string, now time.Time) (*bunker.Entry, error) {
	id := acceptanceID(conn.ID)
	msg := nip46.Success(string(conn.ID), secret).AppendJSON(nil)
	ev, err := t.Vault.CloseReply(t.Tenant, conn.Signer, conn.Client, vault.NIP44, false, msg, now)
	if err != nil {
		return nil, err
	}
	e := &bunker.Entry{
		Tenant: t.Tenant, EventID: id, Signer: conn.Signer, Client: conn.Client, Method: string(nip46.Connect), CreatedAt: now.Unix(),
		To: bunker.RequestReady, Relays: conn.Relays, Connection: conn.ID, NewConnection: conn,
		Reply: &bunker.Reply{Part: bunker.PartFinal, EventID: ev.ID, Bytes: ev.AppendJSON(nil)}, Unattended: true,
		Audit: bunker.AuditRecord{
			Principal: c.Principal.Name, Door: string(c.Principal.Door), Action: c.Command.Name, Step: string(bunker.PartFinal),
			Event: id.String(), Key: k.PubKey.String(), Connection: string(conn.ID), Person: t.Vault.PersonTag(t.Tenant, conn.Person), Effect: bunker.Allow.String(),
			Rule: "admin", Reason: "the app's own request was accepted as " + conn.Name + ": " + given.words(),
		},
	}
	e.NewGrants = given.grants(bunker.Grant{Tenant: t.Tenant, Connection: conn.ID, GivenBy: c.Principal.Name, CreatedAt: now.UnixMilli(), Version: 1})
	return e, nil
}

// acceptanceID is the id under which the answer stands in the ledger: there is no
// request event, so it is made of the connection, which is new.
func acceptanceID(c bunker.ConnectionID) nostr.ID {
	return sha256.Sum256(append([]byte("nostrconnect"), c...))
}
