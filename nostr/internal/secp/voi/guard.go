//go:build !goexperiment.runtimesecret

package voi

const (
	// depth is how much stack, in bytes, an operation may use; the deepest, a
	// multiplication, uses about a third of it (a test measures that).
	depth = 16 << 10
	// ballast is what is put on the stack before, in bytes.
	ballast = 32 << 10
)

// guarded runs f, which computes with secrets and keeps its temporaries on the
// stack, and wipes the stack that f used.
//
// The stack must not be moved while f runs, or until it is wiped, because that
// leaves a copy in freed memory. So the first burn makes it grow as far as the
// second will, and the ballast keeps the garbage collector from shrinking it (it
// shrinks stacks of which less than a quarter is in use). What remains are
// registers that the kernel saves, and stacks over 128 KiB that shrink at that
// very moment. The experiment runtimesecret of the Go toolchain covers those too;
// see the other version of this function.
//
//go:noinline
func guarded(f func()) {
	var b [ballast]byte
	keepBallast(&b)
	burn()
	f()
	burn()
	keepBallast(&b)
}

// burn wipes the part of the stack that a call just used.
//
//go:noinline
func burn() {
	var b [depth]byte
	keep(&b)
}

// keep makes the compiler believe that the zeroes are read.
//
//go:noinline
func keep(*[depth]byte) {}

//go:noinline
func keepBallast(*[ballast]byte) {}
