package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/daemon"
	"nsecbunker/internal/seal"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
)

const (
	// clientsFile, in the data folder, is what the load needs to know.
	clientsFile = "bench-clients.json"
	// slotFile is the key file that opens the bunker at start, without scrypt.
	slotFile = "bench-slot.key"
	// permissions are what every client of the benchmark may do.
	permissions = "sign_event:1,nip44_encrypt,nip44_decrypt"
	// minClients is how many clients there are at least: as many as requests are
	// in flight.
	minClients = 64
	// seedArena is the memory for the keys that are being made.
	seedArena = 1 << 20
)

// client is one app of the benchmark: its secret, the signer key that it talks
// to, and the user key behind it, in hex.
type client struct {
	Secret string `json:"secret"`
	Signer string `json:"signer"`
	User   string `json:"user"`
}

// seed makes a data folder with many keys, each with a token that was used by
// one app, at once: setting it up through the doors would take a commit, and a
// derivation of the passphrase, for each.
func seed(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("seed", flag.ContinueOnError)
	dir := f.String("dir", "", "the data folder to make")
	keys := f.Int("keys", 1, "how many keys")
	tenants := f.Int("tenants", 0, "how many tenants beside the house; each has as many apps as that")
	apps := f.Int("apps", 0, "how many apps at least; those beyond the number of keys share the last key")
	exactly := f.Bool("exactly", false, "not more apps than that")
	var long history
	f.IntVar(&long.lines, "audit", 0, "how many lines of the log")
	f.StringVar(&long.admin, "admin", "", "npub of an owner")
	listen := f.String("listen", "127.0.0.1:4899", "where the bunker will listen")
	database := f.String("database", "", "the PostgreSQL database that the store is in; without it a file")
	relay := f.String("relay", "", "host:port of the relay that its apps use; without it the one inside")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *dir == "" || *keys < 1 {
		return errors.New("seed: -dir and -keys are needed")
	}
	if err := os.MkdirAll(*dir, 0o700); err != nil {
		return err
	}
	s, err := newSeeder(ctx, *dir, *database)
	if err != nil {
		return err
	}
	if !*exactly {
		*apps = max(*apps, minClients)
	}
	var clients []client
	if *tenants == 0 {
		clients, err = s.fill(ctx, *keys, *apps, *relay)
	} else if clients, err = s.fill(ctx, 1, *apps, *relay); err == nil {
		err = s.guests(ctx, *tenants, *apps)
	}
	if err == nil {
		err = long.write(ctx, s)
	}
	if err = errors.Join(err, s.close()); err != nil {
		return err
	}
	if err := writeConfig(*dir, *listen, *relay, "", *tenants > 0); err != nil {
		return err
	}
	return writeClients(*dir, clientsFile, clients)
}

func writeClients(dir, name string, clients []client) error {
	b, err := json.Marshal(clients)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), b, 0o600)
}

func writeConfig(dir, listen, relay, metrics string, hosted bool) error {
	c := config.Default()
	c.Listen, c.LogLevel, c.LogFormat, c.Hosted, c.Metrics = listen, "warn", "text", hosted, metrics
	if relay != "" {
		c.Allow = []string{relay}
	}
	b, err := c.Print()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, config.File), b, 0o600)
}

// seeder holds the parts of a bunker that a data folder is made of.
type seeder struct {
	dir   string
	arena *secret.Arena
	vault *vault.Vault
	store *store.Store
	// tenant is whose keys and apps are made.
	tenant bunker.TenantID
	// last is the key that the clients beyond the number of keys share.
	last *bunker.UserKey
}

// newSeeder makes the data folder, with the store in a database; "": in a file in it.
func newSeeder(ctx context.Context, dir, database string) (*seeder, error) {
	arena, err := secret.NewArena(seedArena, secret.Options{AllowSwap: true})
	if err != nil {
		return nil, err
	}
	v, err := vault.New(vault.Config{Arena: arena, Now: time.Now})
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, store.Config{
		Path: filepath.Join(dir, daemon.DatabaseFile), Database: database, Auth: v, Flags: v, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	service, err := seal.CreateServiceKey(dir)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := errors.Join(v.OpenService(bunker.SelfHosted, service), v.NewRootKey(bunker.SelfHosted)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &seeder{dir: dir, arena: arena, vault: v, store: s, tenant: bunker.SelfHosted}, nil
}

func (s *seeder) close() error {
	err := s.store.Close()
	s.vault.Close()
	s.arena.Close()
	return err
}

func (s *seeder) fill(ctx context.Context, keys, apps int, relay string) ([]client, error) {
	path, err := filepath.Abs(filepath.Join(s.dir, slotFile))
	if err != nil {
		return nil, err
	}
	if err := seal.CreateKeyFile(path); err != nil {
		return nil, err
	}
	slots, err := seal.New(seal.Config{Arena: s.arena, KDF: noKDF, Attempts: noTries{}, Now: time.Now})
	if err != nil {
		return nil, err
	}
	slot, err := slots.Wrap(ctx, bunker.SelfHosted, bunker.SlotFile, seal.Input{Name: "file", Path: path},
		func(f func([]byte) error) error { return s.vault.WithRootKey(bunker.SelfHosted, f) })
	if err != nil {
		return nil, err
	}
	var out []client
	err = s.store.Change(ctx, bunker.SelfHosted, daemon.System(), func(tx *store.Tx) error {
		st := tx.Tenant()
		st.SetUp, st.Reviewed, st.Default = true, true, bunker.Deny
		if err := errors.Join(tx.PutTenant(st), tx.PutSlot(&slot)); err != nil {
			return err
		}
		if relay != "" {
			if err := tx.PutRelay(store.Relay{URL: "ws://" + relay, State: store.RelayUsed}); err != nil {
				return err
			}
		}
		for _, role := range []bunker.ServiceRole{bunker.RoleAdmin, bunker.RoleAudit} {
			if _, err := s.service(tx, role); err != nil {
				return err
			}
		}
		for i := range max(keys, apps) {
			if err := s.addClient(tx, &out, i, keys); err != nil {
				return err
			}
		}
		return tx.Audit(bunker.AuditRecord{Action: "bench.seed"})
	})
	return out, err
}

func (s *seeder) service(tx *store.Tx, role bunker.ServiceRole) (nostr.PubKey, error) {
	pub, wrapped, err := s.vault.NewServiceKey(s.tenant, role)
	if err != nil {
		return pub, err
	}
	return pub, tx.AddServiceKey(&bunker.ServiceKey{Tenant: s.tenant, PubKey: pub, Role: role, Ciphertext: wrapped, CreatedAt: tx.Now()})
}

// addClient makes client i with its signer key, its spent token and its
// connection, and a user key while there are fewer than keys.
func (s *seeder) addClient(tx *store.Tx, out *[]client, i, keys int) error {
	if i < keys {
		k := &bunker.UserKey{
			Tenant: s.tenant, ID: bunker.NewKeyID(), Name: fmt.Sprintf("key%05d", i), State: bunker.KeyActive,
			Default: bunker.Deny, CreatedAt: tx.Now(),
		}
		var err error
		if k.PubKey, k.Ciphertext, err = s.vault.NewUserKey(s.tenant, k.ID, false, nil, nil); err != nil {
			return err
		}
		if err := tx.PutKey(k); err != nil {
			return err
		}
		s.last = k
	}
	signer, err := s.service(tx, bunker.RoleSigner)
	if err != nil {
		return err
	}
	app, err := nostr.GenerateKey(s.arena)
	if err != nil {
		return err
	}
	defer app.Destroy()
	c := client{Signer: signer.String(), User: s.last.PubKey.String()}
	if err := app.Use(func(raw []byte) { c.Secret = hex.EncodeToString(raw) }); err != nil {
		return err
	}
	*out = append(*out, c)
	return s.connect(tx, signer, app.PubKey())
}

func (s *seeder) connect(tx *store.Tx, signer, app nostr.PubKey) error {
	tok := &bunker.Token{
		Tenant: s.tenant, ID: bunker.NewTokenID(), Key: s.last.ID, Signer: signer, SecretHash: bunker.HashSecret(bunker.NewSecret()),
		Permissions: permissions, MaxUses: 1, Uses: 1, State: bunker.TokenSpent, CreatedBy: "bench", CreatedAt: tx.Now(),
	}
	conn := &bunker.Connection{
		Tenant: s.tenant, ID: bunker.NewConnectionID(), Key: s.last.ID, Signer: signer, Client: app,
		State: bunker.ConnActive, Token: tok.ID, CreatedAt: tx.Now(),
	}
	if err := errors.Join(tx.PutToken(tok), tx.PutConnection(conn)); err != nil {
		return err
	}
	return tx.PutGrant(&bunker.Grant{
		Tenant: s.tenant, ID: bunker.NewGrantID(), Connection: conn.ID, Effect: bunker.Allow, Permissions: permissions,
		GivenBy: "bench", CreatedAt: tx.Now(),
	})
}

func noKDF([]byte, []byte, uint8) ([]byte, error) {
	return nil, errors.New("the benchmark's slot needs no passphrase")
}

type noTries struct{}

// LoadTries implements seal.Attempts.
func (noTries) LoadTries(context.Context) (seal.Tries, error) { return seal.Tries{}, nil }

// StoreTries implements seal.Attempts.
func (noTries) StoreTries(context.Context, seal.Tries) error { return nil }
func (noTries) SwapTries(context.Context, seal.Tries, seal.Tries) (bool, error) {
	return true, nil
}
