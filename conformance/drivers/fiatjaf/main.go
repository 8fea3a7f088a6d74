// Command fiatjaf drives fiatjaf.com/nostr's NIP-46 client, which nak is made of.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/url"

	"fiatjaf.com/nostr"
	"fiatjaf.com/nostr/nip46"

	"nsecbunker/conformance/drivers/serve"
)

func main() {
	serve.Run(func() serve.Session {
		ctx, cancel := context.WithCancel(context.Background())
		return &session{ctx: ctx, cancel: cancel}
	})
}

type session struct {
	ctx     context.Context
	cancel  context.CancelFunc
	client  *nip46.BunkerClient
	waiting chan error
}

// Do implements serve.Session.
func (s *session) Do(op string, a serve.Args) (any, error) {
	switch op {
	case "connect":
		return nil, s.connect(a)
	case "nostrconnect":
		return s.nostrconnect(a)
	case "connected":
		return nil, <-s.waiting
	case "get_public_key":
		pk, err := s.client.GetPublicKey(s.ctx)
		return pk.Hex(), err
	case "ping":
		return "pong", s.client.Ping(s.ctx)
	case "sign_event":
		var ev nostr.Event
		if err := json.Unmarshal(a.Event, &ev); err != nil {
			return nil, err
		}
		err := s.client.SignEvent(s.ctx, &ev)
		return json.RawMessage(ev.String()), err
	case "switch_relays":
		return s.client.SwitchRelays(s.ctx)
	case "rpc":
		return s.client.RPC(s.ctx, a.Method, a.Params)
	case "close":
		s.cancel()
		return nil, nil
	}
	return s.crypt(op, a)
}

func (s *session) crypt(op string, a serve.Args) (any, error) {
	do := map[string]func(context.Context, nostr.PubKey, string) (string, error){
		"nip04_encrypt": s.client.NIP04Encrypt, "nip04_decrypt": s.client.NIP04Decrypt,
		"nip44_encrypt": s.client.NIP44Encrypt, "nip44_decrypt": s.client.NIP44Decrypt,
	}[op]
	if do == nil {
		return nil, serve.Lacks("no function for " + op)
	}
	peer, err := nostr.PubKeyFromHex(a.Peer)
	if err != nil {
		return nil, err
	}
	return do(s.ctx, peer, a.Text)
}

func (s *session) connect(a serve.Args) error {
	switch {
	case a.Perms != nil:
		return serve.Lacks("ConnectBunker sends no permissions")
	case a.Metadata != nil:
		return serve.Lacks("ConnectBunker sends no metadata")
	case a.Envelope != "":
		return serve.Lacks("the envelope cannot be chosen")
	}
	key, err := secretKey(a.Key)
	if err != nil {
		return err
	}
	s.client, err = nip46.ConnectBunker(s.ctx, key, a.URI, nil, func(string) {})
	return err
}

func (s *session) nostrconnect(a serve.Args) (string, error) {
	key, err := secretKey(a.Key)
	if err != nil {
		return "", err
	}
	uri, err := nip46.GenerateNostrConnectURL(s.ctx, key, []string{a.Relay}, a.Perms, a.Name, "", "")
	if err != nil {
		return "", err
	}
	parsed, err := url.Parse(uri)
	if err != nil {
		return "", err
	}
	s.waiting = make(chan error, 1)
	go func() {
		var err error
		s.client, err = nip46.NewBunkerFromNostrConnect(s.ctx, key, []string{a.Relay}, parsed.Query().Get("secret"), nil)
		s.waiting <- err
	}()
	return uri, nil
}

func secretKey(text string) (nostr.SecretKey, error) {
	raw, err := hex.DecodeString(text)
	return nostr.SecretKey(raw), err
}
