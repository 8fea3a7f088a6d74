package signerrelay

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// ipShare is which part of the places for strangers' events one address may take: a quarter.
const ipShare = 4

// source is what is counted for one address. A nil source counts nothing.
type source struct {
	key    netip.Prefix
	conns  int // guarded by sources.mu
	dials  *rate.Limiter
	events *rate.Limiter
	reqs   *rate.Limiter

	mu       sync.Mutex
	inFlight int // bytes
}

// grow counts n more bytes in flight, unless that is over the address's share.
func (s *source) grow(n, limit int) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight+n > limit {
		return false
	}
	s.inFlight += n
	return true
}

func (s *source) shrink(n int) {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.inFlight -= n
	s.mu.Unlock()
}

// sources is the table of addresses.
type sources struct {
	lim *Limits
	max int

	mu   sync.Mutex
	byIP map[netip.Prefix]*source
	rest *source // all addresses beyond max share it
}

func newSources(lim *Limits) *sources {
	t := &sources{lim: lim, max: MaxIPs, byIP: make(map[netip.Prefix]*source)}
	t.rest = t.source(netip.Prefix{})
	return t
}

func (t *sources) source(key netip.Prefix) *source {
	return &source{
		key:    key,
		dials:  rate.NewLimiter(rate.Limit(t.lim.ConnRatePerIP), t.lim.MaxConnsPerIP),
		events: rate.NewLimiter(rate.Limit(t.lim.EventRatePerIP), t.lim.EventBurstPerIP),
		reqs:   rate.NewLimiter(rate.Limit(t.lim.ReqRatePerIP), t.lim.ReqBurstPerIP),
	}
}

// enter counts a new connection from addr; false means that the address has too many, or opens them too fast.
// addr that is invalid or loopback is not counted: the machine itself, or a proxy on it, behind which is everybody.
func (t *sources) enter(addr netip.Addr, now time.Time) (*source, bool) {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() || addr.IsLoopback() {
		return nil, true
	}
	bits := 32
	if addr.Is6() {
		bits = 64 // one line of a provider; whoever has it has all its addresses
	}
	key, err := addr.Prefix(bits)
	if err != nil {
		return nil, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.byIP[key]
	if s == nil && len(t.byIP) >= t.max {
		s = t.rest
	}
	if s == nil {
		s = t.source(key)
		t.byIP[key] = s
	}
	if s.conns >= t.lim.MaxConnsPerIP || !s.dials.AllowN(now, 1) {
		return nil, false
	}
	s.conns++
	return s, true
}

func (t *sources) leave(s *source) {
	if s == nil {
		return
	}
	t.mu.Lock()
	s.conns--
	t.mu.Unlock()
}

// sweep forgets the addresses that have no connection and whose limits are full again.
func (t *sources) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, s := range t.byIP {
		s.mu.Lock()
		busy := s.inFlight > 0
		s.mu.Unlock()
		if s.conns == 0 && !busy && full(s.dials, now) && full(s.events, now) && full(s.reqs, now) {
			delete(t.byIP, key)
		}
	}
}

func full(l *rate.Limiter, now time.Time) bool { return l.TokensAt(now) >= float64(l.Burst()) }

func (t *sources) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byIP)
}

// remoteAddr is the address of the other end of the TCP connection.
func remoteAddr(req *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr
}
