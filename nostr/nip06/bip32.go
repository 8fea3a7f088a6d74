package nip06

import (
	"encoding/binary"
	"math/bits"

	"nsecbunker/internal/secret"
)

// hardened marks a child that is derived from the private key (BIP-32).
const hardened = 1 << 31

// node is a BIP-32 extended private key.
type node struct {
	key, chain [32]byte
}

func (n *node) wipe() {
	secret.Wipe(n.key[:])
	secret.Wipe(n.chain[:])
}

// master sets n to the root of a seed (BIP-32, Master key generation).
func (n *node) master(seed []byte) error {
	h := newHMAC([]byte("Bitcoin seed"), len(seed))
	defer h.wipe()
	var sum [64]byte
	defer secret.Wipe(sum[:])
	h.sum(&sum, seed)
	copy(n.key[:], sum[:32])
	copy(n.chain[:], sum[32:])
	zero := [32]byte{}
	return addModN(&n.key, &zero)
}

// child replaces n by its child (BIP-32, CKDpriv).
func (n *node) child(index uint32) error {
	var data [33 + 4]byte
	defer secret.Wipe(data[:])
	if index >= hardened {
		copy(data[1:], n.key[:])
	} else if err := compressed((*[33]byte)(data[:]), &n.key); err != nil {
		return err
	}
	binary.BigEndian.PutUint32(data[33:], index)

	h := newHMAC(n.chain[:], len(data))
	defer h.wipe()
	var sum [64]byte
	defer secret.Wipe(sum[:])
	h.sum(&sum, data[:])
	copy(n.chain[:], sum[32:])
	parent := n.key
	defer secret.Wipe(parent[:])
	copy(n.key[:], sum[:32])
	return addModN(&n.key, &parent)
}

// groupOrder is the order n of secp256k1's group (SEC 2, 2.4.1), least
// significant limb first.
var groupOrder = [4]uint64{0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff}

// addModN adds b to a modulo the group's order, both big-endian. It fails with
// ErrNoKey, as BIP-32 asks, where a is not below the order (b is, being a key or
// zero) or the sum is zero. It is four limbs with carries, and no branch or index
// depends on a limb; math/big would be shorter, but takes time by the value and
// leaves its words on the heap.
func addModN(a, b *[32]byte) error {
	var x, sum, reduced [4]uint64
	defer wipeLimbs(&x, &sum, &reduced)
	var carry, borrow, below uint64
	for i := range x {
		x[i] = binary.BigEndian.Uint64(a[24-8*i:])
		_, below = bits.Sub64(x[i], groupOrder[i], below)
		sum[i], carry = bits.Add64(x[i], binary.BigEndian.Uint64(b[24-8*i:]), carry)
	}
	for i := range sum {
		reduced[i], borrow = bits.Sub64(sum[i], groupOrder[i], borrow)
	}
	// The sum is to be reduced if it left 256 bits or was not below the order:
	// keep it only with no carry and a borrow.
	keep := -(borrow &^ carry)
	var nonzero uint64
	for i := range sum {
		r := sum[i]&keep | reduced[i]&^keep
		nonzero |= r
		binary.BigEndian.PutUint64(a[24-8*i:], r)
	}
	if below == 0 || nonzero == 0 {
		secret.Wipe(a[:])
		return ErrNoKey
	}
	return nil
}

// wipeLimbs clears numbers. It is not inlined, so that the compiler cannot see
// that nobody reads them again.
//
//go:noinline
func wipeLimbs(numbers ...*[4]uint64) {
	for _, n := range numbers {
		clear(n[:])
	}
}
