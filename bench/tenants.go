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
	"strings"
	"time"
)

// hosted is what one run says of an instance with many tenants, and of one tenant of it
// beside a bunker that is alone, at the same moment.
type hosted struct {
	Tenants     int     `json:"tenants"`
	Connections int     `json:"connections"` // of each
	StartMS     float64 `json:"start_ms"`    // to the first answer
	StartCPUMS  float64 `json:"start_cpu_ms"`
	OpenMS      float64 `json:"open_ms"` // to every tenant open
	OpenCPUMS   float64 `json:"open_cpu_ms"`
	IdleMB      float64 `json:"idle_mb"`
	LoadMB      float64 `json:"load_mb"`
	StoreMB     float64 `json:"store_mb"`

	PerSecond float64 `json:"per_second"` // of one tenant, 64 in flight
	Alone     float64 `json:"alone_per_second"`
	CPU       float64 `json:"cpu_us"`
	AloneCPU  float64 `json:"alone_cpu_us"`
	// The medians of the ratios of each round: one tenant's by the lone bunker's.
	RatePer float64 `json:"per_second_ratio"`
	CPUPer  float64 `json:"cpu_ratio"`

	// 10 requests a second of one tenant, alone, and while another has a flood of
	// floodFlight in flight all the time.
	PaceP50   float64 `json:"pace_p50_ms"`
	PaceP99   float64 `json:"pace_p99_ms"`
	FloodP50  float64 `json:"flood_p50_ms"`
	FloodP99  float64 `json:"flood_p99_ms"`
	FloodRate float64 `json:"flood_per_second"` // of the flood meanwhile
	FloodPer  float64 `json:"flood_p99_ratio"`
}

const (
	// floodFlight is how many requests of the flood are in flight at once.
	floodFlight = 512
	// paced is how many requests of the other tenant are measured.
	paced = 100
)

// tenants measures an instance with many tenants.
func tenants(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("tenants", flag.ContinueOnError)
	bin := f.String("bin", "", "the bunker, with its arguments before --data")
	out := f.String("out", "", "where the results go, as JSON")
	n := f.Int("tenants", 10_000, "how many")
	apps := f.Int("connections", 10, "of each")
	rounds := f.Int("rounds", 5, "how often both are measured")
	burst := f.Int("burst", 4000, "requests of a round")
	work := f.String("work", "", "where the data folders are; they are used again when they are there. Empty: a new place, removed at the end")
	hostedAt := f.String("listen", "127.0.0.1:4899", "where the instance listens meanwhile")
	database := f.String("database", "", "the PostgreSQL database that the instance's store is in, empty at first; then only its start and its memory are measured, since the lone bunker has a file")
	metrics := f.String("metrics", "127.0.0.1:4898", "where it says how many tenants are open")
	aloneAt := f.String("alone", "127.0.0.1:4897", "where the lone bunker listens meanwhile")
	if err := f.Parse(args); err != nil {
		return err
	}
	p := plan{bin: strings.Fields(*bin), work: *work, rounds: *rounds, burst: *burst, starts: 3}
	if len(p.bin) == 0 || *out == "" {
		return errors.New("tenants: -bin and -out are needed")
	}
	if p.work == "" {
		var err error
		if p.work, err = os.MkdirTemp("", "nsecbunker-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(p.work)
	}
	h := &hosted{Tenants: *n, Connections: *apps}
	p.database = *database
	if err := p.host(ctx, h, *hostedAt, *aloneAt, *metrics); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d tenants of %d connections: start %.0f ms (CPU %.0f), all open after %.0f (%.0f), idle %.0f MB, load %.0f MB, store %.0f MB; one of them %.0f requests/s, %.0f µs CPU each; a lone bunker %.0f and %.0f; ratios %.2f and %.2f; at 10 a second p50 %.1f and p99 %.1f ms, beside a flood of %.0f/s %.1f and %.1f\n",
		h.Tenants, h.Connections, h.StartMS, h.StartCPUMS, h.OpenMS, h.OpenCPUMS, h.IdleMB, h.LoadMB, h.StoreMB, h.PerSecond, h.CPU, h.Alone, h.AloneCPU, h.RatePer, h.CPUPer,
		h.PaceP50, h.PaceP99, h.FloodRate, h.FloodP50, h.FloodP99)
	b, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*out, append(b, '\n'), 0o644)
}

// seeded makes a data folder, unless it is there.
func (p *plan) seeded(ctx context.Context, name, listen string, args ...string) (string, error) {
	dir := filepath.Join(p.work, name)
	if _, err := os.Stat(filepath.Join(dir, clientsFile)); err == nil {
		return dir, nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{"seed", "-dir", dir, "-keys", "1", "-listen", listen}, args...)...)
	cmd.Stderr = os.Stderr
	return dir, cmd.Run()
}

func (p *plan) host(ctx context.Context, h *hosted, hostedAt, aloneAt, metrics string) (err error) {
	apps := fmt.Sprint(h.Connections)
	many, err := p.seeded(ctx, "hosted", hostedAt, "-tenants", fmt.Sprint(h.Tenants), "-exactly", "-apps", apps, "-database", p.database)
	if err != nil {
		return err
	}
	if p.database != "" {
		p.bin = append(p.bin, "--database", p.database)
	}
	one, err := p.seeded(ctx, "alone", aloneAt, "-exactly", "-apps", apps)
	if err != nil {
		return err
	}
	if err := writeConfig(many, hostedAt, "", metrics, true); err != nil { // of a folder that was kept, too
		return err
	}
	a, err := p.openings(ctx, h, many, hostedAt, metrics)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	time.Sleep(settle)
	if h.IdleMB, _, err = a.memory(); err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Join(many, "bunker.db")); err == nil {
		h.StoreMB = float64(info.Size()) / 1e6
	}
	fmt.Fprintf(os.Stderr, "%d tenants: start %.0f ms (CPU %.0f), all open after %.0f (%.0f), idle %.0f MB, store %.0f MB\n",
		h.Tenants, h.StartMS, h.StartCPUMS, h.OpenMS, h.OpenCPUMS, h.IdleMB, h.StoreMB)
	if err := answering(ctx, many, hostedAt); err != nil || p.database != "" {
		return err
	}
	b, err := startBunker(ctx, p.bin, one, aloneAt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop()) }()
	return p.beside(ctx, h, side{a, many, hostedAt, othersFile}, side{b, one, aloneAt, clientsFile})
}

// openings starts the instance several times, waits until every tenant is open, and leaves it
// running.
func (p *plan) openings(ctx context.Context, h *hosted, dir, at, metrics string) (*bunkerProcess, error) {
	var start, startCPU, open, openCPU []float64
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	for i := 0; ; i++ {
		begun := time.Now()
		b, err := startBunker(ctx, p.bin, dir, at)
		if err != nil {
			return nil, err
		}
		wall, cpu, err := b.open(ctx, begun, metrics, h.Tenants)
		if err != nil {
			return nil, errors.Join(err, b.stop())
		}
		start, startCPU = append(start, ms(b.startWall)), append(startCPU, ms(b.startCPU))
		open, openCPU = append(open, ms(wall)), append(openCPU, ms(cpu))
		h.StartMS, h.StartCPUMS, h.OpenMS, h.OpenCPUMS = median(start), median(startCPU), median(open), median(openCPU)
		if i == p.starts-1 {
			return b, nil
		}
		if err := b.stop(); err != nil {
			return nil, err
		}
	}
}

// side is a bunker with the file of the apps that ask it.
type side struct {
	b       *bunkerProcess
	dir, at string
	clients string
}

// beside measures both in turn, so that whatever else the machine does is done to both.
func (p *plan) beside(ctx context.Context, h *hosted, many, one side) (err error) {
	var loads [2]*loadProcess
	sides := [2]side{many, one}
	for i, s := range sides {
		if loads[i], err = startLoad(ctx, s.dir, s.at, "-clients", s.clients); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, loads[i].stop()) }()
		if _, err := loads[i].do("prepare sign_event 1000", "flight 64"); err != nil {
			return err
		}
	}
	var rate, cpu [2][]float64
	var ratePer, cpuPer []float64
	for range p.rounds {
		for i, s := range sides {
			o, used, err := measured(s.b, loads[i], fmt.Sprintf("prepare sign_event %d", p.burst), "flight 64")
			if err != nil {
				return err
			}
			rate[i] = append(rate[i], float64(o.Requests)/o.Seconds)
			cpu[i] = append(cpu[i], float64(used.Nanoseconds())/1e3/float64(o.Requests))
		}
		last := len(rate[0]) - 1
		ratePer = append(ratePer, rate[0][last]/rate[1][last])
		cpuPer = append(cpuPer, cpu[0][last]/cpu[1][last])
	}
	h.PerSecond, h.Alone, h.CPU, h.AloneCPU = median(rate[0]), median(rate[1]), median(cpu[0]), median(cpu[1])
	h.RatePer, h.CPUPer = median(ratePer), median(cpuPer)
	fmt.Fprintf(os.Stderr, "one tenant %.0f requests/s, %.0f µs CPU each; a lone bunker %.0f and %.0f; ratios %.2f and %.2f\n", h.PerSecond, h.CPU, h.Alone, h.AloneCPU, h.RatePer, h.CPUPer)
	if err := flooded(ctx, h, many, loads[0]); err != nil {
		return err
	}
	_, h.LoadMB, err = many.b.memory()
	return err
}

// flooded measures one tenant at 10 requests a second, alone and beside a flood.
func flooded(ctx context.Context, h *hosted, s side, flood *loadProcess) (err error) {
	l, err := startLoad(ctx, s.dir, s.at, "-clients", pacedFile)
	if err != nil {
		return err
	}
	prepare := fmt.Sprintf("prepare sign_event %d", paced)
	alone, err := l.do(prepare, "flight 8", prepare, "pace 10")
	if err != nil {
		return errors.Join(err, l.stop())
	}
	defer func() { err = errors.Join(err, l.stop()) }()
	h.PaceP50, h.PaceP99 = alone.P50, alone.P99
	// More than what can be answered in the time; who is done first waits for nobody.
	if _, err := flood.do(fmt.Sprintf("prepare sign_event %d", paced/10*6000)); err != nil {
		return err
	}
	if _, err := l.do(prepare); err != nil {
		return err
	}
	ended := make(chan error, 1)
	begin := time.Now()
	var o outcome
	go func() {
		var err error
		o, err = flood.do(fmt.Sprintf("flight %d", floodFlight))
		ended <- err
	}()
	time.Sleep(settle)
	beside, err := l.do("pace 10")
	if err != nil {
		return err
	}
	took := time.Since(begin)
	h.FloodP50, h.FloodP99 = beside.P50, beside.P99
	if err := <-ended; err != nil {
		return err
	}
	if o.Seconds < took.Seconds() {
		return fmt.Errorf("the flood was over after %.1f s, before the other tenant was measured", o.Seconds)
	}
	h.FloodRate, h.FloodPer = float64(o.Requests)/o.Seconds, h.FloodP99/h.PaceP99
	return nil
}
