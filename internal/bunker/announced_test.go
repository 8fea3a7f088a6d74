package bunker

import (
	"strconv"
	"testing"
	"time"
)

func TestAnnounced(t *testing.T) {
	const now = int64(1_700_000_000_000)
	a, ok := Announced(nil).Add("one", now, time.Minute)
	if !ok || !a.Has("one") || a.Has("two") {
		t.Fatalf("%v %v", a, ok)
	}
	if _, ok := a.Add("two", now+59_999, time.Minute); ok {
		t.Error("sooner than the gap")
	}
	b, ok := a.Add("two", now+60_000, time.Minute)
	if again, err := ParseAnnounced(b.Text()); !ok || err != nil || !again.Has("one") || !again.Has("two") {
		t.Errorf("%v %v %v", b, ok, err)
	}
	if b, ok = b.Add("back", now-3_600_000, time.Minute); !ok { // the clock was set back
		t.Error("a clock that was set back holds it up")
	}
	if late, ok := b.Add("late", now+announcedKept.Milliseconds(), 0); !ok || late.Has("one") || !late.Has("two") {
		t.Errorf("what is too old is kept, or more forgotten: %v", late)
	}
	full := Announced(nil)
	for i := range maxAnnounced {
		if full, ok = full.Add(strconv.Itoa(i), now, 0); !ok {
			t.Fatalf("no place for number %d", i)
		}
	}
	if _, ok := full.Add("more", now, 0); ok || full.Has("more") {
		t.Error("more is kept than there may be")
	}
	if _, err := ParseAnnounced("{"); err == nil {
		t.Error("rubbish was read")
	}
}
