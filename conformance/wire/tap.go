package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nbd-wtf/go-nostr"
)

// Tap is what one client, whose key it is given, and a signer say to each other; a Proxy hears it.
type Tap struct {
	client Key
	signer string

	mu    sync.Mutex
	asked []Asked
	told  map[string][]Reply // by request id
	wrong []string
	seen  map[string]bool
	oks   []string // the relay's verdicts, as they came
}

// verdict notes an OK of the relay.
func (t *Tap) verdict(frame string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.oks = append(t.oks, frame)
}

// Asked is a request as a library sent it.
type Asked struct {
	Event  Event
	Scheme Scheme
	ID     string
	Method string
	Params []string
}

func (t *Tap) take(ev Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[ev.ID] {
		return
	}
	t.seen[ev.ID] = true
	switch ev.PubKey {
	case t.client.Pub:
		t.request(ev)
	case t.signer:
		if p := ev.Tags.Find("p"); p != nil && p[1] == t.client.Pub {
			t.reply(ev)
		}
	}
}

func (t *Tap) request(ev Event) {
	text, scheme, err := t.client.Decrypt(t.signer, ev.Content)
	if err != nil {
		return // not for this signer, or nonsense: the library's affair
	}
	a := Asked{Event: ev, Scheme: scheme}
	var body struct {
		ID     string            `json:"id"`
		Method string            `json:"method"`
		Params []json.RawMessage `json:"params"`
	}
	if json.Unmarshal([]byte(text), &body) != nil || body.Method == "" {
		return // snort acknowledges the reply to nostrconnect by a message without a method
	}
	a.ID, a.Method = body.ID, body.Method
	for _, p := range body.Params {
		var s string
		if json.Unmarshal(p, &s) != nil {
			s = string(p)
		}
		a.Params = append(a.Params, s)
	}
	t.asked = append(t.asked, a)
}

func (t *Tap) reply(ev Event) {
	if ahead := int64(ev.CreatedAt) - time.Now().Unix(); ahead > 0 {
		t.wrong = append(t.wrong, fmt.Sprintf("a reply is dated %d s ahead", ahead))
	}
	if err := Verify(&ev); err != nil {
		t.wrong = append(t.wrong, err.Error())
	}
	text, scheme, err := t.client.Decrypt(t.signer, ev.Content)
	if err != nil {
		t.wrong = append(t.wrong, "a reply that cannot be decrypted: "+err.Error())
		return
	}
	r, err := ParseReply(text)
	if err != nil {
		t.wrong = append(t.wrong, err.Error())
		return
	}
	r.Event, r.Scheme = ev, scheme
	if err := Shape(&r); err != nil {
		t.wrong = append(t.wrong, err.Error())
	}
	t.told[r.ID] = append(t.told[r.ID], r)
}

// Shape reports what a reply has that it should not have, or lacks (interop.md, 5).
func Shape(r *Reply) error {
	want := []string{"id", "result"}
	if r.Failed() {
		want = []string{"error", "id", "result"}
		if r.Result != "error" && r.Result != "auth_url" {
			return fmt.Errorf("a failure with the result %q", r.Result)
		}
	}
	var have []string
	for name := range r.Keys {
		have = append(have, name)
	}
	slices.Sort(have)
	if !slices.Equal(have, want) {
		return fmt.Errorf("a reply with the members %q, wanted %q: %.200s", have, want, r.Text)
	}
	return nil
}

// Asked returns the requests so far.
func (t *Tap) Asked() []Asked {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.asked)
}

// Last returns the last request of a method. The tap hears with a delay of its own, so the first one is waited for.
func (t *Tap) Last(method string) (Asked, bool) {
	for deadline := time.Now().Add(Patience); ; time.Sleep(20 * time.Millisecond) {
		for _, a := range slices.Backward(t.Asked()) {
			if a.Method == method {
				return a, true
			}
		}
		if time.Now().After(deadline) {
			return Asked{}, false
		}
	}
}

// Problems reports every request that was not answered exactly once, in its own envelope and shape (interop.md, 1, 5, 6,
// 10), for which it waits a while.
func (t *Tap) Problems() []string {
	var found []string
	for deadline := time.Now().Add(Patience); ; time.Sleep(50 * time.Millisecond) {
		found = t.problems()
		if len(found) == 0 || time.Now().After(deadline) {
			return found
		}
	}
}

func (t *Tap) problems() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := slices.Clone(t.wrong)
	byID, first := map[string]int{}, map[string]nostr.Timestamp{}
	for _, a := range t.asked {
		if byID[a.ID]++; byID[a.ID] == 1 {
			first[a.ID] = a.Event.CreatedAt
		}
	}
	for _, a := range t.asked {
		replies := t.told[a.ID]
		if a.Method == "disconnect" {
			continue // the connection is gone when the answer comes
		}
		if len(replies) != byID[a.ID] {
			found = append(found, fmt.Sprintf("%s (%s): %d replies to %d requests", a.Method, a.ID, len(replies), byID[a.ID]))
		}
		for _, r := range replies {
			if r.Event.CreatedAt < first[a.ID]-1 { // clients subscribe with since: now, and some round it up
				found = append(found, fmt.Sprintf("%s is dated %d, and its reply %d", a.Method, first[a.ID], r.Event.CreatedAt))
			}
			if r.Scheme != a.Scheme && !(a.Scheme == NIP44 && r.Scheme == Extended) {
				found = append(found, fmt.Sprintf("%s came as %s and is answered as %s", a.Method, a.Scheme, r.Scheme))
			}
		}
	}
	return found
}

// Story tells the last requests and their replies, for a test that failed.
func (t *Tap) Story(last int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, a := range t.asked[max(0, len(t.asked)-last):] {
		fmt.Fprintf(&b, "%s (%s, %s, dated %d):", a.Method, a.ID, a.Scheme, a.Event.CreatedAt)
		for _, r := range t.told[a.ID] {
			fmt.Fprintf(&b, " %.200s", r.Text)
		}
		for _, ok := range t.oks {
			if strings.Contains(ok, a.Event.ID) {
				fmt.Fprintf(&b, " [relay: %.100s]", ok[6:])
			}
		}
		b.WriteString("\n")
	}
	return b.String() + strings.Join(t.wrong, "\n")
}
