package secp_test

import "math/big"

// A slow and simple curve of the textbook, as an oracle: nothing is shared with
// any back end.

func hexInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic(s)
	}
	return n
}

var (
	fieldP = hexInt("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f")
	orderN = hexInt("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	baseX  = hexInt("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
	lambda = hexInt("5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72")
)

type point struct{ x, y *big.Int } // nil x: infinity

// liftX is BIP-340's lift_x.
func liftX(x *big.Int) (point, bool) {
	if x.Cmp(fieldP) >= 0 {
		return point{}, false
	}
	y2 := new(big.Int).Exp(x, big.NewInt(3), fieldP)
	y2.Add(y2, big.NewInt(7)).Mod(y2, fieldP)
	y := new(big.Int).ModSqrt(y2, fieldP)
	if y == nil {
		return point{}, false
	}
	if y.Bit(0) == 1 {
		y.Sub(fieldP, y)
	}
	return point{new(big.Int).Set(x), y}, true
}

func plus(a, b point) point {
	switch {
	case a.x == nil:
		return b
	case b.x == nil:
		return a
	}
	var slope, den *big.Int
	if a.x.Cmp(b.x) == 0 {
		if a.y.Cmp(b.y) != 0 || a.y.Sign() == 0 {
			return point{}
		}
		slope = new(big.Int).Mul(a.x, a.x)
		slope.Mul(slope, big.NewInt(3))
		den = new(big.Int).Lsh(a.y, 1)
	} else {
		slope = new(big.Int).Sub(b.y, a.y)
		den = new(big.Int).Sub(b.x, a.x)
	}
	den.Mod(den, fieldP).ModInverse(den, fieldP)
	slope.Mul(slope, den).Mod(slope, fieldP)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, a.x).Sub(x, b.x).Mod(x, fieldP)
	y := new(big.Int).Sub(a.x, x)
	y.Mul(y, slope).Sub(y, a.y).Mod(y, fieldP)
	return point{x, y}
}

func times(k *big.Int, p point) point {
	var sum point
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = plus(sum, sum)
		if k.Bit(i) == 1 {
			sum = plus(sum, p)
		}
	}
	return sum
}

func bytes32(n *big.Int) (b [32]byte) {
	n.FillBytes(b[:])
	return b
}
