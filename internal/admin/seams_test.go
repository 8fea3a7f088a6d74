package admin

import (
	"context"
	"fmt"
	"testing"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/signer"
	"nsecbunker/internal/store"
	"nsecbunker/nostr"
)

// TestAnAnswerOfBeforeIsForWhoMayDoItNow: a device of the same person that may less, a
// person with a smaller role or fewer keys, and one without a fresh proof do not get
// what a change returned, which can be a secret.
func TestAnAnswerOfBeforeIsForWhoMayDoItNow(t *testing.T) {
	f := setUp(t).remote()
	f.do("key.add", m{"name": "herald"})
	f.do("key.add", m{"name": "other"})
	f.do("admin.add", m{"npub": npubOf(2), "role": "operator"})
	link, export := m{"key": "herald", "client": "app", "perms": "all"}, m{"key": "herald", "password": "a long password"}
	p := f.as(2)
	first, err := f.execute(p, "token.create", "op1", link)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := f.execute(p, "token.create", "op1", link); err != nil || again["uri"] != first["uri"] {
		t.Fatalf("got %v, %v", again, err)
	}
	device := p
	device.Role, device.Device = bunker.Viewer, "phone"
	if got, err := f.execute(device, "token.create", "op1", link); bunker.AsError(err).Code != bunker.CodeRestricted {
		t.Errorf("a device that may only look is given %v, %v", got, err)
	}
	f.do("admin.add", m{"npub": npubOf(2), "role": "operator", "keys": []string{"other"}})
	if got, err := f.execute(f.as(2), "token.create", "op1", link); bunker.AsError(err).Field != "op" {
		t.Errorf("who has other keys is given %v, %v", got, err)
	}
	f.do("admin.remove", m{"npub": npubOf(2)})
	if got, err := f.execute(p, "token.create", "op1", link); bunker.AsError(err).Code != bunker.CodeRestricted {
		t.Errorf("who was removed is given %v, %v", got, err)
	}
	if _, err := f.execute(remoteOwner(), "key.export", "op2", export); err != nil {
		t.Fatal(err)
	}
	stale := remoteOwner()
	stale.Fresh = false
	if got, err := f.execute(stale, "key.export", "op2", export); bunker.AsError(err).Code != bunker.CodeNeedsProof {
		t.Errorf("without a fresh proof an export is given: %v, %v", got, err)
	}
}

// TestADeviceLetsInNoneThatMayMore than itself: one that was paired to look only cannot
// make an owner's of another.
func TestADeviceLetsInNoneThatMayMore(t *testing.T) {
	f := setUp(t).remote()
	d := &door{}
	f.Sessions = d
	p := f.as(1)
	phone := &bunker.Device{
		Tenant: bunker.SelfHosted, ID: fmt.Sprintf("%032x", 50), Pub: []byte{4}, Person: p.PubKey, Role: bunker.Viewer, State: bunker.DeviceConfirmed, Paired: true, Version: 1,
	}
	f.fill(func(tx *store.Tx) error { return tx.PutDevice(phone) })
	p.Device, p.Role = phone.ID, bunker.Viewer
	d.wait(1, p.PubKey)
	if got := str(f.doAs(p, "device.confirm", m{"digits": "000001"}), "device", "role"); got != "viewer" {
		t.Errorf("the role of the device that a viewer's let in is %s", got)
	}
	// One that nobody knows lets none in; the passphrase, with which a device confirms
	// itself, is worth everything.
	d.waiting = nil
	w := d.wait(2, p.PubKey)
	p.Device = "gone"
	f.deny(p, bunker.CodeRestricted, "not known", "device.confirm", m{"digits": "000002"})
	p.Device = w.Device
	if got := str(f.doAs(p, "device.confirm", m{"digits": "000002"}), "device", "role"); got != "owner" {
		t.Errorf("the role of the device that confirmed itself is %s", got)
	}
}

// between is events after which something happens once, before they are committed.
type between struct {
	*outside
	then func()
}

func (b *between) Own(ctx context.Context, r signer.OwnRequest) (*bunker.Entry, *nostr.Event, error) {
	e, ev, err := b.outside.Own(ctx, r)
	if b.then != nil {
		then := b.then
		b.then = nil
		then()
	}
	return e, ev, err
}

// TestWhoIsRemovedWhileSomethingIsSignedForHimGetsNothing: a version that he brings back
// is judged anew when his role goes, and he with it.
func TestWhoIsRemovedWhileSomethingIsSignedForHimGetsNothing(t *testing.T) {
	f := setUp(t).remote()
	f.do("key.add", m{"name": "herald"})
	id := f.own("herald", f.list(3, tagged("p", 30), "")).ID.String()
	for what, keys := range map[string][]string{"the whole bunker's": nil, "of some keys": {"herald"}} {
		f.do("admin.add", m{"npub": npubOf(2), "role": "operator", "keys": keys})
		p := f.as(2)
		f.Events = &between{f.out, func() { f.do("admin.remove", m{"npub": npubOf(2)}) }}
		sent := len(f.out.sent)
		if _, err := f.callAs(p, "key.version.restore", m{"key": "herald", "event": id}); bunker.AsError(err).Code != bunker.CodeRestricted || len(f.out.sent) != sent {
			t.Errorf("an admin %s, who was removed meanwhile, brought it back: %v", what, err)
		}
	}
}

// TestAnAdminOfSomeKeysBringsTheirVersionsBack, and those of no other.
func TestAnAdminOfSomeKeysBringsTheirVersionsBack(t *testing.T) {
	f := setUp(t).remote()
	f.do("key.add", m{"name": "herald"})
	f.do("key.add", m{"name": "other"})
	f.do("admin.add", m{"npub": npubOf(2), "role": "operator", "keys": []string{"herald"}})
	his, others := f.own("herald", f.list(3, tagged("p", 30), "")), f.own("other", f.list(3, tagged("p", 20), ""))
	p := f.as(2)
	f.doAs(p, "key.version.restore", m{"key": "herald", "event": his.ID.String()})
	f.deny(p, bunker.CodeNotFound, "no key", "key.version.restore", m{"key": "other", "event": others.ID.String()})
	f.deny(p, bunker.CodeNotFound, "no version", "key.version.restore", m{"key": "herald", "event": others.ID.String()})
	// The second lock: an entry of another key is not committed for him.
	seen, _ := f.within(p)
	for what, e := range map[string]*bunker.Entry{
		"another key": {Basis: bunker.Basis{Key: f.keyRow("other").ID}}, "no key": {},
		"another key's version": {Basis: bunker.Basis{Key: f.keyRow("herald").ID}, Keep: &bunker.KeptVersion{Key: f.keyRow("other").ID}},
	} {
		if _, err := seen.Rows.Commit(t.Context(), e); bunker.AsError(err).Code != bunker.CodeRestricted {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestAYesIsBoundToWhatNamesMeantThen: who may rename keys and policies cannot turn what
// was agreed to into something else.
func TestAYesIsBoundToWhatNamesMeantThen(t *testing.T) {
	f := setUp(t).owners(2)
	f.do("key.add", m{"name": "test"})
	f.do("key.add", m{"name": "main"})
	f.doAs(f.as(1), "quorum.set", m{"admins": 2, "policy": 2})
	test := f.keyRow("test").ID
	id := f.waits(f.as(1), "1 more of 2", "admin.add", m{"npub": npubOf(9), "role": "owner", "keys": []string{"test"}})
	f.do("key.rename", m{"key": "test", "name": "old"})
	f.do("key.rename", m{"key": "main", "name": "test"})
	// In the same words, but about another key.
	f.waits(f.as(2), "1 more of 2", "admin.add", m{"npub": npubOf(9), "role": "owner", "keys": []string{"test"}})
	f.doAs(f.as(2), "quorum.approve", m{"id": id})
	a, err := f.store.Admin(t.Context(), bunker.SelfHosted, pubOf(9))
	if err != nil || len(a.Keys) != 1 || a.Keys[0] != test {
		t.Fatalf("the admin's keys are %v, %v; agreed was %s", a, err, test)
	}

	deny := []m{{"id": "no", "effect": "deny", "methods": []string{"nip04_decrypt"}}}
	for _, name := range []string{"strict", "loose"} {
		f.do("policy.create", m{"name": name, "rules": deny})
		f.do("token.create", m{"key": "test", "client": name, "policy": name})
	}
	id = f.waits(f.as(1), "1 more of 2", "policy.delete", m{"policy": "loose", "force": true})
	f.do("policy.edit", m{"policy": "loose", "name": "x"})
	f.do("policy.edit", m{"policy": "strict", "name": "loose"})
	f.waits(f.as(2), "1 more of 2", "policy.delete", m{"policy": "loose", "force": true})
	f.doAs(f.as(2), "quorum.approve", m{"id": id})
	if got := f.do("policy.show", m{"policy": "loose"}); get(got, "policy", "deleted") == true {
		t.Error("the policy that was deleted is not the one that was agreed on")
	}
}
