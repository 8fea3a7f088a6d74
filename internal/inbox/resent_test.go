package inbox

import (
	"testing"
	"time"

	"nsecbunker/nostr"
)

// Who asks for a reply again too soon has it a moment later, once.
func TestAReplyThatWasAskedForTooSoonIsOwed(t *testing.T) {
	r := resent{at: map[nostr.ID]sending{}}
	now, id := time.Unix(1_700_000_000, 0), nostr.ID{1}
	if !r.may(id, now, time.Second) {
		t.Fatal("the first one is refused")
	}
	if got := r.due(now.Add(time.Minute), time.Second); len(got) != 0 {
		t.Fatalf("owed is %v, which nobody asked for", got)
	}
	for _, after := range []time.Duration{time.Millisecond, 999 * time.Millisecond} {
		if r.may(id, now.Add(after), time.Second) {
			t.Fatalf("sent again after %s", after)
		}
	}
	if got := r.due(now.Add(999*time.Millisecond), time.Second); len(got) != 0 {
		t.Fatalf("too early: %v", got)
	}
	if got := r.due(now.Add(time.Second), time.Second); len(got) != 1 || got[0] != id {
		t.Fatalf("owed is %v", got)
	}
	if got := r.due(now.Add(time.Hour), time.Second); len(got) != 0 {
		t.Fatalf("it is sent twice: %v", got)
	}
	r.expire(now.Add(2 * resentFor))
	if len(r.at) != 0 {
		t.Error("it is remembered for ever")
	}
}
