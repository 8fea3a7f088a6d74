package admin

import "nsecbunker/internal/bunker"

// fromAfar are the commands that the relay door has, too: everything that makes
// sense from another machine. What reads or writes files of the bunker's machine
// (backup.create, leave) is not among them, nor what only its timers do. A command
// that nobody thought about here stays on the machine.
func fromAfar() []string {
	return []string{
		"admin.add", "admin.invite", "admin.invites", "admin.legacy", "admin.list", "admin.remove", "admin.script", "admin.self", "admin.uninvite",
		"approval.answer", "approval.answered", "approval.batch", "approval.list", "approval.set", "approval.settings", "approval.show",
		"audit.checkpoint", "audit.count", "audit.export", "audit.list", "audit.verify",
		"backup.export",
		"clock.accept",
		"connect",
		"connection.grant", "connection.list", "connection.person", "connection.regrant", "connection.relays", "connection.rename", "connection.resume",
		"connection.review", "connection.revoke", "connection.show", "connection.suspend", "connection.ungrant",
		"device.confirm", "device.list", "device.pair", "device.refuse", "device.revoke", "device.wait",
		"instance.check",
		"key.add", "key.baseline", "key.delete", "key.export", "key.guard", "key.import", "key.list", "key.lock", "key.no_export", "key.passphrase.remove",
		"key.passphrase.set", "key.pause", "key.profile.check", "key.profile.set", "key.profile.show", "key.relays.check", "key.relays.set",
		"key.relays.show", "key.rename", "key.restore", "key.resume", "key.set", "key.show", "key.unlock", "key.version.restore", "key.version.show",
		"key.versions",
		"login.close", "login.expect",
		"notify.add", "notify.key", "notify.list", "notify.remove", "notify.set", "notify.test",
		"order.list", "order.refund", "order.retry", "order.show",
		"passphrase.change", "passphrase.check", "person.forget", "picture.set", "picture.settings",
		"plan.list", "plan.order", "plan.quote", "plan.renew", "plan.show",
		"policy.check", "policy.create", "policy.delete", "policy.edit", "policy.explain", "policy.list", "policy.show", "policy.simulate", "policy.versions",
		"quorum.approve", "quorum.list", "quorum.set", "quorum.show", "quorum.withdraw",
		"relay.add", "relay.list", "relay.remove",
		"seal", "seat.list", "session.end", "session.list", "setup",
		"slot.add", "slot.list", "slot.remove",
		"status", "stop", "stop.end",
		"tenant.add", "tenant.code", "tenant.end", "tenant.list", "tenant.quota", "tenant.resume", "tenant.show", "tenant.suspend",
		"token.create", "token.list", "token.revoke", "token.show",
		"unseal",
	}
}

// openAfar gives those commands the relay door.
func (t *Table) openAfar() {
	for _, name := range fromAfar() {
		c, ok := t.commands[name]
		if !ok {
			panic("admin: there is no command " + name + " to be called from afar")
		}
		c.Doors = append(c.Doors, bunker.DoorRelay)
	}
}
