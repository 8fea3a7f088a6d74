package conformance

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/conformance/wire"
)

func TestAdversarialThousandPings(t *testing.T) {
	r := shared(t)
	c := r.client("none", wire.NIP44)
	r.bulk(c, 1000, func(int) (string, []string, func(wire.Reply) error) { return "ping", nil, result("pong") })
}

func TestAdversarialFiveHundredDecrypts(t *testing.T) {
	r := shared(t)
	c := r.client("nip44_decrypt", wire.NIP44)
	friend := wire.NewKey()
	r.bulk(c, 500, func(i int) (string, []string, func(wire.Reply) error) {
		text := fmt.Sprintf("wrap %d", i)
		sealed, err := friend.Encrypt(wire.NIP44, r.key.Pub, text)
		if err != nil {
			t.Fatal(err)
		}
		return "nip44_decrypt", []string{friend.Pub, sealed}, result(text)
	})
}

const (
	// floodKeys is how many strangers come, floodLinks on how many connections.
	floodKeys, floodLinks = 10_000, 20
	// floodRequests is how often the known client asks meanwhile, at most: each is kept, however slow the flood is.
	floodRequests = 200
	// floodRSS is by how many bytes the bunker may have grown meanwhile, and floodDB how large its store may be then: less than 10 kB and
	// 1 kB a stranger.
	floodRSS, floodDB = 96 << 20, 8 << 20
)

// Ten thousand strangers flood a link's signer key: a known client is answered every time, the memory is bounded, and the
// store does not grow by strangers.
func TestAdversarialStrangerFlood(t *testing.T) {
	r := alone(t)
	c := r.client("sign_event:1", wire.NIP44)
	k := r.Token(r.key.Name, "raw", "all")
	r.sign(c, note("before the flood"))
	rss, rows, began := residentBytes(t, r.PID()), r.rows(), time.Now()
	var flood sync.WaitGroup
	var mu sync.Mutex
	took, refused := 0, map[string]int{}
	for range floodLinks {
		flood.Go(func() {
			l, err := wire.Dial(r.Relay())
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			var waits []<-chan wire.OK
			for i := range floodKeys / floodLinks {
				waits = append(waits, l.Offer(strangersEvent(k.Signer, i)))
			}
			patience := time.After(3 * wire.Patience)
			for _, wait := range waits {
				select {
				case ok := <-wait:
					mu.Lock()
					if ok.OK {
						took++
					} else {
						prefix, _, _ := strings.Cut(ok.Reason, ":")
						refused[prefix]++
					}
					mu.Unlock()
				case <-l.Gone():
					return
				case <-patience:
					t.Error("the relay leaves a stranger without a word")
					return
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { flood.Wait(); close(over) }()
	answered, slowest, highest := 0, time.Duration(0), int64(0)
	for during := true; during && answered < floodRequests; {
		select {
		case <-over:
			during = false
		default:
		}
		start := time.Now()
		if answered%2 == 0 {
			r.sign(c, note(fmt.Sprintf("amid the flood %d", answered)))
		} else {
			r.succeed(c, "pong", "ping")
		}
		answered++
		slowest = max(slowest, time.Since(start))
		highest = max(highest, residentBytes(t, r.PID()))
	}
	<-over
	r.Alive()
	after := residentBytes(t, r.PID())
	highest = max(highest, after)
	t.Logf("%d strangers on %d links: %d taken, refused %v; %d requests of the known client answered, the slowest in %s; RSS %d MB before, %d at most, %+d kB after",
		floodKeys, floodLinks, took, refused, answered, slowest.Round(time.Millisecond), rss>>20, highest>>20, (after-rss)>>10)
	if highest-rss > floodRSS {
		t.Errorf("the bunker grew from %d to %d MB", rss>>20, highest>>20)
	}
	grew := r.rows() - rows
	// What was refused is recorded as numbers of all strangers, at most three a minute.
	if most := int64(answered) + 3*int64(time.Since(began)/time.Minute+1); grew > most {
		t.Errorf("the chain grew by %d records; the known client's %d requests explain no more than %d", grew, answered, most)
	}
	if n := len(r.Connections(r.key.Name, "")); n != 1 {
		t.Errorf("%d connections", n)
	}
	r.Stop()                                          // its log is worked in
	if size := storeBytes(t, r.Dir); size > floodDB { // a row for each stranger that was taken in would be more
		t.Errorf("the store has %d bytes", size)
	}
	r.Run()
	r.succeed(r.stranger(k.Signer, wire.NIP44), "ack", "connect", k.Signer, k.Secret) // the link is as good as before
}

// rows counts the audit records: everything durable has one.
func (r *raw) rows() int64 {
	r.t.Helper()
	var last []struct{ Seq int64 }
	r.JSON(&last, "audit", "list", "--limit", "1")
	if len(last) != 1 {
		r.t.Fatal("there is no audit record")
	}
	return last[0].Seq
}

// strangersEvent is an envelope of a fresh key: some ask, some guess the secret, some send nonsense.
func strangersEvent(signer string, i int) wire.Event {
	c := &wire.Client{Key: wire.NewKey(), Signer: signer, Scheme: wire.NIP44}
	switch i % 10 {
	case 0:
		return c.Envelope(wire.Message("f", "connect", signer, wire.RandomHex(16)))
	case 1:
		return c.Envelope(wire.Message("f", "switch_relays"))
	}
	return c.Wrap(strings.Repeat("A", 132+4*(i%50)))
}

// residentBytes is the process's resident memory.
func residentBytes(t *testing.T, pid int) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := bytes.Fields(b)
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// storeBytes is the size of the store's file.
func storeBytes(t *testing.T, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, "bunker.db"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
