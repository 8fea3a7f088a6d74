package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
)

const (
	// MaxCounted is how many of the newest records a count looks at.
	MaxCounted = 50_000
	// MaxCountedDays is how many days a count can tell apart.
	MaxCountedDays = 92
	// MaxCountedApps is how many apps a count names, the busiest first.
	MaxCountedApps = 100
	// MaxCountedNamed is how many apps one count can be asked for by name.
	MaxCountedNamed = 64
	// countedDays is how far back one counts when nobody says.
	countedDays = 14
)

func auditCountCommands(t *Table) {
	add(t, Command{
		Name: "audit.count", Summary: "Counts what apps asked and what became of it, by day and by app: for charts. It counts records as audit.list lists them, with the same filters.",
		Role: bunker.Viewer, Scope: lists(), // the admin app's: a terminal draws no charts
	}, t.auditCount)
}

type auditCountParams struct {
	auditFilter
	Apps []string `json:"apps,omitempty" doc:"ids of connections: these are counted, and no other; at most 64"`
	Days int      `json:"days,omitempty" doc:"how many days, until ends the last (14, at most 92)"`
	Zone string   `json:"zone,omitempty" doc:"time zone in which days begin, such as Europe/Paris (UTC)"`
}

type auditCountResult struct {
	Days   []dayCount `json:"days" doc:"the oldest first, days without a record, too"`
	Apps   []appCount `json:"apps" doc:"the busiest first, at most 100"`
	Others int        `json:"others,omitempty" doc:"apps that are not named"`
	Looked int        `json:"looked" doc:"records that were looked at"`
	Cut    bool       `json:"cut,omitempty" doc:"there are more; only the last ones were counted"`
}

type dayCount struct {
	At     Time `json:"at" doc:"when it begins"`
	Allow  int  `json:"allow"`
	Ask    int  `json:"ask"`
	Deny   int  `json:"deny"`
	Signed int  `json:"signed" doc:"of those allowed, that made a signed event"`
}

type appCount struct {
	Connection string `json:"connection" doc:"id"`
	Count      int    `json:"count"`
	Days       []int  `json:"days" doc:"of each day"`
	Signed     []int  `json:"signed" doc:"of each day"`
}

func (t *Table) auditCount(ctx context.Context, c *Call, p auditCountParams) (auditCountResult, error) {
	res := auditCountResult{Days: []dayCount{}, Apps: []appCount{}}
	if p.Days == 0 {
		p.Days = countedDays
	}
	if p.Days < 1 || p.Days > MaxCountedDays {
		return res, bunker.Errorf(bunker.CodeInvalid, "days is 1 to %d", MaxCountedDays).In("days")
	}
	zone, err := policy.Zone(p.Zone)
	if err != nil {
		return res, err
	}
	f, err := t.recordFilter(ctx, &p.auditFilter)
	if err != nil {
		return res, err
	}
	last := c.Now
	if f.Until != 0 {
		last = time.UnixMilli(f.Until - 1) // until is exclusive: midnight ends the day before
	}
	last = last.In(zone)
	for i := range p.Days {
		// By the calendar: a day can have 23 hours.
		at := time.Date(last.Year(), last.Month(), last.Day()-p.Days+1+i, 0, 0, 0, 0, zone)
		res.Days = append(res.Days, dayCount{At: Time(at.UnixMilli())})
	}
	f.Since, f.Limit = max(f.Since, int64(res.Days[0].At)), MaxPage
	apps := map[string]*appCount{}
	if len(p.Apps) == 0 {
		err = t.countRecords(ctx, f, &res, apps)
	} else {
		err = t.countNamed(ctx, f, p.Apps, &res, apps)
	}
	res.named(apps)
	return res, err
}

// countNamed counts for each app that is named: what a list shows of the rows in sight.
// Each has its own place in the log's index, so that a quiet one costs next to nothing.
func (t *Table) countNamed(ctx context.Context, f RecordFilter, ids []string, res *auditCountResult, apps map[string]*appCount) error {
	switch {
	case len(ids) > MaxCountedNamed:
		return bunker.Errorf(bunker.CodeInvalid, "apps names more than %d", MaxCountedNamed).In("apps")
	case f.Connection != "":
		return bunker.Errorf(bunker.CodeInvalid, "give connection or apps").In("apps")
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		f.Connection = bunker.ConnectionID(id)
		if err := t.countRecords(ctx, f, res, apps); err != nil {
			return err
		}
	}
	return nil
}

// countRecords reads the log backwards and counts.
func (t *Table) countRecords(ctx context.Context, f RecordFilter, res *auditCountResult, apps map[string]*appCount) error {
	for {
		rows, err := t.Rows.Records(ctx, t.Tenant, f)
		if err != nil {
			return err
		}
		for i := range rows {
			if res.Looked == t.counted {
				res.Cut = true
				break
			}
			res.Looked++
			res.count(&rows[i], apps)
		}
		if res.Cut || len(rows) < MaxPage {
			break
		}
		f.Before = rows[len(rows)-1].Seq
	}
	return nil
}

// named lists the apps, the busiest first.
func (res *auditCountResult) named(apps map[string]*appCount) {
	for _, a := range apps {
		res.Apps = append(res.Apps, *a)
	}
	slices.SortFunc(res.Apps, func(a, b appCount) int {
		if a.Count != b.Count {
			return b.Count - a.Count
		}
		return strings.Compare(a.Connection, b.Connection)
	})
	if n := len(res.Apps) - MaxCountedApps; n > 0 {
		res.Apps, res.Others = res.Apps[:MaxCountedApps], n
	}
}

// count takes one record down, if it is of an app: a question when it was asked, and
// again what came of it.
func (res *auditCountResult) count(r *bunker.AuditRecord, apps map[string]*appCount) {
	if r.Connection == "" || r.Step == "admin" {
		return
	}
	at, exact := slices.BinarySearchFunc(res.Days, r.Time, func(d dayCount, t int64) int { return int(min(1, max(-1, int64(d.At)-t))) })
	if !exact {
		at--
	}
	if at < 0 {
		return
	}
	d := &res.Days[at]
	switch r.Effect {
	case bunker.Allow.String():
		d.Allow++
	case bunker.Ask.String():
		d.Ask++
	case bunker.Deny.String():
		d.Deny++
	default:
		return
	}
	app := apps[r.Connection]
	if app == nil {
		app = &appCount{Connection: r.Connection, Days: make([]int, len(res.Days)), Signed: make([]int, len(res.Days))}
		apps[r.Connection] = app
	}
	app.Count++
	app.Days[at]++
	if r.SignedID != "" {
		d.Signed++
		app.Signed[at]++
	}
}
