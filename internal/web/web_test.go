package web

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, a *App, method, host, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Host = host
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func app(t *testing.T, hosts ...string) *App {
	t.Helper()
	a, err := New(Config{Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestThePageIsServedWithEveryFileThatItNames(t *testing.T) {
	a := app(t)
	r := get(t, a, "GET", "127.0.0.1:4848", Path)
	page := body(t, r)
	if r.StatusCode != 200 || !strings.Contains(page, `<div id="app">`) {
		t.Fatalf("%d %.200s", r.StatusCode, page)
	}
	named := regexp.MustCompile(`(?:src|href)="\./([^"]+)"`).FindAllStringSubmatch(page, -1)
	if len(named) < 3 {
		t.Fatalf("the page names %d files", len(named))
	}
	for _, m := range named {
		if r := get(t, a, "GET", "localhost", Path+m[1]); r.StatusCode != 200 {
			t.Errorf("%s: %d", m[1], r.StatusCode)
		}
	}
}

// A worker under another path could not open the page; one that is kept for long
// would keep an old page alive.
func TestTheServiceWorkerRulesThePageAndIsNeverKept(t *testing.T) {
	r := get(t, app(t), "GET", "localhost", Path+"sw.js")
	if r.StatusCode != 200 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/javascript") || r.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%d %v", r.StatusCode, r.Header)
	}
	var m struct {
		Icons []struct{ Src string } `json:"icons"`
	}
	manifest := get(t, app(t), "GET", "localhost", Path+"app.webmanifest")
	if err := json.Unmarshal([]byte(body(t, manifest)), &m); err != nil || len(m.Icons) < 3 {
		t.Fatalf("%d icons, %v", len(m.Icons), err)
	}
	for _, i := range m.Icons {
		if r := get(t, app(t), "GET", "localhost", Path+strings.TrimPrefix(i.Src, "./")); r.StatusCode != 200 {
			t.Errorf("%s: %d", i.Src, r.StatusCode)
		}
	}
}

// docs/admin-app.md tells who serves the files
// elsewhere what keeps the page honest.
func TestTheManualHasThePolicyThatIsSent(t *testing.T) {
	page, err := os.ReadFile("../../docs/admin-app.md")
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(policy, " ws://127.0.0.1:* ws://localhost:*", "", 1)
	if !strings.Contains(string(page), "Content-Security-Policy: "+want+"\n") {
		t.Errorf("docs/admin-app.md does not name the policy:\n%s", want)
	}
}

// The policy forbids what is inline, so a build that has any would not work.
func TestThePageHasNothingInline(t *testing.T) {
	page := body(t, get(t, app(t), "GET", "localhost", Path))
	for _, bad := range []string{"<style", " style=", "onload=", "javascript:", "https://", "http://"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if n := strings.Count(page, "<script"); n != strings.Count(page, "<script type=\"module\" crossorigin src=") {
		t.Errorf("one of %d scripts is inline", n)
	}
}

func TestEveryAnswerCarriesThePolicy(t *testing.T) {
	a := app(t)
	for _, c := range []struct{ method, host, path string }{
		{"GET", "localhost", Path}, {"GET", "evil.example", Path}, {"POST", "localhost", Path}, {"GET", "localhost", Path + "none"},
	} {
		p := get(t, a, c.method, c.host, c.path).Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(p, "default-src 'none'") || strings.Contains(p, "unsafe") || !strings.Contains(p, "require-trusted-types-for 'script'") || !strings.Contains(p, "frame-ancestors 'none'") {
			t.Errorf("%v: %q", c, p)
		}
	}
}

func TestOnlyLoopbackAndNamedHostsOpenThePage(t *testing.T) {
	a := app(t, "bunker.example.com")
	for host, want := range map[string]int{
		"127.0.0.1:4848": 200, "127.9.9.9": 200, "[::1]:4848": 200, "[::1]": 200, "localhost:1": 200, "LOCALHOST": 200, "bunker.example.com": 200,
		"Bunker.Example.com:443": 200, "evil.example": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421, "10.0.0.1": 421, "": 421,
		"0.0.0.0": 421,
	} {
		if got := get(t, a, "GET", host, Path).StatusCode; got != want {
			t.Errorf("%q: %d, want %d", host, got, want)
		}
	}
}

func TestNothingCanBeChanged(t *testing.T) {
	a := app(t)
	for _, m := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		if r := get(t, a, m, "localhost", Path); r.StatusCode != 405 {
			t.Errorf("%s: %d", m, r.StatusCode)
		}
	}
	for _, p := range []string{Path + "../web.go", Path + "assets/", Path + "assets", Path + "./index.html", Path + "dist/index.html"} {
		if r := get(t, a, "GET", "localhost", p); r.StatusCode != 404 {
			t.Errorf("%s: %d", p, r.StatusCode)
		}
	}
}

func TestFilesAreSmallOnTheWireAndKept(t *testing.T) {
	a := app(t)
	for name, f := range a.files {
		if name == buyPage {
			continue // it has a place of its own
		}
		r := get(t, a, "GET", "localhost", Path+name, "Accept-Encoding", "br, gzip")
		zipped := r.Header.Get("Content-Encoding") == "gzip"
		z, err := f.zipped()
		if err != nil {
			t.Fatal(err)
		}
		if (z != nil && name != "index.html") != zipped {
			t.Errorf("%s: zipped %t", name, zipped)
		}
		if forever := strings.Contains(r.Header.Get("Cache-Control"), "immutable"); forever != strings.HasPrefix(name, "assets/") {
			t.Errorf("%s: kept for ever %t", name, forever)
		}
	}
}

// maxFirstLoad is what the page may weigh on the wire at its first visit, in
// each language: what its HTML names, and what a reader of German waits for
// before the first screen. The rarer sentences of German come after it, and are
// logged.
const maxFirstLoad = 150 << 10

func TestTheFirstLoadIsLight(t *testing.T) {
	files := app(t).files
	read := func(f func() ([]byte, error)) []byte {
		b, err := f()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	weigh := func(name string) int {
		if z := read(files[name].zipped); z != nil {
			return len(z)
		}
		return len(read(files[name].plain))
	}
	first := map[string]bool{"index.html": true}
	named := string(read(files["index.html"].plain))
	for name := range files {
		first[name] = first[name] || strings.Contains(named, `"./`+name+`"`)
	}
	german := maps.Clone(first)
	var bring func(name string)
	bring = func(name string) {
		german[name] = true
		for _, m := range imported.FindAllStringSubmatch(string(read(files[name].plain)), -1) {
			if next := "assets/" + m[1]; !german[next] {
				bring(next)
			}
		}
	}
	chunks := 0
	for name := range files {
		if strings.HasPrefix(name, "assets/german-") {
			bring(name)
			chunks++
		}
	}
	if chunks != 2 {
		t.Errorf("%d chunks are named german-…; what the page says and what the bunker says are one each", chunks)
	}
	all := 0
	for name := range files {
		all += weigh(name)
	}
	for language, names := range map[string]map[string]bool{"English": first, "German": german} {
		sum := 0
		for name, is := range names {
			if is {
				sum += weigh(name)
			}
		}
		t.Logf("the first load in %s is %d bytes on the wire, of %d that it may be; %d may follow", language, sum, maxFirstLoad, all-sum)
		if sum > maxFirstLoad {
			t.Errorf("the first load in %s is %d bytes on the wire; at most %d are allowed", language, sum, maxFirstLoad)
		}
	}
}

// imported is what a chunk cannot run without: static imports, none that it may make later.
var imported = regexp.MustCompile("(?:from|import)[\"'`]\\./([^\"'`]+)[\"'`]")

// The string is what a relay's operator could have put there, too: it must not
// become markup.
func TestThePageSaysWhichBunkerServesIt(t *testing.T) {
	a, err := New(Config{Bunker: func() string { return `bunker-admin://00?relay=wss%3A%2F%2Fa"><script>` }})
	if err != nil {
		t.Fatal(err)
	}
	page := body(t, get(t, a, "GET", "localhost", Path, "Accept-Encoding", "gzip"))
	if want := `<meta name="bunker" content="bunker-admin://00?relay=wss%3A%2F%2Fa&#34;&gt;&lt;script&gt;" />`; !strings.Contains(page, want) {
		t.Errorf("the page does not hold %s:\n%s", want, page)
	}
	if page := body(t, get(t, app(t), "GET", "localhost", Path)); !strings.Contains(page, noBunker) {
		t.Errorf("without a bunker the page names one:\n%s", page)
	}
}
