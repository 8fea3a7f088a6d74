package vault

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// FuzzAddress: what the standard library (a stand-in for the servers and
// browsers that read the URL later) takes for a URL of ours never passes as one
// of somebody else.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{
		"https://bunker.example/x", "https://user@bunker.example", "https://bunker.example:443", "https://BUNKER.example.", "http://[::1]:80/",
		"https://api.example?https://bunker.example", "https://api.example#@bunker.example", "http://127.0.0.1", "http://localhost:1", "https://bunker%2Eexample", "https://a\\b",
	} {
		f.Add(s)
	}
	ours := []string{"bunker.example", "127.0.0.1"}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := parseAddress(s, "http", "https")
		if !ok || a.among(ours) {
			return
		}
		u, err := url.Parse(s)
		if err != nil {
			return // a bad escape in the path or the fragment, which are not read here
		}
		host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
		ip, err := netip.ParseAddr(host)
		if host == "bunker.example" || host == "localhost" || err == nil && ip.Unmap().IsLoopback() {
			t.Fatalf("%q is ours and passed as %+v", s, a)
		}
		if host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
			t.Fatalf("%q passed as %+v", s, a)
		}
		if h, err := netip.ParseAddr(a.host); err == nil && ip != (netip.Addr{}) && h != ip.Unmap() || err != nil && a.host != host {
			t.Fatalf("%q is %s for others, %s here", s, host, a.host)
		}
	})
}
