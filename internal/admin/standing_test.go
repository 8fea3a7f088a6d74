package admin

import (
	"slices"
	"strings"
	"testing"

	"nsecbunker/internal/bunker"
)

// TestTheProvidersCommandsAreInHisBunkerAlone: everywhere else an owner, freshly proved,
// hears that there is no such command.
func TestTheProvidersCommandsAreInHisBunkerAlone(t *testing.T) {
	f := setUp(t)
	n := 0
	for _, c := range f.Commands() {
		noun, _, _ := strings.Cut(c.Name, ".")
		if c.House != (slices.Contains([]string{"tenant", "order"}, noun) || c.Name == "plan.list") {
			t.Errorf("%s: the provider's is %t", c.Name, c.House)
		}
		if !c.House {
			continue
		}
		n++
		for _, door := range c.Doors {
			_, err := f.Dispatch(t.Context(), bunker.Principal{Name: "local", Role: bunker.Owner, Door: door, Fresh: true}, c.Name, nil)
			if e := bunker.AsError(err); e.Code != bunker.CodeNotFound || !strings.Contains(e.Words, "there is no command") {
				t.Errorf("%s at %s: %v", c.Name, door, err)
			}
		}
	}
	if n == 0 {
		t.Fatal("there is no such command")
	}
}

// TestAGuestHasNothingToDoWithTheMachine: what works on the machine is refused to an
// owner of a bunker that others host.
func TestAGuestHasNothingToDoWithTheMachine(t *testing.T) {
	f := setUp(t)
	f.Guest = true
	var machine []string
	for _, c := range f.Commands() {
		if !c.Machine {
			continue
		}
		machine = append(machine, c.Name)
		err := f.permit(t.Context(), bunker.Principal{Name: "local", Role: bunker.Owner, Door: c.Doors[0], Fresh: true}, c)
		if bunker.AsError(err).Code != bunker.CodeRestricted {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	if got := strings.Join(machine, " "); got != "backup.create clock.accept instance.check" {
		t.Errorf("of the machine are %s", got)
	}
}

// TestAHeldBunkerLooksTakesAwayAndExports: no command that gives anything works, and
// nothing that is only read is refused.
func TestAHeldBunkerLooksTakesAwayAndExports(t *testing.T) {
	f := setUp(t)
	gives := []string{"key.add", "key.import", "key.unlock", "key.version.restore", "connect", "token.create", "policy.create", "policy.edit",
		"connection.grant", "connection.resume", "approval.answer", "admin.add", "admin.invite", "relay.add", "notify.add", "setup", "stop.end", "slot.add"}
	takes := []string{"key.export", "leave", "connection.revoke", "token.revoke", "stop", "seal", "unseal", "device.revoke", "admin.remove", "key.delete"}
	for _, s := range []bunker.TenantStanding{bunker.StandingReadOnly, bunker.StandingSuspended, "something new"} {
		for _, name := range gives {
			if err := heldBy(s, f.commands[name]); bunker.AsError(err).Code != bunker.CodeRestricted {
				t.Errorf("%s while %s: %v", name, s, err)
			}
		}
		for _, name := range takes {
			if err := heldBy(s, f.commands[name]); err != nil {
				t.Errorf("%s while %s: %v", name, s, err)
			}
		}
		for _, c := range f.Commands() {
			if err := heldBy(s, c); !c.Writes && err != nil {
				t.Errorf("%s while %s: %v", c.Name, s, err)
			}
		}
	}
	for _, c := range f.Commands() {
		if err := heldBy(bunker.StandingWorks, c); err != nil {
			t.Errorf("%s while it works: %v", c.Name, err)
		}
	}
}
