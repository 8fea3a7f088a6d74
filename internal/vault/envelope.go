package vault

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
	"nsecbunker/nostr/nip44"
)

// Kinds that only the bunker itself makes, or that the floor looks at.
const (
	kindSeal     nostr.Kind = 13
	kindDM       nostr.Kind = 4
	kindAuth     nostr.Kind = 22242 // NIP-42
	kindEnvelope nostr.Kind = 24133 // NIP-46
	kindAdmin    nostr.Kind = 24134 // security.md section 4
	kindBlossom  nostr.Kind = 24242 // BUD-01
	kindHTTP     nostr.Kind = 27235 // NIP-98
)

// Opened is what was in an envelope. It prints as "[secret]".
type Opened struct {
	Plaintext []byte
	Scheme    Scheme
	// Extended: the sender used NIP-44's extended length prefix, so it reads it.
	Extended bool
	Signer   nostr.PubKey // the key of ours that it was for
	Client   nostr.PubKey // who sent it
}

// Wipe zeroes the plaintext.
func (o *Opened) Wipe() { secret.Wipe(o.Plaintext) }

// Format prints secret.Placeholder for every verb.
func (o Opened) Format(f fmt.State, _ rune) { fmt.Fprint(f, secret.Placeholder) }

// OpenEnvelope decrypts an event of kind 24133 whose signature was verified
// before. It is opened by the signer key in its only p tag, or by a user key
// with npub login. NIP-44 or NIP-04 is told by the content.
//
// Errors: ErrNotOurs, ErrLocked (a key with npub login), ErrUnreadable.
func (v *Vault) OpenEnvelope(id bunker.TenantID, ev *nostr.Event) (Opened, error) {
	t, err := v.tenant(id)
	if err != nil {
		return Opened{}, err
	}
	to, ok := recipient(ev)
	if ev.Kind != kindEnvelope || !ok {
		return Opened{}, bunker.Errorf(bunker.CodeInvalid, "an envelope is an event of kind 24133 with one p tag").WithCause(ErrNotOurs)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	sk, _, err := t.signer(to)
	if err != nil {
		return Opened{}, err
	}
	o := Opened{Scheme: schemeOf(ev.Content), Signer: to, Client: ev.PubKey}
	o.Plaintext, o.Extended, err = v.decrypt(t, sk, ev.PubKey, o.Scheme, ev.Content)
	return o, err
}

// recipient returns the value of the only p tag.
func recipient(ev *nostr.Event) (nostr.PubKey, bool) {
	if ev.Tags.Count("p") != 1 {
		return nostr.PubKey{}, false
	}
	p, err := nostr.ParsePubKey(ev.Tags.Find("p").Value())
	return p, err == nil
}

// schemeOf tells NIP-04 by the separator that no base64 holds.
func schemeOf(content string) Scheme {
	if strings.Contains(content, "?iv=") {
		return NIP04
	}
	return NIP44
}

// signer returns the key that envelopes for pub are opened and closed with, and
// whether it is a user's. The caller holds the tenant's lock.
func (t *tenant) signer(pub nostr.PubKey) (sk *nostr.SecretKey, users bool, err error) {
	if s, ok := t.services[pub]; ok && s.role == bunker.RoleSigner {
		return s.SecretKey, false, nil
	}
	id := t.pubs[pub]
	u := t.users[id]
	if u == nil || !u.npubLogin {
		return nil, false, bunker.Errorf(bunker.CodeNotFound, "%s is no signer key of this bunker", pub).WithCause(ErrNotOurs)
	}
	if u.sk == nil {
		return nil, false, locked(id)
	}
	return u.sk, true, nil
}

// CloseReply makes the envelope (kind 24133) of a reply to a client: encrypted in
// the scheme of the request (interop.md 1) and signed by the signer key, which
// with npub login is the user key. It takes a reply and a client, never an event,
// so nothing else can be signed by it. extended says that the client reads
// NIP-44's extended length prefix; it is used only where the reply needs it.
//
// Errors: ErrTooLarge, ErrNotOurs, ErrLocked, nostr.ErrPubKey.
func (v *Vault) CloseReply(id bunker.TenantID, signer, client nostr.PubKey, scheme Scheme, extended bool, plaintext []byte, now time.Time) (*nostr.Event, error) {
	t, err := v.tenant(id)
	if err != nil {
		return nil, err
	}
	if scheme == NIP44 && len(plaintext) > nip44.MaxPlaintext && !extended {
		return nil, tooLarge(nip44.MaxPlaintext)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	sk, users, err := t.signer(signer)
	if err != nil {
		return nil, err
	}
	content, err := v.encrypt(t, sk, client, scheme, plaintext)
	if err != nil {
		return nil, err
	}
	tags := nostr.Tags{{"p", client.String()}}
	if users {
		return signed(sk, kindEnvelope, tags, content, now)
	}
	// A signer key signs nothing but envelopes, whose readers verify them; a check
	// here would be a tenth of the whole request.
	ev := unsigned(kindEnvelope, tags, content, now)
	if err := sk.SignUnchecked(ev); err != nil {
		return nil, fmt.Errorf("signing an envelope: %w", err)
	}
	return ev, nil
}

func tooLarge(limit int) error {
	return bunker.Errorf(bunker.CodeError, "the result is larger than the %d bytes that this app can read", limit).WithCause(ErrTooLarge)
}

// signed makes an event of the bunker's own.
func signed(sk *nostr.SecretKey, kind nostr.Kind, tags nostr.Tags, content string, now time.Time) (*nostr.Event, error) {
	ev := unsigned(kind, tags, content, now)
	if err := sk.Sign(ev); err != nil {
		return nil, fmt.Errorf("signing an event of kind %d: %w", kind, err)
	}
	return ev, nil
}

func unsigned(kind nostr.Kind, tags nostr.Tags, content string, now time.Time) *nostr.Event {
	return &nostr.Event{CreatedAt: now.Unix(), Kind: kind, Tags: tags, Content: content}
}

// conversation puts the key that sk and peer share into out: from the cache, or
// made and then kept. The caller holds the tenant's lock for reading, so that
// locking the key comes after and finds what was kept.
func (v *Vault) conversation(t *tenant, sk *nostr.SecretKey, peer nostr.PubKey, s Scheme, out *[keySize]byte) error {
	name := talk{tenant: t.no, own: sk.PubKey(), peer: peer, scheme: s}
	if v.talks.get(name, out) {
		return nil
	}
	var err error
	if s == NIP04 {
		err = nip04.SharedKey(sk, peer, out)
	} else {
		err = nip44.ConversationKey(sk, peer, out)
	}
	if errors.Is(err, nostr.ErrPubKey) {
		return bunker.Errorf(bunker.CodeInvalid, "%s is not a public key", peer).WithCause(err)
	}
	if err != nil {
		return err
	}
	v.talks.put(name, out)
	return nil
}

// encrypt encrypts for peer. A plaintext that NIP-44's short prefix cannot hold
// gets the extended one. The caller holds the tenant's lock for reading.
func (v *Vault) encrypt(t *tenant, sk *nostr.SecretKey, peer nostr.PubKey, s Scheme, plaintext []byte) (content string, err error) {
	var key [keySize]byte
	defer secret.Wipe(key[:])
	if err := v.conversation(t, sk, peer, s, &key); err != nil {
		return "", err
	}
	switch s {
	case NIP44:
		content, err = nip44.EncryptExtended(&key, plaintext)
	case NIP04:
		content, err = nip04.Encrypt(&key, plaintext)
	default:
		return "", fmt.Errorf("vault: encrypting: scheme %s", s)
	}
	switch {
	case errors.Is(err, nip44.ErrTooLarge):
		return "", tooLarge(nip44.MaxExtended)
	case errors.Is(err, nip04.ErrTooLarge):
		return "", tooLarge(nip04.MaxPlaintext)
	case err != nil:
		return "", bunker.Errorf(bunker.CodeInvalid, "%s", err).WithCause(err)
	}
	return content, nil
}

// decrypt decrypts what peer sent. The caller holds the tenant's lock for reading.
func (v *Vault) decrypt(t *tenant, sk *nostr.SecretKey, peer nostr.PubKey, s Scheme, content string) (plaintext []byte, extended bool, err error) {
	var key [keySize]byte
	defer secret.Wipe(key[:])
	if err := v.conversation(t, sk, peer, s, &key); err != nil {
		return nil, false, err
	}
	if s == NIP04 {
		plaintext, err = nip04.Decrypt(&key, content)
	} else {
		plaintext, extended, err = nip44.Decrypt(&key, content)
	}
	if err != nil {
		return nil, false, bunker.Errorf(bunker.CodeInvalid, "%s", err).WithCause(errors.Join(ErrUnreadable, err))
	}
	return plaintext, extended, nil
}
