package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip46"
)

// note is the event that is signed: 180 characters and three tags, as most are.
func note(i int) string {
	t := nostr.Event{CreatedAt: time.Now().Unix(), Kind: 1,
		Tags:    nostr.Tags{{"e", strings.Repeat("ab", 32), "wss://relay.example.com", "root"}, {"p", strings.Repeat("cd", 32)}, {"t", "nostr"}},
		Content: fmt.Sprintf("%08d ", i) + strings.Repeat("Good morning, here are some words. ", 5)}
	full := string(t.AppendJSON(nil))
	// A template has neither id nor pubkey nor sig; ours are all zero here.
	for _, zero := range []string{`"id":"` + strings.Repeat("0", 64) + `",`, `"pubkey":"` + strings.Repeat("0", 64) + `",`, `,"sig":"` + strings.Repeat("0", 128) + `"`} {
		full = strings.Replace(full, zero, "", 1)
	}
	return full
}

// prepare makes n requests, on all processors.
func (l *loader) prepare(method string, n int) error {
	l.todo = make([]request, n)
	errs := make([]error, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := w; i < n && errs[w] == nil; i += len(errs) {
				l.todo[i], errs[w] = l.request(method, i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// spread is a prime: clients that follow each other are far apart in the store.
const spread = 7919

func (l *loader) request(method string, i int) (request, error) {
	r := request{app: l.apps[i*spread%len(l.apps)]}
	req := nip46.Request{ID: fmt.Sprintf("%016d", i), Method: nip46.Method(method)}
	switch req.Method {
	case nip46.SignEvent:
		req.Params = []string{note(i)}
	case nip46.NIP44Decrypt:
		r.app = l.apps[0]
		r.result = fmt.Sprintf(`{"kind":14,"content":"message %d %s"}`, i, strings.Repeat("Good evening. ", 12))
		peer, sealed, err := l.message(r.app.user, r.result)
		if err != nil {
			return r, err
		}
		req.Params = []string{peer, sealed}
	default:
		return r, errors.New("no such benchmark")
	}
	content, err := nip44.Encrypt(&r.app.talk, req.AppendJSON(nil))
	if err != nil {
		return r, err
	}
	ev := &nostr.Event{CreatedAt: time.Now().Unix(), Kind: nip46.Kind, Tags: nostr.Tags{{"p", r.app.signer.String()}}, Content: content}
	if err := r.app.key.Sign(ev); err != nil {
		return r, err
	}
	r.frame = append(ev.AppendJSON([]byte(`["EVENT",`)), ']')
	return r, nil
}

// message is a text for user of a peer that wrote no other, as the seal in a
// gift wrap is.
func (l *loader) message(user nostr.PubKey, text string) (peer, sealed string, err error) {
	k, err := nostr.GenerateKey(l.arena)
	if err != nil {
		return "", "", err
	}
	defer k.Destroy()
	var talk [32]byte
	if err := nip44.ConversationKey(k, user, &talk); err != nil {
		return "", "", err
	}
	sealed, err = nip44.Encrypt(&talk, []byte(text))
	return k.PubKey().String(), sealed, err
}

// send sends one request.
func (r *request) send(ctx context.Context) error {
	r.app.mu.Lock()
	r.app.sent = append(r.app.sent, time.Now())
	r.app.mu.Unlock()
	return r.app.line.send(ctx, r.frame)
}

// took1 takes one reply event in.
func (l *loader) took1(raw []byte) {
	now := time.Now()
	const before = `["p","`
	at := bytes.Index(raw, []byte(before))
	if at < 0 || len(raw) < at+len(before)+64 {
		return
	}
	a := l.byPub[string(raw[at+len(before):at+len(before)+64])]
	if a == nil {
		return
	}
	a.mu.Lock()
	if len(a.sent) == 0 {
		a.mu.Unlock()
		return // a double
	}
	since := now.Sub(a.sent[0])
	a.sent = a.sent[1:]
	a.mu.Unlock()
	l.mu.Lock()
	l.replies = append(l.replies, raw)
	l.took = append(l.took, since)
	l.mu.Unlock()
	l.arrived <- struct{}{}
}

// replyTimeout is how long any reply may take.
const replyTimeout = 30 * time.Second

func (l *loader) await(n int) error {
	timer := time.NewTimer(replyTimeout)
	defer timer.Stop()
	for range n {
		select {
		case <-l.arrived:
			timer.Reset(replyTimeout)
		case <-timer.C:
			return errors.New("the bunker stopped to answer")
		}
	}
	return nil
}

// flight sends all requests, k at a time.
func (l *loader) flight(ctx context.Context, k int) error {
	for i := range l.todo {
		if i >= k {
			if err := l.await(1); err != nil {
				return err
			}
		}
		if err := l.todo[i].send(ctx); err != nil {
			return err
		}
	}
	return l.await(min(k, len(l.todo)))
}

// pace sends all requests, rate a second.
func (l *loader) pace(ctx context.Context, rate int) error {
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range l.todo {
		<-tick.C
		if err := l.todo[i].send(ctx); err != nil {
			return err
		}
	}
	return l.await(len(l.todo))
}

// measure times f and checks every reply afterwards.
func (l *loader) measure(f func() error) (outcome, error) {
	l.replies, l.took = nil, nil
	runtime.GC()
	begin := time.Now()
	if err := f(); err != nil {
		return outcome{}, err
	}
	took := time.Since(begin)
	out := outcome{Requests: len(l.todo), Seconds: took.Seconds()}
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.took)
	out.P50, out.P99 = ms(l.took, 50), ms(l.took, 99)
	return out, l.checkReplies()
}

func ms(sorted []time.Duration, percent int) float64 {
	return float64(sorted[min(len(sorted)-1, len(sorted)*percent/100)].Nanoseconds()) / 1e6
}

// verifyEvery is which part of the signatures is verified; all else is checked
// of every reply.
const verifyEvery = 20

func (l *loader) checkReplies() error {
	want := map[string]int{}
	for i := range l.todo {
		want[fmt.Sprintf("%016d", i)] = i
	}
	for n, raw := range l.replies {
		id, err := l.checkReply(raw, want, n%verifyEvery == 0)
		if err != nil {
			return err
		}
		delete(want, id)
	}
	if len(want) > 0 {
		return fmt.Errorf("%d requests have no reply", len(want))
	}
	return nil
}

func (l *loader) checkReply(raw []byte, want map[string]int, verify bool) (id string, err error) {
	ev, err := nostr.ParseEvent(raw[bytes.IndexByte(raw, '{') : len(raw)-1])
	if err != nil {
		return "", err
	}
	a := l.byPub[ev.Tags.Find("p").Value()]
	if ev.PubKey != a.signer {
		return "", errors.New("a reply of another signer")
	}
	plain, _, err := nip44.Decrypt(&a.talk, ev.Content)
	if err != nil {
		return "", err
	}
	r, err := nip46.ParseReply(plain)
	if err != nil || r.Error != "" {
		return "", fmt.Errorf("a reply says %q (%v)", r.Error, err)
	}
	i, ok := want[r.ID]
	if !ok {
		return "", fmt.Errorf("two replies to request %q", r.ID)
	}
	if q := l.todo[i]; q.result != "" {
		if r.Result != q.result {
			return "", errors.New("a wrong text")
		}
		return r.ID, nil
	}
	signed, err := nostr.ParseEvent([]byte(r.Result))
	if err != nil {
		return "", err
	}
	if signed.PubKey != a.user || !strings.HasPrefix(signed.Content, fmt.Sprintf("%08d ", i)) {
		return "", errors.New("a wrong event")
	}
	if verify {
		err = errors.Join(ev.Verify(), signed.Verify())
	}
	return r.ID, err
}
