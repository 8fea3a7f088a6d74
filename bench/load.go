package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
)

// load is the apps: it connects as every client of a data folder and does what
// run tells it, one command a line, and answers each with one line of JSON:
//
//	prepare sign_event N   makes N requests, spread over all clients
//	prepare nip44_decrypt N   makes N of one client, each of another peer
//	flight K               sends them, K at a time
//	pace R                 sends them, R a second
//
// What costs time is done before and after the sending, so that the bunker has
// the machine to itself meanwhile, but for the bare sockets.
func load(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	dir := f.String("dir", "", "the data folder that seed made")
	url := f.String("url", "", "the bunker's relay")
	clients := f.String("clients", clientsFile, "the file in it with the apps")
	if err := f.Parse(args); err != nil {
		return err
	}
	l, err := newLoader(ctx, filepath.Join(*dir, *clients), *url)
	if err != nil {
		return err
	}
	defer l.close()
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(outcome{Requests: len(l.apps)}); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		res, err := l.obey(ctx, strings.Fields(in.Text()))
		if err != nil {
			return fmt.Errorf("%s: %w", in.Text(), err)
		}
		if err := out.Encode(res); err != nil {
			return err
		}
	}
	return nil
}

// outcome is what became of one command.
type outcome struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
}

// app is one client.
type app struct {
	key          *nostr.SecretKey
	pub          string
	signer, user nostr.PubKey
	talk         [32]byte // the conversation key with the signer
	line         *line

	mu   sync.Mutex
	sent []time.Time // of requests without a reply yet, oldest first
}

// loader is all clients.
type loader struct {
	arena *secret.Arena
	apps  []*app
	byPub map[string]*app
	lines []*line

	todo []request
	// The running one, guarded by mu.
	mu      sync.Mutex
	replies [][]byte
	took    []time.Duration
	arrived chan struct{} // one for each reply
}

// request is one that is ready to be sent.
type request struct {
	app    *app
	frame  []byte
	result string // what a decryption must give
}

func newLoader(ctx context.Context, clients, url string) (*loader, error) {
	b, err := os.ReadFile(clients)
	if err != nil {
		return nil, err
	}
	var list []client
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	l := &loader{byPub: map[string]*app{}, arrived: make(chan struct{}, 1<<20)}
	if l.arena, err = secret.NewArena(1<<20+256*len(list), secret.Options{AllowSwap: true}); err != nil {
		return nil, err
	}
	for _, c := range list {
		a, err := l.newApp(c)
		if err != nil {
			return nil, err
		}
		l.apps = append(l.apps, a)
		l.byPub[a.pub] = a
	}
	return l, l.connect(ctx, url)
}

func (l *loader) newApp(c client) (*app, error) {
	raw, err := hex.DecodeString(c.Secret)
	if err != nil {
		return nil, err
	}
	a := &app{}
	if a.key, err = nostr.NewSecretKey(l.arena, raw); err != nil {
		return nil, err
	}
	a.pub = a.key.PubKey().String()
	var e1, e2 error
	a.signer, e1 = nostr.ParsePubKey(c.Signer)
	a.user, e2 = nostr.ParsePubKey(c.User)
	return a, errors.Join(e1, e2, nip44.ConversationKey(a.key, a.signer, &a.talk))
}

// appsPerLine is how many clients share a connection: as many as the relay lets
// one listen for without a proof.
const appsPerLine = 90

func (l *loader) connect(ctx context.Context, url string) error {
	n := max(minClients, (len(l.apps)+appsPerLine-1)/appsPerLine)
	for i := range n {
		var mine []*app
		for j := i; j < len(l.apps); j += n {
			mine = append(mine, l.apps[j])
		}
		w, err := dialLine(ctx, url, mine, l.took1)
		if err != nil {
			return err
		}
		for _, a := range mine {
			a.line = w
		}
		l.lines = append(l.lines, w)
	}
	return nil
}

func (l *loader) close() {
	for _, w := range l.lines {
		w.close()
	}
	l.arena.Close()
}

func (l *loader) obey(ctx context.Context, words []string) (outcome, error) {
	var what, method string
	var n int
	switch len(words) {
	case 3:
		what, method = words[0], words[1]
		words = words[1:]
	case 2:
		what = words[0]
	default:
		return outcome{}, errors.New("unknown command")
	}
	if _, err := fmt.Sscan(words[1], &n); err != nil || n < 1 {
		return outcome{}, errors.New("a number is missing")
	}
	switch what {
	case "prepare":
		return outcome{Requests: n}, l.prepare(method, n)
	case "flight":
		return l.measure(func() error { return l.flight(ctx, n) })
	case "pace":
		return l.measure(func() error { return l.pace(ctx, n) })
	}
	return outcome{}, errors.New("unknown command")
}
