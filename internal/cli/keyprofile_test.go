package cli

import (
	"slices"
	"testing"
)

func TestAListOfRelaysIsChangedRelayByRelay(t *testing.T) {
	list := []accountRelay{{"wss://a.example", true, true}, {"wss://b.example", true, false}}
	got, err := changedRelays(list, []string{"wss://B.example/=write", "wss://c.example", "wss://d.example=read"}, []string{"wss://a.example/"})
	want := []accountRelay{{"wss://b.example", false, true}, {"wss://c.example", true, true}, {"wss://d.example", true, false}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if list[0].URL != "wss://a.example" || list[1].Write {
		t.Error("the list that was given was changed")
	}
	for _, c := range [][2][]string{{{"wss://a.example=both"}, nil}, {{"https://a.example"}, nil}, {nil, {"wss://x.example"}}, {nil, {"x"}}} {
		if got, err := changedRelays(list, c[0], c[1]); err == nil {
			t.Errorf("%v: %v", c, got)
		}
	}
}
