package bunkertest

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/inbox"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/signer"
	"nsecbunker/internal/signerrelay"
	"nsecbunker/internal/store"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/ws"
)

type localOutlet struct{ r *signerrelay.Relay }

func (o localOutlet) Send(ev *nostr.Event, raw []byte, relays []string, result func(string, bool, string)) {
	if o.r.Publish(ev, raw) > 0 {
		result("local", true, "")
	}
}

func TestThinLine(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	arena, err := secret.NewArena(1<<20, secret.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(vault.Config{Arena: arena, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	const tn = bunker.SelfHosted
	if err := v.OpenService(tn, []byte(strings.Repeat("s", 32))); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	st, err := store.Open(ctx, store.Config{Path: filepath.Join(t.TempDir(), "data", "b.db"), Auth: v, Flags: v, Now: time.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.NewRootKey(tn); err != nil {
		t.Fatal(err)
	}
	id := bunker.NewKeyID()
	pub, ct, err := v.NewUserKey(tn, id, false, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spub, sct, err := v.NewServiceKey(tn, bunker.RoleSigner)
	if err != nil {
		t.Fatal(err)
	}
	secretText := bunker.NewSecret()
	by := bunker.Principal{Name: "local", Role: bunker.Owner, Door: bunker.DoorSocket}
	key := bunker.UserKey{Tenant: tn, ID: id, Name: "herald", PubKey: pub, State: bunker.KeyActive, Default: bunker.Ask, CreatedAt: 1, Ciphertext: ct}
	tok := bunker.Token{Tenant: tn, ID: bunker.NewTokenID(), Key: id, Signer: spub, SecretHash: bunker.HashSecret(secretText), Client: "coracle",
		Permissions: "all", MaxUses: 1, State: bunker.TokenOpen, CreatedBy: "local", CreatedAt: 1}
	sk := bunker.ServiceKey{Tenant: tn, PubKey: spub, Role: bunker.RoleSigner, Ciphertext: sct, CreatedAt: 1}
	err = st.Change(ctx, tn, by, func(tx *store.Tx) error {
		head := tx.Tenant()
		head.SetUp, head.Reviewed, head.Default = true, true, bunker.Ask
		if err := tx.PutTenant(head); err != nil {
			return err
		}
		if err := tx.PutKey(&key); err != nil {
			return err
		}
		if err := tx.AddServiceKey(&sk); err != nil {
			return err
		}
		if err := tx.PutToken(&tok); err != nil {
			return err
		}
		return tx.Audit(bunker.AuditRecord{Action: "test"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.LoadServiceKey(sk); err != nil {
		t.Fatal(err)
	}
	if err := v.UnlockUserKey(key, nil); err != nil {
		t.Fatal(err)
	}
	mine := func(p nostr.PubKey) bool { return p == spub }
	none := func() []string { return nil }
	sg, err := signer.New(signer.Config{Tenant: tn, Store: st, Vault: v, Around: signer.Surroundings{
		Ours: mine, Clients: func(nostr.PubKey) bool { return false }, Hosts: none, Relays: none, AppRelays: none}})
	if err != nil {
		t.Fatal(err)
	}
	var in *inbox.Inbox
	rel, err := signerrelay.New(signerrelay.Config{URL: none, Ours: mine, Now: time.Now, Log: log,
		Deliver: func(ctx context.Context, from signerrelay.Link, raw []byte, ev *nostr.Event) (bool, string) {
			verdict := in.ArriveParsed(ctx, from.String(), ev, raw)
			return verdict.OK, verdict.Reason
		}})
	if err != nil {
		t.Fatal(err)
	}
	in, err = inbox.New(inbox.Config{Signer: sg, Ledger: st, Backlog: st, Opener: v, Log: log, Outlet: localOutlet{rel},
		Now: st.LedgerTime, Mine: mine, Relays: none, Halted: func() string { return "" }, BadSignature: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(rel)
	defer srv.Close()
	for _, run := range []func(context.Context) error{st.Run, in.Run, rel.Run} {
		go run(ctx)
	}

	carena, err := secret.NewArena(1<<16, secret.Options{})
	if err != nil {
		t.Fatal(err)
	}
	session, err := nip46.NewSession(carena)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := ws.New(ws.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	cl, err := nip46.NewClient(nip46.Config{Transport: pool, Now: time.Now}, session)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	url := "ws" + strings.TrimPrefix(srv.URL, "http")
	u, err := nip46.NewBunkerURI(spub, []string{url}, secretText)
	if err != nil {
		t.Fatal(err)
	}
	short, done := context.WithTimeout(ctx, 20*time.Second)
	defer done()
	got, err := cl.Connect(short, u, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got != pub {
		t.Fatalf("user key %s, want %s", got, pub)
	}
	start := time.Now()
	for i := range 50 {
		ev, err := cl.SignEvent(short, &nostr.Template{Kind: 1, CreatedAt: time.Now().Unix(), Content: "hello", Tags: nostr.Tags{{"n", string(rune('a' + i))}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := ev.Verify(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("50 signatures one after another: %s", time.Since(start))
}
