package wallettest

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/ws"
	"nsecbunker/nostr/nip47"
)

// Service is a wallet service of NIP-47 on relays.
type Service struct {
	// Secret is the connection string. The methods that it may use follow New's.
	Secret string
	// Methods that get_info names; nil: it does not know get_info.
	Methods []string
	// Announced is the content of the info event.
	Announced string

	mu     sync.Mutex // of Methods, once it runs
	n      *Node
	how    nip47.Encryption
	key    *nostr.SecretKey
	client nostr.PubKey
	relay  string
	pool   *ws.Pool
}

// NWC runs a wallet service on one relay until the test ends. change may alter it
// before its info event goes out.
func (n *Node) NWC(t testing.TB, relay string, how nip47.Encryption, change func(*Service)) *Service {
	t.Helper()
	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(arena.Close)
	s := &Service{n: n, how: how, relay: relay, Announced: "make_invoice lookup_invoice get_info notifications", Methods: []string{"make_invoice", "lookup_invoice", "get_info"}}
	raw := make([]byte, 32)
	app, err := nostr.GenerateKey(arena)
	if err == nil {
		s.client = app.PubKey()
		err = app.Use(func(b []byte) { copy(raw, b) })
	}
	if err == nil {
		s.key, err = nostr.GenerateKey(arena)
	}
	if err == nil {
		s.pool, err = ws.New(ws.Config{Now: n.now})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	s.Secret = nip47.Scheme + s.key.PubKey().String() + "?relay=" + url.QueryEscape(relay) + "&secret=" + hex.EncodeToString(raw) + "&lud16=shop@example.com"
	if change != nil {
		change(s)
	}
	stop, err := s.pool.Subscribe(t.Context(), []string{relay}, nip46.Filter{Kind: nip47.KindRequest, P: s.key.PubKey(), Since: n.now().Add(-time.Minute).Unix()}, s.take)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Cleanup(n.subscribe(s.notice))
	info := &nostr.Event{Kind: nip47.KindInfo, CreatedAt: n.now().Unix(), Content: s.Announced, Tags: nostr.Tags{{"notifications", "payment_received payment_sent"}}}
	if how == nip47.NIP44 {
		info.Tags = append(info.Tags, nostr.Tag{"encryption", "nip44_v2 nip04"})
	}
	if err := s.publish(t, info); err != nil {
		t.Fatal(err)
	}
	return s
}

// Allow gives the connection one more method.
func (s *Service) Allow(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Methods = append(s.Methods, method)
}

func (s *Service) publish(t testing.TB, e *nostr.Event) error {
	if err := s.key.Sign(e); err != nil {
		return err
	}
	return s.pool.Publish(t.Context(), []string{s.relay}, e)
}

// say closes and publishes one message to the client, without waiting.
func (s *Service) say(kind nostr.Kind, re string, plain any) {
	b, err := json.Marshal(plain)
	if err != nil {
		panic(err)
	}
	if m, _ := s.n.behaviour(); m.Garbage {
		b = []byte("<html>")
	}
	content, err := s.how.Close(s.key, s.client, b)
	if err != nil {
		panic(err)
	}
	e := &nostr.Event{Kind: kind, CreatedAt: s.n.now().Unix(), Content: content, Tags: nostr.Tags{{"p", s.client.String()}}}
	if re != "" {
		e.Tags = append(e.Tags, nostr.Tag{"e", re})
	}
	if s.key.Sign(e) != nil {
		return
	}
	go func() { _ = s.pool.Publish(context.Background(), []string{s.relay}, e) }()
}

// notice tells of a payment.
func (s *Service) notice(i bunker.Invoice) {
	kind := nip47.KindNotification
	if s.how == nip47.NIP04 {
		kind = nip47.KindNotification04
	}
	s.say(kind, "", map[string]any{"notification_type": "payment_received", "notification": transaction(&i)})
}

func transaction(i *bunker.Invoice) map[string]any {
	state := map[bunker.InvoiceState]string{bunker.InvoiceOpen: "pending", bunker.InvoiceSettled: "settled", bunker.InvoiceExpired: "expired", bunker.InvoiceCancelled: "failed"}[i.State]
	out := map[string]any{
		"type": "incoming", "state": state, "invoice": i.Bolt11, "description": i.Memo, "payment_hash": i.Hash.String(), "amount": i.AmountMsat, "fees_paid": 0,
		"created_at": i.CreatedAt / 1000, "expires_at": i.ExpiresAt / 1000,
	}
	if i.State == bunker.InvoiceSettled {
		out["amount"], out["settled_at"], out["preimage"] = i.PaidMsat, i.SettledAt/1000, strings.Repeat("00", 32)
	}
	return out
}

// take answers a request. It does not wait: whoever calls reads a socket.
func (s *Service) take(e *nostr.Event) {
	m, _ := s.n.behaviour()
	if e.Verify() != nil || e.PubKey != s.client || m.Slow {
		return
	}
	how := nip47.Encryption(e.Tags.Find("encryption").Value())
	if how == "" {
		how = nip47.NIP04
	}
	plain, err := how.Open(s.key, e.PubKey, e.Content)
	var q struct {
		Method string
		Params struct {
			Amount      int64
			Description string
			Expiry      int64
			PaymentHash string `json:"payment_hash"`
		}
	}
	if err != nil || json.Unmarshal(plain, &q) != nil {
		return
	}
	result, code, words := s.answer(q.Method, q.Params.Amount, q.Params.Description, q.Params.Expiry, q.Params.PaymentHash)
	if m.Status != 0 {
		code, words = "INTERNAL", "not today"
	}
	reply := map[string]any{"result_type": q.Method, "result": result, "error": nil}
	if code != "" {
		reply["result"], reply["error"] = nil, map[string]string{"code": code, "message": words}
	}
	s.say(nip47.KindResponse, e.ID.String(), reply)
}

func (s *Service) answer(method string, msat int64, memo string, expiry int64, hash string) (result any, code, words string) {
	switch method {
	case "get_info":
		s.mu.Lock()
		methods := slices.Clone(s.Methods)
		s.mu.Unlock()
		if methods == nil {
			return nil, nip47.CodeNotImplemented, "no such method"
		}
		return map[string]any{"alias": "shop", "pubkey": fmt.Sprintf("%x", s.n.Payee()), "network": "mainnet", "methods": methods, "notifications": []string{"payment_received"}}, "", ""
	case "make_invoice":
		i := s.n.create(msat, memo, time.Duration(expiry)*time.Second)
		t := transaction(&i)
		t["payment_hash"] = s.n.saidHash(i.Hash).String()
		return t, "", ""
	case "lookup_invoice":
		h, err := bunker.ParsePaymentHash(hash)
		i, ok := s.n.find(h)
		if err != nil || !ok {
			return nil, nip47.CodeNotFound, "no such invoice"
		}
		return transaction(&i), "", ""
	}
	return nil, nip47.CodeNotImplemented, "no such method"
}
