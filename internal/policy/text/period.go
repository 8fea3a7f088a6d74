package text

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pelletier/go-toml/v2"
)

// unit is a unit of time, its words and its seconds.
type unit struct {
	short   string
	words   []string
	seconds int64
}

// units, the longest first: a period names each at most once, in this order.
var units = [...]unit{
	{"w", []string{"week", "weeks"}, 7 * 24 * 3600},
	{"d", []string{"day", "days"}, 24 * 3600},
	{"h", []string{"hour", "hours"}, 3600},
	{"m", []string{"min", "minute", "minutes"}, 60},
	{"s", []string{"sec", "second", "seconds"}, 1},
}

// parsePeriod reads "30d", "1d12h", "10 minutes"; it returns seconds.
func parsePeriod(s string) (int64, error) {
	bad := fmt.Errorf("%q is no length of time: write for example \"30d\", \"12h\" or \"10m\"", clip(s))
	rest := strings.TrimSpace(strings.ToLower(s))
	if rest == "" {
		return 0, bad
	}
	var total int64
	for next := 0; rest != ""; {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil || n > MaxPeriod {
			return 0, bad
		}
		rest = strings.TrimLeft(rest[digits:], " ")
		letters := len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsLetter))
		i := unitAt(rest[:letters], next)
		if i < 0 {
			return 0, bad
		}
		next, total = i+1, total+n*units[i].seconds
		rest = strings.TrimLeft(rest[letters:], " ")
	}
	if total > MaxPeriod {
		return 0, fmt.Errorf("%q is more than ten years: leave it out if there is no end", clip(s))
	}
	return total, nil
}

// unitAt finds a unit by its letters, at place next or later; -1: there is none.
func unitAt(s string, next int) int {
	for i := next; i < len(units); i++ {
		if s == units[i].short {
			return i
		}
		for _, w := range units[i].words {
			if s == w {
				return i
			}
		}
	}
	return -1
}

// printPeriod is parsePeriod backwards; weeks are written in days.
func printPeriod(seconds int64) string {
	if seconds == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range units[1:] {
		if n := seconds / u.seconds; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.short)
			seconds -= n * u.seconds
		}
	}
	return b.String()
}

// parseInstant reads a date or a time, in a zone unless it says its own; it
// returns unix ms. A date is its first moment.
func parseInstant(v any, zone *time.Location) (int64, error) {
	switch v := v.(type) {
	case toml.LocalDate:
		return v.AsTime(zone).UnixMilli(), nil
	case toml.LocalDateTime:
		return v.AsTime(zone).UnixMilli(), nil
	case time.Time:
		return v.UnixMilli(), nil
	case string:
		s := strings.TrimSpace(v)
		for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04", time.DateTime, "2006-01-02T15:04:05"} {
			if t, err := time.ParseInLocation(layout, s, zone); err == nil {
				return t.UnixMilli(), nil
			}
		}
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return t.UnixMilli(), nil
		}
		return 0, fmt.Errorf("%q is no date: write for example 2027-03-01, or 2027-03-01T18:00:00", clip(s))
	}
	return 0, fmt.Errorf("%s is no date: write for example 2027-03-01, or 2027-03-01T18:00:00", typeName(v))
}

// printInstant is parseInstant backwards: a date where the moment is the first of
// its day, else the time with its offset, which no change of clocks makes two of.
func printInstant(ms int64, zone *time.Location) string {
	t := time.UnixMilli(ms).In(zone)
	date := t.Format(time.DateOnly)
	if again, err := time.ParseInLocation(time.DateOnly, date, zone); err == nil && again.UnixMilli() == ms {
		return date
	}
	if _, offset := t.Zone(); offset%60 != 0 { // local mean time: no form for its seconds
		t = t.UTC()
	}
	return t.Format("2006-01-02T15:04:05.999Z07:00")
}
