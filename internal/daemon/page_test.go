package daemon

import (
	"net"
	"slices"
	"testing"

	"nsecbunker/internal/config"
)

func TestTheAppIsAnnouncedWhereItCanBeOpened(t *testing.T) {
	for _, c := range []struct {
		listen string
		config config.Config
		want   []string
	}{
		{"127.0.0.1:4848", config.Config{AdminApp: true}, []string{"http://127.0.0.1:4848/admin/"}},
		{"0.0.0.0:80", config.Config{AdminApp: true}, []string{"http://127.0.0.1:80/admin/"}},
		{"[::1]:4848", config.Config{AdminApp: true}, []string{"http://[::1]:4848/admin/"}},
		{"192.0.2.1:443", config.Config{AdminApp: true, TLSCert: "x"}, nil},
		{"192.0.2.1:443", config.Config{AdminApp: true, TLSCert: "x", AdminHosts: []string{"b.example", "2001:db8::1"}}, []string{"https://b.example/admin/", "https://[2001:db8::1]/admin/"}},
		{"127.0.0.1:4848", config.Config{AdminHosts: []string{"b.example"}}, nil},
	} {
		addr, err := net.ResolveTCPAddr("tcp", c.listen)
		if err != nil {
			t.Fatal(err)
		}
		d := &Daemon{Options: Options{Config: c.config}, edge: &edge{listener: still{addr: addr}}}
		if got := d.AdminPages(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.listen, got, c.want)
		}
	}
}

// still is a listener that nobody reaches.
type still struct {
	net.Listener
	addr net.Addr
}

func (s still) Addr() net.Addr { return s.addr }
