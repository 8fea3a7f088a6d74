package seal

import (
	"context"
	"errors"
	"fmt"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/secret"
)

// Open opens one slot. The passphrase is read for a passphrase slot only, and the
// try is counted. The caller gives the root key to the vault and destroys it.
//
// Errors: ErrWrong, ErrParams, CodeRateLimited, what the kind's source says.
func (s *Slots) Open(ctx context.Context, slot bunker.Slot, in Input) (*secret.Bytes, error) {
	if slot.Kind.NeedsPerson() {
		root, _, err := s.OpenPassphrase(ctx, []bunker.Slot{slot}, in.Passphrase)
		return root, err
	}
	root, err := s.open(ctx, &slot, nil)
	if errors.Is(err, ErrWrong) {
		return nil, bunker.Errorf(bunker.CodeInvalid, "the slot %s (%s) does not open: its %s is another one now, or the slot was changed",
			slot.ID, slot.Name, slot.Kind).WithCause(err)
	}
	return root, err
}

// OpenPassphrase tries the passphrase on all passphrase slots, as one try, and
// returns the root key and the slot that opened.
//
// Errors: ErrNoSlot, ErrWrong, CodeRateLimited; the store's, in which case nothing
// was tried.
func (s *Slots) OpenPassphrase(ctx context.Context, slots []bunker.Slot, passphrase []byte) (*secret.Bytes, bunker.Slot, error) {
	mine := make([]bunker.Slot, 0, len(slots))
	for _, slot := range slots {
		if slot.Kind == bunker.SlotPassphrase {
			mine = append(mine, slot)
		}
	}
	if len(mine) == 0 {
		return nil, bunker.Slot{}, bunker.Errorf(bunker.CodeNotFound, "no passphrase opens this bunker: it has no passphrase slot").WithCause(ErrNoSlot)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	right, unmade, err := s.try(ctx, s.cfg.Attempts)
	if err != nil {
		return nil, bunker.Slot{}, err
	}
	var failed error
	for _, slot := range mine {
		root, err := s.open(ctx, &slot, passphrase)
		if err == nil {
			if err := right(); err != nil {
				root.Destroy()
				return nil, bunker.Slot{}, err
			}
			return root, slot, nil
		}
		if errors.Is(err, errKDF) {
			return nil, bunker.Slot{}, errors.Join(err, unmade())
		}
		failed = errors.Join(failed, err)
	}
	if !errors.Is(failed, ErrWrong) { // damaged rows say nothing of the passphrase
		return nil, bunker.Slot{}, errors.Join(failed, unmade())
	}
	return nil, bunker.Slot{}, bunker.Errorf(bunker.CodeNeedsProof, "the passphrase is wrong").In("passphrase").WithCause(failed)
}

// Verify tells whether the passphrase opens one of the slots to the root key that
// ours knows: a fresh proof for a dangerous command. It counts as a try. Slots
// have no MAC, so that one opens says nothing by itself: somebody who can write to
// the store can put one there.
func (s *Slots) Verify(ctx context.Context, slots []bunker.Slot, passphrase []byte, ours func(root []byte) bool) error {
	root, slot, err := s.OpenPassphrase(ctx, slots, passphrase)
	if err != nil {
		return err
	}
	defer root.Destroy()
	same := false
	if err := root.Use(func(b []byte) { same = ours(b) }); err != nil {
		return err
	}
	if !same {
		return bunker.Errorf(bunker.CodeNeedsProof, "this passphrase opens the slot %s, which is not of this bunker's root key: somebody put it there", slot.ID).In("passphrase")
	}
	return nil
}

// OpenUnattended opens the first slot that needs no person: files, credentials
// and commands, in the order given. ErrNoSlot if there is none such; else the
// error says what is wrong with each.
func (s *Slots) OpenUnattended(ctx context.Context, slots []bunker.Slot) (*secret.Bytes, bunker.Slot, error) {
	var failed error
	for _, slot := range slots {
		if slot.Kind.NeedsPerson() {
			continue
		}
		root, err := s.Open(ctx, slot, Input{})
		if err == nil {
			return root, slot, nil
		}
		failed = errors.Join(failed, fmt.Errorf("slot %s: %w", slot.ID, err))
	}
	if failed == nil {
		failed = ErrNoSlot
	}
	return nil, bunker.Slot{}, failed
}

// ChangePassphrase opens a passphrase slot with the old passphrase and returns the
// same slot, with the same id and name, under the new one: one row to store.
func (s *Slots) ChangePassphrase(ctx context.Context, slot bunker.Slot, old, next []byte) (bunker.Slot, error) {
	if slot.Kind != bunker.SlotPassphrase {
		return bunker.Slot{}, refuse("the slot %s is no passphrase", slot.ID)
	}
	if err := CheckPassphrase(next); err != nil {
		return bunker.Slot{}, err
	}
	root, err := s.Open(ctx, slot, Input{Passphrase: old})
	if err != nil {
		return bunker.Slot{}, err
	}
	defer root.Destroy()
	return s.wrap(ctx, slot, s.passphraseParams(), next, func(f func([]byte) error) error {
		var inner error
		if err := root.Use(func(b []byte) { inner = f(b) }); err != nil {
			return err
		}
		return inner
	})
}
