package signerrelay

import (
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip42"
)

// onReq opens a subscription, or replaces the one with the same id (NIP-01).
func (c *conn) onReq(f frame) {
	if c.strangersP(f.filters) > c.r.lim.MaxP {
		c.challengeAuth()
		c.closed(f.sub, nip42.AuthRequired+"to listen for so many keys, authenticate as them; without, fewer are allowed in one REQ")
		return
	}
	old := c.subs[f.sub]
	if old == nil && c.live() >= c.r.lim.MaxSubs {
		c.r.count.rateLimited.Add(1)
		c.closed(f.sub, "rate-limited: too many subscriptions on this connection; close one")
		return
	}
	s := newSub(c, f.sub, f.filters)
	evicted, err := c.r.subscribe(s, old)
	for _, v := range evicted {
		v.c.send(closedMessage(v.id, "rate-limited: too many subscriptions listen for the same key"))
	}
	if err != nil {
		c.r.count.rateLimited.Add(1)
		c.closed(f.sub, err.Error())
		return
	}
	c.subs[f.sub] = s
}

// subscribe makes s live and sends what is kept for it, then EOSE. One lock makes it a single moment: an event that is
// published meanwhile comes once, after EOSE.
func (r *Relay) subscribe(s, old *sub) (evicted []*sub, err error) {
	r.routes.mu.Lock()
	defer r.routes.mu.Unlock()
	evicted, err = r.routes.add(s, old)
	if err != nil {
		return evicted, err
	}
	for _, k := range r.kept.find(s, r.cfg.Now()) {
		if s.c.send(eventMessage(s.head, k.raw)) {
			s.c.answered(k.p)
		}
	}
	s.c.send(eoseMessage(s.id))
	return evicted, nil
}

// strangersP counts the distinct `p` values of a REQ that the client has not authenticated as.
func (c *conn) strangersP(filters []filter) int {
	seen := make(map[nostr.PubKey]struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range filters {
		for p := range filters[i].p {
			if !has(c.authed, p) {
				seen[p] = struct{}{}
			}
		}
	}
	return len(seen)
}

// live counts the open subscriptions, and forgets those that the relay ended.
func (c *conn) live() int {
	for id, s := range c.subs {
		if c.r.routes.isGone(s) {
			delete(c.subs, id)
		}
	}
	return len(c.subs)
}

// closed ends the subscription id, which may not exist, and says why.
func (c *conn) closed(id, reason string) {
	c.unsubscribe(id)
	c.send(closedMessage(id, reason))
}

func (c *conn) unsubscribe(id string) {
	if s := c.subs[id]; s != nil {
		delete(c.subs, id)
		c.r.routes.remove(s)
	}
}
