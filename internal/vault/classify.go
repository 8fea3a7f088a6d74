package vault

import (
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
)

// Classify44 decrypts as Decrypt44 does and tells only what came to light
// (security.md section 2, Decrypt rights are by result); the text is wiped. It is
// for deciding, where a rule hangs on it, and for nothing else.
//
// Errors: those of Decrypt44.
func (v *Vault) Classify44(f Floor, key bunker.KeyID, peer nostr.PubKey, payload string) (bunker.DecryptResult, error) {
	plaintext, err := v.Decrypt44(f, key, peer, payload)
	if err != nil {
		return "", err
	}
	defer secret.Wipe(plaintext)
	_, sub, err := v.subject(f, key)
	if err != nil {
		return "", err
	}
	return classify(plaintext, sub.pub, peer), nil
}

// classify says what a text is that peer and the key's owner share: a wrap is a
// signed kind 13; a message is a rumor of kind 14, 15 or 7 by the peer, so that
// nobody's words are passed off as another's.
func classify(plaintext []byte, own, peer nostr.PubKey) bunker.DecryptResult {
	if peer == own {
		return bunker.ResultSelf
	}
	if e, err := nostr.ParseEvent(plaintext); err == nil { // it is signed, so it is no rumor
		if e.Kind == 13 && e.Verify() == nil {
			return bunker.ResultWrap
		}
		return bunker.ResultOther
	}
	t, err := nostr.ParseTemplate(plaintext)
	if err != nil || !t.HasPubKey || t.PubKey != peer {
		return bunker.ResultOther
	}
	switch t.Kind {
	case 14, 15, 7:
		return bunker.ResultDM
	}
	return bunker.ResultOther
}
