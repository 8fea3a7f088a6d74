package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"nsecbunker/internal/secret"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip46"
)

// floors is what the cryptography of one request costs on this machine, in µs
// of CPU, with every processor at work, as under load. No bunker can be below.
type floors struct {
	Backend string  `json:"backend"`
	Verify  float64 `json:"verify"`     // the request's id and signature
	Open    float64 `json:"open"`       // NIP-44, conversation key at hand
	Sign    float64 `json:"sign"`       // an event, self-check included
	Plain   float64 `json:"sign_plain"` // the same without
	Close   float64 `json:"close"`      // NIP-44 of the reply
	ECDH    float64 `json:"ecdh"`       // a conversation key with a new peer
	Read    float64 `json:"read"`       // NIP-44 of a message from a new peer
	// SignEvent is verify + decrypt + sign with self-check + sign + encrypt.
	SignEvent float64 `json:"sign_event"`
	// Decrypt is verify + decrypt + (ECDH + decrypt) + sign + encrypt.
	Decrypt float64 `json:"nip44_decrypt"`
}

const (
	// floorBlock is how long one block of one operation runs.
	floorBlock = 15 * time.Millisecond
	floorRound = 9 // blocks of each, in turns; the median counts
)

func floor(_ context.Context, args []string) error {
	f := flag.NewFlagSet("floor", flag.ContinueOnError)
	if err := f.Parse(args); err != nil {
		return err
	}
	fl, err := measureFloors()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(fl)
}

// cpuTime is the CPU time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// everywhere runs op on every processor for d and returns the CPU time of one,
// in µs.
func everywhere(d time.Duration, op func() error) (float64, error) {
	counts := make([]int, runtime.GOMAXPROCS(0))
	errs := make([]error, len(counts))
	before := cpuTime()
	var wg sync.WaitGroup
	for w := range counts {
		wg.Go(func() {
			for begin := time.Now(); time.Since(begin) < d && errs[w] == nil; counts[w]++ {
				errs[w] = op()
			}
		})
	}
	wg.Wait()
	n := 0
	for _, c := range counts {
		n += c
	}
	return float64((cpuTime() - before).Nanoseconds()) / 1e3 / float64(n), errors.Join(errs...)
}

func measureFloors() (floors, error) {
	ops, names, err := operations()
	if err != nil {
		return floors{}, err
	}
	took := map[string][]float64{}
	for range floorRound {
		for _, name := range names {
			t, err := everywhere(floorBlock, ops[name])
			if err != nil {
				return floors{}, err
			}
			took[name] = append(took[name], t)
		}
	}
	m := func(name string) float64 { return median(took[name]) }
	f := floors{Backend: nostr.Backend(), Verify: m("verify"), Open: m("open"), Sign: m("sign"), Plain: m("plain"), Close: m("close"), ECDH: m("ecdh"), Read: m("read")}
	f.SignEvent = f.Verify + f.Open + f.Sign + f.Plain + f.Close
	f.Decrypt = f.Verify + f.Open + f.ECDH + f.Read + f.Plain + f.Close
	return f, nil
}

// operations makes the things that are measured: of the sizes that the load has.
func operations() (ops map[string]func() error, names []string, err error) {
	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		return nil, nil, err
	}
	app, e1 := nostr.GenerateKey(arena)
	user, e2 := nostr.GenerateKey(arena)
	if err := errors.Join(e1, e2); err != nil {
		return nil, nil, err
	}
	var talk [32]byte
	if err := nip44.ConversationKey(app, user.PubKey(), &talk); err != nil {
		return nil, nil, err
	}
	text := note(1)
	request, err := envelope(app, user.PubKey(), &talk, nip46.Request{ID: "0000000000000001", Method: nip46.SignEvent, Params: []string{text}}.AppendJSON(nil))
	if err != nil {
		return nil, nil, err
	}
	tmpl, err := nostr.ParseTemplate([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	signed := tmpl.Event(user.PubKey())
	if err := user.Sign(signed); err != nil {
		return nil, nil, err
	}
	reply := nip46.Success("0000000000000001", string(signed.AppendJSON(nil))).AppendJSON(nil)
	short, err := nip44.Encrypt(&talk, []byte(strings.Repeat("Good evening. ", 14)))
	if err != nil {
		return nil, nil, err
	}
	ops = map[string]func() error{
		"verify": request.Verify,
		"open":   func() error { _, _, err := nip44.Decrypt(&talk, request.Content); return err },
		"sign":   func() error { e := *signed; return user.Sign(&e) },
		"close":  func() error { _, err := nip44.Encrypt(&talk, reply); return err },
		"ecdh":   func() error { var out [32]byte; return nip44.ConversationKey(user, app.PubKey(), &out) },
		"read":   func() error { _, _, err := nip44.Decrypt(&talk, short); return err },
		"plain":  func() error { e := *signed; return user.SignUnchecked(&e) },
	}
	return ops, []string{"verify", "open", "sign", "close", "ecdh", "read", "plain"}, nil
}

// envelope makes a request event of app for signer.
func envelope(app *nostr.SecretKey, signer nostr.PubKey, talk *[32]byte, message []byte) (*nostr.Event, error) {
	content, err := nip44.Encrypt(talk, message)
	if err != nil {
		return nil, err
	}
	ev := &nostr.Event{CreatedAt: time.Now().Unix(), Kind: nip46.Kind, Tags: nostr.Tags{{"p", signer.String()}}, Content: content}
	return ev, app.Sign(ev)
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}
