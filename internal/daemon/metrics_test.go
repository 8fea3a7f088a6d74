package daemon

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/config"
	"nsecbunker/internal/inbox"
)

var update = flag.Bool("update", false, "write the list of metrics anew")

// running is an instance with metrics, until the test ends.
func running(t *testing.T) *Daemon {
	t.Helper()
	c := config.Default()
	c.Listen, c.Metrics, c.AllowSwap = "127.0.0.1:0", "127.0.0.1:0", true
	d, err := Open(t.Context(), Options{Dir: t.TempDir(), Config: c, Log: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return d
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

const metricsList = "../../deploy/metrics.txt"

// TestMetricsAreTheListedOnesAndNameNobody holds a real scrape against the list that
// the rules and the dashboard of deploy/ are held against.
func TestMetricsAreTheListedOnesAndNameNobody(t *testing.T) {
	d := running(t)
	d.metrics.decided(1)
	status, text := get(t, "http://"+d.MetricsAddr()+"/metrics")
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(strings.NewReader(text))
	if status != http.StatusOK || err != nil {
		t.Fatalf("%d: %v", status, err)
	}
	allowed := map[string]bool{"outcome": true, "state": true, "of": true, "version": true, "engine": true, "le": true, "quantile": true}
	bad := regexp.MustCompile(`npub1|[0-9a-f]{32}|wss?://|` + regexp.QuoteMeta(string(bunker.SelfHosted)) + `"`)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if !strings.HasPrefix(name, "nsecbunker_") {
			continue // Go's and the process's
		}
		f := families[name]
		list = append(list, name+"\t"+strings.ToLower(f.GetType().String())+"\t"+f.GetHelp())
		for _, m := range f.Metric {
			for _, l := range m.Label {
				if !allowed[l.GetName()] || bad.MatchString(l.GetValue()) {
					t.Errorf("%s has the label %s=%q", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
	got := strings.Join(list, "\n") + "\n"
	if *update {
		if err := os.WriteFile(metricsList, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(metricsList)
	if err != nil || string(want) != got {
		t.Errorf("deploy/metrics.txt is not what is served (%v); go test ./internal/daemon -run TestMetrics -update\n%s", err, got)
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if families[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if status, _ := get(t, "http://"+d.MetricsAddr()+"/"); status != http.StatusNotFound {
		t.Errorf("the address of the metrics serves something else, too: %d", status)
	}
	if _, text := get(t, strings.Replace(d.ListenURL(), "ws", "http", 1)+"/metrics"); strings.Contains(text, "nsecbunker_") {
		t.Error("the metrics are served where apps come in")
	}
}

func TestReadinessEndsWithDrainingAndHealthDoesNot(t *testing.T) {
	d := running(t)
	at := strings.Replace(d.ListenURL(), "ws", "http", 1)
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, text := get(t, at+path); status != http.StatusOK || text != "ok\n" {
			t.Errorf("%s: %d %q", path, status, text)
		}
	}
	d.draining.Store(true)
	if status, text := get(t, at+"/readyz"); status != http.StatusServiceUnavailable || text != "not ready\n" {
		t.Errorf("/readyz while draining: %d %q", status, text)
	}
	if status, _ := get(t, at+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz while draining: %d", status)
	}
}

// ledgerOf answers every commit alike.
type ledgerOf struct {
	inbox.Ledger
	res bunker.Result
	err error
}

func (l ledgerOf) Commit(context.Context, *bunker.Entry) (bunker.Result, error) { return l.res, l.err }

func TestEveryCommitIsCountedByItsOutcome(t *testing.T) {
	d := running(t)
	entry := func(effect string) *bunker.Entry {
		e := &bunker.Entry{}
		e.Audit.Effect = effect
		return e
	}
	for want, c := range map[string]struct {
		effect string
		l      ledgerOf
	}{
		"allow":  {"allow", ledgerOf{res: bunker.Result{Outcome: bunker.Committed}}},
		"ask":    {"ask", ledgerOf{res: bunker.Result{Outcome: bunker.Committed}}},
		"deny":   {"deny", ledgerOf{res: bunker.Result{Outcome: bunker.Committed}}},
		"taken":  {"allow", ledgerOf{res: bunker.Result{Outcome: bunker.Taken}}},
		"moved":  {"allow", ledgerOf{res: bunker.Result{Outcome: bunker.Moved}}},
		"stale":  {"allow", ledgerOf{res: bunker.Result{Outcome: bunker.Stale}}},
		"failed": {"allow", ledgerOf{err: io.ErrUnexpectedEOF}},
	} {
		if _, err := (measured{c.l, d.metrics}).Commit(t.Context(), entry(c.effect)); err != c.l.err {
			t.Errorf("%s: %v", want, err)
		}
	}
	_, text := get(t, "http://"+d.MetricsAddr()+"/metrics")
	for _, o := range outcomes() {
		if line := `nsecbunker_requests_total{outcome="` + o + `"} 1` + "\n"; !strings.Contains(text, line) {
			t.Errorf("%s was not counted once", o)
		}
	}
	if !strings.Contains(text, "nsecbunker_commit_seconds_count 7\n") {
		t.Error("not every commit was timed")
	}
}
