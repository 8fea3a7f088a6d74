package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCountsComeFromTheEvents(t *testing.T) {
	tests := []struct {
		name, in       string
		passed, failed int
		skipped        int
		shows, hides   string
	}{
		{"pass", `{"Action":"output","Package":"p","Test":"TestA","Output":"secret noise\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA/sub"}
{"Action":"pass","Package":"p","Elapsed":0.1}`, 2, 0, 0, "2 passed", "noise"},
		{"fail shows its output", `{"Action":"output","Package":"p","Test":"TestA","Output":"want 1, got 2\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`, 0, 1, 0, "want 1, got 2", ""},
		{"skip", `{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`, 0, 0, 1, "", "passed"},
		{"a package that does not build", `{"ImportPath":"p","Action":"build-output","Output":"x.go:1: undefined\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"start","Package":"p"}
{"Action":"fail","Package":"p","FailedBuild":"p"}`, 0, 1, 0, "undefined", ""},
		{"a panic has no test's result", `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: boom\n"}
{"Action":"fail","Package":"p"}`, 0, 1, 0, "panic: boom", ""},
		{"other text passes", "go: downloading x\n" + `{"Action":"pass","Package":"p","Test":"TestA"}`, 1, 0, 0, "go: downloading", ""},
		{"nothing", "", 0, 0, 0, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			s, err := countEvents(strings.NewReader(test.in), &out)
			if err != nil {
				t.Fatal(err)
			}
			if s.Passed != test.passed || s.Failed != test.failed || len(s.Skipped) != test.skipped {
				t.Errorf("got %+v", s)
			}
			if !strings.Contains(out.String(), test.shows) {
				t.Errorf("does not show %q: %s", test.shows, &out)
			}
			if test.hides != "" && strings.Contains(out.String(), test.hides) {
				t.Errorf("shows %q: %s", test.hides, &out)
			}
		})
	}
}

func TestReportAddsTheStagesAndListsWhatWasSkipped(t *testing.T) {
	file := filepath.Join(t.TempDir(), "totals")
	var out strings.Builder
	steps := []struct {
		in    string
		lines bool
		ok    bool
	}{
		{`{"Action":"pass","Package":"p","Test":"TestA"}` + "\n" + `{"Action":"skip","Package":"p","Test":"TestB"}`, false, true},
		{"12 passed, 1 failed\n30 passed, 0 failed (two libraries)\n", true, true},
	}
	for _, s := range steps {
		if ok, err := run("stage", file, "", s.lines, strings.NewReader(s.in), &out); err != nil || ok != s.ok {
			t.Fatalf("%q: ok %v, err %v", s.in, ok, err)
		}
	}
	out.Reset()
	ok, err := run("", "", file, false, nil, &out)
	if err != nil || !ok {
		t.Fatalf("ok %v, err %v", ok, err)
	}
	for _, want := range []string{"skipped: p TestB\n", "\n31 passed, 0 failed\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
	if ok, err := run("x", file, "", false, strings.NewReader(`{"Action":"fail","Package":"p","Test":"T"}`), &out); ok || err != nil {
		t.Errorf("a failed test: ok %v, err %v", ok, err)
	}
	out.Reset()
	if ok, _ := printReport(file, &out); ok || !strings.HasSuffix(out.String(), "31 passed, 1 failed\n") {
		t.Errorf("a report with a failure is ok: %v\n%s", ok, &out)
	}
}

func TestNothingRunIsNotOK(t *testing.T) {
	file := filepath.Join(t.TempDir(), "totals")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if ok, err := printReport(file, &strings.Builder{}); ok || err != nil {
		t.Errorf("ok %v, err %v", ok, err)
	}
	if _, err := run("x", "", "", true, strings.NewReader("no counts"), &strings.Builder{}); err == nil {
		t.Error("text without counts is accepted")
	}
	if _, err := printReport(filepath.Join(t.TempDir(), "none"), &strings.Builder{}); err == nil {
		t.Error("a missing file is accepted")
	}
}
