package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
)

// hostName is a name of the DNS as browsers send it.
var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

// checkMetricsListen refuses what is no address, and a public one: who must have
// that puts a proxy before it.
func checkMetricsListen(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("metrics_listen: %q is no address; write host:port, for example 127.0.0.1:9464", addr)
	}
	if a, err := netip.ParseAddr(host); err == nil && !a.IsLoopback() && !a.IsPrivate() && !a.IsUnspecified() && !a.IsLinkLocalUnicast() {
		return fmt.Errorf("metrics_listen: %s is a public address; listen on a private one, or put a proxy before it", host)
	}
	return nil
}

// maxHostName is the longest name of the DNS in characters (RFC 1035).
const maxHostName = 253

// checkAdminHosts brings the names of the admin app into the form in which a
// browser's Host header is compared with them. A scheme, a port or a path would
// never match, and a wildcard would undo what the list is for.
func (c *Config) checkAdminHosts() error {
	if len(c.AdminHosts) > MaxAdminHosts {
		return fmt.Errorf("admin_hosts: %d names are too many; at most %d", len(c.AdminHosts), MaxAdminHosts)
	}
	for i, h := range c.AdminHosts {
		name := strings.ToLower(strings.TrimSuffix(h, "."))
		ip, err := netip.ParseAddr(name)
		if err == nil && !ip.IsUnspecified() && ip.Zone() == "" {
			c.AdminHosts[i] = ip.String()
			continue
		}
		if err == nil || len(name) > maxHostName || !hostName.MatchString(name) {
			return fmt.Errorf("admin_hosts: %q is no name; write it without https://, port and path, for example bunker.example.com", h)
		}
		c.AdminHosts[i] = name
	}
	return nil
}
