package admin

import (
	"context"

	"nsecbunker/internal/bunker"
)

// notOverHTTP are the commands of the relay door that scripts do not have, besides the
// dangerous ones: those about devices and sessions, which are another door's; and those
// that take the bunker's passphrase, or make the first owner.
func notOverHTTP() map[string]bool {
	return map[string]bool{
		"device.confirm": true, "device.list": true, "device.pair": true, "device.refuse": true, "device.revoke": true, "device.wait": true,
		"session.end": true, "session.list": true, "setup": true, "unseal": true,
	}
}

// openHTTP gives scripts what the relay door has but for that (security.md section 5).
func (t *Table) openHTTP() {
	without := notOverHTTP()
	for _, name := range fromAfar() {
		if c := t.commands[name]; !c.Dangerous && !without[name] {
			c.Doors = append(c.Doors, bunker.DoorHTTP)
		}
	}
}

func scriptCommands(t *Table) {
	add(t, Command{
		Name: "admin.script", Summary: "Lets an admin's scripts send commands over HTTP, each signed by the npub (NIP-98), or not any more. Dangerous ones are refused there.",
		Role: bunker.Owner, Doors: local(), Dangerous: true, Writes: true, Quorum: QuorumAdmins,
	}, t.adminScript)
}

type adminScriptParams struct {
	Npub string `json:"npub"`
	Off  bool   `json:"off,omitempty" doc:"not any more"`
	glass
}

func (t *Table) adminScript(ctx context.Context, c *Call, p adminScriptParams) (adminResult, error) {
	words := "scripts over HTTP: let in"
	if p.Off {
		words = "scripts over HTTP: not any more"
	}
	res, err := t.changeAdmin(ctx, c, p.Npub, words, func(tx Tx, a *bunker.Admin) error {
		a.Script = !p.Off
		return notAKeyHere(tx, a.PubKey, a.Script)
	})
	if err == nil && !p.Off {
		res.Warnings = append(res.Warnings, "whoever has this npub's key can do by HTTP what its role may, without a device; give scripts an npub of their own, with the least role that they need")
	}
	return res, err
}
