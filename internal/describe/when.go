package describe

import (
	"strconv"
	"time"
)

// second is a time of an event, unix seconds; 0 is none.
type second int64

// seconds reads a time out of a tag.
func (t *teller) seconds(tag string) second {
	n, err := strconv.ParseInt(t.value(tag), 10, 64)
	if err != nil || n < 0 || n > maxSecond {
		return 0
	}
	return second(n)
}

// maxSecond is the last time that is written with a year of four digits.
const maxSecond = 253402300799

// words is the time with its distance from now (unix ms).
func (s second) words(now int64) string {
	d := time.Duration(int64(s)-now/1000) * time.Second
	at := time.Unix(int64(s), 0).UTC().Format("2006-01-02 15:04 UTC")
	switch {
	case now == 0:
		return at
	case d < 0:
		return at + " (" + Span(-d) + " ago)"
	}
	return at + " (in " + Span(d) + ")"
}

// Span is a duration as people say it.
func Span(d time.Duration) string {
	day := 24 * time.Hour
	switch {
	case d < 0:
		return "0 s"
	case d < 90*time.Second:
		return strconv.Itoa(int(d.Round(time.Second).Seconds())) + " s"
	case d < 90*time.Minute:
		return strconv.Itoa(int(d.Round(time.Minute).Minutes())) + " min"
	case d < 2*day:
		return strconv.Itoa(int(d.Round(time.Hour).Hours())) + " h"
	case d < 730*day:
		return strconv.Itoa(int(d.Round(day)/day)) + " days"
	}
	return strconv.Itoa(int(d/(365*day))) + " years"
}

// farFrom is how far created_at may be from now before people are told.
const farFrom = 15 * time.Minute

// dated tells of an event that is not dated today's way.
func (t *teller) dated() {
	if t.o.Now == 0 || t.s.CreatedAt == 0 {
		return
	}
	at := min(max(t.s.CreatedAt, 0), maxSecond)
	d := time.Duration(at-t.o.Now/1000) * time.Second
	if d.Abs() <= farFrom {
		return
	}
	t.fact("dated", second(at).words(t.o.Now))
	if d > 0 {
		t.warn("it is dated in the future")
	} else if d < -24*time.Hour {
		t.warn("it is dated in the past, as if it had been written then")
	}
}
