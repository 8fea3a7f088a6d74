package bech32

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// The lists are those of BIP-173, Test vectors.
func TestValidTextsOfBIP173AreRead(t *testing.T) {
	for _, c := range []struct {
		text, hrp string
		groups    int
	}{
		{"A12UEL5L", "a", 0},
		{"a12uel5l", "a", 0},
		{"an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs", "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio", 0},
		{"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef", 32},
		{"11qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqc8247j", "1", 82},
		{"split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "split", 48},
		{"?1ezyfcl", "?", 0},
	} {
		hrp, groups, err := split([]byte(c.text))
		if err != nil || hrp != c.hrp || len(groups) != c.groups {
			t.Errorf("%s: %q, %d groups, %v; want %q, %d", c.text, hrp, len(groups), err, c.hrp, c.groups)
		}
	}
	_, groups, err := split([]byte("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"))
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range groups {
		if int(g) != i {
			t.Fatalf("group %d is %d", i, g)
		}
	}
}

func TestInvalidTextsOfBIP173AreRefused(t *testing.T) {
	for _, c := range []struct {
		text string
		want error
	}{
		{"\x201nwldj5", ErrCharacter},
		{"\x7f1axkwrx", ErrCharacter},
		{"\x801eym55h", ErrCharacter},
		{"an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx", ErrPrefix},
		{"pzry9x0s0muk", ErrNoPrefix},
		{"1pzry9x0s0muk", ErrNoPrefix},
		{"x1b4n0q5v", ErrCharacter},
		{"li1dgmt3", ErrTooShort},
		{"de1lg7wt\xff", ErrCharacter},
		{"A1G7SGD8", ErrChecksum},
		{"10a06t8", ErrNoPrefix},
		{"1qzzfhee", ErrNoPrefix},
		// of the segwit list, what concerns bech32 itself
		{"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", ErrChecksum},
		{"tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7", ErrMixedCase},
		// bech32m (BIP-350) is another checksum
		{"a1lqfn3a", ErrChecksum},
		{"", ErrNoPrefix},
		{"1", ErrNoPrefix},
		{"a1", ErrTooShort},
	} {
		hrp, data, err := Decode([]byte(c.text))
		if !errors.Is(err, c.want) || hrp != "" || data != nil {
			t.Errorf("%q: %q, %x, %v; want %v", c.text, hrp, data, err, c.want)
		}
	}
}

// withGroups makes a text of any groups, as Encode never would.
func withGroups(hrp string, groups ...byte) []byte {
	mod := polymod(hrp, append(bytes.Clone(groups), 0, 0, 0, 0, 0, 0)) ^ 1
	out := append([]byte(hrp), '1')
	for _, g := range groups {
		out = append(out, charset[g])
	}
	for i := range ChecksumLength {
		out = append(out, charset[mod>>(5*(5-i))&31])
	}
	return out
}

func TestOneValueHasOneText(t *testing.T) {
	for _, c := range []struct {
		groups []byte
		want   []byte
		err    error
	}{
		{[]byte{}, []byte{}, nil},
		{[]byte{31, 28}, []byte{0xff}, nil},
		{[]byte{31, 29}, nil, ErrPadding},         // unused bits are not zero
		{[]byte{31, 30}, nil, ErrPadding},         //
		{[]byte{0}, nil, ErrPadding},              // a whole group unused
		{[]byte{31, 28, 0}, nil, ErrPadding},      //
		{[]byte{31, 31, 31, 16}, nil, nil},        // 20 bits: 2 bytes and 4 zero bits
		{[]byte{31, 31, 31, 24}, nil, ErrPadding}, //
	} {
		_, got, err := Decode(withGroups("x", c.groups...))
		if !errors.Is(err, c.err) || c.want != nil && !bytes.Equal(got, c.want) {
			t.Errorf("%v: %x, %v; want %x, %v", c.groups, got, err, c.want, c.err)
		}
	}
}

func TestEveryLengthComesBack(t *testing.T) {
	for n := range 200 {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i*37 + n)
		}
		text, err := Encode("nsec", data)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range [][]byte{text, bytes.ToUpper(text)} {
			hrp, got, err := Decode(s)
			if err != nil || hrp != "nsec" || !bytes.Equal(got, data) {
				t.Fatalf("%d bytes: %q, %x, %v", n, hrp, got, err)
			}
		}
	}
}

func TestOneWrongCharacterIsAlwaysFound(t *testing.T) {
	text, err := Encode("npub", bytes.Repeat([]byte{0x5a}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		for _, c := range []byte(charset) {
			if c == text[i] {
				continue
			}
			wrong := bytes.Clone(text)
			wrong[i] = c
			if _, _, err := Decode(wrong); err == nil {
				t.Fatalf("%q in place of %q at %d was not noticed", c, text[i], i)
			}
		}
	}
}

func TestLengthIsBounded(t *testing.T) {
	const most = (MaxLength - len("x1") - ChecksumLength) * 5 / 8
	text, err := Encode("x", make([]byte, most))
	if err != nil || len(text) > MaxLength {
		t.Fatalf("%d characters, %v", len(text), err)
	}
	if _, _, err := Decode(text); err != nil {
		t.Errorf("the longest: %v", err)
	}
	for _, n := range []int{most + 1, 1 << 20} {
		if _, err := Encode("x", make([]byte, n)); !errors.Is(err, ErrTooLong) {
			t.Errorf("Encode of %d bytes: %v, want ErrTooLong", n, err)
		}
	}
	for _, n := range []int{MaxLength + 1, 1 << 20} {
		if _, _, err := Decode(bytes.Repeat([]byte("q"), n)); !errors.Is(err, ErrTooLong) {
			t.Errorf("Decode of %d characters: %v, want ErrTooLong", n, err)
		}
	}
}

func TestPrefixesThatCannotBeReadAreNotWritten(t *testing.T) {
	for _, hrp := range []string{"", "Npub", "n pub", "n\x7f", "né", strings.Repeat("a", 84)} {
		if _, err := Encode(hrp, nil); !errors.Is(err, ErrPrefix) {
			t.Errorf("%q: %v, want ErrPrefix", hrp, err)
		}
	}
	if _, err := Encode(strings.Repeat("a", 83), nil); err != nil {
		t.Errorf("83 characters: %v", err)
	}
}

func TestGroupsThatMakeNoWholeBytesComeBack(t *testing.T) {
	for n := range 40 {
		groups := make([]byte, n)
		for i := range groups {
			groups[i] = byte(31 - i%32)
		}
		text, err := EncodeGroups("lnbc", groups)
		if err != nil {
			t.Fatal(err)
		}
		hrp, back, err := DecodeGroups(text)
		if err != nil || hrp != "lnbc" || !bytes.Equal(back, groups) {
			t.Errorf("%d groups came back as %q %v: %v", n, hrp, back, err)
		}
	}
	if _, err := EncodeGroups("x", []byte{32}); !errors.Is(err, ErrCharacter) {
		t.Errorf("a group of 32: %v", err)
	}
	if _, err := EncodeGroups("X", nil); !errors.Is(err, ErrPrefix) {
		t.Errorf("a prefix in upper case: %v", err)
	}
	if _, err := EncodeGroups("x", make([]byte, MaxLength)); !errors.Is(err, ErrTooLong) {
		t.Errorf("more than there is room for: %v", err)
	}
}
