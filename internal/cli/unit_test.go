package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"nsecbunker/internal/daemon"
	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip46"
)

func TestParametersCarrySecretsThatPrintNowhere(t *testing.T) {
	t.Parallel()
	type inner struct {
		Key string `json:"key"`
	}
	p := struct {
		inner
		Secret secret.Param   `json:"secret"`
		None   secret.Param   `json:"none,omitempty"`
		List   []inner        `json:"list,omitempty"`
		Map    map[string]any `json:"map,omitempty"`
		hidden string
	}{inner{"<k>"}, secret.Param("line\n\"quote\""), nil, []inner{{"a"}}, nil, "x"}
	_ = p.hidden
	for _, params := range []any{p, &p} {
		b, err := encode(params)
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"key":"<k>","secret":"line\u000a\"quote\"","list":[{"key":"a"}]}`; string(b) != want {
			t.Errorf("got  %s\nwant %s", b, want)
		}
	}
	b, err := encode(map[string]any{"password": secret.Param("p"), "after": json.RawMessage(`"x"`), "n": 3})
	if want := `{"after":"x","n":3,"password":"p"}`; err != nil || string(b) != want {
		t.Errorf("got %s, %v, want %s", b, err, want)
	}
	if b, err := encode(nil); err != nil || string(b) != "{}" {
		t.Errorf("got %s, %v", b, err)
	}
}

func TestTheDataFolderComesFromFlagEnvironmentOrXDG(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flag string
		env  map[string]string
		want string
	}{
		{"/flag", map[string]string{"NSECBUNKER_DATA": "/env", "XDG_DATA_HOME": "/xdg", "HOME": "/home"}, "/flag"},
		{"", map[string]string{"NSECBUNKER_DATA": "/env", "XDG_DATA_HOME": "/xdg", "HOME": "/home"}, "/env"},
		{"", map[string]string{"XDG_DATA_HOME": "/xdg", "HOME": "/home"}, "/xdg/nsecbunker"},
		{"", map[string]string{"XDG_DATA_HOME": "relative", "HOME": "/home"}, "/home/.local/share/nsecbunker"}, // the specification wants it ignored
		{"", map[string]string{"HOME": "/home"}, "/home/.local/share/nsecbunker"},
	} {
		a := &app{data: c.flag, getenv: func(n string) string { return c.env[n] }}
		if got, err := a.dataDir(); err != nil || got != c.want {
			t.Errorf("%q, %v: got %q, %v, want %q", c.flag, c.env, got, err, c.want)
		}
	}
}

func TestSessionsAreKeptForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	a, _, _ := newApp(t, nil, "")
	s, err := a.sessions("")
	if err != nil {
		t.Fatal(err)
	}
	defer s.a.Close()
	if _, err := s.only(); err == nil || !strings.Contains(err.Error(), "not connected") {
		t.Errorf("without sessions: %v", err)
	}
	session, err := nip46.NewSession(s.a)
	if err != nil {
		t.Fatal(err)
	}
	session.Remote, session.Relays = session.Client(), []string{"wss://x.com"}
	path := s.path(session.Remote)
	if err := s.save(path, session); err != nil {
		t.Fatal(err)
	}
	if err := s.save(path, session); err != nil { // again, over it
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): fs.ModeDir | 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("beside the session lie %v, %v", left, err)
	}
	got, at, connected, err := s.find(target{})
	if err != nil || at != path || !connected || got.Client() != session.Client() {
		t.Errorf("the only session: %v, %s, %v, %v", got, at, connected, err)
	}
	if _, _, _, err := s.find(target{remote: nostr.PubKey{1}}); err == nil {
		t.Error("an unknown bunker is found")
	}
	for mode, want := range map[fs.FileMode]string{0o640: "can be read by others", 0o600: ""} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := s.load(path); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	other, err := nip46.NewSession(s.a)
	if err != nil {
		t.Fatal(err)
	}
	other.Remote, other.Relays = other.Client(), []string{"wss://x.com"}
	if err := s.save(s.path(other.Remote), other); err != nil {
		t.Fatal(err)
	}
	if _, err := s.only(); err == nil || !strings.Contains(err.Error(), "2 bunkers") {
		t.Errorf("two sessions: %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"client_key":"nonsense"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.load(path); err == nil || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("a damaged session: %v", err)
	}
}

func TestTimesAreSaidAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	for d, want := range map[time.Duration]string{
		0: "0 s ago", 89 * time.Second: "89 s ago", 30 * time.Minute: "30 min ago", 23*time.Hour + 59*time.Minute: "24 h ago",
		-7*24*time.Hour + time.Second: "in 7 days", -time.Hour: "in 60 min", 100 * 24 * time.Hour: "100 days ago",
	} {
		if got := ago(now.Add(-d).UnixMilli(), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := ago(0, now); got != "never" {
		t.Errorf("no time: %q", got)
	}
	a := &app{now: func() time.Time { return now }}
	for text, want := range map[string]time.Time{
		"24h": now.Add(-24 * time.Hour), "7d": now.AddDate(0, 0, -7), "2026-11-22T18:00:00Z": time.Date(2026, 11, 22, 18, 0, 0, 0, time.UTC),
		"2026-11-22": time.Date(2026, 11, 22, 0, 0, 0, 0, time.Local),
	} {
		if got, err := a.parseTime(text); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "99999999999d", "2026-13-01"} {
		if got, err := a.parseTime(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestTagsAreReadAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"e=aa": `["e","aa"]`, "r=https://x.com/?a=b": `["r","https://x.com/?a=b"]`, `["e","aa","wss://x"]`: `["e","aa","wss://x"]`, "x=": `["x",""]`,
	} {
		tag, err := parseTag(text)
		if got, _ := json.Marshal(tag); err != nil || string(got) != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "=x", "[]", `[""]`, `[1]`, `["x"`} {
		if tag, err := parseTag(text); err == nil {
			t.Errorf("%q is read as %v", text, tag)
		}
	}
}

func TestInputIsBounded(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	if b, err := readAll(ctx, strings.NewReader("abc"), 3); err != nil || string(b) != "abc" {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := readAll(ctx, strings.NewReader("abcd"), 3); err == nil {
		t.Errorf("%q is read", b)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	if _, err := readAll(stopped, r, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("a silent pipe after an interrupt: %v", err)
	}
}

func TestTheLogWaitsForQuestionsAndIsBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	g := &gate{w: &b}
	write := func(s string) {
		t.Helper()
		if n, err := g.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	write("one\n")
	g.hold()
	write("two\n")
	if b.String() != "one\n" {
		t.Errorf("%q is written during a question", b.String())
	}
	for range maxHeld / 1024 {
		write(strings.Repeat("x", 1024))
	}
	g.release()
	write("three\n")
	if s := b.String(); len(s) > maxHeld+200 || !strings.HasPrefix(s, "one\ntwo\n") || !strings.HasSuffix(s, "(1 line of the log left out while the question was open)\nthree\n") {
		t.Errorf("%d bytes: %.30q … %q", len(s), s, s[len(s)-80:])
	}
}

// relay is a relay that delivers, or says that it took what it forgets.
func relay(t *testing.T, deaf bool, clock time.Duration) string {
	t.Helper()
	var mu sync.Mutex
	subs := map[*websocket.Conn]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.Header().Set("Date", time.Now().Add(clock).UTC().Format(http.TimeFormat))
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			_, b, err := c.Read(r.Context())
			if err != nil {
				mu.Lock()
				delete(subs, c)
				mu.Unlock()
				return
			}
			var m []json.RawMessage
			var verb, id string
			if json.Unmarshal(b, &m) != nil || len(m) < 2 || json.Unmarshal(m[0], &verb) != nil {
				continue
			}
			mu.Lock()
			switch verb {
			case "REQ":
				_ = json.Unmarshal(m[1], &id)
				subs[c] = id
				_ = c.Write(r.Context(), websocket.MessageText, []byte(`["EOSE","`+id+`"]`))
			case "EVENT":
				var e nostr.Event
				_ = json.Unmarshal(m[1], &e)
				_ = c.Write(r.Context(), websocket.MessageText, []byte(`["OK","`+e.ID.String()+`",true,""]`))
				for to, sub := range subs {
					if !deaf {
						_ = to.Write(r.Context(), websocket.MessageText, []byte(`["EVENT","`+sub+`",`+string(m[1])+`]`))
					}
				}
			}
			mu.Unlock()
		}
	}))
	t.Cleanup(srv.Close)
	return "ws" + strings.TrimPrefix(srv.URL, "http")
}

func TestDoctorTellsRelaysThatCarryFromThoseThatDoNot(t *testing.T) {
	t.Parallel()
	a, _, _ := newApp(t, nil, "")
	a.now = time.Now
	if err := daemon.RoundTrip(t.Context(), relay(t, false, 0), time.Now); err != nil {
		t.Errorf("a good relay: %v", err)
	}
	// On a busy machine even the first half may take longer than it is waited for.
	forgets := relay(t, true, 0)
	for within := time.Second; ; within *= 2 {
		short, cancel := context.WithTimeout(t.Context(), within)
		err := daemon.RoundTrip(short, forgets, time.Now)
		cancel()
		if err != nil && strings.Contains(err.Error(), "did not deliver") {
			break
		}
		if err == nil || within > patience {
			t.Fatalf("a relay that forgets, within %s: %v", within, err)
		}
	}
	if err := a.reach(t.Context(), relay(t, false, 0)); err != nil {
		t.Errorf("reaching a relay: %v", err)
	}
	off, ok := a.relayClock(t.Context(), relay(t, false, -time.Hour))
	if !ok || (off-time.Hour).Abs() > time.Minute {
		t.Errorf("a clock an hour behind is %v, %v", off, ok)
	}
}

func TestDoctorJudgesTheClockByTheRelayThatAgreesBest(t *testing.T) {
	t.Parallel()
	for want, offsets := range map[string][]time.Duration{
		"fail": {time.Hour, -2 * time.Hour}, "ok": {time.Second, time.Hour},
	} {
		a, _, _ := newApp(t, nil, "")
		d := &doctor{app: a}
		d.clock(offsets)
		if len(d.found) != 1 || d.found[0].State != want {
			t.Errorf("%v: %+v, want %s", offsets, d.found, want)
		}
	}
}

func TestSecretsOnStdinAreTakenLineByLineAndWiped(t *testing.T) {
	t.Parallel()
	a, _, _ := newApp(t, nil, "first secret\r\nsecond secret\n")
	for _, want := range []string{"first secret", "second secret"} {
		p, err := a.nextSecret(t.Context(), "It:")
		if err != nil || string(p) != want {
			t.Errorf("got %q, %v, want %q", []byte(p), err, want)
		}
	}
	if _, err := a.nextSecret(t.Context(), "The third:"); err == nil || !strings.Contains(err.Error(), "The third") {
		t.Errorf("a third secret: %v", err)
	}
	all := a.stdinAll
	a.forget()
	if strings.Trim(string(all), "\x00") != "" {
		t.Errorf("still there: %q", all)
	}
}

// TestRefusalsOfABunkerAdviseWhatCanHelp and nothing else: what is blocked, no
// administrator can allow.
func TestRefusalsOfABunkerAdviseWhatCanHelp(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"restricted: kind 5 is not permitted": "administrator may allow it",
		"no":                                  "administrator may allow it",
		"blocked: a bunker never signs this":  "no permission can allow it",
		"invalid: there is no such method":    "",
		"rate-limited: try again in 3 s":      "",
	} {
		f := explain(clientError(&nip46.RemoteError{Method: "sign_event", Text: text}))
		if want == "" && f.hint != "" || !strings.Contains(f.hint, want) {
			t.Errorf("%q: the hint is %q, want %q", text, f.hint, want)
		}
	}
}

// TestTheConfigurationIsWrittenWithWhatItHolds and the old file is kept.
func TestTheConfigurationIsWrittenWithWhatItHolds(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, "config.toml")
	write := func() string {
		t.Helper()
		a, out, talk := newApp(t, nil, "")
		if code := a.run(t.Context(), []string{"--data", dir, "config", "--write"}); code != exitOK || out.String() != path+"\n" {
			t.Fatalf("exit code %d, %q, %q", code, out, talk)
		}
		return talk.String()
	}
	if talk := write(); strings.Contains(talk, "kept") { // the folder is not there yet
		t.Errorf("nothing was there to keep: %q", talk)
	}
	const mine = "# mine\nlog_level = \"debug\"\n"
	if err := os.WriteFile(path, []byte(mine), 0o644); err != nil {
		t.Fatal(err)
	}
	write()
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), "log_level = 'debug'") || !strings.Contains(string(b), "# debug, info, warn or error.") {
		t.Errorf("%v, %s", err, b)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %q", err, files)
	}
	old, err := os.ReadFile(files[1])
	if err != nil || string(old) != mine {
		t.Errorf("kept: %v, %q", err, old)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
	// A file that cannot be read is not written over.
	if err := os.WriteFile(path, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _, _ := newApp(t, nil, "")
	if code := a.run(t.Context(), []string{"--data", dir, "config", "--write"}); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "nonsense" {
		t.Errorf("%v, %q", err, b)
	}
}
