package vault

import (
	"bytes"
	"testing"

	"nsecbunker/internal/bunker"
)

// TestATenantsKeysOpenForItsHouseAndInNoOtherPlace: service key, setup code and provider
// slot, each swapped with another's, are refused.
func TestATenantsKeysOpenForItsHouseAndInNoOtherPlace(t *testing.T) {
	v := newVault(t)
	const a, b bunker.TenantID = "t-a", "t-b"
	wrapped := map[bunker.TenantID][]byte{}
	for _, id := range []bunker.TenantID{a, b} {
		w, err := v.NewTenantService(self, id)
		must(t, err)
		wrapped[id] = w
	}
	pub, cipher, err := v.NewServiceKey(a, bunker.RoleAdmin)
	must(t, err)
	code, err := v.CloseSetupCode(self, a, []byte("code"))
	must(t, err)
	got, err := v.OpenSetupCode(self, a, code)
	if err != nil || string(got) != "code" {
		t.Errorf("the code is %q, %v", got, err)
	}
	_, err = v.OpenSetupCode(self, b, code)
	wantErr(t, err, bunker.ErrTampered)
	_, err = v.OpenSetupCode(self, a, wrapped[a])
	wantErr(t, err, bunker.ErrTampered)

	must(t, v.NewRootKey(a))
	slot, err := v.WrapForHouse(self, a, "s1")
	must(t, err)
	if _, err := v.WrapForHouse(self, self, "s1"); err == nil {
		t.Error("the house opens itself")
	}
	if _, err := v.WrapForHouse(self, b, "s1"); err == nil {
		t.Error("a sealed tenant has a root key")
	}
	root, err := v.OpenFromHouse(self, a, "s1", slot)
	must(t, err)
	must(t, root.Use(func(k []byte) {
		if !v.IsRoot(a, k) {
			t.Error("another root key came out")
		}
	}))
	root.Destroy()
	for _, swapped := range []struct {
		id   bunker.TenantID
		slot bunker.SlotID
		w    []byte
	}{{b, "s1", slot}, {a, "s2", slot}, {a, "s1", bytes.Repeat([]byte{1}, len(slot))}, {a, "s1", slot[1:]}} {
		_, err := v.OpenFromHouse(self, swapped.id, swapped.slot, swapped.w)
		wantErr(t, err, bunker.ErrTampered)
	}
	must(t, v.Seal(self))
	_, err = v.OpenFromHouse(self, a, "s1", slot)
	wantErr(t, err, ErrSealed)

	v.Forget(a)
	if v.Unsealed(a) {
		t.Error("a forgotten tenant is open")
	}
	v.Forget(a)
	wantErr(t, v.OpenTenantService(self, a, wrapped[b]), bunker.ErrTampered)
	must(t, v.OpenTenantService(self, a, wrapped[a]))
	must(t, v.LoadServiceKey(bunker.ServiceKey{Tenant: a, PubKey: pub, Role: bunker.RoleAdmin, Ciphertext: cipher}))
	if v.Unsealed(a) || v.Unsealed(b) {
		t.Error("a tenant is open that nobody has unsealed")
	}
}
