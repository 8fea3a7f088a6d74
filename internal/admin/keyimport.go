package admin

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/vault"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip06"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip49"
)

type keyImportParams struct {
	keyOptions
	Secret   secret.Param `json:"secret" doc:"nsec1…, ncryptsec1…, 12 to 24 words, or 64 hex digits"`
	Password secret.Param `json:"password,omitempty" doc:"of an ncryptsec; or the recovery phrase's own passphrase"`
	Account  uint32       `json:"account,omitempty" doc:"of a recovery phrase: m/44'/1237'/account'/0/0"`
	Relays   []string     `json:"relays,omitempty" doc:"more relays to ask for the account's profile and lists"`
	NoBase   bool         `json:"no_baseline,omitempty" doc:"ask no relay for the account's profile and lists"`
}

func (t *Table) keyImport(ctx context.Context, c *Call, p keyImportParams) (keyResult, error) {
	// A name that is in use is found before seconds of scrypt.
	if _, err := name("name", p.Name); err != nil {
		return keyResult{}, err
	}
	named, err := t.named("relays", p.Relays)
	if err != nil {
		return keyResult{}, err
	}
	raw, insecure, err := t.readSecret(p)
	if err != nil {
		return keyResult{}, err
	}
	res, err := t.newKey(ctx, c, p.keyOptions, raw, t.fetchBaseline(ctx, p, raw, named))
	if errors.Is(err, nostr.ErrSecretKey) {
		return res, bunker.Errorf(bunker.CodeInvalid, "this is no private key: its number is zero or too large").In("secret").WithCause(err)
	}
	if err == nil && insecure {
		res.Warnings = append(res.Warnings, "what you typed is still wherever it was copied from: clear the clipboard, and delete copies that lie about")
	}
	return res, err
}

// fetchBaseline asks relays for what the account has. That nothing is found, or that
// nobody answers, does not keep the key out: the guard then asks once for each list.
func (t *Table) fetchBaseline(ctx context.Context, p keyImportParams, raw []byte, named []string) *Baseline {
	if p.NoBase {
		return &Baseline{}
	}
	// A name that is in use, or a key that is none, is said by who stores it.
	if _, err := t.Rows.Key(ctx, t.Tenant, p.Name); err == nil {
		return &Baseline{}
	}
	pub, err := pubKeyOf(bytes.Clone(raw))
	if err != nil {
		return &Baseline{}
	}
	held := t.eachKey(ctx, func(k *bunker.UserKey) error {
		if k.PubKey == pub {
			return heldAs(k.Name)
		}
		return nil
	})
	if held != nil {
		return &Baseline{}
	}
	b := t.Events.Baseline(ctx, pub, named, nil)
	return &b
}

// readSecret reads a private key in any of its forms; the caller wipes it.
// insecure: the form shows the key to whoever sees it.
func (t *Table) readSecret(p keyImportParams) (raw []byte, insecure bool, err error) {
	s := bytes.TrimSpace(p.Secret)
	lower := bytes.ToLower(s[:min(len(s), len(nip49.HRP)+1)])
	defer secret.Wipe(lower)
	switch {
	case bytes.HasPrefix(lower, []byte(nip49.HRP+"1")):
		raw, _, err = nip49.Decrypt(s, p.Password, t.KDF)
		if errors.Is(err, nip49.ErrDecrypt) || errors.Is(err, nip49.ErrPassword) {
			return nil, false, refusedSecret("password", err)
		}
	case bytes.HasPrefix(lower, []byte("nsec1")):
		insecure = true
		raw, err = nip19.DecodeNsec(s)
	case bytes.HasPrefix(lower, []byte("npub1")):
		return nil, false, bunker.Errorf(bunker.CodeInvalid, "this is a public key (npub); importing needs the private one").In("secret")
	case bytes.ContainsAny(s, " \t\r\n"):
		insecure = true
		raw, err = nip06.FromMnemonic(s, p.Password, p.Account)
	case len(s) == 64:
		insecure = true
		raw = make([]byte, 32)
		if _, err = hex.Decode(raw, s); err != nil {
			err = errors.New("64 hex digits were expected; some characters are others") // hex's error repeats one
		}
	default:
		err = errors.New("this is neither an nsec, an ncryptsec, a recovery phrase nor 64 hex digits")
	}
	if err != nil {
		secret.Wipe(raw)
		return nil, false, refusedSecret("secret", err)
	}
	return raw, insecure, nil
}

// refusedSecret passes a reader's words on; none of them repeats the input. What
// the machine lacks (memory for scrypt) is not the caller's fault.
func refusedSecret(field string, err error) error {
	known := []error{
		nip49.ErrFormat, nip49.ErrVersion, nip49.ErrLogN, nip49.ErrSecurityByte, nip49.ErrPassword, nip49.ErrDecrypt,
		nip06.ErrLength, nip06.ErrCount, nip06.ErrWord, nip06.ErrChecksum, nip06.ErrPassphrase, nip06.ErrAccount, nip06.ErrNoKey,
	}
	words := err.Error()
	for _, k := range known {
		if errors.Is(err, k) {
			return bunker.Errorf(bunker.CodeInvalid, "%s", words).In(field)
		}
	}
	var inner *bunker.Error
	if errors.As(err, &inner) {
		return err
	}
	return bunker.Errorf(bunker.CodeInvalid, "%s", words).In(field)
}

// holder names the key that an imported one is already, in the error; err where
// it is none.
func (t *Table) holder(ctx context.Context, raw []byte, err error) error {
	if raw == nil || !errors.Is(err, vault.ErrHeld) {
		return err
	}
	pub, bad := pubKeyOf(raw)
	if bad != nil {
		return errors.Join(err, bad)
	}
	found := t.eachKey(ctx, func(k *bunker.UserKey) error {
		if k.PubKey == pub {
			return heldAs(k.Name)
		}
		return nil
	})
	if found != nil {
		return found
	}
	return err
}

// scratchArena is room for one key.
const scratchArena = 4096

// pubKeyOf returns the public key of a private one, which is wiped.
func pubKeyOf(raw []byte) (pub nostr.PubKey, err error) {
	a, err := secret.NewArena(scratchArena, secret.Options{AllowSwap: true})
	if err != nil {
		secret.Wipe(raw)
		return pub, err
	}
	defer a.Close()
	sk, err := nostr.NewSecretKey(a, raw)
	if err != nil {
		return pub, err
	}
	defer sk.Destroy()
	return sk.PubKey(), nil
}
