package session

import (
	"crypto/rand"
	"slices"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
)

// epoch is the bunker's key for proofs: what was said to it cannot be read any
// more once it is destroyed, whoever has every other key.
type epoch struct {
	born   time.Time
	key    *nostr.SecretKey // E_b
	secret *secret.Bytes    // knows the bunker's nonces again
}

func (e *epoch) destroy() {
	e.key.Destroy()
	e.secret.Destroy()
}

// epoch returns the one that challenges are made with now. d.mu is held.
func (d *Door) epoch(now time.Time) (*epoch, error) {
	if n := len(d.epochs); n > 0 && !gone(now, d.epochs[n-1].born, adminwire.EpochEvery) {
		return d.epochs[n-1], nil
	}
	key, err := nostr.GenerateKey(d.Arena)
	if err != nil {
		return nil, err
	}
	sec, err := d.Arena.New(32)
	if err == nil {
		err = sec.Use(func(b []byte) { rand.Read(b) })
	}
	if err != nil {
		key.Destroy()
		return nil, err
	}
	e := &epoch{now, key, sec}
	d.epochs = append(d.epochs, e)
	return e, nil
}

func (d *Door) sweepEpochs(now time.Time) {
	d.epochs = slices.DeleteFunc(d.epochs, func(e *epoch) bool {
		old := gone(now, e.born, adminwire.EpochLife)
		if old {
			e.destroy()
		}
		return old
	})
}

// standingEpochs are those whose proofs are taken, the newest first.
func (d *Door) standingEpochs(now time.Time) []*epoch {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweepEpochs(now)
	out := slices.Clone(d.epochs)
	slices.Reverse(out)
	return out
}

// nb is the epoch's nonce for a client.
func (e *epoch) nb(client nostr.PubKey, nc adminwire.Nonce) (nb adminwire.Nonce, err error) {
	err = e.secret.Use(func(b []byte) { nb = adminwire.NB(b, client, nc) })
	return nb, err
}

// open decrypts what a client sent to the epoch key; the caller destroys the key
// of the conversation.
func (e *epoch) open(a *secret.Arena, ev *nostr.Event) (plain []byte, key *secret.Bytes, err error) {
	key, err = conversation(a, e.key, ev.PubKey)
	if err != nil {
		return nil, nil, err
	}
	if plain, err = decrypt(key, ev.Content); err != nil {
		key.Destroy()
		return nil, nil, err
	}
	return plain, key, nil
}

// conversation makes the key between sk and peer, in the arena.
func conversation(a *secret.Arena, sk *nostr.SecretKey, peer nostr.PubKey) (*secret.Bytes, error) {
	key, err := a.New(32)
	if err != nil {
		return nil, err
	}
	use := key.Use(func(b []byte) { err = nip44.ConversationKey(sk, peer, (*[32]byte)(b)) })
	if use != nil {
		err = use
	}
	if err != nil {
		key.Destroy()
		return nil, err
	}
	return key, nil
}

func decrypt(key *secret.Bytes, content string) (plain []byte, err error) {
	use := key.Use(func(b []byte) { plain, _, err = nip44.Decrypt((*[32]byte)(b), content) })
	if use != nil {
		return nil, use
	}
	return plain, err
}

func encrypt(key *secret.Bytes, plain []byte) (content string, err error) {
	use := key.Use(func(b []byte) { content, err = nip44.Encrypt((*[32]byte)(b), plain) })
	if use != nil {
		return "", use
	}
	return content, err
}
