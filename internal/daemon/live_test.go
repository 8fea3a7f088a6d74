package daemon

import (
	"slices"
	"testing"

	"nsecbunker/internal/relay"
)

func TestLinksNameLiveRelaysFirst(t *testing.T) {
	status := []relay.Status{{URL: "wss://b", State: relay.Up}, {URL: "wss://a", State: relay.Waiting}, {URL: "wss://d", State: relay.Up}}
	urls := []string{"wss://own", "wss://a", "wss://d", "wss://b"}
	got := liveFirst(urls, status)
	if want := []string{"wss://own", "wss://d", "wss://b", "wss://a"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if urls[1] != "wss://a" {
		t.Error("the bunker's own list was reordered")
	}
}
