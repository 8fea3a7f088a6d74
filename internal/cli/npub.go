package cli

import (
	"errors"
	"strings"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// publicKey reads an npub or its hex; what names the field in the error.
func publicKey(what, text string) (nostr.PubKey, error) {
	key, err := nip19.ParsePublicKey(text)
	if err != nil {
		return key, usage("%s: %s", what, npubWords(err))
	}
	return key, nil
}

// npubWords is why a text is no public key, without the names of the packages that
// found it out. It repeats nothing of the text, which may be a private key.
func npubWords(err error) string {
	var wrong *nip19.WrongKindError
	if errors.As(err, &wrong) {
		return strings.TrimPrefix(wrong.Error(), "nip19: ")
	}
	text := err.Error() // "reading an npub (a public key): bech32: too short; …"
	return text[strings.LastIndex(text, ": ")+len(": "):]
}

// checkNpub refuses what is no public key, by name.
func checkNpub(what, npub string) error {
	_, err := publicKey(what, npub)
	return err
}
