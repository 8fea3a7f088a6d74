package main

import (
	"strings"
	"testing"
)

func TestFiguresOfRightsAreMediansBesideTheirTargets(t *testing.T) {
	runs, err := readBenchmarks(strings.NewReader(`goos: linux
BenchmarkRequest/shared-2   400   5941017 ns/op   59000 cpu-ns/request   89826 B/op   12165 allocs/op
BenchmarkRequest/shared-2   400   5941017 ns/op   99000 cpu-ns/request   89826 B/op   12165 allocs/op
BenchmarkRequest/shared-2   400   5941017 ns/op   58000 cpu-ns/request   89826 B/op   12165 allocs/op
BenchmarkDecide             400   5941017 ns/op   51000 cpu-ns/op
PASS
`))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := printRights(&b, runs); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"59.0 µs", "51.0 µs", "met", "MISSED", "not measured"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
	if _, err := readBenchmarks(strings.NewReader("BenchmarkX 1 2 ns/op three B/op\n")); err == nil {
		t.Error("a line that is none was read")
	}
}
