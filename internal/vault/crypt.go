package vault

import (
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// Encrypt44 encrypts for peer with a user key (NIP-44), after the floor let it
// pass, and remembers the result for MadeCiphertext. More than 65,535 bytes get
// the extended length prefix.
//
// Errors: ErrNever, ErrLocked, ErrSealed, ErrTooLarge; CodeInvalid for what
// cannot be encrypted.
func (v *Vault) Encrypt44(f Floor, key bunker.KeyID, peer nostr.PubKey, plaintext []byte) (string, error) {
	return v.encryptUser(f, key, peer, NIP44, plaintext)
}

// Encrypt04 is Encrypt44 for NIP-04.
func (v *Vault) Encrypt04(f Floor, key bunker.KeyID, peer nostr.PubKey, plaintext []byte) (string, error) {
	return v.encryptUser(f, key, peer, NIP04, plaintext)
}

// Decrypt44 decrypts what peer sent to a user key, or it to peer (NIP-44), after
// the floor let it pass. The caller wipes the plaintext.
//
// Errors: ErrNever, ErrLocked, ErrSealed, ErrUnreadable.
func (v *Vault) Decrypt44(f Floor, key bunker.KeyID, peer nostr.PubKey, payload string) ([]byte, error) {
	return v.decryptUser(f, key, peer, NIP44, payload)
}

// Decrypt04 is Decrypt44 for NIP-04.
func (v *Vault) Decrypt04(f Floor, key bunker.KeyID, peer nostr.PubKey, payload string) ([]byte, error) {
	return v.decryptUser(f, key, peer, NIP04, payload)
}

func (v *Vault) encryptUser(f Floor, key bunker.KeyID, peer nostr.PubKey, s Scheme, plaintext []byte) (content string, err error) {
	t, sub, err := v.subject(f, key)
	if err != nil {
		return "", err
	}
	if err := v.checkPeer(&f, sub, peer); err != nil {
		return "", err
	}
	if err := checkText(sub, plaintext); err != nil {
		return "", err
	}
	err = t.withUser(key, sub.pub, func(sk *nostr.SecretKey) error {
		content, err = v.encrypt(t, sk, peer, s, plaintext)
		return err
	})
	if err != nil {
		return "", err
	}
	v.made.add(f.Connection, content, v.now())
	return content, nil
}

func (v *Vault) decryptUser(f Floor, key bunker.KeyID, peer nostr.PubKey, s Scheme, payload string) (plaintext []byte, err error) {
	t, sub, err := v.subject(f, key)
	if err != nil {
		return nil, err
	}
	if err := v.checkPeer(&f, sub, peer); err != nil {
		return nil, err
	}
	err = t.withUser(key, sub.pub, func(sk *nostr.SecretKey) error {
		plaintext, _, err = v.decrypt(t, sk, peer, s, payload)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := checkText(sub, plaintext); err != nil {
		secret.Wipe(plaintext)
		return nil, err
	}
	return plaintext, nil
}
