package bunkertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/config"
)

// receiver is a server that people's machines run: it keeps what is posted to it.
type receiver struct {
	URL  string
	host string

	mu     sync.Mutex
	got    []posted
	asked  int // requests, taken or not
	status int
}

type posted struct {
	path   string
	header http.Header
	body   string
}

func newReceiver(t testing.TB) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusOK}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		b, err := io.ReadAll(io.LimitReader(q.Body, 1<<20))
		if err != nil {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.asked++
		if r.status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		if r.status/100 == 2 || q.URL.Path == "/elsewhere" {
			r.got = append(r.got, posted{q.URL.Path, q.Header, string(b)})
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(srv.Close)
	r.URL, r.host = srv.URL, strings.TrimPrefix(srv.URL, "http://")
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *receiver) posts() []posted {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]posted(nil), r.got...)
}

// allowing lets a bunker dial servers of the test, which are on this machine.
func allowing(hosts ...string) func(*config.Config) {
	return func(c *config.Config) { c.Allow = append(c.Allow, hosts...) }
}

// telling is a bunker with one app that has no permissions, and a server to tell.
func telling(t *testing.T) (*Bunker, *App, *receiver) {
	t.Helper()
	r := newReceiver(t)
	b := Start(t, Options{Config: allowing(r.host)})
	b.AddKey("herald")
	return b, b.Connected(b.Token("herald", "")), r
}

// told waits until so many messages have come.
func (b *Bunker) told(r *receiver, n int) []posted {
	b.t.Helper()
	b.Until("messages came", func() bool { return len(r.posts()) >= n })
	return r.posts()
}

func TestAQuestionReachesAWebhookSignedAndWithoutContent(t *testing.T) {
	t.Parallel()
	b, a, r := telling(t)
	secret := b.Admin("notify.add", Params{"name": "ops", "kind": "webhook", "target": r.URL + "/hook"}).Text("signing_secret")
	a.AskSign(1, "a very private note").Quiet()
	p := b.told(r, 1)[0]
	var body struct {
		ID, Text string
		Urgent   bool
		Items    []struct {
			Kind  string
			Count int
		}
	}
	if err := json.Unmarshal([]byte(p.body), &body); err != nil {
		t.Fatal(err)
	}
	if p.path != "/hook" || body.Text != "A question waits for you." || !body.Urgent || len(body.Items) != 1 || body.Items[0].Kind != "question" {
		t.Errorf("posted %s to %s", p.body, p.path)
	}
	if body.ID == "" || p.header.Get("Nsecbunker-Notice") != body.ID {
		t.Errorf("the message's name is %q, its header %q", body.ID, p.header.Get("Nsecbunker-Notice"))
	}
	at, sig, _ := strings.Cut(strings.TrimPrefix(p.header.Get("Nsecbunker-Signature"), "t="), ",v1=")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + "." + p.body))
	if want := hex.EncodeToString(mac.Sum(nil)); sig != want || secret == "" {
		t.Errorf("the signature is %q, want %q", sig, want)
	}
	for _, leak := range []string{"private", "herald", "app", b.Admin("key.list", nil).Text("keys.0.pubkey")} {
		if strings.Contains(p.body, leak) {
			t.Errorf("the message holds %q: %s", leak, p.body)
		}
	}
}

func TestABurstOfQuestionsIsOneMessage(t *testing.T) {
	t.Parallel()
	b, a, r := telling(t)
	b.Admin("notify.add", Params{"name": "phone", "kind": "ntfy", "target": r.URL + "/topic", "secret": "tk_1"})
	for i := range 20 {
		a.AskSign(1, strings.Repeat("x", i+1))
	}
	b.Until("all questions are there", func() bool { return len(b.Questions()) == 20 })
	// What is made into a notice after the minute waits for a third message.
	b.Until("every question is a notice", func() bool { return noticesIn(t, b.Dir, "") == 20 })
	b.told(r, 1)
	b.Pass(time.Minute)
	b.Until("every notice was told", func() bool { return counted(r) == 20 })
	if n := len(r.posts()); n > 2 {
		t.Errorf("%d messages for one burst", n)
	}
	p := r.posts()[0]
	if p.header.Get("Authorization") != "Bearer tk_1" || p.header.Get("Title") != "nsecBunker" || p.header.Get("Priority") != "high" {
		t.Errorf("the headers are %v", p.header)
	}
}

// counted adds up the questions of ntfy's messages.
func counted(r *receiver) int {
	n := 0
	for _, p := range r.posts() {
		if p.body == "A question waits for you." {
			n++
			continue
		}
		var k int
		if num, _, ok := strings.Cut(p.body, " questions wait"); ok && json.Unmarshal([]byte(num), &k) == nil {
			n += k
		}
	}
	return n
}
