package conformance

import (
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"nsecbunker/conformance/bunker"
	"nsecbunker/conformance/wire"
)

// A real relay, khatru, that goes away and comes back.
func TestInterop17RelaysKhatru(t *testing.T) {
	t.Parallel()
	addr := bunker.FreeAddr(t)
	bin := filepath.Join(t.TempDir(), "khatru")
	if out, err := exec.Command("go", "build", "-o", bin, "./drivers/khatru").CombinedOutput(); err != nil {
		t.Fatalf("building khatru: %v\n%s", err, out)
	}
	kill := serve(t, bin, addr)
	r := at(t, bunker.Start(t, "--relay", "ws://"+addr))
	k := r.Token(r.key.Name, "raw", "sign_event")
	c := r.stranger(k.Signer, wire.NIP44, "ws://"+addr)
	r.reach(c, k)
	r.sign(c, note("through khatru"))
	r.refuse(c, "invalid: ", "nonsense")
	kill()
	serve(t, bin, addr)
	if err := c.Rejoin(); err != nil {
		t.Fatal(err)
	}
	r.reach(c, k) // the bunker's own way back takes a moment
	r.sign(c, note("after khatru came back"))
}

// reach sends connect until it is answered: who does not listen yet on a relay that keeps nothing of this kind misses it.
func (r *raw) reach(c *wire.Client, k bunker.Token) {
	r.t.Helper()
	for deadline := time.Now().Add(2 * wire.Patience); ; {
		id := c.NextID()
		c.Offer(c.Envelope(wire.Message(id, "connect", k.Signer, k.Secret)))
		if got, err := c.Await(id, 2*time.Second); err == nil {
			if got.Result != "ack" {
				r.t.Fatalf("connect: %s", got.Text)
			}
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatal("the bunker does not come to the relay")
		}
	}
}

// serve runs a relay's program until the test ends or it is killed, and returns when it listens.
func serve(t *testing.T, bin, addr string) (kill func()) {
	t.Helper()
	cmd := exec.Command(bin, addr)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }() // it ends by a signal
	kill = func() { _ = cmd.Process.Kill(); <-done }
	t.Cleanup(kill)
	for deadline := time.Now().Add(wire.Patience); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			_ = conn.Close()
			return kill
		}
		if time.Now().After(deadline) {
			t.Fatal("the relay does not listen")
		}
	}
}
