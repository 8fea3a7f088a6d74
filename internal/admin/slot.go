package admin

import (
	"context"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// MaxSlots is how many key slots a bunker has at most: each costs one scrypt
// when a passphrase is tried.
const MaxSlots = 16

func slotCommands(t *Table) {
	add(t, Command{
		Name: "slot.list", Summary: "Lists the ways to open the bunker.",
		Role: bunker.Viewer, Doors: local(), WhileSealed: true,
	}, t.slotList)
	add(t, Command{
		Name: "slot.add", Summary: "Adds a way to open the bunker: another passphrase, a key file, a systemd credential, a command.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true,
	}, t.slotAdd)
	add(t, Command{
		Name: "slot.remove", Summary: "Removes a way to open the bunker. The last passphrase cannot be removed.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true,
	}, t.slotRemove)
}

type slotView struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Kind       string `json:"kind" doc:"passphrase, file, credential, command or provider"`
	Unattended bool   `json:"unattended" doc:"opens without a person"`
	CreatedAt  Time   `json:"created_at"`
}

func viewSlot(s *bunker.Slot) slotView {
	return slotView{string(s.ID), s.Name, string(s.Kind), !s.Kind.NeedsPerson(), Time(s.CreatedAt)}
}

type slotListResult struct {
	Slots []slotView `json:"slots"`
}

func (t *Table) slotList(ctx context.Context, _ *Call, _ Empty) (slotListResult, error) {
	slots, err := t.Rows.Slots(ctx, t.Tenant)
	res := slotListResult{Slots: []slotView{}}
	for i := range slots {
		res.Slots = append(res.Slots, viewSlot(&slots[i]))
	}
	return res, err
}

type slotAddParams struct {
	Kind       string       `json:"kind" doc:"passphrase, file, credential, command; provider: of a bunker that others host, opened by their own"`
	Name       string       `json:"name"`
	Passphrase secret.Param `json:"passphrase,omitempty" doc:"of kind passphrase; at least 12 characters"`
	Path       string       `json:"path,omitempty" doc:"of kind file: a whole path; the file has at least 32 random bytes and mode 0600"`
	Credential string       `json:"credential,omitempty" doc:"of kind credential: its name in the systemd unit"`
	Command    string       `json:"command,omitempty" doc:"of kind command: its name in the configuration"`
}

type slotResult struct {
	Slot     slotView `json:"slot"`
	Warnings []string `json:"warnings,omitempty"`
}

// automaticWords is said openly wherever the bunker opens by itself.
const automaticWords = "this opens the bunker without a person: who controls the machine can then read the keys, also when it is switched off"

func (t *Table) slotAdd(ctx context.Context, c *Call, p slotAddParams) (slotResult, error) {
	var res slotResult
	label, err := name("name", p.Name)
	if err != nil {
		return res, err
	}
	kind := bunker.SlotKind(p.Kind)
	if kind == bunker.SlotProvider {
		return t.providerSlot(ctx, c, label, p)
	}
	given := map[bunker.SlotKind]bool{
		bunker.SlotPassphrase: len(p.Passphrase) > 0, bunker.SlotFile: p.Path != "",
		bunker.SlotCredential: p.Credential != "", bunker.SlotCommand: p.Command != "",
	}
	if _, ok := given[kind]; !ok {
		return res, bunker.Errorf(bunker.CodeInvalid, "kind %q is none of passphrase, file, credential, command", clip(p.Kind)).In("kind")
	}
	fields := map[bunker.SlotKind]string{bunker.SlotPassphrase: "passphrase", bunker.SlotFile: "path", bunker.SlotCredential: "credential", bunker.SlotCommand: "command"}
	for k, there := range given {
		if there != (k == kind) {
			return res, bunker.Errorf(bunker.CodeInvalid, "a slot of kind %s takes %s and nothing else", kind, fields[kind]).In(fields[k])
		}
	}
	if !kind.NeedsPerson() && c.Principal.Door == bunker.DoorRelay {
		return res, bunker.Errorf(bunker.CodeRestricted, "a slot of kind %s opens the bunker with what lies on its machine; add it there", kind).In("kind")
	}
	slot, err := t.wrapRoot(ctx, kind, SlotInput{Name: label, Passphrase: p.Passphrase, Path: p.Path, Credential: p.Credential, Command: p.Command})
	if err != nil {
		return res, err
	}
	rec := &bunker.AuditRecord{Object: string(slot.ID), Reason: "a " + string(kind) + " slot named " + label}
	err = c.Commit(ctx, rec, func(tx Tx) error {
		slots, err := tx.Slots()
		if err != nil {
			return err
		}
		if len(slots) >= MaxSlots {
			return bunker.Errorf(bunker.CodeConflict, "there are %d key slots, the most that there can be; remove one first", MaxSlots)
		}
		return tx.PutSlot(&slot)
	})
	res.Slot = viewSlot(&slot)
	if !kind.NeedsPerson() {
		res.Warnings = append(res.Warnings, automaticWords)
	}
	return res, err
}

// providerWords are said openly before an owner agrees, and after.
const providerWords = "this opens the bunker whenever the provider's own is open: whoever controls the machine can then read the keys at rest, too, not only while it runs. Remove the slot to end it"

// providerSlot is the way by which the house of a hosted instance opens its guest. Only
// the guest's owner can add it, and take it away.
func (t *Table) providerSlot(ctx context.Context, c *Call, label string, p slotAddParams) (res slotResult, err error) {
	if !t.Guest {
		return res, bunker.Errorf(bunker.CodeInvalid, "a slot of kind provider is for a bunker that others host").In("kind")
	}
	if len(p.Passphrase) > 0 || p.Path != "" || p.Credential != "" || p.Command != "" {
		return res, bunker.Errorf(bunker.CodeInvalid, "a slot of kind provider takes a name and nothing else").In("kind")
	}
	slot := bunker.Slot{Tenant: t.Tenant, ID: bunker.NewSlotID(), Kind: bunker.SlotProvider, Name: label, Params: []byte("{}"), CreatedAt: c.Now.UnixMilli()}
	if slot.Wrapped, err = t.Vault.WrapForHouse(bunker.SelfHosted, t.Tenant, slot.ID); err != nil {
		if bunker.AsError(err).Code == bunker.CodeSealed {
			err = bunker.Errorf(bunker.CodeSealed, "the provider's own bunker is sealed; ask him to open it, and add the slot then")
		}
		return res, err
	}
	err = c.Commit(ctx, &bunker.AuditRecord{Object: string(slot.ID), Reason: "a provider slot named " + label}, func(tx Tx) error {
		slots, err := tx.Slots()
		if err != nil {
			return err
		}
		for _, s := range slots {
			if s.Kind == bunker.SlotProvider {
				return bunker.Errorf(bunker.CodeConflict, "there is a slot of kind provider already: %s", s.Name)
			}
		}
		if len(slots) >= MaxSlots {
			return bunker.Errorf(bunker.CodeConflict, "there are %d key slots, the most that there can be; remove one first", MaxSlots)
		}
		return tx.PutSlot(&slot)
	})
	if err == nil {
		t.Around.Changed() // other instances open it by this, too
	}
	res.Slot, res.Warnings = viewSlot(&slot), []string{providerWords}
	return res, err
}

type slotRemoveParams struct {
	Slot string `json:"slot" doc:"id or name"`
}

func (t *Table) slotRemove(ctx context.Context, c *Call, p slotRemoveParams) (slotResult, error) {
	var res slotResult
	rec := &bunker.AuditRecord{}
	err := c.Commit(ctx, rec, func(tx Tx) error {
		slots, err := tx.Slots()
		if err != nil {
			return err
		}
		slot, err := findSlot(slots, p.Slot)
		if err != nil {
			return err
		}
		// Dangerous commands are proven with a passphrase: without one, nothing
		// about slots could ever be changed again.
		if slot.Kind == bunker.SlotPassphrase && passphrases(slots) == 1 {
			return bunker.Errorf(bunker.CodeConflict, "%s is the last passphrase; add another one before removing it", slot.Name).
				WithHint("nsecbunker seal slot add passphrase --name NAME")
		}
		rec.Object, rec.Reason = string(slot.ID), "the "+string(slot.Kind)+" slot named "+slot.Name
		res.Slot = viewSlot(&slot)
		return tx.DeleteSlot(slot.ID)
	})
	return res, err
}

func onePassphrase(slots []bunker.Slot, idOrName string) (bunker.Slot, error) {
	if idOrName != "" {
		s, err := findSlot(slots, idOrName)
		if err == nil && s.Kind != bunker.SlotPassphrase {
			err = bunker.Errorf(bunker.CodeInvalid, "the slot %s is no passphrase", s.Name).In("slot")
		}
		return s, err
	}
	if n := passphrases(slots); n != 1 {
		return bunker.Slot{}, bunker.Errorf(bunker.CodeInvalid, "there are %d passphrases; say which one is to be changed", n).In("slot").WithHint("nsecbunker seal slot list")
	}
	for _, s := range slots {
		if s.Kind == bunker.SlotPassphrase {
			return s, nil
		}
	}
	return bunker.Slot{}, errors.New("admin: no passphrase slot")
}

func passphrases(slots []bunker.Slot) (n int) {
	for _, s := range slots {
		if s.Kind == bunker.SlotPassphrase {
			n++
		}
	}
	return n
}

// findSlot looks a slot up by id, or else by name.
func findSlot(slots []bunker.Slot, idOrName string) (bunker.Slot, error) {
	for _, s := range slots {
		if string(s.ID) == idOrName {
			return s, nil
		}
	}
	for _, s := range slots {
		if s.Name == idOrName {
			return s, nil
		}
	}
	return bunker.Slot{}, bunker.Errorf(bunker.CodeNotFound, "there is no key slot %q", clip(idOrName)).In("slot").WithHint("nsecbunker seal slot list")
}

// renamed gives an error about one field of a part to the command's own field.
func renamed(err error, from, to string) error {
	var e *bunker.Error
	if errors.As(err, &e) && e.Field == from {
		e.Field = to
	}
	return err
}
