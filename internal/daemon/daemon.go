// Package daemon wires the parts of a bunker together and runs them.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/dial"
	"nsecbunker/internal/inbox"
	"nsecbunker/internal/picture"
	"nsecbunker/internal/relay"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/signerrelay"
	"nsecbunker/internal/socket"
	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
	"nsecbunker/internal/web"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// Names in the data folder.
const (
	DatabaseFile = "bunker.db"
	SocketFile   = "bunker.sock"
)

// State is how far a bunker is ready.
type State string

// The states of a bunker.
const (
	NotSetUp State = "not set up" // a service key and a setup code, no root key yet
	Sealed   State = "sealed"     // the root key is not in memory
	Unsealed State = "unsealed"
)

// Options is what Open needs.
type Options struct {
	Dir     string // the data folder
	Config  config.Config
	Log     *slog.Logger
	Version string
	// Admins are the npubs given at start, for the set-up.
	Admins []string
	// Executable is this program, for the child that derives keys.
	Executable string
	// Now is the wall clock; nil: time.Now. Tests set it.
	Now func() time.Time
	// KDF replaces scrypt in a child process, and Faults makes the store fail:
	// for tests; nil otherwise.
	KDF    seal.KDF
	Faults store.Faults
}

// Daemon is one running instance: what its tenants share. A self-hosted bunker is an
// instance with one tenant.
type Daemon struct {
	Options

	arena    *secret.Arena
	vault    *vault.Vault
	store    *store.Store
	kdf      seal.KDF
	dialer   *dial.Dialer
	strict   *dial.Dialer // without any exception: for what guests name
	relays   *relay.Manager
	post     *relay.Manager // for direct messages
	embedded *signerrelay.Relay
	inbox    *inbox.Inbox
	edge     *edge
	socket   *socket.Server
	own      []string // the embedded relay's addresses
	forged   forgeries
	started  time.Time
	steady   *steady // for notices
	metrics  *metrics
	numbers  *edge       // serves them; nil: nobody asked for it
	draining atomic.Bool // Run is to end
	down     down
	together *together    // nil: this instance is alone
	telling  *http.Client // sends notices
	pictures *picture.Pictures
	foreign  *picture.Pictures // likewise, of guests
	abroad   *http.Client      // likewise, of guests
	// credentials is systemd's folder of them, "" for none.
	credentials string

	// sale is what sells bunkers; nil: nothing is sold here.
	sale *sale
	// home is the bunker of those who run this machine.
	home    *tenant
	tenants *directory
	parcels sync.Mutex // of bunkers that are packed or taken in
	making  sync.Mutex // of tenants
	// toAnnounce says that a bunker was opened, which announces itself now.
	toAnnounce chan struct{}
	// guestsShut says that there may be a guest that the house can open.
	guestsShut chan struct{}
	shut       shut
	heard      wanted // by relays
	posted     wanted // by post
	// moved are tenants of which something was committed, untold those whose people
	// may be to be told of it, grown those whose log has no checkpoint at its end.
	moved, untold, grown *stirred
	// doorNews are happenings on their way to the sessions of admins.
	doorNews chan doorNews
	// exceptions are the relays that owners named, which may be dialled wherever they are.
	exceptions exceptions

	// life ends what outlives a single request: publishing.
	life context.Context
	end  context.CancelFunc
	// working ends when Run begins to end: nothing slow goes on then.
	working context.Context
	idle    context.CancelFunc
}

// Open opens or creates the data of a bunker and takes its lock and its port.
// Afterwards it is not set up, sealed, or, when a slot needs no person, unsealed.
// Its errors are sentences for people. Close ends it; Run does too.
func Open(ctx context.Context, o Options) (*Daemon, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Daemon{
		Options: o, started: o.Now(), tenants: newDirectory(), credentials: os.Getenv("CREDENTIALS_DIRECTORY"),
		moved: newStirred(), untold: newStirred(), grown: newStirred(), doorNews: make(chan doorNews, maxDoorNews), guestsShut: make(chan struct{}, 1), toAnnounce: make(chan struct{}, 1),
	}
	d.home = newTenant(d, bunker.SelfHosted)
	d.tenants.add(d.home)
	d.life, d.end = context.WithCancel(context.WithoutCancel(ctx))
	d.working, d.idle = context.WithCancel(d.life)
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Daemon) open(ctx context.Context) error {
	if err := makeFolder(d.Dir); err != nil {
		return err
	}
	for _, npub := range d.Admins {
		if p, err := nip19.ParsePublicKey(npub); err == nil { // the others are refused at the set-up
			d.home.first = append(d.home.first, p)
		}
	}
	for _, step := range []func(context.Context) error{
		d.openVault, d.openStore, d.openTogether, d.openKDF, d.home.openKeys, d.openEdge, d.openNumbers, d.openInbox, d.openPost, d.openHome, d.openSale, d.openSocket,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := d.home.reload(ctx); err != nil {
		return err
	}
	if err := d.openHosted(ctx); err != nil {
		return err
	}
	return d.home.unattended(ctx)
}

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the data folder %s cannot be made: %w; choose another with --data", dir, err)
	}
	return nil
}

func (d *Daemon) openVault(context.Context) (err error) {
	d.arena, err = secret.NewArena(d.Config.ArenaSize(), secret.Options{AllowSwap: d.Config.AllowSwap})
	if err != nil {
		return err
	}
	d.vault, err = vault.New(vault.Config{Arena: d.arena, Now: d.clock})
	return err
}

// clock is the wall clock; of a store that is shared the ledger's, which goes by the
// database's.
func (d *Daemon) clock() time.Time {
	if d.together != nil {
		return d.store.LedgerTime()
	}
	return d.Now()
}

func (d *Daemon) openStore(ctx context.Context) (err error) {
	d.store, err = store.Open(ctx, store.Config{
		Path: filepath.Join(d.Dir, DatabaseFile), Database: d.Config.Database, Auth: watched{d.vault, d.tampered}, Flags: d.vault, Now: d.Now, Log: d.Log, Faults: d.Faults,
		Shared: d.Config.Shared, Committed: d.committed,
	})
	return err
}

func (d *Daemon) openKDF(context.Context) error {
	if d.kdf = d.KDF; d.kdf == nil {
		d.kdf = (&seal.ChildKDF{Exe: d.Executable, Args: []string{"kdf"}, Life: d.working}).Scrypt
	}
	return nil
}

// openHome makes what the people of this machine need, so that what is wrong with it
// is told now.
func (d *Daemon) openHome(context.Context) error {
	d.steady = &steady{ledger: d.store.LedgerTime, clock: d.Now}
	d.telling = d.dialer.HTTPClient(dial.Limits{MaxBody: noticeBody})
	d.pictures = picture.New(d.dialer.HTTPClient(dial.Limits{MaxBody: picture.MaxFile, Timeout: picture.Timeout}), d.store.LedgerTime)
	d.abroad = d.strict.HTTPClient(dial.Limits{MaxBody: noticeBody})
	d.foreign = picture.New(d.strict.HTTPClient(dial.Limits{MaxBody: picture.MaxFile, Timeout: picture.Timeout}), d.store.LedgerTime)
	if _, err := d.home.theNotifier(); err != nil {
		return err
	}
	_, err := d.home.theDesk()
	return err
}

// System is the bunker itself, as principal.
func System() bunker.Principal {
	return bunker.Principal{Name: "system", Role: bunker.Owner, Door: bunker.DoorSystem}
}

// Local is whoever sits at the machine, as principal: an owner.
func Local() bunker.Principal {
	return bunker.Principal{Name: "local", Role: bunker.Owner, Door: bunker.DoorSocket}
}

func (d *Daemon) openEdge(ctx context.Context) error {
	nets, hosts, err := d.Config.Exceptions()
	if err != nil {
		return err
	}
	// What relays say of their failures is read by guests, too: a name of theirs can lead into the
	// machine's network later.
	if d.dialer, err = dial.New(dial.Config{Allow: nets, AllowHosts: hosts, Quiet: d.Config.Hosted}); err != nil {
		return err
	}
	if d.strict, err = dial.New(dial.Config{Quiet: true}); err != nil {
		return err
	}
	if d.relays, err = relay.New(relay.Config{
		Dialer: d.dialer, Log: d.Log, Now: d.store.LedgerTime,
		Handle:    func(ctx context.Context, url string, ev relay.RawEvent) { d.inbox.Take(ctx, url, string(ev)) },
		Auth:      d.relayAuth,
		UserAgent: "nsecbunker/" + d.Version, Several: d.Config.Hosted,
		OnUp: func(string) { d.Wake() },
	}); err != nil {
		return err
	}
	proxies, err := d.Config.ProxyNetworks()
	if err != nil {
		return err
	}
	l, err := listen(d.Config.Listen)
	if err != nil {
		return err
	}
	d.own = ownURLs(d.Config, l.Addr())
	d.home.ring.own = d.own
	if d.embedded, err = signerrelay.New(signerrelay.Config{
		URL: d.ownURLs, Ours: d.isOurs, Log: d.Log, Now: d.store.LedgerTime,
		ClientIP: clientIP(proxies),
		Deliver: func(ctx context.Context, from signerrelay.Link, raw string, ev *nostr.Event) (bool, string) {
			v := d.inbox.ArriveParsed(ctx, from.String(), ev, raw)
			return v.OK, v.Reason
		},
	}); err != nil {
		return errors.Join(err, l.Close())
	}
	var app http.Handler
	if d.Config.AdminApp {
		if app, err = web.New(web.Config{Hosts: d.Config.AdminHosts, Bunker: d.pageOf}); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	script, err := web.NewScript(web.ScriptConfig{Scripts: scripts{d.home}, URLs: d.ownURLs, ClientIP: clientIP(proxies), Now: d.store.LedgerTime})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	d.edge = newEdge(l, d.embedded, app, script, d.healthy, d.ready, d.Config.TLSCert, d.Config.TLSKey, d.Log)
	return nil
}

// ownURLs are the embedded relay's addresses: as configured, or on this machine.
func ownURLs(c config.Config, at net.Addr) []string {
	if len(c.PublicURL) > 0 {
		return c.PublicURL
	}
	scheme := "ws"
	if c.TLSCert != "" {
		scheme = "wss"
	}
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return nil
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return []string{scheme + "://" + net.JoinHostPort(host, port)}
}

func (d *Daemon) openInbox(context.Context) (err error) {
	d.inbox, err = inbox.New(inbox.Config{
		Tenants: routes{d}, Ledger: measured{d.store, d.metrics}, Backlog: backlog{d.store, d.together}, Opener: d.vault, Log: d.Log,
		Outlet: &outlet{ctx: d.life, local: d.embedded, remote: d.relays, ours: d.ownURLs},
		Now:    d.store.LedgerTime, BadSignature: d.badSignature, Halted: d.halted, Decided: d.metrics.decided,
		Away: d.together.working, Elsewhere: d.together.elsewhere, Unheard: d.together.unheard,
	})
	return err
}

// halted says why nothing is signed now: ledger time runs ahead of a clock that
// went back, and what it dates cannot be trusted.
func (d *Daemon) halted() string {
	if d.store.Clock().Behind {
		return "the bunker's clock is behind; ask its administrator to set it"
	}
	return ""
}

func (d *Daemon) healthy() error {
	_, _, err := d.store.Tenant(d.life, d.home.id)
	return err
}

// ready says whether new work should be sent here: the store answers, and the
// instance is not ending.
func (d *Daemon) ready() error {
	if d.draining.Load() {
		return errors.New("ending")
	}
	if why := d.together.unready(); why != "" {
		return errors.New(why)
	}
	return d.healthy()
}

// ListenURL is the embedded relay's first address.
func (d *Daemon) ListenURL() string {
	if own := d.ownURLs(); len(own) > 0 {
		return own[0]
	}
	return ""
}

// ownURLs are the embedded relay's addresses.
func (d *Daemon) ownURLs() []string { return slices.Clone(d.own) }

// Close gives everything back. Run has ended, or was never called.
func (d *Daemon) Close() error {
	d.end()
	var errs []error
	for _, e := range []*edge{d.edge, d.numbers} {
		if e == nil {
			continue
		}
		if err := e.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if d.socket != nil {
		if err := d.socket.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if d.store != nil {
		errs = append(errs, d.store.Close())
	}
	for _, t := range d.tenants.all() {
		t.close()
	}
	if d.sale != nil {
		d.sale.wallet.Close()
	}
	if d.vault != nil {
		d.vault.Close()
	}
	if d.arena != nil {
		d.arena.Close()
	}
	return errors.Join(errs...)
}

// Run runs everything until ctx ends or a part fails, and closes the daemon.
func (d *Daemon) Run(ctx context.Context) error {
	ctx, cancel := d.lasting(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, d.idle)()
	defer context.AfterFunc(ctx, func() { d.draining.Store(true) })()
	// Opening verifies every row and takes in every key: what that needed in
	// passing would else stay with the process until it is busy.
	if err := d.store.FreeMemory(context.WithoutCancel(ctx)); err != nil {
		return errors.Join(err, d.Close())
	}
	debug.FreeOSMemory()
	// The store goes last: what the others still commit must find it.
	storeCtx, endStore := context.WithCancel(context.WithoutCancel(ctx))
	defer endStore()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	part := func(ctx context.Context, name string, run func(context.Context) error, wg *sync.WaitGroup) {
		wg.Go(func() {
			err := run(ctx)
			if err != nil && ctx.Err() == nil {
				mu.Lock()
				first = errors.Join(first, fmt.Errorf("%s: %w", name, err))
				mu.Unlock()
			}
			cancel()
		})
	}
	var last sync.WaitGroup
	part(storeCtx, "store", d.store.Run, &last)
	if d.together != nil {
		part(storeCtx, "instances", d.together.run, &last)
		part(ctx, "instances that ended", d.together.runPruning, &wg)
	}
	part(ctx, "relays", d.relays.Run, &wg)
	part(ctx, "embedded relay", d.embedded.Run, &wg)
	part(ctx, "http", d.edge.Run, &wg)
	if d.numbers != nil {
		part(ctx, "metrics", d.numbers.Run, &wg)
	}
	part(ctx, "inbox", d.inbox.Run, &wg)
	part(ctx, "socket", d.socket.Run, &wg)
	part(ctx, "jobs", d.runJobs, &wg)
	part(ctx, "happenings", d.runHappenings, &wg)
	part(ctx, "notices", d.runNotices, &wg)
	part(ctx, "guests", d.runGuests, &wg)
	part(ctx, "letters", d.runPost, &wg)
	part(ctx, "relay door", d.runDoors, &wg)
	part(ctx, "announcements", d.runAnnouncements, &wg)
	if d.sale != nil {
		part(ctx, "orders", d.sale.desk.Run, &wg)
	}
	wg.Wait()
	d.lastCheckpoints()
	d.together.gone()
	endStore()
	last.Wait()
	return errors.Join(first, d.Close())
}
