package bunkertest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"nsecbunker/internal/adminwire"
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

// TestAnAdminsKeyInAnotherBunkerSignsLoginsAndNoCommand: a person is asked there for each
// login, and nobody for a dangerous command, which no app gets a signature for; who gave it
// is told where to.
func TestAnAdminsKeyInAnotherBunkerSignsLoginsAndNoCommand(t *testing.T) {
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
	if !heard.has("the login") {
		t.Errorf("who waits hears %q", heard.words)
	}
	asked := len(keeps.Admin("approval.answered", nil).Each("approvals"))
	_, err := s.Try("key.export", Params{"key": "herald", "password": "a long password"})
	var refused *nip46.RemoteError
	if !errors.As(err, &refused) || !strings.Contains(refused.Text, "blocked: ") || !strings.Contains(refused.Text, "in that bunker's terminal") {
		t.Errorf("a dangerous command: %v", err)
	}
	if n := len(keeps.Admin("approval.answered", nil).Each("approvals")); n != asked || len(keeps.Admin("approval.list", nil).Each("approvals")) != 0 {
		t.Error("somebody was asked for the signature over a command")
	}
	if v := b.Admin("audit.list", Params{"action": "key.export"}); len(v.Each("records")) != 0 {
		t.Errorf("the log says %v", v)
	}
	if v := b.Admin("audit.list", Params{"action": "session.open"}); v.Text("records.0.principal") != npub {
		t.Errorf("the log says %v", v)
	}
}
