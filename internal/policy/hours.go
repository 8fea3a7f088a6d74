package policy

import (
	"time"
	_ "time/tzdata" // zones must not depend on what the machine, or an empty container, has

	"nsecbunker/internal/bunker"
)

// dayMinutes is the minutes of a day; those of one with a change of the clock are
// as many on the clock, if not in time.
const dayMinutes = 24 * 60

// weekdays in the order of [time.Weekday].
var weekdays = [...]bunker.Weekday{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Zone loads a time zone by its IANA name; "" is UTC. "Local" is refused: it means
// another zone on another machine.
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if name == "Local" {
		return nil, bunker.Errorf(bunker.CodeInvalid, "Local is no time zone; name it, for example Europe/Paris").In("zone")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, bunker.Errorf(bunker.CodeInvalid, "there is no time zone %q; name it as in Europe/Paris or UTC", bunker.Display(name, 64)).In("zone")
	}
	return loc, nil
}

// local is a time as the clock on the wall shows it.
type local struct {
	day    time.Weekday
	minute int
}

func localAt(now int64, zone *time.Location) local {
	t := time.UnixMilli(now).In(zone)
	return local{t.Weekday(), t.Hour()*60 + t.Minute()}
}

// during reports whether a wall clock's time is in one of the windows; none are
// always. A time that the clock skips is in no window, one that it shows twice is
// both times.
func during(windows []bunker.Hours, at local) bool {
	if len(windows) == 0 {
		return true
	}
	for i := range windows {
		h := &windows[i]
		today, yesterday := onDay(h.Days, at.day), onDay(h.Days, (at.day+6)%7)
		switch {
		case h.From == h.To || h.From == 0 && h.To >= dayMinutes:
			if today {
				return true
			}
		case h.From < h.To:
			if today && at.minute >= h.From && at.minute < h.To {
				return true
			}
		case today && at.minute >= h.From, yesterday && at.minute < h.To: // over midnight
			return true
		}
	}
	return false
}

func onDay(days []bunker.Weekday, d time.Weekday) bool {
	if len(days) == 0 {
		return true
	}
	for _, name := range days {
		if name == weekdays[d] {
			return true
		}
	}
	return false
}
