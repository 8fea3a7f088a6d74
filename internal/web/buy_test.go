package web

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// stall takes every order and remembers it.
type stall struct {
	mu     sync.Mutex
	orders map[string]host.Wanted
	order  host.Order // what all orders have besides
	fails  error
	block  chan struct{} // Look waits for it
	came   chan struct{} // Look says that it waits
}

func (s *stall) view(secret string) (host.View, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.orders[secret]
	if s.fails != nil {
		return host.View{}, s.fails
	}
	if !ok {
		return host.View{}, bunker.Errorf(bunker.CodeNotFound, "there is no such order")
	}
	o := &host.Order{ID: "o1", Kind: w.Kind, State: host.OrderInvoiced, People: w.People, Sats: 7000, Version: 2, Payments: []host.Payment{
		{Bolt11: "lnbc1", State: host.PaymentOpen, ExpiresAt: 5},
	}}
	if s.order.State != "" {
		o.State, o.Trouble = s.order.State, s.order.Trouble
	}
	return host.View{Order: o}, nil
}

func (s *stall) Buy(_ context.Context, w host.Wanted) (host.View, error) {
	s.mu.Lock()
	s.orders[w.Secret] = w
	s.mu.Unlock()
	return s.view(w.Secret)
}

func (s *stall) Look(ctx context.Context, secret string, _ int64, _ time.Duration) (host.View, error) {
	if s.block != nil {
		s.came <- struct{}{}
		select {
		case <-s.block:
		case <-ctx.Done():
		}
	}
	return s.view(secret)
}

func (s *stall) Again(_ context.Context, secret string) (host.View, error) { return s.view(secret) }

func (s *stall) Renew(_ context.Context, of, _ string, _ int64, _ bool) (host.View, error) {
	return s.view(of)
}

func (s *stall) QuoteOf(_ context.Context, of string, people int64, _ bool) (host.Quote, error) {
	if _, err := s.view(of); err != nil {
		return host.Quote{}, err
	}
	return host.Quote{Sats: 100 * people, Until: 7}, nil
}

func (s *stall) Fewer(_ context.Context, of string, people int64) (host.View, error) {
	v, err := s.view(of)
	if err == nil {
		v.Plan = &host.Plan{People: people, Until: 9}
	}
	return v, err
}

func newBuy(t testing.TB) (*Buy, *stall) {
	t.Helper()
	s := &stall{orders: map[string]host.Wanted{}}
	now := time.Unix(1_790_000_000, 0)
	b, err := NewBuy(BuyConfig{
		Shop: s, Terms: host.DefaultTerms(), Hosts: []string{"sell.example"}, Unattended: func() bool { return true },
		ClientIP: func(r *http.Request) netip.Addr { return netip.MustParseAddrPort(r.RemoteAddr).Addr() },
		Now:      func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b, s
}

// send is what the page sends; header is added to what it always has, "" takes away.
func send(b *Buy, call, body string, header ...string) (int, string) {
	r := httptest.NewRequest(http.MethodPost, BuyPath+"api/"+call, strings.NewReader(body))
	r.Host = "sell.example"
	r.Header.Set("Origin", "https://sell.example")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i+1 < len(header); i += 2 {
		switch {
		case header[i] == "Method":
			r.Method = header[i+1]
		case header[i] == "Host":
			r.Host = header[i+1]
		case header[i] == "From":
			r.RemoteAddr = header[i+1]
		case header[i+1] == "":
			r.Header.Del(header[i])
		default:
			r.Header.Set(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

const anOrder = `{"secret":"s1","kind":"bunker","admins":["npub1x"],"people":12}`

func TestThePageOfOrdersIsServedWithEveryFileThatItNames(t *testing.T) {
	b, _ := newBuy(t)
	file := func(path string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "sell.example"
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		return w.Result()
	}
	r := file(BuyPath)
	page := body(t, r)
	policy := r.Header.Get("Content-Security-Policy")
	if r.StatusCode != 200 || !strings.Contains(page, `<div id="app">`) || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "connect-src 'self';") {
		t.Fatalf("%d %q %.200s", r.StatusCode, policy, page)
	}
	named := regexp.MustCompile(`(?:src|href)="\./([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(named) < 3 {
		t.Fatalf("the page names %d files", len(named))
	}
	for _, m := range named {
		if r := file(BuyPath + m[1]); r.StatusCode != 200 {
			t.Errorf("%s: %d", m[1], r.StatusCode)
		}
	}
	for _, other := range []string{"index.html", "sw.js", "app.webmanifest", "../admin/index.html"} {
		if r := file(BuyPath + other); r.StatusCode != 404 {
			t.Errorf("%s: %d", other, r.StatusCode)
		}
	}
	if r := get(t, b.app, "GET", "localhost", Path+buyPage); r.StatusCode != 404 {
		t.Errorf("the page of orders is in the admin app, too: %d", r.StatusCode)
	}
}

func TestAnOrderIsTakenFromItsOwnPageOnly(t *testing.T) {
	b, s := newBuy(t)
	for name, h := range map[string][]string{
		"no origin":     {"Origin", ""},
		"another page":  {"Origin", "https://evil.example"},
		"null":          {"Origin", "null"},
		"its beginning": {"Origin", "https://sell.example.evil.example"},
		"cross-site":    {"Sec-Fetch-Site", "cross-site"},
		"another name":  {"Host", "evil.example", "Origin", "https://evil.example"},
		"a form":        {"Content-Type", "text/plain"},
		"by GET":        {"Method", "GET"},
	} {
		if code, text := send(b, "order", anOrder, h...); code < 400 || !strings.Contains(text, `"words"`) {
			t.Errorf("%s: %d %s", name, code, text)
		}
	}
	if len(s.orders) != 0 {
		t.Fatalf("%d orders were taken", len(s.orders))
	}
	code, text := send(b, "order", anOrder)
	if code != 200 || !strings.Contains(text, `"bolt11":"lnbc1"`) || s.orders["s1"].People != 12 {
		t.Errorf("%d %s %+v", code, text, s.orders)
	}
	if code, _ := send(b, "look", `{"secret":"s1"}`); code != 200 {
		t.Errorf("look: %d", code)
	}
	if code, _ := send(b, "look", `{"secret":"s2"}`); code != 404 {
		t.Errorf("a secret that nobody has: %d", code)
	}
	if code, _ := send(b, "again", `{"secret":"s1"}`); code != 200 {
		t.Errorf("again: %d", code)
	}
	if code, text := send(b, "quote", `{"of":"s1","people":3}`); code != 200 || !strings.Contains(text, `"sats":300,"until":7`) {
		t.Errorf("%d %s", code, text)
	}
	if code, text := send(b, "fewer", `{"of":"s1","people":3}`); code != 200 || !strings.Contains(text, `"people":3,"until":9`) {
		t.Errorf("%d %s", code, text)
	}
	if code, _ := send(b, "fewer", `{"of":"other","people":3}`); code != 404 {
		t.Errorf("without the order's secret: %d", code)
	}
	if code, _ := send(b, "renew", `{"of":"s1","secret":"s3","people":3,"year":true}`); code != 200 {
		t.Errorf("renew: %d", code)
	}
	if code, _ := send(b, "nothing", `{}`); code != 404 {
		t.Errorf("an unknown call: %d", code)
	}
}

func TestBadRequestsOfThePageAreRefusedInWords(t *testing.T) {
	b, s := newBuy(t)
	for _, body := range []string{
		"", "[]", "nonsense", `{"secret":"s"}`, `{"secret":"s","kind":"bunker","admins":[],"people":1,"people":2}`,
		`{"secret":"s","kind":"bunker","admins":[],"people":1.5}`, `{"secret":"s","kind":"bunker","admins":[],"people":1,"tenant":"self"}`,
		`{"secret":"s","kind":"bunker","admins":["` + strings.Repeat("x", MaxBuyBody) + `"],"people":1}`,
	} {
		if code, text := send(b, "order", body, "From", fmt.Sprintf("10.0.0.%d:1", len(body)%250)); code < 400 || code >= 500 || !strings.Contains(text, `"words"`) {
			t.Errorf("%.60s: %d %.200s", body, code, text)
		}
	}
	if len(s.orders) != 0 {
		t.Errorf("%+v", s.orders)
	}
}

// TestBuyersLearnNothingOfTheMachine: who runs it reads in his log and his list what went
// wrong with his wallet and his database.
func TestBuyersLearnNothingOfTheMachine(t *testing.T) {
	b, s := newBuy(t)
	send(b, "order", anOrder)
	const inside = "10.1.2.3"
	for _, state := range []host.OrderState{host.OrderNew, host.OrderLapsed, host.OrderPaid, host.OrderHeld} {
		s.order = host.Order{State: state, Trouble: "the wallet (lnd at " + inside + ":8080) was not reached"}
		if code, body := send(b, "look", `{"secret":"s1"}`); code != http.StatusOK || strings.Contains(body, inside) || !strings.Contains(body, `"trouble":"`) {
			t.Errorf("%s: %d %s", state, code, body)
		}
	}
	for _, err := range []error{
		bunker.Errorf(bunker.CodeError, `the PostgreSQL database "b" at %s:5432 is full`, inside), fmt.Errorf("dial %s", inside),
		bunker.Errorf(bunker.CodeNotFound, "there is no database at %s", inside).WithCause(bunker.ErrStore),
		bunker.Errorf(bunker.CodeSealed, "sealed at %s", inside).WithHint(inside),
	} {
		s.fails = err
		if code, body := send(b, "look", `{"secret":"s1"}`); code < 400 || strings.Contains(body, inside) {
			t.Errorf("%v: %d %s", err, code, body)
		}
	}
}

func TestTermsSayWhatIsSold(t *testing.T) {
	b, _ := newBuy(t)
	code, text := send(b, "terms", "{}")
	var got struct{ Result termsView }
	if err := json.Unmarshal([]byte(text), &got); err != nil || code != 200 {
		t.Fatalf("%d %v", code, err)
	}
	v := got.Result
	if len(v.Years) != host.MaxPeople || v.Years[0] != 7000 || v.Years[11] != 84_000 || v.Trial.Sats != 1000 || v.Trial.Minutes != 60 || !v.Unattended || v.Grace != 14 {
		t.Errorf("%d prices, %+v", len(v.Years), v)
	}
	b.Terms.Formula = host.Original
	_, text = send(b, "terms", "{}")
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if n := len(got.Result.Years); n < 50 || n >= host.MaxPeople || got.Result.Years[n-1] > host.MaxSats {
		t.Errorf("%d prices, the last one %d", n, got.Result.Years[n-1])
	}
}

func TestOneAddressCannotFloodTheShop(t *testing.T) {
	b, s := newBuy(t)
	order := func(from string, i int) int {
		code, _ := send(b, "order", strings.Replace(anOrder, "s1", fmt.Sprintf("s%d", i), 1), "From", from)
		return code
	}
	for i := range OrderBurst {
		if code := order("192.0.2.1:1", i); code != 200 {
			t.Fatalf("order %d: %d", i, code)
		}
	}
	if code := order("192.0.2.1:2", 100); code != http.StatusTooManyRequests {
		t.Errorf("one more: %d", code)
	}
	if code := order("192.0.2.2:1", 101); code != 200 {
		t.Errorf("another address: %d", code)
	}
	for i := range OrderBurst { // one network of IPv6 is one customer's
		order(fmt.Sprintf("[2001:db8:0:%x::1]:1", i+1), 200+i)
	}
	if code := order("[2001:db8:0:ffff::1]:1", 300); code != http.StatusTooManyRequests {
		t.Errorf("another address of a network: %d", code)
	}
	if len(s.orders) != 2*OrderBurst+1 {
		t.Errorf("%d orders", len(s.orders))
	}
	for i := range BuyBurst {
		if code, _ := send(b, "terms", "{}", "From", "192.0.2.3:1"); code != 200 {
			t.Fatalf("request %d: %d", i, code)
		}
	}
	if code, _ := send(b, "terms", "{}", "From", "192.0.2.3:1"); code != http.StatusTooManyRequests {
		t.Errorf("one more: %d", code)
	}
	for i := range MaxBuyAddresses + 10 {
		b.paced(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), false)
	}
	if len(b.seen) > MaxBuyAddresses {
		t.Errorf("%d addresses are remembered", len(b.seen))
	}
}

func TestPagesThatWaitAreBoundedForEachAddress(t *testing.T) {
	b, s := newBuy(t)
	s.orders["s1"] = host.Wanted{}
	s.block, s.came = make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	for range MaxBuyWaits {
		wg.Go(func() { send(b, "look", `{"secret":"s1"}`) })
	}
	waits := func() int {
		b.mu.Lock()
		defer b.mu.Unlock()
		n := 0
		for _, s := range b.seen {
			n += s.waits
		}
		return n
	}
	for range MaxBuyWaits {
		<-s.came
	}
	if n := waits(); n != MaxBuyWaits {
		t.Errorf("%d wait", n)
	}
	if code, _ := send(b, "look", `{"secret":"s1"}`); code != http.StatusTooManyRequests {
		t.Errorf("one more waits: %d", code)
	}
	close(s.block)
	wg.Wait()
	if n := waits(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

// FuzzBuyRequest: whatever the page's requests hold, the answer is JSON, and nothing that
// is not whole is ordered.
func FuzzBuyRequest(f *testing.F) {
	f.Add("order", anOrder)
	f.Add("look", `{"secret":"s1","seen":2}`)
	f.Add("quote", `{"of":"s1","people":5,"year":true}`)
	f.Add("fewer", `{"of":"s1","people":5}`)
	f.Add("renew", `{"of":"s1","secret":"s2","people":5}`)
	f.Add("terms", `{}`)
	f.Add("again", `{"secret":"\ud800"}`)
	f.Fuzz(func(t *testing.T, call, body string) {
		if call == "" || strings.ContainsAny(call, " ?#%\x00\r\n") || strings.ContainsFunc(call, func(r rune) bool { return r < 33 || r > 126 }) {
			return
		}
		b, s := newBuy(t)
		code, text := send(b, call, body)
		if !json.Valid([]byte(text)) || code >= 500 {
			t.Fatalf("%d %s", code, text)
		}
		for _, w := range s.orders {
			if !json.Valid([]byte(body)) || call != "order" {
				t.Fatalf("%q ordered %+v", body, w)
			}
		}
	})
}

func TestRequestsOfAllAddressesAreBounded(t *testing.T) {
	b, _ := newBuy(t)
	for range MaxBuying {
		b.places <- struct{}{}
	}
	if code, _ := send(b, "order", anOrder); code != http.StatusTooManyRequests {
		t.Errorf("one more at once: %d", code)
	}
	<-b.places
	if code, _ := send(b, "order", anOrder); code != 200 {
		t.Errorf("with a place: %d", code)
	}
}
