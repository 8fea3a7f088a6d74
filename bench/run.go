package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"nsecbunker/nostr"
)

// results is what one run says of one back end.
type results struct {
	Backend string          `json:"backend"`
	Cores   int             `json:"cores"`
	Floor   floors          `json:"floor_us"`
	Keys    map[int]*scaled `json:"keys"`
	Decrypt decrypts        `json:"nip44_decrypt_500"`
}

// scaled is what is measured with a number of keys. Times are medians.
type scaled struct {
	StartMS    float64 `json:"start_ms"`     // to the first answer, every key in memory
	StartCPUMS float64 `json:"start_cpu_ms"` // the same in CPU time
	IdleMB     float64 `json:"idle_mb"`
	LoadMB     float64 `json:"load_mb"`       // the highest
	GrownMB    float64 `json:"grown_mb"`      // from the first burst to the last
	PerSecond  float64 `json:"per_second"`    // 64 in flight
	CPU        float64 `json:"cpu_us"`        // of the bunker for one request, 64 in flight
	CPURatio   float64 `json:"cpu_per_floor"` // the same by the floor of the same moment
	FlightP50  float64 `json:"flight_p50_ms"`
	FlightP99  float64 `json:"flight_p99_ms"`
	PaceP50    float64 `json:"pace_p50_ms"` // 10 a second
	PaceP99    float64 `json:"pace_p99_ms"`
	PaceCPU    float64 `json:"pace_cpu_us"`
	Fsync      float64 `json:"fsync_ms"` // in the data folder, beside
}

// decrypts is 500 nip44_decrypt of one client, of 500 peers, at once.
type decrypts struct {
	MS       float64 `json:"ms"`
	FloorMS  float64 `json:"floor_ms"` // the floors' sum by the number of cores
	Ratio    float64 `json:"per_floor"`
	CPURatio float64 `json:"cpu_per_floor"`
}

// plan is how much is measured.
type plan struct {
	bin    []string
	work   string
	listen string
	// database is where a hosted instance's store is; "": in its folder.
	database string
	relay    string // host:port; "": the one inside the bunker
	keys     []int
	rounds   int // of bursts, and of runs at 10 a second
	burst    int // requests of a burst
	paced    int // requests of a run at 10 a second
	starts   int
}

func run(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	bin := f.String("bin", "", "the bunker, with its arguments before --data")
	out := f.String("out", "", "where the results go, as JSON")
	quick := f.Bool("quick", false, "a short run: what bench-check needs")
	keys := f.String("keys", "1,1000,10000", "numbers of keys")
	listen := f.String("listen", "127.0.0.1:4899", "where the bunker listens meanwhile")
	relay := f.String("relay", "127.0.0.1:4898", "where the relay listens meanwhile; empty: the one inside the bunker is used")
	if err := f.Parse(args); err != nil {
		return err
	}
	p := plan{bin: strings.Fields(*bin), listen: *listen, relay: *relay, rounds: 5, burst: 6000, paced: 100, starts: 5}
	if *quick {
		p.rounds, p.burst, p.paced, p.starts = 3, 5000, 30, 3
	}
	for _, k := range strings.Split(*keys, ",") {
		var n int
		if _, err := fmt.Sscan(k, &n); err != nil {
			return fmt.Errorf("-keys: %w", err)
		}
		p.keys = append(p.keys, n)
	}
	if len(p.bin) == 0 || *out == "" {
		return errors.New("run: -bin and -out are needed")
	}
	var err error
	if p.work, err = os.MkdirTemp("", "nsecbunker-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(p.work)
	r, err := p.run(ctx)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*out, append(b, '\n'), 0o644)
}

func (p *plan) run(ctx context.Context) (*results, error) {
	r := &results{Backend: nostr.Backend(), Cores: runtime.GOMAXPROCS(0), Keys: map[int]*scaled{}}
	var err error
	if r.Floor, err = floorNow(ctx); err != nil {
		return nil, err
	}
	for _, n := range p.keys {
		s, err := p.scale(ctx, n, r)
		if err != nil {
			return nil, fmt.Errorf("%d keys: %w", n, err)
		}
		r.Keys[n] = s
		fmt.Fprintf(os.Stderr, "%6d keys: %.0f requests/s, %.0f µs CPU each (%.2f × the floor), start %.0f ms (CPU %.0f), idle %.1f MB, load %.1f MB, p50 %.2f ms (fsync %.2f)\n",
			n, s.PerSecond, s.CPU, s.CPURatio, s.StartMS, s.StartCPUMS, s.IdleMB, s.LoadMB, s.PaceP50, s.Fsync)
	}
	return r, nil
}

// floorNow measures the floor in a process of its own, as everything is.
func floorNow(ctx context.Context) (floors, error) {
	self, err := os.Executable()
	if err != nil {
		return floors{}, err
	}
	out, err := exec.CommandContext(ctx, self, "floor").Output()
	if err != nil {
		return floors{}, err
	}
	var f floors
	return f, json.Unmarshal(out, &f)
}

// settle is how long the bunker is left alone before its idle memory counts.
const settle = 3 * time.Second

func (p *plan) scale(ctx context.Context, keys int, r *results) (_ *scaled, err error) {
	dir := filepath.Join(p.work, fmt.Sprint(keys))
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	seed := exec.CommandContext(ctx, self, "seed", "-dir", dir, "-keys", fmt.Sprint(keys), "-listen", p.listen, "-relay", p.relay)
	seed.Stderr = os.Stderr
	if err := seed.Run(); err != nil {
		return nil, err
	}
	s := &scaled{}
	stop, err := startRelay(ctx, p.relay)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	b, err := p.startups(ctx, dir, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	time.Sleep(settle)
	if s.IdleMB, _, err = b.memory(); err != nil {
		return nil, err
	}
	at := p.relay
	if at == "" {
		at = p.listen
	}
	l, err := startLoad(ctx, dir, at)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.stop()) }()
	// Every client once, so that conversation keys are at hand, as in daily use.
	if _, err := l.do(fmt.Sprintf("prepare sign_event %d", max(2*keys, 2000)), "flight 64"); err != nil {
		return nil, err
	}
	if err := p.bursts(ctx, b, l, s); err != nil {
		return nil, err
	}
	if err := p.paces(b, l, s, dir); err != nil {
		return nil, err
	}
	if keys == p.keys[0] {
		err = p.decrypts(ctx, b, l, &r.Decrypt)
	}
	return s, err
}

// startups starts the bunker several times and leaves it running.
func (p *plan) startups(ctx context.Context, dir string, s *scaled) (*bunkerProcess, error) {
	var wall, cpu []float64
	for i := 0; ; i++ {
		b, err := startBunker(ctx, p.bin, dir, p.listen)
		if err != nil {
			return nil, err
		}
		wall = append(wall, float64(b.startWall.Microseconds())/1e3)
		cpu = append(cpu, float64(b.startCPU.Microseconds())/1e3)
		s.StartMS, s.StartCPUMS = median(wall), median(cpu)
		if i == p.starts-1 {
			return b, nil
		}
		if err := b.stop(); err != nil {
			return nil, err
		}
	}
}

// bursts sends many requests, 64 at a time, and measures the floor between.
func (p *plan) bursts(ctx context.Context, b *bunkerProcess, l *loadProcess, s *scaled) error {
	var perSecond, cpu, ratio, p50, p99 []float64
	var first float64
	for i := range p.rounds {
		f, err := floorNow(ctx)
		if err != nil {
			return err
		}
		o, used, err := measured(b, l, fmt.Sprintf("prepare sign_event %d", p.burst), "flight 64")
		if err != nil {
			return err
		}
		g, err := floorNow(ctx)
		if err != nil {
			return err
		}
		each := float64(used.Nanoseconds()) / 1e3 / float64(o.Requests)
		perSecond = append(perSecond, float64(o.Requests)/o.Seconds)
		cpu = append(cpu, each)
		ratio = append(ratio, each/((f.SignEvent+g.SignEvent)/2))
		p50, p99 = append(p50, o.P50), append(p99, o.P99)
		now, peak, err := b.memory()
		if err != nil {
			return err
		}
		if i == 0 {
			first = now
		}
		s.GrownMB, s.LoadMB = now-first, peak
	}
	s.PerSecond, s.CPU, s.CPURatio, s.FlightP50, s.FlightP99 = median(perSecond), median(cpu), median(ratio), median(p50), median(p99)
	return nil
}

// measured prepares, and then takes the bunker's CPU time while it runs.
func measured(b *bunkerProcess, l *loadProcess, prepare, command string) (o outcome, used time.Duration, err error) {
	if _, err := l.do(prepare); err != nil {
		return o, 0, err
	}
	before, err := b.cpu()
	if err != nil {
		return o, 0, err
	}
	if o, err = l.do(command); err != nil {
		return o, 0, err
	}
	after, err := b.cpu()
	return o, after - before, err
}

func (p *plan) paces(b *bunkerProcess, l *loadProcess, s *scaled, dir string) error {
	var p50, p99, cpu, sync []float64
	for range p.rounds {
		took, err := fsyncs(dir)
		if err != nil {
			return err
		}
		sync = append(sync, took)
		o, used, err := measured(b, l, fmt.Sprintf("prepare sign_event %d", p.paced), "pace 10")
		if err != nil {
			return err
		}
		p50, p99 = append(p50, o.P50), append(p99, o.P99)
		cpu = append(cpu, float64(used.Nanoseconds())/1e3/float64(o.Requests))
	}
	s.PaceP50, s.PaceP99, s.PaceCPU, s.Fsync = median(p50), median(p99), median(cpu), median(sync)
	return nil
}

// fsyncs returns the median time, in ms, of writing a page and syncing it.
func fsyncs(dir string) (_ float64, err error) {
	f, err := os.CreateTemp(dir, "bench-fsync-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	var took []float64
	page := make([]byte, 4096)
	for range 25 {
		begin := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(begin).Microseconds())/1e3)
	}
	return median(took), nil
}

// manyDecrypts is what an app asks for when it opens an inbox.
const manyDecrypts = 500

func (p *plan) decrypts(ctx context.Context, b *bunkerProcess, l *loadProcess, d *decrypts) error {
	var wall, ratio, cpu, floor []float64
	for range p.rounds {
		f, err := floorNow(ctx)
		if err != nil {
			return err
		}
		o, used, err := measured(b, l, fmt.Sprintf("prepare nip44_decrypt %d", manyDecrypts), fmt.Sprintf("flight %d", manyDecrypts))
		if err != nil {
			return err
		}
		sum := f.Decrypt * manyDecrypts / 1e3 // ms
		least := sum / float64(runtime.GOMAXPROCS(0))
		wall, floor = append(wall, o.Seconds*1e3), append(floor, least)
		ratio = append(ratio, o.Seconds*1e3/least)
		cpu = append(cpu, float64(used.Microseconds())/1e3/sum)
	}
	d.MS, d.FloorMS, d.Ratio, d.CPURatio = median(wall), median(floor), median(ratio), median(cpu)
	return nil
}
