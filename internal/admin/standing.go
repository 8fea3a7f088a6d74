package admin

import (
	"context"
	"slices"

	"nsecbunker/internal/bunker"
)

// House is what the provider's commands work on: the other bunkers of a hosted
// instance. Whatever it is asked for, it tells nothing of a tenant's keys, policies and
// admins.
type House interface {
	TenantRows
	TenantChanges
	TenantBackup
	Sales
}

// guestless refuses what is for whoever runs the machine, where the bunker is a guest
// there.
func (t *Table) guestless(c *Command) error {
	if c.House && t.House == nil {
		return bunker.Errorf(bunker.CodeNotFound, "there is no command %q here; it is for whoever hosts bunkers for others, in the bunker of their own", c.Name).
			WithHint("nsecbunker status shows this one; nsecbunker start --hosted would host others beside it")
	}
	if c.Machine && t.Guest {
		return bunker.Errorf(bunker.CodeRestricted, "%s is for whoever runs the machine that hosts this bunker; ask your provider", c.Name)
	}
	return nil
}

// held refuses what a bunker does not do that its provider holds.
func (t *Table) held(ctx context.Context, c *Command) error {
	if worksHeld(c) || !t.Guest {
		return nil
	}
	st, _, err := t.Rows.Tenant(ctx, t.Tenant)
	if err != nil {
		return err
	}
	return heldBy(st.Standing, c)
}

// heldBy is held for who has read how the bunker stands.
func heldBy(s bunker.TenantStanding, c *Command) error {
	if s == bunker.StandingWorks || worksHeld(c) {
		return nil
	}
	words := "this bunker is suspended by its provider"
	if s == bunker.StandingReadOnly {
		words = "this bunker is read-only until it is renewed"
	}
	return bunker.Errorf(bunker.CodeRestricted, "%s: %s changes it; looking, exporting and revoking still work", words, c.Name)
}

// worksHeld reports a command that works while the provider holds the bunker: whoever
// owns the keys can look, take away what others may do, and take his keys along. One
// that nobody thought about here does not.
func worksHeld(c *Command) bool {
	return !c.Writes || slices.Contains([]string{
		"admin.remove", "admin.uninvite", "audit.checkpoint", "backup.export", "connection.revoke", "connection.suspend", "connection.ungrant",
		"device.confirm", "device.pair", "device.refuse", "device.revoke", "device.wait",
		"key.delete", "key.export", "key.lock", "key.pause", "key.purge", "leave", "login.close", "notify.remove",
		"passphrase.check", "person.forget", "plan.renew", "quorum.approve", "quorum.withdraw", "relay.purge",
		"seal", "session.end", "slot.remove", "stop", "token.revoke", "unseal",
	}, c.Name)
}
