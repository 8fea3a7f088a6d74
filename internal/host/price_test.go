package host

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"nsecbunker/internal/bunker"
)

const testNow = int64(1_790_000_000_000)

func TestPricesAreThoseOfTheWorkedTable(t *testing.T) {
	linear, original := DefaultTerms(), DefaultTerms()
	original.Formula = Original
	// The original's by its own formula, worked out by hand: 10^1.8 = 63.0957, 50^1.8 = 1143.32,
	// 120^1.8 = 5527.46, 500^1.8 = 72135.
	for _, c := range []struct{ people, linear, original int64 }{
		{1, 7_000, 22_000}, {5, 35_000, 400_000}, {12, 84_000, 1_935_000}, {50, 350_000, 25_247_000},
	} {
		if got := linear.OfYear(c.people); got != c.linear {
			t.Errorf("linear, %d people: %d sats, want %d", c.people, got, c.linear)
		}
		if got := original.OfYear(c.people); got != c.original {
			t.Errorf("original, %d people: %d sats, want %d", c.people, got, c.original)
		}
	}
}

func TestATrialIsAnHourForAThousandSats(t *testing.T) {
	terms := DefaultTerms()
	q, err := terms.NewTrial(testNow)
	if err != nil || q.Sats != 1000 || q.Until != testNow+time.Hour.Milliseconds() || q.People != 1 {
		t.Errorf("got %+v, %v", q, err)
	}
	terms.Trial = 0
	if _, err := terms.NewTrial(testNow); err == nil {
		t.Error("a trial was sold that there is not")
	}
}

func TestAbsurdNumbersOfPeopleAreRefused(t *testing.T) {
	for _, n := range []int64{-1, 0, MaxPeople + 1, 1 << 62} {
		if CheckPeople(n) == nil {
			t.Errorf("%d people were taken", n)
		}
	}
	if CheckPeople(1) != nil || CheckPeople(MaxPeople) != nil {
		t.Error("a right number was refused")
	}
}

func TestTermsThatMakeNoSenseAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Terms){
		"formula":    func(t *Terms) { t.Formula = "cubic" },
		"free":       func(t *Terms) { t.PerPerson = 0 },
		"dear":       func(t *Terms) { t.PerPerson = MaxPerPerson + 1 },
		"trial":      func(t *Terms) { t.Trial = -1 },
		"long trial": func(t *Terms) { t.TrialFor = 32 * day },
		"reminder":   func(t *Terms) { t.Life.Reminders = []time.Duration{time.Minute} },
		"reminders":  func(t *Terms) { t.Life.Reminders = make([]time.Duration, MaxReminders+1) },
		"grace":      func(t *Terms) { t.Life.Grace = -1 },
		"read-only":  func(t *Terms) { t.Life.ReadOnly = time.Hour },
		"notice":     func(t *Terms) { t.Life.Notice = t.Life.ReadOnly + 1 },
	} {
		terms := DefaultTerms()
		if spoil(&terms); terms.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
	terms := DefaultTerms()
	if err := terms.Check(); err != nil {
		t.Error(err)
	}
}

func TestARenewalAddsAYear(t *testing.T) {
	terms := DefaultTerms()
	p := Plan{People: 5, Until: testNow + 10*day.Milliseconds()}
	q, err := terms.Renew(p, 5, testNow)
	if err != nil || q.Sats != 35_000 {
		t.Fatalf("got %+v, %v", q, err)
	}
	if off := q.Until - (p.Until + Year.Milliseconds()); off < -1000 || off > 0 {
		t.Errorf("the new end is %d ms off", off)
	}
	// In grace its days count.
	late := Plan{People: 5, Until: testNow - 3*day.Milliseconds()}
	q, _ = terms.Renew(late, 5, testNow)
	if off := q.Until - (late.Until + Year.Milliseconds()); off < -1000 || off > 1000 {
		t.Errorf("in grace the new end is %d ms off", off)
	}
	if _, err := terms.Renew(Plan{People: 5, Until: testNow + MaxAhead*Year.Milliseconds()}, 5, testNow); err == nil {
		t.Error("a year more was sold than can be paid ahead")
	}
	if q, err := terms.Renew(Plan{People: 1, Trial: true, Until: testNow + 1000}, 5, testNow); err != nil || q.Until != testNow+Year.Milliseconds() {
		t.Errorf("after a trial: %+v, %v", q, err)
	}
}

func TestMorePeopleCostTheDifferenceForTheRest(t *testing.T) {
	terms := DefaultTerms()
	p := Plan{People: 5, Until: testNow + Year.Milliseconds()/2}
	q, err := terms.Change(p, 12, testNow)
	if err != nil || q.Sats != (84_000-35_000)/2 || q.Credit != 17_500 {
		t.Errorf("got %+v, %v", q, err)
	}
	if off := q.Until - p.Until; off < -1000 || off > 1000_000 {
		t.Errorf("the end moved by %d ms", off)
	}
	q, err = terms.Change(p, 1, testNow)
	if err != nil || q.Sats != 0 || q.Until-testNow < 5*Year.Milliseconds()/2-1000 {
		t.Errorf("fewer people: %+v, %v", q, err)
	}
	for name, p := range map[string]Plan{"as many": {People: 12, Until: p.Until}, "over": {People: 5, Until: testNow}, "trial": {People: 1, Until: p.Until, Trial: true}} {
		if _, err := terms.Change(p, 12, testNow); err == nil {
			t.Errorf("%s: a change was quoted", name)
		}
	}
}

func TestFewerPeopleGetALongerTimeAndNothingBack(t *testing.T) {
	terms := DefaultTerms()
	p := Plan{People: 10, Until: testNow + Year.Milliseconds()/2}
	next, err := terms.Fewer(p, 4, testNow)
	if err != nil || next.People != 4 || (next.Until-testNow-Year.Milliseconds()*10/8)/1000 != 0 {
		t.Errorf("got %+v, %v", next, err)
	}
	if back, err := terms.Change(next, 10, testNow); err != nil || back.Credit != 35_000 && back.Credit != 34_999 {
		t.Errorf("back again: %+v, %v", back, err)
	}
	terms.Formula = Original
	for to, p := range map[int64]Plan{11: p, 10: p, 1: p, 3: {People: 10, Until: testNow}} {
		if next, err := terms.Fewer(p, to, testNow); bunker.AsError(err).Code != bunker.CodeInvalid || next != p {
			t.Errorf("%+v for %d people: %+v, %v", p, to, next, err) // 1: it would be paid for longer than there is
		}
	}
	if CheckSeats(4, 4) != nil || bunker.AsError(CheckSeats(4, 5)).Code != bunker.CodeConflict {
		t.Error("seats that are taken are not looked at")
	}
}

// TestWhatIsPaidIsNeverLost: whatever is paid for one bunker, in whichever order, what is
// left of its plan is worth what was paid less the time that went by.
func TestWhatIsPaidIsNeverLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms := DefaultTerms()
		if rapid.Bool().Draw(t, "original") {
			terms.Formula = Original
		}
		now := testNow
		people := rapid.Int64Range(1, 50).Draw(t, "people")
		p := Plan{People: people, Until: now + Year.Milliseconds()}
		for range rapid.IntRange(1, 10).Draw(t, "changes") {
			now += rapid.Int64Range(0, 60*day.Milliseconds()).Draw(t, "later")
			to := rapid.Int64Range(1, 50).Draw(t, "to")
			had := terms.value(p, now)
			paid := rapid.Int64Range(0, 100_000).Draw(t, "paid") * msat
			next := terms.Apply(p, to, paid, now)
			has := terms.value(next, now)
			// One ms of time and one msat of rounding at most.
			slack := 2 + terms.OfYear(to)*msat/Year.Milliseconds()
			if want := max(0, had+paid); next.Until < now+MaxAhead*Year.Milliseconds() && (has > want || want-has > slack) {
				t.Fatalf("%+v with %d msat became %+v: worth %d, want %d", p, paid, next, has, want)
			}
			p = next
		}
	})
}

func TestMulDivDoesNotOverflow(t *testing.T) {
	if got := mulDiv(1<<62, 1<<62, 1<<62); got != 1<<62 {
		t.Errorf("got %d", got)
	}
	if got := mulDiv(1<<62, 1<<62, 1); got != 1<<63-1 {
		t.Errorf("got %d", got)
	}
}
