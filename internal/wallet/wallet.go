// Package wallet asks a Lightning wallet for invoices and hears of payments. It
// only receives: no function here pays, a wallet connection that could pay is
// refused, and no money is counted here. Four thin clients (NIP-47, LNbits,
// phoenixd, LND's REST) stand behind one Wallet, which holds every answer against
// what was asked for.
//
// A notice of a payment is only a reason to look: what counts is what the wallet
// answers when it is asked for the invoice, so that doubled, reordered, forged and
// lost notices make no difference.
package wallet

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/dial"
	"nsecbunker/internal/secret"
)

// Kind is a kind of wallet.
type Kind string

// The kinds of wallets.
const (
	NWC      Kind = "nwc"      // NIP-47, Nostr Wallet Connect
	LNbits   Kind = "lnbits"   // an LNbits wallet, by its invoice key
	Phoenixd Kind = "phoenixd" // ACINQ's phoenixd, by its limited password
	LND      Kind = "lnd"      // lnd's REST, by an invoice macaroon
)

// Kinds returns all of them.
func Kinds() []Kind { return []Kind{NWC, LNbits, Phoenixd, LND} }

// Config is what New needs. Kind, Secret, Arena and Now are required, and URL but for NWC.
type Config struct {
	Kind Kind
	// URL is where the wallet's API is, for example https://127.0.0.1:8080; of NWC it
	// stands in the secret.
	URL string
	// Secret is the connection string (nwc), the invoice key (lnbits), the limited
	// password (phoenixd), or the macaroon, as it is or in hex (lnd). New wipes it.
	Secret []byte
	// Cert is the certificate of the wallet's API as PEM; it alone is trusted then,
	// whatever name it bears. Empty: the system's roots.
	Cert []byte
	// Network is which bitcoin an invoice must be for: mainnet (also ""), testnet,
	// signet, regtest or simnet.
	Network string
	// Allow and AllowHosts are exceptions of the outbound dialer. The wallet's own
	// host and port are one by themselves: who runs the instance wrote them.
	Allow      []netip.Prefix
	AllowHosts []string
	// Arena holds the secret.
	Arena *secret.Arena
	Now   func() time.Time
	// Timeout bounds one exchange; 0: DefaultTimeout.
	Timeout time.Duration
	// PollEvery: see DefaultPollEvery; 0: that.
	PollEvery time.Duration
	// Log hears of what went wrong and was tried again; nil: nobody does.
	Log *slog.Logger
}

// client is one kind of wallet. Lookup leaves zero what the wallet does not say;
// errNotFound: the wallet does not know the hash.
type client interface {
	make(ctx context.Context, msat int64, memo string, expiry time.Duration) (made, error)
	lookup(ctx context.Context, hash bunker.PaymentHash) (bunker.Invoice, error)
	// listen calls heard for what may have been paid, until ctx ends or the stream
	// breaks. nil: this wallet sends no notices.
	listen(ctx context.Context, heard func(bunker.PaymentHash)) error
	info(ctx context.Context) (Info, error)
	close()
}

// made is what a wallet answers to make.
type made struct {
	bolt11 string
	hash   bunker.PaymentHash
}

// Paying says whether a wallet connection could pay.
type Paying string

// What is known of it. The zero value is treated as could.
const (
	CanPay    Paying = "yes"
	CannotPay Paying = "no"
	MayPay    Paying = "unknown" // it cannot be told; warned of
)

// Info is what is known of a wallet connection.
type Info struct {
	Kind    Kind
	Name    string // of the wallet or node, as it says; may be empty
	Node    string // the Lightning node's public key in hex; may be empty
	Version string
	Network string // as the wallet says; may be empty
	Paying  Paying
	Why     string // how Paying is known, in words
	Notices bool   // it tells of payments by itself; else they are found by asking
}

// Wallet is one wallet connection. Its methods may be called concurrently.
type Wallet struct {
	cfg    Config
	client client
	log    *slog.Logger
	where  string // names the wallet in errors: kind and host, no secret

	mu     sync.Mutex
	told   Info
	until  time.Time
	health Health
}

// Health is what is known of the wallet's answers.
type Health struct {
	AnsweredAt int64  // unix ms of the last good answer; 0: none yet
	FailedAt   int64  // unix ms of the last failure
	Failure    string // its words
}

// New builds a wallet connection and speaks to nobody. It wipes cfg.Secret.
func New(cfg Config) (*Wallet, error) {
	defer secret.Wipe(cfg.Secret)
	if cfg.Arena == nil || cfg.Now == nil {
		return nil, errors.New("a wallet needs an arena and a clock")
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.PollEvery == 0 {
		cfg.PollEvery = DefaultPollEvery
	}
	if cfg.Timeout < 0 || cfg.Timeout > MaxTimeout || cfg.PollEvery < 0 {
		return nil, refused("timeout", "a wallet's timeout is at most %v, and its poll's interval is positive", MaxTimeout)
	}
	if _, ok := networks()[cfg.Network]; !ok {
		return nil, refused("network", "%q is no network: write mainnet, testnet, signet, regtest or simnet", bunker.Display(cfg.Network, 40))
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	w := &Wallet{cfg: cfg, log: cfg.Log}
	var err error
	if w.client, w.where, err = open(cfg); err != nil {
		return nil, err
	}
	w.cfg.Secret = nil
	return w, nil
}

func open(cfg Config) (client, string, error) {
	if len(cfg.Secret) > maxSecret {
		return nil, "", refused("secret", "a wallet's secret is at most %d bytes long", maxSecret)
	}
	switch cfg.Kind {
	case NWC:
		return newNWC(cfg)
	case LNbits, Phoenixd, LND:
		return newREST(cfg)
	}
	return nil, "", refused("kind", "%q is no kind of wallet: write nwc, lnbits, phoenixd or lnd", bunker.Display(string(cfg.Kind), 40))
}

// dialer makes a dialer that may reach the wallet's own addresses.
func (cfg *Config) dialer(own ...string) (*dial.Dialer, error) {
	return dial.New(dial.Config{Allow: cfg.Allow, AllowHosts: slices.Concat(cfg.AllowHosts, own)})
}

// networks are the prefixes of invoices after ln (BOLT 11), by name.
func networks() map[string]string {
	return map[string]string{"": "bc", "mainnet": "bc", "testnet": "tb", "signet": "tbs", "regtest": "bcrt", "simnet": "sb"}
}

// Close wipes the secret and ends connections. Nothing may be called after it.
func (w *Wallet) Close() { w.client.close() }

// String names the wallet without its secret.
func (w *Wallet) String() string { return w.where }

// Health returns what is known of the wallet's answers.
func (w *Wallet) Health() Health {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.health
}

// Info asks the wallet who it is and what this connection could do. It succeeds
// for a connection that could pay, which Make and Watch refuse.
func (w *Wallet) Info(ctx context.Context) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	info, err := w.client.info(ctx)
	if err = w.judge(err); err != nil {
		return Info{}, err
	}
	info.Kind = w.cfg.Kind
	w.mu.Lock()
	w.told, w.until = info, w.cfg.Now().Add(checkedFor)
	w.mu.Unlock()
	return info, nil
}

// ErrCanPay is in the chain of the error of a connection that could pay.
var ErrCanPay = errors.New("the wallet connection could pay")

// ready refuses a connection that could pay: whoever steals it from here would
// have the money. What the wallet says is asked anew every hour.
func (w *Wallet) ready(ctx context.Context) error {
	w.mu.Lock()
	info, fresh := w.told, w.cfg.Now().Before(w.until)
	w.mu.Unlock()
	if !fresh {
		var err error
		if info, err = w.Info(ctx); err != nil {
			return err
		}
	}
	return info.Refusal()
}

// Refusal returns the error for a connection that could pay, nil for another one.
func (i Info) Refusal() error {
	if i.Paying == CannotPay || i.Paying == MayPay {
		return nil
	}
	return bunker.Errorf(bunker.CodeRestricted, "this wallet connection could pay (%s); the bunker only receives, and a thief of the connection would have the money", i.Why).
		WithHint("%s", i.remedy()).WithCause(ErrCanPay)
}

func (i Info) remedy() string {
	switch i.Kind {
	case NWC:
		return "make a connection in the wallet that may only receive (make_invoice, lookup_invoice, get_info)"
	case LNbits:
		return "use the wallet's invoice/read key, not its admin key"
	case Phoenixd:
		return "use the http-password-limited-access of phoenix.conf"
	default:
		return "use lnd's invoice.macaroon"
	}
}

// note keeps what an answer or a failure says of the wallet's health.
func (w *Wallet) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil || errors.Is(err, errNotFound) {
		w.health.AnsweredAt = w.cfg.Now().UnixMilli()
		return
	}
	w.health.FailedAt, w.health.Failure = w.cfg.Now().UnixMilli(), bunker.AsError(err).Words
}
