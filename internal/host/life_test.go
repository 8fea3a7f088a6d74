package host

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestABunkerEndsInSteps(t *testing.T) {
	l := DefaultLife()
	p := Plan{People: 5, Until: testNow}
	at := func(d time.Duration) int64 { return testNow + d.Milliseconds() }
	all := Told{TellReminder + "720h0m0s": 1, TellReminder + "168h0m0s": 1, TellReminder + "24h0m0s": 1, TellGrace: 1, TellReadOnly: 1}
	for _, c := range []struct {
		after time.Duration
		told  Told
		stage Stage
		tell  string
	}{
		{-31 * day, nil, StagePaid, ""},
		{-30 * day, nil, StagePaid, "reminder 720h0m0s"},
		{-29 * day, Told{"reminder 720h0m0s": 1}, StagePaid, ""},
		{-7 * day, Told{"reminder 720h0m0s": 1}, StagePaid, "reminder 168h0m0s"},
		{-day / 2, nil, StagePaid, "reminder 24h0m0s"}, // those before it are not told any more
		{0, nil, StageGrace, TellGrace},
		{13 * day, all, StageGrace, ""},
		{14 * day, nil, StageReadOnly, TellReadOnly},
		{43 * day, all, StageReadOnly, ""},
		{44 * day, all, StageNotice, TellNotice},
		{74 * day, Told{TellNotice: at(44 * day)}, StageDelete, ""},
		{74 * day, Told{TellNotice: at(60 * day)}, StageNotice, ""},
		{900 * day, nil, StageNotice, TellNotice},
	} {
		if got := l.Stand(p, c.told, at(c.after)); got.Stage != c.stage || got.Tell != c.tell {
			t.Errorf("%s after the end, told %v: %+v, want %s and tell %q", c.after, c.told, got, c.stage, c.tell)
		}
	}
}

func TestATrialHasNoGrace(t *testing.T) {
	l := DefaultLife()
	p := Plan{People: 1, Until: testNow, Trial: true}
	if got := l.Stand(p, nil, testNow-1); got.Stage != StagePaid || got.Tell != "" {
		t.Errorf("before its end: %+v", got)
	}
	if got := l.Stand(p, nil, testNow); got.Stage != StageReadOnly {
		t.Errorf("at its end: %+v", got)
	}
}

// TestNothingIsDeletedUntold: whenever it is looked at, in whichever gaps, a bunker is
// deleted only when its owners were told at least so long before.
func TestNothingIsDeletedUntold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := DefaultLife()
		p := Plan{People: 1, Until: testNow, Trial: rapid.Bool().Draw(t, "trial")}
		notice := l.Notice
		if p.Trial {
			notice = l.TrialNotice
		}
		told := Told{}
		now := testNow - 40*day.Milliseconds()
		for range 60 {
			now += rapid.Int64Range(1, 30*day.Milliseconds()).Draw(t, "later")
			d := l.Stand(p, told, now)
			if d.Stage == StageDelete {
				if at, said := told[TellNotice]; !said || now-at < notice.Milliseconds() || now < p.Until {
					t.Fatalf("deleted at %d, told %v", now, told)
				}
				return
			}
			if d.Next != 0 && d.Next <= now && d.Tell == "" {
				t.Fatalf("something was due before: %+v at %d", d, now)
			}
			if d.Tell != "" && rapid.Bool().Draw(t, "the letter goes out") {
				told[d.Tell] = now
			}
		}
	})
}
