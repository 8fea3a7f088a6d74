package dial

import "net/netip"

var loopback = spans("127.0.0.0/8")

func spans(names ...string) (all []netip.Prefix) {
	for _, n := range names {
		all = append(all, netip.MustParsePrefix(n))
	}
	return all
}
