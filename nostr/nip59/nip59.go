// Package nip59 wraps events so that relays see neither who wrote them nor what
// (NIP-59): a rumor, which is not signed, inside a seal of kind 13 by its author,
// inside a gift wrap of kind 1059 by a key that is used once.
//
// Reading checks what the NIP asks for and what forgers would use: both
// signatures, that the seal has no tags, that the rumor is not signed and its id
// is right, and that the seal's author is the rumor's (NIP-17, Encrypting).
package nip59

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
)

// The kinds of NIP-59.
const (
	KindSeal          nostr.Kind = 13
	KindWrap          nostr.Kind = 1059
	KindEphemeralWrap nostr.Kind = 21059
)

const (
	// MaxTweak is how far in the past seals and wraps are dated, at random.
	MaxTweak = 48 * time.Hour
	// MaxWrap is the longest content of a gift wrap that is opened, in bytes: a
	// rumor of some 60 kB, which NIP-44 holds twice over.
	MaxWrap = 128 << 10
)

// Errors of Unwrap. All mean that nothing of the content is to be believed.
var (
	ErrNotWrap  = errors.New("nip59: it is no gift wrap")
	ErrSeal     = errors.New("nip59: the seal is not a seal as NIP-59 wants it")
	ErrRumor    = errors.New("nip59: the rumor is signed, or its id is not its hash")
	ErrAuthor   = errors.New("nip59: the seal is by another author than the rumor")
	ErrUnopened = errors.New("nip59: it cannot be decrypted")
)

// NewRumor dates an event and gives it its id. It has no signature.
func NewRumor(author nostr.PubKey, kind nostr.Kind, tags nostr.Tags, content string, at time.Time) *nostr.Event {
	r := &nostr.Event{PubKey: author, CreatedAt: at.Unix(), Kind: kind, Tags: tags, Content: content}
	r.ID = r.ComputeID()
	return r
}

// Wrap seals a rumor with its author's key and wraps it for one reader by a key
// that is used once, in the arena a, and destroyed. Seal and wrap are each dated
// up to MaxTweak before now. The rumor's author must be the key's.
func Wrap(a *secret.Arena, author *nostr.SecretKey, rumor *nostr.Event, to nostr.PubKey, now time.Time) (*nostr.Event, error) {
	if rumor.PubKey != author.PubKey() {
		return nil, ErrAuthor
	}
	sealed, err := encrypt(author, to, appendRumor(nil, rumor))
	if err != nil {
		return nil, fmt.Errorf("nip59: sealing: %w", err)
	}
	seal := &nostr.Event{Kind: KindSeal, CreatedAt: tweak(now), Tags: nostr.Tags{}, Content: sealed}
	if err := author.Sign(seal); err != nil {
		return nil, fmt.Errorf("nip59: signing a seal: %w", err)
	}
	once, err := nostr.GenerateKey(a)
	if err != nil {
		return nil, fmt.Errorf("nip59: making a key to use once: %w", err)
	}
	defer once.Destroy()
	wrapped, err := encrypt(once, to, seal.AppendJSON(nil))
	if err != nil {
		return nil, fmt.Errorf("nip59: wrapping: %w", err)
	}
	wrap := &nostr.Event{Kind: KindWrap, CreatedAt: tweak(now), Tags: nostr.Tags{{"p", to.String()}}, Content: wrapped}
	if err := once.Sign(wrap); err != nil {
		return nil, fmt.Errorf("nip59: signing a wrap: %w", err)
	}
	return wrap, nil
}

// Unwrap opens a gift wrap with the reader's key and returns the rumor, whose
// PubKey is its author: proved by the seal's signature. The rumor has no
// signature.
func Unwrap(reader *nostr.SecretKey, wrap *nostr.Event) (*nostr.Event, error) {
	if wrap.Kind != KindWrap && wrap.Kind != KindEphemeralWrap || len(wrap.Content) > MaxWrap {
		return nil, ErrNotWrap
	}
	if err := wrap.Verify(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotWrap, err)
	}
	plain, err := decrypt(reader, wrap.PubKey, wrap.Content)
	if err != nil {
		return nil, err
	}
	seal, err := nostr.ParseEvent(plain)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	if seal.Kind != KindSeal || len(seal.Tags) != 0 {
		return nil, ErrSeal
	}
	if err := seal.Verify(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSeal, err)
	}
	if plain, err = decrypt(reader, seal.PubKey, seal.Content); err != nil {
		return nil, err
	}
	rumor, err := ParseRumor(plain)
	if err != nil {
		return nil, err
	}
	if rumor.PubKey != seal.PubKey {
		return nil, ErrAuthor
	}
	return rumor, nil
}

// ParseRumor reads an unsigned event: every field but the signature must be
// there, and the id must be its hash.
func ParseRumor(b []byte) (*nostr.Event, error) {
	t, err := nostr.ParseTemplate(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRumor, err)
	}
	var rest struct {
		ID  string `json:"id"`
		Sig string `json:"sig"`
	}
	if err := json.Unmarshal(b, &rest); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRumor, err)
	}
	if !t.HasPubKey || rest.Sig != "" {
		return nil, ErrRumor
	}
	r := t.Event(t.PubKey)
	r.ID = r.ComputeID()
	if rest.ID != r.ID.String() {
		return nil, ErrRumor
	}
	return r, nil
}

// appendRumor writes a rumor: an event without sig.
func appendRumor(dst []byte, r *nostr.Event) []byte {
	b := r.AppendJSON(dst)
	// AppendJSON ends with the signature: ,"sig":"<128 hex>"}
	const tail = len(`,"sig":""}`) + 128
	return append(b[:len(b)-tail], '}')
}

// tweak is a time up to MaxTweak before now, at random, in unix seconds.
func tweak(now time.Time) int64 {
	var b [8]byte
	rand.Read(b[:]) // never fails since Go 1.24: it ends the process instead
	return now.Unix() - int64(binary.BigEndian.Uint64(b[:])%uint64(MaxTweak/time.Second))
}

func encrypt(sk *nostr.SecretKey, to nostr.PubKey, plain []byte) (string, error) {
	var key [32]byte
	defer secret.Wipe(key[:])
	if err := nip44.ConversationKey(sk, to, &key); err != nil {
		return "", err
	}
	return nip44.Encrypt(&key, plain)
}

func decrypt(sk *nostr.SecretKey, from nostr.PubKey, content string) ([]byte, error) {
	var key [32]byte
	defer secret.Wipe(key[:])
	if err := nip44.ConversationKey(sk, from, &key); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnopened, err)
	}
	plain, _, err := nip44.Decrypt(&key, content)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnopened, err)
	}
	return plain, nil
}
