package admin

import (
	"context"
	"crypto/subtle"
	"net/url"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// Bounds of invitations.
const (
	// InviteLife is how long an invitation can be accepted when nobody says how long.
	InviteLife = 7 * 24 * time.Hour
	// MaxInviteLife is how long one can be accepted at most.
	MaxInviteLife = 30 * 24 * time.Hour
	// MaxInviteTries is how many wrong secrets an invitation takes; then it is void.
	MaxInviteTries = 5
	// MaxInvites is how many invitations can be open at once.
	MaxInvites = 100
)

func inviteCommands(t *Table) {
	add(t, Command{
		Name: "admin.invite", Summary: "Invites somebody to be an admin: by a link with a secret that is shown once, or by npub.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Quorum: QuorumAdmins,
	}, t.adminInvite)
	add(t, Command{
		Name: "admin.invites", Summary: "Lists the invitations: who was invited by whom, and what became of it.",
		Role: bunker.Owner, Doors: local(),
	}, t.adminInvites)
	add(t, Command{
		Name: "admin.uninvite", Summary: "Takes an invitation back that was not accepted yet.",
		Role: bunker.Owner, Doors: local(), Writes: true,
	}, t.adminUninvite)
	add(t, Command{
		Name: "admin.accept", Summary: "Accepts an invitation: whoever proved his npub becomes the admin that it names.",
		Anyone: true, Doors: []bunker.Door{bunker.DoorRelay}, Writes: true, Scope: Scope{Self: true},
	}, t.adminAccept)
}

type inviteView struct {
	ID         string      `json:"id"`
	Role       bunker.Role `json:"role"`
	Keys       []string    `json:"keys,omitempty" doc:"ids: the role is for these keys only; none: the whole bunker"`
	Name       string      `json:"name,omitempty"`
	For        string      `json:"for,omitempty" doc:"npub that alone can accept it"`
	State      string      `json:"state" doc:"open, accepted, revoked, expired, or void: who invited is no owner any more"`
	InvitedBy  string      `json:"invited_by"`
	AcceptedBy string      `json:"accepted_by,omitempty" doc:"npub"`
	AcceptedAt Time        `json:"accepted_at,omitzero"`
	ExpiresAt  Time        `json:"expires_at"`
	CreatedAt  Time        `json:"created_at"`
}

func viewInvite(i *bunker.Invite, admins []bunker.Admin, now int64) inviteView {
	v := inviteView{
		ID: string(i.ID), Role: i.Role, Keys: idTexts(i.Keys), Name: bunker.Display(i.Name, MaxName), State: inviteState(i, admins, now),
		InvitedBy: i.InvitedBy, AcceptedAt: Time(i.AcceptedAt), ExpiresAt: Time(i.ExpiresAt), CreatedAt: Time(i.CreatedAt),
	}
	if !i.For.IsZero() {
		v.For = nip19.EncodeNpub(i.For)
	}
	if !i.AcceptedBy.IsZero() {
		v.AcceptedBy = nip19.EncodeNpub(i.AcceptedBy)
	}
	return v
}

// inviteState is what an invitation is worth now. One by an owner who is none any
// more is void: it would let in whom only owners may.
func inviteState(i *bunker.Invite, admins []bunker.Admin, now int64) string {
	switch {
	case i.State != bunker.InviteOpen:
		return string(i.State)
	case now >= i.ExpiresAt:
		return "expired"
	case i.Inviter.IsZero():
		return string(i.State)
	}
	for n := range admins {
		if admins[n].PubKey == i.Inviter && activeOwner(&admins[n], now) {
			return string(i.State)
		}
	}
	return "void"
}

type adminInviteParams struct {
	Role    bunker.Role `json:"role"`
	Keys    []string    `json:"keys,omitempty" doc:"names or ids: the role is for these keys only; none: the whole bunker"`
	Name    string      `json:"name,omitempty" doc:"of the person"`
	Npub    string      `json:"npub,omitempty" doc:"who alone can accept it, without a secret; none: whoever has the link, once"`
	Expires Span        `json:"expires,omitzero" doc:"how long it can be accepted (7d, at most 30d)"`
	glass
}

type adminInviteResult struct {
	Invite   inviteView `json:"invite"`
	Link     string     `json:"link" doc:"what the person opens the admin app with; holds the secret, and is not shown again"`
	Code     string     `json:"code,omitempty" doc:"the secret part of the link alone"`
	Warnings []string   `json:"warnings,omitempty"`
}

func (t *Table) adminInvite(ctx context.Context, c *Call, p adminInviteParams) (adminInviteResult, error) {
	var res adminInviteResult
	i, secret, err := t.newInvite(ctx, c, p)
	if err != nil {
		return res, err
	}
	link, err := t.connectionString(ctx)
	if err != nil {
		return res, err
	}
	rec := &bunker.AuditRecord{Object: string(i.ID)}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		if i.Keys, err = keyIDs(tx, "keys", p.Keys); err != nil {
			return err
		}
		rec.Reason = "to be " + roleWords(i.Role, i.Keys)
		if err := placeInvite(tx, i); err != nil {
			return err
		}
		return tx.PutInvite(i)
	})
	if err != nil {
		return res, err
	}
	res = adminInviteResult{Invite: viewInvite(i, nil, c.Now.UnixMilli()), Link: link}
	res.Invite.State = string(i.State)
	if secret != "" {
		res.Code = string(i.ID) + "." + secret
		res.Link += "#invite=" + url.QueryEscape(res.Code)
		res.Warnings = append(res.Warnings, "whoever has the link first becomes the admin: send it where nobody else reads")
	}
	return res, nil
}

// newInvite checks the parameters; the secret is "" when an npub is invited.
func (t *Table) newInvite(ctx context.Context, c *Call, p adminInviteParams) (*bunker.Invite, string, error) {
	label, err := text("name", p.Name, false)
	if err != nil {
		return nil, "", err
	}
	life := time.Duration(p.Expires)
	switch {
	case life == 0:
		life = InviteLife
	case life > MaxInviteLife:
		return nil, "", bunker.Errorf(bunker.CodeInvalid, "an invitation lasts %d days at most", int(MaxInviteLife.Hours()/24)).In("expires")
	}
	i := &bunker.Invite{
		Tenant: t.Tenant, ID: bunker.NewInviteID(), Role: p.Role, Name: label, InvitedBy: c.Principal.Name, Inviter: c.Principal.PubKey,
		State: bunker.InviteOpen, ExpiresAt: c.Now.Add(life).UnixMilli(), CreatedAt: c.Now.UnixMilli(), Version: 1,
	}
	if p.Npub != "" {
		if i.For, err = npub("npub", p.Npub); err != nil {
			return nil, "", err
		}
		return i, "", t.isPerson(ctx, i.For)
	}
	secret := bunker.NewSecret()
	i.SecretHash = bunker.HashSecret(secret)
	return i, secret, nil
}

// placeInvite bounds what is open, and refuses who is an admin already.
func placeInvite(tx Tx, i *bunker.Invite) error {
	admins, err := tx.Admins()
	if err != nil {
		return err
	}
	for n := range admins {
		if admins[n].PubKey == i.For {
			return bunker.Errorf(bunker.CodeConflict, "this npub is an admin already; to change the role: nsecbunker admin add").In("npub")
		}
	}
	open := 0
	err = eachInvite(tx, func(other *bunker.Invite) (bool, error) {
		if inviteState(other, admins, tx.Now()) == string(bunker.InviteOpen) {
			open++
		}
		return true, nil
	})
	if err == nil && open >= MaxInvites {
		err = bunker.Errorf(bunker.CodeConflict, "%d invitations are open, the most that there can be; take some back", MaxInvites).WithHint("nsecbunker admin invites")
	}
	return err
}

// eachInvite reads every invitation, until f has had enough.
func eachInvite(tx Tx, f func(*bunker.Invite) (more bool, err error)) error {
	for p := (Page{Limit: MaxPage}); ; {
		rows, err := tx.Invites(p)
		if err != nil {
			return err
		}
		for n := range rows {
			if more, err := f(&rows[n]); err != nil || !more {
				return err
			}
		}
		if len(rows) < p.Limit {
			return nil
		}
		p.After = string(rows[len(rows)-1].ID)
	}
}

type adminInvitesParams struct{ Paging }

type adminInvitesResult struct {
	Invites []inviteView `json:"invites"`
	Next    string       `json:"next,omitempty"`
}

func (t *Table) adminInvites(ctx context.Context, c *Call, p adminInvitesParams) (adminInvitesResult, error) {
	res := adminInvitesResult{Invites: []inviteView{}}
	page, err := p.page()
	if err != nil {
		return res, err
	}
	admins, err := t.Rows.Admins(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	rows, err := t.Rows.Invites(ctx, t.Tenant, page)
	for i := range rows {
		res.Invites = append(res.Invites, viewInvite(&rows[i], admins, c.Now.UnixMilli()))
	}
	res.Next = next(rows, page, func(i *bunker.Invite) string { return string(i.ID) })
	return res, err
}

type adminUninviteParams struct {
	ID string `json:"id"`
}

type adminUninviteResult struct {
	Invite inviteView `json:"invite"`
}

func (t *Table) adminUninvite(ctx context.Context, c *Call, p adminUninviteParams) (adminUninviteResult, error) {
	var i *bunker.Invite
	rec := &bunker.AuditRecord{Object: clip(p.ID)}
	err := c.Commit(ctx, rec, func(tx Tx) (err error) {
		if i, err = tx.Invite(bunker.InviteID(p.ID)); err != nil {
			return inID(err, "nsecbunker admin invites")
		}
		if i.State != bunker.InviteOpen {
			return bunker.Errorf(bunker.CodeConflict, "the invitation %s was %s already", i.ID, i.State).In("id")
		}
		i.State = bunker.InviteRevoked
		return tx.PutInvite(i)
	})
	if err != nil {
		return adminUninviteResult{}, err
	}
	return adminUninviteResult{viewInvite(i, nil, c.Now.UnixMilli())}, nil
}

// uninvite takes back what is open for an npub: who was removed does not come back by
// an older invitation.
func uninvite(tx Tx, pub nostr.PubKey) error {
	return eachInvite(tx, func(i *bunker.Invite) (bool, error) {
		if i.For != pub || i.State != bunker.InviteOpen {
			return true, nil
		}
		i.State = bunker.InviteRevoked
		return true, tx.PutInvite(i)
	})
}

type adminAcceptParams struct {
	Invite string `json:"invite,omitempty" doc:"the code of the link; none where the npub itself was invited"`
}

// notInvited is the same for a code that is unknown, wrong, used, revoked or too old,
// and for an npub that nobody invited: who has none learns nothing.
func notInvited() error {
	return bunker.Errorf(bunker.CodeRestricted, "this invitation is not valid, or was used; ask for a new one")
}

// adminAccept makes an admin of whoever proved his npub. A wrong secret of an
// invitation that exists is counted, with a record; MaxInviteTries make it void.
func (t *Table) adminAccept(ctx context.Context, c *Call, p adminAcceptParams) (adminResult, error) {
	var res adminResult
	pub := c.Principal.PubKey
	if c.Principal.Role != bunker.NoRole {
		return res, bunker.Errorf(bunker.CodeConflict, "you are an admin here already; to have another role, ask an owner")
	}
	if err := t.isPerson(ctx, pub); err != nil {
		return res, notInvited()
	}
	t.memory.Lock()
	defer t.memory.Unlock()
	var flagged *bunker.UserKey
	var refused error
	rec := &bunker.AuditRecord{}
	a := &bunker.Admin{Tenant: t.Tenant, PubKey: pub, ActiveAt: c.Now.UnixMilli(), CreatedAt: c.Now.UnixMilli(), Version: 1}
	err := c.Commit(ctx, rec, func(tx Tx) error {
		i, wrong, err := findInvite(tx, pub, p.Invite)
		switch {
		case err != nil:
			return err
		case wrong:
			refused = notInvited()
			return countTry(tx, i, rec)
		}
		a.Role, a.Keys, a.Name, a.AddedBy = i.Role, i.Keys, i.Name, i.InvitedBy
		i.State, i.AcceptedBy, i.AcceptedAt = bunker.InviteAccepted, pub, tx.Now()
		rec.Object, rec.Reason = string(i.ID), "as "+roleWords(a.Role, a.Keys)+", invited by "+i.InvitedBy
		if err := tx.PutInvite(i); err != nil {
			return err
		}
		flagged, err = putAdmin(tx, a, true)
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return res, err
	}
	res.Admin = viewAdmin(a)
	if a.ActiveAt > c.Now.UnixMilli() {
		res.Warnings = append(res.Warnings, "a new owner has no role for 24 hours, so that the other owners can notice")
	}
	if flagged != nil {
		res.Warnings = append(res.Warnings, adminHereWords)
		err = t.Vault.UpdateUserKey(*flagged)
	}
	t.Around.Changed()
	return res, err
}

// findInvite returns the open invitation that the person may accept now. wrong: the
// invitation is there, the secret is another.
func findInvite(tx Tx, pub nostr.PubKey, code string) (i *bunker.Invite, wrong bool, err error) {
	admins, err := tx.Admins()
	if err != nil {
		return nil, false, err
	}
	for n := range admins {
		if admins[n].PubKey == pub { // also an owner who still waits, whose door sees no role
			return nil, false, bunker.Errorf(bunker.CodeConflict, "you are an admin here already; to have another role, ask an owner")
		}
	}
	open := func(i *bunker.Invite) bool {
		return inviteState(i, admins, tx.Now()) == string(bunker.InviteOpen) && i.Tries < MaxInviteTries
	}
	if code == "" {
		err := eachInvite(tx, func(other *bunker.Invite) (bool, error) {
			if other.For == pub && open(other) {
				i = other
			}
			return i == nil, nil
		})
		if err == nil && i == nil {
			err = notInvited()
		}
		return i, false, err
	}
	id, secret, _ := strings.Cut(code, ".")
	i, err = tx.Invite(bunker.InviteID(id))
	switch {
	case err != nil && isNotFound(err):
		return nil, false, notInvited()
	case err != nil:
		return nil, false, err
	case !open(i) || i.SecretHash == [32]byte{}:
		return nil, false, notInvited()
	}
	hash := bunker.HashSecret(secret)
	return i, subtle.ConstantTimeCompare(hash[:], i.SecretHash[:]) != 1, nil
}

// countTry counts a wrong secret; the last one makes the invitation void.
func countTry(tx Tx, i *bunker.Invite, rec *bunker.AuditRecord) error {
	i.Tries++
	rec.Object, rec.Effect, rec.Reason = string(i.ID), bunker.Deny.String(), "a wrong secret was shown"
	if i.Tries >= MaxInviteTries {
		i.State = bunker.InviteRevoked
		rec.Reason = "too many wrong secrets were shown; the invitation is void"
	}
	return tx.PutInvite(i)
}
