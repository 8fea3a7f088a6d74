package signerrelay

import (
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip42"
)

// challengeAuth sends the connection's challenge (NIP-42). It is sent when authentication is of use, not on connecting:
// some clients ask their user about every challenge, and an ordinary client needs none here.
func (c *conn) challengeAuth() {
	if c.challenge == "" {
		c.challenge = nip42.NewChallenge()
	}
	c.send(authMessage(c.challenge))
}

// onAuth answers ["AUTH", event] (NIP-42). A client may authenticate as several keys.
func (c *conn) onAuth(raw []byte) {
	ev, err := nostr.ParseEvent(raw)
	if err != nil {
		c.fault()
		if id, ok := peekID(raw); ok {
			c.send(okMessage(id, false, "invalid: "+err.Error()))
		} else {
			c.send(noticeMessage("invalid: " + err.Error()))
		}
		return
	}
	if err := nip42.Check(ev, c.challenge, c.r.cfg.Now(), c.r.cfg.URL()...); err != nil {
		c.fault()
		c.send(okMessage(ev.ID, false, "invalid: "+err.Error()))
		return
	}
	if c.r.cfg.Ours(ev.PubKey) {
		c.send(okMessage(ev.ID, false, nip42.Restricted+"this bunker's own keys do not log in here"))
		return
	}
	c.mu.Lock()
	full := len(c.authed) >= c.r.lim.MaxAuthed
	if !full {
		c.authed[ev.PubKey] = struct{}{}
	}
	c.mu.Unlock()
	if full {
		c.send(okMessage(ev.ID, false, "rate-limited: too many keys on one connection"))
		return
	}
	c.send(okMessage(ev.ID, true, ""))
}
