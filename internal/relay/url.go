package relay

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Normalize returns the form by which relays are told apart: scheme ws or wss
// and host in lower case, no default port, no trailing dot of the host, no lone
// slash as path. Refused are other schemes, user info, fragments, non-ASCII
// hosts (write them in punycode), and more than MaxURL bytes.
func Normalize(raw string) (string, error) {
	bad := func(reason string) (string, error) {
		return "", fmt.Errorf("relay url %s %s: write it as wss://relay.example.com", quote(raw), reason)
	}
	if len(raw) > MaxURL {
		return bad("is too long")
	}
	for i := range len(raw) {
		if raw[i] <= ' ' || raw[i] > '~' {
			return bad("has a space, control or non-ASCII character")
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return bad("cannot be read")
	}
	scheme := strings.ToLower(u.Scheme)
	switch {
	case scheme != "ws" && scheme != "wss":
		return bad("is not ws:// or wss://")
	case u.Opaque != "" || u.User != nil:
		return bad("has user info or no host")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return bad("has a fragment")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if strings.Contains(host, ":") {
		a, err := netip.ParseAddr(host)
		if err != nil || a.Zone() != "" {
			return bad("has no usable host")
		}
		host = "[" + a.String() + "]"
	} else if host == "" || strings.ContainsFunc(host, notInHost) {
		return bad("has no usable host")
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return bad("has no usable port")
		}
		if (scheme == "ws" && n != 80) || (scheme == "wss" && n != 443) {
			host += ":" + strconv.FormatUint(n, 10)
		}
	}
	path := u.EscapedPath()
	if path == "/" {
		path = ""
	}
	out := scheme + "://" + host + path
	if u.RawQuery != "" {
		out += "?" + u.RawQuery
	}
	return out, nil
}

// notInHost tells the characters that no host name has; escapes may have hidden
// them from the first look.
func notInHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
}

// quote shows a stranger's text in an error: escaped and cut.
func quote(s string) string {
	if len(s) > 100 {
		return strconv.QuoteToASCII(s[:100]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
