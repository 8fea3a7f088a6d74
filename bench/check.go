package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// slack is by how much a ratio may be worse than its baseline.
const slack = 1.15

// goal is a figure with its target (issue 3).
type goal struct {
	name   string
	value  float64
	target float64
	unit   string
}

// goals are the targets of a run, in the order of the issue.
func (r *results) goals() []goal {
	limit := 1.9
	if strings.Contains(r.Backend, "libsecp256k1") {
		limit = 2.1
	}
	var out []goal
	for _, n := range r.sizes() {
		s, of := r.Keys[n], fmt.Sprintf(" (%d keys)", n)
		out = append(out, goal{"CPU per sign_event, by the floor" + of, s.CPURatio, limit, "×"})
		if first := r.Keys[1]; n > 1 && first != nil {
			out = append(out, goal{"the same by that of 1 key" + of, s.CPURatio / first.CPURatio, 1.1, "×"})
		}
		// Where the disk is slow, 2 ms over its fsync are allowed.
		out = append(out,
			goal{"idle memory" + of, s.IdleMB, 40, "MB"},
			goal{"memory under load" + of, s.LoadMB, 80, "MB"},
			goal{"start, keys unlocked" + of, s.StartMS, startTarget(n), "ms"},
			goal{"p50 at 10 a second" + of, s.PaceP50, max(4, s.Fsync+2), "ms"})
	}
	if r.Decrypt.Ratio > 0 {
		out = append(out, goal{"500 decrypts at once, by the floors' sum by the cores", r.Decrypt.Ratio, 3, "×"})
	}
	return out
}

// startTarget is 300 ms, and up to 500 more in proportion to 10,000 keys.
func startTarget(keys int) float64 { return 300 + 500*float64(keys)/10_000 }

func (r *results) sizes() []int {
	var out []int
	for n := range r.Keys {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// ratios are what is compared with a baseline: figures of one run by others of
// the same, or amounts that no other load on the machine changes.
func (r *results) ratios() map[string]float64 {
	out := map[string]float64{}
	for n, s := range r.Keys {
		of := fmt.Sprintf("_%d_keys", n)
		out["sign_event_cpu_by_floor"+of] = s.CPURatio
		out["start_cpu_by_floor"+of] = s.StartCPUMS * 1e3 / r.Floor.SignEvent
		out["idle_mb"+of] = s.IdleMB
		out["load_mb"+of] = s.LoadMB
	}
	if r.Decrypt.CPURatio > 0 {
		out["nip44_decrypt_cpu_by_floor"] = r.Decrypt.CPURatio
	}
	return out
}

// show prints a run's results as a table.
func show(_ context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("show: which results?")
	}
	var r results
	if err := readJSON(args[0], &r); err != nil {
		return err
	}
	return r.print(os.Stdout)
}

func (r *results) print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s, %d cores; floor of a sign_event %.0f µs, of a nip44_decrypt %.0f µs\n", r.Backend, r.Cores, r.Floor.SignEvent, r.Floor.Decrypt)
	fmt.Fprintln(w, "keys\trequests/s\tCPU each\tp50, p99 at 64\tp50, p99 at 10/s\tCPU at 10/s\tfsync\tstart (CPU)\tidle\tload\tgrown")
	for _, n := range r.sizes() {
		s := r.Keys[n]
		fmt.Fprintf(w, "%d\t%.0f\t%.0f µs\t%.1f, %.1f ms\t%.1f, %.1f ms\t%.0f µs\t%.2f ms\t%.0f (%.0f) ms\t%.0f MB\t%.0f MB\t%.1f MB\n", n, s.PerSecond, s.CPU,
			s.FlightP50, s.FlightP99, s.PaceP50, s.PaceP99, s.PaceCPU, s.Fsync, s.StartMS, s.StartCPUMS, s.IdleMB, s.LoadMB, s.GrownMB)
	}
	fmt.Fprintln(w, "target\tmeasured\tat most\t")
	for _, g := range r.goals() {
		mark := "met"
		if g.value > g.target {
			mark = "MISSED"
		}
		fmt.Fprintf(w, "%s\t%.2f %s\t%.4g\t%s\n", g.name, g.value, g.unit, g.target, mark)
	}
	return w.Flush()
}

// baselines are the ratios of each back end, as committed.
type baselines map[string]map[string]float64

// check compares a run with the baselines; with -write it becomes one.
func check(_ context.Context, args []string) error {
	f := flag.NewFlagSet("check", flag.ContinueOnError)
	path := f.String("baseline", "bench/baseline.json", "the committed ratios")
	write := f.Bool("write", false, "take the results over as the baseline")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return errors.New("check: which results?")
	}
	var r results
	if err := readJSON(f.Arg(0), &r); err != nil {
		return err
	}
	base := baselines{}
	if err := readJSON(*path, &base); err != nil && !(*write && errors.Is(err, os.ErrNotExist)) {
		return err
	}
	if *write {
		base[r.Backend] = r.ratios()
		b, err := json.MarshalIndent(base, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(*path, append(b, '\n'), 0o644)
	}
	return r.compare(os.Stdout, base[r.Backend])
}

func (r *results) compare(to io.Writer, base map[string]float64) error {
	now := r.ratios()
	var names, worse []string
	for name := range now {
		names = append(names, name)
	}
	slices.Sort(names)
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, name := range names {
		was, ok := base[name]
		if !ok {
			fmt.Fprintf(w, "%s\t%.2f\tnew\n", name, now[name])
			continue
		}
		mark := ""
		if now[name] > was*slack {
			mark = "WORSE"
			worse = append(worse, name)
		}
		fmt.Fprintf(w, "%s\t%.2f\twas %.2f\t%+.0f %%\t%s\n", name, now[name], was, (now[name]/was-1)*100, mark)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(worse) > 0 {
		return fmt.Errorf("more than 15 %% worse than the baseline: %s", strings.Join(worse, ", "))
	}
	return nil
}

func readJSON(path string, to any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, to)
}
