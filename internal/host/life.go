package host

import (
	"slices"
	"time"

	"nsecbunker/internal/bunker"
)

// MaxReminders is how many reminders there are before the end of what is paid.
const MaxReminders = 10

const day = 24 * time.Hour

// Life is how a bunker ends that is not paid any more.
type Life struct {
	// Reminders are how long before the end its owners are told.
	Reminders []time.Duration
	// Grace is how long after the end everything still works.
	Grace time.Duration
	// ReadOnly is how long it then only shows and exports; TrialReadOnly is that of a
	// trial, which has no grace.
	ReadOnly, TrialReadOnly time.Duration
	// Notice is the least time between telling the owners of the deletion and it.
	Notice, TrialNotice time.Duration
}

// DefaultLife is that of a provider who sets nothing.
func DefaultLife() Life {
	return Life{
		Reminders: []time.Duration{30 * day, 7 * day, day}, Grace: 14 * day, ReadOnly: 60 * day, TrialReadOnly: 7 * day,
		Notice: 30 * day, TrialNotice: 3 * day,
	}
}

func (l *Life) check() error {
	bad := func(field, words string) error { return bunker.Errorf(bunker.CodeInvalid, "%s", words).In(field) }
	if len(l.Reminders) > MaxReminders {
		return bad("reminders", "there are more than 10 reminders")
	}
	for _, r := range l.Reminders {
		if r < time.Hour || r > Year {
			return bad("reminders", "a reminder comes between an hour and a year before the end")
		}
	}
	switch {
	case l.Grace < 0 || l.Grace > Year:
		return bad("grace", "grace lasts between nothing and a year")
	case l.ReadOnly < day || l.TrialReadOnly < day:
		return bad("read_only", "a bunker stays readable for at least a day, so that its owners can export")
	case l.Notice < day || l.Notice > l.ReadOnly || l.TrialNotice < day || l.TrialNotice > l.TrialReadOnly:
		return bad("notice", "a deletion is told at least a day before, while the bunker is read-only")
	}
	return nil
}

// Stage is how far a bunker is on its way.
type Stage string

// The stages. Only an unpaid one goes on to the next.
const (
	StagePaid     Stage = "paid"
	StageGrace    Stage = "grace"     // everything works, its owners are told
	StageReadOnly Stage = "read-only" // it shows and exports, and signs nothing
	StageNotice   Stage = "notice"    // read-only, and a day is named on which it is deleted
	StageDelete   Stage = "delete"    // that day has come
)

// Told is what the owners of a bunker were told, as far as it counts: when each
// thing went out (unix ms), by its name.
type Told map[string]int64

// Bought is what a bunker is paid for and what its owners were told of it, as it is stored.
type Bought struct {
	Tenant bunker.TenantID
	Plan
	Told    Told
	Version int64
}

// Due is what is to be done for one bunker now.
type Due struct {
	Stage Stage
	// Tell is what its owners have to be told, by the name under which that is noted; "":
	// nothing.
	Tell string
	// DeleteAt is when it will be deleted at the earliest (unix ms); 0: it will not.
	DeleteAt int64
	// Next is when something may be due again (unix ms).
	Next int64
}

// Names of what is told. Reminders have the time before the end after theirs.
const (
	TellReminder = "reminder "
	TellGrace    = "grace"
	TellReadOnly = "read-only"
	TellNotice   = "notice"
)

// Stand says where a bunker is on its way. Nothing is ever deleted of which its owners
// were not told so long before.
func (l *Life) Stand(p Plan, told Told, now int64) Due {
	grace, readOnly, notice := l.Grace, l.ReadOnly, l.Notice
	if p.Trial {
		grace, readOnly, notice = 0, l.TrialReadOnly, l.TrialNotice
	}
	ends := p.Until + grace.Milliseconds()
	gone := ends + readOnly.Milliseconds()
	warn := gone - notice.Milliseconds()
	switch {
	case now < p.Until:
		return l.before(p, told, now)
	case now < ends:
		return Due{Stage: StageGrace, Tell: unless(told, TellGrace), Next: ends}
	case now < warn:
		return Due{Stage: StageReadOnly, Tell: unless(told, TellReadOnly), Next: warn}
	}
	at, said := told[TellNotice]
	if !said {
		at = now
	}
	d := Due{Stage: StageNotice, DeleteAt: max(gone, at+notice.Milliseconds()), Tell: unless(told, TellNotice)}
	if d.Next = d.DeleteAt; said && now >= d.DeleteAt {
		d.Stage = StageDelete
	}
	return d
}

// Reminds reports whether the first reminder's time has come, or was before. A trial has
// none: it is short.
func (l *Life) Reminds(p Plan, now int64) bool {
	return !p.Trial && len(l.Reminders) > 0 && now >= p.Until-slices.Max(l.Reminders).Milliseconds()
}

// Days are how long everything works after the end, and how long a bunker can then be
// read.
func (l *Life) Days(trial bool) (grace, readOnly int64) {
	if trial {
		return 0, int64(l.TrialReadOnly / day)
	}
	return int64(l.Grace / day), int64(l.ReadOnly / day)
}

// before is the time that is paid: of the reminders that are due the last one is told
// alone.
func (l *Life) before(p Plan, told Told, now int64) Due {
	d := Due{Stage: StagePaid, Next: p.Until}
	if p.Trial {
		return d // it is over before a reminder could help
	}
	sorted := slices.Clone(l.Reminders)
	slices.Sort(sorted)
	for _, r := range sorted {
		at := p.Until - r.Milliseconds()
		if at > now {
			d.Next = at
			continue
		}
		d.Tell = unless(told, TellReminder+r.String())
		break
	}
	return d
}

func unless(told Told, name string) string {
	if _, said := told[name]; said {
		return ""
	}
	return name
}
