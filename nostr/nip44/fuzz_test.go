package nip44

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// textUnpad is unpad as NIP-44 writes it, with Python's forgiving slices.
func textUnpad(padded []byte) ([]byte, bool) {
	length, prefix := int(binary.BigEndian.Uint16(padded)), 2
	if length == 0 {
		length, prefix = int(binary.BigEndian.Uint32(padded[2:6])), 6
		if length < 65536 {
			return nil, false
		}
	}
	unpadded := padded[prefix:min(prefix+length, len(padded))]
	if len(unpadded) != length || len(padded) != prefix+textPaddedLen(length) {
		return nil, false
	}
	return unpadded, true
}

// FuzzNIP44: any payload is decrypted or refused; what a peer with the right key
// pads is read exactly as the NIP's own code reads it; what we encrypt comes back;
// and a payload that opens has one text only.
func FuzzNIP44(f *testing.F) {
	v := readVectors(f).V2
	for _, m := range v.Valid.EncryptDecrypt {
		f.Add([]byte(m.ConversationKey), m.Payload, []byte(m.Plaintext))
	}
	for _, m := range v.Invalid.Decrypt {
		f.Add([]byte(m.ConversationKey), m.Payload, []byte(m.Plaintext))
	}
	f.Add(make([]byte, 32), "#", bytes.Repeat([]byte{0}, 34))
	f.Add(make([]byte, 32), "Ag==\n", append([]byte{0, 32}, make([]byte, 32)...))
	f.Add(make([]byte, 32), "", append([]byte{0, 0, 0, 1, 0, 0}, make([]byte, 65536)...))

	f.Fuzz(func(t *testing.T, key []byte, payload string, text []byte) {
		var ck [32]byte
		copy(ck[:], key)

		if got, _, err := Decrypt(&ck, payload); err == nil {
			raw, err := encoding.DecodeString(payload)
			if err != nil || encoding.EncodeToString(raw) != payload {
				t.Fatalf("opened, but has another text: %v", err)
			}
			if len(got) == 0 || len(got) > MaxExtended {
				t.Fatalf("opened to %d bytes", len(got))
			}
		} else if got != nil {
			t.Fatalf("an error and %d bytes", len(got))
		}

		if len(text) >= minPadded+shortPrefix && len(text) <= MaxExtended {
			got, extended, err := Decrypt(&ck, sealPadded(&ck, text))
			want, ok := textUnpad(text)
			if ok != (err == nil) || !bytes.Equal(got, want) || extended && len(got) <= MaxPlaintext {
				t.Fatalf("unpadded to %d bytes, extended %t, %v; the NIP's code to %d, %t", len(got), extended, err, len(want), ok)
			}
		}

		sealed, err := EncryptExtended(&ck, text)
		if (err == nil) != (len(text) >= 1 && len(text) <= MaxExtended) {
			t.Fatalf("encrypting %d bytes: %v", len(text), err)
		}
		if err == nil {
			got, extended, err := Decrypt(&ck, sealed)
			if err != nil || !bytes.Equal(got, text) || extended != (len(text) > MaxPlaintext) {
				t.Fatalf("%d bytes did not come back: %v", len(text), err)
			}
		}
	})
}
