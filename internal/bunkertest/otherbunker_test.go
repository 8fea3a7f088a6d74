package bunkertest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/remote"
	"nsecbunker/nostr/nip46"
)

// said is what somebody heard who waits for a signature of another bunker.
type said struct {
	mu    sync.Mutex
	words []string
}

func (s *said) say(words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.words = append(s.words, words)
}

func (s *said) has(part string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(strings.Join(s.words, "\n"), part)
}

// elsewhere is a bunker that an admin administers with a key that is kept in another
// one, and his key as remote.Dial takes it.
func elsewhere(t *testing.T) (keeps, b *Bunker, npub string, heard *said, dial func() (*remote.Client, error)) {
	t.Helper()
	t.Parallel()
	keeps, b = Start(t, Options{}), Start(t, Options{})
	npub = keeps.AddKey("me")
	b.AddKey("herald")
	npub = b.Admin("admin.add", Params{"npub": npub, "role": "owner"}).Text("admin.npub")
	app := keeps.Client(keeps.Token("me", "all"))
	heard = &said{}
	device, err := adminwire.NewDeviceKey()
	if err != nil {
		t.Fatal(err)
	}
	target, err := adminwire.ParseConnectionString(b.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	return keeps, b, npub, heard, func() (*remote.Client, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
		defer cancel()
		return remote.Dial(ctx, remote.Config{
			Target: target, Device: device, Label: "a test", Origin: "a test", Arena: b.Arena, Now: b.Clock.Now,
			Signer: &remote.Waiting{Ask: app.SignEvent, Say: heard.say},
		})
	}
}

// yes answers the one open question with a yes.
func (b *Bunker) yes(does string) {
	b.t.Helper()
	q := b.Question()
	if !strings.Contains(q.Text("sentence"), does) || !q.Is("once_only") {
		b.t.Errorf("it asks: %s", q.Text("sentence"))
	}
	b.Reply(nil)
}

// TestAnAdminsKeyInAnotherBunkerSignsCommands: a person is asked there each time, for
// the login and for the dangerous command; who waits is told so.
func TestAnAdminsKeyInAnotherBunkerSignsCommands(t *testing.T) {
	keeps, b, npub, heard, dial := elsewhere(t)
	type dialed struct {
		c   *remote.Client
		err error
	}
	in := make(chan dialed, 1)
	go func() {
		c, err := dial()
		in <- dialed{c, err}
	}()
	keeps.yes("log in as administrator of the bunker")
	got := <-in
	if got.err != nil {
		t.Fatal(got.err)
	}
	s := &Session{got.c, b}
	t.Cleanup(func() { _ = got.c.Close() })
	b.Admin("device.confirm", Params{"digits": s.Code()})
	s.Await()
	s.Do("key.list", nil) // nobody is asked
	done := make(chan error, 1)
	go func() {
		_, err := s.Try("key.export", Params{"key": "herald", "password": "a long password"})
		done <- err
	}()
	q := keeps.Question()
	if !strings.Contains(q.Text("sentence"), "give the command key.export to the bunker") || !strings.Contains(q.Text("card.warnings.1"), "say yes only to what you have just ordered yourself") {
		t.Errorf("it asks: %v", q)
	}
	// The app hears after half a minute that nobody has said yes, and asks again.
	keeps.Pass(31 * time.Second)
	keeps.Until("who waits is told", func() bool { return heard.has("Nobody has said yes") })
	if !heard.has("the command key.export") {
		t.Errorf("who waits hears %q", heard.words)
	}
	keeps.yes("give the command key.export")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if v := b.Admin("audit.list", Params{"action": "key.export"}); v.Text("records.0.principal") != npub || v.Text("records.0.door") != "relay" {
		t.Errorf("the log says %v", v)
	}
	// The signature was over that command: another one asks anew, and a no ends it.
	go func() {
		_, err := s.Try("key.delete", Params{"key": "herald"})
		done <- err
	}()
	keeps.Question()
	keeps.Reply(Params{"deny": true})
	err := <-done
	var refused *nip46.RemoteError
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, "restricted") {
		t.Errorf("a no there: %v", err)
	}
	if v := b.Admin("key.show", Params{"key": "herald"}); v.Text("key.state") != string(bunker.KeyActive) {
		t.Errorf("the key is %v", v)
	}
}
