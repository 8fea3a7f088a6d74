package daemon

import (
	"net"

	"nsecbunker/internal/web"
)

// pageOf is the bunker that the page speaks of by itself; of a hosted instance none, since
// most who come are guests: they bring their connection string.
func (d *Daemon) pageOf() string {
	if d.Config.Hosted {
		return ""
	}
	return d.home.ConnectionString()
}

// AdminPages are the addresses of the admin app: on this machine, when it is
// heard on loopback, then those under which the owner serves it. The relay
// listens at the same place, so a bunker on a public address alone has no page
// of this machine.
func (d *Daemon) AdminPages() []string {
	if !d.Config.AdminApp {
		return nil
	}
	var out []string
	scheme := "http://"
	if d.Config.TLSCert != "" {
		scheme = "https://"
	}
	if host, port, err := net.SplitHostPort(d.edge.listener.Addr().String()); err == nil {
		switch ip := net.ParseIP(host); {
		case ip == nil:
		case ip.IsUnspecified():
			out = append(out, scheme+net.JoinHostPort("127.0.0.1", port)+web.Path)
		case ip.IsLoopback():
			out = append(out, scheme+net.JoinHostPort(host, port)+web.Path)
		}
	}
	for _, h := range d.Config.AdminHosts {
		if ip := net.ParseIP(h); ip != nil && ip.To4() == nil {
			h = "[" + h + "]"
		}
		out = append(out, "https://"+h+web.Path)
	}
	return out
}
