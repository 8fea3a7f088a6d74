package cli

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/describe"
)

// sent runs a command line and returns the parameters of the command that it sent.
func sent(t *testing.T, line, command string, answers map[string]string) (map[string]any, int) {
	t.Helper()
	r := &paramRecorder{recorder: recorder{calls: map[string]map[string]bool{}, answers: answers}, command: command}
	a, _, _ := newApp(t, r, "")
	code := a.run(t.Context(), strings.Fields(line))
	return r.params, code
}

// paramRecorder notes the values of one command.
type paramRecorder struct {
	recorder
	command string
	params  map[string]any
}

func (r *paramRecorder) Call(ctx context.Context, name string, params json.RawMessage, pass []byte, result any) error {
	if name == r.command {
		if err := json.Unmarshal(params, &r.params); err != nil {
			return err
		}
	}
	return r.recorder.Call(ctx, name, params, pass, result)
}

var openQuestions = map[string]string{"approval.list": `{"approvals":[
{"id":"q1","digest":"d1","batch":"q1","state":"pending","kind":7,"method":"sign_event"},
{"id":"q2","digest":"d2","batch":"q1","state":"pending","kind":7,"method":"sign_event"},
{"id":"q3","digest":"d3","batch":"q3","state":"pending","method":"connect","requested":"sign_event:1"}]}`}

func TestAnswersAreSentAsTheyWereTypedWithWhatWasShown(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	evening := midnight(now).Format(time.RFC3339)
	for line, want := range map[string]map[string]any{
		"approve q1":                             {"id": "q1", "digest": "d1"},
		"approve q1 --once":                      {"id": "q1", "digest": "d1", "scope": "once"},
		"approve q1 --kinds --name n":            {"id": "q1", "digest": "d1", "scope": "kinds", "name": "n"},
		"approve q1 --method --times 5":          {"id": "q1", "digest": "d1", "scope": "method", "uses": 5.0},
		"approve q1 --for 1h":                    {"id": "q1", "digest": "d1", "scope": "kind", "for": "1h"},
		"approve q1 --today":                     {"id": "q1", "digest": "d1", "scope": "kind", "until": evening},
		"approve q1 --all --until 2999-12-24":    {"id": "q1", "digest": "d1", "scope": "all", "until": time.Date(2999, 12, 25, 0, 0, 0, 0, now.Location()).Format(time.RFC3339)},
		"approve q1 --times 2":                   {"id": "q1", "digest": "d1", "scope": "kind", "uses": 2.0},
		"approve q3 --as-requested":              {"id": "q3", "digest": "d3", "perms": "sign_event:1"},
		"approve q3 --perms sign_event --for 1h": {"id": "q3", "digest": "d3", "perms": "sign_event", "for": "1h"},
		"deny q1":                                {"id": "q1", "digest": "d1", "deny": true},
		"deny q1 --never --today":                {"id": "q1", "digest": "d1", "deny": true, "never": true, "until": evening},
		"deny q1 --never --all":                  {"id": "q1", "digest": "d1", "deny": true, "never": true, "scope": "all"},
	} {
		got, code := sent(t, line, "approval.answer", openQuestions)
		if g, w := jsonText(t, got), jsonText(t, want); g != w || code != exitOK {
			t.Errorf("%s: exit %d, sent %s, want %s", line, code, g, w)
		}
	}
	both := []any{map[string]any{"id": "q1", "digest": "d1"}, map[string]any{"id": "q2", "digest": "d2"}}
	for line, want := range map[string]map[string]any{
		"approve q1 --all-of-them":        {"questions": both},
		"approve q2 --all-of-them --kind": {"questions": both, "scope": "kind"},
		"deny q1 --all-of-them":           {"questions": both, "deny": true},
	} {
		got, code := sent(t, line, "approval.batch", openQuestions)
		if g, w := jsonText(t, got), jsonText(t, want); g != w || code != exitOK {
			t.Errorf("%s: exit %d, sent %s, want %s", line, code, g, w)
		}
	}
	for line, want := range map[string]int{
		"approve q1 --kind --all":          exitUsage,
		"approve q1 --once --for 1h":       exitUsage,
		"approve q1 --once --times 2":      exitUsage,
		"approve q1 --for 1h --today":      exitUsage,
		"approve q1 --until tomorrow":      exitUsage,
		"deny q1 --kind":                   exitUsage,
		"deny q1 --for 1h":                 exitUsage,
		"approve none --all-of-them":       exitFailed,
		"approve q1 --as-requested":        exitFailed,
		"approvals -i --watch":             exitUsage,
		"approvals --answered --state any": exitUsage,
		"approvals settings --key k":       exitUsage,
		"approvals -i":                     exitFailed, // no terminal
	} {
		if got, code := sent(t, line, "approval.answer", openQuestions); code != want || got != nil {
			t.Errorf("%s: exit %d, want %d; sent %v", line, code, want, got)
		}
	}
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestATimeIsReadWhereThePersonIs(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here")
	}
	now := time.Date(2026, 10, 24, 23, 30, 0, 0, berlin) // the night in which clocks are set back
	if got := midnight(now); got.UTC().Format(time.RFC3339) != "2026-10-24T22:00:00Z" {
		t.Errorf("midnight is %s", got.UTC())
	}
	for text, want := range map[string]string{
		"2026-10-25":           "2026-10-25T23:00:00Z", // a day of 25 hours, to its end
		"2026-12-24 18:00":     "2026-12-24T17:00:00Z",
		"2026-12-24T18:00":     "2026-12-24T17:00:00Z",
		"2026-12-24T18:00:00Z": "2026-12-24T18:00:00Z",
	} {
		if got, err := readUntil(text, now); err != nil || got.UTC().Format(time.RFC3339) != want {
			t.Errorf("%s: %v %v, want %s", text, got.UTC(), err, want)
		}
	}
}

func TestOnlyAnswersThatTheQuestionTakesHaveAKey(t *testing.T) {
	t.Parallel()
	seven := int64(7)
	for name, c := range map[string]struct {
		q     approvalView
		burst int
		keys  string
	}{
		"a signature": {approvalView{Method: "sign_event", Kind: &seven}, 1, "akhtexdnvsq"},
		"one of many": {approvalView{Method: "sign_event", Kind: &seven}, 3, "akhtexbdnBvsq"},
		"a reading":   {approvalView{Method: "nip44_decrypt"}, 1, "akhtxdnvsq"},
		"once only":   {approvalView{Method: "sign_event", Kind: &seven, OnceOnly: true}, 1, "advsqn"},
		"a login":     {approvalView{Method: "connect"}, 1, "axdvsq"},
		"with wishes": {approvalView{Method: "connect", Requested: "sign_event:1"}, 1, "arxdvsq"},
	} {
		var keys []rune
		for _, k := range choices(&c.q, c.burst) {
			if slices.Contains(keys, k.key) {
				t.Errorf("%s: %c is two answers", name, k.key)
			}
			keys = append(keys, k.key)
			if wide := k.params.Scope == "all" || k.params.Scope == "kinds" || k.params.Never; wide && !k.sure {
				t.Errorf("%s: %s is not asked once more", name, k.words)
			}
		}
		want := []rune(c.keys)
		slices.Sort(keys)
		slices.Sort(want)
		if string(keys) != string(want) {
			t.Errorf("%s: %s, want %s", name, string(keys), string(want))
		}
	}
}

func TestWatchingPrintsALineOfJSONForWhatComesAndHowItEnds(t *testing.T) {
	t.Parallel()
	r := &recorder{calls: map[string]map[string]bool{}, answers: map[string]string{
		"approval.list": `{"approvals":[{"id":"q1","state":"pending"}]}`, "approval.show": `{"approval":{"id":"q1","state":"denied","answered_by":"local"}}`,
	}}
	a, out, _ := newApp(t, r, "")
	a.asJSON = true
	w := &watch{a: a, open: map[string]bool{}}
	look := func() {
		t.Helper()
		if err := w.look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	look() // nothing new
	r.answers["approval.list"] = `{"approvals":[]}`
	look()
	look()
	want := `{"approval":{"id":"q1","state":"pending"},"event":"asked"}` + "\n" +
		`{"approval":{"id":"q1","state":"denied","answered_by":"local"},"event":"ended"}` + "\n"
	if out.String() != want {
		t.Errorf("got %s", out)
	}
}

func TestQuestionsAreDrawnWithinEightyColumns(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a very long word and ", 20)
	q := &approvalView{
		ID: "dsfw4gq9", Batch: "dsfw4gq9", Sentence: "Coracle wants to " + long, State: "pending", App: "Coracle", KeyName: "herald", Permission: "sign_event:1", Why: long, Reach: long,
		Asker: &askerView{Npub: "npub1fq9g58trs5j3qnnjdmn4csdprcx86s7dv67pw905erw4r85wdsmqh35x0m", Claims: long, URL: "https://" + strings.Repeat("x", 300), Alike: long},
		Card:  &describe.Card{Does: long, Text: strings.Repeat("漢字", 200), Facts: []describe.Fact{{Name: "name", Value: long}}, Warnings: []string{long}},
	}
	a, _, _ := newApp(t, nil, "")
	for _, l := range strings.Split(a.question(q)+"\n"+a.list([]*approvalView{q, q}), "\n") {
		if n := describe.Columns(l); n > columns {
			t.Errorf("%d columns: %s", n, l)
		}
	}
}
