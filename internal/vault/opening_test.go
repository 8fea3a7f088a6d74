package vault

import (
	"bytes"
	"errors"
	"testing"
)

func TestNoUserKeyIsUsedBeforeTheUnsealHasItsRecord(t *testing.T) {
	v := sealedVault(t)
	root := bytes.Repeat([]byte{2}, 32)
	must(t, v.Unseal(self, root))
	k := row(t, v)
	must(t, v.Seal(self))
	peer := stranger(t, v).PubKey()
	use := map[string]func() error{
		"sign": func() error { _, err := v.SignEvent(floorOf(), k.ID, note("x")); return err },
		"encrypt": func() error {
			_, err := v.Encrypt44(floorOf(), k.ID, peer, []byte("x"))
			return err
		},
		"decrypt": func() error {
			_, err := v.Decrypt04(floorOf(), k.ID, peer, "x?iv=y")
			return err
		},
	}
	must(t, v.BeginUnseal(self, root))
	for _, loaded := range []bool{false, true} {
		if loaded {
			must(t, v.UnlockUserKey(k, nil))
		}
		for name, f := range use {
			if err := f(); !errors.Is(err, ErrSealed) {
				t.Errorf("%s, key in memory %t: %v", name, loaded, err)
			}
		}
	}
	must(t, v.EndUnseal(self))
	must(t, use["sign"]())
	must(t, use["encrypt"]())

	// One that failed leaves nothing behind.
	must(t, v.Seal(self))
	must(t, v.BeginUnseal(self, root))
	must(t, v.Seal(self))
	must(t, v.EndUnseal(self))
	wantErr(t, use["sign"](), ErrSealed)
	must(t, v.Unseal(self, root))
	must(t, v.UnlockUserKey(k, nil))
	must(t, use["sign"]())
}
