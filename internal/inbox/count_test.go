package inbox

import (
	"log/slog"
	"testing"

	"nsecbunker/internal/signer"
	"nsecbunker/nostr"
)

func TestStrangersForWhomThereIsNoPlaceAreCounted(t *testing.T) {
	in := &Inbox{Config: Config{Log: slog.New(slog.DiscardHandler)}, strangers: newStrangers(DefaultLimits())}
	of := &Tenant{ID: "a"}
	arrival := signer.Arrival{Event: &nostr.Event{}}
	for _, j := range []signer.Judgement{{Drop: "too many", Counted: true}, {Drop: "nothing of ours"}, {Drop: "too many", Counted: true}} {
		in.withoutRow(t.Context(), of, arrival, j)
	}
	if n := in.strangers.refused.take(); len(n) != 1 || n["a"] != 2 {
		t.Errorf("%v are counted, want 2 of its tenant", n)
	}
}
