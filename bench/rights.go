package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
)

// figure is one of those of issue 4, as a benchmark of Go reports it.
type figure struct {
	bench, metric, name string
	scale               float64 // from the metric's unit to the target's
	target              float64 // 0: shown beside, without one
	unit                string
}

// rightsFigures are what run has go test measure, with their targets.
var rightsFigures = []figure{
	{"BenchmarkRequest/none", "cpu-ns/request", "view, decide, commit, audit: a permission, 10,000 connections", 1e-3, 0, "µs"},
	{"BenchmarkRequest/shared", "cpu-ns/request", "the same under 100 policies of 100 rules, with a budget", 1e-3, 60, "µs"},
	{"BenchmarkRequest/own", "cpu-ns/request", "the same under 10,000 policies, all of the same 100 rules", 1e-3, 60, "µs"},
	{"BenchmarkRequest/different", "cpu-ns/request", "the same under 10,000 policies of 100 other rules each", 1e-3, 60, "µs"},
	{"BenchmarkDecide", "cpu-ns/op", "decide under a policy of 1,000 rules", 1e-3, 50, "µs"},
	{"BenchmarkDecideAllWide", "cpu-ns/op", "the same, no rule left out by its kinds", 1e-3, 50, "µs"},
	{"BenchmarkApproval", "notice-p50-ms", "a question reaches a connected admin, p50", 1, 0, "ms"},
	{"BenchmarkApproval", "notice-p99-ms", "the same, p99", 1, 100, "ms"},
	{"BenchmarkApproval", "reply-p50-ms", "an answer becomes the app's reply, p50", 1, 0, "ms"},
	{"BenchmarkApproval", "reply-p99-ms", "the same, p99", 1, 100, "ms"},
}

// rights reads what benchmarks of Go print, several runs of each, and prints the
// medians beside the targets of issue 4.
func rights(_ context.Context, args []string) error {
	if len(args) != 0 {
		return errors.New("rights: it reads the output of go test -bench")
	}
	runs, err := readBenchmarks(os.Stdin)
	if err != nil {
		return err
	}
	return printRights(os.Stdout, runs)
}

func printRights(to io.Writer, runs map[string][]float64) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "rights\tmedian\tat most\t")
	for _, f := range rightsFigures {
		got := runs[f.bench+" "+f.metric]
		if len(got) == 0 {
			fmt.Fprintf(w, "%s\tnot measured\t\t\n", f.name)
			continue
		}
		v, target, mark := median(got)*f.scale, "", ""
		if f.target > 0 {
			target, mark = fmt.Sprintf("%.4g", f.target), "met"
			if v > f.target {
				mark = "MISSED"
			}
		}
		fmt.Fprintf(w, "%s\t%.1f %s\t%s\t%s\n", f.name, v, f.unit, target, mark)
	}
	return w.Flush()
}

// readBenchmarks returns the values of each "benchmark metric".
func readBenchmarks(from io.Reader) (map[string][]float64, error) {
	out := map[string][]float64{}
	in := bufio.NewScanner(from)
	for in.Scan() {
		f := strings.Fields(in.Text())
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name := f[0]
		if i := strings.LastIndexByte(name, '-'); i > 0 { // the number of processors
			if _, err := strconv.Atoi(name[i+1:]); err == nil {
				name = name[:i]
			}
		}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", in.Text(), err)
			}
			out[name+" "+f[i+1]] = append(out[name+" "+f[i+1]], v)
		}
	}
	return out, in.Err()
}
