package signerrelay

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"nsecbunker/nostr"
)

// challengeAuth sends the connection's challenge (NIP-42). It is sent when authentication is of use, not on connecting:
// some clients ask their user about every challenge, and an ordinary client needs none here.
func (c *conn) challengeAuth() {
	if c.challenge == "" {
		c.challenge = rand.Text()
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
	if err := checkAuth(ev, c.challenge, c.r.cfg.URL(), c.r.cfg.Now()); err != nil {
		c.fault()
		c.send(okMessage(ev.ID, false, "invalid: "+err.Error()))
		return
	}
	if c.r.cfg.Ours(ev.PubKey) {
		c.send(okMessage(ev.ID, false, "restricted: this bunker's own keys do not log in here"))
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

// checkAuth verifies a NIP-42 event (NIP-42, Signed Event Verification). The signature comes last, as it costs most.
func checkAuth(ev *nostr.Event, challenge string, urls []string, now time.Time) error {
	if ev.Kind != kindAuth {
		return errors.New("an AUTH event is of kind 22242")
	}
	if age := now.Unix() - ev.CreatedAt; age > int64(AuthWindow/time.Second) || -age > int64(AuthWindow/time.Second) {
		return errors.New("the AUTH event's created_at is more than 10 minutes off: check the clock")
	}
	if ev.Tags.Count("challenge") != 1 || ev.Tags.Count("relay") != 1 {
		return errors.New("an AUTH event has one challenge tag and one relay tag")
	}
	given := ev.Tags.Find("challenge").Value()
	if challenge == "" || subtle.ConstantTimeCompare([]byte(given), []byte(challenge)) != 1 {
		return errors.New("the challenge is not the one that this connection was given")
	}
	if !namesUs(ev.Tags.Find("relay").Value(), urls) {
		return errors.New("the relay tag names another relay")
	}
	return ev.Verify()
}

// namesUs says whether a relay URL has the host of one of ours (NIP-42: the domain name is enough). A loopback address
// under any name is us only if one of our URLs is loopback too.
func namesUs(given string, urls []string) bool {
	host, ok := hostOf(given)
	if !ok {
		return false
	}
	for _, u := range urls {
		if own, ok := hostOf(u); ok && (own == host || isLoopback(own) && isLoopback(host)) {
			return true
		}
	}
	return false
}

// hostOf returns the host of a ws:// or wss:// URL, in lower case and without a final dot.
func hostOf(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "ws" && u.Scheme != "wss" {
		return "", false
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	return host, host != ""
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && net.IP(addr.AsSlice()).IsLoopback()
}
