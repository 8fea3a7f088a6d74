package signerrelay

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func sourcesWith(t *testing.T, lim Limits) *sources {
	t.Helper()
	lim, err := lim.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return newSources(&lim)
}

func TestAddressesAreForgottenOnceTheirLimitsAreFull(t *testing.T) {
	s := sourcesWith(t, Limits{ConnRatePerIP: 1})
	src, ok := s.enter(netip.MustParseAddr("192.0.2.1"), noon)
	if !ok || s.size() != 1 {
		t.Fatal(ok, s.size())
	}
	s.sweep(noon.Add(time.Hour))
	if s.size() != 1 {
		t.Error("forgotten while connected")
	}
	if !src.grow(10, 10) || src.grow(1, 10) {
		t.Error("the share does not hold")
	}
	s.leave(src)
	s.sweep(noon.Add(time.Hour))
	if s.size() != 1 {
		t.Error("forgotten with work in flight")
	}
	src.shrink(10)
	s.sweep(noon)
	if s.size() != 1 {
		t.Error("forgotten before its rate was full again")
	}
	s.sweep(noon.Add(time.Hour))
	if s.size() != 0 {
		t.Error("never forgotten")
	}
}

func TestAddressesBeyondTheTableShareOneEntry(t *testing.T) {
	s := sourcesWith(t, Limits{MaxConnsPerIP: 2})
	if s.max != MaxIPs {
		t.Error(s.max)
	}
	s.max = 3
	for i := range 6 {
		_, ok := s.enter(netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", i)), noon)
		if ok != (i < 5) {
			t.Errorf("address %d: %v", i, ok)
		}
	}
	if s.size() != 3 {
		t.Errorf("%d addresses", s.size())
	}
}

func TestTheDefaultAddressIsTheOtherEndOfTheConnection(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1:5":        "192.0.2.1",
		"[2001:db8::1]:5":    "2001:db8::1",
		"[fe80::1%eth0]:443": "fe80::1%eth0",
		"@":                  "invalid IP",
		"host:1":             "invalid IP",
	} {
		if got := remoteAddr(httpRequest(remote)).String(); got != want {
			t.Errorf("%s: %s", remote, got)
		}
	}
	s := sourcesWith(t, Limits{})
	if src, ok := s.enter(netip.MustParseAddr("fe80::1%eth0"), noon); !ok || src == nil {
		t.Error("an address with a zone")
	}
}
