package nip46test

import (
	"context"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip46"
)

// Bunker is a small honest bunker. It answers each event once, and with the same
// event when it comes again.
type Bunker struct {
	Signer, User *nostr.SecretKey
	Secret       string

	t         testing.TB
	transport nip46.Transport
	ctx       context.Context // of the test
	mu        sync.Mutex
	relays    []string // where it answers
	hook      Hook
	deaf      int
	ended     bool
	known     map[nostr.PubKey]bool
	answers   map[nostr.ID][]*nostr.Event
	requests  []nip46.Request
}

// Hook is asked first for the replies to a request; nil from it means the honest
// ones, an empty list silence, for ever. It must not sleep.
type Hook func(from nostr.PubKey, r nip46.Request) []nip46.Reply

// SetHook sets the hook, nil for none.
func (b *Bunker) SetHook(h Hook) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hook = h
}

// Deafen lets the next n deliveries go unnoticed.
func (b *Bunker) Deafen(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deaf = n
}

// NewArena returns an arena that the end of the test closes.
func NewArena(t testing.TB) *secret.Arena {
	t.Helper()
	a, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// NewBunker returns a bunker with new keys that listens on the relays.
func NewBunker(t testing.TB, transport nip46.Transport, relays ...string) *Bunker {
	t.Helper()
	a := NewArena(t)
	signer, err := nostr.GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	user, err := nostr.GenerateKey(a)
	if err != nil {
		t.Fatal(err)
	}
	b := &Bunker{Signer: signer, User: user, Secret: "open-sesame", t: t, transport: transport,
		ctx: t.Context(), known: make(map[nostr.PubKey]bool), answers: make(map[nostr.ID][]*nostr.Event)}
	b.Listen(relays...)
	return b
}

// URI returns the bunker's link.
func (b *Bunker) URI() nip46.BunkerURI {
	u, err := nip46.NewBunkerURI(b.Signer.PubKey(), b.where(), b.Secret)
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

func (b *Bunker) where() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.relays
}

// Listen starts it on these relays, until the end of the test; it answers there.
func (b *Bunker) Listen(relays ...string) {
	b.t.Helper()
	b.mu.Lock()
	b.relays = relays
	b.mu.Unlock()
	f := nip46.Filter{Kind: nip46.Kind, P: b.Signer.PubKey(), Since: time.Now().Add(-time.Hour).Unix()}
	stop, err := b.transport.Subscribe(b.ctx, relays, f, b.receive)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		stop()
		b.mu.Lock() // waits for what is being answered: the keys go next
		defer b.mu.Unlock()
		b.ended = true
	})
}

// Requests returns the requests that were read, without those that came again.
func (b *Bunker) Requests() []nip46.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]nip46.Request(nil), b.requests...)
}

func (b *Bunker) receive(e *nostr.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended {
		return
	}
	if b.deaf > 0 {
		b.deaf--
		return
	}
	if e.Verify() != nil {
		return
	}
	replies, again := b.answers[e.ID]
	if !again {
		replies = b.answer(e)
		b.answers[e.ID] = replies
	}
	relays := b.relays
	go func() {
		for _, r := range replies {
			_ = b.transport.Publish(b.ctx, relays, r) // a reply that is lost is asked for again
		}
	}()
}

func (b *Bunker) answer(e *nostr.Event) []*nostr.Event {
	text, err := b.open(e)
	if err != nil {
		b.t.Errorf("the bunker cannot open a request: %v", err)
		return nil
	}
	r, err := nip46.ParseRequest(text)
	if err != nil {
		b.t.Errorf("the bunker cannot read a request: %v", err)
		return nil
	}
	b.requests = append(b.requests, r)
	var replies []nip46.Reply
	if b.hook != nil {
		replies = b.hook(e.PubKey, r)
	}
	if replies == nil {
		replies = []nip46.Reply{b.Honest(e.PubKey, r)}
	}
	var events []*nostr.Event
	for _, reply := range replies {
		events = append(events, b.Seal(b.Signer, e.PubKey, reply, nip46.IsNIP04(e.Content)))
	}
	return events
}

// Send publishes a reply that nobody asked for, signed by any key.
func (b *Bunker) Send(by *nostr.SecretKey, to nostr.PubKey, reply nip46.Reply) {
	if err := b.transport.Publish(b.ctx, b.where(), b.Seal(by, to, reply, false)); err != nil {
		b.t.Error(err)
	}
}

// Seal closes a reply into an event.
func (b *Bunker) Seal(by *nostr.SecretKey, to nostr.PubKey, reply nip46.Reply, old bool) *nostr.Event {
	var key [32]byte
	var content string
	var err error
	if old {
		if err = nip04.SharedKey(by, to, &key); err == nil {
			content, err = nip04.Encrypt(&key, reply.AppendJSON(nil))
		}
	} else if err = nip44.ConversationKey(by, to, &key); err == nil {
		content, err = nip44.EncryptExtended(&key, reply.AppendJSON(nil))
	}
	e := &nostr.Event{Kind: nip46.Kind, CreatedAt: time.Now().Unix(), Tags: nostr.Tags{{"p", to.String()}}, Content: content}
	if err == nil {
		err = by.Sign(e)
	}
	if err != nil {
		b.t.Errorf("the bunker cannot close a reply: %v", err)
	}
	return e
}

func (b *Bunker) open(e *nostr.Event) ([]byte, error) {
	var key [32]byte
	if nip46.IsNIP04(e.Content) {
		if err := nip04.SharedKey(b.Signer, e.PubKey, &key); err != nil {
			return nil, err
		}
		return nip04.Decrypt(&key, e.Content)
	}
	if err := nip44.ConversationKey(b.Signer, e.PubKey, &key); err != nil {
		return nil, err
	}
	text, _, err := nip44.Decrypt(&key, e.Content)
	return text, err
}

// Honest is the right reply to a request. A hook may change it.
func (b *Bunker) Honest(from nostr.PubKey, r nip46.Request) nip46.Reply {
	result, err := b.do(from, r)
	if err != nil {
		return nip46.Failure(r.ID, err.Error())
	}
	return nip46.Success(r.ID, result)
}
