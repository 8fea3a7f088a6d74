package store

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsecbunker/internal/bunker"
)

// fillIn gives every field a value, of which many are zero.
func fillIn(t *testing.T, r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Repeat("né", r.IntN(90)*r.IntN(2)))
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 1)
	case reflect.Int64:
		v.SetInt(int64(r.Uint64()) >> (r.IntN(9) * 8))
	case reflect.Uint8:
		v.SetUint(r.Uint64N(256))
	case reflect.Array:
		for i := range v.Len() * r.IntN(2) {
			v.Index(i).SetUint(r.Uint64N(256))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fillIn(t, r, v.Field(i))
		}
	case reflect.Slice:
		n := r.IntN(5) - 1
		if n < 0 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fillIn(t, r, v.Index(i))
		}
	default:
		t.Fatalf("views have a field of a new kind, %s: teach this test, and pack, to keep it", v.Type())
	}
}

// Whatever a view holds comes back, also what is added to it later.
func TestViewsArePacked(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 0))
	for range 2000 {
		var want, got rows
		fillIn(t, r, reflect.ValueOf(&want).Elem())
		// Every row has a tenant.
		want.Connection.Tenant += "t"
		want.Key.Tenant += "t"
		for i := range want.Grants {
			want.Grants[i].Tenant += "t"
		}
		tenant := want.Connection.Tenant
		if r.IntN(2) == 0 { // as views are
			want.Key.ID, want.Key.Tenant = want.Connection.Key, tenant
			for i := range want.Grants {
				want.Grants[i].Tenant, want.Grants[i].Connection = tenant, want.Connection.ID
			}
		}
		short := want
		short.Grants = slices.Clone(want.Grants)
		short.spare(tenant)
		unpack(pack(&short), &got)
		got.restore(tenant)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	}
	var v bunker.View
	if fields := reflect.TypeOf(v).NumField(); fields != 7 {
		t.Errorf("a view has %d fields: keep those of a client in rows, and then set this number", fields)
	}
}

func BenchmarkUnpack(b *testing.B) {
	r := rows{Connection: bunker.Connection{ID: "c123456789012345", State: bunker.ConnActive}, Key: bunker.UserKey{Ciphertext: make([]byte, 80)},
		Grants: []bunker.Grant{{ID: "g123456789012345", Permissions: "sign_event:1,nip44_encrypt"}}}
	text := pack(&r)
	b.ReportAllocs()
	for b.Loop() {
		var got rows
		unpack(text, &got)
	}
}
