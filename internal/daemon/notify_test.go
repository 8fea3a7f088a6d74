package daemon

import (
	"slices"
	"testing"
	"time"

	"nsecbunker/internal/relay"
)

// TestARelayIsDownForLongWhateverItsTriesAreDoing: each try begins another state.
func TestARelayIsDownForLongWhateverItsTriesAreDoing(t *testing.T) {
	var d down
	now := time.Unix(1_800_000_000, 0)
	states := []relay.State{relay.Waiting, relay.Connecting}
	for m := range int(relayDownFor / time.Minute) {
		at := now.Add(time.Duration(m) * time.Minute)
		all := []relay.Status{{URL: "a", Wanted: true, State: states[m%2], Since: at}, {URL: "b", Wanted: true, State: relay.Up}, {URL: "c", State: relay.Waiting}}
		if got := d.longer(all, at); len(got) != 0 {
			t.Fatalf("after %d minutes: %v", m, got)
		}
	}
	at := now.Add(relayDownFor)
	if got := d.longer([]relay.Status{{URL: "a", Wanted: true, State: relay.Waiting, Since: at}}, at); !slices.Equal(got, []string{"a"}) {
		t.Errorf("after half an hour: %v", got)
	}
	if got := d.longer([]relay.Status{{URL: "a", Wanted: true, State: relay.Up}}, at); len(got) != 0 {
		t.Errorf("up again: %v", got)
	}
	if got := d.longer([]relay.Status{{URL: "a", Wanted: true, State: relay.Waiting}}, at); len(got) != 0 {
		t.Errorf("down again, just now: %v", got)
	}
}

// TestSteadyTimeGoesOnWhileLedgerTimeStands, and never falls behind it.
func TestSteadyTimeGoesOnWhileLedgerTimeStands(t *testing.T) {
	ledger := time.Unix(1_800_000_000, 0)
	clock := time.Now()
	s := steady{ledger: func() time.Time { return ledger }, clock: func() time.Time { return clock }}
	begin := s.now()
	clock = clock.Add(time.Minute)
	if got := s.now().Sub(begin); got != time.Minute {
		t.Errorf("after a minute with ledger time standing: %s", got)
	}
	ledger = ledger.Add(time.Hour)
	if got := s.now(); !got.Equal(ledger) {
		t.Errorf("it is behind ledger time: %s", got)
	}
}
