//go:build !goexperiment.runtimesecret

package voi

import (
	"testing"
	"unsafe"
)

const paint = 0xa5

// painted fills the stack below its caller.
//
//go:noinline
//go:nocheckptr
func painted() {
	var b [depth]byte
	for i := range b {
		b[i] = paint
	}
	keep(&b)
}

// used returns how far below its caller the paint is gone, in bytes.
//
//go:noinline
//go:nocheckptr
func used() int {
	var here byte
	for i := depth - 512; i > 0; i-- {
		if *(*byte)(unsafe.Add(unsafe.Pointer(&here), -i)) != paint {
			return i
		}
	}
	return 0
}

// burn can only wipe what lies within depth.
func TestOperationsUseLessThanHalfOfTheWipedStack(t *testing.T) {
	k, raw := new([12]uint64), [32]byte{5: 7}
	kp := (*[KeySize]byte)(unsafe.Pointer(k))
	pub, ok := Prepare(kp, &raw)
	p, lifted := liftPair(&pub)
	if !ok || !lifted {
		t.Fatal("no key")
	}
	var out [32]byte
	var sig [64]byte
	key := view(kp)
	for name, op := range map[string]func(){
		"nothing": func() {},
		"prepare": func() { prepare(key, &raw) },
		"sign":    func() { sign(&sig, key, &pub, raw[:], &raw) },
		"ecdh":    func() { ecdh(&out, key, &p) },
	} {
		guarded(func() {}) // grow the stack
		painted()
		op()
		n := used()
		t.Logf("%s: %d bytes", name, n)
		if name != "nothing" && (n < 256 || n > depth/2) {
			t.Errorf("%s uses %d bytes of stack, want 256 to %d", name, n, depth/2)
		}
	}
}
