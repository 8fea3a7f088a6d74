package inbox

import (
	"log/slog"
	"testing"

	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
)

func TestStrangersForWhomThereIsNoPlaceAreCounted(t *testing.T) {
	in := &Inbox{Config: Config{Log: slog.New(slog.DiscardHandler)}, strangers: newStrangers(DefaultLimits())}
	arrival := signer.Arrival{Event: &nostr.Event{}}
	for _, j := range []signer.Judgement{{Drop: "too many", Counted: true}, {Drop: "nothing of ours"}, {Drop: "too many", Counted: true}} {
		in.withoutRow(t.Context(), arrival, j)
	}
	if n := in.strangers.take(); n != 2 {
		t.Errorf("%d are counted, want 2", n)
	}
}
