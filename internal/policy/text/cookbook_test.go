package text

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/policy"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip46"
)

// recipe is a policy of a page, and the rows of the table that follows it.
type recipe struct {
	line int
	text string
	rows [][]string // what, when, what comes out
}

// recipes reads the TOML blocks of a page and the tables of three columns behind
// them, whose last column is headed "Comes out".
func recipes(t *testing.T, page string) []recipe {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var out []recipe
	inside, table := false, false
	for i, line := range strings.Split(string(b), "\n") {
		switch {
		case line == "```toml":
			inside, table = true, false
			out = append(out, recipe{line: i + 2})
		case inside && line == "```":
			inside = false
		case inside:
			out[len(out)-1].text += line + "\n"
		case strings.HasPrefix(line, "|") && strings.HasSuffix(line, "| Comes out |"):
			table = true
		case table && strings.HasPrefix(line, "|---"):
		case table && strings.HasPrefix(line, "|"):
			var row []string
			for _, cell := range strings.Split(strings.Trim(line, "|"), "|") {
				row = append(row, strings.TrimSpace(cell))
			}
			out[len(out)-1].rows = append(out[len(out)-1].rows, row)
		default:
			table = false
		}
	}
	return out
}

// TestTheCookbookDoesWhatItSays: each policy of the page is read and checked, its
// commands name it, and the engine decides as its table says.
func TestTheCookbookDoesWhatItSays(t *testing.T) {
	const page = "../../../docs/cookbook.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	all := recipes(t, page)
	for _, r := range all {
		text, problems := Parse([]byte(r.text))
		if text == nil {
			t.Errorf("line %d: %v", r.line, problems)
			continue
		}
		p := &text.Policy
		if no, _ := Split(text.Check(now)); len(no) > 0 {
			t.Errorf("line %d, %s: %v", r.line, p.Name, no)
		}
		for _, command := range []string{"nsecbunker policy import " + p.Name + ".toml\n", " --policy " + p.Name} {
			if !strings.Contains(string(b), command) {
				t.Errorf("%s: no command %q hands it out", p.Name, command)
			}
		}
		if len(r.rows) < 4 {
			t.Errorf("line %d, %s: only %d rows say what comes out", r.line, p.Name, len(r.rows))
		}
		for _, row := range r.rows {
			rows++
			if got := cooked(t, p, row); got != row[2] {
				t.Errorf("%s: %s, %s: %s, and the page says %s", p.Name, row[0], row[1], got, row[2])
			}
		}
	}
	if len(all) != 7 || rows < 50 {
		t.Errorf("%d policies and %d rows were found: the reader has lost its teeth", len(all), rows)
	}
}

var (
	wanted = regexp.MustCompile("^`([^`]+)`(?: after (\\d+) that \\w+)?$")
	quotes = regexp.MustCompile(`"([^"]*)"`)
)

// cooked decides a row of a table.
func cooked(t *testing.T, p *bunker.Policy, row []string) string {
	t.Helper()
	m := wanted.FindStringSubmatch(row[0])
	if m == nil {
		t.Fatalf("%q is not understood", row[0])
	}
	at, since := moment(t, p, row[1])
	q := *p
	q.ID = "p"
	c, err := policy.Compile(&q)
	if err != nil {
		t.Fatal(err)
	}
	in := policy.Input{Now: at, Tenant: &bunker.TenantState{Reviewed: true},
		Key:        &bunker.UserKey{ID: "k", PubKey: carol, State: bunker.KeyActive, Default: bunker.Ask},
		Connection: &bunker.Connection{ID: "c", State: bunker.ConnActive},
		Grants:     []bunker.Grant{{ID: "g", Connection: "c", Effect: bunker.Allow, Policy: "p", CreatedAt: since}},
		Policies:   []*policy.Compiled{c}, Door: bunker.DoorRelay, Operation: wish(t, m[1], at), Used: map[bunker.Window]int64{}}
	uses, _ := strconv.ParseInt(m[2], 10, 64)
	for _, w := range policy.Needs(in).Used {
		in.Used[w] = uses
	}
	return policy.Decide(in).Effect.String()
}

// moment reads "2026-12-01 10:00", "Tue 16:00" or "3 days in", in the policy's zone;
// the connection began a day before, but for the last form.
func moment(t *testing.T, p *bunker.Policy, s string) (at, since int64) {
	t.Helper()
	zone, err := policy.Zone(p.Zone)
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * 3600_000
	if n, ok := strings.CutSuffix(strings.Replace(s, "days", "day", 1), " day in"); ok {
		days, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return now + days*day, now
	}
	when, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
	if err != nil {
		name, clock, _ := strings.Cut(s, " ")
		dow := weekdayAt(bunker.Weekday(strings.ToLower(name)))
		minutes, err := parseClock(clock)
		if dow < 0 || err != nil {
			t.Fatalf("%q is no time", s)
		}
		when = time.Date(2026, 11, 30+dow, minutes/60, minutes%60, 0, 0, zone) // that day is a Monday
	}
	return when.UnixMilli(), when.UnixMilli() - day
}

// wish reads `kind 1 "content" t=weather`, `kind 13 old=47h unseen` or `nip44_decrypt dm peer=npub…`.
func wish(t *testing.T, s string, at int64) *policy.Operation {
	t.Helper()
	content := ""
	if m := quotes.FindStringSubmatch(s); m != nil {
		content, s = m[1], strings.Replace(s, m[0], "", 1)
	}
	words := strings.Fields(s)
	tags, date, seen := nostr.Tags{}, at/1000, true
	o := &policy.Operation{Method: nip46.Method(words[0]), Peer: alice}
	for _, w := range words[1:] {
		name, value, isTag := strings.Cut(w, "=")
		switch {
		case name == "peer":
			peer, err := nip19.ParsePublicKey(value)
			if err != nil {
				t.Fatal(err)
			}
			o.Peer = peer
		case name == "old":
			seconds, err := parsePeriod(value)
			if err != nil {
				t.Fatal(err)
			}
			date -= seconds
		case w == "unseen":
			seen = false
		case isTag:
			tags = append(tags, nostr.Tag{name, value})
		default:
			o.Result = bunker.DecryptResult(w)
		}
	}
	if o.Result == bunker.ResultSelf {
		o.Peer = carol
	}
	if words[0] == "kind" {
		k, ok := nostr.ParseKind(words[1])
		if !ok {
			t.Fatal(s)
		}
		o = &policy.Operation{Method: nip46.SignEvent, Template: &nostr.Template{Kind: k, Content: content, Tags: tags, CreatedAt: date}, Seen: seen}
	}
	o.OffDate = o.Template != nil && policy.OffDate(date, at)
	if !o.Method.Known() {
		t.Fatalf("%q is no method", o.Method)
	}
	return o
}
