package host

import (
	"math"
	"math/bits"
	"time"

	"nsecbunker/internal/bunker"
)

// Year is what a plan is bought for.
const Year = 365 * 24 * time.Hour

const (
	// MaxPeople is the most people that a bunker can be bought for.
	MaxPeople = 1000
	// MaxAhead is how far ahead a bunker can be paid, in years.
	MaxAhead = 10
	// MaxPerPerson is the highest price of a person and year, in sats.
	MaxPerPerson = 10_000_000
	// MaxTrial is the highest price of a trial, in sats.
	MaxTrial = 10_000_000
	// TrialPeople is how many people may sign in a trial.
	TrialPeople = 1
	// msat is millisatoshis in a satoshi.
	msat = 1000
)

// Formula says how the price of a year grows with the number of people.
type Formula string

// The formulas.
const (
	Linear   Formula = "linear"   // so much a person
	Original Formula = "original" // the first nsecBunker's
)

// Terms are what a provider sells for what.
type Terms struct {
	Formula   Formula
	PerPerson int64 // sats a person and year; Linear alone
	Trial     int64 // sats; 0: there is no trial
	TrialFor  time.Duration
	Life      Life
}

// DefaultTerms are those of a provider who sets nothing.
func DefaultTerms() Terms {
	return Terms{Formula: Linear, PerPerson: 7000, Trial: 1000, TrialFor: time.Hour, Life: DefaultLife()}
}

// Check reports the first term that makes no sense.
func (t *Terms) Check() error {
	bad := func(field, format string, args ...any) error {
		return bunker.Errorf(bunker.CodeInvalid, format, args...).In(field)
	}
	switch {
	case t.Formula != Linear && t.Formula != Original:
		return bad("formula", "%q is no formula of prices; there are linear and original", t.Formula)
	case t.Formula == Linear && (t.PerPerson < 1 || t.PerPerson > MaxPerPerson):
		return bad("per_person", "%d sats a person and year: between 1 and %d can be asked", t.PerPerson, MaxPerPerson)
	case t.Trial < 0 || t.Trial > MaxTrial:
		return bad("trial", "%d sats for a trial: between 0 (no trial) and %d can be asked", t.Trial, MaxTrial)
	case t.Trial > 0 && (t.TrialFor < time.Minute || t.TrialFor > 31*24*time.Hour):
		return bad("trial_for", "a trial of %s: it can last between a minute and 31 days", t.TrialFor)
	}
	return t.Life.check()
}

// CheckPeople refuses a number of people that nothing can be bought for.
func CheckPeople(people int64) error {
	if people < 1 || people > MaxPeople {
		return bunker.Errorf(bunker.CodeInvalid, "a bunker is for 1 to %d people; for more, ask the provider", MaxPeople).In("people")
	}
	return nil
}

// OfYear is the price of one year in sats for so many people, who were checked.
func (t *Terms) OfYear(people int64) int64 {
	if t.Formula == Original {
		seats := float64(people * 10)
		return int64(math.Round(math.Pow(seats, 1.8)*350/1000)) * 1000
	}
	return people * t.PerPerson
}

// Years are the prices of a year in sats, of 1, 2, 3 … people, as far as an invoice goes.
func (t *Terms) Years() (list []int64) {
	for people := int64(1); people <= MaxPeople; people++ {
		sats := t.OfYear(people)
		if sats > MaxSats {
			break
		}
		list = append(list, sats)
	}
	return list
}

// Plan is what a bunker is paid for.
type Plan struct {
	People int64
	Until  int64 // unix ms
	Trial  bool
}

// value is what is left of a plan, in msat; less than nothing in grace, the days of
// which are not given away.
func (t *Terms) value(p Plan, now int64) int64 {
	rest := p.Until - now
	if p.Trial {
		return 0 // a trial is no part of a year
	}
	if rest < 0 {
		return -mulDiv(t.OfYear(p.People)*msat, min(-rest, t.Life.Grace.Milliseconds()), Year.Milliseconds())
	}
	return mulDiv(t.OfYear(p.People)*msat, rest, Year.Milliseconds())
}

// Quote is what something costs now and what it leads to.
type Quote struct {
	Sats   int64
	People int64
	Until  int64 // unix ms: how far the bunker is then paid, if it is paid now
	Credit int64 // sats of what was paid before that count for it
}

// NewBunker quotes a year for a bunker that there is not yet.
func (t *Terms) NewBunker(people, now int64) Quote {
	return Quote{Sats: t.OfYear(people), People: people, Until: now + Year.Milliseconds()}
}

// NewTrial quotes a trial.
func (t *Terms) NewTrial(now int64) (Quote, error) {
	if t.Trial == 0 {
		return Quote{}, bunker.Errorf(bunker.CodeInvalid, "this provider offers no trial; choose a year").In("kind")
	}
	return Quote{Sats: t.Trial, People: TrialPeople, Until: now + t.TrialFor.Milliseconds()}, nil
}

// Renew quotes one year more, for as many people or another number of them. What is
// left of the plan goes on counting.
func (t *Terms) Renew(p Plan, people, now int64) (Quote, error) {
	q := Quote{Sats: t.OfYear(people), People: people}
	if p.Until-now > (MaxAhead-1)*Year.Milliseconds() {
		return q, bunker.Errorf(bunker.CodeInvalid, "the bunker is paid for more than %d years already", MaxAhead-1)
	}
	q.Until = t.Apply(p, people, q.Sats*msat, now).Until
	q.Credit = max(0, t.value(p, now)/msat)
	return q, nil
}

// Change quotes another number of people for the rest of the plan: the difference
// for more of them. For fewer it costs nothing, and the rest lasts longer.
func (t *Terms) Change(p Plan, people, now int64) (Quote, error) {
	q := Quote{People: people}
	switch {
	case p.Trial || p.Until <= now:
		return q, bunker.Errorf(bunker.CodeInvalid, "the bunker is not paid for any more, so there is no rest to count; renew it")
	case people == p.People:
		return q, bunker.Errorf(bunker.CodeInvalid, "the bunker is for %d people already", people).In("people")
	}
	had := t.value(p, now)
	if needs := mulDiv(t.OfYear(people)*msat, p.Until-now, Year.Milliseconds()); needs > had {
		q.Sats = (needs - had + msat - 1) / msat
	}
	q.Credit = had / msat
	q.Until = t.Apply(p, people, q.Sats*msat, now).Until
	if q.Until >= now+MaxAhead*Year.Milliseconds() {
		return q, bunker.Errorf(bunker.CodeInvalid, "what is left would pay for more than %d years then, and a part of it would be lost; choose more people", MaxAhead).In("people")
	}
	return q, nil
}

// Fewer is a plan for fewer people from now on. It costs nothing and gives nothing back:
// what is left pays for a longer time. It holds at once, not from the next term on: the
// days that are left would else be paid for by the lower price and used by more people.
func (t *Terms) Fewer(p Plan, people, now int64) (Plan, error) {
	if people > p.People {
		return p, bunker.Errorf(bunker.CodeInvalid, "the bunker is for %d people; for more of them there is something to pay", p.People).In("people")
	}
	if _, err := t.Change(p, people, now); err != nil {
		return p, err
	}
	return t.Apply(p, people, 0, now), nil
}

// CheckSeats refuses a number of people that is below that of the seats which are taken:
// who holds one keeps it for its days, and more would go on to sign than are paid for.
func CheckSeats(people, taken int64) error {
	if taken <= people {
		return nil
	}
	return bunker.Errorf(bunker.CodeConflict, "%d seats are taken, so it cannot be for %d yet; a seat is free when its holder has asked for nothing for %d days", taken, people, SeatDays).
		In("people").WithHint("nsecbunker seat list")
}

// Apply is the plan after so many msat were paid for it and it is for so many people:
// what was left and what came count alike, so that nothing is lost whichever orders
// are paid in whichever order.
func (t *Terms) Apply(p Plan, people, paid, now int64) Plan {
	value := t.value(p, now) + paid
	span := mulDiv(max(0, value), Year.Milliseconds(), t.OfYear(people)*msat)
	return Plan{People: people, Until: now + min(span, MaxAhead*Year.Milliseconds())}
}

// mulDiv is a*b/c, for numbers that are not negative, without overflow between; what is
// larger than an int64 is the largest one.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi >= uint64(c) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(c))
	return int64(min(q, math.MaxInt64))
}

const (
	// KeysPerPerson is how many user keys a plan allows for each person.
	KeysPerPerson = 10
	// RatePerPerson is how many requests a second a plan allows for each person, and
	// LeastRate the fewest.
	RatePerPerson = 2
	LeastRate     = 20
)

// Quota is what a bunker may use under a plan.
func (p Plan) Quota() bunker.Quota {
	return bunker.Quota{People: p.People, Keys: p.People * KeysPerPerson, Rate: max(LeastRate, p.People*RatePerPerson)}
}
