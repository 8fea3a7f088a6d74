package nostr

import "math/bits"

const (
	lows  = 0x0101010101010101 // a 1 in each byte
	highs = 0x80 * lows
)

// plain returns where, from i on, the next byte of s is that a JSON string must
// not hold as it is: a quotation mark, a backslash or a control character; or
// len(s). wide is false only if all bytes before that are ASCII. It looks at
// eight bytes at a time.
func plain(s string, i int) (end int, wide bool) {
	var high uint64
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		x := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote := x ^ '"'*lows
		slash := x ^ '\\'*lows
		// (y - lows) &^ y has the high bit of the lowest byte of y that is zero, and
		// x - 0x20·lows that of the lowest byte of x below 0x20; bytes above that one
		// may be wrong, so only the lowest counts.
		stop := ((quote-lows)&^quote | (slash-lows)&^slash | (x-0x20*lows)&^x) & highs
		if stop != 0 {
			n := bits.TrailingZeros64(stop) / 8
			high |= x & (1<<(8*n) - 1)
			return i + n, high&highs != 0
		}
		high |= x
	}
	for ; i < len(s); i++ {
		c := s[i]
		if c == '"' || c == '\\' || c < 0x20 {
			break
		}
		high |= uint64(c)
	}
	return i, high&highs != 0
}
