package cli

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// sampleTime is the time in sample answers.
const sampleTime = "2027-01-15T08:00:00Z"

// samples are answers of every command of the admin table with each field that it has, lists with one row.
func samples(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("../admin/testdata/commands.golden")
	if err != nil {
		t.Fatal(err)
	}
	whole, name := map[string]map[string]any{}, ""
	for line := range strings.SplitSeq(string(b), "\n") {
		if !strings.HasPrefix(line, " ") {
			name, _, _ = strings.Cut(line, " ")
			whole[name] = map[string]any{}
			continue
		}
		path, is, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "> "), ": ")
		if !ok || !strings.HasPrefix(strings.TrimSpace(line), ">") {
			continue
		}
		at, parts := whole[name], strings.Split(strings.TrimSuffix(path, "?"), ".")
		for _, p := range parts[:len(parts)-1] {
			switch in := at[strings.TrimSuffix(p, "?")].(type) {
			case map[string]any:
				at = in
			case []any:
				at = in[0].(map[string]any)
			}
		}
		at[parts[len(parts)-1]] = sample(parts[len(parts)-1], is)
	}
	out := map[string]string{}
	for name, v := range whole {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(b)
	}
	return out
}

func sample(name, is string) any {
	one, list := strings.CutPrefix(is, "list of ")
	var v any = "x"
	switch {
	case name == "next" || name == "state":
		v = ""
	case one == "object":
		v = map[string]any{}
	case one == "number" && name == "time": // the log's own form
		v = 1_800_000_000_000
	case one == "number":
		v = 7
	case one == "yes or no":
		v = true
	case one == "time":
		v = sampleTime
	}
	if list {
		return []any{v}
	}
	return v
}

// times are names of what is a time.
var times = regexp.MustCompile(`^(at|time|last|until|since|dated|heard|started|due|settled|paid)$|_(at|until|time|used)$|^last_`)

// TestEveryListIsAnArrayOfRowsWithTimesInOneForm: of every command that lists, --json is an array of objects, and a time in them
// is RFC 3339.
func TestEveryListIsAnArrayOfRowsWithTimesInOneForm(t *testing.T) {
	t.Parallel()
	r := &recorder{calls: map[string]map[string]bool{}, answers: samples(t)}
	listing := func(c *cobra.Command) bool { return strings.HasPrefix(c.Short, "list") && !c.HasSubCommands() }
	seen, named := map[string]bool{}, 0
	check := func(line string) {
		a, out, talk := newApp(t, r, "")
		if code := a.run(t.Context(), append(strings.Fields(line), "--json")); code != exitOK {
			t.Errorf("nsecbunker %s --json: exit code %d\n%s", line, code, talk)
			return
		}
		var rows []map[string]any
		if err := json.Unmarshal(out.Bytes(), &rows); err != nil || len(rows) == 0 {
			t.Errorf("nsecbunker %s --json is no array of rows: %v\n%s", line, err, out)
			return
		}
		var walk func(name string, v any)
		walk = func(name string, v any) {
			switch v := v.(type) {
			case map[string]any:
				for k, in := range v {
					if k != "rules" { // a document: what policy create --rules takes
						walk(k, in)
					}
				}
			case []any:
				for _, in := range v {
					walk(name, in)
				}
			default:
				if !times.MatchString(name) {
					return
				}
				named++
				text, _ := v.(string)
				if at, err := time.Parse(time.RFC3339, text); err != nil || at.Location() != time.UTC {
					t.Errorf("nsecbunker %s --json: %s is %v", line, name, v)
				}
			}
		}
		for _, row := range rows {
			walk("", row)
		}
	}
	a, _, _ := newApp(t, nil, "")
	root := a.root()
	for _, line := range lines() {
		if c, _, err := root.Find(strings.Fields(line)); err == nil && listing(c) {
			seen[c.CommandPath()] = true
			check(line)
		}
	}
	var all func(c *cobra.Command)
	all = func(c *cobra.Command) {
		if listing(c) && !seen[c.CommandPath()] {
			t.Errorf("no line of the tests runs %s", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			all(sub)
		}
	}
	all(root)
	if len(seen) < 20 || named < 40 {
		t.Errorf("%d lists with %d times were found: the reader is broken", len(seen), named)
	}
}
