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
	"nsecbunker/internal/legacy"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/session"
	"nsecbunker/internal/store"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// sweepDoor is how often keys of the relay door that are past their time are
// wiped, where nobody comes by.
const sweepDoor = time.Second

// openDoor makes the relay door.
func (d *Daemon) openDoor(context.Context) (err error) {
	d.door, err = session.New(session.Config{
		Tenant: d.tenant, Admin: d.adminKey, Arena: d.arena, Keys: d.vault, Rows: doorRows{d}, Table: doorTable{d},
		Prover: proverAfar{prover{d}}, Out: doorOutlet{d}, Relays: d.ring.uriRelays, SetupCode: d.SetupCode, Now: d.store.LedgerTime,
	})
	if err != nil {
		return err
	}
	d.legacy, err = legacy.New(legacy.Config{
		Tenant: d.tenant, Admin: d.adminKey, Keys: d.vault, Rows: legacyRows{d}, Table: doorTable{d}, Out: doorOutlet{d}, Now: d.store.LedgerTime,
	})
	return err
}

// runDoor wipes what is past its time, and passes news on.
func (d *Daemon) runDoor(ctx context.Context) error {
	t := time.NewTicker(sweepDoor)
	defer t.Stop()
	news := make(chan bunker.Happening, 1024)
	defer d.Subscribe(func(h bunker.Happening) {
		if h.Kind == "" {
			return
		}
		select {
		case news <- h:
		default:
			d.door.Missed() // there is more than can be told one by one
		}
	})()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			d.door.Sweep(d.store.LedgerTime())
			d.legacy.Sweep(d.store.LedgerTime())
		case h := <-news:
			d.pass(ctx, h)
			if h.Kind == bunker.QuestionMade {
				d.legacy.Ask(ctx, bunker.ApprovalID(h.ID))
			}
		}
	}
}

// doorTable runs commands of the relay door.
type doorTable struct{ d *Daemon }

func (t doorTable) Execute(ctx context.Context, p bunker.Principal, o admin.Order) (json.RawMessage, error) {
	return t.d.commands.Execute(seal.Afar(ctx), p, o)
}

// proverAfar counts the tries of the passphrase that come over relays as such.
type proverAfar struct{ prover }

// Prove implements [session.Prover].
func (p proverAfar) Prove(ctx context.Context, passphrase []byte) error {
	return p.prover.Prove(seal.Afar(ctx), passphrase)
}

// doorOutlet sends to every relay of the connection string, the embedded one
// with them, and to the one that the admin was heard on.
type doorOutlet struct{ d *Daemon }

func (o doorOutlet) Send(ev *nostr.Event, link string) {
	raw := ev.AppendJSON(nil)
	o.d.embedded.Publish(ev, raw)
	own := o.d.ring.ownURLs()
	relays := slices.DeleteFunc(o.d.ring.uriRelays(), func(u string) bool { return slices.Contains(own, u) })
	if strings.Contains(link, "://") && !slices.Contains(relays, link) && !slices.Contains(own, link) {
		relays = append(relays, link) // not a connection to the embedded relay
	}
	if len(relays) > 0 {
		o.d.relays.Publish(o.d.life, ev.ID, raw, relays, func(url string, ok bool, reason string) {
			if !ok {
				o.d.Log.Debug("a relay did not take a message to an admin", "relay", url, "reason", reason)
			}
		})
	}
}

// doorRows is the store as the relay door sees it.
type doorRows struct{ d *Daemon }

// Standing implements [session.Rows]. While the bunker is sealed or not set up, no
// row can be verified: then it says no more than that somebody may try to open it,
// or to set it up.
func (r doorRows) Standing(ctx context.Context, person nostr.PubKey, device string) (session.Standing, error) {
	d := r.d
	now := d.store.LedgerTime().UnixMilli()
	st, _, err := d.store.Tenant(ctx, d.tenant)
	switch {
	case err != nil:
		return session.Standing{}, err
	case !st.SetUp:
		return d.beforeSetUp(person), nil
	case !d.vault.Unsealed(d.tenant):
		return r.sealed(ctx, person, device, now)
	}
	out := session.Standing{State: session.Unsealed}
	if st.Stopped {
		out.State = session.Stopped
	}
	if person.IsZero() {
		out.Role = bunker.Owner // as the machine's own terminal; the device holds it down
	} else {
		a, err := d.store.Admin(ctx, d.tenant, person)
		switch {
		case isNotFound(err):
			return out, nil
		case err != nil:
			return out, err
		case a.ActiveAt <= now:
			out.Role, out.Keys = a.Role, a.Keys
		}
	}
	dev, err := d.store.Device(ctx, d.tenant, device)
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

// beforeSetUp: the first owner is the one that was named at start, or whoever has
// the code where none was.
func (d *Daemon) beforeSetUp(person nostr.PubKey) session.Standing {
	out := session.Standing{State: session.NotSetUp}
	first := nostr.PubKey{}
	if len(d.Admins) > 0 {
		if p, err := nip19.ParsePublicKey(d.Admins[0]); err == nil {
			first = p
		}
	}
	if !person.IsZero() && (len(d.Admins) == 0 || person == first) {
		out.Role = bunker.Viewer
	}
	return out
}

func (r doorRows) sealed(ctx context.Context, person nostr.PubKey, device string, now int64) (session.Standing, error) {
	out := session.Standing{State: session.Sealed}
	admins, err := r.d.store.UnverifiedAdmins(ctx, r.d.tenant)
	if err != nil || !person.IsZero() && !store.HasAdmin(admins, person) {
		return out, err
	}
	// Enough to look, to stop and to give the passphrase; not to open it without.
	out.Role = bunker.Approver
	dev, err := r.d.store.UnverifiedDevice(ctx, r.d.tenant, device)
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
	if !r.d.vault.Unsealed(r.d.tenant) {
		u, err := r.d.store.UnverifiedDevice(ctx, r.d.tenant, device)
		if err != nil {
			return nostr.PubKey{}, false, err
		}
		p, ok := store.PersonOf(u)
		return p, ok, nil
	}
	dev, err := r.d.store.Device(ctx, r.d.tenant, device)
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
	d := r.d
	by := bunker.Principal{Name: "local", Door: bunker.DoorRelay, PubKey: o.Person, Device: o.Device}
	if !o.Person.IsZero() {
		by.Name = nip19.EncodeNpub(o.Person)
	}
	return d.store.Change(ctx, d.tenant, by, func(tx *store.Tx) error {
		rec := bunker.AuditRecord{
			Action: "session.open", Step: "admin", Effect: bunker.Allow.String(), Object: o.Device, Reason: "from the device " + bunker.Display(o.Label, admin.MaxName),
		}
		if !o.Confirmed {
			rec.Effect, rec.Reason = bunker.Ask.String(), "from a device that is not confirmed: "+bunker.Display(o.Label, admin.MaxName)
		}
		if o.Confirmed && o.Signed && d.vault.Unsealed(d.tenant) {
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
	cp, err := r.d.store.LastCheckpoint(ctx, r.d.tenant)
	if err != nil || cp == nil {
		return nil, err
	}
	return json.Marshal(cp)
}
