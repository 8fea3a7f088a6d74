package admin

import (
	"context"
	"crypto/subtle"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// MaxAdmins is how many admins a tenant can have.
const MaxAdmins = 100

func setupCommands(t *Table) {
	add(t, Command{
		Name: "setup", Summary: "Sets the bunker up: root key, passphrase, first owner, relays. Once.",
		Role: bunker.Owner, Doors: system(), WhileSealed: true, Writes: true,
	}, t.setup)
}

type setupParams struct {
	Passphrase secret.Param `json:"passphrase" doc:"opens the bunker after each start; at least 12 characters"`
	Admins     []setupAdmin `json:"admins,omitempty" doc:"owners unless a role is given; none: those given at start"`
	Relays     []string     `json:"relays,omitempty" doc:"where apps find the bunker; none: those given at start, else this machine only"`
	Default    string       `json:"default,omitempty" doc:"ask or deny: what new keys do with what no permission covers (ask)"`
	Code       secret.Param `json:"code,omitempty" doc:"the setup code, from other doors than this machine's"`
}

type setupAdmin struct {
	Npub string      `json:"npub"`
	Role bunker.Role `json:"role,omitempty" doc:"owner"`
	Name string      `json:"name,omitempty"`
}

type setupResult struct {
	ConnectionString string   `json:"connection_string,omitempty"`
	Relays           []string `json:"relays"`
	Slot             string   `json:"slot" doc:"id of the passphrase's key slot"`
	Warnings         []string `json:"warnings,omitempty"`
}

func (t *Table) setup(ctx context.Context, c *Call, p setupParams) (setupResult, error) {
	var res setupResult
	if err := t.maySetUp(ctx, c, p); err != nil {
		return res, err
	}
	if len(p.Admins) == 0 {
		for _, n := range t.First.Admins {
			p.Admins = append(p.Admins, setupAdmin{Npub: n})
		}
	}
	if len(p.Admins) == 0 && c.Principal.Door == bunker.DoorRelay {
		p.Admins = []setupAdmin{{Npub: c.Principal.PubKey.String()}} // who has the code, and no owner was named
	}
	if len(p.Relays) == 0 {
		p.Relays = t.First.Relays
	}
	admins, err := firstAdmins(p.Admins, t.Tenant, c)
	if err != nil {
		return res, err
	}
	relays, err := t.relayURLs("relays", p.Relays)
	if err != nil {
		return res, err
	}
	def, err := defaultEffect(p.Default, bunker.Ask)
	if err != nil {
		return res, err
	}
	if err := t.Slots.Check(p.Passphrase); err != nil {
		return res, err
	}
	t.memory.Lock()
	defer t.memory.Unlock()
	// NewRootKey refuses when there is one: two callers cannot both set up.
	if err := t.Vault.NewRootKey(t.Tenant); err != nil {
		return res, err
	}
	slot, err := t.firstRoot(ctx, c, p.Passphrase, func(tx Tx) error {
		st := tx.Tenant()
		if st.SetUp {
			return setUpAlready()
		}
		// A store that was set up once has a slot. One that says it was not, and has
		// one, was changed from outside: setting it up anew would vouch for its rows.
		if slots, err := tx.Slots(); err != nil || len(slots) > 0 {
			return errors.Join(err, bunker.TamperedError(&st))
		}
		st.SetUp, st.Reviewed, st.Default = true, true, def
		if err := tx.PutTenant(st); err != nil {
			return err
		}
		for i := range admins {
			if err := tx.PutAdmin(&admins[i]); err != nil {
				return err
			}
		}
		for _, u := range relays {
			if err := tx.PutRelay(Relay{URL: u, AddedAt: tx.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		// Nothing is stored: the root key that was tried is given up.
		err = errors.Join(err, t.Vault.Seal(t.Tenant))
		t.Around.Changed()
		return res, err
	}
	t.Around.Changed()
	res.Slot = string(slot.ID)
	res.Relays = append([]string{}, t.Around.AppRelays()...)
	if res.ConnectionString, err = t.connectionString(ctx); err != nil {
		return res, err
	}
	if loopbackOnly(res.Relays) {
		res.Warnings = append(res.Warnings, loopbackWords)
	}
	if len(admins) == 0 {
		res.Warnings = append(res.Warnings, "there is no admin yet: only this machine's terminal administers the bunker; name one with: nsecbunker admin add NPUB --role owner")
	}
	return res, nil
}

func setUpAlready() error {
	return bunker.Errorf(bunker.CodeConflict, "the bunker is set up already").WithHint("nsecbunker status")
}

// maySetUp checks that there is something to set up, and the code where the
// caller is not on this machine.
func (t *Table) maySetUp(ctx context.Context, c *Call, p setupParams) error {
	st, _, err := t.Rows.Tenant(ctx, t.Tenant)
	if err != nil {
		return err
	}
	if st.SetUp {
		return setUpAlready()
	}
	// Setting up gives every row its MAC: rows that are there already would get it,
	// too, whoever put them there.
	slots, err := t.Rows.Slots(ctx, t.Tenant)
	if err != nil {
		return err
	}
	if len(slots) > 0 {
		return bunker.Errorf(bunker.CodeBlocked, "the bunker was set up before, and its data say otherwise: they were changed from outside. Keep the data folder as it is, and restore the last backup").
			WithHint("nsecbunker backup restore FILE")
	}
	if c.Principal.Door == bunker.DoorSystem || c.Principal.Door == bunker.DoorSocket && len(p.Code) == 0 {
		return nil
	}
	var want []byte
	if t.SetupCode != nil {
		want = []byte(t.SetupCode())
	}
	if len(want) == 0 || subtle.ConstantTimeCompare(want, p.Code) != 1 {
		return bunker.Errorf(bunker.CodeNeedsProof, "the setup code is wrong; the bunker's log shows it, or whoever made the bunker").In("code")
	}
	return nil
}

func firstAdmins(in []setupAdmin, t bunker.TenantID, c *Call) ([]bunker.Admin, error) {
	var out []bunker.Admin
	seen := map[nostr.PubKey]bool{}
	for i, a := range in {
		pub, err := npub("admins.npub", a.Npub)
		if err != nil {
			return nil, err
		}
		if seen[pub] {
			return nil, bunker.Errorf(bunker.CodeInvalid, "an admin is named twice").In("admins.npub")
		}
		seen[pub] = true
		label, err := text("admins.name", a.Name, false)
		if err != nil {
			return nil, err
		}
		if a.Role == bunker.NoRole {
			a.Role = bunker.Owner
		}
		if i == 0 && a.Role != bunker.Owner {
			return nil, bunker.Errorf(bunker.CodeInvalid, "the first admin must be an owner").In("admins.role")
		}
		out = append(out, bunker.Admin{
			Tenant: t, PubKey: pub, Role: a.Role, Name: label, AddedBy: c.Principal.Name,
			ActiveAt: c.Now.UnixMilli(), CreatedAt: c.Now.UnixMilli() + int64(i), Version: 1,
		})
	}
	if len(out) > MaxAdmins {
		return nil, bunker.Errorf(bunker.CodeInvalid, "there can be at most %d admins", MaxAdmins).In("admins")
	}
	return out, nil
}

// firstRoot wraps the fresh root key for the passphrase, and stores that with
// the first audit key and with what f stores.
func (t *Table) firstRoot(ctx context.Context, c *Call, passphrase []byte, f func(tx Tx) error) (bunker.Slot, error) {
	slot, err := t.wrapRoot(ctx, bunker.SlotPassphrase, SlotInput{Name: "passphrase", Passphrase: passphrase})
	if err != nil {
		return slot, err
	}
	auditKey, err := t.newServiceKey(bunker.RoleAudit, c)
	if err != nil {
		return slot, err
	}
	err = c.Commit(ctx, &bunker.AuditRecord{Object: string(slot.ID), Reason: "the bunker was set up"}, func(tx Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		return errors.Join(tx.PutSlot(&slot), tx.AddServiceKey(&auditKey), tx.ForgetSetupCode(), notePassphrase(tx))
	})
	if err != nil {
		return slot, err
	}
	return slot, t.Vault.LoadServiceKey(auditKey)
}

func (t *Table) wrapRoot(ctx context.Context, kind bunker.SlotKind, in SlotInput) (bunker.Slot, error) {
	return t.Slots.Wrap(ctx, t.Tenant, kind, in, func(f func(key []byte) error) error {
		return t.Vault.WithRootKey(t.Tenant, f)
	})
}

// newServiceKey makes a key of the bunker's own; it is neither stored nor loaded.
func (t *Table) newServiceKey(role bunker.ServiceRole, c *Call) (bunker.ServiceKey, error) {
	pub, wrapped, err := t.Vault.NewServiceKey(t.Tenant, role)
	return bunker.ServiceKey{Tenant: t.Tenant, PubKey: pub, Role: role, Ciphertext: wrapped, CreatedAt: c.Now.UnixMilli()}, err
}

// npub reads a pubkey as people paste it.
func npub(field, s string) (nostr.PubKey, error) {
	pub, err := nip19.ParsePublicKey(s)
	if err != nil {
		return pub, bunker.Errorf(bunker.CodeInvalid, "%s: %s", field, clip(err.Error())).In(field).WithHint("an npub begins with npub1 and has 63 characters")
	}
	return pub, nil
}

func defaultEffect(s string, otherwise bunker.Effect) (bunker.Effect, error) {
	switch s {
	case "":
		return otherwise, nil
	case "ask":
		return bunker.Ask, nil
	case "deny":
		return bunker.Deny, nil
	}
	return bunker.Deny, bunker.Errorf(bunker.CodeInvalid, "the default is ask or deny; what no permission covers is never allowed").In("default")
}
