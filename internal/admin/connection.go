package admin

import (
	"context"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr/nip19"
)

// MaxShown is how many characters of a client's text are shown in one place.
const MaxShown = 200

func connectionCommands(t *Table) {
	row := func(name, summary string, role bunker.Role, writes bool) Command {
		return Command{Name: name, Summary: summary, Role: role, Doors: local(), Writes: writes, Scope: ofConnection()}
	}
	all := func(c Command, s Scope) Command { c.Scope = s; return c }
	add(t, all(row("connection.list", "Lists the connections of apps.", bunker.Viewer, false), listsOfKey()), t.connectionList)
	add(t, row("connection.show", "Shows one connection with its permissions.", bunker.Viewer, false), t.connectionShow)
	add(t, row("connection.rename", "Renames a connection.", bunker.Operator, true), t.connectionRename)
	add(t, row("connection.suspend", "Suspends a connection: nothing is signed for it until it is resumed.", bunker.Approver, true), t.connectionSuspend)
	add(t, row("connection.resume", "Resumes a suspended connection.", bunker.Operator, true), t.connectionResume)
	add(t, row("connection.revoke", "Revokes a connection for good: the app needs a new link.", bunker.Operator, true), t.connectionRevoke)
	add(t, row("connection.grant", "Gives a connection permissions, or refuses it some.", bunker.Operator, true), t.connectionGrant)
	add(t, all(row("connection.regrant", "Gives a connection other permissions in place of those that it has.", bunker.Operator, true),
		Scope{Names: []Named{{"id", NounConnection}, {"token", NounToken}}}), t.connectionRegrant)
	add(t, row("connection.relays", "Says which relays an app is told to use when it asks (switch_relays).", bunker.Operator, true), t.connectionRelays)
	add(t, row("connection.person", "Says whom a connection is for.", bunker.Operator, true), t.connectionPerson)
	add(t, all(row("connection.ungrant", "Takes a permission of a connection back.", bunker.Operator, true),
		Scope{Names: []Named{{"id", NounConnection}, {"grant", NounGrant}}}), t.connectionUngrant)
	add(t, all(row("connection.review", "Ends the review of connections after a restore: what was resumed may sign again.", bunker.Owner, true), Scope{}), t.connectionReview)
}

type connectionView struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Person    string   `json:"person,omitempty"`
	Key       string   `json:"key" doc:"id"`
	State     string   `json:"state" doc:"pending, active, suspended, ended, revoked or expired"`
	Client    string   `json:"client" doc:"the app's pubkey"`
	ClientIs  string   `json:"client_npub"`
	Signer    string   `json:"signer" doc:"the key of ours that it talks with"`
	Token     string   `json:"token,omitempty" doc:"id"`
	Relays    []string `json:"relays,omitempty" doc:"its own; none: the bunker's"`
	SwitchTo  []string `json:"switch_to,omitempty" doc:"relays that it is told to use when it asks; none: the bunker's"`
	ResumeAt  Time     `json:"resume_at,omitzero" doc:"when it is active again by itself"`
	App       *appView `json:"app,omitempty" doc:"what the app says of itself; nobody verified it"`
	ExpiresAt Time     `json:"expires_at,omitzero"`
	CreatedAt Time     `json:"created_at"`
	LastUsed  Time     `json:"last_used,omitzero"`
	Uses      int64    `json:"uses"`
	Version   int64    `json:"version" doc:"another one after each change; for if_version"`
}

type appView struct {
	Name string `json:"name,omitempty"`
	URL  string `json:"url,omitempty"`
}

func viewConnection(c *bunker.Connection, now int64) connectionView {
	v := connectionView{
		ID: string(c.ID), Name: bunker.Display(c.Name, MaxName), Person: bunker.Display(c.Person, MaxName), Key: string(c.Key),
		State: string(c.StateAt(now)), Client: c.Client.String(), ClientIs: nip19.EncodeNpub(c.Client), Signer: c.Signer.String(),
		Token: string(c.Token), ExpiresAt: Time(c.ExpiresAt), CreatedAt: Time(c.CreatedAt), LastUsed: Time(c.LastUsed), Uses: c.Uses, Version: c.Version,
	}
	if c.StateAt(now) == bunker.ConnSuspended {
		v.ResumeAt = Time(c.ResumeAt)
	}
	for _, r := range c.Relays {
		v.Relays = append(v.Relays, bunker.Display(r, MaxShown))
	}
	for _, r := range c.SwitchTo {
		v.SwitchTo = append(v.SwitchTo, bunker.Display(r, MaxShown))
	}
	app := appView{bunker.Display(c.Metadata.Name, MaxName), bunker.Display(c.Metadata.URL, MaxShown)}
	if app != (appView{}) {
		v.App = &app
	}
	return v
}

type connectionListParams struct {
	Paging
	Key   string `json:"key,omitempty" doc:"of this key only: name or id"`
	State string `json:"state,omitempty" doc:"pending, active, suspended, ended, revoked or expired only"`
}

type connectionListResult struct {
	Connections []connectionView `json:"connections"`
	Next        string           `json:"next,omitempty"`
}

func (t *Table) connectionList(ctx context.Context, c *Call, p connectionListParams) (connectionListResult, error) {
	res := connectionListResult{Connections: []connectionView{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	switch bunker.ConnectionState(p.State) {
	case "", bunker.ConnPending, bunker.ConnActive, bunker.ConnSuspended, bunker.ConnEnded, bunker.ConnRevoked, bunker.ConnExpired:
	default:
		return res, bunker.Errorf(bunker.CodeInvalid, "state is pending, active, suspended, ended, revoked or expired").In("state")
	}
	var of bunker.KeyID
	if p.Key != "" {
		k, err := t.key(ctx, p.Key)
		if err != nil {
			return res, err
		}
		of = k.ID
	}
	rows, err := t.Rows.Connections(ctx, t.Tenant, of, page)
	for i := range rows {
		if v := viewConnection(&rows[i], c.Now.UnixMilli()); p.State == "" || v.State == p.State {
			res.Connections = append(res.Connections, v)
		}
	}
	res.Next = next(rows, page, func(c *bunker.Connection) string { return string(c.ID) })
	return res, err
}

type connectionParams struct {
	ID string `json:"id" doc:"or name, when no other connection has it"`
}

// maxNamed is how many ids are listed when a name is that of several connections.
const maxNamed = 10

// connectionID finds a connection by what a person wrote: its id, else the name
// that no other has. Those that are over (revoked, ended, expired) count only when
// nothing else has the name: an app that came back is the one that is meant.
func (t *Table) connectionID(ctx context.Context, ref string) (bunker.ConnectionID, error) {
	_, unknown := t.Rows.Connection(ctx, t.Tenant, bunker.ConnectionID(ref))
	if unknown == nil || !isNotFound(unknown) || ref == "" {
		return bunker.ConnectionID(ref), inConnection(unknown)
	}
	var live, over []string
	for page := (Page{Limit: MaxPage}); ; {
		rows, err := t.Rows.Connections(ctx, t.Tenant, "", page)
		if err != nil {
			return "", err
		}
		for i := range rows {
			switch c := &rows[i]; {
			case bunker.Display(c.Name, MaxName) != ref:
			case c.State == bunker.ConnActive || c.State == bunker.ConnSuspended || c.State == bunker.ConnPending:
				live = append(live, string(c.ID))
			default:
				over = append(over, string(c.ID))
			}
		}
		if page.After = next(rows, page, func(c *bunker.Connection) string { return string(c.ID) }); page.After == "" {
			break
		}
	}
	found := live
	if len(found) == 0 {
		found = over
	}
	switch len(found) {
	case 0:
		return "", inConnection(unknown)
	case 1:
		return bunker.ConnectionID(found[0]), nil
	}
	return "", bunker.Errorf(bunker.CodeConflict, "%d connections are named %s; name the one that is meant by its id: %s",
		len(found), clip(ref), strings.Join(found[:min(len(found), maxNamed)], ", ")).In("id").WithHint("nsecbunker connections list")
}

type connectionShowResult struct {
	Connection connectionView `json:"connection"`
	Grants     []grantView    `json:"grants"`
}

type grantView struct {
	ID        string `json:"id"`
	Effect    string `json:"effect" doc:"allow or deny"`
	Perms     string `json:"perms,omitempty"`
	Policy    string `json:"policy,omitempty" doc:"name of the policy that it puts the connection under"`
	Once      string `json:"once,omitempty" doc:"digest of the one operation that it answers"`
	Question  string `json:"question,omitempty" doc:"id of the question that it answers"`
	Uses      int64  `json:"uses"`
	MaxUses   int64  `json:"max_uses,omitempty"`
	Live      bool   `json:"live" doc:"it counts now"`
	ExpiresAt Time   `json:"expires_at,omitzero"`
	GivenBy   string `json:"given_by"`
	CreatedAt Time   `json:"created_at"`
}

func viewGrant(g *bunker.Grant, policies map[string]string, now int64) grantView {
	v := grantView{
		Policy: policies[string(g.Policy)],
		ID:     string(g.ID), Effect: g.Effect.String(), Perms: g.Permissions, Question: string(g.Approval), Uses: g.Uses, MaxUses: g.MaxUses,
		Live: g.Live(now), ExpiresAt: Time(g.ExpiresAt), GivenBy: g.GivenBy, CreatedAt: Time(g.CreatedAt),
	}
	if g.OpDigest != ([32]byte{}) {
		v.Once = digestText(g.OpDigest)
	}
	return v
}

func (t *Table) connectionShow(ctx context.Context, c *Call, p connectionParams) (connectionShowResult, error) {
	id, err := t.connectionID(ctx, p.ID)
	if err != nil {
		return connectionShowResult{}, err
	}
	conn, err := t.Rows.Connection(ctx, t.Tenant, id)
	if err != nil {
		return connectionShowResult{}, inConnection(err)
	}
	res := connectionShowResult{Connection: viewConnection(conn, c.Now.UnixMilli()), Grants: []grantView{}}
	names, err := t.policyNames(ctx)
	if err != nil {
		return res, err
	}
	for page := (Page{Limit: MaxPage}); ; {
		grants, err := t.Rows.Grants(ctx, t.Tenant, conn.ID, page)
		if err != nil {
			return res, err
		}
		for i := range grants {
			res.Grants = append(res.Grants, viewGrant(&grants[i], names, c.Now.UnixMilli()))
		}
		if page.After = next(grants, page, func(g *bunker.Grant) string { return string(g.ID) }); page.After == "" || len(res.Grants) >= 10*MaxPage {
			return res, nil
		}
	}
}

func inConnection(err error) error { return inID(err, "nsecbunker connections list") }

type connectionResult struct {
	Connection connectionView `json:"connection"`
	Warnings   []string       `json:"warnings,omitempty"`
}

// changeConnection changes one connection's row in the call's transaction.
func (t *Table) changeConnection(ctx context.Context, c *Call, ref string, f func(tx Tx, conn *bunker.Connection, rec *bunker.AuditRecord) error) (connectionResult, error) {
	var conn *bunker.Connection
	id, err := t.connectionID(ctx, ref)
	if err != nil {
		return connectionResult{}, err
	}
	rec := &bunker.AuditRecord{}
	err = c.Commit(ctx, rec, func(tx Tx) (err error) {
		if conn, err = tx.Connection(id); err != nil {
			return inConnection(err)
		}
		rec.Object, rec.Connection, rec.Reason = string(conn.ID), string(conn.ID), "connection "+conn.Name
		rec.Person = t.Vault.PersonTag(t.Tenant, conn.Person)
		if err := f(tx, conn, rec); err != nil {
			return err
		}
		return tx.PutConnection(conn)
	})
	if err != nil {
		return connectionResult{}, err
	}
	// Parked requests of a connection that was refused are answered now.
	t.Around.Wake()
	return connectionResult{Connection: viewConnection(conn, c.Now.UnixMilli())}, nil
}

type connectionRenameParams struct {
	connectionParams
	Name   string  `json:"name"`
	Person *string `json:"person,omitempty" doc:"whom it is for; \"\" for nobody"`
}

func (t *Table) connectionRename(ctx context.Context, c *Call, p connectionRenameParams) (connectionResult, error) {
	label, err := text("name", p.Name, true)
	if err != nil {
		return connectionResult{}, err
	}
	person := ""
	if p.Person != nil {
		if person, err = text("person", *p.Person, false); err != nil {
			return connectionResult{}, err
		}
	}
	return t.changeConnection(ctx, c, p.ID, func(_ Tx, conn *bunker.Connection, rec *bunker.AuditRecord) error {
		rec.Reason = "connection " + conn.Name + " is now " + label
		conn.Name = label
		if p.Person != nil {
			conn.Person = person
		}
		return nil
	})
}

type connectionSuspendParams struct {
	connectionParams
	For Span `json:"for,omitzero" doc:"how long; then it is active again by itself (until it is resumed)"`
}

// connectionSuspend does not touch what is suspended already: who may suspend cannot
// put an end to somebody else's suspension that way.
func (t *Table) connectionSuspend(ctx context.Context, c *Call, p connectionSuspendParams) (connectionResult, error) {
	return t.changeConnection(ctx, c, p.ID, func(tx Tx, conn *bunker.Connection, rec *bunker.AuditRecord) error {
		if conn.StateAt(tx.Now()) != bunker.ConnActive {
			return notIn(conn, bunker.ConnActive)
		}
		conn.State, conn.ResumeAt = bunker.ConnSuspended, 0
		if p.For > 0 {
			conn.ResumeAt = tx.Now() + time.Duration(p.For).Milliseconds()
			rec.Reason += " until " + Time(conn.ResumeAt).text()
		}
		return nil
	})
}

func (t *Table) connectionResume(ctx context.Context, c *Call, p connectionParams) (connectionResult, error) {
	return t.changeConnection(ctx, c, p.ID, func(_ Tx, conn *bunker.Connection, _ *bunker.AuditRecord) error {
		if conn.State != bunker.ConnSuspended {
			return notIn(conn, bunker.ConnSuspended)
		}
		conn.State, conn.ResumeAt = bunker.ConnActive, 0
		return nil
	})
}

func notIn(c *bunker.Connection, want bunker.ConnectionState) error {
	return bunker.Errorf(bunker.CodeConflict, "the connection %s is %s, not %s", c.ID, c.State, want).In("id")
}

func (t *Table) connectionRevoke(ctx context.Context, c *Call, p connectionParams) (connectionResult, error) {
	return t.changeConnection(ctx, c, p.ID, func(tx Tx, conn *bunker.Connection, _ *bunker.AuditRecord) error {
		if conn.State == bunker.ConnRevoked {
			return bunker.Errorf(bunker.CodeConflict, "the connection %s is revoked already", conn.ID).In("id")
		}
		conn.Revoke(tx.Now())
		return nil
	})
}

type connectionGrantParams struct {
	connectionParams
	Perms  string `json:"perms,omitempty" doc:"all, or a list such as sign_event:1,nip44_encrypt"`
	Policy string `json:"policy,omitempty" doc:"name or id of a policy to put the connection under, instead of perms"`
	Deny   bool   `json:"deny,omitempty" doc:"refuse these, whatever else is granted"`
	For    Span   `json:"for,omitzero" doc:"how long it lasts"`
	Uses   int64  `json:"uses,omitempty" doc:"how often it can be used"`
}

type connectionGrantResult struct {
	Grant    grantView `json:"grant"`
	Warnings []string  `json:"warnings,omitempty"`
}

// MaxGrantUses is the largest budget of one grant.
const MaxGrantUses = 1_000_000

func (t *Table) connectionGrant(ctx context.Context, c *Call, p connectionGrantParams) (connectionGrantResult, error) {
	perms, warnings, err := permissions("perms", p.Perms)
	switch {
	case err != nil:
		return connectionGrantResult{}, err
	case perms == "" && p.Policy == "":
		return connectionGrantResult{}, bunker.Errorf(bunker.CodeInvalid, "perms is empty, and no policy is given").In("perms")
	case p.Policy != "" && (perms != "" || p.Deny || p.Uses != 0):
		return connectionGrantResult{}, bunker.Errorf(bunker.CodeInvalid, "a policy is granted by itself: its rules say what is refused and how often; grant permissions beside it").In("policy")
	case p.Uses < 0 || p.Uses > MaxGrantUses || p.Deny && p.Uses > 0:
		return connectionGrantResult{}, bunker.Errorf(bunker.CodeInvalid, "a permission can be limited to 1 to %d uses, a refusal to none", MaxGrantUses).In("uses")
	}
	g := &bunker.Grant{
		Tenant: t.Tenant, ID: bunker.NewGrantID(), Effect: bunker.Allow, Permissions: perms, MaxUses: p.Uses,
		GivenBy: c.Principal.Name, CreatedAt: c.Now.UnixMilli(), Version: 1,
	}
	if p.Deny {
		g.Effect, warnings = bunker.Deny, nil
	}
	if p.For > 0 {
		g.ExpiresAt = c.Now.Add(time.Duration(p.For)).UnixMilli()
	}
	id, err := t.connectionID(ctx, p.ID)
	if err != nil {
		return connectionGrantResult{}, err
	}
	if p.Policy != "" {
		if err := t.roomForPolicy(ctx, id, c.Now.UnixMilli()); err != nil {
			return connectionGrantResult{}, err
		}
	}
	rec, names := &bunker.AuditRecord{}, map[string]string{}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		conn, err := tx.Connection(id)
		if err != nil {
			return inConnection(err)
		}
		if p.Policy != "" {
			under, err := livePolicy(tx, p.Policy)
			if err != nil {
				return err
			}
			g.Policy, names[string(under.ID)] = under.ID, under.Name
		}
		switch conn.State {
		case bunker.ConnActive, bunker.ConnSuspended, bunker.ConnPending:
		default:
			return bunker.Errorf(bunker.CodeConflict, "the connection %s is %s; permissions would do nothing", conn.ID, conn.State).In("id")
		}
		g.Connection = conn.ID
		rec.Object, rec.Connection, rec.Reason = string(g.ID), string(conn.ID), g.Effect.String()+" "+rightsWords(perms, names[string(g.Policy)])
		return tx.PutGrant(g)
	})
	if err != nil {
		return connectionGrantResult{}, err
	}
	return connectionGrantResult{viewGrant(g, names, c.Now.UnixMilli()), warnings}, nil
}

// roomForPolicy refuses more policies for one connection than are looked at with
// each request.
func (t *Table) roomForPolicy(ctx context.Context, id bunker.ConnectionID, now int64) error {
	under := map[bunker.PolicyID]bool{}
	for page := (Page{Limit: MaxPage}); ; {
		grants, err := t.Rows.Grants(ctx, t.Tenant, id, page)
		if err != nil {
			return err
		}
		for i := range grants {
			if g := &grants[i]; g.Policy != "" && g.Live(now) {
				under[g.Policy] = true
			}
		}
		if page.After = next(grants, page, func(g *bunker.Grant) string { return string(g.ID) }); page.After == "" {
			break
		}
	}
	if len(under) < policy.MaxPolicies {
		return nil
	}
	return bunker.Errorf(bunker.CodeConflict, "the connection is under %d policies already; take one back first", len(under)).
		In("policy").WithHint("nsecbunker connections show %s", id)
}

type connectionUngrantParams struct {
	connectionParams
	Grant string `json:"grant" doc:"id of the grant"`
}

func (t *Table) connectionUngrant(ctx context.Context, c *Call, p connectionUngrantParams) (connectionGrantResult, error) {
	var g *bunker.Grant
	id, err := t.connectionID(ctx, p.ID)
	if err != nil {
		return connectionGrantResult{}, err
	}
	rec := &bunker.AuditRecord{}
	err = c.Commit(ctx, rec, func(tx Tx) (err error) {
		g, err = tx.Grant(bunker.GrantID(p.Grant))
		if err == nil && g.Connection != id {
			err = bunker.Errorf(bunker.CodeNotFound, "the connection has no such grant")
		}
		if err != nil {
			if e := bunker.AsError(err); e.Code == bunker.CodeNotFound {
				return e.In("grant").WithHint("nsecbunker connections show %s", clip(p.ID))
			}
			return err
		}
		if g.Ended {
			return bunker.Errorf(bunker.CodeConflict, "the grant %s has ended already", g.ID).In("grant")
		}
		g.Ended = true
		rec.Object, rec.Connection, rec.Reason = string(g.ID), string(g.Connection), "ended: "+g.Effect.String()+" "+rightsWords(g.Permissions, string(g.Policy))
		return tx.PutGrant(g)
	})
	if err != nil {
		return connectionGrantResult{}, err
	}
	names, err := t.policyNames(ctx)
	return connectionGrantResult{Grant: viewGrant(g, names, c.Now.UnixMilli())}, err
}

func (t *Table) connectionReview(ctx context.Context, c *Call, _ Empty) (Empty, error) {
	err := c.Commit(ctx, &bunker.AuditRecord{Reason: "an owner has reviewed the connections after the restore"}, func(tx Tx) error {
		st := tx.Tenant()
		if st.Reviewed {
			return bunker.Errorf(bunker.CodeConflict, "there is nothing to review: the bunker was not restored")
		}
		st.Reviewed = true
		return tx.PutTenant(st)
	})
	return Empty{}, err
}
