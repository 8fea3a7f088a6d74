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
	"sync"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/dial"
	"nsecbunker/internal/inbox"
	"nsecbunker/internal/legacy"
	"nsecbunker/internal/notify"
	"nsecbunker/internal/relay"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/session"
	"nsecbunker/internal/signer"
	"nsecbunker/internal/signerrelay"
	"nsecbunker/internal/socket"
	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
	"nsecbunker/internal/web"
	"nsecbunker/nostr"
)

// Names in the data folder.
const (
	DatabaseFile = "bunker.db"
	SocketFile   = "bunker.sock"
)

// ArenaSize is the locked memory for secrets in bytes: below the usual limit of
// 8 MiB, enough for 20,000 keys and their conversations.
const ArenaSize = 6 << 20

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

// Daemon is one running bunker.
type Daemon struct {
	Options
	tenant bunker.TenantID

	arena    *secret.Arena
	vault    *vault.Vault
	store    *store.Store
	slots    *seal.Slots
	kdf      seal.KDF
	dialer   *dial.Dialer
	relays   *relay.Manager
	embedded *signerrelay.Relay
	inbox    *inbox.Inbox
	commands *admin.Table
	events   events
	door     *session.Door
	legacy   *legacy.Door
	edge     *edge
	socket   *socket.Server
	ring     ring
	adminKey nostr.PubKey
	setup    setupCode
	forged   forgeries
	alarms   alarms
	started  time.Time
	happened *happenings
	notifier *notify.Notifier
	letters  *letters
	steady   *steady // for notices
	down     down

	// life ends what outlives a single request: publishing.
	life context.Context
	end  context.CancelFunc
	// working ends when Run begins to end: nothing slow goes on then.
	working context.Context
	idle    context.CancelFunc
	// reloading is held while the ring is read anew.
	reloading sync.Mutex
	// told is the state that admins' sessions were told of last.
	told State
}

// Open opens or creates the data of a bunker and takes its lock and its port.
// Afterwards it is not set up, sealed, or, when a slot needs no person, unsealed.
// Its errors are sentences for people. Close ends it; Run does too.
func Open(ctx context.Context, o Options) (*Daemon, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Daemon{Options: o, tenant: bunker.SelfHosted, started: o.Now(), happened: newHappenings(), letters: &letters{}}
	d.letters.d = d
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
	for _, step := range []func(context.Context) error{
		d.openVault, d.openStore, d.openSlots, d.openKeys, d.openEdge, d.openDoor, d.openInbox, d.openLetters, d.openNotifier, d.openCommands, d.openSocket,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := d.reload(ctx); err != nil {
		return err
	}
	return d.unattended(ctx)
}

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the data folder %s cannot be made: %w; choose another with --data", dir, err)
	}
	return nil
}

func (d *Daemon) openVault(context.Context) (err error) {
	d.arena, err = secret.NewArena(ArenaSize, secret.Options{AllowSwap: d.Config.AllowSwap})
	if err != nil {
		return err
	}
	d.vault, err = vault.New(vault.Config{Arena: d.arena, Now: d.Now})
	return err
}

func (d *Daemon) openStore(ctx context.Context) (err error) {
	d.store, err = store.Open(ctx, store.Config{
		Path: filepath.Join(d.Dir, DatabaseFile), Database: d.Config.Database, Auth: watched{d.vault, d.tenant, d.tampered}, Flags: d.vault, Now: d.Now, Log: d.Log, Faults: d.Faults,
		Committed: d.happened.poke,
	})
	return err
}

func (d *Daemon) openSlots(context.Context) (err error) {
	if d.kdf = d.KDF; d.kdf == nil {
		d.kdf = (&seal.ChildKDF{Exe: d.Executable, Args: []string{"kdf"}, Life: d.working}).Scrypt
	}
	d.slots, err = seal.New(seal.Config{
		Arena: d.arena, KDF: d.kdf, Attempts: tries{d.store, d.tenant}, Now: d.store.LedgerTime,
		CredentialsDir: os.Getenv("CREDENTIALS_DIRECTORY"), Commands: d.Config.Commands,
	})
	return err
}

// openKeys opens the service key and, with it, the keys of the bunker's own.
func (d *Daemon) openKeys(ctx context.Context) error {
	service, err := d.serviceKey(ctx)
	if err != nil {
		return err
	}
	if err := d.vault.OpenService(d.tenant, service); err != nil {
		return err
	}
	for _, role := range []bunker.ServiceRole{bunker.RoleSigner, bunker.RoleAdmin, bunker.RoleNotifier} {
		keys, err := d.store.ServiceKeys(ctx, d.tenant, role)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if err := d.vault.LoadServiceKey(k); err != nil {
				return bunker.Errorf(bunker.CodeBlocked, "the service key does not open the %s keys in %s: the file %s is another bunker's, or the data was changed; bring both back from the same backup",
					role, d.Dir, seal.ServiceKeyFile).WithHint("nsecbunker backup restore FILE").WithCause(err)
			}
			switch role {
			case bunker.RoleAdmin:
				d.adminKey = k.PubKey
			case bunker.RoleNotifier:
				d.letters.key.Store(&k.PubKey)
			}
		}
	}
	if d.adminKey == (nostr.PubKey{}) {
		return d.newAdminKey(ctx)
	}
	return nil
}

// serviceKey reads the service key, and makes one for a store that has nothing
// closed under an older one.
func (d *Daemon) serviceKey(ctx context.Context) ([]byte, error) {
	key, err := seal.ReadServiceKey(d.Dir, os.Getenv("CREDENTIALS_DIRECTORY"))
	if !errors.Is(err, seal.ErrNoServiceKey) {
		return key, err
	}
	used, listErr := d.store.ServiceKeys(ctx, d.tenant, bunker.RoleAdmin)
	if listErr != nil || len(used) > 0 {
		return nil, errors.Join(listErr, err)
	}
	return seal.CreateServiceKey(d.Dir)
}

// newAdminKey makes the key that admins reach the bunker by.
func (d *Daemon) newAdminKey(ctx context.Context) error {
	pub, ciphertext, err := d.vault.NewServiceKey(d.tenant, bunker.RoleAdmin)
	if err != nil {
		return err
	}
	k := bunker.ServiceKey{
		Tenant: d.tenant, PubKey: pub, Role: bunker.RoleAdmin, Ciphertext: ciphertext,
		CreatedAt: d.store.LedgerTime().UnixMilli(),
	}
	err = d.store.Change(ctx, d.tenant, System(), func(tx *store.Tx) error {
		if err := tx.AddServiceKey(&k); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "instance.create", Object: pub.String()})
	})
	if err != nil {
		return err
	}
	d.adminKey = pub
	return d.vault.LoadServiceKey(k)
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
	if d.dialer, err = dial.New(dial.Config{Allow: nets, AllowHosts: hosts}); err != nil {
		return err
	}
	if d.relays, err = relay.New(relay.Config{
		Dialer: d.dialer, Log: d.Log, Now: d.store.LedgerTime,
		Handle:    func(ctx context.Context, url string, ev relay.RawEvent) { d.inbox.Take(ctx, url, ev) },
		Auth:      d.relayAuth,
		UserAgent: "nsecbunker/" + d.Version,
		OnUp:      func(string) { d.Wake() },
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
	d.ring.own = ownURLs(d.Config, l.Addr())
	if d.embedded, err = signerrelay.New(signerrelay.Config{
		URL: d.ring.ownURLs, Ours: d.ring.isOurs, Log: d.Log, Now: d.store.LedgerTime,
		ClientIP: clientIP(proxies),
		Deliver: func(ctx context.Context, from signerrelay.Link, raw []byte, ev *nostr.Event) (bool, string) {
			v := d.inbox.ArriveParsed(ctx, from.String(), ev, raw)
			return v.OK, v.Reason
		},
	}); err != nil {
		return errors.Join(err, l.Close())
	}
	var app http.Handler
	if d.Config.AdminApp {
		if app, err = web.New(web.Config{Hosts: d.Config.AdminHosts, Bunker: d.ConnectionString}); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	script, err := web.NewScript(web.ScriptConfig{Scripts: scripts{d}, URLs: d.ring.ownURLs, ClientIP: clientIP(proxies), Now: d.store.LedgerTime})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	d.edge = newEdge(l, d.embedded, app, script, d.healthy, d.Config.TLSCert, d.Config.TLSKey, d.Log)
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

func (d *Daemon) openInbox(context.Context) error {
	s, err := signer.New(signer.Config{
		Tenant: d.tenant, Store: d.store, Vault: d.vault,
		Around: signer.Surroundings{
			Ours: d.ring.isOurs, Clients: d.ring.isClient, Hosts: d.ring.hosts,
			Relays: d.ring.ownURLs, AppRelays: d.ring.appRelays,
		},
	})
	if err != nil {
		return err
	}
	d.events = events{d, s}
	d.inbox, err = inbox.New(inbox.Config{
		Signer: s, Ledger: d.store, Backlog: d.store, Opener: d.vault, Diary: diary{d}, Log: d.Log,
		Outlet: &outlet{ctx: d.life, local: d.embedded, remote: d.relays, ours: d.ring.ownURLs},
		Now:    d.store.LedgerTime, Mine: d.ring.envelopes, Joined: d.ring.joined, Relays: d.ring.uriRelays,
		BadSignature: d.badSignature, Halted: d.halted, Door: doors{d}, Admin: d.adminKey,
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

// State returns how far the bunker is ready.
func (d *Daemon) State() State {
	if d.vault.Unsealed(d.tenant) {
		return Unsealed
	}
	st, _, err := d.store.Tenant(d.life, d.tenant)
	if err == nil && !st.SetUp {
		return NotSetUp
	}
	return Sealed
}

func (d *Daemon) healthy() error {
	_, _, err := d.store.Tenant(d.life, d.tenant)
	return err
}

// ConnectionString is where admins find the bunker; it is no secret.
func (d *Daemon) ConnectionString() string {
	return connectionString(d.adminKey, d.ring.uriRelays())
}

// ListenURL is the embedded relay's first address.
func (d *Daemon) ListenURL() string {
	if own := d.ring.ownURLs(); len(own) > 0 {
		return own[0]
	}
	return ""
}

// Commands are the rows of the table of commands.
func (d *Daemon) Commands() []*admin.Command { return d.commands.Commands() }

// Dispatch runs an admin command in this process.
func (d *Daemon) Dispatch(ctx context.Context, p bunker.Principal, name string, params []byte) (any, error) {
	return d.commands.Dispatch(ctx, p, name, params)
}

// Close gives everything back. Run has ended, or was never called.
func (d *Daemon) Close() error {
	d.end()
	var errs []error
	if d.edge != nil {
		if err := d.edge.listener.Close(); !errors.Is(err, net.ErrClosed) {
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
	if d.door != nil {
		d.door.Close()
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, d.idle)()
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
	part(ctx, "relays", d.relays.Run, &wg)
	part(ctx, "embedded relay", d.embedded.Run, &wg)
	part(ctx, "http", d.edge.Run, &wg)
	part(ctx, "inbox", d.inbox.Run, &wg)
	part(ctx, "socket", d.socket.Run, &wg)
	part(ctx, "jobs", d.runJobs, &wg)
	part(ctx, "happenings", d.runHappenings, &wg)
	part(ctx, "notices", d.notifier.Run, &wg)
	part(ctx, "letters", d.letters.run, &wg)
	part(ctx, "relay door", d.runDoor, &wg)
	wg.Wait()
	d.lastCheckpoint()
	endStore()
	last.Wait()
	return errors.Join(first, d.Close())
}
