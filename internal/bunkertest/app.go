package bunkertest

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip46"
	"nsecbunker/nostr/nip46/ws"
)

// App is a client that sees every event on the wire: it counts answers, doubles
// and forgeries, which a good client hides. It sends nothing by itself.
type App struct {
	Key    *nostr.SecretKey
	Remote nostr.PubKey // the signer key
	Secret string       // of the bunker:// string
	Relays []string
	NIP04  bool             // which envelope it speaks
	Now    func() time.Time // its clock
	// Among is set where several instances share the bunker: the app sends again what was not
	// answered, as apps do. An instance that could not reach its database for two seconds
	// takes nothing until it can, and says so; on a busy machine that happens.
	Among bool

	t     testing.TB
	arena *secret.Arena
	pool  *ws.Pool

	mu     sync.Mutex
	heard  map[nostr.ID]struct{}
	forged int
	got    map[string][]Got // by request id
	news   chan struct{}    // closed and replaced when something was heard
}

// Got is one distinct reply event.
type Got struct {
	Event nostr.ID
	nip46.Reply
}

// Asked is one request that was sent.
type Asked struct {
	ID    string
	Event *nostr.Event
	app   *App
}

// App makes an app that listens where a bunker:// string says and has not
// connected yet.
func (b *Bunker) App(uri string) *App {
	b.t.Helper()
	u, err := nip46.ParseBunkerURI(uri)
	if err != nil {
		b.t.Fatal(err)
	}
	a := NewApp(b.t, b.Arena, b.Clock.Now, u.Remote, u.Secret, u.Relays)
	a.Among = b.among
	return a
}

// Connected is App with connect answered by ack.
func (b *Bunker) Connected(uri string) *App {
	b.t.Helper()
	a := b.App(uri)
	a.Connect().Want("ack")
	return a
}

// NewApp makes an app with a new key.
func NewApp(t testing.TB, arena *secret.Arena, now func() time.Time, remote nostr.PubKey, secretText string, relays []string) *App {
	t.Helper()
	key, err := nostr.GenerateKey(arena)
	if err != nil {
		t.Fatal(err)
	}
	return newApp(t, arena, key, now, remote, secretText, relays)
}

func newApp(t testing.TB, arena *secret.Arena, key *nostr.SecretKey, now func() time.Time, remote nostr.PubKey, secretText string, relays []string) *App {
	t.Helper()
	pool, err := ws.New(ws.Config{Now: now, Auth: func(relay, challenge string, now time.Time) (*nostr.Event, error) {
		e := &nostr.Event{Kind: 22242, CreatedAt: now.Unix(), Tags: nostr.Tags{{"relay", relay}, {"challenge", challenge}}}
		return e, key.Sign(e)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	a := &App{
		Key: key, Remote: remote, Secret: secretText, Relays: relays, Now: now, t: t, arena: arena, pool: pool,
		heard: map[nostr.ID]struct{}{}, got: map[string][]Got{}, news: make(chan struct{}),
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f := nip46.Filter{Kind: nip46.Kind, P: key.PubKey(), Since: now().Add(-nip46.SinceBack).Unix()}
	if _, err := pool.Subscribe(ctx, relays, f, a.receive); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *App) receive(e *nostr.Event) {
	a.mu.Lock()
	_, double := a.heard[e.ID]
	a.mu.Unlock()
	if double {
		return
	}
	if e.PubKey != a.Remote || e.Verify() != nil {
		a.mu.Lock()
		a.forged++
		a.mu.Unlock()
		return
	}
	r, err := a.open(e)
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, double := a.heard[e.ID]; double {
		return
	}
	a.heard[e.ID] = struct{}{}
	if err != nil {
		a.t.Errorf("an answer cannot be opened: %v", err)
		return
	}
	a.got[r.ID] = append(a.got[r.ID], Got{e.ID, r})
	close(a.news)
	a.news = make(chan struct{})
}

func (a *App) open(e *nostr.Event) (nip46.Reply, error) {
	var key [32]byte
	var text []byte
	var err error
	if nip46.IsNIP04(e.Content) {
		if err = nip04.SharedKey(a.Key, e.PubKey, &key); err == nil {
			text, err = nip04.Decrypt(&key, e.Content)
		}
	} else if err = nip44.ConversationKey(a.Key, e.PubKey, &key); err == nil {
		text, _, err = nip44.Decrypt(&key, e.Content)
	}
	if err != nil {
		return nip46.Reply{}, err
	}
	return nip46.ParseReply(text)
}

// Close closes a message into an event to the bunker.
func (a *App) Close(message []byte, at time.Time) *nostr.Event {
	a.t.Helper()
	var key [32]byte
	var content string
	var err error
	if a.NIP04 {
		if err = nip04.SharedKey(a.Key, a.Remote, &key); err == nil {
			content, err = nip04.Encrypt(&key, message)
		}
	} else if err = nip44.ConversationKey(a.Key, a.Remote, &key); err == nil {
		content, err = nip44.EncryptExtended(&key, message)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	e := &nostr.Event{Kind: nip46.Kind, CreatedAt: at.Unix(), Tags: nostr.Tags{{"p", a.Remote.String()}}, Content: content}
	if err := a.Key.Sign(e); err != nil {
		a.t.Fatal(err)
	}
	return e
}

// Publish sends an event to every relay of the app and returns the error if
// none took it.
func (a *App) Publish(e *nostr.Event) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return a.pool.Publish(ctx, a.Relays, e)
}

// Prepare makes a request and does not send it.
func (a *App) Prepare(method nip46.Method, params ...string) *Asked {
	a.t.Helper()
	r := nip46.Request{ID: rand.Text(), Method: method, Params: params}
	return &Asked{r.ID, a.Close(r.AppendJSON(nil), a.Now()), a}
}

// Ask sends a request. That no relay took it fails the test.
func (a *App) Ask(method nip46.Method, params ...string) *Asked {
	a.t.Helper()
	q := a.Prepare(method, params...)
	q.Send()
	return q
}

// Connect asks to connect with the app's secret.
func (a *App) Connect() *Asked {
	a.t.Helper()
	return a.Ask(nip46.Connect, a.Remote.String(), a.Secret)
}

// Note is the template of a note as JSON, dated by the app's clock.
func (a *App) Note(kind nostr.Kind, content string) string {
	t := nostr.Template{Kind: kind, CreatedAt: a.Now().Unix(), Content: content}
	return string(t.AppendJSON(nil))
}

// AskSign asks for a signature.
func (a *App) AskSign(kind nostr.Kind, content string) *Asked {
	a.t.Helper()
	return a.Ask(nip46.SignEvent, a.Note(kind, content))
}

// Sign is AskSign whose answer must be a good event.
func (a *App) Sign(kind nostr.Kind, content string) *nostr.Event {
	a.t.Helper()
	return a.AskSign(kind, content).Signed()
}

// Send sends the request's event, again if it was sent before. A busy machine may take longer
// to say that it took it, or to come back, than a client waits: then it is sent once more.
func (q *Asked) Send() {
	q.app.t.Helper()
	for end := time.Now().Add(patience); ; {
		err := q.app.Publish(q.Event)
		switch {
		case err == nil, q.app.Among && strings.Contains(err.Error(), "send it again"):
			return
		case time.Now().Before(end) && (strings.Contains(err.Error(), "did not say that it took") || strings.Contains(err.Error(), "cannot connect")):
			continue
		}
		q.app.t.Fatalf("no relay took the request: %v", err)
	}
}

// Got returns the distinct replies to a request that were heard so far.
func (q *Asked) Got() []Got {
	q.app.mu.Lock()
	defer q.app.mu.Unlock()
	return slices.Clone(q.app.got[q.ID])
}

// TryAnswer waits for the first reply until ctx ends.
func (q *Asked) TryAnswer(ctx context.Context) (Got, bool) {
	for {
		q.app.mu.Lock()
		got, news := q.app.got[q.ID], q.app.news
		q.app.mu.Unlock()
		if len(got) > 0 {
			return got[0], true
		}
		select {
		case <-news:
		case <-ctx.Done():
			return Got{}, false
		}
	}
}

// Answer waits for the first reply.
func (q *Asked) Answer() Got {
	q.app.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	g, ok := q.tryAgain(ctx)
	if !ok {
		q.app.t.Fatalf("no answer in %s", patience)
	}
	return g
}

// sendAgain is how long an app waits before it sends its request once more.
const sendAgain = time.Second

// tryAgain is TryAnswer of an app that sends again, if it is one that does.
func (q *Asked) tryAgain(ctx context.Context) (g Got, ok bool) {
	for q.app.Among && ctx.Err() == nil {
		short, stop := context.WithTimeout(ctx, sendAgain)
		g, ok = q.TryAnswer(short)
		stop()
		if ok {
			return g, ok
		}
		_ = q.app.pool.Publish(ctx, q.app.Relays, q.Event) // nobody may take it yet
	}
	return q.TryAnswer(ctx)
}

// Want waits for a success with this result.
func (q *Asked) Want(result string) {
	q.app.t.Helper()
	if g := q.Answer(); g.Failed() || g.Result != result {
		q.app.t.Fatalf("got result %q, error %q; want %q", g.Result, g.Error, result)
	}
}

// Fails waits for an error that holds each of the words, and returns it.
func (q *Asked) Fails(words ...string) string {
	q.app.t.Helper()
	g := q.Answer()
	if !g.Failed() {
		q.app.t.Fatalf("got result %q, want an error", g.Result)
	}
	for _, w := range words {
		if !strings.Contains(g.Error, w) {
			q.app.t.Fatalf("got error %q, want one with %q", g.Error, w)
		}
	}
	return g.Error
}

// Signed waits for an event with a good signature.
func (q *Asked) Signed() *nostr.Event {
	q.app.t.Helper()
	g := q.Answer()
	if g.Failed() {
		q.app.t.Fatalf("got error %q, want a signature", g.Error)
	}
	e, err := nostr.ParseEvent([]byte(g.Result))
	if err == nil {
		err = e.Verify()
	}
	if err != nil {
		q.app.t.Fatal(err)
	}
	return e
}

// Fence returns when everything that the app sent before has been worked on as
// far as it can be: the bunker has answered a later ping.
func (a *App) Fence() {
	a.t.Helper()
	a.Ask(nip46.Ping).Answer()
}

// Quiet fails the test if a request got an answer by now.
func (q *Asked) Quiet() {
	q.app.t.Helper()
	if got := q.Got(); len(got) > 0 {
		q.app.t.Fatalf("got result %q, error %q; want silence", got[0].Result, got[0].Error)
	}
}

// Forged is how many events were heard that were not by the bunker.
func (a *App) Forged() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.forged
}

// moved is the same app, with the same key, on other relays.
func (a *App) moved(relays ...string) *App {
	a.t.Helper()
	m := newApp(a.t, a.arena, a.Key, a.Now, a.Remote, a.Secret, relays)
	m.Among = a.Among
	return m
}

// again is the same app after it was started anew: it connects at once, where
// this one would wait before it tries.
func (a *App) again() *App {
	a.t.Helper()
	a.pool.Close()
	return a.moved(a.Relays...)
}
