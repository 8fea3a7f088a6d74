package dial

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// exceptions are what the owner named; immutable once built.
type exceptions struct {
	prefixes []netip.Prefix
	hosts    map[string]struct{} // "host:port" in normal form
}

// SetExceptions replaces the owner's exceptions; connections made before stay.
//
//   - prefixes: addresses that may be dialed though they are not public
//     ("192.168.1.0/24"), whatever name led there.
//   - hosts: "host:port" that may be dialed whatever its address is
//     ("127.0.0.1:7777", "relay.lan:443", "[fd00::7]:80"), that port only.
//
// Neither opens the unspecified, multicast and broadcast addresses and the cloud
// metadata services. On an error nothing is changed.
func (d *Dialer) SetExceptions(prefixes []netip.Prefix, hosts []string) error {
	if len(prefixes) > MaxExceptions || len(hosts) > MaxExceptions {
		return fmt.Errorf("too many outbound exceptions: at most %d prefixes and %d hosts", MaxExceptions, MaxExceptions)
	}
	next := exceptions{hosts: make(map[string]struct{}, len(hosts))}
	for _, p := range prefixes {
		if !p.IsValid() {
			return fmt.Errorf("outbound exception %q is not a prefix: write it as 192.168.1.0/24", p)
		}
		if p.Addr().Is4In6() {
			return fmt.Errorf("outbound exception %q is an IPv4 address in IPv6 form: write it as IPv4", p)
		}
		next.prefixes = append(next.prefixes, p.Masked())
	}
	for _, h := range hosts {
		host, port, err := splitTarget(h)
		if err != nil {
			return fmt.Errorf("outbound exception %q is not host:port: write it as 127.0.0.1:7777", h)
		}
		next.hosts[hostKey(host, port)] = struct{}{}
	}
	d.mu.Lock()
	d.exceptions = next
	d.mu.Unlock()
	return nil
}

// judge returns nil when host may be dialed at a.
func (e *exceptions) judge(host string, port uint16, a netip.Addr) *Error {
	why, hard := verdict(a)
	if why == "" {
		return nil
	}
	if hard {
		return refuse(a, why)
	}
	for _, p := range e.prefixes {
		if p.Contains(a) {
			return nil
		}
	}
	key := hostKey(host, port)
	if _, ok := e.hosts[key]; ok {
		return nil
	}
	err := refuse(a, why)
	err.Hint = fmt.Sprintf("if it is yours, add %q to allow in config.toml", key)
	return err
}

// normalHost is the form that hosts are compared in: lower case, no trailing
// dot, numeric addresses in their shortest form, IPv4-mapped ones as IPv4.
func normalHost(h string) string {
	h = strings.ToLower(strings.TrimSuffix(h, "."))
	if a, err := netip.ParseAddr(h); err == nil {
		return a.Unmap().String()
	}
	return h
}

func hostKey(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
