package orders

import (
	"bufio"
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/host"
)

// kills is how often the process is killed; ORDERS_KILLS says otherwise.
const kills = 15

// sellUntilKilled is the child: it takes orders, pays them itself, and says which were
// sent. It goes on with what the one before left.
func sellUntilKilled(dir string) {
	t := &childT{}
	s := openShop(t, dir, "", &fast{from: time.Now(), times: 1})
	s.wallet.refuse, s.bunkers.refuse, s.Alone = 5, 20, true
	go func() {
		if err := s.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				secret := newSecret()
				v, err := s.Buy(context.Background(), host.Wanted{Secret: secret, Kind: host.ForTrial, Admins: []string{anNpub()}})
				for err == nil && v.Order.Open() == nil {
					v, err = s.Look(context.Background(), secret, v.Order.Version, time.Second)
				}
				if err != nil {
					t.Fatal(err)
				}
				inv, err := s.wallet.pay(v.Order.Open().Bolt11, 1_000_000)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Printf("paid %s\n", secret)
				if mathrand.IntN(2) == 0 {
					s.wallet.notices <- inv
				}
			}
		})
	}
	wg.Wait()
}

// childT is what a shop needs of a test, in the child.
type childT struct{ testing.TB }

func (*childT) Helper()        {}
func (*childT) Cleanup(func()) {}
func (*childT) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(3)
}
func (t *childT) Error(args ...any) { t.Fatal(args...) }

// TestAKilledInstanceMakesEachPaidBunkerOnce, with real SIGKILLs at any moment: whatever
// was paid before one is a bunker in the end, and there is none beside those.
func TestAKilledInstanceMakesEachPaidBunkerOnce(t *testing.T) {
	dir := t.TempDir()
	n := kills
	if _, err := fmt.Sscan(os.Getenv("ORDERS_KILLS"), &n); err != nil && os.Getenv("ORDERS_KILLS") != "" {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var paid []string
	for range n {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), "ORDERS_CHILD="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i := 0; lines.Scan(); i++ {
			var secret string
			if _, err := fmt.Sscanf(lines.Text(), "paid %64s", &secret); err == nil && len(secret) == host.SecretLength {
				paid = append(paid, secret)
			}
			if i == 0 {
				time.AfterFunc(time.Duration(mathrand.IntN(150))*time.Millisecond, func() { cmd.Process.Kill() })
			}
		}
		if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("the process ended by itself: %v", err)
		}
	}
	clock := &fast{from: time.Now(), times: 1}
	s := openShop(t, dir, "", clock)
	s.Alone = true // what those who died were making is gone on with at once
	s.run()
	clock.turn(time.Minute)
	for _, secret := range paid {
		v := s.until(secret, in(host.OrderMade))
		if len(v.Order.Payments) != 1 || v.Order.OwedMsat() != 0 {
			t.Errorf("%+v", v.Order)
		}
	}
	// A payment whose line was cut by the kill may be one more.
	if made := s.made(); made < len(paid) || made > len(paid)+8*n {
		t.Errorf("%d bunkers for %d paid orders", made, len(paid))
	}
	for _, o := range s.every() {
		if (o.State == host.OrderMade) != (o.Tenant != "") || o.State == host.OrderMade && o.Payments[0].TakenMsat != 1_000_000 {
			t.Errorf("%+v", o)
		}
	}
	t.Logf("%d kills, %d orders paid before them, %d bunkers", n, len(paid), s.made())
}
