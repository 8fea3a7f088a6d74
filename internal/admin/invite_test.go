package admin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/store"
	"nsecbunker/nostr/nip19"
)

// stranger is who has proven his npub at the relay door, and is no admin here.
func stranger(n byte) bunker.Principal {
	return bunker.Principal{Name: nip19.EncodeNpub(pubOf(n)), Door: bunker.DoorRelay, PubKey: pubOf(n)}
}

func (f *fixture) invite(params m) (code string, res m) {
	f.t.Helper()
	res = f.do("admin.invite", params)
	return str(res, "code"), res
}

func TestAnInvitationMakesOneAdminOnce(t *testing.T) {
	f := setUp(t).remote()
	f.do("key.add", m{"name": "herald"})
	code, res := f.invite(m{"role": "operator", "keys": []string{"herald"}, "name": "Bob"})
	if link := str(res, "link"); !strings.HasPrefix(link, "bunker-admin://") || !strings.HasSuffix(link, "#invite="+code) {
		t.Errorf("link: %s", link)
	}
	if f.last().Reason == "" || strings.Contains(fmt.Sprintf("%+v", f.last()), strings.Split(code, ".")[1]) {
		t.Errorf("record: %+v", f.last())
	}
	got := f.doAs(stranger(2), "admin.accept", m{"invite": code})
	if str(got, "admin", "npub") != npubOf(2) || str(got, "admin", "role") != "operator" || str(got, "admin", "name") != "Bob" || str(got, "admin", "added_by") != "local" {
		t.Errorf("accepted: %v", got)
	}
	f.doAs(f.as(2), "key.lock", m{"key": "herald"})
	f.deny(f.as(2), bunker.CodeRestricted, "whole bunker", "key.add", m{"name": "x"})
	before := f.seq()
	f.deny(stranger(3), bunker.CodeRestricted, "not valid, or was used", "admin.accept", m{"invite": code})
	if f.seq() != before {
		t.Error("a used invitation writes records")
	}
	list := get(f.do("admin.invites", nil), "invites").([]any)
	if len(list) != 1 || str(list[0], "state") != "accepted" || str(list[0], "accepted_by") != npubOf(2) || str(list[0], "invited_by") != "local" {
		t.Errorf("list: %v", list)
	}
}

func TestAnNpubIsInvitedWithoutASecret(t *testing.T) {
	f := setUp(t).remote()
	code, res := f.invite(m{"role": "viewer", "npub": npubOf(2)})
	if code != "" || strings.Contains(str(res, "link"), "#") {
		t.Errorf("a secret for who proves his npub: %v", res)
	}
	f.deny(stranger(3), bunker.CodeRestricted, "not valid", "admin.accept", nil)
	f.deny(stranger(3), bunker.CodeRestricted, "not valid", "admin.accept", m{"invite": str(res, "invite", "id") + "."})
	f.doAs(stranger(2), "admin.accept", nil)
	f.doAs(f.as(2), "status", nil)
	f.deny(stranger(2), bunker.CodeConflict, "admin here already", "admin.accept", nil)
	f.deny(f.as(2), bunker.CodeConflict, "admin here already", "admin.accept", nil)
	f.refused(bunker.CodeConflict, "admin already", "admin.invite", m{"role": "owner", "npub": npubOf(2)})
	// Who was removed does not come back by an older invitation.
	f.do("admin.invite", m{"role": "viewer", "npub": npubOf(4)})
	f.do("admin.add", m{"npub": npubOf(4), "role": "viewer"})
	f.do("admin.remove", m{"npub": npubOf(4)})
	f.deny(stranger(4), bunker.CodeRestricted, "not valid", "admin.accept", nil)
}

func TestAnInvitationEnds(t *testing.T) {
	f := setUp(t).remote()
	// By its time.
	code, _ := f.invite(m{"role": "viewer", "expires": "1h"})
	f.passTime(time.Hour)
	f.deny(stranger(2), bunker.CodeRestricted, "not valid", "admin.accept", m{"invite": code})
	// By being taken back.
	code, res := f.invite(m{"role": "viewer"})
	f.do("admin.uninvite", m{"id": str(res, "invite", "id")})
	f.deny(stranger(2), bunker.CodeRestricted, "not valid", "admin.accept", m{"invite": code})
	f.refused(bunker.CodeConflict, "already", "admin.uninvite", m{"id": str(res, "invite", "id")})
	// By too many wrong secrets, each recorded.
	code, res = f.invite(m{"role": "viewer"})
	id, before := str(res, "invite", "id"), f.seq()
	for range MaxInviteTries {
		f.deny(stranger(2), bunker.CodeRestricted, "not valid", "admin.accept", m{"invite": id + ".wrong"})
	}
	if r := f.last(); r.Seq != before+MaxInviteTries || r.Effect != "deny" || !strings.Contains(r.Reason, "void") {
		t.Errorf("records: %+v", r)
	}
	f.deny(stranger(2), bunker.CodeRestricted, "not valid", "admin.accept", m{"invite": code})
	// By the end of who invited.
	f.do("admin.add", m{"npub": npubOf(5), "role": "owner"})
	f.passTime(OwnerWait)
	code = str(f.doAs(f.as(5), "admin.invite", m{"role": "viewer"}), "code")
	f.do("admin.add", m{"npub": npubOf(5), "role": "operator"})
	f.deny(stranger(2), bunker.CodeRestricted, "not valid", "admin.accept", m{"invite": code})
	states := ""
	for _, i := range get(f.do("admin.invites", nil), "invites").([]any) {
		states += str(i, "state") + " "
	}
	for _, s := range []string{"expired", "revoked", "void"} {
		if !strings.Contains(states, s) {
			t.Errorf("states: %s", states)
		}
	}
	// By a restore.
	code, _ = f.invite(m{"role": "viewer"})
	if err := f.store.OpenIncarnation(t.Context(), bunker.SelfHosted, System(), "a test"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.ApplyPending(t.Context(), bunker.SelfHosted); err != nil {
		t.Fatal(err)
	}
	f.deny(stranger(2), bunker.CodeRestricted, "not valid", "admin.accept", m{"invite": code})
	if admins, err := f.store.Admins(t.Context(), bunker.SelfHosted); err != nil || len(admins) != 2 {
		t.Errorf("somebody got in: %v %v", admins, err)
	}
}

func TestAnInvitedOwnerWaitsWhenThereIsAnother(t *testing.T) {
	f := setUp(t).remote()
	code, _ := f.invite(m{"role": "owner"})
	res := f.doAs(stranger(2), "admin.accept", m{"invite": code})
	if str(res, "admin", "active_at") != "2026-11-23T12:00:00.000Z" || get(res, "warnings") == nil {
		t.Errorf("accepted: %v", res)
	}
	if p := f.as(2); p.Role != bunker.NoRole {
		t.Errorf("he is %s at once", p.Role)
	}
	f.deny(stranger(2), bunker.CodeConflict, "already", "admin.accept", m{"invite": code})
}

func TestInvitingIsAnOwnersAndBounded(t *testing.T) {
	f := setUp(t).remote()
	f.do("admin.add", m{"npub": npubOf(2), "role": "operator"})
	f.deny(f.as(2), bunker.CodeRestricted, "needs the role owner", "admin.invite", m{"role": "viewer"})
	p := owner()
	p.Fresh = false
	f.deny(p, bunker.CodeNeedsProof, "", "admin.invite", m{"role": "viewer"})
	f.refused(bunker.CodeInvalid, "30 days", "admin.invite", m{"role": "viewer", "expires": "31d"})
	f.refused(bunker.CodeNotFound, "", "admin.invite", m{"role": "viewer", "keys": []string{"nothing"}})
	f.deny(owner(), bunker.CodeRestricted, "cannot be called from here", "admin.accept", m{"invite": "x"})
	nobody := bunker.Principal{Name: "nobody", Door: bunker.DoorRelay}
	f.deny(nobody, bunker.CodeRestricted, "proven his npub", "admin.accept", m{"invite": "x"})
	f.fill(func(tx *store.Tx) error {
		for range MaxInvites {
			i := &bunker.Invite{
				Tenant: bunker.SelfHosted, ID: bunker.NewInviteID(), SecretHash: [32]byte{1}, Role: bunker.Viewer, State: bunker.InviteOpen,
				ExpiresAt: tx.Now() + InviteLife.Milliseconds(), Version: 1,
			}
			if err := tx.PutInvite(i); err != nil {
				return err
			}
		}
		return nil
	})
	f.refused(bunker.CodeConflict, "the most", "admin.invite", m{"role": "viewer"})
	f.passTime(InviteLife)
	f.invite(m{"role": "viewer"})
}

// TestAnEditedInvitationIsRefused: a role that was written into the store is believed
// by nobody.
func TestAnEditedInvitationIsRefused(t *testing.T) {
	f := setUp(t).remote()
	code, _ := f.invite(m{"role": "viewer"})
	f.tamper(`UPDATE invite SET role = 4`)
	if _, err := f.callAs(stranger(2), "admin.accept", m{"invite": code}); err == nil {
		t.Error("an edited invitation lets somebody in")
	}
	if _, err := f.store.Invites(t.Context(), bunker.SelfHosted, store.Page{}); err == nil {
		t.Error("an edited invitation is listed")
	}
}
