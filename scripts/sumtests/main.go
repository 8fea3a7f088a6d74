// Command sumtests counts tests: it reads what `go test -json` prints, shows
// what failed, and adds the counts to a file; with -report it prints the sum of
// that file.
//
//	go test -json ./... | sumtests -stage race -totals FILE
//	conformance/run     | sumtests -stage conformance -totals FILE -lines
//	sumtests -report FILE
//
// Every test and subtest counts once. A package that fails without a failed
// test (it does not build, it panics, it times out) counts as one failure.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
)

func main() {
	stage := flag.String("stage", "tests", "the stage's name in the report")
	totals := flag.String("totals", "", "append the counts to this file")
	lines := flag.Bool("lines", false, `the input is text whose last line "N passed, M failed" counts`)
	report := flag.String("report", "", "print the sum of this file and leave")
	flag.Parse()
	ok, err := run(*stage, *totals, *report, *lines, os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sumtests:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run does one of the three jobs; ok is false if something failed.
func run(stage, totals, report string, lines bool, in io.Reader, out io.Writer) (ok bool, err error) {
	if report != "" {
		return printReport(report, out)
	}
	count := countEvents
	if lines {
		count = countLines
	}
	s, err := count(in, out)
	if err != nil {
		return false, err
	}
	s.Stage = stage
	if totals != "" {
		err = appendSum(totals, s)
	}
	return s.Failed == 0, err
}

// sum is one stage's counts.
type sum struct {
	Stage          string
	Passed, Failed int
	Skipped        []string // package and name of each skipped test
}

// event is one line of `go test -json` (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of build-output
	Elapsed                       float64
}

// maxLine bounds one line of input, in bytes; a test's output comes line by line.
const maxLine = 16 << 20

// countEvents reads test2json events. It prints a line for each package, and
// all output of what failed.
func countEvents(in io.Reader, out io.Writer) (sum, error) {
	var s sum
	held := map[[2]string][]string{} // output by package and test, until its result is known
	passed := map[string]int{}       // by package
	failed := map[string]int{}
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, maxLine)
	for scan.Scan() {
		var e event
		if json.Unmarshal(scan.Bytes(), &e) != nil || e.Action == "" {
			fmt.Fprintln(out, scan.Text()) // something other than an event
			continue
		}
		key := [2]string{e.Package, e.Test}
		switch e.Action {
		case "output":
			held[key] = append(held[key], e.Output)
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "pass", "skip", "fail":
			if e.Test == "" {
				s.endOfPackage(e, passed[e.Package], failed[e.Package], held, out)
				break
			}
			switch e.Action {
			case "pass":
				s.Passed++
				passed[e.Package]++
			case "skip":
				s.Skipped = append(s.Skipped, e.Package+" "+e.Test)
			case "fail":
				s.Failed++
				failed[e.Package]++
				for _, line := range held[key] {
					fmt.Fprint(out, line)
				}
			}
			delete(held, key)
		}
	}
	return s, scan.Err()
}

// endOfPackage prints a package's line, and what explains its failure.
func (s *sum) endOfPackage(e event, passed, failed int, held map[[2]string][]string, out io.Writer) {
	if e.Action != "fail" {
		if passed > 0 {
			fmt.Fprintf(out, "ok    %-48s %6.1fs  %d passed\n", e.Package, e.Elapsed, passed)
		}
	} else {
		if failed == 0 {
			s.Failed++ // it did not build, panicked, or ran out of time
		}
		// A test that never ended (a panic) has output and no result.
		for key, lines := range held {
			if key[0] == e.Package {
				for _, line := range lines {
					fmt.Fprint(out, line)
				}
			}
		}
		fmt.Fprintf(out, "FAIL  %-48s %6.1fs  %d passed, %d failed\n", e.Package, e.Elapsed, passed, max(failed, 1))
	}
	for key := range held {
		if key[0] == e.Package {
			delete(held, key)
		}
	}
}

// countLines passes text on and takes the counts from the last line that has them.
func countLines(in io.Reader, out io.Writer) (sum, error) {
	var s sum
	found := false
	counts := regexp.MustCompile(`\b(\d{1,9}) passed, (\d{1,9}) failed\b`)
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, maxLine)
	for scan.Scan() {
		fmt.Fprintln(out, scan.Text())
		if m := counts.FindStringSubmatch(scan.Text()); m != nil {
			found = true
			s.Passed, _ = strconv.Atoi(m[1]) // at most nine digits
			s.Failed, _ = strconv.Atoi(m[2])
		}
	}
	if err := scan.Err(); err != nil {
		return s, err
	}
	if !found {
		return s, errors.New(`no line "N passed, M failed" in the input`)
	}
	return s, nil
}

func appendSum(file string, s sum) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// printReport prints each stage's counts, every skipped test by name, and the
// sum. It is not ok if something failed or nothing ran.
func printReport(file string, out io.Writer) (ok bool, err error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close() // only read
	var all sum
	for dec := json.NewDecoder(f); ; {
		var s sum
		if err := dec.Decode(&s); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return false, fmt.Errorf("%s: %w", file, err)
		}
		fmt.Fprintf(out, "  %-14s %5d passed, %d failed, %d skipped\n", s.Stage, s.Passed, s.Failed, len(s.Skipped))
		all.Passed += s.Passed
		all.Failed += s.Failed
		all.Skipped = append(all.Skipped, s.Skipped...)
	}
	for _, name := range all.Skipped {
		fmt.Fprintf(out, "  skipped: %s\n", name)
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", all.Passed, all.Failed)
	return all.Failed == 0 && all.Passed > 0, nil
}
