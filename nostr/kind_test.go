package nostr

import (
	"strings"
	"testing"
)

func TestEveryKindIsInExactlyOneClass(t *testing.T) {
	for k := range 1 << 16 {
		n := 0
		for _, is := range []bool{Kind(k).IsRegular(), Kind(k).IsReplaceable(), Kind(k).IsEphemeral(), Kind(k).IsAddressable()} {
			if is {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("kind %d is in %d classes", k, n)
		}
	}
}

func TestClassesOfKindsAreThoseOfNIP01(t *testing.T) {
	for _, c := range []struct {
		k    Kind
		want string
	}{
		{0, "replaceable"}, {1, "regular"}, {2, "regular"}, {3, "replaceable"}, {4, "regular"}, {9999, "regular"},
		{10000, "replaceable"}, {19999, "replaceable"}, {20000, "ephemeral"}, {24133, "ephemeral"}, {29999, "ephemeral"},
		{30000, "addressable"}, {39999, "addressable"}, {40000, "regular"}, {65535, "regular"},
	} {
		got := map[bool]string{c.k.IsReplaceable(): "replaceable", c.k.IsEphemeral(): "ephemeral", c.k.IsAddressable(): "addressable"}[true]
		if got == "" {
			got = "regular"
		}
		if got != c.want {
			t.Errorf("kind %d is %s, want %s", c.k, got, c.want)
		}
	}
}

func TestNamesOfKindsAreForPeople(t *testing.T) {
	seen := map[string]Kind{}
	for k, name := range kindNames {
		if name == "" || name != strings.TrimSpace(name) || strings.ContainsAny(name, "\n\t\"") || len(name) > 50 {
			t.Errorf("kind %d has the name %q", k, name)
		}
		if other, ok := seen[name]; ok {
			t.Errorf("kinds %d and %d are both %q", k, other, name)
		}
		seen[name] = k
	}
	for k, want := range map[Kind]string{
		1: "short note (kind 1)", 9007: "group administration (kind 9007)", 39009: "group description (kind 39009)",
		12345: "kind 12345", 24133: "remote signing message (kind 24133)",
	} {
		if got := k.Label(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if Kind(12345).Name() != "" || Kind(9031).Name() != "" {
		t.Error("an unknown kind has a name")
	}
}

func TestKindsAreReadAsDigitsOnly(t *testing.T) {
	for s, want := range map[string]Kind{"0": 0, "1": 1, "65535": 65535} {
		if k, ok := ParseKind(s); !ok || k != want {
			t.Errorf("%q: %d %v", s, k, ok)
		}
	}
	for _, s := range []string{"", "-1", "+1", "01", "00", "1.0", "65536", " 1", "1 ", "0x1", "1_0", "١"} {
		if k, ok := ParseKind(s); ok {
			t.Errorf("%q is taken for %d", s, k)
		}
	}
}
