package vault

import (
	"errors"

	"nsecbunker/internal/bunker"
)

// What callers tell apart with errors.Is. People see the *bunker.Error around
// them.
var (
	// ErrSealed: the root key is not in memory.
	ErrSealed = errors.New("vault: sealed")
	// ErrLocked: the user key is not in memory.
	ErrLocked = errors.New("vault: the key is locked")
	// ErrNever: the floor below every policy refused; no grant changes that.
	ErrNever = errors.New("vault: never allowed")
	// ErrNoExport: the key may not leave, for ever.
	ErrNoExport = errors.New("vault: no export")
	// ErrPassphrase: the key's own passphrase is missing or wrong.
	ErrPassphrase = errors.New("vault: the key's own passphrase is missing or wrong")
	// ErrNotOurs: no key of ours that may do this has that pubkey.
	ErrNotOurs = errors.New("vault: not a key of ours")
	// ErrHeld: the pubkey is already in use, maybe in another role.
	ErrHeld = errors.New("vault: the pubkey is already in use")
	// ErrTooLarge: the reply does not fit what the client can read.
	ErrTooLarge = errors.New("vault: the reply is too large for this client")
	// ErrUnreadable: an envelope or ciphertext does not open.
	ErrUnreadable = errors.New("vault: cannot be decrypted")
)

func sealed() error {
	return bunker.Errorf(bunker.CodeSealed, "the bunker is sealed; its owner has to unseal it").
		WithHint("nsecbunker unseal").WithCause(ErrSealed)
}

func locked(id bunker.KeyID) error {
	return bunker.Errorf(bunker.CodeRestricted, "the key is locked; its owner has to unlock it").
		WithHint("nsecbunker key unlock %s", id).WithCause(ErrLocked)
}

func unknownTenant(t bunker.TenantID) error {
	return bunker.Errorf(bunker.CodeNotFound, "there is no bunker %q here", t)
}

func held(words string) error {
	return bunker.Errorf(bunker.CodeConflict, "%s", words).WithCause(ErrHeld)
}
