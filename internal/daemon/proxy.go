package daemon

import (
	"net/http"
	"net/netip"
	"strings"
)

// clientIP returns who is at the other end of a request: the peer, or, when that
// is one of our proxies, the address that it added to X-Forwarded-For. What
// stands before that was written by the client and proves nothing.
func clientIP(proxies []netip.Prefix) func(*http.Request) netip.Addr {
	ours := func(a netip.Addr) bool {
		for _, p := range proxies {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	return func(r *http.Request) netip.Addr {
		ap, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			return netip.Addr{}
		}
		at := ap.Addr().Unmap()
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0 && ours(at); i-- {
			hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			at = hop.Unmap()
		}
		return at
	}
}
