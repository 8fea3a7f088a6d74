package signerrelay

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"nsecbunker/nostr"
)

func TestEveryLimitHasADefault(t *testing.T) {
	lim, err := Limits{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(lim)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is unbounded", v.Type().Field(i).Name)
		}
	}
	again, err := lim.withDefaults()
	if err != nil || again != lim {
		t.Errorf("%v: %+v", err, again)
	}
}

func TestLimitsThatCannotWorkAreRefused(t *testing.T) {
	zero := reflect.TypeFor[Limits]()
	for i := range zero.NumField() {
		var l Limits
		f := reflect.ValueOf(&l).Elem().Field(i)
		if zero.Field(i).Name == "KeepFor" {
			continue // negative keeps nothing
		}
		if f.CanInt() {
			f.SetInt(-1)
		} else {
			f.SetFloat(-1)
		}
		if _, err := l.withDefaults(); err == nil {
			t.Errorf("a negative %s passes", zero.Field(i).Name)
		}
	}
	for name, l := range map[string]Limits{
		"not a number":        {EventRate: math.NaN()},
		"kept too long":       {KeepFor: DefaultKeepFor + 1},
		"queue under a frame": {MaxQueueBytes: 1000},
		"flight under frames": {MaxInFlightBytes: 2 << 20},
	} {
		if _, err := l.withDefaults(); err == nil {
			t.Errorf("%s passes", name)
		}
		if _, err := New(Config{URL: func() []string { return nil }, Ours: ours, Deliver: accept, Now: time.Now, Limits: l}); err == nil {
			t.Errorf("%s passes New", name)
		}
	}
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	full := Config{URL: func() []string { return nil }, Ours: ours, Deliver: accept, Now: time.Now}
	for name, c := range map[string]Config{
		"URL":     {Ours: full.Ours, Deliver: full.Deliver, Now: full.Now},
		"Ours":    {URL: full.URL, Deliver: full.Deliver, Now: full.Now},
		"Deliver": {URL: full.URL, Ours: full.Ours, Now: full.Now},
		"Now":     {URL: full.URL, Ours: full.Ours, Deliver: full.Deliver},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	if _, err := New(full); err != nil {
		t.Error(err)
	}
}

func TestAConnectionRemembersABoundedNumberOfAuthors(t *testing.T) {
	r, err := New(Config{URL: func() []string { return nil }, Ours: ours, Deliver: accept, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	c := newConn(r, nil, remoteAddr(httpRequest("")))
	for i := range MaxSpeaks + 1 {
		c.spoke(key(i))
	}
	if !c.isOf(key(0)) || c.isOf(key(MaxSpeaks)) {
		t.Error("not bounded")
	}
}

func TestAHoldGivesBackExactlyWhatItTook(t *testing.T) {
	lim, err := Limits{}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	p := newPlaces(&lim)
	half := lim.MaxInFlightBytes / 2
	src := &source{}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	stranger := p.hold(&conn{src: src})
	if !stranger.grow(10) || !stranger.grow(5) || !stranger.grow(30) || stranger.size() != 30 || src.inFlight != 30 {
		t.Error(stranger.size(), src.inFlight)
	}
	if stranger.grow(p.share + 1) {
		t.Error("more than its share")
	}
	client := &conn{src: src}
	client.proven.Store(true)
	known := p.hold(client)
	if !known.grow(half) || !known.grow(2*half-30) || known.grow(2*half) || known.await(ended, time.Now().Add(time.Minute), 2*half) {
		t.Error("a known client has both halves, less what is taken")
	}
	if stranger.await(ended, time.Now().Add(time.Minute), 40) {
		t.Error("there is nothing left")
	}
	stranger.release()
	known.release()
	if src.inFlight != 0 || !p.open.TryAcquire(int64(half)) || !p.reserved.TryAcquire(int64(half)) {
		t.Error("something is still counted")
	}
}

func TestMessagesAreValidJSONWhateverTheReason(t *testing.T) {
	for _, c := range []struct {
		m    message
		want string
	}{
		{okMessage(nostr.ID{}, true, ""), `["OK","` + strings.Repeat("0", 64) + `",true,""]`},
		{closedMessage("a\"\\\n\x01", "\xffé\u2028"), `["CLOSED","a\"\\\n\u0001","` + "\uFFFDé\u2028" + `"]`},
		{noticeMessage("x"), `["NOTICE","x"]`},
		{eventMessage(eventHead("s"), []byte(`{}`)), `["EVENT","s",{}]`},
	} {
		if got := string(c.m.appendTo(nil)); got != c.want || c.m.size() != len(got) {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	if got := cut("aé", 2); got != "a" {
		t.Error(got)
	}
}
