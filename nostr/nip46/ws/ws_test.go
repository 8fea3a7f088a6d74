package ws_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/internal/nip46test"
	"nsecbunker/nostr/nip46/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for a busy machine; nothing is asserted of it.
const patience = time.Minute

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func newPool(t *testing.T, cfg ws.Config) *ws.Pool {
	t.Helper()
	cfg.Now = time.Now
	p, err := ws.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// meet connects a client to a bunker, each with a pool of its own.
func meet(t *testing.T, relays ...string) (*nip46.Client, *nip46test.Bunker) {
	t.Helper()
	arena := nip46test.NewArena(t)
	theirs, err := nip46.NewSession(arena)
	if err != nil {
		t.Fatal(err)
	}
	session, err := nip46.NewSession(arena)
	if err != nil {
		t.Fatal(err)
	}
	b := nip46test.NewBunker(t, newPool(t, ws.Config{Auth: theirs.Auth}), relays...)
	c, err := nip46.NewClient(nip46.Config{Transport: newPool(t, ws.Config{Auth: session.Auth}), Now: time.Now, Resend: time.Second}, session)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if user, err := c.Connect(soon(t), b.URI(), nil); err != nil || user != b.User.PubKey() {
		t.Fatalf("connect: %v (%v)", user, err)
	}
	return c, b
}

func sign(t *testing.T, c *nip46.Client) {
	t.Helper()
	e, err := c.SignEvent(soon(t), &nostr.Template{CreatedAt: time.Now().Unix(), Kind: 1, Content: "hello", Tags: nostr.Tags{}})
	if err != nil || e.Verify() != nil {
		t.Fatalf("sign: %v", err)
	}
}

func TestAClientSignsOverRelaysOfEveryTemper(t *testing.T) {
	t.Parallel()
	cases := map[string]manners{
		"good":                 {},
		"wants a proof":        {auth: true},
		"closes first":         {closes: 2, reason: "rate-limited: slow down"},
		"closes for no reason": {closes: 1, reason: ""},
		"never sends EOSE":     {noEOSE: true},
		"forges and doubles":   {double: true},
		"sends nonsense":       {garbage: true},
	}
	for name, m := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := meet(t, newRelay(t, m).url)
			sign(t, c)
		})
	}
}

func TestOneDeadRelayDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	good, mute, refusing := newRelay(t, manners{}), newRelay(t, manners{mute: true}), newRelay(t, manners{refuse: "blocked: not you"})
	gone := newRelay(t, manners{})
	gone.server.Close()
	c, _ := meet(t, mute.url, gone.url, refusing.url, good.url)
	sign(t, c)
	if good.count(func() int { return len(good.events) }) == 0 {
		t.Error("the good relay was not used")
	}
}

func TestALinkComesBackAndListensAgain(t *testing.T) {
	t.Parallel()
	r := newRelay(t, manners{})
	c, b := meet(t, r.url)
	for range 2 {
		dials := 0
		r.until("both are there", func() bool { dials = r.dials; return len(r.peers) == 2 })
		r.kick()
		r.until("both came back", func() bool { return r.dials >= dials+2 && len(r.peers) == 2 })
		sign(t, c)
	}
	for i, q := range b.Requests() {
		for _, other := range b.Requests()[:i] {
			if q.ID == other.ID {
				t.Error("a request was put into a second envelope")
			}
		}
	}
}

func TestAnEventThatWaitsForALinkGoesOutWhenItIsBack(t *testing.T) {
	t.Parallel()
	r := newRelay(t, manners{mute: true})
	p := newPool(t, ws.Config{})
	s, err := nip46.NewSession(nip46test.NewArena(t))
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Auth("x", "y", time.Now()) // any signed event will do
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Publish(soon(t), []string{r.url}, e) }()
	r.until("it connected", func() bool { return len(r.peers) == 1 })
	r.set(func(m *manners) { m.mute = false })
	r.kick()
	if err := <-done; err != nil {
		t.Error(err)
	}
	r.until("the link was given up", func() bool { return len(r.peers) == 0 })
}

func TestWhyAnEventWasNotTakenIsSaid(t *testing.T) {
	t.Parallel()
	refusing, gone := newRelay(t, manners{refuse: "blocked: \x1b[31mnot you"}), newRelay(t, manners{})
	gone.server.Close()
	p := newPool(t, ws.Config{})
	s, err := nip46.NewSession(nip46test.NewArena(t))
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Auth("x", "y", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(soon(t), []string{refusing.url}, e); err == nil || !strings.Contains(err.Error(), refusing.url+": it refused the event: blocked:") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("refused: %v", err)
	}
	if err := p.Publish(soon(t), nil, e); err == nil {
		t.Error("an event without a relay was published")
	}
	short, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := p.Publish(short, []string{gone.url}, e); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("gone: %v", err)
	}
	refusing.set(func(m *manners) { m.refuse = "duplicate: have it" })
	if err := p.Publish(soon(t), []string{refusing.url}, e); err != nil {
		t.Errorf("a double is no failure: %v", err)
	}
	_, err = p.Subscribe(short, []string{gone.url}, nip46.Filter{Kind: nip46.Kind, P: s.Client()}, func(*nostr.Event) {})
	if err == nil || !strings.Contains(err.Error(), gone.url+": cannot connect") {
		t.Errorf("nobody to listen to: %v", err)
	}
	p.Close()
	if err := p.Publish(soon(t), []string{refusing.url}, e); err == nil {
		t.Error("a closed pool published")
	}
	if _, err := p.Subscribe(soon(t), []string{refusing.url}, nip46.Filter{}, nil); err == nil {
		t.Error("a closed pool subscribed")
	}
}

func TestTheKeyIsProvenToWhoAsksAndOnlyOnce(t *testing.T) {
	t.Parallel()
	r := newRelay(t, manners{auth: true})
	c, _ := meet(t, r.url)
	sign(t, c)
	n := 0
	r.until("the client proved its key", func() bool {
		n = 0
		for _, key := range r.proofs {
			if key == c.Session().Client() {
				n++
			}
		}
		return n > 0
	})
	if n != 1 {
		t.Errorf("the key was proven %d times on one connection", n)
	}
}

func TestWithoutAKeyToProveTheRefusalIsSaid(t *testing.T) {
	t.Parallel()
	r := newRelay(t, manners{auth: true})
	p := newPool(t, ws.Config{})
	// What is said is the last that was heard in the time that there was: on a busy machine that may
	// be nothing yet.
	for within := time.Second; ; within *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), within)
		_, err := p.Subscribe(ctx, []string{r.url}, nip46.Filter{Kind: nip46.Kind}, func(*nostr.Event) {})
		cancel()
		if err != nil && strings.Contains(err.Error(), "auth-required") {
			break
		}
		if err == nil || within > patience {
			t.Fatalf("within %s: %v", within, err)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	r := newRelay(t, manners{})
	lure := httptest.NewServer(http.RedirectHandler("http"+strings.TrimPrefix(r.url, "ws"), http.StatusFound))
	t.Cleanup(lure.Close)
	p := newPool(t, ws.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := p.Subscribe(ctx, []string{"ws" + strings.TrimPrefix(lure.URL, "http")}, nip46.Filter{Kind: nip46.Kind}, func(*nostr.Event) {}); err == nil {
		t.Error("a redirect was followed")
	}
	if r.count(func() int { return r.dials }) != 0 {
		t.Error("the other end was reached")
	}
}

func TestALinkIsGivenUpWhenNobodyUsesIt(t *testing.T) {
	t.Parallel()
	a, b := newRelay(t, manners{}), newRelay(t, manners{})
	p := newPool(t, ws.Config{})
	f := nip46.Filter{Kind: nip46.Kind}
	stop, err := p.Subscribe(soon(t), []string{a.url}, f, func(*nostr.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Subscribe(soon(t), []string{a.url, b.url}, f, func(*nostr.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	stop()
	again()
	a.until("it was left", func() bool { return len(a.peers) == 0 })
	b.until("it was left", func() bool { return len(b.peers) == 0 })
	if n := a.count(func() int { return a.dials }); n != 1 {
		t.Errorf("%d connections to one relay", n)
	}
}

func TestAPoolNeedsAClock(t *testing.T) {
	t.Parallel()
	if _, err := ws.New(ws.Config{}); err == nil {
		t.Error("a pool without a clock was made")
	}
}
