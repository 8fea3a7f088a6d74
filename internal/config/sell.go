package config

import (
	"fmt"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// Sell is what a hosted instance with a wallet sells at /buy/.
type Sell struct {
	Formula       string     `toml:"formula" comment:"How the price of a year grows with the number of people: linear, or original, the first nsecBunker's:\nround((people * 10)^1.8 * 350 / 1000) * 1000 sats."`
	PerPerson     int64      `toml:"per_person" comment:"Sats a person and year; linear alone."`
	Trial         int64      `toml:"trial" comment:"Sats for a trial, for one person; 0: there is none."`
	TrialFor      Duration   `toml:"trial_for" comment:"How long a trial lasts."`
	Reminders     []Duration `toml:"reminders" comment:"How long before the end the owners of a bunker are told, by direct message."`
	Grace         Duration   `toml:"grace" comment:"How long everything works after the end, and how long the bunker is then read-only; then it is deleted, which its\nowners are told at least notice before. Without having been told nothing is deleted."`
	ReadOnly      Duration   `toml:"read_only"`
	Notice        Duration   `toml:"notice"`
	TrialReadOnly Duration   `toml:"trial_read_only" comment:"The same of a trial, which has no grace."`
	TrialNotice   Duration   `toml:"trial_notice"`
}

// defaultSell is what is sold where nothing is set.
func defaultSell() Sell {
	t := host.DefaultTerms()
	s := Sell{
		Formula: string(t.Formula), PerPerson: t.PerPerson, Trial: t.Trial, TrialFor: Duration(t.TrialFor), Grace: Duration(t.Life.Grace),
		ReadOnly: Duration(t.Life.ReadOnly), Notice: Duration(t.Life.Notice), TrialReadOnly: Duration(t.Life.TrialReadOnly), TrialNotice: Duration(t.Life.TrialNotice),
	}
	for _, r := range t.Life.Reminders {
		s.Reminders = append(s.Reminders, Duration(r))
	}
	return s
}

// Terms are what is sold for what.
func (s *Sell) Terms() host.Terms {
	t := host.Terms{Formula: host.Formula(s.Formula), PerPerson: s.PerPerson, Trial: s.Trial, TrialFor: time.Duration(s.TrialFor), Life: host.Life{
		Grace: time.Duration(s.Grace), ReadOnly: time.Duration(s.ReadOnly), Notice: time.Duration(s.Notice),
		TrialReadOnly: time.Duration(s.TrialReadOnly), TrialNotice: time.Duration(s.TrialNotice),
	}}
	for _, r := range s.Reminders {
		t.Life.Reminders = append(t.Life.Reminders, time.Duration(r))
	}
	return t
}

func (s *Sell) check() error {
	t := s.Terms()
	if err := t.Check(); err != nil {
		return fmt.Errorf("sell.%s: %s", bunker.AsError(err).Field, bunker.AsError(err).Words)
	}
	return nil
}
