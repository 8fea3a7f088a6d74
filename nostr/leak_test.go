//go:build linux

package nostr

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"nsecbunker/internal/secret/secrettest"
)

// scanChild is set in the process that is scanned.
const scanChild = "NSECBUNKER_TEST_SCAN_KEY"

// What a signature leaves in detail is tested beside the back ends; this is the
// whole way through a SecretKey, its export included.
func TestDestroyedKeyIsNowhereInMemory(t *testing.T) {
	if os.Getenv(scanChild) != "" {
		scanForKey(t)
		return
	}
	var raw [32]byte
	rand.Read(raw[:])
	var lines []string
	for _, n := range secrettest.Forms("key", raw) {
		if !strings.Contains(n.Name, "/word") { // see the test beside the back ends
			lines = append(lines, n.String())
		}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestDestroyedKeyIsNowhereInMemory$", "-test.v")
	cmd.Env = append(os.Environ(), scanChild+"=1")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("before: map[key/")) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func scanForKey(t *testing.T) {
	var needles []secrettest.Needle
	for line := ""; ; {
		if _, err := fmt.Scanln(&line); err != nil {
			break
		}
		n, err := secrettest.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		needles = append(needles, n)
	}
	a := arena(t)
	input, err := a.New(32) // not a local array: a stack that grows leaves a copy
	if err != nil {
		t.Fatal(err)
	}
	var k *SecretKey
	if useErr := input.Use(func(b []byte) { k, err = NewSecretKey(a, needles[0].Reveal(b[:0])) }); useErr != nil || err != nil {
		t.Fatal(useErr, err)
	}
	peer := generate(t, a).PubKey()
	for range 30 {
		var out [32]byte
		e := &Event{Kind: 1, Content: "x"}
		if err := k.Sign(e); err != nil {
			t.Fatal(err)
		}
		if err := k.ECDH(peer, &out); err != nil {
			t.Fatal(err)
		}
		if err := k.Use(func([]byte) {}); err != nil {
			t.Fatal(err)
		}
	}
	before, err := secrettest.Scan(needles)
	if err != nil {
		t.Fatal(err)
	}
	k.Destroy()
	after, err := secrettest.Scan(needles)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("before: %v, after: %v", before, after)
	if len(before) == 0 || len(after) != 0 {
		t.Error("want it before, and not after")
	}
}
