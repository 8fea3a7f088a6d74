package session

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/admin"
	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
)

// A door over a real vault. What the store and the table of commands say is the
// test's; whole bunkers are in internal/bunkertest.

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type house struct {
	*Door
	t     testing.TB
	arena *secret.Arena
	bKey  *nostr.SecretKey // B's secret, as a thief of the store and the service key has it

	mu      sync.Mutex
	now     time.Time
	state   string
	roles   map[nostr.PubKey]bunker.Role
	scope   []bunker.KeyID // of every admin
	devices map[string]*bunker.Device
	opened  []Opening
	ran     []ran
	block   chan struct{} // when not nil, commands wait for it
	entered chan struct{} // one for each command that waits
	result  json.RawMessage
	sent    []*nostr.Event
	proofs  int
}

// ran is a command that reached the table.
type ran struct {
	by     bunker.Principal
	name   string
	params string
	op     string
	seen   int64
}

func newHouse(t testing.TB) *house {
	t.Helper()
	arena, err := secret.NewArena(1<<20, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	h := &house{t: t, arena: arena, now: start, state: Unsealed, roles: map[nostr.PubKey]bunker.Role{}, devices: map[string]*bunker.Device{}, result: json.RawMessage(`{"ok":true}`), entered: make(chan struct{}, 100)}
	v, err := vault.New(vault.Config{Arena: arena, Now: h.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	service := strings.Repeat("s", 32)
	if err := v.OpenService(bunker.SelfHosted, []byte(service)); err != nil {
		t.Fatal(err)
	}
	pub, wrapped, err := v.NewServiceKey(bunker.SelfHosted, bunker.RoleAdmin)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.LoadServiceKey(bunker.ServiceKey{Tenant: bunker.SelfHosted, PubKey: pub, Role: bunker.RoleAdmin, Ciphertext: wrapped}); err != nil {
		t.Fatal(err)
	}
	at := vault.Place{Tenant: string(bunker.SelfHosted), Table: "service_key", Row: pub.String(), Purpose: "service key admin"}
	raw, err := vault.Unwrap(vault.DeriveKey([]byte(service), "nsecbunker/vault/1", string(bunker.SelfHosted), "wrap service keys"), at, wrapped, nil)
	if err != nil {
		t.Fatal(err)
	}
	if h.bKey, err = nostr.NewSecretKey(arena, raw); err != nil || h.bKey.PubKey() != pub {
		t.Fatal(err)
	}
	h.Door, err = New(Config{
		Tenant: bunker.SelfHosted, Admin: pub, Arena: arena, Keys: v, Rows: h, Table: h, Prover: h, Out: h,
		Relays: func() []string { return []string{"wss://relay.example.com"} }, SetupCode: func() string { return "SETUPCODE" }, Now: h.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	h.now = h.now.Add(d)
	h.mu.Unlock()
	h.Sweep(h.clock())
}

func (h *house) Standing(_ context.Context, person nostr.PubKey, device string) (Standing, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := Standing{State: h.state, Role: h.roles[person], Keys: h.scope}
	if person.IsZero() {
		st.Role = bunker.Owner
	}
	d := h.devices[device]
	switch {
	case d == nil:
	case d.Person != person || !d.Live(h.now.UnixMilli()):
		st.Device = DeviceOut
	default:
		st.Device, st.Most = DeviceConfirmed, d.Role
		st.Remembered = d.Paired || d.LastLogin > h.now.Add(-adminwire.LoginLife).UnixMilli()
	}
	return st, nil
}

func (h *house) Whose(_ context.Context, device string) (nostr.PubKey, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.devices[device]
	if d == nil {
		return nostr.PubKey{}, false, nil
	}
	return d.Person, true, nil
}

func (h *house) Opened(_ context.Context, o Opening) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened = append(h.opened, o)
	if d := h.devices[o.Device]; d != nil && o.Signed {
		d.LastLogin = h.now.UnixMilli()
	}
	return nil
}

func (h *house) Checkpoint(context.Context) ([]byte, error) { return []byte(`{"seq":7}`), nil }

func (h *house) Prove(_ context.Context, p []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.proofs++
	if string(p) != "the passphrase" {
		return bunker.Errorf(bunker.CodeNeedsProof, "the passphrase is wrong").In("passphrase")
	}
	return nil
}

func (h *house) Send(ev *nostr.Event, _ string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, ev)
}

// Execute is the table: device.confirm confirms, the rest returns h.result.
func (h *house) Execute(_ context.Context, p bunker.Principal, o admin.Order) (json.RawMessage, error) {
	h.mu.Lock()
	block, result := h.block, bytes.Clone(h.result)
	h.ran = append(h.ran, ran{p, o.Name, string(o.Params), o.Op, o.IfVersion})
	h.mu.Unlock()
	if block != nil {
		h.entered <- struct{}{}
		<-block
	}
	switch {
	case o.Name == "key.export" && !p.Fresh:
		return nil, bunker.Errorf(bunker.CodeNeedsProof, "key.export needs the bunker's passphrase")
	case o.Name == "admin.accept":
		if !strings.Contains(string(o.Params), "the code") {
			return nil, bunker.Errorf(bunker.CodeRestricted, "this invitation is not valid")
		}
		h.mu.Lock()
		h.roles[p.PubKey] = bunker.Operator
		h.mu.Unlock()
	case o.Name == "device.confirm":
		for _, w := range h.Waiting() {
			if strings.Contains(string(o.Params), w.Code) && (w.Person == p.PubKey || p.Role == bunker.Owner) {
				h.confirm(w)
			}
		}
	}
	return result, nil
}

func (h *house) confirm(w admin.Waiting) {
	h.mu.Lock()
	d := &bunker.Device{ID: w.Device, Pub: w.Pub, Person: w.Person, Role: bunker.Owner, State: bunker.DeviceConfirmed, LastLogin: h.now.UnixMilli()}
	if w.Pairing != nil {
		d.Role, d.Paired, d.ExpiresAt = w.Pairing.Role, true, w.Pairing.ExpiresAt
	}
	h.devices[w.Device] = d
	h.mu.Unlock()
	h.Admit(w.Device)
}

func (h *house) commands() []ran {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ran)
}

// took returns what was sent since the last time.
func (h *house) took() []*nostr.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.sent
	h.sent = nil
	return out
}

func (h *house) key() *nostr.SecretKey {
	h.t.Helper()
	k, err := nostr.GenerateKey(h.arena)
	if err != nil {
		h.t.Fatal(err)
	}
	return k
}

// person is an admin with a key and a device.
type person struct {
	a   *nostr.SecretKey
	dev adminwire.DeviceKey
}

func (h *house) person(role bunker.Role) *person {
	h.t.Helper()
	dev, err := adminwire.NewDeviceKey()
	if err != nil {
		h.t.Fatal(err)
	}
	p := &person{h.key(), dev}
	if role != bunker.NoRole {
		h.mu.Lock()
		h.roles[p.a.PubKey()] = role
		h.mu.Unlock()
	}
	return p
}

// known makes the person's device a confirmed one.
func (h *house) known(p *person) *person {
	pub, _ := p.dev.Pub()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.devices[pub.ID().String()] = &bunker.Device{
		ID: pub.ID().String(), Pub: pub[:], Person: p.a.PubKey(), Role: bunker.Owner, State: bunker.DeviceConfirmed, LastLogin: h.now.UnixMilli(),
	}
	return p
}

// page is the client's side, message by message, so that each can be touched.
type page struct {
	h     *house
	p     *person
	key   *nostr.SecretKey // E_c
	hs    adminwire.Handshake
	ready adminwire.Ready
	link  string
	wire  []*nostr.Event // everything that it sent and got
}

func (h *house) page(p *person) *page {
	return &page{h: h, p: p, key: h.key(), link: "wss://relay.example.com"}
}

func (g *page) seal(to nostr.PubKey, plain []byte) *nostr.Event {
	return sealed(g.h.t, g.key, to, g.h.Admin, plain, g.h.clock())
}

func sealed(t testing.TB, from *nostr.SecretKey, to, p nostr.PubKey, plain []byte, now time.Time) *nostr.Event {
	t.Helper()
	var key [32]byte
	if err := nip44.ConversationKey(from, to, &key); err != nil {
		t.Fatal(err)
	}
	content, err := nip44.Encrypt(&key, plain)
	if err != nil {
		t.Fatal(err)
	}
	ev := &nostr.Event{Kind: adminwire.Kind, CreatedAt: now.Unix(), Tags: nostr.Tags{{"p", p.String()}}, Content: content}
	if err := from.Sign(ev); err != nil {
		t.Fatal(err)
	}
	return ev
}

func opened(key *nostr.SecretKey, peer nostr.PubKey, ev *nostr.Event) ([]byte, bool) {
	var k [32]byte
	if nip44.ConversationKey(key, peer, &k) != nil {
		return nil, false
	}
	plain, _, err := nip44.Decrypt(&k, ev.Content)
	return plain, err == nil
}

// give hands an event to the door and returns what the door sent.
func (g *page) give(ev *nostr.Event) []*nostr.Event {
	g.h.t.Helper()
	g.h.took()
	g.h.Take(g.h.t.Context(), g.link, ev)
	out := g.h.took()
	g.wire = append(append(g.wire, ev), out...)
	return out
}

// hello does M1 and reads M2.
func (g *page) hello() *page {
	g.h.t.Helper()
	m := adminwire.Hello{Versions: []int64{1}}
	rand.Read(m.NC[:])
	g.hs = adminwire.Handshake{Bunker: g.h.Admin, Client: g.key.PubKey(), NC: m.NC, Versions: m.Versions}
	out := g.give(g.seal(g.h.Admin, m.Append()))
	if len(out) != 1 || out[0].PubKey != g.h.Admin || out[0].Verify() != nil {
		g.h.t.Fatalf("a hello got %d answers", len(out))
	}
	plain, ok := opened(g.key, g.h.Admin, out[0])
	if !ok {
		g.h.t.Fatal("the challenge does not open")
	}
	c, err := adminwire.ParseChallenge(plain)
	if err != nil || c.NC != m.NC {
		g.h.t.Fatal(err)
	}
	g.hs.NB, g.hs.Epoch = c.NB, c.Epoch
	return g
}

func (g *page) cert() *nostr.Event {
	g.h.t.Helper()
	ev := adminwire.Certificate(&g.hs, "https://admin.example", g.h.clock().Unix()).Event(g.p.a.PubKey())
	if err := g.p.a.Sign(ev); err != nil {
		g.h.t.Fatal(err)
	}
	return ev
}

// proof makes M3 with a certificate.
func (g *page) proof() *adminwire.Proof {
	g.h.t.Helper()
	m := g.bare()
	m.Cert = g.cert()
	return m
}

// bare makes M3 without one.
func (g *page) bare() *adminwire.Proof {
	g.h.t.Helper()
	m := &adminwire.Proof{NC: g.hs.NC, NB: g.hs.NB, Epoch: g.hs.Epoch, Versions: g.hs.Versions, Label: "phone"}
	var err error
	if m.Device, err = g.p.dev.Pub(); err != nil {
		g.h.t.Fatal(err)
	}
	if m.Sig, err = g.p.dev.Sign(g.hs.H()); err != nil {
		g.h.t.Fatal(err)
	}
	return m
}

// prove sends M3 and reads M4; ok is false when nothing came.
func (g *page) prove(m *adminwire.Proof) (adminwire.Ready, bool) {
	g.h.t.Helper()
	return g.readReady(g.give(g.seal(g.hs.Epoch, m.Append())))
}

func (g *page) readReady(out []*nostr.Event) (adminwire.Ready, bool) {
	g.h.t.Helper()
	if len(out) == 0 {
		return adminwire.Ready{}, false
	}
	plain, ok := opened(g.key, g.hs.Epoch, out[0])
	if !ok || out[0].PubKey != g.h.Admin || out[0].Verify() != nil {
		g.h.t.Fatal("the ready does not open, or is not by the bunker")
	}
	r, err := adminwire.ParseReady(plain)
	if err != nil {
		g.h.t.Fatal(err)
	}
	return r, true
}

// in is a page that is logged in.
func (h *house) in(p *person) *page {
	h.t.Helper()
	g := h.page(p).hello()
	m := g.proof()
	r, ok := g.prove(m)
	if !ok || r.Refusal != nil {
		h.t.Fatalf("not let in: %+v", r.Refusal)
	}
	g.ready = r
	a := p.a.PubKey()
	if r.H2 != adminwire.H2(g.hs.H(), a[:], m.Cert.ID, r.Session, r.SID) || r.Code != adminwire.Code(r.H2) {
		h.t.Fatal("h2 does not bind the session")
	}
	return g
}

// event closes an order.
func (g *page) event(o *adminwire.Order) *nostr.Event {
	o.SID = g.ready.SID
	return g.seal(g.ready.Session, o.Append())
}

// ask sends an order and reads the answers.
func (g *page) ask(o *adminwire.Order) []adminwire.Message {
	g.h.t.Helper()
	return g.read(g.give(g.event(o)))
}

// read opens what the session sent to this page.
func (g *page) read(out []*nostr.Event) []adminwire.Message {
	g.h.t.Helper()
	var list []adminwire.Message
	for _, ev := range out {
		if ev.PubKey != g.ready.Session {
			continue
		}
		plain, ok := opened(g.key, g.ready.Session, ev)
		if !ok || ev.Verify() != nil {
			g.h.t.Fatal("an answer does not open")
		}
		m, err := adminwire.ParseMessage(plain)
		if err != nil {
			g.h.t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

// do sends a command with the next number that the test names and returns its one
// answer.
func (g *page) do(n int64, cmd string) adminwire.Message {
	g.h.t.Helper()
	out := g.ask(&adminwire.Order{N: n, Cmd: cmd})
	for _, m := range out {
		if m.Re == n {
			return m
		}
	}
	g.h.t.Fatalf("%s got no answer", cmd)
	return adminwire.Message{}
}

func refusedWith(t testing.TB, m adminwire.Message, code bunker.Code, words string) {
	t.Helper()
	if m.Error == nil || m.Error.Code != string(code) || !strings.Contains(m.Error.Words, words) {
		t.Fatalf("got %+v (%s), want %s: …%s…", m.Error, m.Result, code, words)
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
