package bunkertest

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"nsecbunker/internal/adminwire"
	"nsecbunker/internal/bunker"
	"nsecbunker/internal/remote"
	"nsecbunker/nostr"
	"nsecbunker/nostr/nip19"
)

// Person is an admin with a key and a device of his own.
type Person struct {
	Key    *nostr.SecretKey
	Device adminwire.DeviceKey
	// Mute: his key signs nothing.
	Mute bool
	// Patience is how long he waits for a bunker that may say nothing; 0: as long as
	// everybody.
	Patience time.Duration

	b *Bunker
}

// Person makes an admin of a role; "" for somebody who is none.
func (b *Bunker) Person(role string) *Person {
	b.t.Helper()
	key, err := nostr.GenerateKey(b.Arena)
	if err != nil {
		b.t.Fatal(err)
	}
	p := &Person{Key: key, b: b}
	p.NewDevice()
	if role != "" {
		b.Admin("admin.add", Params{"npub": p.Npub(), "role": role})
	}
	return p
}

// Npub is the person's npub.
func (p *Person) Npub() string { return nip19.EncodeNpub(p.Key.PubKey()) }

// NewDevice gives him another device.
func (p *Person) NewDevice() {
	p.b.t.Helper()
	var err error
	if p.Device, err = adminwire.NewDeviceKey(); err != nil {
		p.b.t.Fatal(err)
	}
}

// Sign implements remote.Signer.
func (p *Person) Sign(_ context.Context, t *nostr.Template) (*nostr.Event, error) {
	if p.Mute {
		return nil, errors.New("this key signs nothing")
	}
	ev := t.Event(p.Key.PubKey())
	return ev, p.Key.Sign(ev)
}

// Session is a person's session from afar.
type Session struct {
	*remote.Client
	b *Bunker
}

// TryDial logs in over the bunker's relays. resume: with the device alone, if the
// bunker remembers it.
func (p *Person) TryDial(target string, resume bool) (*Session, error) {
	p.b.t.Helper()
	t, err := adminwire.ParseConnectionString(target)
	if err != nil {
		p.b.t.Fatal(err)
	}
	cfg := remote.Config{
		Target: t, Device: p.Device, Label: "a test", Origin: "a test", Resume: resume, Arena: p.b.Arena, Now: p.b.Clock.Now, Patience: p.Patience,
	}
	if !p.Mute {
		cfg.Signer = p
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	c, err := remote.Dial(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s := &Session{c, p.b}
	p.b.t.Cleanup(func() { _ = c.Close() }) // the bunker may be gone
	return s, nil
}

// Dial is TryDial that must succeed.
func (p *Person) Dial() *Session {
	p.b.t.Helper()
	s, err := p.TryDial(p.b.ConnectionString(), false)
	if err != nil {
		p.b.t.Fatal(err)
	}
	return s
}

// In is Dial with the device confirmed from the bunker's machine.
func (p *Person) In() *Session {
	p.b.t.Helper()
	s := p.Dial()
	if !s.Confirmed() {
		p.b.Admin("device.confirm", Params{"digits": s.Code()})
		s.Await()
	}
	return s
}

// Await waits until the device is confirmed.
func (s *Session) Await() {
	s.b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.AwaitConfirmation(ctx); err != nil {
		s.b.t.Fatal(err)
	}
}

// Try runs a command from afar.
func (s *Session) Try(command string, p Params) (Answer, error) {
	s.b.t.Helper()
	params, err := json.Marshal(p)
	if err != nil {
		s.b.t.Fatal(err)
	}
	if p == nil {
		params = nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var raw json.RawMessage
	if err := s.Call(ctx, command, params, nil, &raw); err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		s.b.t.Fatal(err)
	}
	return answerOf(s.b.t, v), nil
}

// Do is Try for what must succeed.
func (s *Session) Do(command string, p Params) Answer {
	s.b.t.Helper()
	a, err := s.Try(command, p)
	if err != nil {
		s.b.t.Fatalf("%s from afar: %v", command, err)
	}
	return a
}

// Refused is Try for what must fail.
func (s *Session) Refused(command string, p Params) *bunker.Error {
	s.b.t.Helper()
	a, err := s.Try(command, p)
	if err == nil {
		s.b.t.Fatalf("%s from afar was not refused: %v", command, a)
	}
	return bunker.AsError(err)
}

// Hears waits for the next notice of a type.
func (s *Session) Hears(kind string) map[string]string {
	s.b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		n, err := s.Notice(ctx)
		if err != nil {
			s.b.t.Fatalf("no notice of type %s: %v", kind, err)
		}
		if n.Type != kind {
			continue
		}
		var data map[string]string
		if err := json.Unmarshal(n.Data, &data); err != nil {
			s.b.t.Fatal(err)
		}
		return data
	}
}
