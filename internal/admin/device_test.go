package admin

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// door is the sessions of a relay door that a test fills.
type door struct {
	waiting []Waiting
	open    []OpenSession
	ended   []string
	in      []string
}

func (d *door) Waiting() []Waiting  { return d.waiting }
func (d *door) Admit(device string) { d.in = append(d.in, device) }
func (d *door) Open() []OpenSession { return d.open }
func (d *door) End(id string) int   { d.ended = append(d.ended, id); return 1 }
func (d *door) Pair(Pairing) (link, id string, err error) {
	return "bunker-admin://x#pair=y", "p1", nil
}
func (d *door) Paired(context.Context, string) (Waiting, error) { return d.waiting[0], nil }

// wait adds a device that waits.
func (d *door) wait(n int, person nostr.PubKey) Waiting {
	w := Waiting{Session: fmt.Sprint("s", n), Code: fmt.Sprintf("%06d", n), Device: fmt.Sprintf("%032x", n), Pub: []byte{4}, Label: "phone", Person: person}
	d.waiting = append(d.waiting, w)
	return w
}

func TestDevicesAreBoundedAndRevokedOnesMakeRoom(t *testing.T) {
	f := setUp(t)
	d := &door{}
	f.Sessions = d
	for n := range MaxDevices {
		d.waiting = nil
		d.wait(n, nostr.PubKey{})
		f.do("device.confirm", m{"digits": fmt.Sprintf("%06d", n)})
	}
	d.waiting = nil
	d.wait(MaxDevices, nostr.PubKey{})
	digits := m{"digits": fmt.Sprintf("%06d", MaxDevices)}
	if _, err := f.call("device.confirm", digits); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Fatalf("got %v", err)
	}
	f.do("device.revoke", m{"device": fmt.Sprintf("%032x", 3)})
	f.do("device.confirm", digits)
	for _, v := range f.do("device.list", nil)["devices"].([]any) {
		if v.(m)["state"] == "revoked" {
			t.Error("the revoked device did not make room")
		}
	}
	if len(d.ended) != 1 || len(d.in) != MaxDevices+1 {
		t.Errorf("ended %v, let in %d", d.ended, len(d.in))
	}
}

// TestTheDevicesOfWhoIsNoAdminAnyMoreAreRevoked, and nobody else's; who is named
// again is confirmed anew.
func TestTheDevicesOfWhoIsNoAdminAnyMoreAreRevoked(t *testing.T) {
	f := setUp(t).remote()
	d := &door{}
	f.Sessions = d
	f.do("admin.add", m{"npub": npubOf(2), "role": "operator"})
	for n, person := range []nostr.PubKey{f.as(2).PubKey, {}} {
		d.waiting = nil
		d.wait(n, person)
		f.do("device.confirm", m{"digits": fmt.Sprintf("%06d", n)})
	}
	f.do("admin.remove", m{"npub": npubOf(2)})
	f.do("admin.add", m{"npub": npubOf(2), "role": "operator"})
	states := map[any]any{}
	for _, v := range f.do("device.list", nil)["devices"].([]any) {
		states[v.(m)["id"]] = v.(m)["state"]
	}
	d.waiting = nil // the list shows those that wait, too
	if states[fmt.Sprintf("%032x", 0)] != "revoked" || states[fmt.Sprintf("%032x", 1)] == "revoked" {
		t.Errorf("devices: %v", states)
	}
}

// TestTwoDevicesWithOneCodeAreNotToldApart: none is confirmed.
func TestTwoDevicesWithOneCodeAreNotToldApart(t *testing.T) {
	f := setUp(t)
	d := &door{}
	f.Sessions = d
	a := d.wait(1, nostr.PubKey{})
	a.Device = strings.Repeat("b", 32)
	d.waiting = append(d.waiting, a)
	if _, err := f.call("device.confirm", m{"digits": "000001"}); bunker.AsError(err).Code != bunker.CodeConflict || len(d.in) != 0 {
		t.Errorf("got %v", err)
	}
}

// TestADeviceBelongsToOnePerson: it adds nobody, and is not handed on.
func TestADeviceBelongsToOnePerson(t *testing.T) {
	f := setUp(t)
	d := &door{}
	f.Sessions = d
	owner, err := npub("npub", npubOf(1))
	if err != nil {
		t.Fatal(err)
	}
	d.wait(1, owner)
	f.do("device.confirm", m{"digits": "000001"})
	d.waiting = nil
	d.wait(1, nostr.PubKey{})
	if _, err := f.call("device.confirm", m{"digits": "000001"}); bunker.AsError(err).Code != bunker.CodeConflict {
		t.Errorf("got %v", err)
	}
	stranger := nostr.PubKey{9}
	d.waiting = nil
	d.wait(2, stranger)
	if _, err := f.call("device.confirm", m{"digits": "000002"}); bunker.AsError(err).Code != bunker.CodeRestricted {
		t.Errorf("the device of somebody who is no admin: %v", err)
	}
}

// TestNobodyPairsMoreThanHeMay: and a paired device expires.
func TestNobodyPairsMoreThanHeMay(t *testing.T) {
	f := setUp(t)
	d := &door{}
	f.Sessions = d
	w := d.wait(1, nostr.PubKey{})
	w.Pairing = &Pairing{Role: bunker.Owner, Label: "phone", ExpiresAt: f.clock.Now().Add(time.Hour).UnixMilli()}
	d.waiting = []Waiting{w}
	low := owner()
	low.Role, low.Door = bunker.Operator, bunker.DoorRelay
	if _, err := f.callAs(low, "device.confirm", m{"digits": "000001"}); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("an operator let an owner's phone in: %v", err)
	}
	f.do("device.confirm", m{"digits": "000001"})
	state := func() any { return f.do("device.list", nil)["devices"].([]any)[0].(m)["state"] }
	if got := state(); got != "confirmed" {
		t.Errorf("it is %v", got)
	}
	d.waiting = nil
	f.clock.add(2 * time.Hour)
	if got := state(); got != "expired" {
		t.Errorf("after its time it is %v", got)
	}
}

// TestDevicesWithoutAnNpubAreNobodysInCommon: a phone that was paired sees, confirms and
// ends no other one.
func TestDevicesWithoutAnNpubAreNobodysInCommon(t *testing.T) {
	f := setUp(t)
	d := &door{}
	f.Sessions = d
	d.wait(1, nostr.PubKey{})
	f.do("device.confirm", m{"digits": "000001"})
	first := get(f.do("device.list", nil), "devices").([]any)[0].(m)["id"].(string)
	d.waiting = nil
	other := d.wait(2, nostr.PubKey{})
	phone := bunker.Principal{Name: "local", Role: bunker.Approver, Door: bunker.DoorRelay, Device: first}
	list, err := f.callAs(phone, "device.list", nil)
	if err != nil {
		t.Fatal(err)
	}
	if all := list["devices"].([]any); len(all) != 1 || all[0].(m)["id"] != first {
		t.Errorf("it sees %v", all)
	}
	if _, err := f.callAs(phone, "device.confirm", m{"digits": other.Code}); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("it confirms another one: %v", err)
	}
	f.do("device.confirm", m{"digits": other.Code})
	if _, err := f.callAs(phone, "device.revoke", m{"device": other.Device}); bunker.AsError(err).Code != bunker.CodeNotFound {
		t.Errorf("it ends another one: %v", err)
	}
	if _, err := f.callAs(phone, "device.revoke", m{"device": first}); err != nil {
		t.Errorf("it cannot end itself: %v", err)
	}
}

// TestADeviceRowChangedFromOutsideIsRefused: it carries authority.
func TestADeviceRowChangedFromOutsideIsRefused(t *testing.T) {
	f := setUp(t)
	d := &door{}
	f.Sessions = d
	d.wait(1, nostr.PubKey{})
	f.do("device.confirm", m{"digits": "000001"})
	f.tamper(`UPDATE device SET expires_at = 99999999999999`)
	if _, err := f.call("device.list", nil); err == nil {
		t.Error("the row was believed")
	}
	if err := f.store.VerifyAll(t.Context(), bunker.SelfHosted); err == nil {
		t.Error("the check of the whole store does not see it")
	}
}
