package voi

// depth is how much stack, in bytes, an operation of the library may use; the
// deepest, a multiplication, uses about a third (a test measures it).
const depth = 24 << 10

// grow makes the stack large enough for an operation, so that it is not moved
// in the middle, which would leave a copy of secrets in freed memory.
//
//go:noinline
func grow() {
	var b [depth]byte
	keep(&b)
}

// burn wipes the part of the stack that an operation just used.
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
