package daemon

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestOnlyOurProxiesSayWhoTheClientIs(t *testing.T) {
	f := clientIP([]netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.1.0.0/16")})
	for _, c := range []struct{ remote, forwarded, want string }{
		{"203.0.113.5:1", "", "203.0.113.5"},
		{"203.0.113.5:1", "198.51.100.1", "203.0.113.5"}, // a client cannot claim an address
		{"127.0.0.1:1", "198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:1", "1.2.3.4, 198.51.100.1", "198.51.100.1"},           // only the last hop is the proxy's word
		{"127.0.0.1:1", "1.2.3.4, 198.51.100.1, 10.1.2.3", "198.51.100.1"}, // two proxies of ours
		{"127.0.0.1:1", "", "127.0.0.1"},
		{"127.0.0.1:1", "nonsense", "127.0.0.1"},
		{"[::ffff:127.0.0.1]:1", "2001:db8::1", "2001:db8::1"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{}}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := f(r); got.String() != c.want {
			t.Errorf("%s, %q: got %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}
