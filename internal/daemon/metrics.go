package daemon

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/inbox"
	"nsecbunker/internal/relay"
)

const (
	// metricsPath is where the numbers are, on an address of its own.
	metricsPath = "/metrics"
	// metricsTimeout bounds the reading of the store for one answer.
	metricsTimeout = 5 * time.Second
	// maxScrapes is how many answers are made at the same time.
	maxScrapes = 4
)

// metrics are the instance's numbers for Prometheus. No label names a key, a tenant,
// an app, a relay or a person: the numbers may be read by people who run machines.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	decide   prometheus.Histogram
	commit   prometheus.Histogram
}

// outcomes are the values of the label of nsecbunker_requests_total.
func outcomes() []string {
	return []string{"allow", "ask", "deny", "taken", "moved", "stale", "failed"}
}

// seconds are the bounds of the histograms: from what a decision costs to what a
// person notices.
func seconds() []float64 {
	return []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
}

func newMetrics(d *Daemon) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "nsecbunker_requests_total",
			Help: "Requests of apps and strangers that were decided, by what became of them: allow, ask, deny; taken (an earlier copy had it), moved (decided anew), stale, failed (the store).",
		}, []string{"outcome"}),
		decide: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nsecbunker_decide_seconds", Buckets: seconds(),
			Help: "How long deciding took, signing and waiting for a free processor with it, before the commit.",
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "nsecbunker_commit_seconds", Buckets: seconds(),
			Help: "How long the commit of a decision took, waiting for its group with it.",
		}),
	}
	for _, o := range outcomes() {
		m.requests.WithLabelValues(o) // so that a rate is there before the first one
	}
	m.registry.MustRegister(m.requests, m.decide, m.commit, &gauges{d},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// handler answers with the numbers of this moment.
func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+metricsPath, promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes, Timeout: 2 * metricsTimeout}))
	return mux
}

// decided notes how long judging took.
func (m *metrics) decided(took time.Duration) { m.decide.Observe(took.Seconds()) }

// measured is the ledger whose commits are counted and timed.
type measured struct {
	inbox.Ledger
	m *metrics
}

// Commit is the ledger's.
func (l measured) Commit(ctx context.Context, e *bunker.Entry) (bunker.Result, error) {
	begin := time.Now()
	res, err := l.Ledger.Commit(ctx, e)
	l.m.commit.Observe(time.Since(begin).Seconds())
	l.m.requests.WithLabelValues(outcome(e, res, err)).Inc()
	return res, err
}

func outcome(e *bunker.Entry, res bunker.Result, err error) string {
	switch {
	case err != nil:
		return "failed"
	case res.Outcome == bunker.Taken:
		return "taken"
	case res.Outcome == bunker.Moved:
		return "moved"
	case res.Outcome == bunker.Stale:
		return "stale"
	case res.Outcome != bunker.Committed:
		return "failed"
	}
	switch e.Audit.Effect {
	case bunker.Allow.String():
		return "allow"
	case bunker.Ask.String():
		return "ask"
	default:
		return "deny"
	}
}

// gauges are the numbers that are read when they are asked for.
type gauges struct{ d *Daemon }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("nsecbunker_"+name, help, labels, nil)
}

// gauge is one row of the table of gauges.
type gauge struct {
	desc  *prometheus.Desc
	value float64
	label []string
	kind  prometheus.ValueType
}

// Describe implements prometheus.Collector: nothing is announced, since what is there
// depends on what can be read.
func (g *gauges) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	for _, v := range g.read() {
		kind := v.kind
		if kind == 0 {
			kind = prometheus.GaugeValue
		}
		out <- prometheus.MustNewConstMetric(v.desc, kind, v.value, v.label...)
	}
}

// read returns every number. What cannot be read is left out, but for whether the
// store is reachable.
func (g *gauges) read() []gauge {
	all := g.instance()
	all = append(all, g.stored()...)
	all = append(all, g.relays()...)
	return append(all, g.embedded()...)
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// instance are the process's own.
func (g *gauges) instance() []gauge {
	d := g.d
	engine := "sqlite"
	if d.Config.Database != "" {
		engine = "postgres"
	}
	all, open, elsewhere, opening := 0, 0, 0, d.shut.waiting()
	d.tenants.each(func(t *tenant) {
		all++
		switch {
		case t.opening.Load(): // its record may not be written yet
		case d.vault.Unsealed(t.id):
			open++
		case t.guest() && d.together.elsewhere(t.id): // the house is to be open on each, for the sake of its guests
			elsewhere++
		}
	})
	opening = min(opening, all-open-elsewhere)
	used, size := d.arena.Used()
	clock := d.store.Clock()
	state := desc("tenants", "Bunkers of this instance: unsealed, or sealed (those that are not set up with them); opening are guests that wait to be opened with the house; elsewhere are guests that another instance has unsealed.", "state")
	arena := desc("secret_memory_bytes", "Locked memory for secrets: used, and size.", "of")
	return []gauge{
		{desc: desc("build_info", "1; the labels say what runs.", "version", "engine"), value: 1, label: []string{d.Version, engine}},
		{desc: desc("started_timestamp_seconds", "When the instance started."), value: float64(d.started.Unix())},
		{desc: desc("draining", "1 while the instance ends."), value: yes(d.draining.Load())},
		{desc: state, value: float64(open), label: []string{"unsealed"}},
		{desc: state, value: float64(all - open - elsewhere - opening), label: []string{"sealed"}},
		{desc: state, value: float64(opening), label: []string{"opening"}},
		{desc: state, value: float64(elsewhere), label: []string{"elsewhere"}},
		{desc: arena, value: float64(used), label: []string{"used"}},
		{desc: arena, value: float64(size), label: []string{"size"}},
		{desc: desc("clock_suspect", "1 while the clock is not trusted: nothing is deleted or purged."), value: yes(clock.Suspect)},
		{desc: desc("clock_behind", "1 while the clock is behind the store: nothing is signed."), value: yes(clock.Behind)},
		{desc: desc("clock_lead_seconds", "How far the store's time is before the clock."), value: clock.Ledger.Sub(d.Now()).Seconds()},
	}
}

// stored are the store's.
func (g *gauges) stored() []gauge {
	ctx, cancel := context.WithTimeout(g.d.life, metricsTimeout)
	defer cancel()
	total, err := g.d.store.Totals(ctx)
	all := []gauge{{desc: desc("store_reachable", "1 if the store answers."), value: yes(err == nil)}}
	if err != nil {
		return all
	}
	all = append(all,
		gauge{desc: desc("questions_open", "Questions that wait for a person, in all bunkers."), value: float64(total.Questions)},
		gauge{desc: desc("requests_parked", "Requests that wait for an answer."), value: float64(total.Parked)},
		gauge{desc: desc("replies_waiting", "Replies that no relay has taken yet."), value: float64(total.Ready)},
		gauge{desc: desc("replies_undeliverable", "Replies that were given up."), value: float64(total.Undeliverable)},
	)
	if last, err := (backups{g.d.home}).Last(ctx); err == nil {
		v := 0.0
		if !last.IsZero() {
			v = float64(last.Unix())
		}
		all = append(all, gauge{desc: desc("last_backup_timestamp_seconds", "When the last backup was made by this program; 0: never."), value: v})
	}
	return all
}

// relays are counted by state: a relay's address could tell whose it is.
func (g *gauges) relays() []gauge {
	by := map[relay.State]int{relay.Idle: 0, relay.Connecting: 0, relay.Open: 0, relay.Up: 0, relay.Waiting: 0, relay.CutOff: 0}
	queued, wanted := 0, 0
	for _, s := range g.d.relays.Status() {
		by[s.State]++
		queued += s.Queued
		if s.Wanted {
			wanted++
		}
	}
	state := desc("relays", "Connections to relays, by what they do: idle, connecting, open (not every key is heard), up, waiting (for the next try), cut off (too many forged events).", "state")
	all := []gauge{
		{desc: desc("relays_wanted", "Relays that are to be up."), value: float64(wanted)},
		{desc: desc("relay_publications_waiting", "Events that were sent to relays and not answered yet."), value: float64(queued)},
	}
	for s, n := range by {
		all = append(all, gauge{desc: state, value: float64(n), label: []string{string(s)}})
	}
	return all
}

// embedded are the embedded relay's.
func (g *gauges) embedded() []gauge {
	s := g.d.embedded.Stats()
	count := func(name, help string, v uint64) gauge {
		return gauge{desc: desc(name, help), value: float64(v), kind: prometheus.CounterValue}
	}
	return []gauge{
		{desc: desc("embedded_connections", "Connections to the embedded relay."), value: float64(s.Conns)},
		{desc: desc("embedded_subscriptions", "Subscriptions on it."), value: float64(s.Subs)},
		{desc: desc("embedded_queued_bytes", "Bytes that wait to be written to its connections."), value: float64(s.QueuedBytes)},
		{desc: desc("embedded_in_flight", "Events of it that are being worked on."), value: float64(s.InFlight)},
		count("embedded_accepted_total", "Events that it took.", s.Accepted),
		count("embedded_refused_total", "Events that it refused.", s.Refused),
		count("embedded_rate_limited_total", "Messages that it refused because of a limit.", s.RateLimited),
		count("embedded_turned_away_total", "Connections that it refused at the door.", s.TurnedAway),
		count("embedded_stalled_total", "Connections that it ended because they did not read.", s.Stalled),
	}
}
