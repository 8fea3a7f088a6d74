package nip46test

import (
	"encoding/json"
	"errors"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip46"
)

// Know lets a client in, as a nostrconnect:// link does.
func (b *Bunker) Know(client nostr.PubKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known[client] = true
}

func (b *Bunker) do(from nostr.PubKey, r nip46.Request) (string, error) {
	if r.Method == nip46.Connect {
		p, err := nip46.ParseConnect(r)
		if err != nil {
			return "", err
		}
		if p.Secret != b.Secret && !b.known[from] {
			return "", errors.New("restricted: this link is not valid, or was used")
		}
		b.known[from] = true
		return "ack", nil
	}
	if !b.known[from] {
		return "", errors.New("restricted: connect first")
	}
	switch r.Method {
	case nip46.Ping:
		return "pong", nil
	case nip46.GetPublicKey:
		return b.User.PubKey().String(), nil
	case nip46.SwitchRelays:
		list, err := json.Marshal(b.relays)
		return string(list), err
	case nip46.Logout:
		delete(b.known, from)
		return "ack", nil
	case nip46.SignEvent:
		t, err := nostr.ParseTemplate([]byte(r.Param(0)))
		if err != nil {
			return "", err
		}
		e := t.Event(b.User.PubKey())
		err = b.User.Sign(e)
		return string(e.AppendJSON(nil)), err
	}
	if r.Method.HasPeer() {
		return b.crypt(r)
	}
	return "", errors.New("invalid: unknown method")
}

func (b *Bunker) crypt(r nip46.Request) (string, error) {
	peer, err := nostr.ParsePubKey(r.Param(0))
	if err != nil {
		return "", err
	}
	var key [32]byte
	if r.Method == nip46.NIP04Encrypt || r.Method == nip46.NIP04Decrypt {
		err = nip04.SharedKey(b.User, peer, &key)
	} else {
		err = nip44.ConversationKey(b.User, peer, &key)
	}
	if err != nil {
		return "", err
	}
	var text []byte
	switch r.Method {
	case nip46.NIP04Encrypt:
		return nip04.Encrypt(&key, []byte(r.Param(1)))
	case nip46.NIP04Decrypt:
		text, err = nip04.Decrypt(&key, r.Param(1))
	case nip46.NIP44Encrypt:
		return nip44.EncryptExtended(&key, []byte(r.Param(1)))
	default:
		text, _, err = nip44.Decrypt(&key, r.Param(1))
	}
	return string(text), err
}
