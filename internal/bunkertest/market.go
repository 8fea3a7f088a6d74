package bunkertest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/wallet/wallettest"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// Selling has a hosted bunker sell bunkers through a wallet's door.
func Selling(t testing.TB, door *wallettest.Door) func(*config.Config) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(door.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *config.Config) {
		c.Hosted, c.Proxies = true, []string{"127.0.0.1/32"} // each buyer has an address of his own
		c.Allow = append(c.Allow, strings.TrimPrefix(door.URL, "http://"))
		c.Wallet = config.Wallet{Kind: "phoenixd", URL: door.URL, Secret: secret, Network: "mainnet"}
	}
}

// Bought is an order, as the page for orders gets it.
type Bought struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	People  int64  `json:"people"`
	Sats    int64  `json:"sats"`
	Version int64  `json:"version"`
	Owed    int64  `json:"owed_sats"`
	Invoice *struct {
		Bolt11 string `json:"bolt11"`
	} `json:"invoice"`
	Plan *struct {
		People int64 `json:"people"`
		Until  int64 `json:"until"`
	} `json:"plan"`
	Ready *struct {
		Connection string `json:"connection"`
		SetupCode  string `json:"setup_code"`
	} `json:"ready"`
}

// Buyer is somebody before the page for orders: with an address and secrets of his own.
type Buyer struct {
	At     string // host and port of the bunker
	IP     string
	Secret string
}

// NewBuyer comes to the page of a bunker.
func NewBuyer(at string) *Buyer {
	var b [36]byte
	rand.Read(b[:])
	return &Buyer{At: at, IP: fmt.Sprintf("10.%d.%d.%d", b[32], b[33], b[34]), Secret: hex.EncodeToString(b[:32])}
}

// Try sends one request of the page. Errors that the bunker answers are *bunker.Error.
func (b *Buyer) Try(ctx context.Context, call string, body map[string]any) (o Bought, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return o, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+b.At+"/buy/api/"+call, bytes.NewReader(text))
	if err != nil {
		return o, err
	}
	r.Header.Set("Origin", "http://"+b.At)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Forwarded-For", b.IP)
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return o, err
	}
	defer a.Body.Close()
	var answer struct {
		Result Bought        `json:"result"`
		Error  *bunker.Error `json:"error"`
	}
	whole, err := io.ReadAll(a.Body)
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(whole, &answer); err != nil {
		return o, fmt.Errorf("the page was answered %q", whole)
	}
	if a.StatusCode != http.StatusOK {
		return o, fmt.Errorf("%d: %s", a.StatusCode, whole)
	}
	return answer.Result, nil
}

// Order is what he orders: a bunker for somebody new.
func (b *Buyer) Order(people int) map[string]any {
	var admin nostr.PubKey
	rand.Read(admin[:])
	return map[string]any{"secret": b.Secret, "kind": "bunker", "admins": []string{nip19.EncodeNpub(admin)}, "people": people}
}

// Look waits for news of his order, if it is the version that he saw.
func (b *Buyer) Look(ctx context.Context, seen int64) (Bought, error) {
	return b.Try(ctx, "look", map[string]any{"secret": b.Secret, "seen": seen})
}

// Insist does something again until it succeeds or the time is over: the bunker may be
// away, or full, for a while.
func Insist(ctx context.Context, do func() error) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-again.C:
		}
	}
}

// Until looks at his order until something is so of it.
func (b *Buyer) Until(ctx context.Context, so func(Bought) bool) (o Bought, err error) {
	for !so(o) {
		seen := o.Version
		err = Insist(ctx, func() (err error) {
			o, err = b.Look(ctx, seen)
			return err
		})
		if err != nil {
			return o, fmt.Errorf("waiting for the order %+v: %w", o, err)
		}
	}
	return o, nil
}

// Configure changes the configuration of a program that does not run.
func (p *Process) Configure(change func(*config.Config)) {
	p.t.Helper()
	path := filepath.Join(p.Dir, config.File)
	text, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := config.Parse(text)
	if err != nil {
		p.t.Fatal(err)
	}
	change(&c)
	if text, err = c.Print(); err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
