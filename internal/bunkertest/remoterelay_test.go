package bunkertest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/remote"
	"nsecbunker/internal/session"
	"nsecbunker/nostr"
)

func relays(t *testing.T, n int, m Manners) (urls []string, all []*Relay) {
	for i := range n {
		r := NewRudeRelay(t, uint64(i+1), m)
		all, urls = append(all, r), append(urls, r.URL)
	}
	return urls, all
}

func TestOrdersOverRudeRelaysAreExecutedOnce(t *testing.T) {
	t.Parallel()
	urls, all := relays(t, 3, Manners{DropEvent: 15, LoseOK: 20, Refuse: 15, Double: 30, Forge: 30, Delay: 30, Cut: 1})
	b := Start(t, Options{Relays: urls})
	s := b.Person("owner").In()
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		s.Do("key.add", Params{"name": name})
	}
	if v := b.Admin("key.list", nil); len(v.At("keys").([]any)) != 6 {
		t.Errorf("the keys are %v", v)
	}
	if n := len(b.Admin("audit.list", Params{"action": "key.add"}).At("records").([]any)); n != 6 {
		t.Errorf("%d records of 6 keys", n)
	}
	seen := 0
	for _, r := range all {
		seen += len(r.Seen())
	}
	if seen == 0 {
		t.Error("nothing went over the relays")
	}
}

func TestEveryMessageDoubledOverFiveRelaysCountsOnce(t *testing.T) {
	t.Parallel()
	urls, _ := relays(t, 5, Manners{Double: 100, Forge: 50})
	b := Start(t, Options{Relays: urls})
	s := b.Person("owner").In()
	for range 5 {
		s.Do("key.add", Params{"name": "k" + strings.ToLower(bunker.NewSecret()[:6])})
	}
	if n := len(b.Admin("audit.list", Params{"action": "key.add"}).At("records").([]any)); n != 5 {
		t.Errorf("5 orders were executed %d times", n)
	}
	opened := b.Admin("audit.list", Params{"action": "session.open"}).At("records").([]any)
	if len(opened) != 1 {
		t.Errorf("one login opened %d sessions", len(opened))
	}
}

func TestARelayThatRefusesTheKindIsUsedWithTheOther(t *testing.T) {
	t.Parallel()
	urls, all := relays(t, 1, Manners{NoKind: adminwire.Kind})
	b := Start(t, Options{Relays: urls})
	s := b.Person("owner").In()
	s.Do("key.add", Params{"name": "herald"})
	old := 0
	for _, e := range all[0].Seen() {
		if e.Kind == adminwire.KindOld {
			old++
		}
	}
	if old < 6 {
		t.Errorf("only %d messages of kind 24133", old)
	}
}

func TestAListLongerThanAMessageComesWhole(t *testing.T) {
	t.Parallel()
	urls, _ := relays(t, 2, Manners{DropEvent: 20, Double: 20, Delay: 20})
	b := Start(t, Options{Relays: urls})
	b.AddKey("herald")
	for range 150 {
		b.Token("herald", "sign_event:1,sign_event:7,nip44_encrypt,nip44_decrypt")
	}
	v := b.Person("owner").In().Do("audit.list", Params{"limit": 200})
	if n := len(v.At("records").([]any)); n < 150 {
		t.Errorf("%d records", n)
	}
}

func TestStaleMessagesToTheAdminKeyAreRefused(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	ann := b.Person("owner")
	for _, d := range []time.Duration{-16 * time.Minute, 16 * time.Minute} {
		clock := new(Clock)
		clock.Pass(d)
		p := *ann
		p.Patience = brief
		p.b = &Bunker{Daemon: b.Daemon, Arena: b.Arena, Clock: clock, t: t}
		if _, err := p.TryDial(b.ConnectionString(), false); !errors.Is(err, remote.ErrSilent) {
			t.Errorf("%s off: %v", d, err)
		}
	}
	in := *ann
	clock := new(Clock)
	clock.Pass(14 * time.Minute)
	in.b = &Bunker{Daemon: b.Daemon, Arena: b.Arena, Clock: clock, t: t}
	if _, err := in.TryDial(b.ConnectionString(), false); err != nil {
		t.Errorf("14 minutes off: %v", err)
	}
}

func TestAFloodOfHellosLeavesAppsAndSessionsAlone(t *testing.T) {
	t.Parallel()
	b := Start(t, Options{})
	b.AddKey("herald")
	app := b.Connected(b.Token("herald", "all"))
	s := b.Person("owner").In()
	key, err := nostr.GenerateKey(b.Arena)
	if err != nil {
		t.Fatal(err)
	}
	bkey, _ := adminwire.ParseConnectionString(b.ConnectionString())
	flood := NewApp(t, b.Arena, b.Clock.Now, bkey.Bunker, "", bkey.Relays)
	flood.Key = key
	events := make([]*nostr.Event, 200)
	for i := range events {
		events[i] = flood.Close((&adminwire.Hello{Versions: []int64{1}}).Append(), b.Clock.Now())
	}
	begun, answered := time.Now(), 0
	for _, e := range events {
		if flood.Publish(e) == nil {
			answered++
		}
	}
	// what the rate lets through in the time that it took here, and the second that may come at once
	if most := int(session.HelloRate * (1 + time.Since(begun).Seconds())); answered > most+1 {
		t.Errorf("%d of %d hellos were answered; at most %d may be", answered, len(events), most)
	}
	app.Sign(1, "meanwhile")
	s.Do("key.list", nil)
}

func TestARelayThatRepeatsWhatItHeardSpendsNothing(t *testing.T) {
	t.Parallel()
	urls, all := relays(t, 1, Manners{})
	b := Start(t, Options{Relays: urls})
	s := b.Person("owner").In()
	s.Do("key.add", Params{"name": "herald"})
	seen := func() int { return len(all[0].Seen()) - len(announced(all[0], b)) } // it announces itself, once in a while
	before := seen()
	for range 300 {
		for _, e := range all[0].Seen() {
			if e.PubKey != s.Ready().Session { // those to the bunker
				all[0].Pass(e)
			}
		}
	}
	s.Do("key.add", Params{"name": "other"})
	if n := len(b.Admin("audit.list", Params{"action": "key.add"}).At("records").([]any)); n != 2 {
		t.Errorf("%d records of 2 keys", n)
	}
	if after := seen(); after > before+4 { // an order, its answer, a notice of each change
		t.Errorf("repeating was answered: %d events more", after-before)
	}
}

// TestAnOldConnectionStringIsStillAnswered: on a relay that was removed since, as
// apps are.
func TestAnOldConnectionStringIsStillAnswered(t *testing.T) {
	t.Parallel()
	urls, _ := relays(t, 2, Manners{})
	b := Start(t, Options{Relays: urls})
	ann := b.Person("owner")
	ann.In()
	c, err := adminwire.ParseConnectionString(b.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	c.Relays = urls[:1]
	b.Admin("relay.remove", Params{"url": urls[0]})
	if now := b.ConnectionString(); strings.Contains(now, strings.TrimPrefix(urls[0], "ws://127.0.0.1:")) {
		t.Fatalf("the string still names it: %s", now)
	}
	s, err := ann.TryDial(c.String(), false)
	if err != nil {
		t.Fatal(err)
	}
	s.Do("key.add", Params{"name": "herald"})
}
