package wallettest

import (
	"crypto/sha256"
	"strconv"

	"github.com/btcsuite/btcd/btcec/v2/ecdsa"

	"nsecbunker/internal/bunker"
	"nsecbunker/nostr/nip19/bech32"
)

// encode writes an invoice (BOLT 11) with fields p, s, d or h, and x. btcec signs:
// another hand than the one that reads it.
func (n *Node) encode(inv *bunker.Invoice, badly bool) string {
	hrp := "ln" + n.network + strconv.FormatInt(inv.AmountMsat*10, 10) + "p"
	data := bits(nil, uint64(inv.CreatedAt/1000), 7)
	secret := sha256.Sum256(inv.Hash[:])
	data = field(data, 1, groups(inv.Hash[:]))
	data = field(data, 16, groups(secret[:]))
	data = field(data, 13, groups([]byte(inv.Memo)))
	data = field(data, 6, bits(nil, uint64((inv.ExpiresAt-inv.CreatedAt)/1000), 7))
	digest := sha256.Sum256(append([]byte(hrp), whole(data)...))
	compact := ecdsa.SignCompact(n.key, digest[:], true) // recovery id + 31, r, s
	if badly {
		compact = append([]byte{compact[0]}, make([]byte, 64)...)
	}
	data = append(data, groups(append(compact[1:], compact[0]-31))...)
	text, err := bech32.EncodeGroups(hrp, data)
	if err != nil {
		panic(err) // a memo longer than any wallet takes
	}
	return string(text)
}

// Payee is the node's public key.
func (n *Node) Payee() [33]byte { return [33]byte(n.key.PubKey().SerializeCompressed()) }

func field(data []byte, kind byte, v []byte) []byte {
	return append(append(data, kind, byte(len(v)>>5), byte(len(v)&31)), v...)
}

// bits appends a number as so many groups.
func bits(dst []byte, v uint64, n int) []byte {
	for i := n - 1; i >= 0; i-- {
		dst = append(dst, byte(v>>(5*i))&31)
	}
	return dst
}

// groups spreads bytes over groups of 5 bits.
func groups(b []byte) []byte {
	var out []byte
	var acc uint32
	n := 0
	for _, c := range b {
		for acc, n = acc<<8|uint32(c), n+8; n >= 5; n -= 5 {
			out = append(out, byte(acc>>(n-5))&31)
		}
	}
	if n > 0 {
		out = append(out, byte(acc<<(5-n))&31)
	}
	return out
}

// whole packs groups into bytes, zero bits at the end.
func whole(g []byte) []byte {
	var out []byte
	var acc uint32
	n := 0
	for _, c := range g {
		if acc, n = acc<<5|uint32(c), n+5; n >= 8 {
			out = append(out, byte(acc>>(n-8)))
			n -= 8
		}
	}
	if n > 0 {
		out = append(out, byte(acc<<(8-n)))
	}
	return out
}
