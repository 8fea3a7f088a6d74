package seal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
	"nsecbunker/internal/vault"
)

// rootKeySize is the length of a root key in bytes.
const rootKeySize = 32

var (
	// ErrWrong means that a slot did not open: the passphrase, file, credential or
	// command is another one, or the slot was changed.
	ErrWrong = errors.New("seal: the slot does not open")
	// ErrNoSlot means that there is no slot of the kind that is needed.
	ErrNoSlot = errors.New("seal: there is no such slot")
)

// Config is what Slots are made of.
type Config struct {
	Arena    *secret.Arena    // required: opened root keys are put there
	KDF      KDF              // required: ChildKDF.Scrypt
	Attempts Attempts         // required
	Now      func() time.Time // required: ledger time
	// KeyAttempts keeps the tries of the own passphrase of one user key; nil: none is
	// tried.
	KeyAttempts func(bunker.KeyID) Attempts
	// LogN is the cost of new passphrase slots; 0: DefaultLogN.
	LogN uint8
	// CredentialsDir is systemd's CREDENTIALS_DIRECTORY; "": none.
	CredentialsDir string
	// Commands are the external commands of the configuration, by name: program
	// with its whole path, then arguments.
	Commands map[string][]string
	// CommandTimeout is how long one may take; 0: CommandTimeout.
	CommandTimeout time.Duration
}

// Slots makes and opens key slots. It keeps no secret. All methods may be called
// concurrently; passphrases are tried one at a time.
type Slots struct {
	cfg Config
	mu  sync.Mutex // one passphrase at a time
}

// New returns Slots, or an error that names what is missing.
func New(c Config) (*Slots, error) {
	if c.Arena == nil || c.KDF == nil || c.Attempts == nil || c.Now == nil {
		return nil, errors.New("seal: Arena, KDF, Attempts and Now are required")
	}
	if c.LogN == 0 {
		c.LogN = DefaultLogN
	}
	if c.LogN < MinLogN || c.LogN > MaxLogN {
		return nil, fmt.Errorf("seal: log_n %d is not between %d and %d", c.LogN, MinLogN, MaxLogN)
	}
	if c.CommandTimeout == 0 {
		c.CommandTimeout = CommandTimeout
	}
	return &Slots{cfg: c}, nil
}

// Input is what a person gives to make or open a slot. Which fields are read is
// the kind's: Passphrase; Path; Credential; Command. To open a slot only
// Passphrase is needed, the rest is in its row.
type Input struct {
	Name       string // of a new slot, for people
	Passphrase []byte // not changed; the caller wipes it
	Path       string // absolute, of a key file
	Credential string // name of a systemd credential
	Command    string // name of a command of the configuration
}

// Lend lends the root key to f: vault.WithRootKey of the tenant.
type Lend func(f func(root []byte) error) error

// Wrap makes a slot that opens the root key. The caller stores it.
func (s *Slots) Wrap(ctx context.Context, t bunker.TenantID, kind bunker.SlotKind, in Input, root Lend) (bunker.Slot, error) {
	p, err := s.newParams(kind, in)
	if err != nil {
		return bunker.Slot{}, err
	}
	slot := bunker.Slot{Tenant: t, ID: bunker.NewSlotID(), Kind: kind, Name: in.Name, CreatedAt: s.cfg.Now().UnixMilli()}
	return s.wrap(ctx, slot, p, in.Passphrase, root)
}

func (s *Slots) wrap(ctx context.Context, slot bunker.Slot, p params, passphrase []byte, root Lend) (bunker.Slot, error) {
	var err error
	if slot.Params, err = p.json(); err != nil {
		return bunker.Slot{}, fmt.Errorf("writing the slot's parameters: %w", err)
	}
	// What cannot be read again is not written.
	if _, err := parseParams(slot.Kind, slot.Params); err != nil {
		return bunker.Slot{}, err
	}
	key, err := s.key(ctx, &slot, p, passphrase)
	if err != nil {
		return bunker.Slot{}, err
	}
	defer secret.Wipe(key)
	err = root(func(b []byte) error {
		if len(b) != rootKeySize {
			return fmt.Errorf("a root key has %d bytes in place of %d", len(b), rootKeySize)
		}
		slot.Wrapped = vault.Wrap(key, place(&slot), b)
		return nil
	})
	if err != nil {
		return bunker.Slot{}, fmt.Errorf("wrapping the root key for the slot: %w", err)
	}
	return slot, nil
}

// newParams checks what a person gave and makes the parameters of a new slot.
func (s *Slots) newParams(kind bunker.SlotKind, in Input) (params, error) {
	switch kind {
	case bunker.SlotPassphrase:
		if err := CheckPassphrase(in.Passphrase); err != nil {
			return params{}, err
		}
		return s.passphraseParams(), nil
	case bunker.SlotFile:
		return params{Path: in.Path}, nil
	case bunker.SlotCredential:
		return params{Credential: in.Credential}, checkCredentialName(in.Credential)
	case bunker.SlotCommand:
		if in.Command == "" || len(in.Command) > MaxCommandName {
			return params{}, refuse("the name of a seal command has 1 to %d characters", MaxCommandName)
		}
		return params{Command: in.Command}, nil
	}
	return params{}, refuse("slot kind %q is none of passphrase, file, credential, command", kind).In("kind")
}

func (s *Slots) passphraseParams() params {
	var salt [saltSize]byte
	rand.Read(salt[:]) // never fails: crypto/rand ends the process instead
	return params{KDF: "scrypt", LogN: s.cfg.LogN, R: scryptR, P: scryptP, Salt: hex.EncodeToString(salt[:])}
}

// key returns the wrapping key of a slot; the caller wipes it.
func (s *Slots) key(ctx context.Context, slot *bunker.Slot, p params, passphrase []byte) ([]byte, error) {
	material, err := s.material(ctx, slot.Kind, p, passphrase)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(material)
	return vault.DeriveKey(material, "nsecbunker/slot/1", string(slot.Kind)), nil
}

func (s *Slots) material(ctx context.Context, kind bunker.SlotKind, p params, passphrase []byte) ([]byte, error) {
	switch kind {
	case bunker.SlotPassphrase:
		return stretch(s.cfg.KDF, passphrase, p.salt(), p.LogN)
	case bunker.SlotFile:
		return readKeyFile(p.Path)
	case bunker.SlotCredential:
		return readCredential(s.cfg.CredentialsDir, p.Credential)
	case bunker.SlotCommand:
		return s.runCommand(ctx, p.Command)
	}
	return nil, refuse("slot kind %q is not known here", kind)
}

// errKDF marks errors of the machine, not of the passphrase.
var errKDF = errors.New("seal: the passphrase could not be worked on")

func stretch(kdf KDF, passphrase, salt []byte, logN uint8) ([]byte, error) {
	normal, err := normalise(passphrase)
	if err != nil {
		return nil, errors.Join(err, errKDF)
	}
	defer secret.Wipe(normal)
	key, err := kdf(normal, salt, logN)
	if err != nil {
		return nil, errors.Join(err, errKDF)
	}
	return key, nil
}

// place binds a wrapped root key to its slot: id, kind and parameters.
func place(slot *bunker.Slot) vault.Place {
	sum := sha256.Sum256(slot.Params)
	return vault.Place{
		Tenant: string(slot.Tenant), Table: "slot", Row: string(slot.ID), Purpose: "root key",
		Flags: []string{string(slot.Kind), hex.EncodeToString(sum[:])},
	}
}

// open opens one slot, without counting tries.
func (s *Slots) open(ctx context.Context, slot *bunker.Slot, passphrase []byte) (*secret.Bytes, error) {
	p, err := parseParams(slot.Kind, slot.Params)
	if err != nil {
		return nil, fmt.Errorf("slot %s: %w", slot.ID, err)
	}
	if len(slot.Wrapped) != vault.WrapOverhead+rootKeySize {
		return nil, fmt.Errorf("slot %s: %w", slot.ID, vault.ErrFormat)
	}
	key, err := s.key(ctx, slot, p, passphrase)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(key)
	root, err := s.cfg.Arena.New(rootKeySize)
	if err != nil {
		return nil, fmt.Errorf("opening slot %s: %w", slot.ID, err)
	}
	use := root.Use(func(b []byte) { _, err = vault.Unwrap(key, place(slot), slot.Wrapped, b) })
	if use != nil {
		err = use
	}
	if err != nil {
		root.Destroy()
		return nil, fmt.Errorf("slot %s: %w (%w)", slot.ID, ErrWrong, err)
	}
	return root, nil
}
