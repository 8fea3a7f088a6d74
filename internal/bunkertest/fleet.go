package bunkertest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"nsecbunker/internal/config"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/freeport"
	"nsecbunker/internal/seal"
)

// Fleet is several instances of one bunker as processes, on one database, behind one
// proxy, as apps see them.
type Fleet struct {
	Proxy    *Proxy
	Members  []*Process
	database string
}

// SkewEnv, in the environment of a test binary, makes it an instance whose clock a
// signal sets an hour ahead (SIGUSR1) or back (SIGUSR2).
const SkewEnv = "BUNKERTEST_INSTANCE"

// NewFleet sets a bunker up with prepare, as a provider's house, and starts n instances of
// it. Each opens without a person. program "" is the real one.
func NewFleet(t testing.TB, n int, database, program string, relays []string, prepare func(b *Bunker)) *Fleet {
	t.Helper()
	f := &Fleet{Proxy: newProxy(t), database: database}
	first := t.TempDir()
	key := filepath.Join(first, "slot.key")
	if err := os.WriteFile(key, []byte("0123456789abcdef0123456789abcdef0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := Start(t, Options{Dir: first, Relays: relays, Config: func(c *config.Config) {
		c.Database, c.Shared, c.Hosted, c.Relays, c.PublicURL = database, true, true, relays, []string{f.Proxy.URL}
	}})
	b.Admin("slot.add", Params{"kind": "file", "name": "unattended", "path": key})
	prepare(b)
	b.Stop()
	service, err := os.ReadFile(filepath.Join(first, seal.ServiceKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		p := &Process{t: t, Dir: t.TempDir(), Database: database, Listen: freeport.Address(t), program: program}
		if program != "" {
			p.env = []string{SkewEnv + "=1"}
		}
		c := b.config
		c.Listen, c.Database = p.Listen, database
		text, err := c.Print()
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string][]byte{config.File: text, seal.ServiceKeyFile: service} {
			if err := os.WriteFile(filepath.Join(p.Dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p.keepLog()
		f.Members = append(f.Members, p)
		p.Start()
		f.Proxy.add(p.Listen)
	}
	return f
}

// Inside stops every instance and opens the bunker in this process, alone.
func (f *Fleet) Inside() *Bunker {
	for _, p := range f.Members {
		p.Kill()
	}
	p := f.Members[0]
	return Start(p.t, Options{Dir: p.Dir, Config: func(c *config.Config) { c.Database, c.Shared, c.Hosted = f.database, true, true }})
}

// RunSkewed is the instance that SkewEnv makes of a test binary: `start --data DIR`.
func RunSkewed(args []string) error {
	var dir, database string
	for i := 0; i+1 < len(args); i++ {
		switch args[i] {
		case "--data":
			dir = args[i+1]
		case "--database":
			database = args[i+1]
		}
	}
	c, err := config.Load(dir)
	if err != nil {
		return err
	}
	c.Database = database
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	clock := new(Clock)
	hands := make(chan os.Signal, 8)
	signal.Notify(hands, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for s := range hands {
			if s == syscall.SIGUSR1 {
				clock.Set(time.Hour)
			} else {
				clock.Set(-time.Hour)
			}
		}
	}()
	d, err := daemon.Open(context.Background(), daemon.Options{
		Dir: dir, Config: c, Version: "test", Now: clock.Now, KDF: quickKDF, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	return d.Run(ctx)
}

// Proxy passes connections on to whichever instance answers, as the one before a real
// fleet does.
type Proxy struct {
	URL string
	l   net.Listener

	mu      sync.Mutex
	targets []string
	next    int
	open    map[net.Conn]struct{}
}

func newProxy(t testing.TB) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", freeport.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{URL: "ws://" + l.Addr().String(), l: l, open: map[net.Conn]struct{}{}}
	var serving sync.WaitGroup
	serving.Go(func() { p.serve(&serving) })
	t.Cleanup(func() {
		_ = l.Close() // ends serve
		p.mu.Lock()
		for c := range p.open {
			_ = c.Close()
		}
		p.mu.Unlock()
		serving.Wait()
	})
	return p
}

func (p *Proxy) add(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = append(p.targets, target)
}

func (p *Proxy) serve(serving *sync.WaitGroup) {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		serving.Go(func() { p.pass(c) })
	}
}

// target connects to the next instance that answers.
func (p *Proxy) target() (net.Conn, error) {
	p.mu.Lock()
	targets := append(append([]string{}, p.targets[p.next%len(p.targets):]...), p.targets[:p.next%len(p.targets)]...)
	p.next++
	p.mu.Unlock()
	var last error
	for _, at := range targets {
		c, err := net.DialTimeout("tcp", at, time.Second)
		if err == nil {
			return c, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no instance answers: %w", last)
}

func (p *Proxy) pass(from net.Conn) {
	to, err := p.target()
	if err != nil {
		_ = from.Close() // there is nobody
		return
	}
	p.mu.Lock()
	p.open[from], p.open[to] = struct{}{}, struct{}{}
	p.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // whoever ends first ends both
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	both.Wait()
	p.mu.Lock()
	delete(p.open, from)
	delete(p.open, to)
	p.mu.Unlock()
}
