package voi

import (
	"crypto/subtle"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"math/bits"

	secp256k1 "gitlab.com/yawning/secp256k1-voi"
)

// The library's own ScalarMult puts the two halves of the scalar, from which
// the key is had at once, on the heap, where nobody can wipe them. This one does
// the same computation with the library's points, and keeps to the stack.
//
// The scalar is split in two of half the length with the curve's endomorphism
// (x, y) → (β·x, y), which is a multiplication by λ: k·P = k1·P + k2·λP. The
// constants are those of libsecp256k1 (src/scalar_impl.h; Guide to Elliptic Curve
// Cryptography, algorithm 3.74).
var (
	minusLambda = scalar("ac9c52b33fa3cf1f5ad9e3fd77ed9ba4a880b9fc8ec739c2e0cfc810b51283cf")
	minusB1     = scalar("00000000000000000000000000000000e4437ed6010e88286f547fa90abfe4c3")
	minusB2     = scalar("fffffffffffffffffffffffffffffffe8a280ac50774346dd765cda83db1562c")
	g1          = words(must32("3086d221a7d46bcde86c90e49284eb153daa8a1471e8ca7fe893209a45dbb031"))
	g2          = words(must32("e4437ed6010e88286f547fa90abfe4c4221208ac9df506c61571b4ae8ac47f71"))
	beta        = integer("7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501ee")
	fieldSize   = integer("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f")
)

// pair is a point, not secret, and λ times that point.
type pair [2]secp256k1.Point

// liftPair returns the point with x coordinate x and an even y, and its λ-fold.
func liftPair(x *[32]byte) (p pair, ok bool) {
	one, ok := lift(x)
	if !ok {
		return p, false
	}
	bx := new(big.Int).SetBytes(x[:])
	bx.Mul(bx, beta).Mod(bx, fieldSize)
	var b [32]byte
	two, ok := lift((*[32]byte)(bx.FillBytes(b[:])))
	if !ok {
		return p, false
	}
	p[0].Set(one)
	p[1].Set(two)
	return p, true
}

// multiply sets r = k·P in constant time. It is called guarded.
func multiply(r *secp256k1.Point, k *secp256k1.Scalar, p *pair) {
	var tables [2]table
	var digits [2][32]byte
	for i, half := range split2(k) {
		negative := half.IsGreaterThanHalfN()
		half.ConditionalNegate(&half, negative)
		copy(digits[i][:], half.Bytes())
		var q secp256k1.Point
		tables[i].fill(q.ConditionalNegate(&p[i], negative))
	}
	var addend secp256k1.Point
	r.Identity()
	for i := range 32 { // four bits each of the lower 128
		if i > 0 {
			r.Double(r.Double(r.Double(r.Double(r))))
		}
		shift := 4 - i%2*4
		for j := range tables {
			tables[j].look(&addend, digits[j][16+i/2]>>shift&15)
			r.Add(r, &addend)
		}
	}
}

// split2 returns k1 and k2, each less than 2^128 or more than n-2^128.
func split2(k *secp256k1.Scalar) (half [2]secp256k1.Scalar) {
	w := words((*[32]byte)(k.Bytes()))
	var c1, c2 secp256k1.Scalar
	round(&c1, &w, &g1)
	round(&c2, &w, &g2)
	c1.Multiply(&c1, minusB1)
	c2.Multiply(&c2, minusB2)
	half[1].Add(&c1, &c2)
	half[0].Multiply(&half[1], minusLambda)
	half[0].Add(&half[0], k)
	return half
}

// round sets c to a·b / 2^384, rounded to the next whole number.
func round(c *secp256k1.Scalar, a, b *[4]uint64) {
	var p [8]uint64
	for i := range a {
		var carry uint64
		for j := range b {
			hi, lo := bits.Mul64(a[i], b[j])
			var c0, c1 uint64
			lo, c0 = bits.Add64(lo, p[i+j], 0)
			lo, c1 = bits.Add64(lo, carry, 0)
			p[i+j], carry = lo, hi+c0+c1
		}
		p[i+4] = carry
	}
	low, carry := bits.Add64(p[6], p[5]>>63, 0)
	var out [32]byte
	binary.BigEndian.PutUint64(out[16:], p[7]+carry)
	binary.BigEndian.PutUint64(out[24:], low)
	c.SetBytes(&out)
}

// table is 0·P to 15·P.
type table [16]secp256k1.Point

func (t *table) fill(p *secp256k1.Point) {
	t[0].Identity()
	t[1].Set(p)
	for i := 2; i < len(t); i += 2 {
		t[i].Double(&t[i/2])
		t[i+1].Add(&t[i], p)
	}
}

// look sets p to entry n, reading them all.
func (t *table) look(p *secp256k1.Point, n byte) {
	p.Set(&t[0])
	for i := 1; i < len(t); i++ {
		p.ConditionalSelect(p, &t[i], uint64(subtle.ConstantTimeByteEq(byte(i), n)))
	}
}

// words are the 64-bit words of a number, the lowest first.
func words(b *[32]byte) (w [4]uint64) {
	for i := range w {
		w[3-i] = binary.BigEndian.Uint64(b[8*i:])
	}
	return w
}

func must32(digits string) *[32]byte {
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 32 {
		panic("a constant is not 64 hexadecimal digits: " + digits)
	}
	return (*[32]byte)(b)
}

func scalar(digits string) *secp256k1.Scalar {
	s, _ := secp256k1.NewScalarFromBytes(must32(digits))
	return s
}

func integer(digits string) *big.Int { return new(big.Int).SetBytes(must32(digits)[:]) }
