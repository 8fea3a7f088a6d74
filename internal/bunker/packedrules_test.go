package bunker

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// fillRule gives every field a value, of which many are zero.
func fillRule(t testing.TB, r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		switch i := r.IntN(len(packedWords) + 20); {
		case i < len(packedWords):
			v.SetString(packedWords[i])
		case i%2 == 0:
			v.SetString(strings.Repeat("né", r.IntN(90)))
		}
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 1)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(r.Uint64()) >> (r.IntN(9) * 8))
	case reflect.Uint8:
		v.SetUint(r.Uint64N(uint64(Allow) + 1)) // effects, and bytes
	case reflect.Uint16:
		v.SetUint(r.Uint64N(1 << 16))
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(r.Uint64N(256))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if r.IntN(3) > 0 {
				fillRule(t, r, v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillRule(t, r, v.Elem())
	case reflect.Slice:
		n := r.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fillRule(t, r, v.Index(i))
		}
	default:
		t.Fatalf("rules have a field of a new kind, %s: teach this test, and packing, to keep it", v.Type())
	}
}

// Whatever a rule says comes back, also what is added to it later.
func TestRulesComeBackAsTheyWerePacked(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	for range 2000 {
		rules := make([]Rule, r.IntN(4))
		for i := range rules {
			fillRule(t, r, reflect.ValueOf(&rules[i]).Elem())
		}
		slices.SortStableFunc(rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
		packed := PackRules(rules)
		got, err := packed.Unpack()
		if err != nil {
			t.Fatalf("%v: %+v", err, rules)
		}
		if d := cmp.Diff(rules, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
		for _, spoilt := range []PackedRules{packed[:len(packed)-1], packed + "\x00"} {
			if got, err := spoilt.Unpack(); err == nil || got != nil {
				t.Fatalf("%q is %q and something else, and is read", spoilt, packed)
			}
		}
	}
}

func TestAnEffectThatIsNoneIsPackedAsDeny(t *testing.T) {
	got, err := PackRules([]Rule{{ID: "b", Effect: 9}, {ID: "a", Effect: Allow, Budget: &Budget{WhenSpent: 7}}}).Unpack()
	if err != nil || len(got) != 2 || got[0].ID != "a" || got[0].Budget.WhenSpent != Deny || got[1].Effect != Deny {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNothingIsReadOfWhatIsNotPacked(t *testing.T) {
	if rules, err := PackedRules("").Unpack(); err == nil {
		t.Errorf("rules that somebody forgot are %+v", rules)
	}
	if r, err := PackedRule("").Unpack(); err == nil || r.Effect != Deny {
		t.Errorf("%+v, %v", r, err)
	}
	for _, s := range []string{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x01\x02\x03\x00", "\x01\x02\x83\x80\x40\x00", "\x01\x05\x04\x00\x01\xff\xff"} {
		if rules, err := PackedRules(s).Unpack(); err == nil {
			t.Errorf("%q is %+v", s, rules)
		}
	}
}

// FuzzPackedRules: what cannot be read is refused, and what can be read is packed again
// as what is read the same.
func FuzzPackedRules(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 2))
	f.Add([]byte(PackRules(nil)))
	for range 20 {
		rules := make([]Rule, 2)
		for i := range rules {
			fillRule(f, r, reflect.ValueOf(&rules[i]).Elem())
		}
		f.Add([]byte(PackRules(rules)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rules, err := PackedRules(b).Unpack()
		if err != nil {
			if rules != nil {
				t.Fatalf("%v, and yet %+v", err, rules)
			}
			return
		}
		again, err := PackRules(rules).Unpack()
		if err != nil {
			t.Fatal(err)
		}
		slices.SortStableFunc(rules, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
		if d := cmp.Diff(rules, again, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
		if _, err := json.Marshal(rules); err != nil {
			t.Fatal(err)
		}
	})
}
