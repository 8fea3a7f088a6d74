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
	c, k := r.clientOf("sign_event", wire.NIP44, "ws://"+addr)
	r.sign(c, note("through khatru"))
	r.refuse(c, "invalid: ", "nonsense")
	kill()
	serve(t, bin, addr)
	if err := c.Rejoin(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(2 * wire.Patience); ; { // the bunker's own way back takes a moment
		id := c.NextID()
		c.Offer(c.Envelope(wire.Message(id, "connect", k.Signer, k.Secret)))
		if _, err := c.Await(id, 2*time.Second); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the bunker does not come back to the relay")
		}
	}
	r.sign(c, note("after khatru came back"))
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
