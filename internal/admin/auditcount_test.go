package admin

import (
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

func sum(list []any) (n float64) {
	for _, x := range list {
		n += x.(float64)
	}
	return n
}

func TestRequestsAreCountedByDayAndApp(t *testing.T) {
	f := setUp(t)
	f.newsroom()
	busy := f.under("newsroom")
	f.requests(busy, 70)
	res := f.do("audit.count", nil)
	days := get(res, "days").([]any)
	if len(days) != countedDays || get(days[countedDays-1], "allow").(float64) < 70 || get(days[0], "allow") != 0.0 || get(res, "cut") != nil {
		t.Errorf("days: %v", days)
	}
	apps := get(res, "apps").([]any)
	if len(apps) != 1 || str(apps[0], "connection") != string(busy) || sum(get(apps[0], "days").([]any)) != get(apps[0], "count") {
		t.Errorf("apps: %v", apps)
	}
	// What a filter leaves out is not counted.
	if res := f.do("audit.count", m{"effect": "deny", "connection": string(busy)}); len(get(res, "apps").([]any)) != 0 {
		t.Errorf("refused: %v", res)
	}
	// A day later they are yesterday's.
	f.passTime(24 * time.Hour)
	days = get(f.do("audit.count", m{"days": 2}), "days").([]any)
	if len(days) != 2 || get(days[0], "allow").(float64) < 70 || get(days[1], "allow") != 0.0 {
		t.Errorf("a day later: %v", days)
	}
	// Days begin where the reader is: 12:00 in Greenwich is past midnight in Kiritimati.
	days = get(f.do("audit.count", m{"days": 1, "zone": "Pacific/Kiritimati"}), "days").([]any)
	if str(days[0], "at") != "2026-11-23T10:00:00.000Z" {
		t.Errorf("begins at %v", days[0])
	}
}

func TestTheAppsInSightAreCountedTogether(t *testing.T) {
	f := setUp(t)
	f.newsroom()
	one, two := f.under("newsroom"), f.under("newsroom")
	f.requests(two, 7)
	res := f.do("audit.count", m{"apps": []string{string(two), "none", string(two)}})
	apps := get(res, "apps").([]any)
	alone := get(f.do("audit.count", m{"connection": string(two)}), "apps").([]any)
	if len(apps) != 1 || str(apps[0], "connection") != string(two) || get(apps[0], "count") != get(alone[0], "count") {
		t.Errorf("counted %v, alone %v", apps, alone)
	}
	f.refused(bunker.CodeInvalid, "more than 64", "audit.count", m{"apps": make([]string, MaxCountedNamed+1)})
	f.refused(bunker.CodeInvalid, "connection or apps", "audit.count", m{"apps": []string{"x"}, "connection": string(one)})
}

func TestACountIsBoundedAndSaysSo(t *testing.T) {
	f := setUp(t)
	f.newsroom()
	app := f.under("newsroom")
	f.requests(app, 300)
	f.counted = 250
	if res := f.do("audit.count", nil); get(res, "cut") != true || get(res, "looked") != 250.0 {
		t.Errorf("counted %v", res)
	}
	f.refused(bunker.CodeInvalid, "days is 1 to 92", "audit.count", m{"days": MaxCountedDays + 1})
	f.refused(bunker.CodeInvalid, "no time zone", "audit.count", m{"zone": "Mars/Base"})
	f.refused(bunker.CodeInvalid, "effect is allow, ask or deny", "audit.count", m{"effect": "maybe"})
}
