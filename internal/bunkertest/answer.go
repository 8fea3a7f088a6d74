package bunkertest

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// Answer is a command's result, as JSON gives it.
type Answer map[string]any

func answerOf(t testing.TB, v any) Answer {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return parseAnswer(t, b)
}

func parseAnswer(t testing.TB, b []byte) Answer {
	t.Helper()
	a := Answer{}
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return a
}

// At follows a path such as "approvals.0.id"; nil where there is nothing.
func (a Answer) At(path string) any {
	var v any = map[string]any(a)
	for name := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n >= len(in) {
				return nil
			}
			v = in[n]
		default:
			return nil
		}
	}
	return v
}

// Text is At for a text; "" where there is none.
func (a Answer) Text(path string) string {
	s, _ := a.At(path).(string)
	return s
}

// Number is At for a whole number; 0 where there is none.
func (a Answer) Number(path string) int {
	n, _ := a.At(path).(float64)
	return int(n)
}

// Is is At for a yes or no.
func (a Answer) Is(path string) bool {
	yes, _ := a.At(path).(bool)
	return yes
}

// List is At for a list.
func (a Answer) List(path string) []any {
	l, _ := a.At(path).([]any)
	return l
}

// Each is List for a list of objects.
func (a Answer) Each(path string) []Answer {
	var out []Answer
	for _, v := range a.List(path) {
		m, _ := v.(map[string]any)
		out = append(out, m)
	}
	return out
}
