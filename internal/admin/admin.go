package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// OwnerWait is how long a new owner waits who was named over the socket while
// there are others: time for those to notice.
const OwnerWait = 24 * time.Hour

func adminCommands(t *Table) {
	add(t, Command{
		Name: "admin.list", Summary: "Lists the admins.",
		Role: bunker.Viewer, Doors: local(),
	}, t.adminList)
	add(t, Command{
		Name: "admin.add", Summary: "Names an admin, or gives one another role. A new owner waits 24 hours when there is another.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Quorum: QuorumAdmins,
	}, t.adminAdd)
	add(t, Command{
		Name: "admin.remove", Summary: "Removes an admin. The last owner cannot be removed.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Quorum: QuorumAdmins,
	}, t.adminRemove)
}

type adminView struct {
	Npub     string      `json:"npub"`
	PubKey   string      `json:"pubkey"`
	Role     bunker.Role `json:"role"`
	Name     string      `json:"name,omitempty"`
	Keys     []string    `json:"keys,omitempty" doc:"ids: the role is for these keys only; none: the whole bunker"`
	AddedBy  string      `json:"added_by"`
	ActiveAt Time        `json:"active_at" doc:"when the role begins"`
	Script   bool        `json:"script,omitempty" doc:"its scripts may send commands over HTTP"`
	Version  int64       `json:"version" doc:"another one after each change; for if_version"`
	Legacy   Time        `json:"legacy_until,omitzero" doc:"until then the first nsecBunker's admin protocol may be used"`
}

func viewAdmin(a *bunker.Admin) adminView {
	return adminView{nip19.EncodeNpub(a.PubKey), a.PubKey.String(), a.Role, bunker.Display(a.Name, MaxName), idTexts(a.Keys), a.AddedBy, Time(a.ActiveAt), a.Script, a.Version, Time(a.LegacyUntil)}
}

func idTexts(ids []bunker.KeyID) []string {
	var out []string
	for _, id := range ids {
		out = append(out, string(id))
	}
	return out
}

type adminListResult struct {
	Admins []adminView `json:"admins"`
}

func (t *Table) adminList(ctx context.Context, _ *Call, _ Empty) (adminListResult, error) {
	admins, err := t.Rows.Admins(ctx, t.Tenant)
	res := adminListResult{Admins: []adminView{}}
	for i := range admins {
		res.Admins = append(res.Admins, viewAdmin(&admins[i]))
	}
	return res, err
}

type adminAddParams struct {
	Npub string      `json:"npub"`
	Role bunker.Role `json:"role"`
	Name string      `json:"name,omitempty"`
	Keys []string    `json:"keys,omitempty" doc:"names or ids: the role is for these keys only; none: the whole bunker"`
	glass
}

type adminResult struct {
	Admin    adminView `json:"admin"`
	Warnings []string  `json:"warnings,omitempty"`
}

func (t *Table) adminAdd(ctx context.Context, c *Call, p adminAddParams) (adminResult, error) {
	var res adminResult
	pub, err := npub("npub", p.Npub)
	if err != nil {
		return res, err
	}
	label, err := text("name", p.Name, false)
	if err != nil {
		return res, err
	}
	if err := t.isPerson(ctx, pub); err != nil {
		return res, err
	}
	t.memory.Lock()
	defer t.memory.Unlock()
	a := &bunker.Admin{
		Tenant: t.Tenant, PubKey: pub, Role: p.Role, Name: label, AddedBy: c.Principal.Name,
		ActiveAt: c.Now.UnixMilli(), CreatedAt: c.Now.UnixMilli(), Version: 1,
	}
	var flagged *bunker.UserKey
	rec := &bunker.AuditRecord{Object: pub.String()}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		if a.Keys, err = keyIDs(tx, "keys", p.Keys); err != nil {
			return err
		}
		rec.Reason = "as " + roleWords(a.Role, a.Keys)
		flagged, err = putAdmin(tx, a, c.Principal.Door == bunker.DoorSocket)
		return err
	})
	if err != nil {
		return res, err
	}
	res.Admin = viewAdmin(a)
	if a.ActiveAt > c.Now.UnixMilli() {
		res.Warnings = append(res.Warnings, "the new owner has no role for 24 hours, so that the other owners can notice; remove it before that if it is not right")
	}
	if flagged != nil {
		res.Warnings = append(res.Warnings, adminHereWords)
		err = t.Vault.UpdateUserKey(*flagged)
	}
	t.Around.Changed()
	return res, err
}

// isPerson refuses one of the bunker's own keys.
func (t *Table) isPerson(ctx context.Context, pub nostr.PubKey) error {
	own, err := t.Rows.ServiceKeys(ctx, t.Tenant, "")
	for _, k := range own {
		if k.PubKey == pub {
			return bunker.Errorf(bunker.CodeInvalid, "this is one of the bunker's own keys; an admin is a person's npub").In("npub")
		}
	}
	return err
}

// keyIDs are the ids of keys that are named by name or id, each once, in order.
func keyIDs(tx Tx, field string, refs []string) ([]bunker.KeyID, error) {
	var ids []bunker.KeyID
	for _, ref := range refs {
		k, err := tx.Key(ref)
		if err != nil {
			return nil, bunker.AsError(inKey(err)).In(field)
		}
		ids = append(ids, k.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// roleWords is a role with its scope, for records.
func roleWords(r bunker.Role, keys []bunker.KeyID) string {
	if len(keys) == 0 {
		return r.String()
	}
	return r.String() + " of " + keyWords(keys)
}

// putAdmin stores a new or changed admin, whose npub is flagged where it is a key
// here: that key is returned. wait: a new owner waits if there is another.
func putAdmin(tx Tx, a *bunker.Admin, wait bool) (flagged *bunker.UserKey, err error) {
	if err := placeAdmin(tx, a, wait); err != nil {
		return nil, err
	}
	if err := tx.PutAdmin(a); err != nil {
		return nil, err
	}
	return flagAdmin(tx, a.PubKey, true)
}

// placeAdmin fits a new or changed admin in among those that there are.
func placeAdmin(tx Tx, a *bunker.Admin, wait bool) error {
	admins, err := tx.Admins()
	if err != nil {
		return err
	}
	owners, isOwner, known := 0, false, false
	for i := range admins {
		other := &admins[i]
		if other.PubKey == a.PubKey {
			known, isOwner = true, other.OwnsAll()
			a.Version, a.CreatedAt, a.AddedBy = other.Version, other.CreatedAt, other.AddedBy
			a.LegacyUntil, a.Script = other.LegacyUntil, other.Script
			if isOwner && a.OwnsAll() {
				a.ActiveAt = other.ActiveAt
			}
			if a.Name == "" {
				a.Name = other.Name
			}
		} else if activeOwner(other, tx.Now()) {
			owners++
		}
	}
	switch {
	case !known && len(admins) >= MaxAdmins:
		return bunker.Errorf(bunker.CodeConflict, "there are %d admins, the most that there can be", MaxAdmins)
	case isOwner && !a.OwnsAll() && owners == 0:
		return lastOwner()
	case !isOwner && a.OwnsAll() && owners > 0 && wait:
		a.ActiveAt = tx.Now() + OwnerWait.Milliseconds()
	}
	return nil
}

// activeOwner reports an owner of the whole bunker whose waiting time is over: one
// who waits does not count, or the wait could be cut short by removing everybody who
// might notice; one of some keys cannot do what only an owner can.
func activeOwner(a *bunker.Admin, now int64) bool {
	return a.OwnsAll() && a.ActiveAt <= now
}

func lastOwner() error {
	return bunker.Errorf(bunker.CodeConflict, "this is the last owner; name another one first").In("npub").WithHint("nsecbunker admin add NPUB --role owner")
}

// flagAdmin marks the user key whose npub is an admin here (security.md section
// 2): nil when there is none.
func flagAdmin(tx Tx, pub nostr.PubKey, on bool) (*bunker.UserKey, error) {
	var found *bunker.UserKey
	err := eachKeyIn(tx, func(k *bunker.UserKey) error {
		if k.PubKey == pub && k.AdminHere != on {
			found = k
		}
		return nil
	})
	if err != nil || found == nil {
		return nil, err
	}
	found.AdminHere = on
	return found, tx.PutKey(found)
}

type adminRemoveParams struct {
	Npub string `json:"npub"`
	glass
}

func (t *Table) adminRemove(ctx context.Context, c *Call, p adminRemoveParams) (adminResult, error) {
	var res adminResult
	pub, err := npub("npub", p.Npub)
	if err != nil {
		return res, err
	}
	t.memory.Lock()
	defer t.memory.Unlock()
	var flagged *bunker.UserKey
	rec := &bunker.AuditRecord{Object: pub.String()}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		admins, err := tx.Admins()
		if err != nil {
			return err
		}
		var gone *bunker.Admin
		owners := 0
		for i := range admins {
			if admins[i].PubKey == pub {
				gone = &admins[i]
			} else if activeOwner(&admins[i], tx.Now()) {
				owners++
			}
		}
		switch {
		case gone == nil:
			return bunker.Errorf(bunker.CodeNotFound, "this npub is no admin here").In("npub").WithHint("nsecbunker admin list")
		case activeOwner(gone, tx.Now()) && owners == 0:
			return lastOwner()
		}
		rec.Reason = "who was " + roleWords(gone.Role, gone.Keys)
		res.Admin = viewAdmin(gone)
		if most := tx.Tenant().Quorum.Most(); most > 1 && owners < most {
			res.Warnings = append(res.Warnings, fmt.Sprintf("%d persons must want some things here, and %d owners are left: name another one, or they can be done with --break-glass at the machine only", most, owners))
		}
		if err := tx.DeleteAdmin(pub); err != nil {
			return err
		}
		if err := errors.Join(uninvite(tx, pub), revokeDevices(tx, pub)); err != nil {
			return err
		}
		untold, err := untell(tx, pub)
		if err != nil {
			return err
		}
		res.Warnings = append(res.Warnings, untold...)
		flagged, err = flagAdmin(tx, pub, false)
		return err
	})
	if err != nil {
		return adminResult{}, err
	}
	if flagged != nil {
		err = t.Vault.UpdateUserKey(*flagged)
	}
	t.Around.Changed()
	return res, err
}
