package store

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr"
)

// commitUntilKilled prints a line for each request the moment its commit
// returns: what a client could have received by then.
func commitUntilKilled(t *testing.T, path, database string) {
	f := &fixture{t: t, auth: &hmacAuth{}, clock: &testClock{now: start}, faults: &faultList{fail: map[string]int{}}}
	f.cfg = Config{Path: path, Database: database, Auth: f.auth, Now: f.clock.Now, Log: quiet()}
	f.open()
	conns, err := f.Connections(context.Background(), bunker.SelfHosted, "", Page{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				e := f.entry(&conns[0])
				e.Charges = []bunker.Charge{killsCharge}
				if r := f.commit(e); r.Outcome == bunker.Committed {
					reply := r.Replies[0].Reply()
					fmt.Printf("sent %s %s\n", e.EventID, reply.EventID)
				}
			}
		})
	}
	wg.Wait()
}

// killsCharge is spent by every request of commitUntilKilled.
var killsCharge = bunker.Charge{Window: bunker.Window{Policy: "p", Rule: "r", Scope: "policy", Name: "total"}, Limit: 1 << 40}

// TestWhatWasSentIsStoredAfterAKill is promise 1 at the store, with real
// SIGKILLs: STORE_KILLS of them (25 unless told).
func TestWhatWasSentIsStoredAfterAKill(t *testing.T) {
	storedAfterKills(t, newFixture(t), 25)
}

// storedAfterKills kills as many processes that write to a store as it is told, or
// as STORE_KILLS says.
func storedAfterKills(t *testing.T, f *fixture, kills int) {
	if n, err := strconv.Atoi(os.Getenv("STORE_KILLS")); err == nil {
		kills = n
	}
	f.addConnection(f.addKey("herald"))
	f.stop()
	sent := map[string]string{}
	for range kills {
		cmd := childOn("commit", f.cfg.Path, f.cfg.Database)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			var request, reply string
			if _, err := fmt.Sscanf(lines.Text(), "sent %64s %64s", &request, &reply); err != nil {
				continue // the last line may be cut
			}
			if len(reply) == 64 {
				sent[request] = reply
			}
			if n == 0 { // its first answer is out: any moment from here on
				time.AfterFunc(time.Duration(rand.IntN(40_000))*time.Microsecond, func() { cmd.Process.Kill() })
			}
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("the process ended by itself: %v", err)
		}
	}
	f.open()
	for request, reply := range sent {
		id, err := hex.DecodeString(request)
		if err != nil {
			t.Fatal(err)
		}
		state, replies, err := f.Request(context.Background(), nostr.ID(id))
		if err != nil || state != bunker.RequestReady || len(replies) != 1 || replies[0].Reply().EventID.String() != reply {
			t.Fatalf("request %s was answered and is not stored: %q %v %v", request, state, replies, err)
		}
	}
	if n := f.count("request"); n < len(sent) {
		t.Errorf("%d rows, %d were sent", n, len(sent))
	}
	if used, err := f.Used(context.Background(), bunker.SelfHosted, []bunker.Window{killsCharge.Window}); err != nil || used[0] != int64(f.count("request")) {
		t.Errorf("a budget has %v uses, %v; %d requests were allowed", used, err, f.count("request"))
	}
	if a, r := f.count("audit WHERE event_id IS NOT NULL"), f.count("request"); a != r {
		t.Errorf("%d records of %d requests", a, r)
	}
	f.expectWhole()
	t.Logf("%d kills, %d requests sent before them, %d stored", kills, len(sent), f.count("request"))
}
