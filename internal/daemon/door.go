package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/session"
	"nsecbunker/internal/store"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// sweepDoor is how often keys of the relay door that are past their time are
// wiped, where nobody comes by.
const sweepDoor = time.Second

const (
	// guestCommandRate and guestCommandBurst are commands a second of a guest's admins, all
	// together: each that changes something is a commit, and a record that stays on the disk
	// of all.
	guestCommandRate  = 20
	guestCommandBurst = 400
)

// maxDoorNews is how many happenings may be on their way to sessions; of more they are
// told that there is more.
const maxDoorNews = 1024

// doorNews is a happening on its way to the sessions of a tenant's admins.
type doorNews struct {
	t *tenant
	h bunker.Happening
}

// tellDoor hands a happening on. It returns at once.
func (t *tenant) tellDoor(door *session.Door, h bunker.Happening) {
	if h.Kind == "" {
		return
	}
	select {
	case t.doorNews <- doorNews{t, h}:
	default:
		door.Missed() // there is more than can be told one by one
	}
}

// runDoors wipes what is past its time, and passes news on.
func (d *Daemon) runDoors(ctx context.Context) error {
	tick := time.NewTicker(sweepDoor)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			now := d.store.LedgerTime()
			for _, k := range d.desks() {
				k.door.Sweep(now)
				k.legacy.Sweep(now)
			}
		case n := <-d.doorNews:
			k := n.t.desk.peek()
			if k == nil {
				continue
			}
			n.t.pass(ctx, k.door, n.h)
			if n.h.Kind == bunker.QuestionMade {
				k.legacy.Ask(ctx, bunker.ApprovalID(n.h.ID))
			}
		}
	}
}

// desks are those that somebody needed since the start.
func (d *Daemon) desks() (out []*desk) {
	d.tenants.mu.RLock()
	defer d.tenants.mu.RUnlock()
	for _, t := range d.tenants.byID {
		if k := t.desk.peek(); k != nil {
			out = append(out, k)
		}
	}
	return out
}

// doorTable runs commands of the relay door.
type doorTable struct{ t *tenant }

func (x doorTable) Execute(ctx context.Context, p bunker.Principal, o admin.Order) (json.RawMessage, error) {
	k, err := x.t.theDesk()
	if err != nil {
		return nil, err
	}
	if x.t.guest() && !k.pace.Allow() {
		return nil, bunker.Errorf(bunker.CodeRateLimited, "too many commands of this bunker's admins at once; slow down")
	}
	v, err := k.commands.Execute(seal.Afar(ctx), p, o)
	return v, x.t.forGuest(err)
}

// proverAfar counts the tries of the passphrase that come over relays as such.
type proverAfar struct{ prover }

// Prove implements [session.Prover].
func (p proverAfar) Prove(ctx context.Context, passphrase []byte) error {
	return p.prover.Prove(seal.Afar(ctx), passphrase)
}

// doorOutlet sends to every relay of the connection string, the embedded one
// with them, and to the one that the admin was heard on.
type doorOutlet struct{ t *tenant }

func (o doorOutlet) Send(ev *nostr.Event, link string) {
	o.publish(ev, link, func() {}, func(string) {})
}

// publish is Send; took is called for every relay that took the event, at once where there
// is none besides the embedded one, and not for one that did not.
func (o doorOutlet) publish(ev *nostr.Event, link string, took func(), not func(url string)) {
	raw := ev.AppendJSON(nil)
	o.t.embedded.Publish(ev, raw)
	own := o.t.ring.ownURLs()
	relays := slices.DeleteFunc(o.t.ring.uriRelays(), func(u string) bool { return slices.Contains(own, u) })
	if strings.Contains(link, "://") && !slices.Contains(relays, link) && !slices.Contains(own, link) {
		relays = append(relays, link) // not a connection to the embedded relay
	}
	if len(relays) == 0 {
		took()
		return
	}
	o.t.relays.Publish(o.t.life, o.t.id, ev.ID, raw, relays, func(url string, ok bool, reason string) {
		if ok {
			took()
		} else {
			o.t.Log.Debug("a relay did not take a message to an admin", "relay", url, "reason", reason)
			not(url)
		}
	})
}

// doorRows is the store as the relay door sees it.
type doorRows struct{ t *tenant }

// Standing implements [session.Rows]. While the bunker is sealed or not set up, no
// row can be verified: then it says no more than that somebody may try to open it,
// or to set it up.
func (r doorRows) Standing(ctx context.Context, person nostr.PubKey, device string) (session.Standing, error) {
	t := r.t
	now := t.store.LedgerTime().UnixMilli()
	st, _, err := t.store.Tenant(ctx, t.id)
	switch {
	case err != nil:
		return session.Standing{}, err
	case !st.SetUp:
		return t.beforeSetUp(person), nil
	case !t.vault.Unsealed(t.id):
		return r.sealed(ctx, person, device, now)
	}
	out := session.Standing{State: session.Unsealed}
	if st.Stopped {
		out.State = session.Stopped
	}
	if person.IsZero() {
		out.Role = bunker.Owner // as the machine's own terminal; the device holds it down
	} else {
		a, err := t.store.Admin(ctx, t.id, person)
		switch {
		case isNotFound(err):
			return out, nil
		case err != nil:
			return out, err
		case a.ActiveAt <= now:
			out.Role, out.Keys = a.Role, a.Keys
		}
	}
	dev, err := t.store.Device(ctx, t.id, device)
	switch {
	case isNotFound(err):
		return out, nil
	case err != nil:
		return out, err
	case dev.Person != person && !dev.Live(now):
		return out, nil // another person's once: confirmed anew, it is this one's
	case dev.State == bunker.DeviceRevoked || dev.Person != person:
		out.Device = session.DeviceOut
		return out, nil
	case !dev.Live(now):
		return out, nil // expired: it may ask again
	}
	out.Device, out.Most = session.DeviceConfirmed, dev.Role
	out.Remembered = dev.Paired || dev.LastLogin > now-adminwire.LoginLife.Milliseconds()
	return out, nil
}

// beforeSetUp: the first owner is the one that was named at start, of a tenant any of
// those that were named when it was made, or whoever has the code where none was.
func (t *tenant) beforeSetUp(person nostr.PubKey) session.Standing {
	out := session.Standing{State: session.NotSetUp}
	may := t.first
	if !t.guest() {
		may = may[:min(1, len(may))]
	}
	if !person.IsZero() && (t.namesNobody() || slices.Contains(may, person)) {
		out.Role = bunker.Viewer
	}
	return out
}

// namesNobody reports that nobody was named to set it up.
func (t *tenant) namesNobody() bool {
	return len(t.first) == 0 && (t.guest() || len(t.Admins) == 0)
}

func (r doorRows) sealed(ctx context.Context, person nostr.PubKey, device string, now int64) (session.Standing, error) {
	out := session.Standing{State: session.Sealed}
	admins, err := r.t.store.UnverifiedAdmins(ctx, r.t.id)
	if err != nil || !person.IsZero() && !store.HasAdmin(admins, person) {
		return out, err
	}
	// Enough to look, to stop and to give the passphrase; not to open it without.
	out.Role = bunker.Approver
	dev, err := r.t.store.UnverifiedDevice(ctx, r.t.id, device)
	if err != nil {
		return out, err
	}
	live, remembered := store.SeemsConfirmed(dev, person, now, now-adminwire.LoginLife.Milliseconds())
	if live {
		out.Device, out.Most, out.Remembered = session.DeviceConfirmed, bunker.Approver, remembered
	}
	return out, nil
}

func isNotFound(err error) bool {
	var e *bunker.Error
	return errors.As(err, &e) && e.Code == bunker.CodeNotFound
}

// Whose implements [session.Rows].
func (r doorRows) Whose(ctx context.Context, device string) (nostr.PubKey, bool, error) {
	if !r.t.vault.Unsealed(r.t.id) {
		u, err := r.t.store.UnverifiedDevice(ctx, r.t.id, device)
		if err != nil {
			return nostr.PubKey{}, false, err
		}
		p, ok := store.PersonOf(u)
		return p, ok, nil
	}
	dev, err := r.t.store.Device(ctx, r.t.id, device)
	if isNotFound(err) {
		return nostr.PubKey{}, false, nil
	}
	if err != nil {
		return nostr.PubKey{}, false, err
	}
	return dev.Person, dev.State == bunker.DeviceConfirmed, nil
}

// Opened implements [session.Rows].
func (r doorRows) Opened(ctx context.Context, o session.Opening) error {
	t := r.t
	by := bunker.Principal{Name: "local", Door: bunker.DoorRelay, PubKey: o.Person, Device: o.Device}
	if !o.Person.IsZero() {
		by.Name = nip19.EncodeNpub(o.Person)
	}
	return t.store.Change(ctx, t.id, by, func(tx *store.Tx) error {
		rec := bunker.AuditRecord{
			Action: "session.open", Step: "admin", Effect: bunker.Allow.String(), Object: o.Device, Reason: "from the device " + bunker.Display(o.Label, admin.MaxName),
		}
		if !o.Confirmed {
			rec.Effect, rec.Reason = bunker.Ask.String(), "from a device that is not confirmed: "+bunker.Display(o.Label, admin.MaxName)
		}
		if o.Confirmed && o.Signed && t.vault.Unsealed(t.id) {
			dev, err := tx.Device(o.Device)
			if err != nil {
				return err
			}
			dev.LastLogin = tx.Now()
			if err := tx.PutDevice(dev); err != nil {
				return err
			}
		}
		return tx.Audit(rec)
	})
}

// Checkpoint implements [session.Rows].
func (r doorRows) Checkpoint(ctx context.Context) ([]byte, error) {
	cp, err := r.t.store.LastCheckpoint(ctx, r.t.id)
	if err != nil || cp == nil {
		return nil, err
	}
	return json.Marshal(cp)
}
