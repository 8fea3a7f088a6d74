//go:build linux

package secp_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"nsecbunker/internal/secret"
	"nsecbunker/internal/secret/secrettest"
)

// scanChild is set, to a back end's name, in the process that is scanned.
const scanChild = "NSECBUNKER_TEST_SCAN"

// inputs are what a signature and a shared secret are made of.
type inputs struct{ raw, msg, aux, peer [32]byte }

// needles are everything from which the key could be had: the key and its
// negation, plain and in Montgomery's form, its halves under the endomorphism,
// the nonce and what it is made of, the shared secret.
func (in *inputs) needles() []secrettest.Needle {
	d := new(big.Int).SetBytes(in.raw[:])
	g, _ := liftX(baseX)
	pub := times(d, g)
	even := new(big.Int).Set(d)
	if pub.y.Bit(0) == 1 {
		even.Sub(orderN, d)
	}
	px := bytes32(pub.x)
	t := tagged("BIP0340/aux", in.aux[:])
	for i, b := range bytes32(even) {
		t[i] ^= b
	}
	nonce := tagged("BIP0340/nonce", t[:], px[:], in.msg[:])
	k := new(big.Int).SetBytes(nonce[:])
	peer, _ := liftX(new(big.Int).SetBytes(in.peer[:]))
	k1, k2 := split(d)

	var out []secrettest.Needle
	for name, n := range map[string]*big.Int{
		"key": d, "nonce": k, "t": new(big.Int).SetBytes(t[:]), "half1": k1, "half2": k2,
		"shared": times(d, peer).x,
	} {
		minus := new(big.Int).Mod(new(big.Int).Neg(n), orderN)
		out = append(out, secrettest.Forms(name, bytes32(n))...)
		out = append(out, secrettest.Forms("-"+name, bytes32(minus))...)
		out = append(out, secrettest.Forms(name+"-montgomery", bytes32(montgomery(n)))...)
		out = append(out, secrettest.Forms("-"+name+"-montgomery", bytes32(montgomery(minus)))...)
	}
	// Single words say nothing where they are the same in many numbers (those of
	// the halves), and the shared secret is handed out, through registers.
	informative := out[:0]
	for _, n := range out {
		b := n.Reveal(nil)
		if len(b) > 8 || bytes.Count(b, b[1:2]) < 4 && !strings.HasPrefix(n.Name, "shared") {
			informative = append(informative, n)
		}
	}
	return informative
}

func montgomery(n *big.Int) *big.Int {
	m := new(big.Int).Lsh(n, 256)
	return m.Mod(m, orderN)
}

// split is the decomposition of Guide to Elliptic Curve Cryptography, 3.74,
// with the constants that both libraries use.
func split(k *big.Int) (k1, k2 *big.Int) {
	round := func(g string) *big.Int {
		c := new(big.Int).Mul(k, hexInt(g))
		c.Add(c, new(big.Int).Lsh(num(1), 383))
		return c.Rsh(c, 384)
	}
	c1 := round("3086d221a7d46bcde86c90e49284eb153daa8a1471e8ca7fe893209a45dbb031")
	c2 := round("e4437ed6010e88286f547fa90abfe4c4221208ac9df506c61571b4ae8ac47f71")
	c1.Mul(c1, hexInt("e4437ed6010e88286f547fa90abfe4c3"))
	c2.Mul(c2, hexInt("fffffffffffffffffffffffffffffffe8a280ac50774346dd765cda83db1562c"))
	k2 = c1.Add(c1, c2)
	k2.Mod(k2, orderN)
	k1 = new(big.Int).Mul(k2, lambda)
	k1.Sub(k, k1).Mod(k1, orderN)
	return k1, k2
}

func tagged(tag string, parts ...[]byte) [32]byte {
	h := sha256.Sum256([]byte(tag))
	all := append(append([]byte(nil), h[:]...), h[:]...)
	return sha256.Sum256(append(all, bytes.Join(parts, nil)...))
}

func TestNothingOfAKeyStaysInMemoryAfterDestroy(t *testing.T) {
	if name := os.Getenv(scanChild); name != "" {
		for _, b := range backends {
			if b.name == name {
				scanned(t, b)
			}
		}
		return
	}
	onEach(t, func(t *testing.T, b backend) {
		t.Run("whole numbers", func(t *testing.T) { child(t, b, false, os.Environ()) })
		// A signal makes the kernel save registers, of which one may hold two words
		// of a secret; nothing in a Go program can wipe those. The collector's
		// signals are off here, so that this shows what the code leaves by itself.
		t.Run("single words", func(t *testing.T) {
			child(t, b, true, append(os.Environ(), "GODEBUG=asyncpreemptoff=1"))
		})
	})
}

// child starts the process that is scanned and tells it what to look for.
func child(t *testing.T, b backend, words bool, env []string) {
	var in inputs
	rand.Read(in.raw[:])
	rand.Read(in.msg[:])
	rand.Read(in.aux[:])
	_, in.peer, _ = random(t, b)
	var lines []string
	for name, b := range map[string][32]byte{"in/msg": in.msg, "in/aux": in.aux, "in/peer": in.peer} {
		lines = append(lines, secrettest.Hide(name, b[:]).String())
	}
	for _, n := range in.needles() {
		if words || !strings.Contains(n.Name, "/word") {
			lines = append(lines, n.String())
		}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingOfAKeyStaysInMemoryAfterDestroy$", "-test.v")
	cmd.Env = append(env, scanChild+"="+b.name)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("needles, before")) {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// scanned is the process that has the key, and looks for it in itself.
func scanned(t *testing.T, b backend) {
	needles := map[string]secrettest.Needle{}
	var hay []secrettest.Needle
	var msg, aux, peer [32]byte
	for line := ""; ; {
		if _, err := fmt.Scanln(&line); err != nil {
			break
		}
		n, err := secrettest.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		if needles[n.Name] = n; !strings.HasPrefix(n.Name, "in/") {
			hay = append(hay, n)
		}
	}
	needles["in/msg"].Reveal(msg[:0])
	needles["in/aux"].Reveal(aux[:0])
	needles["in/peer"].Reveal(peer[:0])

	arena, err := secret.NewArena(1<<16, secret.Options{AllowSwap: true})
	if err != nil {
		t.Fatal(err)
	}
	key, err := arena.New(96)
	if err != nil {
		t.Fatal(err)
	}
	var pub [32]byte
	input, err := arena.New(96) // not a local array: a stack that grows leaves a copy
	if err != nil {
		t.Fatal(err)
	}
	lend(t, key, func(kp *[96]byte) {
		lend(t, input, func(raw *[96]byte) {
			ok := false
			if pub, ok = b.prepare(kp, (*[32]byte)(needles["key/be"].Reveal(raw[:0]))); !ok {
				t.Error("the key was refused")
			}
		})
	})
	input.Destroy()
	// On new goroutines, whose stacks are small, and with the collector at work.
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 50 {
				lend(t, key, func(kp *[96]byte) { use(t, b, kp, &pub, &msg, &aux, &peer) })
				if i%10 == 0 {
					runtime.GC()
				}
			}
		})
	}
	all.Wait()
	before, err := secrettest.Scan(hay)
	if err != nil {
		t.Fatal(err)
	}
	key.Destroy()
	after, err := secrettest.Scan(hay)
	if err != nil {
		t.Fatal(err)
	}
	if before["key/be"]+before["key/le"]+before["key-montgomery/le"] == 0 {
		t.Errorf("the key was not found while it was there: %v", before)
	}
	if len(after) != 0 {
		t.Errorf("after Destroy: %v", after)
	}
	t.Logf("%d needles, before: %v, after: %v", len(hay), before, after)
	runtime.KeepAlive(arena)
}

func lend(t *testing.T, key *secret.Bytes, f func(kp *[96]byte)) {
	if err := key.Use(func(p []byte) { f((*[96]byte)(unsafe.Pointer(&p[0]))) }); err != nil {
		t.Error(err)
	}
}

func use(t *testing.T, b backend, kp *[96]byte, pub, msg, aux, peer *[32]byte) {
	var sig [64]byte
	var out [32]byte
	if !b.sign(&sig, kp, pub, msg[:], aux) || !b.unchecked(&sig, kp, pub, msg[:], aux) || !b.ecdh(&out, kp, peer) {
		t.Error("the key does not work")
	}
	secret.Wipe(out[:])
}
