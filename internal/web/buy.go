package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
	"nsecbunker/internal/secret"
)

// BuyPath is where a hosted instance sells bunkers; what its page sends is POSTed below
// BuyPath + "api/".
const BuyPath = "/buy/"

const (
	// MaxBuyBody is the largest body of the page's requests, in bytes.
	MaxBuyBody = 8 << 10
	// MaxBuying is how many of its requests are worked on at once, those that wait for
	// news not counted.
	MaxBuying = 64
	// BuyRate and BuyBurst bound the requests that come from one address, a second.
	BuyRate  = 5
	BuyBurst = 60
	// OrderRate and OrderBurst bound the orders of one address, a second and at once.
	OrderRate  = 1.0 / 60
	OrderBurst = 10
	// MaxBuyAddresses is for how many addresses that is remembered.
	MaxBuyAddresses = 4096
	// MaxBuyWaits is how many requests of one address may wait for news.
	MaxBuyWaits = 16
	// buyWait is how long a request waits for news of an order.
	buyWait = 25 * time.Second
	// buyTimeout ends a request that takes too long, waiting not counted.
	buyTimeout = 20 * time.Second
)

// Shop takes orders.
type Shop interface {
	Buy(ctx context.Context, w host.Wanted) (host.View, error)
	// Look shows an order; while it is the version that was seen it waits for news.
	Look(ctx context.Context, secret string, seen int64, wait time.Duration) (host.View, error)
	// Again asks for another invoice.
	Again(ctx context.Context, secret string) (host.View, error)
	// Renew orders another year, or another number of people, for the bunker that an order
	// made; secret is the new order's.
	Renew(ctx context.Context, of, secret string, people int64, year bool) (host.View, error)
	// QuoteOf says what that costs now; for fewer people and no year more nothing: that is not
	// ordered but done, by Fewer.
	QuoteOf(ctx context.Context, of string, people int64, year bool) (host.Quote, error)
	Fewer(ctx context.Context, of string, people int64) (host.View, error)
}

// BuyConfig is what NewBuy needs; all fields but Hosts.
type BuyConfig struct {
	Shop  Shop
	Terms host.Terms
	// Hosts: see Config.
	Hosts []string
	// Unattended reports whether this instance can open bunkers without their owners after a
	// restart, where an owner agreed: the page says what that means.
	Unattended func() bool
	ClientIP   func(*http.Request) netip.Addr
	Now        func() time.Time
	Log        *slog.Logger
}

// Buy serves the page on which bunkers are bought, and what it asks for. Whoever asks
// proves nothing: an order is shown to who has its secret.
type Buy struct {
	BuyConfig
	app    *App
	places chan struct{}

	mu    sync.Mutex
	seen  map[netip.Addr]*shopper
	holds func() time.Duration // buyWait; a test waits less
}

// shopper is what an address has left.
type shopper struct {
	requests, orders pace
	waits            int
}

// NewBuy returns the page.
func NewBuy(c BuyConfig) (*Buy, error) {
	if c.Shop == nil || c.Unattended == nil || c.ClientIP == nil || c.Now == nil || c.Log == nil {
		return nil, errors.New("web: the configuration of the page for orders is incomplete")
	}
	app, err := New(Config{Hosts: c.Hosts})
	if err != nil {
		return nil, err
	}
	if app.files[buyPage] == nil {
		return nil, errors.New("the page for orders was not built into this program")
	}
	b := &Buy{
		BuyConfig: c, app: app, places: make(chan struct{}, MaxBuying), seen: map[netip.Addr]*shopper{},
		holds: func() time.Duration { return buyWait },
	}
	return b, nil
}

// buyPage is the page's file.
const buyPage = "buy.html"

// buyPolicy lets the page load its own files and speak to where it came from.
const buyPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types svelte-trusted-html"

// ServeHTTP implements [http.Handler] for what is below BuyPath.
func (b *Buy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, BuyPath)
	if call, ok := strings.CutPrefix(name, "api/"); ok {
		b.serve(w, r, call)
		return
	}
	if name == "" {
		name = buyPage
	}
	if !strings.HasPrefix(name, "assets/") && name != buyPage && name != "icon.svg" {
		name = "?" // the admin app's other files are not here
	}
	b.app.serveFile(w, r, name, buyPolicy)
}

// serve answers one request of the page.
func (b *Buy) serve(w http.ResponseWriter, r *http.Request, call string) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if err := b.fromPage(r); err != nil {
		answer(w, http.StatusForbidden, err)
		return
	}
	if r.Method != http.MethodPost {
		h.Set("Allow", "POST")
		answer(w, http.StatusMethodNotAllowed, bunker.Errorf(bunker.CodeInvalid, "this is sent by POST"))
		return
	}
	do := b.calls()[call]
	if do == nil {
		answer(w, http.StatusNotFound, bunker.Errorf(bunker.CodeNotFound, "there is nothing here under this name"))
		return
	}
	ip := b.ClientIP(r)
	if !b.paced(ip, call == "order" || call == "renew" || call == "again" || call == "fewer") {
		answer(w, http.StatusTooManyRequests, bunker.Errorf(bunker.CodeRateLimited, "too many requests from your address; wait a minute, then try again"))
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(scriptReadTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBuyBody))
	if err != nil {
		answer(w, http.StatusRequestEntityTooLarge, bunker.Errorf(bunker.CodeInvalid, "the body cannot be read, or is longer than %d bytes", MaxBuyBody))
		return
	}
	defer secret.Wipe(body)
	out, err := b.held(r, ip, body, call, do)
	if err != nil {
		b.Log.Debug("a request of the page for orders was refused", "call", call, "error", err)
		answer(w, status(err), b.forStrangers(call, err))
		return
	}
	text, err := json.Marshal(map[string]any{"result": out})
	if err != nil {
		answer(w, http.StatusInternalServerError, err)
		return
	}
	_, _ = w.Write(append(text, '\n')) // the reader may have gone away
}

// forStrangers is an error as anybody may read it: what went wrong inside names the
// database and its place, and is for the provider's log.
func (b *Buy) forStrangers(call string, err error) error {
	switch bunker.AsError(err).Code {
	case bunker.CodeInvalid, bunker.CodeNotFound, bunker.CodeConflict, bunker.CodeRestricted, bunker.CodeRateLimited:
		if !errors.Is(err, bunker.ErrStore) {
			return err
		}
	}
	b.Log.Error("a request of the page for orders failed", "call", call, "error", err)
	return bunker.Errorf(bunker.CodeError, "this could not be done now; try again in a moment. Nothing that was paid is lost")
}

// held runs a request in one of the bounded places.
func (b *Buy) held(r *http.Request, ip netip.Addr, body []byte, call string, do buyCall) (any, error) {
	if call == "look" { // it holds no place while it waits, but one of its address
		if !b.enter(ip) {
			return nil, bunker.Errorf(bunker.CodeRateLimited, "too many pages wait for their orders at your address")
		}
		defer b.leave(ip)
		ctx, cancel := context.WithTimeout(r.Context(), buyTimeout+buyWait)
		defer cancel()
		return do(ctx, body)
	}
	select {
	case b.places <- struct{}{}:
		defer func() { <-b.places }()
	default:
		return nil, bunker.Errorf(bunker.CodeRateLimited, "too many requests at once; try again")
	}
	ctx, cancel := context.WithTimeout(r.Context(), buyTimeout)
	defer cancel()
	return do(ctx, body)
}

// fromPage refuses what another page had a browser send, and every foreign name.
func (b *Buy) fromPage(r *http.Request) error {
	u, err := url.Parse(r.Header.Get("Origin"))
	switch site := r.Header.Get("Sec-Fetch-Site"); {
	case !b.app.known(r.Host):
		return bunker.Errorf(bunker.CodeRestricted, "nothing is sold under this name")
	case err != nil || u.Host == "" || u.Host != r.Host || site != "" && site != "same-origin":
		return bunker.Errorf(bunker.CodeRestricted, "this is answered to its own page only")
	case r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/json":
		return bunker.Errorf(bunker.CodeInvalid, "the body is JSON, and says so")
	}
	return nil
}

// buyCall does one thing that the page asks for.
type buyCall func(ctx context.Context, body []byte) (any, error)

func (b *Buy) calls() map[string]buyCall {
	return map[string]buyCall{
		"terms": b.sayTerms,
		"order": func(ctx context.Context, body []byte) (any, error) {
			p, err := admin.Decode[wantedBody](body)
			if err != nil {
				return nil, err
			}
			return viewed(b.Shop.Buy(ctx, host.Wanted{Secret: p.Secret, Kind: host.OrderKind(p.Kind), Admins: p.Admins, People: p.People}))
		},
		"look": func(ctx context.Context, body []byte) (any, error) {
			p, err := admin.Decode[lookBody](body)
			if err != nil {
				return nil, err
			}
			return viewed(b.Shop.Look(ctx, p.Secret, p.Seen, b.holds()))
		},
		"again": func(ctx context.Context, body []byte) (any, error) {
			p, err := admin.Decode[againBody](body)
			if err != nil {
				return nil, err
			}
			return viewed(b.Shop.Again(ctx, p.Secret))
		},
		"renew": func(ctx context.Context, body []byte) (any, error) {
			p, err := admin.Decode[renewBody](body)
			if err != nil {
				return nil, err
			}
			return viewed(b.Shop.Renew(ctx, p.Of, p.Secret, p.People, p.Year))
		},
		"quote": func(ctx context.Context, body []byte) (any, error) {
			p, err := admin.Decode[quoteBody](body)
			if err != nil {
				return nil, err
			}
			q, err := b.Shop.QuoteOf(ctx, p.Of, p.People, p.Year)
			return quoteView{q.Sats, q.Until}, err
		},
		"fewer": func(ctx context.Context, body []byte) (any, error) {
			p, err := admin.Decode[fewerBody](body)
			if err != nil {
				return nil, err
			}
			return viewed(b.Shop.Fewer(ctx, p.Of, p.People))
		},
	}
}

// paced spends one request of an address, and one order.
func (b *Buy) paced(ip netip.Addr, order bool) bool {
	now := b.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shopper(ip, now)
	if !s.requests.spend(now, BuyRate, BuyBurst) {
		return false
	}
	return !order || s.orders.spend(now, OrderRate, OrderBurst)
}

// shopper is what is known of an address: of IPv6, of its network of 48 bits. Whoever asks
// for one gets that many, and it has 65,536 of a household's 64: enough to take every
// order that may wait.
func (b *Buy) shopper(ip netip.Addr, now time.Time) *shopper {
	if ip = ip.Unmap(); ip.Is6() {
		if p, err := ip.Prefix(48); err == nil {
			ip = p.Addr()
		}
	}
	s := b.seen[ip]
	if s == nil {
		if len(b.seen) >= MaxBuyAddresses {
			for a, old := range b.seen {
				if old.waits == 0 {
					delete(b.seen, a)
				}
			}
		}
		s = &shopper{requests: pace{BuyBurst, now}, orders: pace{OrderBurst, now}}
		b.seen[ip] = s
	}
	return s
}

func (b *Buy) enter(ip netip.Addr) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shopper(ip, b.Now())
	if s.waits >= MaxBuyWaits {
		return false
	}
	s.waits++
	return true
}

func (b *Buy) leave(ip netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shopper(ip, b.Now()).waits--
}

// spend takes one, if there is one.
func (p *pace) spend(now time.Time, rate, burst float64) bool {
	if past := now.Sub(p.at).Seconds(); past > 0 {
		p.have = min(burst, p.have+past*rate)
	}
	p.at = now
	if p.have < 1 {
		return false
	}
	p.have--
	return true
}
