package bunkertest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"nsecbunker/nostr"
	"nsecbunker/nostr/nip04"
	"nsecbunker/nostr/nip17"
	"nsecbunker/nostr/nip19"
	"nsecbunker/nostr/nip44"
	"nsecbunker/nostr/nip59"
)

// person is somebody with a Nostr app of his own.
type person struct {
	*nostr.SecretKey
	b     *Bunker
	relay *Relay
	to    nostr.PubKey // the bunker's notifier
	wrote int
}

func newPerson(b *Bunker, r *Relay) *person {
	b.t.Helper()
	k, err := nostr.GenerateKey(b.Arena)
	if err != nil {
		b.t.Fatal(err)
	}
	return &person{SecretKey: k, b: b, relay: r}
}

func (p *person) npub() string { return nip19.EncodeNpub(p.PubKey()) }

// letters are the texts of the messages that the person has got, by time.
func (p *person) letters() []string {
	p.b.t.Helper()
	type dated struct {
		text string
		at   int64
		id   nostr.ID
	}
	var list []dated
	for _, e := range p.relay.Seen() {
		if e.Tags.Find("p").Value() != p.PubKey().String() {
			continue
		}
		switch e.Kind {
		case nip59.KindWrap:
			m, err := nip17.Open(p.SecretKey, e)
			if err != nil || m.From != p.to {
				p.b.t.Fatalf("a message cannot be read: %v, from %s", err, m.From)
			}
			list = append(list, dated{m.Text, m.At.UnixMilli(), m.ID})
		case 4:
			var key [32]byte
			if err := nip04.SharedKey(p.SecretKey, e.PubKey, &key); err != nil {
				p.b.t.Fatal(err)
			}
			plain, err := nip04.Decrypt(&key, e.Content)
			if err != nil || e.PubKey != p.to {
				p.b.t.Fatalf("a message cannot be read: %v", err)
			}
			list = append(list, dated{string(plain), e.CreatedAt * 1000, e.ID})
		}
	}
	slices.SortStableFunc(list, func(a, b dated) int { return int(a.at - b.at) })
	var out []string
	for _, l := range list {
		out = append(out, l.text)
	}
	return out
}

// await waits for a message that holds a text.
func (p *person) await(part string) string {
	p.b.t.Helper()
	var found string
	p.b.Until("a message with "+part, func() bool {
		for _, l := range p.letters() {
			if strings.Contains(l, part) {
				found = l
			}
		}
		return found != ""
	})
	return found
}

var codeForm = regexp.MustCompile(`yes ([a-z0-9-]{19})`)

// code waits for a message with a code.
func (p *person) code() string {
	p.b.t.Helper()
	m := codeForm.FindStringSubmatch(p.await("yes "))
	if m == nil {
		p.b.t.Fatalf("no code in %q", p.letters())
	}
	return m[1]
}

// write sends the bunker a message, as a good app does, and returns when the bunker has
// worked on it. No two are of the same second, or they would be one.
func (p *person) write(text string) {
	p.b.t.Helper()
	e, err := nip17.New(p.b.Arena, p.SecretKey, p.to, text, time.Now().Add(-time.Duration(p.wrote)*time.Minute), time.Now())
	p.wrote++
	if err != nil {
		p.b.t.Fatal(err)
	}
	p.relay.Hand(e)
	p.b.hears(e) // it is worked on once; when this returns, it is
}

// writing is a bunker with an app that has no permissions, on a relay, and an
// approver who is told by direct message.
func writing(t *testing.T, channel Params) (*Bunker, *App, *person) {
	t.Helper()
	r := NewRelay(t)
	b := Start(t, Options{Relays: []string{r.URL}})
	b.AddKey("herald")
	p := newPerson(b, r)
	b.Admin("admin.add", Params{"npub": p.npub(), "role": "approver"})
	all := Params{"name": "me", "kind": "nostr", "target": p.npub(), "classes": []string{"questions"}, "answers": true}
	for k, v := range channel {
		all[k] = v
	}
	var err error
	if p.to, err = nip19.DecodeNpub(b.Admin("notify.add", all).Text("npub")); err != nil {
		t.Fatal(err)
	}
	return b, b.Connected(b.Token("herald", "")), p
}

func TestAYesByDirectMessageSignsOnce(t *testing.T) {
	t.Parallel()
	b, a, p := writing(t, nil)
	q := a.AskSign(1, "hello")
	code := p.code()
	for _, leak := range []string{"hello", "herald", "app"} {
		if strings.Contains(p.letters()[0], leak) {
			t.Errorf("the message holds %q: %s", leak, p.letters()[0])
		}
	}
	p.write("Yes " + strings.ToUpper(code))
	if e := q.Signed(); e.Content != "hello" {
		t.Errorf("signed %q", e.Content)
	}
	p.await("Allowed, once.")
	rec := b.Admin("audit.list", Params{"action": "approval.answer"}).Each("records")[0]
	if rec.Text("principal") != p.npub() || rec.Text("door") != "dm" {
		t.Errorf("the record says %v", rec)
	}
	// Once is once.
	again := a.AskSign(1, "hello again")
	b.Until("it is asked anew", func() bool { return len(b.Questions()) == 1 })
	again.Quiet()
	// The notifier says where it takes messages, or apps that keep to NIP-17 would not answer.
	if !slices.ContainsFunc(p.relay.Seen(), func(e *nostr.Event) bool {
		return e.Kind == nip17.KindRelays && e.PubKey == p.to && slices.Equal(nip17.Relays(e), []string{p.relay.URL})
	}) {
		t.Error("there is no list of relays for messages")
	}
}

func TestANoByDirectMessageRefuses(t *testing.T) {
	t.Parallel()
	_, a, p := writing(t, nil)
	q := a.AskSign(1, "hello")
	p.write("no " + p.code())
	q.Fails("restricted", "refused")
	p.await("Refused.")
}

func TestACodeIsGoodOnce(t *testing.T) {
	t.Parallel()
	b, a, p := writing(t, nil)
	q := a.AskSign(1, "hello")
	code := p.code()
	p.write("yes " + code)
	q.Signed()
	next := a.AskSign(1, "another")
	b.Until("it is asked", func() bool { return len(b.Questions()) == 1 })
	p.write("yes " + code)
	p.await("That code is wrong, was used")
	if len(b.Questions()) != 1 {
		t.Error("an old code answered a new question")
	}
	next.Quiet()
}

func TestOnlyWhoWasToldCanAnswer(t *testing.T) {
	t.Parallel()
	b, a, p := writing(t, nil)
	stranger, viewer, other := newPerson(b, p.relay), newPerson(b, p.relay), newPerson(b, p.relay)
	stranger.to, viewer.to, other.to = p.to, p.to, p.to
	b.Admin("admin.add", Params{"npub": viewer.npub(), "role": "viewer"})
	b.Admin("admin.add", Params{"npub": other.npub(), "role": "approver"})
	q := a.AskSign(1, "hello")
	code := p.code()
	for _, x := range []*person{stranger, viewer, other} {
		x.write("yes " + code)
	}
	// Mallory signs the seal and puts the approver's name on the rumor.
	rumor := nip59.NewRumor(p.PubKey(), nip17.KindMessage, nostr.Tags{{"p", p.to.String()}}, "yes "+code, time.Now())
	p.relay.Hand(forgedLetter(t, b, stranger, p.to, rumor))
	// After these, what the approver himself writes is read, and it is the first that counts.
	p.write("that is not an answer")
	p.write("no " + code)
	q.Fails("restricted", "refused")
	if got := stranger.letters(); len(got) != 0 {
		t.Errorf("a stranger heard %q", got)
	}
	rec := b.Admin("audit.list", Params{"action": "approval.answer"}).Each("records")
	if len(rec) != 1 || rec[0].Text("principal") != p.npub() {
		t.Errorf("answers: %v", rec)
	}
}

// forgedLetter wraps a rumor in somebody's name under a seal that another key
// signed. The package that makes honest ones refuses to.
func forgedLetter(t *testing.T, b *Bunker, by *person, to nostr.PubKey, rumor *nostr.Event) *nostr.Event {
	t.Helper()
	once, err := nostr.GenerateKey(b.Arena)
	if err != nil {
		t.Fatal(err)
	}
	unsigned := strings.TrimSuffix(string(rumor.AppendJSON(nil)), `,"sig":"`+strings.Repeat("0", 128)+`"}`) + "}"
	seal := &nostr.Event{Kind: nip59.KindSeal, CreatedAt: time.Now().Unix(), Tags: nostr.Tags{}, Content: encrypted(t, by.SecretKey, to, unsigned)}
	if err := by.Sign(seal); err != nil {
		t.Fatal(err)
	}
	wrap := &nostr.Event{
		Kind: nip59.KindWrap, CreatedAt: time.Now().Unix(), Tags: nostr.Tags{{"p", to.String()}},
		Content: encrypted(t, once, to, string(seal.AppendJSON(nil))),
	}
	if err := once.Sign(wrap); err != nil {
		t.Fatal(err)
	}
	return wrap
}

func encrypted(t *testing.T, k *nostr.SecretKey, to nostr.PubKey, text string) string {
	t.Helper()
	var key [32]byte
	if err := nip44.ConversationKey(k, to, &key); err != nil {
		t.Fatal(err)
	}
	out, err := nip44.Encrypt(&key, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWrongCodesAreCountedAndBounded(t *testing.T) {
	t.Parallel()
	b, a, p := writing(t, Params{"classes": []string{"questions", "alarms"}})
	q := a.AskSign(1, "hello")
	code := p.code()
	wrong := []byte(code)
	for i := range 5 {
		if wrong[0] = "abcdef"[i]; wrong[0] == code[0] {
			wrong[0] = 'g'
		}
		p.write("yes " + string(wrong))
	}
	p.await("rest for an hour")
	p.write("yes " + code)
	b.Until("the alarm is recorded", func() bool {
		return len(b.Admin("audit.list", Params{"action": "notify.codes"}).List("records")) == 1
	})
	q.Quiet()
	if len(b.Questions()) != 1 {
		t.Fatal("the right code was taken after five wrong ones")
	}
	b.Pass(time.Hour)
	if len(b.Questions()) == 1 { // still open: its time is a day
		p.write("no  " + code)
		b.Until("the question is closed", func() bool { return len(b.Questions()) == 0 })
	}
}

func TestAnAdminWhoseNpubIsAUserKeyCannotAnswerByDirectMessage(t *testing.T) {
	t.Parallel()
	b, a, p := writing(t, nil)
	var nsec string
	if err := p.Use(func(raw []byte) { nsec = string(nip19.EncodeNsec(raw)) }); err != nil {
		t.Fatal(err)
	}
	q := a.AskSign(1, "hello")
	code := p.code()
	b.Admin("key.import", Params{"name": "mine", "secret": nsec})
	p.write("yes " + code)
	b.Reply(Params{"deny": true}) // the question is still there
	q.Fails("restricted")
}

func TestOldAppsAreToldByKind4AndAnswerByIt(t *testing.T) {
	t.Parallel()
	_, a, p := writing(t, Params{"legacy": true})
	q := a.AskSign(1, "hello")
	code := p.code()
	var key [32]byte
	if err := nip04.SharedKey(p.SecretKey, p.to, &key); err != nil {
		t.Fatal(err)
	}
	content, err := nip04.Encrypt(&key, []byte("yes "+code))
	if err != nil {
		t.Fatal(err)
	}
	e := &nostr.Event{Kind: 4, CreatedAt: time.Now().Unix(), Tags: nostr.Tags{{"p", p.to.String()}}, Content: content}
	if err := p.Sign(e); err != nil {
		t.Fatal(err)
	}
	p.relay.Hand(e)
	q.Signed()
}
