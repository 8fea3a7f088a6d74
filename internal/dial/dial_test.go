package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// names is a resolver whose answers the test writes; each look-up takes the
// next answer, so that a name can change its mind (DNS rebinding).
type names struct {
	mu      sync.Mutex
	answers map[string][][]netip.Addr
	asked   int
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	list := n.answers[host]
	if len(list) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(list) > 1 {
		n.answers[host] = list[1:]
	}
	return list[0], nil
}

func addrs(list ...string) []netip.Addr {
	out := make([]netip.Addr, len(list))
	for i, s := range list {
		out[i] = netip.MustParseAddr(s)
	}
	return out
}

func resolving(host string, list ...string) *names {
	return &names{answers: map[string][][]netip.Addr{host: {addrs(list...)}}}
}

// listen accepts on loopback and answers every connection with "hello".
func listen(t *testing.T) (address string, port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("hello"))
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return l.Addr().String(), port
}

// watched is a Dialer whose connections are recorded and never made.
func watched(t *testing.T, cfg Config) (d *Dialer, dialed func() []string) {
	t.Helper()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var list []string
	d.connect = func(_ context.Context, _, address string) (net.Conn, error) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, address)
		return nil, errors.New("connection refused")
	}
	return d, func() []string { mu.Lock(); defer mu.Unlock(); return slices.Clone(list) }
}

func TestAddressesThatAreNotPublicAreNeverDialed(t *testing.T) {
	refused := []string{
		"127.0.0.1", "127.255.255.254", "::1", "0.0.0.0", "0.1.2.3", "::",
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1",
		"169.254.1.1", "fe80::1", "fec0::1", "100.64.0.1", "100.127.255.255",
		"224.0.0.1", "239.255.255.255", "ff02::1", "240.0.0.1", "255.255.255.255",
		"192.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1",
		"198.18.0.1", "192.88.99.1", "2002:7f00:1::", "2002:808:808::", "2001::1", "2001:10::1",
		"169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "192.0.0.192",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::7f00:1",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.1.2.3", "64:ff9b:1::1",
		"2606:4700::5efe:127.0.0.1", "2606:4700::200:5efe:10.0.0.1", "::ffff:0:7f00:1",
		"100::1", "5f00::1", "4000::1", "8000::1", "fe80::1%eth0", "2606:4700::1%eth0",
	}
	for _, a := range refused {
		t.Run(a, func(t *testing.T) {
			d, dialed := watched(t, Config{Resolver: resolving("evil.example", a)})
			_, err := d.DialContext(t.Context(), "tcp", "evil.example:443")
			if !errors.Is(err, ErrRefused) {
				t.Errorf("by name: got %v, want a refusal", err)
			}
			_, err = d.DialContext(t.Context(), "tcp", net.JoinHostPort(a, "443"))
			if !errors.Is(err, ErrRefused) {
				t.Errorf("as a literal: got %v, want a refusal", err)
			}
			if got := dialed(); len(got) != 0 {
				t.Errorf("dialed %v", got)
			}
		})
	}
}

func TestPublicAddressesAreDialed(t *testing.T) {
	for _, a := range []string{
		"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.15.255.255", "172.32.0.1", "192.167.1.1",
		"2606:4700::1111", "2a01:4f8::1", "64:ff9b::808:808", "2001:4860:4860::8888",
	} {
		d, dialed := watched(t, Config{Resolver: resolving("good.example", a)})
		_, err := d.DialContext(t.Context(), "tcp", "good.example:443")
		if errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", a, err)
		}
		if got, want := dialed(), []string{net.JoinHostPort(a, "443")}; !slices.Equal(got, want) {
			t.Errorf("%s: dialed %v, want %v", a, got, want)
		}
	}
}

func TestMappedAddressIsDialedAsIPv4(t *testing.T) {
	d, dialed := watched(t, Config{})
	_, _ = d.DialContext(t.Context(), "tcp", "[::ffff:8.8.8.8]:443")
	if got := dialed(); !slices.Equal(got, []string{"8.8.8.8:443"}) {
		t.Errorf("dialed %v", got)
	}
}

func TestOnlyTheJudgedAddressesOfANameAreDialed(t *testing.T) {
	d, dialed := watched(t, Config{Resolver: resolving("mixed.example", "127.0.0.1", "8.8.8.8", "::1", "2606:4700::1111")})
	_, err := d.DialContext(t.Context(), "tcp", "mixed.example:443")
	if err == nil {
		t.Fatal("no error from a connection that was refused")
	}
	if got, want := dialed(), []string{"8.8.8.8:443", "[2606:4700::1111]:443"}; !slices.Equal(got, want) {
		t.Errorf("dialed %v, want %v", got, want)
	}
}

// A name that is public when judged and private when connected to.
func TestNameIsResolvedOnce(t *testing.T) {
	n := &names{answers: map[string][][]netip.Addr{"rebind.example": {addrs("8.8.8.8"), addrs("127.0.0.1")}}}
	d, dialed := watched(t, Config{Resolver: n})
	_, _ = d.DialContext(t.Context(), "tcp", "rebind.example:80")
	if got := dialed(); !slices.Equal(got, []string{"8.8.8.8:80"}) {
		t.Errorf("dialed %v", got)
	}
	if n.asked != 1 {
		t.Errorf("resolved %d times", n.asked)
	}
	if _, err := d.DialContext(t.Context(), "tcp", "rebind.example:80"); !errors.Is(err, ErrRefused) {
		t.Errorf("second answer: %v", err)
	}
}

func TestFamiliesAlternateAndTheNumberIsBounded(t *testing.T) {
	list := []string{"2606:4700::1", "2606:4700::2", "2606:4700::3", "1.1.1.1", "1.1.1.2"}
	for i := range 20 {
		list = append(list, fmt.Sprintf("8.8.8.%d", i))
	}
	d, dialed := watched(t, Config{Resolver: resolving("many.example", list...)})
	_, _ = d.DialContext(t.Context(), "tcp", "many.example:1")
	got := dialed()
	if len(got) != MaxAddresses {
		t.Fatalf("dialed %d addresses, want %d", len(got), MaxAddresses)
	}
	if want := []string{"[2606:4700::1]:1", "1.1.1.1:1", "[2606:4700::2]:1", "1.1.1.2:1"}; !slices.Equal(got[:4], want) {
		t.Errorf("order %v, want %v", got[:4], want)
	}
	d, dialed = watched(t, Config{Resolver: resolving("many.example", list...)})
	_, _ = d.DialContext(t.Context(), "tcp4", "many.example:1")
	for _, a := range dialed() {
		if strings.HasPrefix(a, "[") {
			t.Errorf("tcp4 dialed %s", a)
		}
	}
}

// The first address never answers; the second does.
func TestDeadAddressDoesNotHoldUpALivingOne(t *testing.T) {
	address, _ := listen(t)
	d, err := New(Config{Resolver: resolving("half.example", "8.8.8.8", "9.9.9.9")})
	if err != nil {
		t.Fatal(err)
	}
	d.stagger = time.Millisecond
	gone := make(chan struct{})
	d.connect = func(ctx context.Context, network, a string) (net.Conn, error) {
		if a == "8.8.8.8:1" {
			<-ctx.Done()
			close(gone)
			return nil, ctx.Err()
		}
		return net.Dial(network, address)
	}
	c, err := d.DialContext(t.Context(), "tcp", "half.example:1")
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	<-gone
}

// Two addresses answer at once: the one that lost is closed.
func TestLosersOfTheRaceAreClosed(t *testing.T) {
	address, _ := listen(t)
	d, err := New(Config{Resolver: resolving("two.example", "8.8.8.8", "9.9.9.9")})
	if err != nil {
		t.Fatal(err)
	}
	d.stagger = time.Millisecond
	var mu sync.Mutex
	var made []net.Conn
	started := make(chan struct{}, 2)
	d.connect = func(_ context.Context, network, _ string) (net.Conn, error) {
		started <- struct{}{}
		for len(started) < 2 { // both connect before either returns
			time.Sleep(time.Millisecond)
		}
		c, err := net.Dial(network, address)
		mu.Lock()
		defer mu.Unlock()
		made = append(made, c)
		return c, err
	}
	won, err := d.DialContext(t.Context(), "tcp", "two.example:1")
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, c := range made {
		if c == won {
			continue
		}
		if err := c.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the other connection is open: %v", err)
		}
	}
	_ = won.Close()
}

func TestExceptionsOpenWhatTheyNameAndNothingElse(t *testing.T) {
	address, port := listen(t)
	prefix := netip.MustParsePrefix("127.0.0.0/8")
	for _, c := range []struct {
		name   string
		allow  []netip.Prefix
		hosts  []string
		target string
		ok     bool
	}{
		{"none", nil, nil, address, false},
		{"prefix", []netip.Prefix{prefix}, nil, address, true},
		{"prefix, by name", []netip.Prefix{prefix}, nil, "lan.example:" + port, true},
		{"other prefix", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, nil, address, false},
		{"host and port", nil, []string{address}, address, true},
		{"other port", nil, []string{"127.0.0.1:1"}, address, false},
		{"named host", nil, []string{"LAN.example.:" + port}, "lan.EXAMPLE:" + port, true},
		{"name of another", nil, []string{"lan.example:" + port}, "evil.example:" + port, false},
		{"literal of a named host", nil, []string{"lan.example:" + port}, address, false},
		{"mapped literal of a named host", nil, []string{address}, "[::ffff:127.0.0.1]:" + port, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := &names{answers: map[string][][]netip.Addr{"lan.example": {addrs("127.0.0.1")}, "evil.example": {addrs("127.0.0.1")}}}
			d, err := New(Config{Resolver: n})
			if err != nil {
				t.Fatal(err)
			}
			if err := d.SetExceptions(c.allow, c.hosts); err != nil {
				t.Fatal(err)
			}
			conn, err := d.DialContext(t.Context(), "tcp", c.target)
			if (err == nil) != c.ok {
				t.Fatalf("got %v, want ok=%v", err, c.ok)
			}
			if err == nil {
				_ = conn.Close()
				if err := d.SetExceptions(nil, nil); err != nil {
					t.Fatal(err)
				}
				if _, err := d.DialContext(t.Context(), "tcp", c.target); !errors.Is(err, ErrRefused) {
					t.Errorf("after the exception was taken back: %v", err)
				}
			}
		})
	}
}

func TestNoExceptionOpensMetadataOrMulticast(t *testing.T) {
	all := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	for _, a := range []string{"169.254.169.254", "169.254.170.2", "168.63.129.16", "fd00:ec2::254", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
		"255.255.255.255", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"} {
		target := net.JoinHostPort(a, "80")
		d, dialed := watched(t, Config{Allow: all, AllowHosts: []string{target, "meta.example:80"}, Resolver: resolving("meta.example", a)})
		for _, to := range []string{target, "meta.example:80"} {
			if _, err := d.DialContext(t.Context(), "tcp", to); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v", to, err)
			}
		}
		if got := dialed(); len(got) != 0 {
			t.Errorf("dialed %v", got)
		}
	}
}

func TestBadExceptionsAndLimitsAreNamed(t *testing.T) {
	long := make([]string, MaxExceptions+1)
	for i := range long {
		long[i] = "10.0.0.1:80"
	}
	for name, cfg := range map[string]Config{
		"no port":          {AllowHosts: []string{"127.0.0.1"}},
		"port 0":           {AllowHosts: []string{"127.0.0.1:0"}},
		"port name":        {AllowHosts: []string{"127.0.0.1:http"}},
		"empty host":       {AllowHosts: []string{":80"}},
		"url":              {AllowHosts: []string{"ws://127.0.0.1:7777"}},
		"zero prefix":      {Allow: []netip.Prefix{{}}},
		"mapped prefix":    {Allow: []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 104)}},
		"too many":         {AllowHosts: long},
		"negative timeout": {Timeout: -1},
		"endless timeout":  {Timeout: MaxTimeout + 1},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := New(Config{AllowHosts: long[:MaxExceptions], Timeout: MaxTimeout}); err != nil {
		t.Errorf("at the limit: %v", err)
	}
	d, err := New(Config{AllowHosts: []string{"10.0.0.1:80"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetExceptions(nil, []string{"nonsense"}); err == nil {
		t.Error("nonsense accepted")
	}
	if _, ok := d.exceptions.hosts["10.0.0.1:80"]; !ok {
		t.Error("a failed change dropped the exceptions that were there")
	}
}

func TestBadTargetsAreRefusedBeforeAnyLookup(t *testing.T) {
	n := resolving("a.example", "8.8.8.8")
	d, dialed := watched(t, Config{Resolver: n})
	for _, to := range []string{"", "a.example", "a.example:", "a.example:0", "a.example:65536", "a.example:-1", ":80", "[::1", "a:b:c", strings.Repeat("a", 300) + ":80"} {
		if _, err := d.DialContext(t.Context(), "tcp", to); err == nil {
			t.Errorf("%q accepted", to)
		}
	}
	for _, network := range []string{"udp", "unix", "tcp7", ""} {
		if _, err := d.DialContext(t.Context(), network, "a.example:80"); err == nil {
			t.Errorf("network %q accepted", network)
		}
	}
	if n.asked != 0 || len(dialed()) != 0 {
		t.Errorf("asked %d, dialed %v", n.asked, dialed())
	}
}

func TestErrorsNameHostReasonAndNextStep(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := closed.Addr().String()
	_ = closed.Close()
	d, err := New(Config{Resolver: resolving("lan.example", "10.0.0.5"), AllowHosts: []string{address}})
	if err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string][]string{
		"lan.example:443": {"lan.example:443", "10.0.0.5", "RFC 1918", `add "lan.example:443" to allow in config.toml`},
		"gone.example:1":  {"gone.example:1", "no such host", "spelling"},
		address:           {address, "connection refused", "check that it is up"},
	} {
		_, err := d.DialContext(t.Context(), "tcp", to)
		if err == nil {
			t.Fatalf("%s: connected", to)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q lacks %q", to, err, w)
			}
		}
	}
	_, err = d.DialContext(t.Context(), "tcp", "a\x1b[31m\n.example:1")
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\n") {
		t.Errorf("control characters in %q", err)
	}
}

func TestTimeoutAndCancellationEndADial(t *testing.T) {
	d, err := New(Config{Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	d.connect = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	_, err = d.DialContext(t.Context(), "tcp", "8.8.8.8:1")
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = d.DialContext(ctx, "tcp", "8.8.8.8:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestExceptionsMayChangeWhileDialing(t *testing.T) {
	address, _ := listen(t)
	d, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if c, err := d.DialContext(t.Context(), "tcp", address); err == nil {
					_ = c.Close()
				} else if !errors.Is(err, ErrRefused) {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for i := range 20 {
				var hosts []string
				if i%2 == 0 {
					hosts = []string{address}
				}
				if err := d.SetExceptions(nil, hosts); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzTarget: no spelling of a host reaches an address that is not public.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{"127.0.0.1:80", "127.1:80", "0x7f.1:80", "2130706433:80", "[::ffff:7f00:1]:80", "[::1%25lo]:80",
		"localhost:80", "169.254.169.254.:80", "[64:ff9b::7f00:1]:80", "8.8.8.8:443", "٣.example:80", "a\x00b:80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		d, dialed := watched(t, Config{Resolver: &names{}})
		_, err := d.DialContext(t.Context(), "tcp", target)
		if err == nil {
			t.Fatal("connected")
		}
		if e := err.Error(); len(e) > 1000 {
			t.Fatalf("an error of %d bytes", len(e))
		}
		for _, a := range dialed() {
			ap, err := netip.ParseAddrPort(a)
			if err != nil {
				t.Fatalf("dialed %q, which is not a numeric address", a)
			}
			if !ap.Addr().IsGlobalUnicast() || ap.Addr().IsPrivate() || ap.Addr().Is4In6() {
				t.Fatalf("dialed %s", a)
			}
		}
	})
}

func TestCheckJudgesWithoutConnecting(t *testing.T) {
	d, err := New(Config{AllowHosts: []string{"127.0.0.1:7777"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(context.Background(), "127.0.0.1:7777"); err != nil {
		t.Errorf("an exception: %v", err) // nothing listens there
	}
	if err := d.Check(context.Background(), "127.0.0.1:7778"); !errors.Is(err, ErrRefused) {
		t.Errorf("loopback: %v, want a refusal", err)
	}
}

// Whoever rents a bunker here learns nothing of the network that it stands in.
func TestAQuietDialerNamesNoAddress(t *testing.T) {
	d, err := New(Config{Quiet: true, Resolver: resolving("db.internal", "10.1.2.3", "fd00::7")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.DialContext(t.Context(), "tcp", "db.internal:5432")
	if !errors.Is(err, ErrRefused) || err.Error() != "connecting to db.internal:5432: its address is not public" {
		t.Errorf("dialing: %v", err)
	}
	if again := d.Check(t.Context(), "db.internal:5432"); again == nil || again.Error() != err.Error() {
		t.Errorf("checking: %v", again)
	}
}
