package policy

import (
	"testing"
	"time"

	"nsecbunker/internal/bunker"
)

func TestHoursAreTheClocksOnTheWall(t *testing.T) {
	const hour = 60
	school := []bunker.Hours{{Days: []bunker.Weekday{"mon", "tue", "wed", "thu", "fri"}, From: 15 * hour, To: 19*hour + 30}, {Days: []bunker.Weekday{"sat", "sun"}, From: 9 * hour, To: 20 * hour}}
	night := []bunker.Hours{{Days: []bunker.Weekday{"fri"}, From: 22 * hour, To: 6 * hour}}
	for _, c := range []struct {
		zone    string
		windows []bunker.Hours
		at      string // UTC
		want    bool
	}{
		{"", nil, "2026-11-29T03:00:00Z", true},
		{"", school, "2026-11-30T15:00:00Z", true}, // a Monday
		{"", school, "2026-11-30T14:59:59Z", false},
		{"", school, "2026-11-30T19:29:59Z", true},
		{"", school, "2026-11-30T19:30:00Z", false},
		{"", school, "2026-11-29T09:00:00Z", true}, // a Sunday
		{"", school, "2026-11-29T20:00:00Z", false},
		{"Europe/Paris", school, "2026-11-30T14:00:00Z", true}, // 15:00 in winter
		{"Europe/Paris", school, "2026-11-30T13:59:59Z", false},
		{"Europe/Paris", school, "2026-07-06T13:00:00Z", true}, // 15:00 in summer
		{"Europe/Paris", school, "2026-07-06T12:59:59Z", false},
		{"Asia/Kathmandu", school, "2026-11-30T09:15:00Z", true}, // +5:45
		{"Asia/Kathmandu", school, "2026-11-30T09:14:59Z", false},
		// Over midnight: of Friday, into Saturday.
		{"", night, "2026-11-27T22:00:00Z", true},
		{"", night, "2026-11-28T05:59:59Z", true},
		{"", night, "2026-11-28T06:00:00Z", false},
		{"", night, "2026-11-28T22:00:00Z", false},
		{"", night, "2026-11-27T05:00:00Z", false},
		// The whole day, spelt in each way.
		{"", []bunker.Hours{{Days: []bunker.Weekday{"sun"}}}, "2026-11-29T00:00:00Z", true},
		{"", []bunker.Hours{{Days: []bunker.Weekday{"sun"}}}, "2026-11-30T00:00:00Z", false},
		{"", []bunker.Hours{{Days: []bunker.Weekday{"sun"}, To: 1440}}, "2026-11-29T23:59:59Z", true},
		{"", []bunker.Hours{{From: 600, To: 600}}, "2026-11-29T03:00:00Z", true},
		{"", []bunker.Hours{{Days: []bunker.Weekday{"sun"}, From: 23 * hour, To: 1440}}, "2026-11-29T23:59:59Z", true},
		{"", []bunker.Hours{{Days: []bunker.Weekday{"sun"}, From: 23 * hour, To: 1440}}, "2026-11-30T00:00:00Z", false},
		// Spring: 2026-03-29, Paris goes from 02:00 to 03:00 (01:00 UTC).
		{"Europe/Paris", []bunker.Hours{{From: 2 * hour, To: 3 * hour}}, "2026-03-29T00:59:59Z", false},
		{"Europe/Paris", []bunker.Hours{{From: 2 * hour, To: 3 * hour}}, "2026-03-29T01:00:00Z", false}, // it is skipped
		{"Europe/Paris", []bunker.Hours{{From: 1 * hour, To: 4 * hour}}, "2026-03-29T01:59:59Z", true},
		{"Europe/Paris", []bunker.Hours{{From: 1 * hour, To: 4 * hour}}, "2026-03-29T02:00:00Z", false},
		// Autumn: 2026-10-25, from 03:00 back to 02:00 (01:00 UTC).
		{"Europe/Paris", []bunker.Hours{{From: 2 * hour, To: 3 * hour}}, "2026-10-25T00:30:00Z", true}, // 02:30, the first
		{"Europe/Paris", []bunker.Hours{{From: 2 * hour, To: 3 * hour}}, "2026-10-25T01:30:00Z", true}, // 02:30, the second
		{"Europe/Paris", []bunker.Hours{{From: 2 * hour, To: 3 * hour}}, "2026-10-25T02:00:00Z", false},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		p := thePolicy(bunker.Rule{Effect: bunker.Allow, Hours: c.windows})
		p.Zone = c.zone
		in := with(under(t, p), sign(1))
		in.Now, in.Operation.Template.CreatedAt = at.UnixMilli(), at.Unix()
		if got := Decide(in).Effect == bunker.Allow; got != c.want {
			t.Errorf("%s in %q, windows %+v: %t", c.at, c.zone, c.windows, got)
		}
	}
}

func TestZonesAreNamed(t *testing.T) {
	for name, ok := range map[string]bool{"": true, "UTC": true, "Europe/Paris": true, "America/Argentina/Buenos_Aires": true, "Local": false, "Paris": false, "../etc/passwd": false, "Mars/Base": false} {
		if _, err := Zone(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Every instant is in exactly one window of each sort, also where the clocks change
// at midnight, by half an hour, or leave a day out.
func TestWindowsOfBudgetsCoverTimeOnce(t *testing.T) {
	for zone, around := range map[string][]string{
		"Europe/Paris":        {"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z"},
		"America/Havana":      {"2026-03-08T05:00:00Z", "2026-11-01T05:00:00Z"}, // at midnight and to midnight
		"America/Asuncion":    {"2023-10-01T04:00:00Z", "2024-03-24T03:00:00Z"}, // back into the day before
		"Asia/Beirut":         {"2024-03-30T22:00:00Z", "2024-10-26T21:00:00Z"},
		"Australia/Lord_Howe": {"2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z"}, // by half an hour
		"Pacific/Apia":        {"2011-12-30T10:00:00Z"},                         // a day is left out
		"Asia/Kathmandu":      {"2026-11-29T18:15:00Z"},
	} {
		p := thePolicy(budget(bunker.Budget{PerMinute: 1, PerHour: 1, PerDay: 1}))
		p.Zone = zone
		in := with(under(t, p), sign(1))
		loc, err := Zone(zone)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range around {
			mid, err := time.Parse(time.RFC3339, s)
			if err != nil {
				t.Fatal(err)
			}
			last := map[int]bunker.Charge{}
			for at := mid.Add(-49 * time.Hour); at.Before(mid.Add(49 * time.Hour)); at = at.Add(10*time.Minute + 7*time.Second) {
				in.Now, in.Operation.Template.CreatedAt = at.UnixMilli(), at.Unix()
				d := Decide(in)
				if len(d.Charges) != 3 {
					t.Fatalf("%s: %+v", zone, d)
				}
				for i, c := range d.Charges {
					if !c.Covers(in.Now) {
						t.Errorf("%s at %s: the window %s does not hold its own time (%s to %s)", zone, at.In(loc), c.Name, time.UnixMilli(c.From).In(loc), time.UnixMilli(c.Until).In(loc))
					}
					if was, ok := last[i]; ok && (was.Name == c.Name) != was.Covers(in.Now) {
						t.Errorf("%s at %s: %s after %s (until %s)", zone, at.In(loc), c.Name, was.Name, time.UnixMilli(was.Until).In(loc))
					}
					last[i] = c
				}
				if want := "day " + at.In(loc).Format(time.DateOnly); d.Charges[2].Name != want {
					t.Errorf("%s: %s, want %s", at.In(loc), d.Charges[2].Name, want)
				}
			}
		}
	}
}
