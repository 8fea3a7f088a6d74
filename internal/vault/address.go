package vault

import (
	"net/netip"
	"strconv"
	"strings"
)

// address is where a URL points to: enough to tell whether that is us.
type address struct {
	host string // lower case, no dot at the end; an IP address in its usual form
	port int    // 0: none was given
}

// defaultPorts are those of the schemes that are logged in to.
var defaultPorts = map[string]int{"http": 80, "ws": 80, "https": 443, "wss": 443}

// maxAddress is the longest URL that is read, in bytes.
const maxAddress = 4096

// parseAddress reads host and port of a URL of one of the schemes. It takes only
// what every reader of URLs takes the same way: scheme://host[:port] and then
// the end, a slash, a question mark or a number sign; ASCII, no user, no escapes
// and no backslash in it. So nothing that another program would read as our host
// is read as something else here.
func parseAddress(s string, schemes ...string) (address, bool) {
	if len(s) > maxAddress || !printable(s) {
		return address{}, false
	}
	scheme, rest, ok := strings.Cut(s, "://")
	scheme = strings.ToLower(scheme)
	if !ok || !contains(schemes, scheme) {
		return address{}, false
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	a, ok := parseHost(rest)
	if ok && a.port == 0 {
		a.port = defaultPorts[scheme]
	}
	return a, ok
}

// parseHost reads host or host:port. Port 0 is none.
func parseHost(s string) (address, bool) {
	host, port := s, ""
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return address{}, false
		}
		host, port = s[:end+1], s[end+1:]
		if port != "" && port[0] != ':' {
			return address{}, false
		}
		port = strings.TrimPrefix(port, ":")
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		host, port = s[:i], s[i+1:]
	}
	a := address{}
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || port[0] == '+' {
			return address{}, false
		}
		a.port = int(n)
	}
	var ok bool
	a.host, ok = plainHost(host)
	return a, ok
}

// plainHost returns the usual form of a host.
func plainHost(s string) (string, bool) {
	if strings.HasPrefix(s, "[") {
		ip, err := netip.ParseAddr(strings.Trim(s, "[]"))
		if err != nil || ip.Zone() != "" {
			return "", false
		}
		return ip.Unmap().String(), true
	}
	s = strings.TrimSuffix(strings.ToLower(s), ".")
	if s == "" {
		return "", false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return "", false
		}
	}
	// A browser reads a host whose last part is a number as an IPv4 address, in
	// forms like 127.1 and 0x7f000001; only the usual one is taken here. No top
	// level domain begins with a digit.
	last := s[strings.LastIndexByte(s, '.')+1:]
	if last == "" {
		return "", false
	}
	if last[0] >= '0' && last[0] <= '9' {
		ip, err := netip.ParseAddr(s)
		return s, err == nil && ip.Is4()
	}
	return s, true
}

// among reports whether a is one of ours: hosts, host:port or URLs. An entry of
// ours that cannot be read stands for every address, so that nothing slips
// through.
func (a address) among(ours []string) bool {
	for _, s := range ours {
		if _, rest, ok := strings.Cut(s, "://"); ok {
			s = rest
		}
		if i := strings.IndexAny(s, "/?#"); i >= 0 {
			s = s[:i]
		}
		b, ok := parseHost(s)
		if !ok {
			return true
		}
		if (b.port == 0 || b.port == a.port) && sameHost(a.host, b.host) {
			return true
		}
	}
	return false
}

// sameHost compares hosts; all names of this machine to itself are one.
func sameHost(a, b string) bool { return a == b || isLoopback(a) && isLoopback(b) }

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// printable reports whether s is ASCII without controls, spaces and backslashes.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '\\' {
			return false
		}
	}
	return true
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
