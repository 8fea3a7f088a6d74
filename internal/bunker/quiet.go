package bunker

import (
	"fmt"
	"regexp"
	"time"
	_ "time/tzdata" // zones are known on every machine
)

// Quiet is a time of the day in which a channel is silent.
type Quiet struct {
	from, to int // minutes of the day; from > to: over midnight
	zone     *time.Location
}

var quietForm = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])$`)

// ParseQuiet reads "22:00-07:00" in a zone of the IANA database; "" is UTC. Errors
// are *bunker.Error.
func ParseQuiet(hours, zone string) (Quiet, error) {
	m := quietForm.FindStringSubmatch(hours)
	if m == nil {
		return Quiet{}, Errorf(CodeInvalid, "%q are no hours; write for example 22:00-07:00", Display(hours, 40)).In("quiet")
	}
	var n [4]int
	for i := range n {
		fmt.Sscanf(m[i+1], "%d", &n[i])
	}
	q := Quiet{from: n[0]*60 + n[1], to: n[2]*60 + n[3]}
	if q.from == q.to {
		return Quiet{}, Errorf(CodeInvalid, "quiet hours from %s are no time at all, or the whole day; to silence a channel, remove it", hours).In("quiet")
	}
	if zone == "Local" { // another one on each machine
		return Quiet{}, Errorf(CodeInvalid, "name a zone such as Europe/Berlin").In("zone")
	}
	var err error
	if q.zone, err = time.LoadLocation(zone); err != nil {
		return Quiet{}, Errorf(CodeInvalid, "there is no time zone %q; write for example Europe/Berlin", Display(zone, 60)).In("zone")
	}
	return q, nil
}

// At reports whether it is quiet at a time. The end is not quiet any more.
func (q Quiet) At(t time.Time) bool {
	t = t.In(q.zone)
	m := t.Hour()*60 + t.Minute()
	if q.from < q.to {
		return q.from <= m && m < q.to
	}
	return q.from <= m || m < q.to
}
