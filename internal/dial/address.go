package dial

import (
	"encoding/binary"
	"net/netip"
)

// span is a range of addresses and the words that say why it is refused:
// "relay.example:443: its address 10.0.0.5 <why>".
type span struct {
	prefix netip.Prefix
	why    string
}

// never are addresses that no exception opens: nothing that a bunker talks to
// lives there, and the metadata services hand out the machine's own credentials.
var never = spans(
	"0.0.0.0/32", "is the unspecified address, which reaches this machine",
	"::/128", "is the unspecified address, which reaches this machine",
	"224.0.0.0/4", "is a multicast address",
	"ff00::/8", "is a multicast address",
	"255.255.255.255/32", "is the broadcast address",
	"169.254.169.254/32", "is a cloud metadata service", // AWS, GCP, Azure, Hetzner, DigitalOcean and others
	"169.254.169.253/32", "is a cloud metadata service", // AWS name server
	"169.254.170.2/32", "is a cloud metadata service", // AWS ECS credentials
	"169.254.170.23/32", "is a cloud metadata service", // AWS EKS pod identity
	"169.254.42.42/32", "is a cloud metadata service", // Scaleway
	"168.63.129.16/32", "is a cloud metadata service", // Azure's wire server: a public address
	"100.100.100.200/32", "is a cloud metadata service", // Alibaba
	"192.0.0.192/32", "is a cloud metadata service", // Oracle, classic
	"fd00:ec2::254/128", "is a cloud metadata service", // AWS
	"fd00:ec2::23/128", "is a cloud metadata service", // AWS EKS pod identity
	"fd20:ce::254/128", "is a cloud metadata service", // GCP
	"fd00:42::42/128", "is a cloud metadata service", // Scaleway
)

// special are the ranges refused unless the owner lists an exception: IANA's
// special-purpose registries (RFC 6890 and its updates), first match wins.
var special = spans(
	"127.0.0.0/8", "is a loopback address",
	"::1/128", "is a loopback address",
	"10.0.0.0/8", "is private (RFC 1918)",
	"172.16.0.0/12", "is private (RFC 1918)",
	"192.168.0.0/16", "is private (RFC 1918)",
	"fc00::/7", "is private (unique local, RFC 4193)",
	"169.254.0.0/16", "is link-local (RFC 3927)",
	"fe80::/10", "is link-local (RFC 4291)",
	"fec0::/10", "is site-local (RFC 3879)",
	"100.64.0.0/10", "is a carrier's inner network (RFC 6598)",
	"0.0.0.0/8", "means this network (RFC 1122)",
	"192.0.0.0/24", "is reserved for protocols (RFC 6890)",
	"192.0.2.0/24", "is for documentation (RFC 5737)",
	"198.51.100.0/24", "is for documentation (RFC 5737)",
	"203.0.113.0/24", "is for documentation (RFC 5737)",
	"2001:db8::/32", "is for documentation (RFC 3849)",
	"3fff::/20", "is for documentation (RFC 9637)",
	"192.88.99.0/24", "is a 6to4 relay (RFC 7526)",
	"198.18.0.0/15", "is for benchmarks (RFC 2544)",
	"240.0.0.0/4", "is reserved (RFC 1112)",
	"2002::/16", "is 6to4, which carries an IPv4 address inside (RFC 7526)",
	"2001::/32", "is Teredo, which carries an IPv4 address inside (RFC 4380)",
	"2001::/23", "is reserved for protocols (RFC 2928)",
	"64:ff9b:1::/48", "is a local translation prefix (RFC 8215)",
	"::/96", "is IPv4-compatible, which carries an IPv4 address inside (RFC 4291)",
)

var (
	// global is the only IPv6 space that is handed out (RFC 4291, section 2.4).
	global = netip.MustParsePrefix("2000::/3")
	// nat64 is the well-known prefix with an IPv4 address in its last 32 bits
	// (RFC 6052). On a network with IPv6 only every IPv4 host is reached through
	// it, so it is judged by what is inside, not refused whole.
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

func spans(pairs ...string) []span {
	out := make([]span, 0, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, span{netip.MustParsePrefix(pairs[i]), pairs[i+1]})
	}
	return out
}

func find(table []span, a netip.Addr) (why string, ok bool) {
	for _, s := range table {
		if s.prefix.Contains(a) {
			return s.why, true
		}
	}
	return "", false
}

// embedded returns the IPv4 address inside an IPv6 one that a translator or a
// tunnel of this machine would send the packets to: mapped (RFC 4291), NAT64
// (RFC 6052) and ISATAP (RFC 5214).
func embedded(a netip.Addr) (netip.Addr, bool) {
	if a.Is4In6() {
		return a.Unmap(), true
	}
	if !a.Is6() {
		return netip.Addr{}, false
	}
	b := a.As16()
	inner := netip.AddrFrom4([4]byte(b[12:16]))
	if nat64.Contains(a) {
		return inner, true
	}
	// ISATAP's interface identifier is 0000:5efe or 0200:5efe, then the address.
	if id := binary.BigEndian.Uint32(b[8:12]); id == 0x00005efe || id == 0x02005efe {
		return inner, true
	}
	return netip.Addr{}, false
}

// verdict judges one address: empty words mean that it is public. hard says
// that no exception may open it.
func verdict(a netip.Addr) (why string, hard bool) {
	if !a.IsValid() {
		return "is not an address", true
	}
	if why, ok := find(never, a); ok {
		return why, true
	}
	if inner, ok := embedded(a); ok {
		if why, hard := verdict(inner); why != "" {
			return "carries " + inner.String() + " inside, which " + why, hard
		}
		if nat64.Contains(a) || a.Is4In6() {
			return "", false
		}
	}
	if why, ok := find(special, a); ok {
		return why, false
	}
	if a.Is6() && !global.Contains(a) {
		return "is not in the public part of IPv6 (RFC 4291)", false
	}
	return "", false
}
