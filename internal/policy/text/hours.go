package text

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nsecbunker/internal/bunker"
)

const (
	minutesADay  = 24 * 60
	minutesAWeek = 7 * minutesADay
)

// weekdays in the order of the week. The vocabulary knows them by these words.
var weekdays = [...]bunker.Weekday{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

var weekdayNames = [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// weekdayAt is the place of a day in the week, Monday 0; -1 for what is none.
func weekdayAt(d bunker.Weekday) int { return slices.Index(weekdays[:], d) }

// parseHours reads a window of the week: "mon-fri 08:00-18:00", "sat,sun",
// "22:00-06:00", "weekdays 9-17".
func parseHours(s string) (bunker.Hours, error) {
	var h bunker.Hours
	days, times := splitHours(s)
	if days == "" && times == "" {
		return h, fmt.Errorf("%q names neither days nor hours: write for example \"mon-fri 08:00-18:00\"", clip(s))
	}
	var err error
	if h.Days, err = parseDays(days); err != nil {
		return h, err
	}
	if times == "" {
		return h, nil
	}
	from, to, ok := strings.Cut(times, "-")
	if !ok {
		return h, fmt.Errorf("%q has a beginning and no end: write for example 08:00-18:00", clip(times))
	}
	if h.From, err = parseClock(from); err != nil {
		return h, err
	}
	if h.To, err = parseClock(to); err != nil {
		return h, err
	}
	if h.From == minutesADay {
		return h, fmt.Errorf("%q begins at 24:00: write 00:00 of the next day", clip(times))
	}
	return h, nil
}

// splitHours parts days from hours. Spaces around hyphens and commas are nothing.
func splitHours(s string) (days, times string) {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.NewReplacer("–", "-", "—", "-").Replace(s)
	for _, sep := range []string{"-", ","} {
		parts := strings.Split(s, sep)
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		s = strings.Join(parts, sep)
	}
	if i := strings.IndexAny(s, "0123456789"); i >= 0 {
		return strings.TrimSpace(s[:i]), s[i:]
	}
	return s, ""
}

func parseDays(s string) ([]bunker.Weekday, error) {
	if s == "" {
		return nil, nil
	}
	var out []bunker.Weekday
	for part := range strings.SplitSeq(s, ",") {
		switch part {
		case "weekdays":
			out = append(out, weekdays[:5]...)
			continue
		case "weekend", "weekends":
			out = append(out, weekdays[5:]...)
			continue
		}
		first, last, isRange := strings.Cut(part, "-")
		from, err := parseDay(first)
		if err != nil {
			return nil, err
		}
		out = append(out, weekdays[from])
		if !isRange {
			continue
		}
		to, err := parseDay(last)
		if err != nil {
			return nil, err
		}
		if to == from {
			return nil, fmt.Errorf("%q begins and ends on one day: write %q", clip(part), weekdays[from])
		}
		for d := from; d != to; {
			d = (d + 1) % len(weekdays)
			out = append(out, weekdays[d])
		}
	}
	return out, nil
}

// parseDay reads "mon" or "monday".
func parseDay(s string) (int, error) {
	if len(s) >= 3 {
		for i, name := range weekdayNames {
			if strings.HasPrefix(strings.ToLower(name), s) {
				return i, nil
			}
		}
	}
	return 0, fmt.Errorf("%q is no day of the week: write mon, tue, wed, thu, fri, sat or sun", clip(s))
}

// parseClock reads "08:00", "8:00", "8" or "24:00" as minutes since midnight.
func parseClock(s string) (int, error) {
	hour, minute, colon := strings.Cut(s, ":")
	h, err := strconv.ParseUint(hour, 10, 8)
	m, err2 := uint64(0), error(nil)
	if colon {
		m, err2 = strconv.ParseUint(minute, 10, 8)
	}
	n := int(h*60 + m)
	if err != nil || err2 != nil || len(hour) > 2 || colon && len(minute) != 2 || m > 59 || n > minutesADay {
		return 0, fmt.Errorf("%q is no time of day: write hours and minutes, 00:00 to 24:00", clip(s))
	}
	return n, nil
}

// printHours is parseHours backwards.
func printHours(h bunker.Hours) string {
	days := printDays(h.Days)
	times := printClock(h.From) + "-" + printClock(h.To)
	switch {
	case days == "":
		return times
	case h.From == 0 && h.To == 0:
		return days
	}
	return days + " " + times
}

func printClock(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// printDays writes three days or more that follow each other as a range.
func printDays(days []bunker.Weekday) string {
	var parts []string
	for i := 0; i < len(days); {
		n := run(days[i:])
		if n >= 3 {
			parts = append(parts, string(days[i])+"-"+string(days[i+n-1]))
			i += n
			continue
		}
		parts = append(parts, string(days[i]))
		i++
	}
	return strings.Join(parts, ",")
}

// run is how many days from the first on follow each other, the week at most.
func run(days []bunker.Weekday) int {
	n := 1
	for n < len(days) && n < len(weekdays) {
		at := weekdayAt(days[n-1])
		if at < 0 || weekdays[(at+1)%len(weekdays)] != days[n] {
			break
		}
		n++
	}
	return n
}

// week is a set of minutes of the week, Monday 00:00 first.
type week [minutesAWeek/64 + 1]uint64

// add puts a window in and reports whether any of it was there before.
func (w *week) add(h bunker.Hours) (overlap bool) {
	if h.From < 0 || h.From >= minutesADay || h.To < 0 || h.To > minutesADay {
		return false // no window: the check refuses it
	}
	days := h.Days
	if len(days) == 0 {
		days = weekdays[:]
	}
	length := h.To - h.From
	if length <= 0 {
		length += minutesADay // to the next day; From == To is the whole day
	}
	for _, d := range days {
		at := weekdayAt(d)
		if at < 0 {
			continue // not a day: the check refuses it
		}
		start := at*minutesADay + h.From
		for m := start; m < start+length; m++ {
			at := m % minutesAWeek
			bit := uint64(1) << (at % 64)
			overlap = overlap || w[at/64]&bit != 0
			w[at/64] |= bit
		}
	}
	return overlap
}

// weekOf is the minutes that windows hold; no windows are the whole week.
func weekOf(hours []bunker.Hours) *week {
	var w week
	if len(hours) == 0 {
		w.add(bunker.Hours{})
	}
	for _, h := range hours {
		w.add(h)
	}
	return &w
}

// holds reports whether every minute of o is in w.
func (w *week) holds(o *week) bool {
	for i := range w {
		if o[i]&^w[i] != 0 {
			return false
		}
	}
	return true
}
