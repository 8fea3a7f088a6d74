// Package dial is the one way out of this process: every outbound connection
// (relays, also those that clients name, webhooks, mail, wallets, pictures)
// goes through a Dialer.
//
// A name is resolved once, every address that came back is judged, and only
// judged addresses are dialed, by number, so that a second answer of the name
// server cannot swap in another one (security.md, section 5, Outbound). The
// environment's proxy settings are not honoured: a proxy would resolve the name
// again, behind our back.
package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

const (
	// DefaultTimeout bounds resolving and connecting together.
	DefaultTimeout = 10 * time.Second
	// MaxTimeout is the largest Config.Timeout that New accepts.
	MaxTimeout = 60 * time.Second
	// MaxAddresses bounds how many addresses of one name are dialed; all of
	// them are judged.
	MaxAddresses = 8
	// MaxExceptions bounds the prefixes, and the hosts, of one list of exceptions.
	MaxExceptions = 1024
	// Stagger is how long one address may take before the next is tried beside
	// it (RFC 8305, section 5: 250 ms is its recommended value).
	Stagger = 250 * time.Millisecond
	// maxHost bounds a host name (RFC 1035, section 2.3.4).
	maxHost = 253
)

// Resolver looks up the addresses of a host; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config says how to build a Dialer. The zero value is the strict one: public
// addresses only.
type Config struct {
	// Allow and AllowHosts are the owner's exceptions; see SetExceptions.
	Allow      []netip.Prefix
	AllowHosts []string
	// Quiet is for what people name to whom this machine's network is none of their
	// business: a refusal does not say which address a name has here.
	Quiet bool
	// Resolver is net.DefaultResolver when nil.
	Resolver Resolver
	// Timeout bounds resolving and connecting; DefaultTimeout when zero.
	Timeout time.Duration
}

// Dialer makes outbound connections to addresses that it has judged. Its methods may be
// called concurrently. It holds no connections and runs nothing of its own.
type Dialer struct {
	quiet    bool
	resolver Resolver
	timeout  time.Duration
	stagger  time.Duration
	// connect dials one numeric address; a field so that a test can watch what
	// would have left the machine.
	connect func(ctx context.Context, network, address string) (net.Conn, error)

	mu         sync.RWMutex
	exceptions exceptions
}

// New builds a Dialer, or says which exception or limit of cfg is wrong.
func New(cfg Config) (*Dialer, error) {
	if cfg.Timeout < 0 || cfg.Timeout > MaxTimeout {
		return nil, fmt.Errorf("outbound timeout %v is out of range: use 0 (default %v) to %v", cfg.Timeout, DefaultTimeout, MaxTimeout)
	}
	d := &Dialer{quiet: cfg.Quiet, resolver: cfg.Resolver, timeout: cfg.Timeout, stagger: Stagger}
	if d.resolver == nil {
		d.resolver = net.DefaultResolver
	}
	if d.timeout == 0 {
		d.timeout = DefaultTimeout
	}
	var nd net.Dialer
	d.connect = nd.DialContext
	if err := d.SetExceptions(cfg.Allow, cfg.AllowHosts); err != nil {
		return nil, err
	}
	return d, nil
}

// DialContext resolves address ("host:port"), judges every address of the host,
// and connects to the first permitted one that answers. network is tcp, tcp4 or
// tcp6. Every error is a *Error that names the host; errors.Is(err, ErrRefused)
// tells a refusal by rule from a failure of the network.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, &Error{Target: address, Reason: fmt.Sprintf("network %q is not TCP", network), refused: true}
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	permitted, err := d.permit(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn, err := d.race(ctx, network, spread(permitted))
	if err != nil {
		return nil, connectError(address, err)
	}
	return conn, nil
}

// Check resolves and judges an address as DialContext does, and connects to
// nothing: for an address that is to be remembered. errors.Is(err, ErrRefused)
// tells a refusal by rule from a name that does not resolve now.
func (d *Dialer) Check(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	_, err := d.permit(ctx, "tcp", address)
	return err
}

// permit resolves an address and returns where it may be dialed: at least one.
func (d *Dialer) permit(ctx context.Context, network, address string) ([]netip.AddrPort, error) {
	host, port, err := splitTarget(address)
	if err != nil {
		return nil, err
	}
	found, err := d.resolve(ctx, host)
	if err != nil {
		return nil, resolveError(address, err)
	}
	permitted, refusal := d.judge(host, port, network, found)
	if len(permitted) > 0 {
		return permitted, nil
	}
	if refusal == nil {
		return nil, &Error{Target: address, Reason: "the name has no usable address", Hint: "check its spelling and its A and AAAA records"}
	}
	if d.quiet {
		refusal = &Error{Reason: "its address is not public", refused: true}
	}
	refusal.Target = address
	return nil, refusal
}

// splitTarget takes "host:port" apart into a normal form.
func splitTarget(address string) (host string, port uint16, err error) {
	h, p, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, &Error{Target: address, Reason: "not of the form host:port", Err: err}
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || n == 0 {
		return "", 0, &Error{Target: address, Reason: "the port is not a number from 1 to 65535"}
	}
	host = normalHost(h)
	if host == "" || len(host) > maxHost {
		return "", 0, &Error{Target: address, Reason: "the host is empty or too long"}
	}
	return host, uint16(n), nil
}

// resolve returns the host's addresses; a literal is its own answer.
func (d *Dialer) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	return d.resolver.LookupNetIP(ctx, "ip", host)
}

// judge keeps the addresses that may be dialed. When none is left, refusal says
// why the first was turned down (nil: there was none of the asked family).
func (d *Dialer) judge(host string, port uint16, network string, found []netip.Addr) (permitted []netip.AddrPort, refusal *Error) {
	d.mu.RLock()
	ex := d.exceptions
	d.mu.RUnlock()
	for _, a := range found {
		// A zone names an interface of this machine; nothing remote needs one.
		if a.Zone() != "" {
			if refusal == nil {
				refusal = refuse(a, "has a zone, so it is an address of this machine's own links")
			}
			continue
		}
		a = a.Unmap()
		if (network == "tcp4" && !a.Is4()) || (network == "tcp6" && a.Is4()) {
			continue
		}
		if e := ex.judge(host, port, a); e != nil {
			if refusal == nil {
				refusal = e
			}
			continue
		}
		permitted = append(permitted, netip.AddrPortFrom(a, port))
	}
	return permitted, refusal
}

// spread alternates the two families, keeping the resolver's order within each
// and its first address first (RFC 8305, section 4), and cuts to MaxAddresses.
func spread(in []netip.AddrPort) []netip.AddrPort {
	first := in[0].Addr().Is4()
	var same, other []netip.AddrPort
	for _, ap := range in {
		if ap.Addr().Is4() == first {
			same = append(same, ap)
		} else {
			other = append(other, ap)
		}
	}
	out := make([]netip.AddrPort, 0, len(in))
	for i := 0; i < max(len(same), len(other)); i++ {
		if i < len(same) {
			out = append(out, same[i])
		}
		if i < len(other) {
			out = append(out, other[i])
		}
	}
	return out[:min(len(out), MaxAddresses)]
}

type attempt struct {
	conn net.Conn
	err  error
}

// race dials the addresses one after another, the next beside the last one when
// that takes longer than the stagger, and returns the first connection. All its
// goroutines have ended, and all other connections are closed, when it returns.
func (d *Dialer) race(ctx context.Context, network string, addrs []netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan attempt, len(addrs))
	running, next := 0, 0
	start := func() {
		address := addrs[next].String()
		next++
		running++
		go func() {
			c, err := d.connect(ctx, network, address)
			results <- attempt{c, err}
		}()
	}
	defer func() {
		cancel()
		for ; running > 0; running-- {
			if r := <-results; r.conn != nil {
				_ = r.conn.Close() // the race is over; nothing was sent on it
			}
		}
	}()
	timer := time.NewTimer(d.stagger)
	defer timer.Stop()
	start()
	var failures []error
	for {
		select {
		case r := <-results:
			running--
			if r.err == nil {
				return r.conn, nil
			}
			failures = append(failures, r.err)
			if next < len(addrs) {
				start()
				timer.Reset(d.stagger)
			} else if running == 0 {
				return nil, errors.Join(failures...)
			}
		case <-timer.C:
			if next < len(addrs) {
				start()
				timer.Reset(d.stagger)
			}
		}
	}
}
