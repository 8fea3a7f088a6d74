package seal

import (
	"context"
	"fmt"
	"time"

	"nsecbunker/internal/bunker"
)

const (
	// MaxTries is how many wrong passphrases in a row are tried at once.
	MaxTries = 10
	// TryEvery is how long one more try takes to come back: five an hour.
	TryEvery = 12 * time.Minute
	// MaxTriesAfar is how many of them who is not at the machine can spend: whoever an
	// admin's key signs for from afar cannot keep the machine's own administrator out.
	MaxTriesAfar = 5
)

type afar struct{}

// Afar marks what is tried in ctx as coming from another machine.
func Afar(ctx context.Context) context.Context { return context.WithValue(ctx, afar{}, true) }

// maxTries is how many tries who comes by ctx can have spent.
func maxTries(ctx context.Context) int {
	if ctx.Value(afar{}) != nil {
		return MaxTriesAfar
	}
	return MaxTries
}

// Tries is how many tries of the passphrase are spent. The zero value is none.
type Tries struct {
	Spent int   // 0 to MaxTries
	At    int64 // unix ms: from when on the next one comes back
}

// Attempts keeps Tries where a restart does not undo them.
type Attempts interface {
	LoadTries(context.Context) (Tries, error)
	StoreTries(context.Context, Tries) error
	// SwapTries stores t where they still are was, and reports whether they were: other
	// instances try the same passphrase.
	SwapTries(ctx context.Context, was, t Tries) (ok bool, err error)
}

// swapTries is how often a try is counted anew that others came before.
const swapTries = 16

// refill gives back what came back until now. A clock that was set back gives
// nothing.
func (t Tries) refill(now int64) Tries {
	every := TryEvery.Milliseconds()
	if t.Spent <= 0 || now < t.At {
		return t
	}
	back := (now - t.At) / every
	if back >= int64(t.Spent) {
		return Tries{}
	}
	return Tries{Spent: t.Spent - int(back), At: t.At + back*every}
}

// try spends one try of those that a keeps, in the store before the passphrase is
// looked at, so that ending the process gives none back. It returns a function that
// undoes all after the right passphrase, and one that gives this try back when it was
// not made at all.
func (s *Slots) try(ctx context.Context, a Attempts) (right, unmade func() error, err error) {
	for range swapTries {
		was, err := a.LoadTries(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("reading how often the passphrase was tried: %w", err)
		}
		now := s.cfg.Now().UnixMilli()
		before := was.refill(now)
		if most := maxTries(ctx); before.Spent >= most {
			// The last one that is too many has to come back, and those above it.
			wait := time.Duration(before.At+int64(before.Spent-most+1)*TryEvery.Milliseconds()-now) * time.Millisecond
			return nil, nil, bunker.Errorf(bunker.CodeRateLimited, "the passphrase was wrong %d times; try again in %s", before.Spent, wait.Round(time.Second)).In("passphrase")
		}
		after := before
		if after.Spent == 0 {
			after.At = now
		}
		after.Spent++
		// Also when the caller has gone: a try that was not made is given back.
		kept := context.WithoutCancel(ctx)
		noted := func(err error) error {
			if err != nil {
				return fmt.Errorf("noting that the passphrase was tried: %w", err)
			}
			return nil
		}
		ok, err := a.SwapTries(kept, was, after)
		if err != nil {
			return nil, nil, noted(err)
		}
		if !ok {
			continue
		}
		right = func() error { return noted(a.StoreTries(kept, Tries{})) }
		unmade = func() error { // it stays spent where others were counted on top of it
			_, err := a.SwapTries(kept, after, before)
			return noted(err)
		}
		return right, unmade, nil
	}
	return nil, nil, crowded().In("passphrase")
}

// crowded refuses who comes while too many others are there.
func crowded() *bunker.Error {
	return bunker.Errorf(bunker.CodeRateLimited, "too many try the passphrase at once; try again in a moment")
}
