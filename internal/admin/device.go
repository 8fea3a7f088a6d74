package admin

import (
	"context"
	"errors"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// Bounds of devices.
const (
	// MaxDevices is how many devices are known; of more, those that were revoked are
	// forgotten first.
	MaxDevices = 200
	// PairedLife is how long a paired device may come when nothing else is said.
	PairedLife = 90 * 24 * time.Hour
)

func deviceCommands(t *Table) {
	add(t, Command{
		Name: "device.list", Summary: "Lists the devices that may log in from afar, and those that ask to: your own, and for an owner everybody's.",
		Role: bunker.Viewer, Doors: local(), Scope: Scope{Self: true},
	}, t.deviceList)
	add(t, Command{
		Name: "device.confirm", Summary: "Confirms the device that shows a code: your own, and for an owner anybody's.",
		Role: bunker.Viewer, Doors: local(), Scope: Scope{Self: true}, Writes: true,
	}, t.deviceConfirm)
	add(t, Command{
		Name: "device.refuse", Summary: "Turns the device away that shows a code.",
		Role: bunker.Viewer, Doors: local(), Scope: Scope{Self: true}, Writes: true,
	}, t.deviceRefuse)
	add(t, Command{
		Name: "device.revoke", Summary: "Revokes a device: its sessions end, and it is not let in again.",
		Role: bunker.Viewer, Doors: local(), Scope: Scope{Self: true}, Writes: true,
	}, t.deviceRevoke)
	add(t, Command{
		Name: "device.pair", Summary: "Makes a one-time link by which a device without a Nostr extension can be paired, good for ten minutes.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true,
	}, t.devicePair)
	add(t, Command{
		Name: "device.wait", Summary: "Waits up to 25 seconds for a device that uses a pairing link, and returns the code that it shows.",
		Role: bunker.Owner, Doors: local(),
	}, t.deviceWait)
}

type deviceView struct {
	ID        string      `json:"id"`
	Label     string      `json:"label" doc:"its own words"`
	Person    string      `json:"person" doc:"an npub, or local"`
	State     string      `json:"state" doc:"waiting, confirmed, revoked or expired"`
	Role      bunker.Role `json:"role" doc:"the most that it may do"`
	Paired    bool        `json:"paired,omitempty" doc:"by a link: it needs no certificate"`
	Code      string      `json:"code,omitempty" doc:"what a waiting device shows"`
	LastLogin Time        `json:"last_login,omitzero"`
	ExpiresAt Time        `json:"expires_at,omitzero"`
	By        string      `json:"confirmed_by,omitempty"`
	CreatedAt Time        `json:"created_at"`
}

func viewDevice(d *bunker.Device, now int64) deviceView {
	state := string(d.State)
	if d.State == bunker.DeviceConfirmed && !d.Live(now) {
		state = "expired"
	}
	return deviceView{
		d.ID, bunker.Display(d.Label, MaxName), personWords(d.Person), state, d.Role, d.Paired, "", Time(d.LastLogin), Time(d.ExpiresAt),
		d.ConfirmedBy, Time(d.CreatedAt),
	}
}

func viewWaiting(w *Waiting) deviceView {
	v := deviceView{
		ID: w.Device, Label: bunker.Display(w.Label, MaxName), Person: personWords(w.Person), State: "waiting", Role: bunker.Owner,
		Code: w.Code, CreatedAt: Time(w.Since),
	}
	if w.Pairing != nil {
		v.Role, v.Paired, v.ExpiresAt = w.Pairing.Role, true, Time(w.Pairing.ExpiresAt)
	}
	return v
}

type deviceListResult struct {
	Devices []deviceView `json:"devices"`
}

func (t *Table) deviceList(ctx context.Context, c *Call, _ Empty) (deviceListResult, error) {
	res := deviceListResult{Devices: []deviceView{}}
	devices, err := t.Rows.Devices(ctx, t.Tenant)
	if err != nil {
		return res, err
	}
	for i := range devices {
		if minds(c.Principal, devices[i].Person, devices[i].ID) {
			res.Devices = append(res.Devices, viewDevice(&devices[i], c.Now.UnixMilli()))
		}
	}
	for _, w := range t.waiting() {
		if minds(c.Principal, w.Person, w.Device) {
			res.Devices = append(res.Devices, viewWaiting(&w))
		}
	}
	return res, nil
}

func (t *Table) waiting() []Waiting {
	if t.Sessions == nil {
		return nil
	}
	return t.Sessions.Waiting()
}

// byCode finds the one device that shows a code.
func (t *Table) byCode(by bunker.Principal, code string) (Waiting, error) {
	var found []Waiting
	for _, w := range t.waiting() {
		if w.Code == code && minds(by, w.Person, w.Device) {
			found = append(found, w)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Waiting{}, bunker.Errorf(bunker.CodeNotFound, "no device that waits shows this code; it is good for ten minutes").In("digits").WithHint("nsecbunker device list")
	}
	return Waiting{}, bunker.Errorf(bunker.CodeConflict, "two devices show this code; reload the page, or start the command again, for another one").In("digits")
}

type deviceCodeParams struct {
	Digits string `json:"digits" doc:"the six that the device shows"`
}

type deviceResult struct {
	Device deviceView `json:"device"`
}

func (t *Table) deviceConfirm(ctx context.Context, c *Call, p deviceCodeParams) (deviceResult, error) {
	w, err := t.byCode(c.Principal, p.Digits)
	if err != nil {
		return deviceResult{}, err
	}
	return t.confirm(ctx, c, &w)
}

// confirm stores a device that waits, and lets its session in.
func (t *Table) confirm(ctx context.Context, c *Call, w *Waiting) (deviceResult, error) {
	now := c.Now.UnixMilli()
	d := &bunker.Device{
		Tenant: t.Tenant, ID: w.Device, Pub: w.Pub, Person: w.Person, Role: bunker.Owner, Label: bunker.Display(w.Label, MaxName),
		State: bunker.DeviceConfirmed, LastLogin: now, ConfirmedBy: c.Principal.Name, CreatedAt: now, Version: 1,
	}
	if p := w.Pairing; p != nil {
		d.Role, d.Paired, d.ExpiresAt, d.Label = p.Role, true, p.ExpiresAt, p.Label
		// Who made the link could do more then than now; and nobody hands out more than
		// he has.
		if c.Principal.Role < p.Role {
			return deviceResult{}, bunker.Errorf(bunker.CodeRestricted, "the link is for the role %s; yours is %s", p.Role, c.Principal.Role)
		}
	}
	rec := &bunker.AuditRecord{Object: d.ID}
	err := c.Commit(ctx, rec, func(tx Tx) error {
		if err := adminIs(tx, d.Person); err != nil {
			return err
		}
		if err := noMoreThanBy(tx, c.Principal.Device, d); err != nil {
			return err
		}
		rec.Reason = "of " + personWords(d.Person) + ": " + d.Label + ", at most " + d.Role.String()
		if err := placeDevice(tx, d); err != nil {
			return err
		}
		return tx.PutDevice(d)
	})
	if err != nil {
		return deviceResult{}, err
	}
	t.Sessions.Admit(w.Device)
	return deviceResult{viewDevice(d, now)}, nil
}

// noMoreThanBy gives a device no more than the one has that confirms it, or one that
// was paired to look only could let in another that may do everything. A device that
// confirms itself has proved more than that: the passphrase.
func noMoreThanBy(tx Tx, by string, d *bunker.Device) error {
	if by == "" || by == d.ID {
		return nil
	}
	confirmer, err := tx.Device(by)
	if err != nil {
		if isNotFound(err) {
			return bunker.Errorf(bunker.CodeRestricted, "the device that you confirm from is not known here any more")
		}
		return err
	}
	d.Role = min(d.Role, confirmer.Role)
	return nil
}

func adminIs(tx Tx, person nostr.PubKey) error {
	if person.IsZero() {
		return nil
	}
	is, err := isAdmin(tx, person)
	if err == nil && !is {
		err = bunker.Errorf(bunker.CodeRestricted, "%s is no admin here any more", personWords(person))
	}
	return err
}

// placeDevice fits a device in among those that there are.
func placeDevice(tx Tx, d *bunker.Device) error {
	all, err := tx.Devices()
	if err != nil {
		return err
	}
	oldest := -1
	for i := range all {
		other := &all[i]
		if other.ID == d.ID {
			if other.Person != d.Person && other.Live(tx.Now()) {
				return bunker.Errorf(bunker.CodeConflict, "this device is another person's (%s); a device belongs to one person", personWords(other.Person))
			}
			d.Version, d.CreatedAt = other.Version, other.CreatedAt
			return nil
		}
		if !other.Live(tx.Now()) && oldest < 0 {
			oldest = i
		}
	}
	if len(all) < MaxDevices {
		return nil
	}
	if oldest < 0 {
		return bunker.Errorf(bunker.CodeConflict, "there are %d devices, the most that there can be; revoke one first", MaxDevices).WithHint("nsecbunker device list")
	}
	return tx.DeleteDevice(all[oldest].ID)
}

func (t *Table) deviceRefuse(ctx context.Context, c *Call, p deviceCodeParams) (deviceResult, error) {
	w, err := t.byCode(c.Principal, p.Digits)
	if err != nil {
		return deviceResult{}, err
	}
	rec := &bunker.AuditRecord{Object: w.Device, Reason: "of " + personWords(w.Person)}
	if err := c.Commit(ctx, rec, func(Tx) error { return nil }); err != nil {
		return deviceResult{}, err
	}
	t.Sessions.End(w.Session)
	return deviceResult{viewWaiting(&w)}, nil
}

type deviceParams struct {
	Device string `json:"device" doc:"its id, or a label that no other has"`
}

func (t *Table) deviceRevoke(ctx context.Context, c *Call, p deviceParams) (deviceResult, error) {
	var d *bunker.Device
	rec := &bunker.AuditRecord{}
	err := c.Commit(ctx, rec, func(tx Tx) (err error) {
		if d, err = findDevice(tx, c.Principal, p.Device); err != nil {
			return err
		}
		rec.Object, rec.Reason = d.ID, "of "+personWords(d.Person)+": "+d.Label
		d.State = bunker.DeviceRevoked
		return tx.PutDevice(d)
	})
	if err != nil {
		return deviceResult{}, err
	}
	if t.Sessions != nil {
		t.Sessions.End(d.ID)
	}
	return deviceResult{viewDevice(d, c.Now.UnixMilli())}, nil
}

// revokeDevices revokes what a person who is no admin any more was let in with: who
// is named again is confirmed anew, and those that nobody uses make room.
func revokeDevices(tx Tx, person nostr.PubKey) error {
	all, err := tx.Devices()
	for i := range all {
		if d := &all[i]; d.Person == person && d.State != bunker.DeviceRevoked {
			d.State = bunker.DeviceRevoked
			err = errors.Join(err, tx.PutDevice(d))
		}
	}
	return err
}

func findDevice(tx Tx, by bunker.Principal, idOrLabel string) (*bunker.Device, error) {
	all, err := tx.Devices()
	if err != nil {
		return nil, err
	}
	var found []*bunker.Device
	for i := range all {
		switch d := &all[i]; {
		case !minds(by, d.Person, d.ID):
		case d.ID == idOrLabel:
			return d, nil
		case d.Label == idOrLabel && d.State == bunker.DeviceConfirmed:
			found = append(found, d)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, bunker.Errorf(bunker.CodeNotFound, "there is no such device").In("device").WithHint("nsecbunker device list")
	}
	return nil, bunker.Errorf(bunker.CodeConflict, "%d devices have this label; name it by its id", len(found)).In("device").WithHint("nsecbunker device list")
}

type devicePairParams struct {
	Role    bunker.Role `json:"role" doc:"the most that the device may do"`
	Label   string      `json:"label"`
	Npub    string      `json:"npub,omitempty" doc:"the admin whose device it is (none: this machine's, local)"`
	Expires Span        `json:"expires,omitzero" doc:"how long the device may come (90d)"`
}

type devicePairResult struct {
	ID    string `json:"id" doc:"of the link, for device.wait"`
	Link  string `json:"link" doc:"to be opened on the device; good once"`
	Until Time   `json:"until" doc:"when the link ends"`
}

// PairingLife is how long a pairing link is good.
const PairingLife = 10 * time.Minute

func (t *Table) devicePair(ctx context.Context, c *Call, p devicePairParams) (devicePairResult, error) {
	var res devicePairResult
	label, err := text("label", p.Label, true)
	if err != nil {
		return res, err
	}
	if t.Sessions == nil {
		return res, bunker.Errorf(bunker.CodeConflict, "this bunker has no relay door")
	}
	life := time.Duration(p.Expires)
	if life == 0 {
		life = PairedLife
	}
	pair := Pairing{Role: p.Role, Label: label, By: c.Principal.Name, ExpiresAt: c.Now.Add(life).UnixMilli()}
	if p.Npub != "" {
		if pair.Person, err = npub("npub", p.Npub); err != nil {
			return res, err
		}
	}
	rec := &bunker.AuditRecord{Object: label, Reason: "a pairing link for " + personWords(pair.Person) + ", at most " + p.Role.String()}
	if err := c.Commit(ctx, rec, func(tx Tx) error { return adminIs(tx, pair.Person) }); err != nil {
		return res, err
	}
	res.Until = Time(c.Now.Add(PairingLife).UnixMilli())
	res.Link, res.ID, err = t.Sessions.Pair(pair)
	return res, err
}

type deviceWaitParams struct {
	ID string `json:"id" doc:"of the link"`
}

type deviceWaitResult struct {
	Device *deviceView `json:"device,omitempty" doc:"absent when nobody came yet: ask again"`
}

func (t *Table) deviceWait(ctx context.Context, _ *Call, p deviceWaitParams) (deviceWaitResult, error) {
	if t.Sessions == nil {
		return deviceWaitResult{}, bunker.Errorf(bunker.CodeNotFound, "there is no such link").In("id")
	}
	ctx, cancel := context.WithTimeout(ctx, PairWait)
	defer cancel()
	w, err := t.Sessions.Paired(ctx, p.ID)
	if err != nil && ctx.Err() != nil {
		return deviceWaitResult{}, nil
	}
	if err != nil {
		return deviceWaitResult{}, err
	}
	v := viewWaiting(&w)
	return deviceWaitResult{&v}, nil
}
