package bunkertest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/bunker"
	"nsecbunker/internal/host"
)

// quota gives a bunker what a provider would, from beside it.
func quota(t *testing.T, b *Bunker, q bunker.Quota) {
	t.Helper()
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	beside(t, b, `UPDATE tenant_head SET quota = ?`, string(text))
}

// With one seat left and many new apps at once exactly one of them gets in; who has a
// seat signs on; the others hear why not, and the owner once.
func TestWithOneSeatLeftOneOfManyGetsIn(t *testing.T) {
	t.Parallel()
	const many = 16
	b := Start(t, Options{})
	b.AddKey("herald")
	quota(t, b, bunker.Quota{People: 2, Keys: 1, Rate: 1000})
	ann := b.Connected(b.Token("herald", "all", Params{"person": "Ann"}))
	ann.Sign(1, "the first seat")
	var apps []*App
	for i := range many {
		apps = append(apps, b.Connected(b.Token("herald", "all", Params{"person": fmt.Sprintf("P%d", i)})))
	}
	var asked []*Asked
	for _, a := range apps {
		asked = append(asked, a.AskSign(1, "me, too"))
	}
	signed := 0
	for _, q := range asked {
		got := q.Answer()
		switch {
		case got.Error == "":
			signed++
		case !strings.HasPrefix(got.Error, "restricted: this bunker has 2 seats and all are taken; ask its owner"):
			t.Errorf("refused with %q", got.Error)
		}
	}
	if signed != 1 {
		t.Errorf("%d of %d have the one seat", signed, many)
	}
	ann.Sign(1, "who has a seat goes on")
	second := b.Connected(b.Token("herald", "all", Params{"person": "Ann"})) // her other app
	second.Sign(1, "on the same seat")
	// A new one does not even connect, and its link is not used up.
	uri := b.Token("herald", "all", Params{"person": "Late"})
	late := b.App(uri)
	late.Connect().Fails("restricted: this bunker has 2 seats and all are taken")
	if list := b.Admin("seat.list", nil); list.Number("quota.taken") != 2 || len(list.Each("seats")) != 2 {
		t.Errorf("seats: %v", list)
	}
	full := func() int {
		return len(b.Admin("audit.list", Params{"action": bunker.SeatsFull}).Each("records"))
	}
	b.Until("the owner's record", func() bool { return full() == 1 })
	b.Pass(25 * time.Hour)
	ann.Sign(1, "a day later")
	late.again().Connect().Fails("restricted: this bunker has 2 seats")
	b.Until("another record", func() bool { return full() == 2 })
	b.Pass(host.SeatDays * 24 * time.Hour)
	again := late.again()
	again.Connect().Want("ack")
	again.Sign(1, "a seat that was left")
	if e := b.Refused("key.add", Params{"name": "more"}); !strings.Contains(e.Words, "may have one key and has 1") {
		t.Errorf("one key more: %v", e)
	}
	b.VerifyOutside()
}
