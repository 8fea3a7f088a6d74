package seal

import (
	"context"
	"errors"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

func TestTriesAreLimitedAndComeBackFiveAnHour(t *testing.T) {
	f := newFixture(t)
	s := f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))
	for range MaxTries {
		wantErr(t, f.refuses(t, s, pass("wrong passphrase")), ErrWrong)
	}
	wantCode(t, f.refuses(t, s, pass(goodPassphrase)), bunker.CodeRateLimited)

	f.now = f.now.Add(TryEvery - time.Millisecond)
	wantCode(t, f.refuses(t, s, pass(goodPassphrase)), bunker.CodeRateLimited)
	f.now = f.now.Add(time.Millisecond)
	wantErr(t, f.refuses(t, s, pass("wrong passphrase")), ErrWrong)
	wantCode(t, f.refuses(t, s, pass("wrong passphrase")), bunker.CodeRateLimited)

	wrong := 0
	for range 60 { // an hour, asking every minute
		f.now = f.now.Add(time.Minute)
		if errors.Is(f.refuses(t, s, pass("wrong passphrase")), ErrWrong) {
			wrong++
		}
	}
	if wrong != 5 {
		t.Fatalf("%d tries in an hour", wrong)
	}
	f.now = f.now.Add(TryEvery)
	f.opens(t, s, pass(goodPassphrase))
	if f.tries.tries != (Tries{}) {
		t.Fatalf("the right passphrase left %+v", f.tries.tries)
	}
}

func TestARestartGivesNoTriesBack(t *testing.T) {
	f := newFixture(t)
	s := f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))
	for range MaxTries {
		f.refuses(t, s, pass("wrong passphrase"))
	}
	again := newFixture(t, func(c *Config) { c.Attempts = f.tries })
	wantCode(t, again.refuses(t, s, pass(goodPassphrase)), bunker.CodeRateLimited)
}

func TestATryIsNotedBeforeItIsMade(t *testing.T) {
	var f *fixture
	seen := -1
	f = newFixture(t, func(c *Config) {
		c.KDF = func([]byte, []byte, uint8) ([]byte, error) {
			if f != nil {
				seen = f.tries.tries.Spent
			}
			return make([]byte, 32), nil
		}
	})
	s := f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))
	f.opens(t, s, pass("anything with this KDF"))
	if seen != 1 {
		t.Fatalf("%d tries were noted when the KDF ran", seen)
	}
}

func TestAClockSetBackGivesNoTriesBack(t *testing.T) {
	f := newFixture(t)
	s := f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))
	for range MaxTries {
		f.refuses(t, s, pass("wrong passphrase"))
	}
	f.now = f.now.Add(-time.Hour)
	wantCode(t, f.refuses(t, s, pass(goodPassphrase)), bunker.CodeRateLimited)
}

func TestWithoutTheStoreNothingIsTried(t *testing.T) {
	f := newFixture(t)
	s := f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))
	boom := errors.New("disk full")
	f.tries.fail = boom
	wantErr(t, f.refuses(t, s, pass(goodPassphrase)), boom)
}

func TestAFaultOfTheMachineIsNoTry(t *testing.T) {
	boom := errors.New("out of memory")
	fail := false
	f := newFixture(t, func(c *Config) {
		inner := c.KDF
		c.KDF = func(p, salt []byte, n uint8) ([]byte, error) {
			if fail {
				return nil, boom
			}
			return inner(p, salt, n)
		}
	})
	s := f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))
	fail = true
	wantErr(t, f.refuses(t, s, pass(goodPassphrase)), boom)
	if f.tries.tries != (Tries{}) {
		t.Fatalf("it was counted: %+v", f.tries.tries)
	}
}

func TestTriesInParallelAreNotMoreThanAllowed(t *testing.T) {
	f := newFixture(t)
	s := f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))
	results := make(chan error)
	for range 4 * MaxTries {
		go func() {
			_, err := f.Open(context.Background(), s, pass("wrong passphrase"))
			results <- err
		}()
	}
	wrong := 0
	for range 4 * MaxTries {
		if errors.Is(<-results, ErrWrong) {
			wrong++
		}
	}
	if wrong != MaxTries {
		t.Fatalf("%d tries were made", wrong)
	}
}

// TestTriesFromAfarLeaveSomeForTheMachine: whoever can only ask over a relay spends
// half of them, and cannot keep the machine's administrator from his bunker.
func TestTriesFromAfarLeaveSomeForTheMachine(t *testing.T) {
	f := newFixture(t)
	s := f.wrap(t, bunker.SlotPassphrase, pass(goodPassphrase))
	far := func(in Input) error {
		root, err := f.Open(Afar(context.Background()), s, in)
		if err == nil {
			root.Destroy()
		}
		return err
	}
	for range MaxTriesAfar {
		wantErr(t, far(pass("wrong passphrase")), ErrWrong)
	}
	wantCode(t, far(pass(goodPassphrase)), bunker.CodeRateLimited)
	for range MaxTries - MaxTriesAfar { // the machine still has the others
		wantErr(t, f.refuses(t, s, pass("wrong passphrase")), ErrWrong)
	}
	wantCode(t, f.refuses(t, s, pass("wrong passphrase")), bunker.CodeRateLimited)

	// What comes back is the machine's first.
	f.now = f.now.Add(TryEvery)
	wantCode(t, far(pass(goodPassphrase)), bunker.CodeRateLimited)
	f.opens(t, s, pass(goodPassphrase))
	must(t, far(pass(goodPassphrase)))
}

// TestTriesOnOtherInstancesCount: what another instance counts between this one's reading and
// its writing is neither lost nor given back.
func TestTriesOnOtherInstancesCount(t *testing.T) {
	f := newFixture(t)
	spends := func() { f.tries.tries.Spent++ }
	f.tries.tries = Tries{Spent: 3, At: f.now.UnixMilli()}
	f.tries.other = spends
	_, unmade, err := f.try(t.Context(), f.tries)
	if err != nil {
		t.Fatal(err)
	}
	if f.tries.tries.Spent != 5 {
		t.Errorf("%d tries are spent, want 5", f.tries.tries.Spent)
	}
	f.tries.other = spends
	if err := unmade(); err != nil {
		t.Fatal(err)
	}
	if f.tries.tries.Spent != 6 {
		t.Errorf("%d tries are spent, want 6: one was given back that somebody else spent", f.tries.tries.Spent)
	}
	f.tries.tries.Spent = MaxTries - 1
	f.tries.other = spends
	if _, _, err := f.try(t.Context(), f.tries); bunker.AsError(err).Code != bunker.CodeRateLimited {
		t.Errorf("the last try was spent twice: %v", err)
	}
}
