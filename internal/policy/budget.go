package policy

import (
	"fmt"
	"strconv"
	"time"

	"nsecbunker/internal/bunker"
)

// charges are one use of every window of a rule's budget, at a time.
func (c *Compiled) charges(r *rule, in *Input) []bunker.Charge {
	b := r.Budget
	if b == nil {
		return nil
	}
	w := bunker.Window{Policy: c.head.ID, Rule: r.ID, Scope: scope(b.Per, in)}
	var out []bunker.Charge
	add := func(limit int64, name string, from, until int64) {
		if limit > 0 {
			w.Name = name
			out = append(out, bunker.Charge{Window: w, Limit: limit, From: from, Until: until})
		}
	}
	add(b.Total, "total", 0, 0)
	t := time.UnixMilli(in.Now).In(c.zone)
	// Minutes and hours begin where the wall clock says so; one that it shows twice is
	// two.
	minute := in.Now - int64(t.Second())*1000 - int64(t.Nanosecond())/1e6
	add(b.PerMinute, "minute "+strconv.FormatInt(minute, 10), minute, minute+60_000)
	hour := minute - int64(t.Minute())*60_000
	add(b.PerHour, "hour "+strconv.FormatInt(hour, 10), hour, hour+3_600_000)
	if b.PerDay > 0 {
		d := c.dayOf(t)
		add(b.PerDay, d.name, d.from, d.until)
	}
	return out
}

// calendarDay is a window of a day in a policy's time zone.
type calendarDay struct {
	name        string
	from, until int64 // unix ms; until is exclusive
}

// dayOf is the day that a time lies in; mostly it is the one that was asked for last.
func (c *Compiled) dayOf(t time.Time) *calendarDay {
	now := t.UnixMilli()
	if d := c.today.Load(); d != nil && d.from <= now && now < d.until {
		return d
	}
	d := &calendarDay{name: "day " + t.Format(time.DateOnly)}
	d.from, d.until = day(t)
	c.today.Store(d)
	return d
}

// scope is whose uses are counted together.
func scope(s bunker.BudgetScope, in *Input) string {
	switch s {
	case bunker.PerKey:
		return "key " + string(in.Key.ID)
	case bunker.PerPolicy:
		return "policy"
	}
	return "connection " + string(in.Connection.ID)
}

// day returns the first instant of a calendar day and that of the next (unix ms).
// Neither need be midnight: some zones change their clocks at that hour.
func day(t time.Time) (from, until int64) {
	y, m, d := t.Date()
	return firstOf(time.Date(y, m, d, 12, 0, 0, 0, t.Location())), firstOf(time.Date(y, m, d+1, 12, 0, 0, 0, t.Location()))
}

// firstOf finds the first instant whose date is noon's, or a later one where a zone
// leaves the date out.
func firstOf(noon time.Time) int64 {
	y, m, d := noon.Date()
	date := func(ms int64) bool { // is it that day
		ty, tm, td := time.UnixMilli(ms).In(noon.Location()).Date()
		return ty == y && tm == m && td == d
	}
	if t := time.Date(y, m, d, 0, 0, 0, 0, noon.Location()).UnixMilli(); date(t) && !date(t-1) {
		return t
	}
	before, in := noon.UnixMilli()-36*3_600_000, noon.UnixMilli()
	for in-before > 1 {
		if mid := before + (in-before)/2; date(mid) {
			in = mid
		} else {
			before = mid
		}
	}
	return in
}

// left reports whether a charge can be made: uses are left, and the window did not
// begin before a restore, which may have lost uses of it.
func left(c *bunker.Charge, in *Input) bool {
	if c.Until != 0 && c.From <= in.Tenant.RefuseBefore {
		return false
	}
	if in.would != nil {
		return in.would.left(c, in)
	}
	return in.Used[c.Window] < c.Limit
}

// budgetWords say what is used up, and until when.
func budgetWords(c *bunker.Charge, zone *time.Location) string {
	if c.Until == 0 {
		return fmt.Sprintf("the %d uses that were allowed are used up; they do not come back by themselves", c.Limit)
	}
	unit := c.Name
	for i := range unit {
		if unit[i] == ' ' {
			unit = unit[:i]
			break
		}
	}
	return fmt.Sprintf("the budget of %d a %s is used up; it refills at %s", c.Limit, unit,
		time.UnixMilli(c.Until).In(zone).Format("2006-01-02 15:04 MST"))
}
